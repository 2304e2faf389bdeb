import numpy as np
import pytest

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders.segmentation.slice_grid import find_step, part_of
from foramgrade.volume import Grid

COSINES = np.array([0.0, 1.0, 0.0, 0.0, 0.0, -1.0])  # sagittal, LPS


def step_of(*places, depths=(None, None), grid=None):
    positions = np.array([-10.0, -20.0, 30.0]) + np.outer(places, np.cross(COSINES[:3], COSINES[3:]))
    return find_step(positions, COSINES, depths_mm=depths, name="s.dcm", grid=grid)


@pytest.mark.parametrize(
    "places, stated, step",
    [
        ((0, 4.4, 8.8), 4.4, 4.4),
        ((8.8, 0, 4.4, 0), 4.4, 4.4),
        ((0, 8.8, 13.2), None, 4.4),
        ((0, 8.8, 26.4), None, 8.8),
        ((0, 8.8, 26.4), 4.4, 4.4),
        ((0, 8.8, 26.4), -4.4, 4.4),
        ((0, 4.4, 13.2), 3.0, 4.4),
        ((0, 4.4), 0.9, 4.4),
        ((0, 4.4), 44.0, 4.4),
        ((0, 4.39, 8.8, 13.21, 44.0), None, 4.4),
        ((0, 4.4004, 8.8008), 4.4, 4.4004),
    ],
)
def test_slice_spacing_by_the_stated_one_else_by_the_smallest_gap(places, stated, step):
    assert step_of(*places, depths=(stated, 4.0)) == pytest.approx(step, abs=1e-9)


@pytest.mark.parametrize("places", [(0, 8.8, 22.0), (0, 8.8), (4.4,)])
def test_the_spacing_of_the_image_fills_gaps_that_have_no_common_measure(places):
    image = Grid((40, 26, 20), np.diag([4.4, 0.6, 0.7, 1.0]))
    assert step_of(*places, depths=(3.0, 3.0), grid=image) == pytest.approx(4.4, abs=1e-9)
    with pytest.raises(GridMismatchError, match=r"its slices at 0, 5 mm lie beside the voxels of the image"):
        step_of(0, 5, grid=image)


def test_a_single_slice_needs_a_depth():
    assert step_of(0.0, depths=(None, 3.5)) == 3.5
    with pytest.raises(InputError, match="a single slice without spacing or thickness: give the grid"):
        step_of(0.0, 0.0)


def test_slices_without_a_common_measure_are_refused():
    with pytest.raises(InputError, match=r"lie at 0, 4\.4, 10 mm, expected multiples of one slice spacing"):
        step_of(0.0, 4.4, 10.0)


def test_frames_turned_by_an_eighth_are_refused(oblique_grid):
    half = np.sqrt(0.5)
    turn = np.array([[half, -half, 0, 0], [half, half, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    turned = Grid((5, 5, 5), oblique_grid.affine @ np.diag([*1 / np.array(oblique_grid.spacing_mm), 1]) @ turn)
    with pytest.raises(GridMismatchError, match="turned against the axes of the image"):
        part_of(oblique_grid, turned, name="s.dcm")
