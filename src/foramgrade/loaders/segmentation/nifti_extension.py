"""Names of labels in the extended header of a NIfTI file.

TotalSegmentator and Caret write a table in XML (``<CaretExtension>``), the former under the code 0 ("unknown") instead
of Caret's 30: it is told by what it says, not by its code. A JSON object of label and name is read from the codes that
hold plain text.
"""

import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from foramgrade.errors import InputError
from foramgrade.loaders.segmentation.voxels import parse_label

#: Codes of extensions: unknown, comment, Caret, MRS.
UNKNOWN, COMMENT, CARET, MRS = 0, 6, 30, 44

#: An extended header larger than this names no labels, bytes.
LARGEST_EXTENSION = 2**24

_GZIP_MARK = b"\x1f\x8b"
_CARET_MARK = b"<CaretExtension"


def extension_names(path: Path) -> dict[int, str]:
    """Names of labels in the header of a NIfTI file.

    Parameters
    ----------
    path : Path
        A NIfTI file, gzip-compressed or not.

    Returns
    -------
    dict of int to str
        Name by label, background left out; empty when the header names none.

    Raises
    ------
    InputError
        If the file or its label table is damaged, or the table declares a document type, which it has no use for.
    """
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MARK
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            extensions = tuple(_extensions(file))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path.name} is damaged or truncated"
        raise InputError(msg) from error
    for code, content in extensions:
        names: dict[int, str] = {}
        if code in (UNKNOWN, CARET) and _CARET_MARK in content:
            names = parse_caret_labels(content, path.name)
        elif code in (UNKNOWN, COMMENT, MRS):
            names = _plain_json(content)
        if names:
            return names
    return {}


def parse_caret_labels(content: bytes, name: str) -> dict[int, str]:
    """Names of labels in a Caret label table.

    Parameters
    ----------
    content : bytes
        XML.
    name : str
        The file's name, for messages.

    Returns
    -------
    dict of int to str
        Name by label, background left out.

    Raises
    ------
    InputError
        If the table is no well-formed XML, declares a document type or entities, or names a label twice.

    Examples
    --------
    >>> parse_caret_labels(b'<CaretExtension><Label Key="5"><![CDATA[vertebrae_L5]]></Label></CaretExtension>', "m.nii")
    {5: 'vertebrae_L5'}
    """
    found: list[tuple[str, list[str]]] = []
    inside: list[str] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        inside.append(element)
        if element == "Label":
            found.append((attributes.get("Key", ""), []))

    def end(_: str) -> None:
        inside.pop()

    def text(characters: str) -> None:
        if inside[-1] == "Label":
            found[-1][1].append(characters)

    def declares(*_: object) -> None:
        msg = f"{name}: its label table declares a document type or entities, expected a plain table"
        raise InputError(msg)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declares
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, UnicodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{name}: the label table in its header is damaged: {error}"
        raise InputError(msg) from error
    names: dict[int, str] = {}
    for key, characters in found:
        label = parse_label(key)
        if label is None or label in names:
            msg = f"{name}: its label table has the key {key!r:.40} twice or as no label, expected each number once"
            raise InputError(msg)
        names[label] = "".join(characters).strip()
    return {key: called for key, called in names.items() if key and called}


def _plain_json(content: bytes) -> dict[int, str]:
    """A JSON object of label and name; anything else is another tool's business and names nothing."""
    if not content.lstrip().startswith(b"{"):
        return {}
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    names: dict[int, str] = {}
    for key, called in entries.items():
        label = parse_label(key)
        if label is None or not isinstance(called, str):
            return {}
        names[label] = called.strip()
    return {key: called for key, called in names.items() if key and called}


def _extensions(file: BinaryIO | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    """Code and content of each extension; none where the header is not of a single NIfTI file."""
    header = file.read(540)
    if header[344:348] == b"n+1\0":
        order = "<" if header[:4] == struct.pack("<i", 348) else ">"
        offset, start = struct.unpack(f"{order}f", header[108:112])[0], 348
    elif header[4:12] == b"n+2\0\r\n\x1a\n" and len(header) == 540:
        order = "<" if header[:4] == struct.pack("<i", 540) else ">"
        offset, start = struct.unpack(f"{order}q", header[168:176])[0], 540
    else:
        return
    if not start + 4 < offset <= LARGEST_EXTENSION:
        return
    block = (header + file.read(max(0, int(offset) - len(header))))[: int(offset)]
    if block[start : start + 1] in (b"", b"\0"):
        return
    place = start + 4
    while place + 8 <= len(block):
        size, code = struct.unpack(f"{order}ii", block[place : place + 8])
        if size < 8 or place + size > len(block):
            return
        yield code, block[place + 8 : place + size].rstrip(b"\0")
        place += size
