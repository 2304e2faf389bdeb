"""NIfTI-1 and NIfTI-2 files: header, position in the patient, voxels.

The whole file is decompressed before it is looked at, so that a damaged or truncated archive is noticed by its checksum
and never read as an image with a blank end.
"""

import gzip
import math
import zlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import deflate
import lazy_loader as lazy
import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.loaders.placement import place_grid, spatial_shape
from foramgrade.volume import Grid

nib = lazy.load("nibabel")

#: Corners of the volume placed by qform and by sform may differ by this much, mm. The quaternion of a qform is stored
#: in single precision, which for a half turn displaces the corners of a 500 mm field by up to 0.45 mm.
QFORM_SFORM_TOLERANCE_MM = 0.5

#: Millimetres per unit of length, by the three lowest bits of ``xyzt_units``; 0 is "unknown", by custom millimetres.
MM_PER_UNIT: Mapping[int, float] = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}

_GZIP_MARK = b"\x1f\x8b"
_LARGEST_HEADER = 540
_MOST_DIMENSIONS = 7

#: No deflated byte stands for more than this many.
_LARGEST_RATIO = 1032


class Orientation(StrEnum):
    """Which of the two placements in a NIfTI header to believe."""

    QFORM = "qform"
    """The rigid placement, usually as the scanner recorded it."""
    SFORM = "sform"
    """The affine placement, possibly rewritten by a registration."""


