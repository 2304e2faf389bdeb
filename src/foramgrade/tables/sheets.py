"""Tables of anyone's, as spreadsheets save them: separator, byte-order mark and line ends are kept as they came."""

import csv
import io
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.tables.files import write_atomically

SEPARATORS = (",", ";", "\t")
"""What may stand between cells: comma, the semicolon of a German Excel, tabulator."""
BYTE_ORDER_MARK = "\ufeff"
"""Excel puts it in front of text in UTF-8, and expects it there."""
_HEAD = 1 << 20
"""Characters of a long table in which its first row is looked for."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of texts.

    Parameters
    ----------
    header : tuple of str
        Names of the columns, as they came.
    rows : tuple of tuple of str
        Cells as they came; a row may be longer or shorter than the header. Lines without any character are left out.
    lines : tuple of int
        Line of the file in which each row ends, the first being 1.
    separator : str
        What stands between cells.
    mark : bool
        Whether the file starts with a byte-order mark.
    line_end : str
        What ends a line.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    separator: str = ","
    mark: bool = False
    line_end: str = "\n"


def column_key(name: str) -> str:
    """Bring the name of a column to what it is compared by: lower case, words joined by underscores.

    Examples
    --------
    >>> column_key(" Root Shape"), column_key("root-shape")
    ('root_shape', 'root_shape')
    """
    return "_".join(name.replace("-", " ").replace("_", " ").lower().split())


def read_sheet(path: str | os.PathLike[str], *, known: Collection[str]) -> Sheet:
    """Read a table whose cells are separated by commas, semicolons or tabulators.

    Parameters
    ----------
    path : path
        Text in UTF-8, with or without byte-order mark; the first line that is not empty names the columns.
    known : collection of str
        Names of columns, as from :func:`column_key`, by which the separator is told.

    Returns
    -------
    Sheet
        The table.

    Raises
    ------
    InputError
        If the file cannot be opened, is empty, is no text in UTF-8, or a quoted cell is damaged.
    """
    path = Path(path)
    text = _read_text(path)
    mark, text = text.startswith(BYTE_ORDER_MARK), text.removeprefix(BYTE_ORDER_MARK)
    separator = _find_separator(text, known)
    lines, rows = zip(*_split(io.StringIO(text, newline=""), separator, path.name), strict=True)
    line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return Sheet(rows[0], rows[1:], lines[1:], separator, mark, line_end)


def walk_sheet(path: str | os.PathLike[str], *, known: Collection[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Read a table row by row, however long it is.

    Parameters
    ----------
    path, known
        As for :func:`read_sheet`.

    Yields
    ------
    int, tuple of str
        Line of the file in which a row ends, and its cells; first the names of the columns.

    Raises
    ------
    InputError
        As :func:`read_sheet` does, when the reading comes to what is wrong.
    """
    path = Path(path)
    with _named(path), path.open(encoding="utf-8-sig", newline="") as file:
        separator = _find_separator(file.read(_HEAD), known)
        file.seek(0)
        yield from _split(file, separator, path.name)


def write_sheet(sheet: Sheet, path: str | os.PathLike[str]) -> None:
    """Write a table, whole or not at all, with the separator, byte-order mark and line ends it has.

    Parameters
    ----------
    sheet : Sheet
        What to write; cells are written as they are.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    mark = BYTE_ORDER_MARK if sheet.mark else ""
    write_atomically(mark + "".join(_written((sheet.header, *sheet.rows), sheet)), path)


def _written(rows: Iterable[Sequence[str]], sheet: Sheet) -> list[str]:
    lines: list[str] = []

    class _Lines:
        @staticmethod
        def write(line: str) -> None:
            lines.append(line.removesuffix("\r\n") + sheet.line_end)

    # the module quotes cells that hold a character of its line end: so both are asked for, and exchanged afterwards
    csv.writer(_Lines, delimiter=sheet.separator, lineterminator="\r\n").writerows(rows)
    return lines


def _split(lines: Iterable[str], separator: str, name: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and cells of every row that is not empty, one at least."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    empty = True
    try:
        for row in reader:
            if row:
                empty = False
                yield reader.line_num, tuple(row)
    except csv.Error as error:
        found = f"{error} in line {reader.line_num}"
        msg = f"{name} cannot be read as a table: {found}, expected cells separated by comma, semicolon or tab"
        raise InputError(msg) from error
    if empty:
        msg = f"{name} is empty, expected the names of columns in its first line"
        raise InputError(msg)


def _read_text(path: Path) -> str:
    with _named(path):
        return path.read_bytes().decode("utf-8")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say what is wrong with a file, by its name."""
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{path.name}: no such file"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not text in UTF-8: {error.reason} at byte {error.start}; save it as CSV UTF-8"
        raise InputError(msg) from error


def _find_separator(text: str, known: Collection[str]) -> str:
    return max(SEPARATORS, key=lambda one: _fit(_first_row(text, one), known))


def _first_row(text: str, separator: str) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return next((row for row in rows if row), [])
    except csv.Error:  # a cell too long to be one: not this separator
        return []


def _fit(row: Sequence[str], known: Collection[str]) -> tuple[int, int]:
    """Count the columns that are known, and all of them."""
    return sum(column_key(name) in known for name in row), len(row)
