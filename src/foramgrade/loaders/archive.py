"""ZIP archives, read where they lie: never unpacked to disk, never trusted.

The table of contents is read and checked once; every member then knows its own place in the archive, so that opening
one costs the same whatever the number of members, and no handle stays open between two readings.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from foramgrade.errors import InputError

#: Bytes that the members of an archive may hold together once they are decompressed: several whole studies.
MAX_ARCHIVE_BYTES = 8 * 2**30

#: Members that an archive may have.
MAX_ARCHIVE_MEMBERS = 500_000

#: How much larger than its compressed form a large member may be. Deflate cannot exceed 1032; pictures stay below 20,
#: an empty label map reaches some hundreds, but is small.
MAX_MEMBER_RATIO = 200.0

#: A member below this size, bytes, may have any ratio: it harms nobody.
ANY_RATIO_BELOW = 64 * 2**20

_LOCAL_MARK = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x1
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Member:
    """Where a file lies in a ZIP archive, as the archive's table of contents says.

    Parameters
    ----------
    name : str
        Name in the archive, with "/".
    offset : int
        First byte of the member's local header, from the start of the archive.
    compressed : int
        Number of bytes in the archive.
    size : int
        Number of bytes once decompressed.
    crc : int
        Checksum (CRC-32) of the decompressed bytes.
    deflated : bool
        Whether the bytes are compressed at all.
    is_link : bool
        Whether the member is a link, its bytes the name of another file.
    """

    name: str
    offset: int
    compressed: int
    size: int
    crc: int
    deflated: bool
    is_link: bool = False


def read_members(
    path: Path,
    *,
    max_bytes: int = MAX_ARCHIVE_BYTES,
    max_members: int = MAX_ARCHIVE_MEMBERS,
    max_ratio: float = MAX_MEMBER_RATIO,
) -> list[Member]:
    """Read and check the table of contents of a ZIP archive.

    Parameters
    ----------
    path : Path
        The archive.
    max_bytes : int
        Bytes that it may hold once decompressed.
    max_members : int
        Members that it may have.
    max_ratio : float
        How much larger than its compressed form a member of more than `ANY_RATIO_BELOW` bytes may be.

    Returns
    -------
    list of Member
        All members but folders, in order of their names, folder by folder.

    Raises
    ------
    InputError
        If the archive is damaged, exceeds a limit, or has a member that is encrypted, compressed by an unusual method,
        shares its bytes with another one, or has a name that leads out of the archive.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            table = archive.infolist()
    except OSError as error:
        msg = f"{path.name} cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OverflowError, struct.error) as error:
        msg = f"{path.name} is a damaged or truncated ZIP archive"
        raise InputError(msg) from error
    if len(table) > max_members:
        msg = f"{path.name} has {len(table)} members, expected at most {max_members}"
        raise InputError(msg)
    total = sum(info.file_size for info in table)
    if total > max_bytes:
        msg = f"{path.name} holds {total} bytes once decompressed, expected at most {max_bytes}"
        raise InputError(msg)
    _check_overlap(table, path)
    for info in table:
        _check_member(info, path, max_ratio=max_ratio)
    files = [info for info in table if not info.is_dir()]
    return [_member(info) for info in sorted(files, key=lambda info: info.filename.split("/"))]


