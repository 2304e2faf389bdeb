"""Tables on disk: written whole or not at all, read back with their kinds."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from foramgrade.errors import InputError
from foramgrade.tables.columns import COLUMNS, FORMULA_STARTS, Cell, from_text, to_text, typed


def write_rows(rows: Iterable[Mapping[str, Cell]], path: str | os.PathLike[str]) -> None:
    """Write rows of one or several studies as ``foramina.csv``.

    Parameters
    ----------
    rows : iterable of mappings
        Value by column, as from :func:`foramgrade.tables.rows`.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written.

    Notes
    -----
    UTF-8, comma, one line per foramen, the same bytes for the same rows. Text that a spreadsheet might run as a formula
    is given a leading apostrophe, which :func:`read_csv` takes away.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([to_text(column, row[column]) for column in COLUMNS] for row in rows)
    write_atomically(text.getvalue(), path)


def write_table(
    rows: Iterable[Mapping[str, str | int | float | bool | None]], columns: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Write rows with columns of their own as a CSV file.

    Parameters
    ----------
    rows : iterable of mappings
        Value by column; None, or a column that is not there, is an empty cell.
    columns : sequence of str
        In this order.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written.

    Notes
    -----
    UTF-8, comma, the same bytes for the same rows. Text that a spreadsheet might run as a formula gets a leading
    apostrophe, and so does text that starts with one.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row.get(column)) for column in columns] for row in rows)
    write_atomically(text.getvalue(), path)


def _plain(value: str | int | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        line = " ".join(value.splitlines())
        return f"'{line}" if line.startswith((*FORMULA_STARTS, "'")) else line
    return str(value)


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table that :func:`write_rows` wrote, perhaps edited since.

    Parameters
    ----------
    path : path
        A file with all of `COLUMNS`, in any order; further columns are kept, as text, behind them.

    Returns
    -------
    pandas.DataFrame
        Text as `string`, whole numbers as `Int64`, real numbers as `Float64`, true and false as `boolean`; an empty
        cell is `<NA>`.

    Raises
    ------
    InputError
        If the file cannot be read, is not such a table, or a cell is not of its column's kind.
    """
    path = Path(path)
    header, *lines = _read_lines(path)
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        msg = f"{path.name} lacks the columns {', '.join(missing)}: expected those of foramina.csv, separated by commas"
        raise InputError(msg)
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            msg = f"{path.name}, line {number}: found {len(line)} cells, expected {len(header)} as in the header"
            raise InputError(msg)
    order = [*COLUMNS, *(column for column in header if column not in COLUMNS)]
    cells = {c: [from_text(c, line[header.index(c)]) for line in lines] for c in order}
    return typed(pd.DataFrame(cells, columns=order, dtype=object), name=path.name)


def _read_lines(path: Path) -> list[list[str]]:
    """Split the file into lines of cells; the first is the header."""
    try:
        # utf-8-sig also reads a file without the byte-order mark that spreadsheets put in front
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file, strict=True) if line]
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path.name} is not a table in UTF-8, separated by commas: {error}"
        raise InputError(msg) from error
    if not lines:
        msg = f"{path.name} is empty, expected the columns of foramina.csv in its first line"
        raise InputError(msg)
    return lines


def write_atomically(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text file so that a reader, or a crash, never meets half of it.

    Parameters
    ----------
    text : str
        Content, written as UTF-8 with the line ends it has.
    path : path
        File to write or replace; its folder must exist.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # a name that was not UTF-8 on disk reaches here as lone surrogates: shown escaped rather than refused
        part.write_bytes(text.encode("utf-8", errors="backslashreplace"))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        msg = f"cannot write {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
