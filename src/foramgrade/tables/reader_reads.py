"""Reads of several readers, from one table or several: who graded which foramen how, in which session."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from foramgrade.errors import InputError
from foramgrade.grader import LEE_2010, Criteria
from foramgrade.tables.grade_scales import LEE_SCALE, GradeScale
from foramgrade.tables.reader_columns import KNOWN, NAMES, REFERENCE, Read, find_reader_columns, read_rows
from foramgrade.tables.sheets import Sheet, column_key, read_sheet

READ_COLUMNS = ("case", "patient", "level", "side", "reader", "session", "grade", "area_mm2")
"""Columns of a table of reads, in this order."""
PUBLISHED_COLUMNS = frozenset({"accuracy", "kappa", "linear_kappa", "qwk", "quadratic_kappa", "mae"})
"""Columns of a table of published values, by system, that are compared with what the reads give."""
OWN_READER = "foramgrade"
"""Reader of a ``foramina.csv`` that is given without a name."""
_NAMED = re.compile(r"([^=/\\]+)=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Reads:
    """Reads of foramina.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per foramen, reader and session, with `READ_COLUMNS`: text as `string`, the grade as a category of the
        scale or None, the area in mm2 as `Float64`. Level and side may be missing in tables that have none.
    scale : GradeScale
        Scale of the grades.
    reference : str or None
        Reader whose grades stood in a column of the reference (``y_true``).
    published : mapping of str to mapping of str to Decimal
        By reader and column, values that somebody published for these reads, with the decimals given.
    skipped : mapping of str to tuple of str
        By file, columns of published values that nothing here computes.
    notes : tuple of str
        Sentences about what was read.
    """

    frame: pd.DataFrame
    scale: GradeScale = LEE_SCALE
    reference: str | None = None
    published: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    skipped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_reads(
    *sources: str | os.PathLike[str],
    scale: GradeScale = LEE_SCALE,
    criteria: Criteria = LEE_2010,
    columns: Sequence[str] = (),
) -> Reads:
    """Read grades and areas of several readers.

    Parameters
    ----------
    *sources : path or "NAME=path"
        Tables as :func:`foramgrade.tables.read_sheet` takes them, or folders of them. Columns, in any order and case:
        `case` or `patient`, perhaps both, `level`, `side`, `reader`, `session`; the grade in a column called after the
        scale (`lee_grade`) or `grade`, or findings; `area_mm2`. Or a column per reader: `grade_NAME`, `area_mm2_NAME`,
        `y_true` (the reader "reference") and `y_pred`. ``foramina.csv`` is such a table; NAME is the reader of a table
        that names none, which otherwise is called after its file.
    scale : GradeScale
        Scale of the grades.
    criteria : Criteria
        By which findings are graded where a table has no grades.
    columns : sequence of str
        Further columns that hold the grades of the reader they are called after.

    Returns
    -------
    Reads
        All of them in one table. A patient who is named in one table is known in the others by the case; a case without
        patient is a patient of its own.

    Raises
    ------
    InputError
        If a table cannot be read or paired, a cell says what it cannot, a foramen is read twice by one reader in one
        session with other results, or a case belongs to two patients.
    """
    reads: list[Read] = []
    published: dict[str, dict[str, Decimal]] = {}
    skipped: dict[str, tuple[str, ...]] = {}
    given = False
    for name, path in _find_tables(sources):
        sheet = read_sheet(path, known=KNOWN | PUBLISHED_COLUMNS)
        if _is_published(sheet):
            skipped[path.name] = _read_published(sheet, path.name, published)
            continue
        found = find_reader_columns(
            sheet.header,
            name=path.name,
            scale=scale,
            readers=[c for c in columns if column_key(c) in map(column_key, sheet.header)],
        )
        if name is not None and found.reader is not None:
            msg = f"{path.name} has a column of readers and is given the name {name!r} too: expected one of the two"
            raise InputError(msg)
        reader = name or (OWN_READER if found.own else path.stem)
        given = given or REFERENCE in found.grades
        reads += read_rows(sheet, found, name=path.name, reader=reader, scale=scale, criteria=criteria)
    _check_found(reads, columns)
    whole, notes = _fill_patients(_unite(reads))
    return Reads(_to_frame(whole), scale, REFERENCE if given else None, published, skipped, notes)


def find_files(sources: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Files that :func:`read_reads` reads.

    Parameters
    ----------
    sources : iterable of path or "NAME=path"
        As for :func:`read_reads`.

    Returns
    -------
    list of Path
        Tables; a folder stands for those in it.

    Raises
    ------
    InputError
        If there is none.
    """
    return [path for _, path in _find_tables(sources)]


