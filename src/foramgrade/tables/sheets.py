"""Tables of anyone's, as spreadsheets save them: separator, byte-order mark and line ends are kept as they came."""

import csv
import io
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.tables.files import write_atomically

SEPARATORS = (",", ";", "\t")
"""What may stand between cells: comma, the semicolon of a German Excel, tabulator."""
BYTE_ORDER_MARK = "\ufeff"
"""Excel puts it in front of text in UTF-8, and expects it there."""


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
    separator = max(SEPARATORS, key=lambda one: _fit(_first_row(text, one), known))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        numbered = [(reader.line_num, tuple(row)) for row in reader if row]
    except csv.Error as error:
        found = f"{error} in line {reader.line_num}"
        msg = f"{path.name} cannot be read as a table: {found}, expected cells separated by comma, semicolon or tab"
        raise InputError(msg) from error
    if not numbered:
        msg = f"{path.name} is empty, expected the names of columns in its first line"
        raise InputError(msg)
    lines, rows = zip(*numbered, strict=True)
    line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return Sheet(rows[0], rows[1:], lines[1:], separator, mark, line_end)


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


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        msg = f"{path.name}: no such file"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not text in UTF-8: {error.reason} at byte {error.start}; save it as CSV UTF-8"
        raise InputError(msg) from error


def _first_row(text: str, separator: str) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return next((row for row in rows if row), [])
    except csv.Error:  # a cell too long to be one: not this separator
        return []


def _fit(row: Sequence[str], known: Collection[str]) -> tuple[int, int]:
    """Count the columns that are known, and all of them."""
    return sum(column_key(name) in known for name in row), len(row)
