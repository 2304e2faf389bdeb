"""Reading an image series or a label map, whatever file it comes in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders.files import Format, find_format
from foramgrade.loaders.itk import read_itk, read_itk_header
from foramgrade.loaders.nifti import Orientation, read_nifti, read_nifti_header
from foramgrade.volume import Grid, LabelMap, Sequence, Volume

#: A label stored as a fraction is taken for the nearest whole number when no further away than this.
LABEL_ROUNDING_TOLERANCE = 1e-3


class ReadHeader(Protocol):
    """Reads the grid and the stored type of one file, not its voxels."""

    def __call__(self, path: Path, *, orientation: Orientation | None = None) -> tuple[Grid, np.dtype[Any]]:
        """Read the header."""


class ReadVoxels(Protocol):
    """Reads the voxels and the grid of one file."""

    def __call__(self, path: Path, *, orientation: Orientation | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
        """Read the values."""


@dataclass(frozen=True, slots=True)
class Door:
    """How files of one format come in.

    Parameters
    ----------
    header : ReadHeader
        Reads grid and stored type.
    voxels : ReadVoxels
        Reads values and grid.
    """

    header: ReadHeader
    voxels: ReadVoxels


#: The way in for every format that can be read.
DOORS: Mapping[Format, Door] = {
    Format.NIFTI: Door(read_nifti_header, read_nifti),
    Format.METAIMAGE: Door(read_itk_header, read_itk),
    Format.NRRD: Door(read_itk_header, read_itk),
}


def find_door(path: Path) -> Door:
    """Find the way in for a file.

    Raises
    ------
    InputError
        If there is no such file or its format is not read.
    """
    kind = find_format(path)
    if kind not in DOORS:
        what = "is a folder" if path.is_dir() else f"is a {kind.value} file"
        msg = f"{path.name} {what}, and DICOM series are not read yet: convert the series to NIfTI with dcm2niix"
        raise InputError(msg)
    return DOORS[kind]


def read_volume(
    path: str | Path,
    *,
    series: str | None = None,
    sequence: Sequence | None = None,
    orientation: Orientation | None = None,
) -> Volume:
    """Read one image series.

    Parameters
    ----------
    path : str or Path
        A NIfTI (.nii, .nii.gz), MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr) file.
    series : str or None
        Identifier of the series, for inputs that hold several; a file of these formats holds one.
    sequence : Sequence or None
        Contrast of the series; None when unknown. These formats do not record it.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree. The other formats hold a single
        placement and ignore it.

    Returns
    -------
    Volume
        Values in the order of storage: integers as stored, anything else as 32-bit floating point.

    Raises
    ------
    InputError
        If the file is missing, damaged, not one volume of finite real numbers, or does not say where in the patient it
        is; each with what was found and what was expected.

    Notes
    -----
    Limits: a unit of length that the header leaves open is taken for millimetres.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel as nib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "T2.nii.gz"
    ...     nib.save(nib.Nifti1Image(np.zeros((4, 320, 320), np.int16), np.diag([4.4, 0.5, 0.5, 1])), file)
    ...     image = read_volume(file, sequence=Sequence.T2)
    >>> image.array.shape, [round(mm, 3) for mm in image.grid.spacing_mm], image.sequence.value
    ((4, 320, 320), [4.4, 0.5, 0.5], 'T2')
    """
    path = Path(path)
    door = find_door(path)
    if series is not None:
        msg = f"{path.name} holds a single series: leave the series out, found {series!r}"
        raise InputError(msg)
    array, grid = door.voxels(path, orientation=orientation)
    if not np.issubdtype(array.dtype, np.integer):
        with np.errstate(over="ignore"):  # what does not fit becomes infinite and is counted below
            array = array.astype(np.float32, copy=False)
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            msg = f"{path.name} has {bad} voxels that are NaN or infinite, expected finite intensities"
            raise InputError(msg)
    return Volume(array, grid, sequence)


def read_labels(
    path: str | Path,
    *,
    scheme: str | Path,
    instances: str | Path | None = None,
    orientation: Orientation | None = None,
) -> LabelMap:
    """Read a segmentation as its tool wrote it.

    Parameters
    ----------
    path : str or Path
        A NIfTI, MetaImage or NRRD file of whole numbers. For schemes in two maps the map of subregions.
    scheme : str or Path
        Name of a label scheme, or the JSON file that defines one; it is resolved when the labels are interpreted.
    instances : str or Path or None
        For schemes in two maps (SPINEPS, TPTBox) the map of vertebra instances. It must hold the same voxels as the
        first; if stored in another order of axes it is turned, never resampled.
    orientation : Orientation or None
        Placement to believe where the qform and the sform of a NIfTI file disagree; for both maps.

    Returns
    -------
    LabelMap
        Labels in the smallest unsigned type that holds them, in the order of storage.

    Raises
    ------
    InputError
        If a file cannot be read, or its values are fractional, negative or all zero.
    GridMismatchError
        If the two maps do not hold the same voxels.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel as nib
    >>> values = np.zeros((4, 8, 8), np.float32)
    >>> values[1:3, 2:6, 2:6] = 24
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mask.nii.gz"
    ...     nib.save(nib.Nifti1Image(values, np.diag([4.4, 0.5, 0.5, 1])), file)
    ...     labels = read_labels(file, scheme="verse")
    >>> labels.array.dtype, int(labels.array.max()), labels.scheme
    (dtype('uint8'), 24, 'verse')
    """
    path = Path(path)
    array, grid = find_door(path).voxels(path, orientation=orientation)
    labels = _whole_numbers(array, path.name)
    vertebrae = None
    if instances is not None:
        other = Path(instances)
        array, other_grid = find_door(other).voxels(other, orientation=orientation)
        values = _whole_numbers(array, other.name)
        vertebrae = _turned_onto(values, other_grid, grid, names=(other.name, path.name))
    return LabelMap(labels, grid, str(scheme), vertebrae)


def _whole_numbers(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.unsignedinteger[Any]]:
    if not np.issubdtype(array.dtype, np.integer):
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            msg = f"{name} has {bad} voxels that are NaN or infinite, expected whole numbers"
            raise InputError(msg)
        rounded = np.rint(array)
        fractional = np.abs(array - rounded) > LABEL_ROUNDING_TOLERANCE
        if fractional.any():
            example = float(array[fractional][0])
            msg = (
                f"{name}: found {example:.4g} and {int(fractional.sum()) - 1} more fractions, expected whole numbers; "
                "was a probability map or a resampled mask given?"
            )
            raise InputError(msg)
        array = rounded
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0:
        msg = f"{name}: found the label {lowest}, expected no negative numbers (a mask stored as signed bytes?)"
        raise InputError(msg)
    if highest == 0:
        msg = f"{name} is empty: every voxel is 0, expected labelled structures"
        raise InputError(msg)
    return array.astype(np.min_scalar_type(highest))


def _turned_onto(
    array: npt.NDArray[Any], grid: Grid, target: Grid, *, names: tuple[str, str]
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Reorder the axes of `array` so that it lies on `target`, where both hold the same voxels."""
    turn = np.rint(np.linalg.solve(grid.affine, target.affine)[:3, :3])
    steps = np.abs(turn)
    if np.all(steps.sum(axis=0) == 1) and np.all(steps.sum(axis=1) == 1):
        axes = steps.argmax(axis=0)
        flipped = turn.sum(axis=0) < 0
        index = np.eye(4)
        index[:3, :3] = turn
        index[axes[flipped], 3] = np.array(grid.shape)[axes[flipped]] - 1
        turned = array.transpose(axes)[tuple(slice(None, None, -1 if flip else 1) for flip in flipped)]
        placed = Grid((turned.shape[0], turned.shape[1], turned.shape[2]), grid.affine @ index)
        if placed.matches(target):
            return turned
        if placed.shape == target.shape:
            apart = float(np.linalg.norm(placed.corners_mm() - target.corners_mm(), axis=1).max())
            msg = f"{names[0]} lies up to {apart:.3g} mm from {names[1]}, expected the same voxels in both maps"
            raise GridMismatchError(msg)
    msg = (
        f"{names[0]} (shape {grid.shape}, {_spacing(grid)} mm) does not hold the same voxels as "
        f"{names[1]} (shape {target.shape}, {_spacing(target)} mm): make both maps from one image"
    )
    raise GridMismatchError(msg)


def _spacing(grid: Grid) -> str:
    return " x ".join(f"{s:.3g}" for s in grid.spacing_mm)
