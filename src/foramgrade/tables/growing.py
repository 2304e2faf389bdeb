"""The table of many studies, written row by row as CSV and as Parquet: memory does not grow with its length."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foramgrade.errors import InputError
from foramgrade.tables.columns import (
    BOOLEAN_COLUMNS,
    COLUMNS,
    INTEGER_COLUMNS,
    NUMBER_COLUMNS,
    Cell,
    from_text,
    to_text,
)

#: Rows that are held until they are written as a row group of Parquet: some 10 MB.
GROUP_ROWS = 10_000


class GrowingTable:
    """A table under construction; made by :func:`open_table`.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    lines : csv writer
        Takes the rows as text; the header is written.
    groups : ParquetWriter
        Takes row groups.
    """

    def __init__(self, columns: Sequence[str], lines: Any, groups: pq.ParquetWriter) -> None:
        self._columns, self._lines, self._groups = tuple(columns), lines, groups
        self._held: list[Mapping[str, Cell]] = []

    def add(self, row: Mapping[str, Cell]) -> None:
        """Write one row: value by column; a column that it lacks is missing."""
        self._lines.writerow([to_text(column, row.get(column)) for column in self._columns])
        self._held.append(row)
        if len(self._held) >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are held as a row group."""
        if self._held:
            columns = {name: [row.get(name) for row in self._held] for name in self._columns}
            self._groups.write_table(pa.table(columns, schema=self._groups.schema))
            self._held.clear()


@contextmanager
def open_table(csv_path: Path, parquet_path: Path, *, columns: Sequence[str]) -> Iterator[GrowingTable]:
    """Open a table to write it row by row, in two formats at once.

    Parameters
    ----------
    csv_path, parquet_path : Path
        Files to write or replace; their folders must exist. They are whole when the block is left.
    columns : sequence of str
        Names of the columns, unique; those of `COLUMNS` have their kinds, all others are text.

    Yields
    ------
    GrowingTable
        Takes rows.

    Raises
    ------
    OSError
        If the files cannot be written.

    Notes
    -----
    CSV as from :func:`foramgrade.tables.write_rows`. Parquet: one row group per `GROUP_ROWS` rows, int64, double, bool
    and string, null where missing, compressed by zstd. Neither holds a time or a path: equal rows give equal bytes, of
    Parquet as long as the version of pyarrow is the same.
    """
    schema = pa.schema([(column, _kind(column)) for column in columns])
    with ExitStack() as stack:
        text = stack.enter_context(csv_path.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
        groups = stack.enter_context(pq.ParquetWriter(parquet_path, schema, compression="zstd"))
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(columns)
        table = GrowingTable(columns, lines, groups)
        yield table
        table.flush()


def read_rows(path: Path) -> list[dict[str, Cell]]:
    """Read the rows of a table that :func:`foramgrade.tables.write_rows` wrote, as plain values.

    Parameters
    ----------
    path : Path
        A ``foramina.csv`` with exactly `COLUMNS`, unedited.

    Returns
    -------
    list of dict
        As they were given to ``write_rows``.

    Raises
    ------
    InputError
        If the file cannot be read or is not such a table.

    Notes
    -----
    :func:`foramgrade.tables.read_csv` reads what people have edited, at twenty times the cost.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            if tuple(next(reader, ())) != COLUMNS:
                msg = f"{path.name} does not have the columns of this version"
                raise InputError(msg)
            return [dict(zip(COLUMNS, map(_value, COLUMNS, line), strict=True)) for line in reader]
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    except InputError:
        raise
    except (ValueError, csv.Error) as error:
        msg = f"{path.name} is damaged: {error}"
        raise InputError(msg) from error


def _kind(column: str) -> pa.DataType:
    if column in INTEGER_COLUMNS:
        return pa.int64()
    if column in BOOLEAN_COLUMNS:
        return pa.bool_()
    return pa.float64() if column in NUMBER_COLUMNS else pa.string()


def _value(column: str, text: str) -> Cell:
    told = from_text(column, text)
    if told is None:
        return None
    if column in INTEGER_COLUMNS:
        return int(told)
    if column in BOOLEAN_COLUMNS:
        return told == "true"
    return float(told) if column in NUMBER_COLUMNS else told