def read_nifti_header(path: Path, *, orientation: Orientation | None = None) -> tuple[Grid, np.dtype[Any]]:
    """Read grid and stored type of a NIfTI file without its voxels.

    Parameters
    ----------
    path : Path
        The file.
    orientation : Orientation or None
        Placement to believe; None when the header leaves no choice.

    Returns
    -------
    Grid
        Where the voxels are, RAS+ mm.
    dtype
        Type of the stored values.

    Raises
    ------
    InputError
        If the file is damaged, is not a NIfTI volume in one file, or does not say where in the patient it is.
    """
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MARK
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            header = _parse_header(file.read(_LARGEST_HEADER), path.name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(_damaged(path.name)) from error
    return _grid(header, path.name, orientation), header.get_data_dtype()


def read_nifti(path: Path, *, orientation: Orientation | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read the voxels and the grid of a NIfTI file.

    Parameters
    ----------
    path : Path
        The file.
    orientation : Orientation or None
        Placement to believe; None when the header leaves no choice.

    Returns
    -------
    (I, J, K) real array
        Values, in the order of storage; as stored unless the header scales them.
    Grid
        Where the voxels are, RAS+ mm.

    Raises
    ------
    InputError
        If the file is damaged, is not a NIfTI volume of real numbers in one file, or does not say where in the patient
        it is.
    """
    stored = path.read_bytes()
    compressed = stored.startswith(_GZIP_MARK)
    content = _decompress(stored, path.name) if compressed else stored
    header = _parse_header(bytes(content[:_LARGEST_HEADER]), path.name)
    grid = _grid(header, path.name, orientation)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        kind = "colours" if dtype.fields else "complex numbers" if dtype.kind == "c" else str(dtype)
        msg = f"{path.name} holds {kind}, expected one real number per voxel"
        raise InputError(msg)
    offset, count = _data_offset(header, path.name), math.prod(grid.shape)
    if compressed and len(content) - offset < count * dtype.itemsize:
        content = _decompress_members(stored, path.name)
    if len(content) - offset < count * dtype.itemsize:
        msg = f"{_damaged(path.name)}: {max(len(content) - offset, 0)} of {count * dtype.itemsize} bytes of voxels"
        raise InputError(msg)
    # Read-only, so that what keeps the voxels need not copy them.
    values = np.frombuffer(memoryview(content).toreadonly(), dtype, count, offset).reshape(grid.shape, order="F")
    return _scaled(values, header, path.name), grid


def _decompress(stored: bytes, name: str) -> bytes | bytearray:
    """Most archives have one member, which libdeflate inflates in one go into a buffer as long as the archive says."""
    length = min(int.from_bytes(stored[-4:], "little"), _LARGEST_RATIO * len(stored))
    try:
        content = deflate.gzip_decompress(stored, max(length, _LARGEST_HEADER))
    except (deflate.DeflateError, ValueError):
        return _decompress_members(stored, name)  # several, or damaged, which the checksums tell
    return content if len(content) >= _LARGEST_HEADER else _decompress_members(stored, name)


def _decompress_members(stored: bytes, name: str) -> bytes:
    """All members of a gzip archive, such as bgzip writes."""
    try:
        return gzip.decompress(stored)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(_damaged(name)) from error


def _data_offset(header: Any, name: str) -> int:
    """Where the voxels begin; NIfTI-1 keeps it as a float, which may be no number."""
    begin = float(header["vox_offset"])
    if not 0 <= begin < math.inf:
        msg = f"{name} has a damaged NIfTI header: its voxels begin at byte {begin:g}"
        raise InputError(msg)
    return int(header.get_data_offset())


def _parse_header(block: bytes, name: str) -> Any:
    if block[344:348] == b"ni1\0":
        msg = f"{name} is the header of a NIfTI pair (.hdr and .img), expected a single .nii or .nii.gz file"
        raise InputError(msg)
    if block[344:348] == b"n+1\0":
        kind, size = nib.Nifti1Header, 348
    elif block[4:12] == b"n+2\0\r\n\x1a\n":
        kind, size = nib.Nifti2Header, 540
    else:
        msg = f"{name} is not a NIfTI file: its first bytes are not a NIfTI header"
        raise InputError(msg)
    try:
        return kind(block[:size])
    except (nib.spatialimages.HeaderDataError, nib.wrapstruct.WrapStructError, OverflowError) as error:
        msg = f"{name} has a damaged NIfTI header: {error}"
        raise InputError(msg) from error


def _grid(header: Any, name: str, orientation: Orientation | None) -> Grid:
    dimensions = int(header["dim"][0])
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        msg = f"{name} has a damaged NIfTI header: it has {dimensions} dimensions, expected 3"
        raise InputError(msg)
    shape = spatial_shape(header.get_data_shape(), name=name)
    code = int(header["xyzt_units"]) & 7
    if code not in MM_PER_UNIT:
        msg = f"{name} has an unknown unit of length (code {code}), expected metres, millimetres or micrometres"
        raise InputError(msg)
    with np.errstate(over="ignore", invalid="ignore"):  # place_grid refuses what comes of damaged numbers
        placement = _placement(header, name, orientation, shape, MM_PER_UNIT[code])
        affine = np.diag([MM_PER_UNIT[code]] * 3 + [1.0]) @ placement
    return place_grid(shape, affine, name=name)


def _placement(
    header: Any, name: str, orientation: Orientation | None, shape: tuple[int, int, int], mm_per_unit: float
) -> npt.NDArray[np.float64]:
    """Affine in the header's own unit, by the form that is asked for or the only one, else by the two that agree."""
    forms = {Orientation.QFORM: _qform(header, name), Orientation.SFORM: header.get_sform(coded=True)[0]}
    given: dict[Orientation, npt.NDArray[np.float64]] = {form: a for form, a in forms.items() if a is not None}
    if not given:
        msg = f"{name} does not say where in the patient it is: qform_code and sform_code are both 0"
        raise InputError(msg)
    if orientation is not None:
        if orientation not in given:
            msg = f"{name} has no {orientation.value} ({orientation.value}_code is 0), choose the other orientation"
            raise InputError(msg)
        return given[orientation]
    if len(given) == 2:
        last = np.array(shape) - 1
        corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(8, 3) * last
        difference = given[Orientation.QFORM] - given[Orientation.SFORM]
        apart = float(np.linalg.norm(corners @ difference[:3, :3].T + difference[:3, 3], axis=1).max()) * mm_per_unit
        if not apart <= QFORM_SFORM_TOLERANCE_MM:
            msg = (
                f"{name}: qform and sform place the volume up to {apart:.3g} mm apart, expected at most "
                f"{QFORM_SFORM_TOLERANCE_MM:g} mm: choose one with orientation qform or sform"
            )
            raise InputError(msg)
    return given.get(Orientation.SFORM, given.get(Orientation.QFORM, np.eye(4)))


def _qform(header: Any, name: str) -> npt.NDArray[np.float64] | None:
    try:
        affine: npt.NDArray[np.float64] | None = header.get_qform(coded=True)[0]
    except (ValueError, nib.spatialimages.HeaderDataError) as error:
        msg = f"{name} has a qform that is no rotation: {error}"
        raise InputError(msg) from error
    return affine


def _scaled(stored: npt.NDArray[np.generic], header: Any, name: str) -> npt.NDArray[np.generic]:
    try:
        slope, inter = header.get_slope_inter()
    except nib.spatialimages.HeaderDataError as error:
        msg = f"{name} has an invalid intensity scale: {error}"
        raise InputError(msg) from error
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if slope is None or (slope, inter) == (1.0, 0.0):
        return native
    # Sixteen bits and a scale fit into single precision; what is wider does not.
    values: npt.NDArray[Any] = native.astype(np.float32 if native.dtype.itemsize <= 2 else np.float64)
    with np.errstate(over="ignore"):  # infinite values are counted and refused by the caller
        values *= slope
        values += inter or 0.0
    return values


def _damaged(name: str) -> str:
    return f"{name} is damaged or truncated"
