"""A folder of results, filled so that a reader, or a crash, never meets half of a file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foramgrade.errors import InputError


@contextmanager
def fill_folder(folder: Path) -> Iterator[Path]:
    """Collect files beside their place and move them in when all of them are written.

    Parameters
    ----------
    folder : Path
        Where the files go; made where it does not exist. Files of the same names are replaced, others are left alone.

    Yields
    ------
    Path
        A hidden folder inside `folder`, to write to, with subfolders as wanted. When the block is left by an exception,
        it is thrown away and `folder` keeps what it had.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with fill_folder(Path(parent) / "out") as part:
    ...         _ = (part / "table.csv").write_text("a,b")
    ...     [path.name for path in (Path(parent) / "out").iterdir()]
    ['table.csv']
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".foramgrade-", dir=folder) as hidden:
            yield Path(hidden)
            _move_in(Path(hidden), folder)
    except FileExistsError as error:
        msg = f"cannot write results: {Path(error.filename).name} is a file, expected a folder"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"cannot write results to {folder.resolve().name}: {error.strerror or error}"
        raise InputError(msg) from error


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Write a file under another name and give it its own when it is whole.

    Parameters
    ----------
    path : Path
        File to write or replace; its folder must exist.

    Yields
    ------
    Path
        Name to write to, in the same folder and with the same ending.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        msg = f"cannot write {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    finally:
        part.unlink(missing_ok=True)


def _move_in(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            path.replace(place)
