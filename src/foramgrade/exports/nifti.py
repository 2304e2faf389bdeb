"""NIfTI files of images and label maps, the same bytes for the same content."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.volume import Grid, LabelMap, Volume, harden

#: Best compression of the standard library.
_LEVEL = 9
#: qform and sform both say: scanner coordinates.
_SCANNER = 1
_STORABLE = (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64)


def write_nifti(array: npt.NDArray[np.generic], grid: Grid, path: Path) -> None:
    """Write an array on a grid as ``.nii`` or ``.nii.gz``.

    Parameters
    ----------
    array : (I, J, K) array
        Values; stored as they are, without scaling.
    grid : Grid
        Where the voxels are.
    path : Path
        File to write; its folder must exist.

    Raises
    ------
    InputError
        If the name does not end in .nii or .nii.gz, the shape is not the grid's, the data type has no place in NIfTI-1,
        or the voxel axes are sheared, which a qform cannot hold.

    Notes
    -----
    qform and sform are equal, both with code 1. gzip's time stamp and name are left out, so equal content gives equal
    files.
    """
    path = Path(path)
    if not path.name.endswith((".nii", ".nii.gz")):
        msg = f"a NIfTI file ends in .nii or .nii.gz, found {path.name!r}"
        raise InputError(msg)
    if array.shape != grid.shape:
        msg = f"{path.name}: array has shape {array.shape}, its grid {grid.shape}: they must be equal"
        raise InputError(msg)
    if array.dtype not in _STORABLE:
        msg = (
            f"{path.name}: cannot store {array.dtype}, expected one of {', '.join(np.dtype(t).name for t in _STORABLE)}"
        )
        raise InputError(msg)
    axes = grid.directions
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4:
        msg = f"{path.name}: the voxel axes are not at right angles, which NIfTI's qform cannot hold"
        raise InputError(msg)
    image = nib.Nifti1Image(np.asarray(array), grid.affine)
    image.set_qform(grid.affine, code=_SCANNER)
    image.set_sform(grid.affine, code=_SCANNER)
    image.header.set_xyzt_units(xyz="mm")
    content = image.to_bytes()
    if path.name.endswith(".gz"):
        content = gzip.compress(content, compresslevel=_LEVEL, mtime=0)
    path.write_bytes(content)


def write_volume(volume: Volume, path: Path) -> None:
    """Write an image (see `write_nifti`); the contrast is not part of the file.

    Parameters
    ----------
    volume : Volume
        Image.
    path : Path
        File to write, ``.nii`` or ``.nii.gz``.

    Raises
    ------
    InputError
        As `write_nifti`.
    """
    write_nifti(volume.array, volume.grid, path)


def write_labels(labels: LabelMap, path: Path, *, instances_path: Path | None = None) -> None:
    """Write a label map, and its map of instances if it has one.

    Parameters
    ----------
    labels : LabelMap
        Labels, stored in the smallest of uint8, int16 and int32 that holds them; of a soft map those of the voxels of
        which at least half is labelled, the shares are not part of the file.
    path : Path
        File to write, ``.nii`` or ``.nii.gz``.
    instances_path : Path or None
        File for the instances.

    Raises
    ------
    InputError
        As `write_nifti`; or if there are instances and no file for them, or the reverse.
    """
    if (labels.instances is None) != (instances_path is None):
        found = "no instances" if labels.instances is None else "instances"
        wanted = "no file" if instances_path is None else "a file"
        msg = f"the label map has {found}, but {wanted} was named for them"
        raise InputError(msg)
    write_nifti(_smallest(labels.hard), labels.grid, path)
    if labels.instances is not None and instances_path is not None:
        write_nifti(_smallest(harden(labels.instances, labels.shares)), labels.grid, instances_path)


def _smallest(array: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    low, high = int(array.min()), int(array.max())
    for kind in (np.uint8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return array.astype(kind)
    msg = f"labels from {low} to {high} do not fit into 32 bits"
    raise InputError(msg)
