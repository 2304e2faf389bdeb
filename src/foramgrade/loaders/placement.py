"""Placing stored voxels in the patient: the checks that every format passes through."""

from math import asin, degrees

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.volume import Grid

#: Two voxel axes may miss the right angle by this much, degrees. Rounded direction cosines in real headers stay below
#: 0.01 degrees; at 0.1 degrees the far edge of a 300 mm field is displaced by half a millimetre.
MAX_SHEAR_DEG = 0.1

#: Distance between voxel centres that a spine series can have, mm. What lies outside is a header in the wrong unit.
PLAUSIBLE_SPACING_MM = (0.02, 100.0)

#: No number in a header that places a patient is larger than this, mm.
LARGEST_POSITION_MM = 1e5


def spatial_shape(shape: tuple[int, ...], *, name: str) -> tuple[int, int, int]:
    """Shape of the one volume in a file; further axes of size one are left out.

    Parameters
    ----------
    shape : tuple of int
        Sizes of the stored axes.
    name : str
        The file's name, for messages.

    Returns
    -------
    tuple of three int
        Sizes of the i, j and k axes.

    Raises
    ------
    InputError
        If the file holds a single picture, a time series or several channels.

    Examples
    --------
    >>> spatial_shape((320, 320, 17, 1), name="T2.nii.gz")
    (320, 320, 17)
    """
    sizes = tuple(int(n) for n in shape)
    if len(sizes) < 3:
        msg = f"{name} has {len(sizes)} axes (shape {sizes}), expected one volume of three"
        raise InputError(msg)
    if any(n != 1 for n in sizes[3:]):
        msg = f"{name} has {len(sizes)} axes (shape {sizes}), expected one volume of three: split it"
        raise InputError(msg)
    return sizes[0], sizes[1], sizes[2]


def place_grid(
    shape: tuple[int, int, int], affine: npt.NDArray[np.float64], *, name: str, sheared: bool = False
) -> Grid:
    """Grid of a file whose header was read, after the checks that hold for every format.

    Parameters
    ----------
    shape : tuple of three int
        Sizes of the i, j and k axes.
    affine : (4, 4) float array
        Voxel indices to world positions (RAS+), mm.
    name : str
        The file's name, for messages.
    sheared : bool
        Whether axes that are not at right angles are accepted.

    Returns
    -------
    Grid
        The grid.

    Raises
    ------
    InputError
        If the affine cannot be inverted, is sheared, or has a spacing that no spine series has.
    """
    if not np.abs(affine).max() <= LARGEST_POSITION_MM:
        msg = (
            f"{name} does not place its voxels within {LARGEST_POSITION_MM:g} mm of the origin: is its header damaged?"
        )
        raise InputError(msg)
    try:
        grid = Grid(shape, affine)
    except InputError as error:
        msg = f"{name}: {error}"
        raise InputError(msg) from error
    low, high = PLAUSIBLE_SPACING_MM
    if min(grid.spacing_mm) < low or max(grid.spacing_mm) > high:
        spacing = " x ".join(f"{s:.4g}" for s in grid.spacing_mm)
        msg = f"{name}: voxels are {spacing} mm apart, expected {low:g} to {high:g} mm: is the header in another unit?"
        raise InputError(msg)
    shear = _shear_deg(grid.directions)
    if shear > MAX_SHEAR_DEG and not sheared:
        msg = (
            f"{name}: the voxel axes miss the right angle by {shear:.2f} degrees, expected at most {MAX_SHEAR_DEG:g}: "
            "resample the sheared image onto a rectangular grid"
        )
        raise InputError(msg)
    return grid


def _shear_deg(directions: npt.NDArray[np.float64]) -> float:
    cosines = directions.T @ directions - np.eye(3)
    return degrees(asin(min(1.0, float(np.abs(cosines).max()))))
