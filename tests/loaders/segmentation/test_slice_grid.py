import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders.segmentation.slice_grid import FramePlane, lay_frames
from foramgrade.volume import Grid

ROW, COLUMN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0])


def planes_at(*places, row=ROW, column=COLUMN):
    normal = np.cross(row, column)
    return [FramePlane(np.array([10.0, 20.0, 30.0]) + place * normal, row, column, (0.6, 0.7)) for place in places]


def lay(*places, depths=(None, None), grid=None):
    return lay_frames(planes_at(*places), (20, 26), depths_mm=depths, name="s.dcm", grid=grid)


@pytest.mark.parametrize(
    "places, stated, step, slots",
    [
        ((0, 4.4, 8.8), 4.4, 4.4, [0, 1, 2]),
        ((8.8, 0, 4.4, 0), 4.4, 4.4, [2, 0, 1, 0]),
        ((0, 8.8, 13.2), None, 4.4, [0, 2, 3]),
        ((0, 8.8, 26.4), None, 8.8, [0, 1, 3]),
        ((0, 8.8, 26.4), 4.4, 4.4, [0, 2, 6]),
        ((0, 8.8, 26.4), -4.4, 4.4, [0, 2, 6]),
        ((0, 4.4, 13.2), 3.0, 4.4, [0, 1, 3]),
        ((0, 4.4), 0.9, 4.4, [0, 1]),
        ((0, 4.39, 8.8, 13.21, 44.0), None, 4.4, [0, 1, 2, 3, 10]),
        ((0, 4.4004, 8.8008), 4.4, 4.4004, [0, 1, 2]),
    ],
)
def test_slice_spacing_by_the_stated_one_else_by_the_smallest_gap(places, stated, step, slots):
    layout = lay(*places, depths=(stated, 4.0))
    assert layout.grid.spacing_mm == pytest.approx((0.6, 0.7, step), abs=1e-9)
    assert layout.starts[:, 2].tolist() == slots
    np.testing.assert_allclose(layout.grid.to_world([0, 0, 0]), [10, 20, 30], atol=1e-9)


def test_frames_are_windows_on_the_array():
    layout = lay(4.4, 0.0)
    array = np.zeros(layout.grid.shape, np.uint8)
    layout.window(array, 0)[3, 5] = 7  # row 3, column 5
    assert np.argwhere(array).tolist() == [[5, 3, 1]]
    image = Grid((12, 26, 40), np.array([[0, 0, 4.4, 1.2], [0.0, -0.7, 0, 37.5], [-0.6, 0, 0, 36.0], [0, 0, 0, 1]]))
    with pytest.raises(InputError, match=r"lie up to .* mm beside the voxels of the image"):
        lay(4.4, 0.0, grid=image)


def test_a_single_slice_needs_a_depth():
    assert lay(0.0, depths=(None, 3.5)).grid.spacing_mm[2] == 3.5
    with pytest.raises(InputError, match="a single slice without spacing or thickness: give the grid"):
        lay(0.0, 0.0)


@pytest.mark.parametrize(
    "row, column, message",
    [
        (ROW, np.array([0.0, -0.6, -0.8]), "not at right angles"),
        (ROW, ROW, "not at right angles"),
    ],
)
def test_frames_without_right_angles_are_refused(row, column, message):
    with pytest.raises(InputError, match=message):
        lay_frames(planes_at(0, 4, row=row, column=column), (20, 26), depths_mm=(None, None), name="s.dcm")


def test_pixels_of_another_size_are_refused():
    planes = [*planes_at(0), FramePlane(np.array([14.0, 20.0, 30.0]), ROW, COLUMN, (0.5, 0.5))]
    with pytest.raises(InputError, match=r"frame 2 has pixels of \(0\.5, 0\.5\) mm, the first of \(0\.6, 0\.7\) mm"):
        lay_frames(planes, (20, 26), depths_mm=(None, None), name="s.dcm")


def test_a_volume_of_any_size_is_not_made():
    with pytest.raises(InputError, match=r"its frames span a volume of .* voxels: is its header damaged"):
        lay_frames(planes_at(0, 0.1, 60000), (4096, 4096), depths_mm=(0.1, None), name="s.dcm")
    with pytest.raises(InputError, match="its frames do not lie within 100000 mm of the origin"):
        lay_frames(planes_at(0, 1e9), (20, 26), depths_mm=(1.0, None), name="s.dcm")
