"""What the header of a MetaImage or NRRD file must not say, looked for before native code reads it.

The libraries below SimpleITK keep numbers and texts of a header in arrays of fixed length. What does not fit makes them
write beside the array: the process dies, and a batch with it, or hangs.
"""

import re
from pathlib import Path

from foramgrade.errors import InputError

#: Where the header of a MetaImage file must be over, bytes; ITK's own take less than one thousandth of this.
_METAIMAGE_HEADER_BYTES = 1 << 18
# The blanks before a key hold no line break: a run of these begins a line at each, and would be read through from each.
_POSITION = re.compile(
    rb"^[^\S\n]*(TransformMatrix|Rotation|Orientation|Offset|Position|Origin)\s*=", re.MULTILINE | re.IGNORECASE
)
_DIMENSIONS = re.compile(rb"NDims\s*[=:]\s*(\S*)")
#: MetaIO's arrays have places for so many dimensions.
_MOST_DIMENSIONS = 10
_TEXT = re.compile(rb"^[^\S\n]*(Name|Comment|ObjectType|ObjectSubType)\s*[=:]\s*([^\r\n]*)", re.MULTILINE)
#: MetaIO's texts end with a zero byte in 255.
_LONGEST_TEXT = 254
_DATA_FILE = re.compile(rb"ElementDataFile\s*[=:]\s*([^\r\n]*)")
#: Longest field of a NRRD header, bytes; messages about fields of twice this length overflow. Comments and key/value
#: pairs may be of any length.
_LONGEST_FIELD = 500


def check_metaimage(path: Path) -> bool:
    """Refuse a MetaImage header that MetaIO does not survive, and tell whether it places the volume.

    Parameters
    ----------
    path : Path
        The file, or the one with the header.

    Returns
    -------
    bool
        Whether there is an origin or an orientation. ITK itself would assume an axial volume at the origin.

    Raises
    ------
    InputError
        If the number of dimensions is none from 1 to 10, a text is longer than 254 bytes, or the voxels' file is
        missing from the header or named by a pattern, which MetaIO expands as a format string.
    """
    with path.open("rb") as file:
        head = file.read(_METAIMAGE_HEADER_BYTES)
    for dimensions in _DIMENSIONS.findall(head):
        if not (dimensions.isdigit() and len(dimensions) < 3 and 1 <= int(dimensions) <= _MOST_DIMENSIONS):
            msg = f"{path.name} has a damaged MetaImage header: NDims is {_shown(dimensions)}, expected 3"
            raise InputError(msg)
    for key, text in _TEXT.findall(head):
        if len(text) > _LONGEST_TEXT:
            msg = (
                f"{path.name} has a damaged MetaImage header: {key.decode()} has {len(text)} bytes, "
                f"expected at most {_LONGEST_TEXT}"
            )
            raise InputError(msg)
    files = _DATA_FILE.findall(head)
    if not files:
        msg = f"{path.name} is not a readable MetaImage file: its header has no ElementDataFile"
        raise InputError(msg)
    if patterns := [name for name in files if b"%" in name]:
        msg = (
            f"{path.name} names the files of its voxels by the pattern {_shown(patterns[0])}, "
            "expected LOCAL or the name of one file"
        )
        raise InputError(msg)
    return _POSITION.search(head.partition(b"ElementDataFile")[0]) is not None


def check_nrrd(path: Path) -> None:
    """Refuse a NRRD header that Teem does not survive.

    Parameters
    ----------
    path : Path
        The file, or the one with the header.

    Raises
    ------
    InputError
        If a line that is neither a comment nor a key/value pair is longer than 500 bytes.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                return  # the header is over
            name, colon, value = line.partition(b":")
            free = name.startswith(b"#") or (colon and value.startswith(b"="))
            if len(line) > _LONGEST_FIELD and not free:
                msg = (
                    f"{path.name} has a damaged NRRD header: line {number} has {len(line)} bytes, "
                    f"expected at most {_LONGEST_FIELD}"
                )
                raise InputError(msg)


def _shown(value: bytes) -> str:
    text = value.decode("ascii", errors="backslashreplace")
    return repr(text if len(text) <= 40 else text[:40] + "...")
