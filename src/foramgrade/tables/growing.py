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
#: Bytes that are taken from a table at a time.
_AT_ONCE = 1 << 16


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


def walk_rows(path: Path, *, columns: Sequence[str] = COLUMNS) -> Iterator[dict[str, Cell]]:
    """Read a table that this package wrote, as plain values, row by row.

    Parameters
    ----------
    path : Path
        A CSV file with exactly `columns`, unedited; such as :func:`foramgrade.tables.write_rows` writes.
    columns : sequence of str
        Names of its columns; those that are not in `COLUMNS` are text.

    Yields
    ------
    dict
        Value by column, as it was written.

    Raises
    ------
    InputError
        If the file cannot be read or is not such a table.

    Notes
    -----
    The file is open only while some 64 kB are taken from it, so that a thousand tables can be walked side by side.
    :func:`foramgrade.tables.read_csv` reads what people have edited, at twenty times the cost.
    """
    try:
        reader = csv.reader((line.decode() for line in _lines(path)), strict=True)
        if next(reader, []) != list(columns):
            msg = f"{path.name} does not have the columns of this version"
            raise InputError(msg)
        for line in reader:
            yield dict(zip(columns, map(_value, columns, line), strict=True))
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror or error}"
        raise InputError(msg) from error
    except InputError:
        raise
    except (ValueError, csv.Error) as error:
        msg = f"{path.name} is damaged: {error}"
        raise InputError(msg) from error


def _lines(path: Path) -> Iterator[bytes]:
    place, size = 0, path.stat().st_size
    while place < size:
        with path.open("rb") as file:
            file.seek(place)
            lines = file.readlines(_AT_ONCE)
            place = file.tell()
        yield from lines


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
