import numpy as np
import pytest

from foramgrade.loaders import Plane
from foramgrade.loaders.series import find_plane, name_axes, slice_axis
from foramgrade.volume import Grid


def tilted(degrees: float) -> Grid:
    """Axial slices tilted about the left-right axis."""
    angle = np.deg2rad(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Grid((320, 320, 20), affine @ np.diag([0.6, 0.6, 4.0, 1.0]))


@pytest.mark.parametrize(
    "degrees, plane", [(0, Plane.AXIAL), (30, Plane.AXIAL), (45, Plane.OBLIQUE), (60, Plane.CORONAL)]
)
def test_the_plane_is_told_from_the_stacking(degrees, plane):
    assert find_plane(tilted(degrees)) is plane


def test_the_default_grid_is_sagittal(oblique_grid):
    assert find_plane(oblique_grid) is Plane.SAGITTAL
    assert slice_axis(oblique_grid) == 2


@pytest.mark.parametrize("shape, axis", [((40, 256, 256), 0), ((256, 40, 256), 1), ((64, 64, 64), 2)])
def test_an_isotropic_volume_is_stacked_along_its_shortest_axis(shape, axis):
    assert slice_axis(Grid(shape, np.diag([0.9, 0.902, 0.898, 1.0]))) == axis


def test_axes_are_named_by_the_nearest_direction(oblique_grid):
    assert name_axes(oblique_grid.directions) == "PIL"
    assert name_axes(np.eye(3)) == "RAS"