def _find_tables(sources: Iterable[str | os.PathLike[str]]) -> list[tuple[str | None, Path]]:
    """Name, where one is given, and path of every table; a folder stands for the tables in it."""
    found: list[tuple[str | None, Path]] = []
    for source in sources:
        path, name = Path(source), None
        named = _NAMED.fullmatch(str(source))
        if named and not path.exists():
            name, path = named[1].strip(), Path(named[2])
        if path.is_dir():
            inside = sorted(path.glob("*.csv"))
            if not inside:
                msg = f"{path.name} is a folder without CSV files, expected tables of reads"
                raise InputError(msg)
            found += [(name, one) for one in inside]
        else:
            found.append((name, path))
    if not found:
        msg = "expected a table of reads, found none"
        raise InputError(msg)
    return found


def _check_found(reads: Sequence[Read], columns: Sequence[str]) -> None:
    if not reads:
        msg = "the tables hold no reads, expected a row per foramen and reader"
        raise InputError(msg)
    readers = {column_key(read.reader) for read in reads}
    absent = [column for column in columns if column_key(column) not in readers]
    if absent:
        msg = f"no table has the column {', '.join(absent)} of a reader's grades"
        raise InputError(msg)


def _unite(reads: Iterable[Read]) -> list[Read]:
    """One read per foramen, reader and session; what is there twice must say the same."""
    found: dict[tuple[str | None, ...], Read] = {}
    for read in reads:
        key = (read.case, read.level, read.side, read.reader, read.session)
        before = found.get(key)
        found[key] = read if before is None else _both(before, read)
    return list(found.values())


def _both(before: Read, read: Read) -> Read:
    for what, old, new in (
        ("grade", before.grade, read.grade),
        ("area", before.area_mm2, read.area_mm2),
        ("patient", before.patient, read.patient),
    ):
        if old is not None and new is not None and old != new:
            msg = (
                f"{read.line}: the same foramen, reader and session as in {before.line}, with the {what} {new} instead "
                f"of {old}: expected one read of each, or another level, side or session"
            )
            raise InputError(msg)
    return replace(
        before,
        grade=read.grade if before.grade is None else before.grade,
        area_mm2=read.area_mm2 if before.area_mm2 is None else before.area_mm2,
        patient=before.patient or read.patient,
    )


def _fill_patients(reads: Sequence[Read]) -> tuple[list[Read], tuple[str, ...]]:
    """Give every read its patient, known from another table or the case itself."""
    patients: dict[str, Read] = {}
    for read in reads:
        if read.patient is not None:
            known = patients.setdefault(read.case, read)
            if known.patient != read.patient:
                msg = f"{read.line}: its case belongs to another patient in {known.line}, expected the same one"
                raise InputError(msg)
    alone = {read.case for read in reads} - patients.keys()
    notes = []
    if alone and patients:
        those = "1 case has" if len(alone) == 1 else f"{len(alone)} cases have"
        notes.append(f"{those} no patient in any table and counts as a patient of its own.")
    filled = [
        read
        if read.patient
        else replace(read, patient=patients[read.case].patient if read.case in patients else read.case)
        for read in reads
    ]
    return filled, tuple(notes)


def _to_frame(reads: Sequence[Read]) -> pd.DataFrame:
    columns: dict[str, object] = {
        name: pd.array([getattr(read, name) for read in reads], dtype="string")
        for name in ("case", "patient", "level", "side", "reader", "session")
    }
    columns["grade"] = pd.Series([read.grade for read in reads], dtype=object)
    columns["area_mm2"] = pd.array([read.area_mm2 for read in reads], dtype="Float64")
    return pd.DataFrame(columns, columns=list(READ_COLUMNS))


def _is_published(sheet: Sheet) -> bool:
    """A table of values by reader, without anything that was read."""
    keys = {column_key(column) for column in sheet.header}
    return bool(
        keys & set(NAMES["reader"]) and keys & PUBLISHED_COLUMNS and not keys & {*NAMES["case"], *NAMES["patient"]}
    )


def _read_published(sheet: Sheet, name: str, published: dict[str, dict[str, Decimal]]) -> tuple[str, ...]:
    """Take the values of a table in; returns the columns of numbers that nothing here computes."""
    keys = [column_key(column) for column in sheet.header]
    reader = next(place for place, key in enumerate(keys) if key in NAMES["reader"])
    numbers: set[int] = set()
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        if not any(map(str.strip, row)):
            continue
        if len(row) != len(keys):
            msg = f"{name}, line {line}: found {len(row)} cells, expected {len(keys)} as in the header"
            raise InputError(msg)
        values = published.setdefault(row[reader].strip(), {})
        for place, (key, cell) in enumerate(zip(keys, row, strict=True)):
            value = _finite(cell)
            if value is not None:
                numbers.add(place)
            if key in PUBLISHED_COLUMNS and cell.strip():
                if value is None:
                    msg = f"{name}, line {line}, column {sheet.header[place]}: found {cell!r}, expected a number"
                    raise InputError(msg)
                values[key] = value
    others = [sheet.header[place] for place in sorted(numbers) if keys[place] not in PUBLISHED_COLUMNS]
    return tuple(others)


def _finite(cell: str) -> Decimal | None:
    try:
        value = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
