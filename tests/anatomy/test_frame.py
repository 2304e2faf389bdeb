"""A level's axes against the axes a level was drawn with."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.frame import FEWEST_DISC_VOXELS, Frame, fit_frame
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.arrays import FloatArray
from foramgrade.volume import Grid

LABELS = (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))
#: Where the disc's centre is drawn, mm.
CENTRE = np.array([4.0, -31.0, 57.0])


def drawn_axes(turn_deg: tuple[float, float, float]) -> FloatArray:
    """Right, anterior, superior as rows."""
    axes: FloatArray = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix().T
    return axes


def draw(
    turn_deg: tuple[float, float, float] = (9.0, -6.0, 5.0),
    *,
    lateral_mm: tuple[float, float] = (-32.0, 32.0),
    spacing_mm: tuple[float, float, float] = (1.0, 1.1, 4.4),
    disc: bool = True,
    canal: bool = True,
    disc_mm: tuple[float, float, float] = (24.0, 18.0, 4.0),
) -> Spine:
    """Two bodies with spinous processes, a disc of the given half-sizes and a canal, in slices across the world's x."""
    stored = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]) @ np.diag(spacing_mm)
    sizes = (110.0, 90.0, lateral_mm[1] - lateral_mm[0])
    shape = tuple(int(np.ceil(size / step)) for size, step in zip(sizes, spacing_mm, strict=True))
    affine = np.eye(4)
    affine[:3, :3] = stored
    middle = CENTRE + np.array([(lateral_mm[0] + lateral_mm[1]) / 2, -20.0, 0.0])
    affine[:3, 3] = middle - stored @ ((np.array(shape) - 1) / 2)
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    r, a, s = np.moveaxis((grid.to_world(ijk) - CENTRE) @ drawn_axes(turn_deg).T, -1, 0)
    codes = np.zeros(shape, np.uint16)
    body = (np.abs(r) < 22) & (np.abs(a) < 17)
    spinous = (np.abs(r) < 4) & (a < -35) & (a > -60)
    codes[(body & (s > 4) & (s < 30)) | (spinous & (s > 0) & (s < 18))] = 1
    codes[(body & (s < -4) & (s > -30)) | (spinous & (s < -12) & (s > -30))] = 2
    if disc:
        codes[(np.abs(r) < disc_mm[0]) & (np.abs(a) < disc_mm[1]) & (np.abs(s) < disc_mm[2])] = 101
    if canal:
        codes[(np.abs(r) < 9) & (a < -19) & (a > -33)] = 200
    return find_spine(AnatomicMap(codes, grid, LABELS))


def error_deg(frame: Frame, axes: FloatArray) -> FloatArray:
    """Angle of each axis to the drawn one, degrees."""
    angles: FloatArray = np.degrees(np.arccos(np.clip((frame.axes * axes).sum(axis=1), -1, 1)))
    return angles


def assert_right_handed(frame: Frame) -> None:
    assert frame.axes @ frame.axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert frame.right == pytest.approx(np.cross(frame.anterior, frame.superior), abs=1e-12)


@pytest.mark.parametrize("turn_deg", [(0, 0, 0), (9, -6, 5), (-25, 0, 0), (12, 10, -14)])
def test_axes_are_those_of_the_level(turn_deg: tuple[float, float, float]) -> None:
    spine = draw(turn_deg)
    frame = fit_frame(spine, spine.segments[0])
    assert not frame.from_grid
    assert_right_handed(frame)
    # The disc reaches 24 mm to either side in slices of 4.4 mm: half a slice more on one side moves its centre by
    # 1.1 mm over the 26 mm between disc and canal: 2.4 degrees of twist; across the disc a voxel in 36 mm: 1.8 degrees.
    assert error_deg(frame, drawn_axes(turn_deg)).max() < 2.4
    assert frame.origin_mm == pytest.approx(CENTRE, abs=1.2)


@pytest.mark.parametrize("turn_deg", [(0, 0, 0), (9, -6, 5)])
def test_without_a_canal_the_vertebrae_tell_the_front(turn_deg: tuple[float, float, float]) -> None:
    spine = draw(turn_deg, canal=False)
    frame = fit_frame(spine, spine.segments[0])
    assert_right_handed(frame)
    # Their spinous processes draw the centre of the vertebrae back by no more than a few millimetres: a short lever.
    assert error_deg(frame, drawn_axes(turn_deg)).max() < 10.0


