"""Readers' findings, graded row by row: what they saw on each border and of the root, in all scales.

Nothing of the table is lost: its cells stay as they came, and the grades stand behind them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderState, Grade, PerineuralFindings, RootShape
from foramgrade.grader import LEE_2010, Criteria, grade
from foramgrade.tables.columns import Cell, to_cell, to_text
from foramgrade.tables.read_columns import KNOWN_COLUMNS, find_columns, read_findings
from foramgrade.tables.sheets import Sheet, column_key, read_sheet

GRADE_COLUMNS = (
    *("lee_grade", "lee_policy", "lee_defined", "sartoretti", "wildermuth", "rsna", "gradable", "reasons"),
)
"""Columns that are added, in this order, as in ``foramina.csv``."""

_Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GradedReads:
    """A table of readers' findings with their grades.

    Parameters
    ----------
    sheet : Sheet
        The cells as they came with `GRADE_COLUMNS` behind them; cells beyond the header stand behind those.
    grades : tuple of Grade or None
        One per row; None where the row could not be read or holds nothing.
    problems : mapping of int to str
        By the row's place, counted from 0: what was found in it and what was expected.
    """

    sheet: Sheet
    grades: tuple[Grade | None, ...]
    problems: Mapping[int, str]


def grade_reads(path: str | os.PathLike[str], criteria: Criteria = LEE_2010) -> GradedReads:
    """Grade a table of readers' findings.

    Parameters
    ----------
    path : path
        UTF-8, separated by comma, semicolon or tabulator. Columns, in any order and case: `level` and `side`; a column
        per border (`superior`, `posterior`, `inferior`, `anterior`, or the same with `fat_` in front) that says
        preserved, thin, lost or unknown, or `lost_borders` with letters of S, P, I, A and perhaps `thin_borders`;
        perhaps `root_shape`: unchanged, changed or not-assessable, which a blank means too.
    criteria : Criteria
        Rules and policy.

    Returns
    -------
    GradedReads
        Every row, in its order.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, has one twice, or has one that would be added.

    Notes
    -----
    *Definition*: in `lost_borders`, blank or "none" says that no border is lost, "unknown" that none could be assessed.
    *Deviation*: none.
    *Limits*: without thin fat Wildermuth's grade 1 is never given. Readers state no uncertainty, so there is no
    confidence.
    """
    path = Path(path)
    sheet = read_sheet(path, known=KNOWN_COLUMNS)
    columns = find_columns(sheet.header, name=path.name)
    _refuse_added(sheet.header, path.name)
    seen: dict[object, tuple[Grade, _Cells]] = {}  # few findings differ, however many the rows
    rows: list[_Cells] = []
    grades: list[Grade | None] = []
    problems: dict[int, str] = {}
    for place, row in enumerate(sheet.rows):
        given, cells = None, ("",) * len(GRADE_COLUMNS)
        if any(map(str.strip, row)):
            try:
                findings = read_findings(row, columns)
            except InputError as error:
                problems[place] = str(error)
                cells = _to_cells({"gradable": False, "reasons": f"Not read: {error}."})
            else:
                key = _key(findings)
                if key not in seen:
                    result = grade(findings, criteria)
                    seen[key] = result, _to_cells(_describe(result))
                given, cells = seen[key]
        rows.append((*row[: columns.width], *[""] * (columns.width - len(row)), *cells, *row[columns.width :]))
        grades.append(given)
    graded = replace(sheet, header=(*sheet.header, *GRADE_COLUMNS), rows=tuple(rows))
    return GradedReads(graded, tuple(grades), problems)


def _refuse_added(header: tuple[str, ...], name: str) -> None:
    keys = [column_key(column) for column in header]
    there = [column for column in GRADE_COLUMNS if column in keys]
    if there:
        msg = f"{name} already has the column {there[0]}, which is to be added: expected it under another name"
        raise InputError(msg)


def _key(findings: PerineuralFindings) -> tuple[tuple[BorderState, ...], RootShape]:
    return tuple(findings.borders[border].state for border in Border), findings.root_shape


def _describe(given: Grade) -> dict[str, Cell]:
    return {
        "lee_grade": given.lee,
        "lee_policy": given.policy.value,
        "lee_defined": given.defined,
        "sartoretti": given.sartoretti,
        "wildermuth": given.wildermuth,
        "rsna": given.rsna,
        "gradable": given.lee is not None,
        "reasons": given.reason,
    }


def _to_cells(values: Mapping[str, Cell]) -> _Cells:
    return tuple(to_text(column, to_cell(column, values.get(column))) for column in GRADE_COLUMNS)
