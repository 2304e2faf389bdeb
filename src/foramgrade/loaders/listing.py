"""What is in a file, an archive or a folder, told without reading the voxels."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.archive import cause_of
from foramgrade.loaders.contrast import Contrast
from foramgrade.loaders.dicom.listing import list_dicom
from foramgrade.loaders.files import READABLE, Format, find_format, format_by_name
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.pseudonym import PUBLIC_SALT
from foramgrade.loaders.reading import find_door, read_volume
from foramgrade.loaders.series import SeriesInfo, find_plane, name_axes, slice_axis
from foramgrade.loaders.sidecar import read_contrast_beside
from foramgrade.loaders.sources import is_archive

log = logging.getLogger(__name__)

#: A file of whole numbers with at most this many distinct ones may be a label map.
MOST_LABELS = 100
#: Largest number in a label map.
LARGEST_LABEL = np.iinfo(np.uint16).max


def list_series(
    path: str | Path,
    *,
    read_values: bool = False,
    orientation: Orientation | None = None,
    salt: str = PUBLIC_SALT,
    progress: Callable[[int], None] | None = None,
) -> tuple[SeriesInfo, ...]:
    """List the image series in a file, an archive or a folder.

    Parameters
    ----------
    path : str or Path
        A file; a ZIP archive of DICOM files; or a folder of NIfTI, MetaImage and NRRD files, and of DICOM files also in
        its subfolders.
    read_values : bool
        Also read the voxels, for the range of values; not of irregular series.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree.
    salt : str
        Salt of the pseudonyms, see :func:`case_id`.
    progress : callable or None
        Called with the number of DICOM files seen so far.

    Returns
    -------
    tuple of SeriesInfo
        One per series, in the order of the file names; then DICOM series by study and number.

    Raises
    ------
    InputError
        If there is nothing to list, or nothing of it can be read.

    Notes
    -----
    Limits: what cannot be read is left out with a warning in the log that says why, unless nothing can.

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
    if find_format(path) is not Format.DICOM:
        return (_describe(path, read_values=read_values, orientation=orientation),)
    found, refused = [], []
    for file in _volumes_in(path):
        try:
            found.append(_describe(file, read_values=read_values, orientation=orientation))
        except InputError as error:
            log.warning("left out: %s", error)
            refused.append(error)
    try:
        found += list_dicom(path, read_values=read_values, salt=salt, progress=progress)
    except InputError as error:
        if not found:
            raise
        log.warning("left out: %s", error)
    if not found:
        if refused:
            raise refused[0]
        # Like a folder, an archive is often called after a person.
        name = "the archive" if not path.is_dir() and is_archive(path) else path.name
        what = "the folder holds no image" if path.is_dir() else f"{name} holds no picture"
        msg = f"{what}, expected {READABLE}"
        raise InputError(msg)
    return tuple(found)


def _volumes_in(path: Path) -> list[Path]:
    """Files directly in a folder that hold a volume each."""
    if not path.is_dir():
        return []
    try:
        return [f for f in sorted(path.iterdir()) if f.is_file() and format_by_name(f) not in (None, Format.DICOM)]
    except OSError as error:
        msg = f"the folder cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error


def _describe(path: Path, *, read_values: bool, orientation: Orientation | None) -> SeriesInfo:
    door = find_door(path)
    grid, dtype = door.header(path, orientation=orientation)
    value_range = None
    if read_values:
        values = read_volume(path, orientation=orientation).array
        value_range = float(np.min(values)), float(np.max(values))
    told = read_contrast_beside(path) or Contrast(None, None, "")
    return SeriesInfo(
        uid=None,
        name=path.name,
        plane=find_plane(grid),
        n_slices=grid.shape[slice_axis(grid)],
        spacing_mm=grid.spacing_mm,
        shape=grid.shape,
        dtype=dtype.newbyteorder("=").name,
        weighting=told.weighting,
        value_range=value_range,
        fat_suppressed=told.fat_suppressed,
        contrast_reason=told.reason,
        orientation=name_axes(grid.directions),
    )


def count_numbers(array: npt.NDArray[Any]) -> dict[int, int] | None:
    """Count the voxels of each number in what may be a label map.

    Parameters
    ----------
    array : array of real numbers
        Values of a file.

    Returns
    -------
    dict of int to int, or None
        Number of voxels by number, 0 left out; None where there are fractions, negative numbers or too many numbers.

    Examples
    --------
    >>> count_numbers(np.array([0, 0, 24, 24, 124])), count_numbers(np.array([0.5, 1.0]))
    ({24: 2, 124: 1}, None)
    """
    if np.any(array < 0) or np.any(array > LARGEST_LABEL) or np.any(array % 1):
        return None
    counts = np.bincount(array.ravel(order="K").astype(np.uint16))
    found = np.flatnonzero(counts)
    return {int(n): int(counts[n]) for n in found if n} if len(found) <= MOST_LABELS else None
