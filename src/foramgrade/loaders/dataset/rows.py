"""Rows of a table of comma-separated values, each with its line for messages."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from foramgrade.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Parameters
    ----------
    table : str
        Name of the file.
    line : int
        Its line in the file, from 1.
    cells : mapping of str to str
        Cell by column, without surrounding blanks.
    """

    table: str
    line: int
    cells: Mapping[str, str]

    def refuse(self, column: str, expected: str) -> NoReturn:
        """Say what was found in a cell and what was expected.

        Raises
        ------
        InputError
            Always.
        """
        where = f"{self.table}, line {self.line}, column {column}"
        msg = f"{where}: found {self.cells[column]!r}, expected {expected}"
        raise InputError(msg)

    def number(self, column: str) -> float:
        """Read a cell as a finite number."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.refuse(column, "a number with a decimal point")
        return value

    def whole(self, column: str) -> int:
        """Read a cell as a whole number; tables that went through pandas write 8 as "8.0"."""
        value = self.number(column)
        if not value.is_integer():
            self.refuse(column, "a whole number")
        return int(value)


def read_rows(path: Path, columns: Iterable[str]) -> Iterator[Row]:
    """Read the rows of a CSV file one by one.

    Parameters
    ----------
    path : Path
        UTF-8, with or without byte-order mark, any line ends. Empty lines are skipped.
    columns : iterable of str
        Columns that must be there; others are handed on.

    Yields
    ------
    Row
        In the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, names one twice, or a row has more or fewer cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, columns, path.name)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    msg = f"{path.name}, line {reader.line_num}: found {len(cells)} cells, expected {len(header)}"
                    raise InputError(msg)
                values = zip(header, (cell.strip() for cell in cells), strict=True)
                yield Row(path.name, reader.line_num, dict(values))
    except FileNotFoundError as error:
        msg = f"{path.name}: no such file"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path.name} cannot be opened: {error.strerror or 'the system refuses'}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path.name} is not text in UTF-8: save the table as CSV, UTF-8"
        raise InputError(msg) from error
    except csv.Error as error:
        msg = f"{path.name} is not a table of comma-separated values: {error}"
        raise InputError(msg) from error


def _check_header(header: list[str], columns: Iterable[str], name: str) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        found = ", ".join(column for column in header if column) or "an empty line"
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            found = f"cells separated by {'semicolons' if ';' in header[0] else 'tabs'}"
        msg = f"{name} lacks the columns {', '.join(missing)}: found {found}, expected commas between the cells"
        raise InputError(msg)
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        msg = f"{name} names the columns {', '.join(twice)} twice, expected each once"
        raise InputError(msg)
