"""An image series as a listing tells it: plane, contrast, spacing, and what is wrong with its slices."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.findings import Sequence
from foramgrade.volume import Grid

#: A slice normal whose largest direction cosine is below this (36.9 degrees off the axis) belongs to no standard plane.
STANDARD_PLANE_COSINE = 0.8

#: Spacings of at least this share of the largest count as equal to it.
EQUAL_SPACING = 0.99


class Plane(StrEnum):
    """Anatomical plane of the slices."""

    SAGITTAL = "sagittal"
    """Slices are stacked from left to right."""
    CORONAL = "coronal"
    """Slices are stacked from posterior to anterior."""
    AXIAL = "axial"
    """Slices are stacked from inferior to superior."""
    OBLIQUE = "oblique"
    """Slices are tilted too far to belong to one of the three."""


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """One image series, as told by its header.

    Parameters
    ----------
    uid : str or None
        UID of the series; where a series holds several volumes, followed by "#" and the volume's number. None in
        formats that have none.
    name : str
        What to call it: name of the file, without its folder; of a DICOM series its description, without the patient's
        names and numbers.
    plane : Plane
        Plane of the slices.
    n_slices : int
        Number of slices, repeated ones counted once.
    spacing_mm : tuple of three float
        Distance between voxel centres along the stored axes, mm.
    shape : tuple of three int
        Number of voxels along the stored axes.
    dtype : str
        Type of the intensities, e.g. "int16".
    weighting : Sequence or None
        Contrast, None when not recorded.
    value_range : tuple of two float, or None
        Smallest and largest value, None when the voxels were not read.
    key : str
        Short name in this listing, for the choice of a series; empty for a file that holds a single one.
    fat_suppressed : bool or None
        Whether the signal of fat was suppressed, None when not recorded.
    contrast_reason : str
        What the contrast was told from, e.g. "TR 4320 ms, TE 92 ms".
    orientation : str
        Where the stored axes point, e.g. "PIR": posterior, inferior, right.
    vendor : str
        Manufacturer of the scanner.
    gaps : int
        Number of gaps between neighbouring slices that differ from the usual one.
    duplicates : int
        Number of slices at a place that another slice has taken.
    problems : tuple of str
        Why the series cannot be read as it is, with files, places and gaps; empty for a regular one.
    case : str
        Pseudonym of the study, see :func:`foramgrade.loaders.case_id`; empty in formats that do not name one.
    """

    uid: str | None
    name: str
    plane: Plane
    n_slices: int
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    dtype: str
    weighting: Sequence | None = None
    value_range: tuple[float, float] | None = None
    key: str = ""
    fat_suppressed: bool | None = None
    contrast_reason: str = ""
    orientation: str = ""
    vendor: str = ""
    gaps: int = 0
    duplicates: int = 0
    problems: tuple[str, ...] = ()
    case: str = ""


def slice_axis(grid: Grid) -> int:
    """Axis along which the slices are stacked: the one of largest spacing, the shortest of several equal ones.

    Examples
    --------
    >>> slice_axis(Grid((17, 320, 320), np.diag([4.4, 0.5, 0.5, 1.0])))
    0
    """
    widest = max(grid.spacing_mm)
    candidates = [axis for axis in (2, 1, 0) if grid.spacing_mm[axis] >= EQUAL_SPACING * widest]
    return min(candidates, key=lambda axis: grid.shape[axis])


def find_plane(grid: Grid) -> Plane:
    """Anatomical plane of the slices, from the direction in which they are stacked.

    Notes
    -----
    Limits: the slices of an isotropic volume are taken to be stacked along its shortest axis, whatever the protocol.

    Examples
    --------
    >>> find_plane(Grid((17, 320, 320), np.diag([4.4, 0.5, 0.5, 1.0])))
    <Plane.SAGITTAL: 'sagittal'>
    """
    return plane_across(grid.directions[:, slice_axis(grid)])


def plane_across(normal: FloatArray) -> Plane:
    """Anatomical plane of slices with this unit normal (3,), RAS+ or LPS.

    Examples
    --------
    >>> plane_across(np.array([0.99, 0.1, 0.1]))
    <Plane.SAGITTAL: 'sagittal'>
    """
    cosines = np.abs(normal)
    if cosines.max() < STANDARD_PLANE_COSINE:
        return Plane.OBLIQUE
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[int(cosines.argmax())]


def name_axes(directions: FloatArray) -> str:
    """Name the anatomical direction that each of three axes is nearest to.

    Parameters
    ----------
    directions : (3, 3) float array
        Unit vectors of the axes in the world (RAS+), as columns.

    Returns
    -------
    str
        Three letters of R, L, A, P, S, I.

    Examples
    --------
    >>> name_axes(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    'PIR'
    """
    letters = ("LR", "PA", "IS")
    nearest = np.abs(directions).argmax(axis=0)
    return "".join(letters[world][int(directions[world, axis] > 0)] for axis, world in enumerate(nearest))