def open_member(path: Path, member: Member) -> BinaryIO:
    """Open a member for reading; seekable.

    Parameters
    ----------
    path : Path
        The archive.
    member : Member
        The member.

    Returns
    -------
    BinaryIO
        Its bytes, decompressed as far as they are read. Reading raises InputError if the member is damaged or holds
        more than the archive declares.

    Raises
    ------
    InputError
        If the archive cannot be opened, or the member is not where its table of contents says.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        msg = f"{path.name} cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error
    try:
        file.seek(member.offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MARK):
            msg = (
                f"{path.name}: the member {last_part(member.name)!r} is not where it should be, the archive is damaged"
            )
            raise InputError(msg)
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        file.seek(name_length + extra_length, os.SEEK_CUR)
        return BoundedReader(_MemberReader(file, member, path.name), size=member.size)
    except BaseException:
        file.close()
        raise


class BoundedReader(io.BufferedReader):
    """Buffered bytes of a known number: asking for more takes no memory.

    Parameters
    ----------
    raw : RawIOBase
        The bytes.
    size : int
        Their number.

    Notes
    -----
    A damaged header can announce gigabytes, and Python's own reader makes room for what is asked for before it looks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile(buffering=0) as raw:
    ...     _ = raw.write(b"abc"), raw.seek(0)
    ...     with BoundedReader(raw, size=3) as file:
    ...         file.read(2**62)
    b'abc'
    """

    def __init__(self, raw: io.RawIOBase, *, size: int) -> None:
        super().__init__(raw, _CHUNK)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, all if negative or None."""
        if size is not None and size > _CHUNK:
            size = min(size, max(self._size - self.tell(), 0))
        return super().read(size)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder.

    Raises
    ------
    InputError
        If the folders on the way may not be entered.
    """
    try:
        return path.exists()
    except OSError as error:
        msg = f"{path.name} cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error


def last_part(name: str) -> str:
    """Name of a file without its folders, which are often called after people; for messages."""
    return re.split(r"[/\\]", name)[-1]


def cause_of(error: OSError) -> str:
    """Say what went wrong, without the path that the operating system's message holds.

    Examples
    --------
    >>> cause_of(FileNotFoundError(2, "No such file or directory", "/home/someone/slice.dcm"))
    'no such file or directory'
    """
    if isinstance(error, PermissionError):
        return "reading it is not permitted"
    return (error.strerror or type(error).__name__).lower()


def _member(info: zipfile.ZipInfo) -> Member:
    return Member(
        info.filename,
        offset=info.header_offset,
        compressed=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        deflated=info.compress_type == zipfile.ZIP_DEFLATED,
        is_link=stat.S_ISLNK(info.external_attr >> 16),
    )


def _check_overlap(table: list[zipfile.ZipInfo], path: Path) -> None:
    """Members that share their bytes let a small archive hold any amount of data."""
    end = 0
    for info in sorted(table, key=lambda info: info.header_offset):
        if info.header_offset < end:
            file = last_part(info.filename)
            msg = f"{path.name}: the member {file!r} shares its bytes with another one: the archive is damaged"
            raise InputError(msg)
        end = info.header_offset + _LOCAL_HEADER.size + info.compress_size


def _check_member(info: zipfile.ZipInfo, path: Path, *, max_ratio: float) -> None:
    name, file = info.orig_filename, last_part(info.orig_filename)
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/") or re.match("[A-Za-z]:", name):
        msg = f"{path.name}: the member {name!r} leads out of the archive, expected a relative name with slashes"
        raise InputError(msg)
    if info.flag_bits & _ENCRYPTED:
        msg = f"{path.name}: the member {file!r} is encrypted: unpack the archive first"
        raise InputError(msg)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        msg = f"{path.name}: the member {file!r} is compressed by method {info.compress_type}, expected deflate (8)"
        raise InputError(msg)
    if info.file_size > ANY_RATIO_BELOW and info.file_size > max_ratio * info.compress_size:
        msg = (
            f"{path.name}: the member {file!r} declares {info.file_size} bytes from {info.compress_size}, "
            f"expected at most {max_ratio:g} times as many"
        )
        raise InputError(msg)


class _MemberReader(io.RawIOBase):
    """Bytes of one member, decompressed only as far as they are asked for, never beyond the declared size."""

    def __init__(self, file: BinaryIO, member: Member, archive: str) -> None:
        self._file, self._member, self._archive = file, member, archive
        self.name = member.name  # what every open file has, and pydicom asks for
        self._inflate: Any = zlib.decompressobj(-zlib.MAX_WBITS) if member.deflated else None
        self._data, self._crc = bytearray(), 0
        self._left, self._position = member.compressed, 0

    def _refuse(self, what: str) -> NoReturn:
        msg = f"{self._archive}: the member {last_part(self._member.name)!r} {what}: the archive is damaged"
        raise InputError(msg)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._member.size}[whence]
        if start + offset < 0:
            msg = f"cannot seek to {start + offset}, before the first byte"
            raise ValueError(msg)
        self._position = start + offset
        return self._position

    def readinto(self, target: Any) -> int:
        end = min(self._position + len(target), self._member.size)
        if self._member.size == 0:
            self._finish()
        while len(self._data) < end:
            self._decompress_chunk(end - len(self._data))
        n = max(end - self._position, 0)
        target[:n] = self._data[self._position : self._position + n]
        self._position += n
        return n

    def _decompress_chunk(self, wanted: int) -> None:
        raw = self._raw()
        more = self._expand(raw, max(wanted, _CHUNK))
        if not raw and not more:
            self._refuse(f"ends after {len(self._data)} of {self._member.size} bytes")
        self._data += more
        self._crc = zlib.crc32(more, self._crc)
        if len(self._data) >= self._member.size:
            self._finish()

    def _raw(self) -> bytes:
        """Compressed bytes still to be expanded."""
        if self._inflate is not None and self._inflate.unconsumed_tail:
            waiting: bytes = self._inflate.unconsumed_tail
            return waiting
        raw = self._file.read(min(_CHUNK, self._left))
        self._left -= len(raw)
        return raw

    def _expand(self, raw: bytes, most: int) -> bytes:
        if self._inflate is None:
            return raw
        try:
            data: bytes = self._inflate.decompress(raw, most)
        except zlib.error:
            self._refuse("cannot be decompressed")
        return data

    def _finish(self) -> None:
        """Check that nothing follows and that what was read is what was archived."""
        rest = b"" if self._inflate is not None and self._inflate.eof else self._expand(self._raw(), 1)
        if rest or len(self._data) > self._member.size:
            self._refuse(f"holds more than the {self._member.size} bytes it declares")
        if self._crc != self._member.crc:
            self._refuse("does not match its checksum")

    def close(self) -> None:
        self._file.close()
        super().close()
