"""Files: what format one is in, and what identifies it in a result's provenance."""

import hashlib
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from foramgrade.errors import InputError


class Format(StrEnum):
    """A file format, as it is called in messages."""

    NIFTI = "NIfTI"
    """NIfTI-1 or NIfTI-2 in one file, gzip-compressed or not."""
    METAIMAGE = "MetaImage"
    """MetaImage, header and voxels in one file (.mha) or two (.mhd with its data file)."""
    NRRD = "NRRD"
    """NRRD, header and voxels in one file (.nrrd, .seg.nrrd) or two (.nhdr with its data file)."""
    DICOM = "DICOM"
    """DICOM: recognised, not read yet."""


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
READABLE = "NIfTI (.nii, .nii.gz), MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr)"

_DICOM_MARK_OFFSET = 128


def find_format(path: str | Path) -> Format:
    """Tell the format of a file by its name and, where the name says nothing, by its first bytes.

    Parameters
    ----------
    path : str or Path
        A file, or a folder of DICOM files.

    Returns
    -------
    Format
        The format. A folder is taken for DICOM: no other format spreads one series over a folder.

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
    if not path.exists():
        msg = f"{path.name}: no such file"
        raise InputError(msg)
    if path.is_dir():
        return Format.DICOM
    if not os.access(path, os.R_OK):
        msg = f"{path.name} cannot be opened: reading it is not permitted"
        raise InputError(msg)
    known = format_by_name(path)
    if known is not None:
        return known
    if is_dicom(path):
        return Format.DICOM
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
        return file.read(_DICOM_MARK_OFFSET + 4)[_DICOM_MARK_OFFSET:] == b"DICM"


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
