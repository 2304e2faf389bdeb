"""Foramina of one state (flexion, before surgery, a follow-up), to be paired with those of another."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.loaders.dataset.points import parse_level
from foramgrade.tables.columns import from_text
from foramgrade.tables.read_columns import SIDES
from foramgrade.tables.reader_columns import NAMES, OWN
from foramgrade.tables.sheets import Sheet, column_key, read_sheet

#: Columns of numbers, by what they are called here.
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "area_mm2": ("area_mm2", "area"),
    "area_u_mm2": ("area_u_mm2",),
    "angle_deg": ("segmental_angle_deg", "angle_deg"),
}
#: What a cell says where a number or a grade is missing.
_MISSING = frozenset({"", "-", "na", "nan", "<na>"})
#: The usual name of a table of foramina.
USUAL_NAME = "foramina.csv"


@dataclass(frozen=True, slots=True)
class StateForamen:
    """One foramen in one state; None is missing.

    Parameters
    ----------
    patient, level, side : str
        Which foramen.
    area_mm2, area_u_mm2 : float or None
        Area and its standard uncertainty, mm2.
    grade : int or None
        Lee grade.
    angle_deg : float or None
        Segmental angle of the level, degrees, lordosis positive.
    line : str
        Where it stands: file and line.
    """

    patient: str
    level: str
    side: str
    area_mm2: float | None = None
    area_u_mm2: float | None = None
    grade: int | None = None
    angle_deg: float | None = None
    line: str = ""


def read_states(path: str | os.PathLike[str], *, patients: Mapping[str, str] | None = None) -> tuple[StateForamen, ...]:
    """Read the foramina of one state.

    Parameters
    ----------
    path : path
        A table such as ``foramina.csv``, of one study or of many, or the folder that holds it. Columns, in any order
        and case: `patient` or `case`, `level`, `side`; `area_mm2`, `area_u_mm2`, `lee_grade` (or `grade`) and
        `segmental_angle_deg`, as many as there are.
    patients : mapping of str to str or None
        Patient by case, where the table names cases only and these differ between the states.

    Returns
    -------
    tuple of StateForamen
        In the order of the table. Without a column `patient` and without `patients` the case is the patient.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column, holds a foramen twice, or a cell is not of its kind.
    """
    path = find_states(path)
    numbers = {name for names in _NUMBERS.values() for name in names}
    known = {*numbers, *NAMES["case"], *NAMES["patient"], "level", "side", "lee_grade", "grade", *OWN}
    sheet = read_sheet(path, known=known)
    places = _find_places(sheet, path.name)
    own = set(map(column_key, sheet.header)) >= OWN
    found: dict[tuple[str, str, str], StateForamen] = {}
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        if not any(map(str.strip, row)):
            continue
        where = f"{path.name}, line {line}"
        if len(row) != len(sheet.header):
            msg = f"{where}: found {len(row)} cells, expected {len(sheet.header)} as in the header"
            raise InputError(msg)
        cells = {what: row[place].strip() for what, place in places.items()}
        if own:
            cells |= {what: from_text("case", cells[what]) or "" for what in ("case", "patient") if what in cells}
        foramen = _read_foramen(cells, where, patients)
        key = (foramen.patient, foramen.level, foramen.side)
        if key in found:
            msg = f"{where}: {foramen.level} {foramen.side} of this patient is there already, in {found[key].line}"
            raise InputError(msg)
        found[key] = foramen
    if not found:
        msg = f"{path.name} holds no foramen, expected a row for each"
        raise InputError(msg)
    return tuple(found.values())


def read_patients(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read which case belongs to which patient.

    Parameters
    ----------
    path : path
        A table with the columns `case` and `patient`.

    Returns
    -------
    dict of str to str
        Patient by case.

    Raises
    ------
    InputError
        If the table lacks a column, a cell is blank, or a case belongs to two patients.
    """
    path = Path(path)
    sheet = read_sheet(path, known={*NAMES["case"], *NAMES["patient"]})
    case, patient = (_place(sheet, NAMES[what], path.name) for what in ("case", "patient"))
    if case is None or patient is None:
        missing = "case" if case is None else "patient"
        msg = f"{path.name} lacks the column {missing}, expected case and patient"
        raise InputError(msg)
    found: dict[str, str] = {}
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        cells = [row[place].strip() if place < len(row) else "" for place in (case, patient)]
        if not any(cells):
            continue
        if not all(cells) or found.setdefault(cells[0], cells[1]) != cells[1]:
            what = "another patient for the same case" if all(cells) else "a blank cell"
            msg = f"{path.name}, line {line}: found {what}, expected one patient for each case"
            raise InputError(msg)
    return found


