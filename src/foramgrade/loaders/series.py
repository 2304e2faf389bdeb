"""What is in a file or a folder, told without reading the voxels."""

import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from foramgrade.errors import InputError
from foramgrade.loaders.files import READABLE, Format, format_by_name, is_dicom
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.reading import find_door, read_volume
from foramgrade.volume import Grid, Sequence

log = logging.getLogger(__name__)

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
        Identifier of the series; None in formats that have none.
    name : str
        Name of the file, without its folder.
    plane : Plane
        Plane of the slices.
    n_slices : int
        Number of slices.
    spacing_mm : tuple of three float
        Distance between voxel centres along the stored axes, mm.
    shape : tuple of three int
        Number of voxels along the stored axes.
    dtype : str
        Type of the stored values, e.g. "int16".
    weighting : Sequence or None
        Contrast, None when not recorded.
    value_range : tuple of two float, or None
        Smallest and largest value, None when the voxels were not read.
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
    normal = np.abs(grid.directions[:, slice_axis(grid)])
    if normal.max() < STANDARD_PLANE_COSINE:
        return Plane.OBLIQUE
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[int(normal.argmax())]


def list_series(
    path: str | Path, *, read_values: bool = False, orientation: Orientation | None = None
) -> tuple[SeriesInfo, ...]:
    """List the image series in a file or directly in a folder.

    Parameters
    ----------
    path : str or Path
        A NIfTI, MetaImage or NRRD file, or a folder of them.
    read_values : bool
        Also read the voxels, for the range of values.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree.

    Returns
    -------
    tuple of SeriesInfo
        One per series, in the order of the file names.

    Raises
    ------
    InputError
        If there is nothing to list, or nothing of it can be read.

    Notes
    -----
    Limits: a file in a folder that cannot be read is left out with a warning in the log that says why, unless none can.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel as nib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     image = nib.Nifti1Image(np.zeros((17, 320, 320), np.int16), np.diag([4.4, 0.5, 0.5, 1]))
    ...     nib.save(image, Path(folder) / "T2.nii.gz")
    ...     (series,) = list_series(folder)
    >>> series.name, series.plane.value, series.n_slices
    ('T2.nii.gz', 'sagittal', 17)
    """
    path = Path(path)
    if not path.is_dir():
        return (_describe(path, read_values=read_values, orientation=orientation),)
    files = [f for f in sorted(path.iterdir()) if f.is_file() and format_by_name(f) not in (None, Format.DICOM)]
    if not files:
        if any(is_dicom(file) for file in path.rglob("*") if file.is_file()):
            find_door(path)  # says that DICOM is not read
        msg = f"the folder {path.name} holds no image, expected {READABLE}"
        raise InputError(msg)
    found, refused = [], []
    for file in files:
        try:
            found.append(_describe(file, read_values=read_values, orientation=orientation))
        except InputError as error:
            log.warning("left out: %s", error)
            refused.append(error)
    if not found:
        raise refused[0]
    return tuple(found)


def _describe(path: Path, *, read_values: bool, orientation: Orientation | None) -> SeriesInfo:
    door = find_door(path)
    grid, dtype = door.header(path, orientation=orientation)
    value_range = None
    if read_values:
        values = read_volume(path, orientation=orientation).array
        value_range = float(np.min(values)), float(np.max(values))
    return SeriesInfo(
        uid=None,
        name=path.name,
        plane=find_plane(grid),
        n_slices=grid.shape[slice_axis(grid)],
        spacing_mm=grid.spacing_mm,
        shape=grid.shape,
        dtype=dtype.newbyteorder("=").name,
        value_range=value_range,
    )