def test_without_a_disc_superior_is_the_line_of_the_vertebrae() -> None:
    turn = (9.0, -6.0, 5.0)
    spine = draw(turn, disc=False)
    segment = replace(spine.segments[0], disc=None)  # nor bridged
    frame = fit_frame(spine, segment)
    assert_right_handed(frame)
    # The vertebrae's centres are drawn back unequally by their processes: a millimetre or two over 34 mm.
    assert error_deg(frame, drawn_axes(turn)).max() < 5.0
    between = (spine.segments[0].upper.centroid_mm + spine.segments[0].lower.centroid_mm) / 2
    # Moved along the right axis only, to the middle of the bodies.
    assert np.cross(frame.origin_mm - between, frame.right) == pytest.approx(0.0, abs=1e-9)
    assert np.linalg.norm(frame.origin_mm - between) < 2.0


def test_without_disc_and_canal_anterior_is_the_patients() -> None:
    spine = draw((9.0, 0.0, 0.0), disc=False, canal=False)
    frame = fit_frame(spine, replace(spine.segments[0], disc=None))
    assert_right_handed(frame)
    assert frame.anterior[1] > 0.95
    assert frame.right[0] > 0.99


@pytest.mark.parametrize("disc_mm", [(3.0, 3.0, 8.0), (24.0, 2.0, 4.0), (2.4, 2.0, 4.0)])
def test_a_disc_that_is_a_column_or_a_speck_does_not_tell_superior(disc_mm: tuple[float, float, float]) -> None:
    spine = draw(disc_mm=disc_mm)
    disc = spine.segments[0].disc
    assert disc is not None
    assert (disc.voxels < FEWEST_DISC_VOXELS) == (disc_mm[0] < 3)
    frame = fit_frame(spine, spine.segments[0])
    assert error_deg(frame, drawn_axes((9.0, -6.0, 5.0)))[2] < 5.0


@pytest.mark.parametrize(("lateral_mm", "side"), [((-32.0, 8.0), -1), ((-8.0, 32.0), 1), ((-10.0, 10.0), 0)])
def test_a_slab_is_centred_on_the_canal_not_on_what_is_left_of_the_disc(
    lateral_mm: tuple[float, float], side: int
) -> None:
    turn = (9.0, 0.0, 0.0)
    spine = draw(turn, lateral_mm=lateral_mm)
    frame = fit_frame(spine, spine.segments[0])
    assert frame.from_grid
    assert_right_handed(frame)
    disc = spine.segments[0].disc
    assert disc is not None
    # The disc's centre lies 8 mm to the side that the slab shows; the canal's is off by half a slice at the edge.
    assert np.sign(round((disc.centroid_mm - CENTRE)[0] / 4)) == side
    assert frame.origin_mm[0] == pytest.approx(CENTRE[0], abs=2.2)
    assert error_deg(frame, drawn_axes(turn)).max() < 2.4


def test_a_slab_without_a_canal_label_keeps_the_discs_centre() -> None:
    spine = draw((0.0, 0.0, 0.0), lateral_mm=(-32.0, 8.0), canal=False)
    frame = fit_frame(spine, spine.segments[0])
    assert frame.from_grid
    assert spine.segments[0].disc is not None
    assert frame.origin_mm == pytest.approx(spine.segments[0].disc.centroid_mm)


def test_right_is_the_patients_however_slices_are_stored() -> None:
    spine = draw((0.0, 0.0, 0.0), lateral_mm=(-10.0, 10.0))
    affine = spine.grid.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (spine.grid.shape[2] - 1)
    affine[:3, 2] *= -1
    other = find_spine(AnatomicMap(spine.codes[..., ::-1], Grid(spine.grid.shape, affine), LABELS))
    for one in (spine, other):
        assert fit_frame(one, one.segments[0]).right[0] > 0.99


def test_frame_coordinates_go_there_and_back() -> None:
    axes = drawn_axes((20.0, -15.0, 8.0))
    frame = Frame(CENTRE, *axes)
    points = np.random.default_rng(0).normal(0, 30, (4, 5, 3))
    assert frame.to_world(frame.to_frame(points)) == pytest.approx(points)
    assert frame.to_frame(CENTRE + 7.0 * axes[1]) == pytest.approx([0.0, 7.0, 0.0], abs=1e-12)
    assert frame.to_world(np.array([0.0, 0.0, 3.0])) == pytest.approx(CENTRE + 3.0 * axes[2])


def test_a_frame_keeps_its_own_read_only_axes() -> None:
    origin = np.zeros(3)
    frame = Frame(origin, *np.eye(3))
    origin[0] = 5.0
    assert frame.origin_mm[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        frame.right[0] = 2.0
