"""MetaImage and NRRD files, read with SimpleITK; LPS becomes RAS+ here and nowhere later."""

from pathlib import Path
from typing import Any

import lazy_loader as lazy
import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.files import Format, find_format
from foramgrade.loaders.itk_header import check_metaimage, check_nrrd
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.placement import place_grid, spatial_shape
from foramgrade.volume import Grid

SimpleITK = lazy.load("SimpleITK")  # takes longer to import than a DICOM series to read

_IMAGE_IO = {Format.METAIMAGE: "MetaImageIO", Format.NRRD: "NrrdImageIO"}


def read_itk_header(path: Path, *, orientation: Orientation | None = None) -> tuple[Grid, np.dtype[Any]]:
    """Read grid and stored type of a MetaImage or NRRD file without its voxels.

    Parameters
    ----------
    path : Path
        The file.
    orientation : Orientation or None
        Ignored: these formats hold a single placement.

    Returns
    -------
    Grid
        Where the voxels are, RAS+ mm.
    dtype
        Type of the stored values.

    Raises
    ------
    InputError
        If the file is damaged, is not one volume of real numbers, or does not say where in the patient it is.
    """
    reader = _open(path)
    return _grid(reader, path.name), _stored_type(reader, path.name)


def read_itk(path: Path, *, orientation: Orientation | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read the voxels and the grid of a MetaImage or NRRD file.

    Parameters
    ----------
    path : Path
        The file.
    orientation : Orientation or None
        Ignored: these formats hold a single placement.

    Returns
    -------
    (I, J, K) real array
        Values as stored, first index along the axis that runs fastest in the file.
    Grid
        Where the voxels are, RAS+ mm.

    Raises
    ------
    InputError
        If the file is damaged, is not one volume of real numbers, or does not say where in the patient it is.
    """
    reader = _open(path)
    _stored_type(reader, path.name)
    grid = _grid(reader, path.name)
    array: npt.NDArray[np.generic] = SimpleITK.GetArrayFromImage(_voxels(reader, path.name))
    return array.T.reshape(grid.shape, order="F"), grid


def read_itk_entries(path: Path) -> dict[str, str]:
    """Read the entries that a NRRD header holds beside what places the voxels, e.g. ``Segment0_Name``.

    Raises
    ------
    InputError
        If the file is damaged or does not say where in the patient it is.
    """
    reader = _open(path)
    return {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}


def read_itk_layers(path: Path) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read the voxels of a file that may hold several values per voxel.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    (I, J, K, L) real array
        Values as stored; L is the number of values per voxel.
    Grid
        Where the voxels are, RAS+ mm.

    Raises
    ------
    InputError
        If the file is damaged or does not say where in the patient it is.
    """
    reader = _open(path)
    _kind(reader, path.name)
    grid = _grid(reader, path.name)
    array: npt.NDArray[np.generic] = SimpleITK.GetArrayFromImage(_voxels(reader, path.name))
    layers = array[np.newaxis] if reader.GetNumberOfComponents() == 1 else np.moveaxis(array, -1, 0)
    return layers.T.reshape((*grid.shape, len(layers)), order="F"), grid


def _voxels(reader: Any, name: str) -> Any:
    try:
        return reader.Execute()
    except RuntimeError as error:
        msg = f"{name} is damaged or truncated, or its data file is missing"
        raise InputError(msg) from error


def _open(path: Path) -> Any:
    kind = find_format(path)
    is_placed = _check_header(path, kind)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO(_IMAGE_IO[kind])
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        msg = f"{path.name} is not a readable {kind.value} file"
        raise InputError(msg) from error
    spatial_shape(tuple(reader.GetSize()), name=path.name)  # a single picture has no placement to complain about
    if not (reader.HasMetaDataKey("NRRD_space") if is_placed is None else is_placed):
        msg = f"{path.name} does not say where in the patient it is: its {kind.value} header has no orientation"
        raise InputError(msg)
    return reader


def _check_header(path: Path, kind: Format) -> bool | None:
    """Refuse what native code does not survive; whether a MetaImage header places the volume, None of NRRD."""
    try:
        if kind is Format.METAIMAGE:
            return check_metaimage(path)
        check_nrrd(path)
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    return None


def _kind(reader: Any, name: str) -> str:
    kind = str(SimpleITK.GetPixelIDValueAsString(reader.GetPixelID()))
    if "complex" in kind:
        msg = f"{name} holds complex numbers, expected one real number per voxel"
        raise InputError(msg)
    return kind


def _stored_type(reader: Any, name: str) -> np.dtype[Any]:
    kind = _kind(reader, name)
    components = reader.GetNumberOfComponents()
    if components != 1:
        msg = (
            f"{name} holds {components} values per voxel, expected one: export colours as grey values, "
            "and a segmentation with overlapping layers as a single label map"
        )
        raise InputError(msg)
    # The type's name is all that is known before the voxels are read, e.g. "16-bit signed integer".
    words = kind.split()
    letter = "f" if words[-1] == "float" else "u" if "unsigned" in words else "i"
    return np.dtype(f"{letter}{int(words[0].removesuffix('-bit')) // 8}")


def _grid(reader: Any, name: str) -> Grid:
    shape = spatial_shape(tuple(reader.GetSize()), name=name)
    n = reader.GetDimension()
    direction = np.array(reader.GetDirection()).reshape(n, n)[:3, :3]
    lps = np.eye(4)
    lps[:3, :3] = direction * np.array(reader.GetSpacing())[:3]
    lps[:3, 3] = reader.GetOrigin()[:3]
    return place_grid(shape, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps, name=name)
