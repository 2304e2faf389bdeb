"""The tables of RSNA LumbarDISC: series descriptions, grades, marks."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foramgrade.findings import Level, Side
from foramgrade.loaders.dataset.cases import ForamenRead, Severity
from foramgrade.loaders.dataset.points import parse_level
from foramgrade.loaders.dataset.rows import Row, read_rows

#: Descriptions of the published data; of others, which may hold anything, nothing is shown.
DESCRIPTIONS = ("Sagittal T1", "Sagittal T2/STIR", "Axial T2")

#: Levels that are graded.
DISC_LEVELS = (Level("L1", "L2"), Level("L2", "L3"), Level("L3", "L4"), Level("L4", "L5"), Level("L5", "S1"))

#: Side by condition, in lower case; None where the condition is not one of the foramen.
CONDITIONS: Mapping[str, Side | None] = {
    "left neural foraminal narrowing": Side.LEFT,
    "right neural foraminal narrowing": Side.RIGHT,
    "spinal canal stenosis": None,
    "left subarticular stenosis": None,
    "right subarticular stenosis": None,
}

_DESCRIPTION_COLUMNS = ("study_id", "series_id", "series_description")
_MARK_COLUMNS = ("study_id", "series_id", "instance_number", "condition", "level", "x", "y")
_GRADE_COLUMNS = {
    f"{side}_neural_foraminal_narrowing_{level.upper}_{level.lower}".lower(): (level, side)
    for level in DISC_LEVELS
    for side in Side
}
# An identifier is the name of a folder: nothing that could lead out of the data set.
_IDENTIFIER = re.compile(r"\w[\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a reader marked a foramen.

    Parameters
    ----------
    series : str
        Folder of the series.
    instance : int
        Number in the file's name.
    level, side
        Which foramen.
    x, y : float
        Column and row, pixels.
    line : int
        Line in the table.
    """

    series: str
    instance: int
    level: Level
    side: Side
    x: float
    y: float
    line: int


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables say, by study.

    Parameters
    ----------
    descriptions : mapping of str to mapping of str to str
        Description by series.
    reads : mapping of str to tuple of ForamenRead
        Grades of foramina.
    marks : mapping of str to tuple of Mark
        Marks of foramina, in the order of the table.
    has_reads, has_marks : bool
        Whether there is such a table.
    problems : tuple of str
        What is missing for every case.
    """

    descriptions: Mapping[str, Mapping[str, str]]
    reads: Mapping[str, tuple[ForamenRead, ...]]
    marks: Mapping[str, tuple[Mark, ...]]
    has_reads: bool
    has_marks: bool
    problems: tuple[str, ...]


def read_tables(root: Path, part: str) -> Tables:
    """Read the tables of a part of the data set.

    Parameters
    ----------
    root : Path
        Folder of the data set.
    part : str
        "train" or "test".

    Returns
    -------
    Tables
        What they say of foramina. The test part is published without grades and marks: only in the train part is
        their absence a problem.

    Raises
    ------
    InputError
        If the table of descriptions is missing, or a row cannot be understood; with file, line, found and expected.
    """
    grades, marks = root / f"{part}.csv", root / f"{part}_label_coordinates.csv"
    absent = [path.name for path in (grades, marks) if not path.exists()] if part == "train" else []
    return Tables(
        descriptions=_read_descriptions(root / f"{part}_series_descriptions.csv"),
        reads=_read_grades(grades) if grades.exists() else {},
        marks=_read_marks(marks) if marks.exists() else {},
        has_reads=grades.exists(),
        has_marks=marks.exists(),
        problems=tuple(f"the data set has no {name}" for name in absent),
    )


def _read_descriptions(path: Path) -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = {}
    for row in read_rows(path, _DESCRIPTION_COLUMNS):
        study, series = _identifier(row, "study_id"), _identifier(row, "series_id")
        words = " ".join(row.cells["series_description"].split())
        if not words:
            row.refuse("series_description", "a description such as 'Sagittal T1'")
        first = known.setdefault(study, {}).setdefault(series, words)
        if first != words:
            row.refuse("series_description", f"{first!r} as in an earlier row of this series")
    return known


def _read_grades(path: Path) -> dict[str, tuple[ForamenRead, ...]]:
    known: dict[str, tuple[ForamenRead, ...]] = {}
    for row in read_rows(path, ("study_id", *_GRADE_COLUMNS)):
        study = _identifier(row, "study_id")
        if study in known:
            row.refuse("study_id", "one row per study")
        reads = []
        for column, (level, side) in _GRADE_COLUMNS.items():
            severity = _severity(row, column)
            if severity is not None:
                reads.append(ForamenRead(level, side, severity))
        known[study] = tuple(reads)
    return known


def _severity(row: Row, column: str) -> Severity | None:
    words = row.cells[column]
    if not words or words.lower() == "nan":
        return None
    severity = {str(known).lower(): known for known in Severity}.get(words.lower())
    if severity is None:
        row.refuse(column, f"{', '.join(repr(str(known)) for known in Severity)} or nothing")
    return severity


def _read_marks(path: Path) -> dict[str, tuple[Mark, ...]]:
    known: defaultdict[str, list[Mark]] = defaultdict(list)
    for row in read_rows(path, _MARK_COLUMNS):
        condition = row.cells["condition"].lower()
        if condition not in CONDITIONS:
            row.refuse("condition", f"one of {', '.join(CONDITIONS)}")
        side = CONDITIONS[condition]
        if side is None:
            continue
        level = parse_level(row.cells["level"])
        if level not in DISC_LEVELS:
            row.refuse("level", "one of L1/L2 to L5/S1")
        instance = row.whole("instance_number")
        if instance < 0:
            row.refuse("instance_number", "a number that is not negative")
        mark = Mark(_identifier(row, "series_id"), instance, level, side, row.number("x"), row.number("y"), row.line)
        known[_identifier(row, "study_id")].append(mark)
    return {study: tuple(marks) for study, marks in known.items()}


def _identifier(row: Row, column: str) -> str:
    if not _IDENTIFIER.fullmatch(row.cells[column]):
        row.refuse(column, "the name of a folder: letters, digits, '.', '-' and '_'")
    return row.cells[column]
