"""Files: what format one is in, and what identifies it in a result's provenance."""

import hashlib
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from foramgrade.errors import InputError
from foramgrade.loaders.archive import is_there
from foramgrade.loaders.sources import is_archive


class Format(StrEnum):
    """A file format, as it is called in messages."""

    NIFTI = "NIfTI"
    """NIfTI-1 or NIfTI-2 in one file, gzip-compressed or not."""
    METAIMAGE = "MetaImage"
    """MetaImage, header and voxels in one file (.mha) or two (.mhd with its data file)."""
    NRRD = "NRRD"
    """NRRD, header and voxels in one file (.nrrd, .seg.nrrd) or two (.nhdr with its data file)."""
    DICOM = "DICOM"
    """DICOM: a folder, a single file, or a ZIP archive of them."""


#: Format by the end of a file's name, in lower case.
FORMAT_OF_SUFFIX: Mapping[str, Format] = {
    ".nii": Format.NIFTI,
    ".nii.gz": Format.NIFTI,
    ".mha": Format.METAIMAGE,
    ".mhd": Format.METAIMAGE,
    ".nrrd": Format.NRRD,
    ".nhdr": Format.NRRD,
    ".dcm": Format.DICOM,
}

#: The files a user can bring, for messages.
READABLE = (
    "DICOM (a folder, a file, a ZIP archive), NIfTI (.nii, .nii.gz), MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr)"
)

#: Where the mark "DICM" stands, behind a preamble of any content.
DICOM_MARK_OFFSET = 128

#: Groups that the first element of a file without preamble can belong to.
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")


def find_format(path: str | Path) -> Format:
    """Tell the format of a file by its name and, where the name says nothing, by its first bytes.

    Parameters
    ----------
    path : str or Path
        A file, or a folder or ZIP archive of DICOM files.

    Returns
    -------
    Format
        The format. A folder or an archive is taken for DICOM: no other format spreads one series over several files.

    Raises
    ------
    InputError
        If there is no such file or its format is not known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mask.seg.nrrd"
    ...     _ = file.write_bytes(b"NRRD0004")
    ...     find_format(file)
    <Format.NRRD: 'NRRD'>
    """
    path = Path(path)
    if not is_there(path):
        msg = f"{path.name}: no such file"
        raise InputError(msg)
    if path.is_dir():
        return Format.DICOM
    if not path.is_file():  # a pipe would be waited for without end
        msg = f"{path.name} is no file but a pipe, a socket or a device, expected a file or a folder"
        raise InputError(msg)
    if not os.access(path, os.R_OK):
        msg = f"{path.name} cannot be opened: reading it is not permitted"
        raise InputError(msg)
    known = format_by_name(path)
    if known is not None:
        return known
    try:
        if is_dicom(path) or is_archive(path):
            return Format.DICOM
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    msg = f"{path.name}: unknown kind of file, expected {READABLE}"
    raise InputError(msg)


def format_by_name(path: Path) -> Format | None:
    """Tell the format by the end of the file's name alone, None when the name says nothing.

    Examples
    --------
    >>> format_by_name(Path("T2.NII.GZ"))
    <Format.NIFTI: 'NIfTI'>
    >>> format_by_name(Path("notes.txt")) is None
    True
    """
    name = path.name.lower()
    matching = [suffix for suffix in FORMAT_OF_SUFFIX if name.endswith(suffix)]
    return FORMAT_OF_SUFFIX[max(matching, key=len)] if matching else None


def is_dicom(path: Path) -> bool:
    """Tell whether a file is DICOM by its first bytes; such files often have a name that says nothing."""
    with path.open("rb") as file:
        return looks_like_dicom(file)


def looks_like_dicom(file: BinaryIO) -> bool:
    """Tell by its first bytes whether a file is DICOM, with the preamble or, as old archives write it, without."""
    start = file.read(DICOM_MARK_OFFSET + 4)
    file.seek(0)
    if start[DICOM_MARK_OFFSET:] == b"DICM":
        return True
    if start[:2] not in _FIRST_GROUPS or len(start) < DICOM_MARK_OFFSET + 4:
        return False
    # An element number below 0x0100, then a value representation in letters or a length that fits in the file.
    return start[3] == 0 and ((start[4:6].isalpha() and start[4:6].isupper()) or start[6:8] == b"\0\0")


def file_identity(path: str | Path) -> dict[str, str]:
    """Identify an input file for the provenance of a result.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    dict of str
        ``name``, the file's name without its folder, and ``sha256`` of its bytes, hexadecimal.

    Raises
    ------
    InputError
        If there is no such file.

    Notes
    -----
    Limits: a header that names a second file (.mhd, .nhdr) is identified without that file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "case.nii"
    ...     _ = file.write_bytes(b"abc")
    ...     identity = file_identity(file)
    >>> identity["name"], identity["sha256"][:8]
    ('case.nii', 'ba7816bf')
    """
    path = Path(path)
    if not path.is_file():
        msg = f"{path.name}: no such file"
        raise InputError(msg)
    with path.open("rb") as file:
        return {"name": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
