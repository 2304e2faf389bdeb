"""The folder of a run: where a case's results go, moved in whole, and who may write."""

import errno
import hashlib
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from foramgrade.batch.plan import Shard
from foramgrade.errors import InputError, StoppedError

log = logging.getLogger(__name__)

#: Folder of the cases' folders.
CASES = "cases"
#: Folder of what the run itself needs; nothing in it is a result.
BOOKS = ".foramgrade"
#: Letters of a case's name that its folder keeps at most.
_LONGEST_NAME = 80
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?<!\.)")
#: How often a result is moved to its place while others come there too.
_ATTEMPTS = 100
_LOCK = re.compile(r"lock-(\d+)-of-(\d+)")


def case_folder(out: Path, case: str) -> Path:
    """Where the results of a case are.

    Parameters
    ----------
    out : Path
        Folder of the run.
    case : str
        Name of the case.

    Returns
    -------
    Path
        ``cases/3f/NAME``: one of 256 subfolders, by a hash of the name, since file systems and people are slow with
        folders of 10^5 entries. NAME is the case's own where it can be a file's; otherwise what is left of it, with a
        hash.

    Examples
    --------
    >>> case_folder(Path("out"), "sub-01_T2w").as_posix(), case_folder(Path("out"), "a/b: c").as_posix()
    ('out/cases/8f/sub-01_T2w', 'out/cases/21/a_b_c-212e4b10')
    """
    digest = hashlib.sha256(case.encode()).hexdigest()
    name = case
    if not _PLAIN_NAME.fullmatch(case) or len(case) > _LONGEST_NAME:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", case)[:_LONGEST_NAME].strip("_") + f"-{digest[:8]}"
    return out / CASES / digest[:2] / name


@contextmanager
def fill_case(out: Path, case: str, parts: Path) -> Iterator[Path]:
    """Collect the results of a case beside the others and move them in as a whole, in place of earlier ones.

    Parameters
    ----------
    out : Path
        Folder of the run.
    case : str
        Name of the case.
    parts : Path
        Folder for what is not whole yet, on the same file system.

    Yields
    ------
    Path
        A folder to write to. When the block is left by an exception it is thrown away, and earlier results stay.

    Raises
    ------
    StoppedError
        If the system refuses to write: the disk is full, read-only or gone, which all other cases would meet too.

    Notes
    -----
    A process that is killed leaves the earlier results, the new ones, or none: never some of either.
    """
    place = case_folder(out, case)
    with stop_where_unwritable(out):
        parts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="case-", dir=parts, ignore_cleanup_errors=True) as hidden:
            new = Path(hidden) / "new"
            new.mkdir()
            yield new
            place.parent.mkdir(parents=True, exist_ok=True)
            _put(new, place, aside=Path(hidden))


def _put(new: Path, place: Path, *, aside: Path) -> None:
    """Move a folder to its place, and what is there out of the way.

    A cluster that has lost sight of a worker gives its case to another one: both may come here at the same moment.
    """
    for attempt in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            place.rename(aside / f"old-{attempt}")
        try:
            new.rename(place)
        except OSError as error:
            if attempt == _ATTEMPTS - 1 or error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return


@contextmanager
def stop_where_unwritable(out: Path) -> Iterator[None]:
    """Say in a sentence that the run's folder takes no more.

    Raises
    ------
    StoppedError
        In place of the system's own error, or of one of this package that it caused.
    """
    try:
        yield
    except (OSError, InputError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        why = cause.strerror or str(cause)
        msg = f"cannot write to {out.name}: {why}; what is done is kept, and the same command goes on from there"
        raise StoppedError(msg) from error


def parts_folder(out: Path, shard: Shard) -> Path:
    """Where a run keeps what is not whole yet."""
    return out / BOOKS / f"parts-{shard.index}-of-{shard.count}"


@contextmanager
def claim_folder(out: Path, shard: Shard) -> Iterator[None]:
    """Be the only run that writes a shard of a folder, and clear away what killed runs left half-written.

    Parameters
    ----------
    out : Path
        Folder of the run.
    shard : Shard
        What the run takes. Shards of one count may run side by side; runs that divide the cases otherwise may not,
        since they would meet in a case.

    Raises
    ------
    InputError
        If another run is at work.
    StoppedError
        If the folder cannot be made or written to.

    Notes
    -----
    The system gives the locks of a killed process free. Where a file system knows no locks there is a warning, and the
    user has to see to it.
    """
    books = out / BOOKS
    with ExitStack() as held:
        with stop_where_unwritable(out):
            books.mkdir(parents=True, exist_ok=True)
        _lock(held, books / f"lock-{shard.index}-of-{shard.count}", out, shard)
        for path in sorted(books.glob("lock-*-of-*")):
            index, count = map(int, _LOCK.fullmatch(path.name).groups())  # type: ignore[union-attr]
            if count != shard.count:
                with ExitStack() as briefly:
                    _lock(briefly, path, out, Shard(index, count))
                    shutil.rmtree(parts_folder(out, Shard(index, count)), ignore_errors=True)
        shutil.rmtree(parts_folder(out, shard), ignore_errors=True)
        yield


def _lock(held: ExitStack, path: Path, out: Path, shard: Shard) -> None:
    try:
        held.enter_context(FileLock(path, timeout=0))
    except Timeout as error:
        which = "" if shard.is_whole else f" (shard {shard})"
        msg = f"another run is writing to {out.name}{which}: wait for it, or choose another folder"
        raise InputError(msg) from error
    except PermissionError as error:
        msg = f"cannot write to {out.name}: {error.strerror}"
        raise StoppedError(msg) from error
    except (OSError, NotImplementedError):
        log.warning("%s lies on a file system without locks: see to it that no other run writes there", out.name)
