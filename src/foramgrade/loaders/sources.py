"""Where bytes come from: files in a folder, a single file, members of a ZIP archive."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from foramgrade.errors import InputError
from foramgrade.loaders.archive import (
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_MEMBERS,
    MAX_MEMBER_RATIO,
    BoundedReader,
    Member,
    cause_of,
    is_there,
    last_part,
    open_member,
    read_members,
)

log = logging.getLogger(__name__)

#: Folders and files that an operating system leaves behind; left out like every name that begins with a dot.
LEFT_BEHIND = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})

_ARCHIVE_MARKS = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Source:
    """One file that can be opened, wherever it lies.

    Parameters
    ----------
    root : Path
        The folder, the file's own folder, or the ZIP archive.
    name : str
        Name of the file below it, with "/"; what messages call it.
    member : Member or None
        Place in the archive, None for a file of its own.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "slice.dcm").write_bytes(b"abc")
    ...     (source,) = walk_sources(Path(folder))
    ...     with source.open() as file:
    ...         source.name, file.read()
    ('slice.dcm', b'abc')
    """

    root: Path
    name: str
    member: Member | None = None

    @property
    def file(self) -> str:
        """Name of the file without its folders, which are often called after people; for messages."""
        return last_part(self.name)

    @property
    def folder(self) -> str:
        """Folder of the file below the root, with "/"; never for messages."""
        return self.name.rpartition("/")[0]

    @property
    def size(self) -> int:
        """Number of bytes, decompressed."""
        return (self.root / self.name).stat().st_size if self.member is None else self.member.size

    def open(self) -> BinaryIO:
        """Open for reading; seekable.

        Returns
        -------
        BinaryIO
            The bytes. Those of an archive's member are decompressed as far as they are read.

        Raises
        ------
        InputError
            If the file cannot be opened; from the member of an archive also while reading, if it is damaged or holds
            more than the archive declares.
        """
        if self.member is not None:
            return open_member(self.root, self.member)
        try:
            raw = (self.root / self.name).open("rb", buffering=0)
            return BoundedReader(raw, size=os.fstat(raw.fileno()).st_size)
        except OSError as error:
            msg = f"{self.file} cannot be opened: {cause_of(error)}"
            raise InputError(msg) from error


def is_archive(path: str | Path) -> bool:
    """Tell whether a file is a ZIP archive, by its first bytes; a truncated one counts.

    Parameters
    ----------
    path : str or Path
        A file or a folder.

    Returns
    -------
    bool
        Whether it begins as a ZIP archive does; False for a folder.

    Raises
    ------
    InputError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import zipfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(Path(folder) / "study", "w") as archive:
    ...         archive.writestr("slice.dcm", b"abc")
    ...     is_archive(Path(folder) / "study"), is_archive(folder)
    (True, False)
    """
    path = Path(path)
    if path.is_dir():
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) in _ARCHIVE_MARKS
    except OSError as error:
        msg = f"{path.name} cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error


def walk_sources(
    path: str | Path,
    *,
    progress: Callable[[int], None] | None = None,
    max_bytes: int = MAX_ARCHIVE_BYTES,
    max_members: int = MAX_ARCHIVE_MEMBERS,
    max_ratio: float = MAX_MEMBER_RATIO,
) -> Iterator[Source]:
    """Find the files below a folder or in a ZIP archive, one after the other.

    Parameters
    ----------
    path : str or Path
        A folder, a ZIP archive or any other single file.
    progress : callable or None
        Called with the number of files found so far, once per file.
    max_bytes : int
        Bytes that an archive may hold once decompressed.
    max_members : int
        Members that an archive may have.
    max_ratio : float
        How much larger than its compressed form a large member may be.

    Yields
    ------
    Source
        The files in order of their names, folder by folder, the same on every file system and for a folder and its
        archive. Hidden files and what operating systems leave behind (`LEFT_BEHIND`) are not among them.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, or an archive is damaged, encrypted, exceeds a limit or has a
        member whose name leads out of it.

    Notes
    -----
    Linked files are followed, linked folders too unless what they lead to is walked anyway. A folder further down that
    cannot be opened, and an archive within a folder or an archive, is left out with a warning in the log.
    Limits: memory grows with the longest list of names in one folder, or with the archive's table of contents, not with
    the number of files below.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b", "a", ".DS_Store"):
    ...         _ = (Path(folder) / name).write_bytes(b"")
    ...     [source.name for source in walk_sources(folder)]
    ['a', 'b']
    """
    path = Path(path)
    if path.is_dir():
        found = _walk_folder(path)
    elif not is_there(path):
        msg = f"{path.name}: no such file or folder"
        raise InputError(msg)
    elif is_archive(path):
        found = _walk_archive(path, max_bytes=max_bytes, max_members=max_members, max_ratio=max_ratio)
    else:
        found = iter([Source(path.parent, path.name)])
    for count, source in enumerate(found, start=1):
        if progress is not None:
            progress(count)
        yield source


def sources_identity(sources: Iterable[Source]) -> dict[str, str | int]:
    """Identify the files of a series for the provenance of a result, whatever their names and order.

    Parameters
    ----------
    sources : iterable of Source
        The files.

    Returns
    -------
    dict
        ``sha256``, hexadecimal, over the sorted SHA-256 digests (32 bytes each) of the files, and ``files``, their
        number.

    Raises
    ------
    InputError
        If a file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a", "b"):
    ...         _ = (Path(folder) / name).write_text(name)
    ...     forward = sources_identity(walk_sources(folder))
    ...     backward = sources_identity(reversed(list(walk_sources(folder))))
    >>> forward == backward, forward["files"], forward["sha256"][:8]
    (True, 2, '18d79cb7')
    """
    digests = []
    for source in sources:
        with source.open() as file:
            try:
                digests.append(hashlib.file_digest(file, "sha256").digest())  # type: ignore[arg-type]
            except OSError as error:
                msg = f"{source.file} cannot be read: {cause_of(error)}"
                raise InputError(msg) from error
    return {"sha256": hashlib.sha256(b"".join(sorted(digests))).hexdigest(), "files": len(digests)}


class _Kind(Enum):
    FILE = auto()
    FOLDER = auto()
    LINKED_FOLDER = auto()
    OTHER = auto()


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in LEFT_BEHIND


def _walk_folder(root: Path) -> Iterator[Source]:
    try:
        pending = [(root.stat(), "", iter(_entries(root)))]
    except OSError as error:
        msg = f"the folder cannot be opened: {cause_of(error)}"
        raise InputError(msg) from error
    followed: set[tuple[int, int]] = set()
    while pending:
        _, prefix, entries = pending[-1]
        entry = next(entries, None)
        if entry is None:
            pending.pop()
            continue
        name, kind = f"{prefix}{entry[0]}", entry[1]
        if kind not in (_Kind.FOLDER, _Kind.LINKED_FOLDER):
            if _is_wanted(name, kind):
                yield Source(root, name)
            continue
        try:
            status = (root / name).stat()
            if kind is _Kind.LINKED_FOLDER:
                if (status.st_dev, status.st_ino) in followed or _is_walked_anyway(root / name, root):
                    log.info("left out: a linked folder, its files are listed elsewhere")
                    continue
                followed.add((status.st_dev, status.st_ino))
            if any(os.path.samestat(status, ancestor) for ancestor, _, _ in pending):
                log.info("left out: a linked folder that leads back to itself")
                continue
            pending.append((status, f"{name}/", iter(_entries(root / name))))
        except OSError as error:
            log.warning("left out: a folder that cannot be opened: %s", cause_of(error))


def _entries(folder: Path) -> list[tuple[str, _Kind]]:
    """Names in a folder and what they are, sorted by name."""
    with os.scandir(folder) as found:
        return sorted(((e.name, _kind(e)) for e in found if not _is_left_out(e.name)), key=lambda entry: entry[0])


def _kind(entry: os.DirEntry[str]) -> _Kind:
    try:
        if entry.is_file():
            return _Kind.FILE
        if entry.is_dir():
            return _Kind.LINKED_FOLDER if entry.is_symlink() else _Kind.FOLDER
    except OSError:  # a link that leads to itself, or to where looking is not permitted
        return _Kind.OTHER
    return _Kind.OTHER


def _is_walked_anyway(link: Path, root: Path) -> bool:
    """Whether a linked folder leads to one that the walk comes to, or began from."""
    target, start = link.resolve(), root.resolve()
    if start.is_relative_to(target):
        return True
    return target.is_relative_to(start) and not any(map(_is_left_out, target.relative_to(start).parts))


def _is_wanted(name: str, kind: _Kind) -> bool:
    if kind is _Kind.OTHER:  # opening a pipe or a device could wait for ever
        log.warning("left out: %s is not a file, or a link to a file that is not there", last_part(name))
        return False
    if name.lower().endswith(".zip"):
        log.warning("left out: %s is an archive inside a folder, give it by itself", last_part(name))
        return False
    return True


def _walk_archive(path: Path, *, max_bytes: int, max_members: int, max_ratio: float) -> Iterator[Source]:
    for member in read_members(path, max_bytes=max_bytes, max_members=max_members, max_ratio=max_ratio):
        if any(map(_is_left_out, member.name.split("/"))):
            continue
        if member.is_link:
            log.warning("left out: %s is a link inside an archive", last_part(member.name))
        elif member.name.lower().endswith(".zip"):
            log.warning("left out: %s is an archive inside an archive, unpack it first", last_part(member.name))
        else:
            yield Source(path, member.name, member)
