"""Manifests: a table with a row per case, as CSV, TSV or Parquet, of any length."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foramgrade.anatomy.labels import parse_level_names
from foramgrade.anatomy.schemes import scheme_names
from foramgrade.batch.assessing import StudyFiles
from foramgrade.batch.cases import BatchCase, Complaints, absolute, printable
from foramgrade.batch.outcome import CASE_COLUMNS
from foramgrade.errors import InputError
from foramgrade.findings import Sequence as Contrast
from foramgrade.loaders import PUBLIC_SALT, case_id
from foramgrade.loaders.segmentation.names import NAMES_SCHEME
from foramgrade.tables import COLUMNS
from foramgrade.tables.sheets import column_key, walk_sheet

#: Columns that a manifest may have; ``image`` is the one that it must have.
MANIFEST_COLUMNS = (
    *("case", "image", "labels", "scheme", "instances", "points", "roots", "sequence", "series", "levels"),
    *("state", "patient"),
)
#: Columns of them that go into the tables beside those that are carried through.
CARRIED_FIRST = ("patient", "state")
#: Columns of the results, whose names a carried column cannot have.
TAKEN_COLUMNS = frozenset((*COLUMNS, *CASE_COLUMNS))
#: Columns that name a file or a folder.
PATH_COLUMNS = ("image", "labels", "instances", "points", "roots")
#: Contrasts that can be graded.
GRADED = (Contrast.T1, Contrast.T2)
#: Rows of a Parquet manifest that are held at a time.
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for rows that do not say it themselves.

    Parameters
    ----------
    scheme, levels : str or None
        Label scheme, and names of vertebrae as on the command line.
    sequence : Sequence or None
        Contrast. Of a data set only images with this contrast are cases.
    salt : str
        Secret of the pseudonyms of cases without a name; left out of the value's representation.
    """

    scheme: str | None = None
    levels: str | None = None
    sequence: Contrast | None = None
    salt: str = field(default=PUBLIC_SALT, repr=False)


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a manifest.

    Parameters
    ----------
    ours : mapping of str to int
        Place of each of `MANIFEST_COLUMNS` that is there.
    carried : mapping of str to int
        Place of every column that goes into the tables, by the name it has there.
    """

    ours: Mapping[str, int]
    carried: Mapping[str, int]


def read_header(names: Sequence[str], file: str) -> Header:
    """Tell the columns of a manifest.

    Parameters
    ----------
    names : sequence of str
        Names of the columns as they stand in the file.
    file : str
        What messages call it.

    Returns
    -------
    Header
        Where which column is. Columns without a name, such as pandas' index, are left out.

    Raises
    ------
    InputError
        If there is no column ``image``, a column stands twice, or a carried one is called like one of the results.

    Examples
    --------
    >>> read_header(["Case", "image", "site"], "cohort.csv").carried
    {'site': 2}
    """
    keys = [column_key(name) for name in names]
    named = {key: place for place, key in enumerate(keys) if key}
    twice = sorted(key for key, count in Counter(keys).items() if key and count > 1)
    if twice:
        msg = f"{file} names the columns {', '.join(twice)} twice, expected each once"
        raise InputError(msg)
    if "image" not in named:
        found = ", ".join(repr(name) for name in names if name.strip()) or "none"
        msg = (
            f"{file} lacks the column image, found the columns {found}; expected some of {', '.join(MANIFEST_COLUMNS)}"
        )
        raise InputError(msg)
    ours = {key: named[key] for key in MANIFEST_COLUMNS if key in named}
    others = {names[place].strip(): place for key, place in named.items() if key not in MANIFEST_COLUMNS}
    taken = sorted(name for name in others if column_key(name) in TAKEN_COLUMNS)
    if taken:
        msg = (
            f"{file}: the results have columns {', '.join(taken)} of their own, give those of the manifest other names"
        )
        raise InputError(msg)
    return Header(ours, {key: ours[key] for key in CARRIED_FIRST if key in ours} | others)


def open_manifest(path: Path) -> tuple[Header, Iterator[tuple[int, tuple[str, ...]]]]:
    """Open a manifest.

    Parameters
    ----------
    path : Path
        A file that ends in .parquet, or text whose cells are separated by comma, semicolon or tabulator.

    Returns
    -------
    Header, iterator of int and tuple of str
        Columns; line (of Parquet: row, from 1) and cells of every row, one after the other.

    Raises
    ------
    InputError
        If the file cannot be read or is no manifest; also while rows are taken.
    """
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else walk_sheet(path, known=MANIFEST_COLUMNS)
    _, names = next(rows)
    return read_header(names, path.name), rows


def read_cases(
    header: Header,
    rows: Iterator[tuple[int, tuple[str, ...]]],
    *,
    folder: Path,
    defaults: Defaults,
    complaints: Complaints,
) -> Iterator[BatchCase]:
    """Make a case of every row.

    Parameters
    ----------
    header, rows
        As from :func:`open_manifest`.
    folder : Path
        To which relative paths relate.
    defaults : Defaults
        For rows that do not say it themselves.
    complaints : Complaints
        Takes a sentence for every row that cannot be understood; such a row gives no case.

    Yields
    ------
    BatchCase
        In the order of the rows. Blank rows are passed over.
    """
    width, number = 1 + max([*header.ours.values(), *header.carried.values()]), 0
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            if len(row) < width:
                msg = f"found {len(row)} cells, expected {width} as in the header"
                raise InputError(msg)
            cells = {name: row[place].strip() for name, place in header.ours.items()}
            carried = tuple(printable(row[place]) or None for place in header.carried.values())
            yield _case(number, cells, carried, folder, defaults)
        except InputError as error:
            complaints.add(f"line {line}: {error}")
        number += 1


def _case(
    number: int, cells: Mapping[str, str], carried: tuple[str | None, ...], folder: Path, defaults: Defaults
) -> BatchCase:
    given = {column: cells[column] for column in PATH_COLUMNS if cells.get(column)}
    series = cells.get("series") or None
    case = printable(cells.get("case", ""))
    if not case and not given:
        msg = "found neither a case nor an image"
        raise InputError(msg)
    case = case or case_id(
        *[given[name] for name in PATH_COLUMNS if name in given][:1], *[series or "-"], salt=defaults.salt
    )
    scheme = find_scheme(cells["scheme"], folder) if cells.get("scheme") else defaults.scheme
    levels = cells.get("levels") or defaults.levels
    names = None if levels is None else parse_level_names(levels)
    sequence = _sequence(cells.get("sequence", "")) or defaults.sequence
    if "image" not in given or not given.keys() & {"labels", "points"}:
        lacking = "no image" if "image" not in given else "neither labels nor points"
        return BatchCase(number, case, None, skipped=f"the manifest names {lacking}", carried=carried)
    for role in ("instances", "roots"):
        if "labels" not in given and role in given:
            msg = f"{role} are given without the labels that they belong to"
            raise InputError(msg)
    labelled = "labels" in given
    urls = {role: text for role, text in given.items() if "://" in text}
    paths = {role: _place(text, folder, role) for role, text in given.items()}
    files = StudyFiles(
        image=paths["image"],
        labels=paths.get("labels"),
        instances=paths.get("instances"),
        points=paths.get("points"),
        roots=paths.get("roots"),
        scheme=scheme if labelled else None,
        level_names=names if labelled else None,
        series=series,
        sequence=sequence,
    )
    return BatchCase(number, case, files, carried=carried, urls=urls)


def check_defaults(defaults: Defaults) -> Defaults:
    """Refuse a scheme or names of levels that could not be understood in any row; make the path of a scheme absolute.

    Raises
    ------
    InputError
        With what was found and expected.
    """
    if defaults.levels is not None:
        parse_level_names(defaults.levels)
    return defaults if defaults.scheme is None else replace(defaults, scheme=find_scheme(defaults.scheme, Path()))


def find_scheme(text: str, folder: Path) -> str:
    """Check the name of a scheme; a file's is made absolute.

    Raises
    ------
    InputError
        If there is no scheme of this name.
    """
    if text == NAMES_SCHEME:
        return text
    if text.lower().endswith(".json"):
        return str(_place(text, folder, "scheme"))
    if text not in scheme_names():
        msg = f"the scheme is {text!r}, expected one of {', '.join(scheme_names())} or a .json file"
        raise InputError(msg)
    return text


def _place(text: str, folder: Path, role: str) -> Path:
    """Where a cell says a file is; no system's files have a zero byte in their names."""
    if "\0" in text:
        msg = f"{role} is {printable(text)!r}, which holds a zero byte, expected the name of a file"
        raise InputError(msg)
    return absolute(folder / text)


def _sequence(text: str) -> Contrast | None:
    if not text:
        return None
    found = next((one for one in GRADED if one.value.lower() == text.lower()), None)
    if found is None:
        msg = f"the sequence is {text!r}, expected {' or '.join(one.value for one in GRADED)}, or nothing"
        raise InputError(msg)
    return found


def _parquet_rows(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        with pq.ParquetFile(path) as file:
            yield 0, tuple(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, tuple(map(_text, row))
    except FileNotFoundError as error:
        msg = f"{path.name}: no such file"
        raise InputError(msg) from error
    except (OSError, pa.ArrowException) as error:
        msg = f"{path.name} cannot be read as a Parquet table: {str(error).splitlines()[0]}"
        raise InputError(msg) from error


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # NaN differs from itself
