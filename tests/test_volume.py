import numpy as np
import pytest

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.findings import Sequence
from foramgrade.volume import SAME_GRID_TOLERANCE_MM, Grid, LabelMap, Volume


def test_the_default_grid_is_oblique_anisotropic_and_sagittal(oblique_grid):
    np.testing.assert_allclose(oblique_grid.spacing_mm, (0.6, 0.7, 4.4))
    assert np.abs(oblique_grid.directions).max(axis=0).tolist() == pytest.approx(
        np.abs(oblique_grid.directions[[1, 2, 0], [0, 1, 2]]).tolist()
    ), "i, j, k run along A-P, S-I and R-L"
    assert np.count_nonzero(np.abs(oblique_grid.directions) > 1e-3) == 9, "no axis is along the patient's"
    np.testing.assert_allclose(oblique_grid.directions.T @ oblique_grid.directions, np.eye(3), atol=1e-12)
    assert oblique_grid.voxel_volume_mm3 == pytest.approx(0.6 * 0.7 * 4.4)


def test_world_and_voxel_positions_are_inverse(oblique_grid):
    ijk = np.random.default_rng(0).uniform(-5, 30, (4, 7, 3))
    np.testing.assert_allclose(oblique_grid.to_ijk(oblique_grid.to_world(ijk)), ijk, atol=1e-9)


def test_a_world_position_by_hand(oblique_grid):
    expected = oblique_grid.affine @ [2, 3, 4, 1]
    np.testing.assert_allclose(oblique_grid.to_world([2, 3, 4]), expected[:3])


def test_corners_are_voxel_centres(oblique_grid):
    corners = oblique_grid.to_ijk(oblique_grid.corners_mm())
    assert {tuple(int(n) for n in np.rint(c)) for c in corners} == {
        (i, j, k) for i in (0, 19) for j in (0, 25) for k in (0, 8)
    }


@pytest.mark.parametrize("factor, same", [(0.9, True), (1.1, False)])
def test_grids_match_within_the_tolerance(factor, same, oblique_grid):
    moved = oblique_grid.affine.copy()
    moved[1, 3] += factor * SAME_GRID_TOLERANCE_MM
    assert oblique_grid.matches(Grid(oblique_grid.shape, moved)) is same


def test_grids_of_other_shape_do_not_match(oblique_grid):
    assert not oblique_grid.matches(Grid((20, 26, 10), oblique_grid.affine))


@pytest.mark.parametrize("cut, share", [(0, 1.0), (10, 0.5), (20, 0.0)])
def test_overlap_is_the_share_of_voxels_inside(cut, share, oblique_grid):
    shift = np.eye(4)
    shift[0, 3] = cut
    other = Grid(oblique_grid.shape, oblique_grid.affine @ shift)
    # 16 samples stand for 20 voxels: one sample is a sixteenth.
    assert oblique_grid.overlap(other) == pytest.approx(share, abs=1 / 16)


@pytest.mark.parametrize(
    "shape, affine, message",
    [
        ((2, 2, 2), np.eye(3), r"affine must be a finite 4 x 4 matrix, found shape \(3, 3\)"),
        ((2, 2, 2), np.diag([1, np.nan, 1, 1]), "affine must be a finite"),
        ((2, 2, 2), np.diag([1, 0, 1, 1]), "affine cannot be inverted"),
        ((2, 0, 2), np.eye(4), r"three axes of at least one voxel, found shape \(2, 0, 2\)"),
        ((2, 2), np.eye(4), r"three axes of at least one voxel, found shape \(2, 2\)"),
    ],
)
def test_faulty_grids_are_refused(shape, affine, message):
    with pytest.raises(InputError, match=message):
        Grid(shape, affine)


