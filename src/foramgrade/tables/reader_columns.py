"""The columns of a table of readers' grades and areas: which they are, and what a row says in them."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from foramgrade.errors import InputError
from foramgrade.grader import Criteria, grade
from foramgrade.loaders.dataset.points import parse_level
from foramgrade.tables.columns import from_text
from foramgrade.tables.grade_scales import GRADE_SCALES, GradeScale
from foramgrade.tables.read_columns import BORDER_COLUMNS, SIDES, ReadColumns, find_columns, read_findings
from foramgrade.tables.sheets import Sheet, column_key

#: Names of the columns with a meaning, the usual one first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "case": ("case", "case_key", "case_id", "study", "study_id"),
    "patient": ("patient", "patient_key", "patient_id", "subject", "subject_id"),
    "level": ("level",),
    "side": ("side",),
    "reader": ("reader", "rater", "observer", "system", "model"),
    "session": ("session", "reading"),
    "area": ("area_mm2", "area"),
    "reference": ("y_true", "reference", "reference_grade", "truth"),
}
#: Columns of a reader's own in a table with one row per foramen: what follows is the reader's name.
OF_READER = ("grade_", "area_mm2_")
#: Name of the reader whose grades stand in a column of the reference.
REFERENCE = "reference"
#: Columns that a table of this package's own has, and others hardly.
OWN = frozenset({"lee_policy", "scheme", "version"})
#: Columns by which the separator of a table is told.
KNOWN = frozenset(
    name
    for names in (
        *NAMES.values(),
        *(scale.columns for scale in GRADE_SCALES.values()),
        *BORDER_COLUMNS.values(),
        ("lost_borders", "thin_borders", "root_shape"),
    )
    for name in names
)
#: Columns, and characters of a cell, that are named in a message.
_MOST_NAMED, _LONGEST = 12, 40


@dataclass(frozen=True, slots=True)
class ReaderColumns:
    """Where in a row what stands; None where there is no such column.

    Parameters
    ----------
    width : int
        Number of columns.
    case, patient, level, side, reader, session : int or None
        What was read, and by whom.
    grades, areas : mapping of str or None to int
        Column of the grades, and of the areas, by the reader's name; None for the one that the row or the table names.
    findings : ReadColumns or None
        Columns of findings, where there is no grade.
    own : bool
        Whether the table is this package's own.
    """

    width: int
    case: int | None
    patient: int | None
    level: int | None
    side: int | None
    reader: int | None
    session: int | None
    grades: Mapping[str | None, int]
    areas: Mapping[str | None, int]
    findings: ReadColumns | None
    own: bool


def find_reader_columns(
    header: Sequence[str], *, name: str, scale: GradeScale, readers: Sequence[str] = ()
) -> ReaderColumns:
    """Find the columns with a meaning.

    Parameters
    ----------
    header : sequence of str
        Names of the columns, in any order and case.
    name : str
        What an error calls the table.
    scale : GradeScale
        Scale of the grades.
    readers : sequence of str
        Columns that hold the grades of the reader they are called after.

    Returns
    -------
    ReaderColumns
        Their places.

    Raises
    ------
    InputError
        If a column is there twice, or one is missing without which nothing can be paired.
    """
    keys = [column_key(column) for column in header]
    place = {what: _place(keys, names, name) for what, names in NAMES.items()}
    own = set(keys) >= OWN
    grades: dict[str | None, int] = {}
    for reader in readers:
        at = _place(keys, (column_key(reader),), name)
        if at is None:
            msg = f"{name} lacks the column {reader} of a reader's grades: found {_listed(header)}"
            raise InputError(msg)
        grades[header[at].strip()] = at
    usual = _place(keys, scale.columns, name)
    if usual is not None and usual not in grades.values():
        grades[None] = usual
    if place["reference"] is not None and place["reference"] not in grades.values():
        grades[REFERENCE] = place["reference"]
    areas: dict[str | None, int] = {} if place["area"] is None else {None: place["area"]}
    for kind, found in zip(OF_READER, (grades, areas), strict=True):
        for at, key in enumerate(keys):
            if key.startswith(kind) and key != kind and at not in found.values():
                found[header[at].strip()[len(kind) :]] = at
    findings = None
    if not grades and ("lost_borders" in keys or any(set(names) & set(keys) for names in BORDER_COLUMNS.values())):
        findings = find_columns(header, name=name)
    if not grades and not areas and findings is None:
        expected = (
            f"{scale.columns[0]} or grade, area_mm2, y_true and y_pred, a column grade_NAME per reader, or findings"
        )
        msg = f"{name} holds neither grades nor areas: found the columns {_listed(header)}, expected {expected}"
        raise InputError(msg)
    if place["case"] is None and place["patient"] is None:
        msg = f"{name} does not say what was read: found the columns {_listed(header)}, expected case or patient"
        raise InputError(msg)
    where = {what: place[what] for what in ("case", "patient", "level", "side", "reader", "session")}
    return ReaderColumns(len(header), **where, grades=grades, areas=areas, findings=findings, own=own)


@dataclass(frozen=True, slots=True)
class Read:
    """One foramen as one reader graded and measured it in one session; None is missing.

    Parameters
    ----------
    case : str
        Study.
    patient : str or None
        Whose it is.
    level, side : str or None
        Which foramen of the study.
    reader, session : str
        Who read it, and when.
    grade : hashable or None
        Category of the scale.
    area_mm2 : float or None
        Area, mm2.
    line : str
        Where it stands: file and line.
    """

    case: str
    patient: str | None
    level: str | None
    side: str | None
    reader: str
    session: str
    grade: Hashable | None
    area_mm2: float | None
    line: str


def read_rows(
    sheet: Sheet, columns: ReaderColumns, *, name: str, reader: str, scale: GradeScale, criteria: Criteria
) -> Iterator[Read]:
    """Read the rows of a table.

    Parameters
    ----------
    sheet : Sheet
        The table.
    columns : ReaderColumns
        Where what stands.
    name : str
        What an error calls the table.
    reader : str
        Whose grades they are where the table does not say.
    scale : GradeScale
        Scale of the grades.
    criteria : Criteria
        By which findings are graded.

    Yields
    ------
    Read
        One per row and reader; rows without any text are left out.

    Raises
    ------
    InputError
        If a row is longer or shorter than the header, or a cell says what it cannot.
    """
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        if not any(map(str.strip, row)):
            continue
        where = f"{name}, line {line}"
        if len(row) != columns.width:
            msg = f"{where}: found {len(row)} cells, expected {columns.width} as in the header"
            raise InputError(msg)
        yield from _read_row(row, columns, where, reader, scale, criteria)


def _read_row(
    row: Sequence[str], columns: ReaderColumns, where: str, reader: str, scale: GradeScale, criteria: Criteria
) -> Iterator[Read]:
    case, patient, level, side, named, session = (
        _text(row, place, own=columns.own)
        for place in (columns.case, columns.patient, columns.level, columns.side, columns.reader, columns.session)
    )
    what = case or patient
    if what is None:
        msg = f"{where}: case is blank, expected what was read"
        raise InputError(msg)
    if columns.reader is not None and named is None:
        msg = f"{where}: reader is blank, expected a name"
        raise InputError(msg)
    if side is not None and side.lower() not in SIDES:
        msg = f"{where}: side is {_shown(side)}, expected left or right"
        raise InputError(msg)
    known = None if level is None else parse_level(level)
    from_findings = None
    if columns.findings is not None:
        try:
            from_findings = scale.of(grade(read_findings(row, columns.findings), criteria))
        except InputError as error:
            msg = f"{where}: {error}"
            raise InputError(msg) from error
    for one in dict.fromkeys((*columns.grades, *columns.areas, *([None] if columns.findings else []))):
        yield Read(
            case=what,
            patient=patient,
            level=level if known is None else known.name,
            side=None if side is None else SIDES[side.lower()].value,
            reader=one or named or reader,
            session=session or "1",
            grade=_grade(row, columns.grades[one], where, scale) if one in columns.grades else from_findings,
            area_mm2=_area(row, columns.areas[one], where) if one in columns.areas else None,
            line=where,
        )


def _grade(row: Sequence[str], place: int, where: str, scale: GradeScale) -> Hashable | None:
    try:
        return scale.read(row[place])
    except ValueError as error:
        msg = f"{where}: the {scale.name} grade is {_shown(row[place])}, {error}"
        raise InputError(msg) from error


def _area(row: Sequence[str], place: int, where: str) -> float | None:
    text = row[place].strip()
    if text.lower() in ("", "-", "na", "nan", "<na>"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        msg = f"{where}: the area is {_shown(text)}, expected mm2 as a number with a decimal point, or nothing"
        raise InputError(msg)
    return value


def _text(row: Sequence[str], place: int | None, *, own: bool) -> str | None:
    if place is None:
        return None
    text = row[place].strip()
    return (from_text("case", text) if own else text) or None


def _place(keys: Sequence[str], names: Sequence[str], file: str) -> int | None:
    places = [place for place, key in enumerate(keys) if key in names]
    if len(places) > 1:
        found = " and ".join(dict.fromkeys(keys[place] for place in places))
        msg = f"{file} has {len(places)} columns for one thing, {found}: expected one"
        raise InputError(msg)
    return places[0] if places else None


def _shown(cell: str) -> str:
    text = cell.strip()
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...") if text else "blank"


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(column.strip() or "''" for column in header[:_MOST_NAMED])
    return shown + (f" and {len(header) - _MOST_NAMED} more" if len(header) > _MOST_NAMED else "")