def unify_single_cases(
    before: Sequence[StateForamen], after: Sequence[StateForamen]
) -> tuple[tuple[StateForamen, ...], tuple[StateForamen, ...], bool]:
    """Take two tables of one study each for the same patient, whatever the studies are called.

    Parameters
    ----------
    before, after : sequence of StateForamen
        Foramina of the two states.

    Returns
    -------
    before, after : tuple of StateForamen
        With the name of the first, where each state has one patient.
    unified : bool
        Whether the names differed.
    """
    names = [{foramen.patient for foramen in state} for state in (before, after)]
    if not all(len(one) == 1 for one in names) or names[0] == names[1]:
        return tuple(before), tuple(after), False
    (name,) = names[0]
    return tuple(before), tuple(replace(foramen, patient=name) for foramen in after), True


def find_states(path: str | os.PathLike[str]) -> Path:
    """Find the table of foramina of a folder; a file is its own.

    Raises
    ------
    InputError
        If the folder has none.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    if (path / USUAL_NAME).is_file():
        return path / USUAL_NAME
    msg = f"{path.name} is a folder without {USUAL_NAME}, expected a table of foramina"
    raise InputError(msg)


def _find_places(sheet: Sheet, name: str) -> dict[str, int]:
    """Place of every column that is there."""
    wanted = {"case": NAMES["case"], "patient": NAMES["patient"], "level": ("level",), "side": ("side",)}
    wanted |= {"grade": ("lee_grade", "grade"), **_NUMBERS}
    places = {what: place for what, names in wanted.items() if (place := _place(sheet, names, name)) is not None}
    missing = [what for what in ("level", "side") if what not in places]
    missing += ["patient or case"] if "case" not in places and "patient" not in places else []
    missing += ["area_mm2 or lee_grade"] if "area_mm2" not in places and "grade" not in places else []
    if missing:
        msg = f"{name} lacks the columns {', '.join(missing)}: expected those of {USUAL_NAME}"
        raise InputError(msg)
    return places


def _place(sheet: Sheet, names: Sequence[str], file: str) -> int | None:
    places = [place for place, column in enumerate(sheet.header) if column_key(column) in names]
    if len(places) > 1:
        msg = f"{file} has {len(places)} columns for one thing, {' and '.join(names)}: expected one"
        raise InputError(msg)
    return places[0] if places else None


def _read_foramen(cells: Mapping[str, str], where: str, patients: Mapping[str, str] | None) -> StateForamen:
    case = cells.get("case", "")
    if patients is not None and case and case not in patients:
        msg = f"{where}: its case is not in the table of patients, expected every case there"
        raise InputError(msg)
    patient = patients[case] if patients is not None and case else cells.get("patient") or case
    if not patient:
        msg = f"{where}: patient is blank, expected whose foramen it is"
        raise InputError(msg)
    if not cells["level"]:
        msg = f"{where}: level is blank, expected a name such as L4-L5"
        raise InputError(msg)
    side = SIDES.get(cells["side"].lower())
    if side is None:
        msg = f"{where}: side is {cells['side']!r}, expected left or right"
        raise InputError(msg)
    level = parse_level(cells["level"])
    numbers = {what: _number(cells.get(what, ""), where, what) for what in _NUMBERS}
    for what in ("area_mm2", "area_u_mm2"):
        if (numbers[what] or 0.0) < 0:
            msg = f"{where}: {what} is {numbers[what]:g}, expected no negative number"
            raise InputError(msg)
    grade = _number(cells.get("grade", ""), where, "the grade")
    if grade is not None and grade not in (0, 1, 2, 3):
        msg = f"{where}: the grade is {grade:g}, expected 0, 1, 2, 3 or nothing"
        raise InputError(msg)
    return StateForamen(
        patient=patient,
        level=cells["level"] if level is None else level.name,
        side=side.value,
        grade=None if grade is None else int(grade),
        line=where,
        **numbers,
    )


def _number(text: str, where: str, what: str) -> float | None:
    if text.lower() in _MISSING:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if not abs(value) < float("inf"):
        msg = f"{where}: {what} is {text!r}, expected a number with a decimal point, or nothing"
        raise InputError(msg)
    return value