def test_the_affine_is_a_read_only_copy():
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 0] = 5
    assert grid.affine[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 5


def test_a_volume_keeps_a_read_only_copy_in_its_order_of_storage(oblique_grid):
    array = np.zeros(oblique_grid.shape, np.int16, order="F")
    volume = Volume(array, oblique_grid, Sequence.T1)
    array[0, 0, 0] = 9
    assert volume.array[0, 0, 0] == 0
    assert volume.array.flags.f_contiguous
    assert volume.array.dtype == np.int16
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 9  # type: ignore[index]


def test_what_nobody_can_write_to_is_not_copied(oblique_grid):
    own = np.zeros(oblique_grid.shape, np.int16)
    own.flags.writeable = False
    buffer = np.frombuffer(bytes(own.nbytes), np.int16).reshape(oblique_grid.shape, order="F")
    shown = np.frombuffer(memoryview(bytearray(own.nbytes)).toreadonly(), np.int16).reshape(oblique_grid.shape)
    for values in (own, buffer, shown):
        assert Volume(values, oblique_grid).array is values
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0, 0] = 1


def test_what_somebody_may_write_to_is_copied(oblique_grid):
    shape = oblique_grid.shape
    behind = np.zeros((2, *shape), np.int16)
    view = behind[0]
    view.flags.writeable = False
    open_buffer = np.frombuffer(bytearray(view.nbytes), np.int16).reshape(shape)
    open_buffer.flags.writeable = False
    part = np.frombuffer(bytes(2 * view.nbytes), np.int16).reshape(*shape, 2)[..., 0]
    for values in (view, open_buffer, part, np.zeros(shape)):
        kept = Volume(values, oblique_grid).array
        assert not np.shares_memory(kept, values)
        assert not kept.flags.writeable


def test_values_must_lie_on_the_grid(oblique_grid):
    with pytest.raises(GridMismatchError, match=r"the image has shape \(2, 2, 2\), its grid has shape \(20, 26, 9\)"):
        Volume(np.zeros((2, 2, 2)), oblique_grid)
    labels = np.ones(oblique_grid.shape, np.uint8)
    with pytest.raises(GridMismatchError, match=r"the label map has shape \(20, 26, 8\)"):
        LabelMap(labels, oblique_grid, "spineps", labels[..., 1:])


def test_labels_are_whole_numbers(oblique_grid):
    with pytest.raises(InputError, match="labels must be whole numbers, found an array of float64"):
        LabelMap(np.ones(oblique_grid.shape), oblique_grid, "spider")


def test_a_soft_map_names_the_likeliest_structure_and_hardens_at_one_half(oblique_grid):
    labels = np.zeros(oblique_grid.shape, np.uint8)
    shares = np.zeros(oblique_grid.shape)
    labels[2, 3, :4] = 24
    shares[2, 3, :4] = (0.2, 0.5, 0.49, 1.0)
    soft = LabelMap(labels, oblique_grid, "verse", shares=shares)
    shares[2, 3, 0] = 0.9
    assert soft.shares is not None
    assert soft.shares.dtype == np.float32
    assert soft.shares[2, 3, 0] == np.float32(0.2)
    with pytest.raises(ValueError, match="read-only"):
        soft.shares[2, 3, 0] = 0.9
    np.testing.assert_array_equal(soft.hard[2, 3, :5], [0, 24, 0, 24, 0])
    assert soft.hard.dtype == np.uint8
    hard = LabelMap(labels, oblique_grid, "verse")
    assert hard.hard is hard.array


@pytest.mark.parametrize(
    "share, label, message",
    [
        (1.2, 24, r"shares of voxels are 0 to 1, found 0 to 1\.2"),
        (-0.1, 24, r"shares of voxels are 0 to 1, found -0\.1 to 0"),
        (np.nan, 24, r"shares of voxels are 0 to 1, found nan to nan"),
        (0.3, 0, r"1 voxels have a share .* and no label, expected the likeliest structure"),
    ],
)
def test_faulty_shares_are_refused(share, label, message, oblique_grid):
    labels, shares = np.zeros(oblique_grid.shape, np.uint8), np.zeros(oblique_grid.shape)
    labels[2, 3, 4], shares[2, 3, 4] = label, share
    with pytest.raises(InputError, match=message):
        LabelMap(labels, oblique_grid, "verse", shares=shares)


def test_shares_lie_on_the_grid(oblique_grid):
    labels = np.zeros(oblique_grid.shape, np.uint8)
    with pytest.raises(GridMismatchError, match=r"the map of shares has shape \(2, 2, 2\)"):
        LabelMap(labels, oblique_grid, "verse", shares=np.zeros((2, 2, 2)))
