"""The tables of a run, written case by case in the order of the plan, whatever order the cases were run in."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foramgrade.batch.outcome import CASE_COLUMNS, TABLE, Outcome, State
from foramgrade.batch.store import stop_where_unwritable
from foramgrade.findings import LeeGrade, Side
from foramgrade.tables import COLUMNS
from foramgrade.tables.columns import Cell, to_text
from foramgrade.tables.growing import open_table

#: The rows of all cases; and the same as Parquet.
FORAMINA = (TABLE, "foramina.parquet")
#: Every case with what became of it.
CASES_TABLE = "cases.csv"
#: The cases that failed or were skipped.
FAILURES = "failures.csv"
#: Counts.
SUMMARY = "summary.json"
#: All files of `write_tables`.
TABLES = (*FORAMINA, CASES_TABLE, FAILURES, SUMMARY)
#: Columns of the table of failures, before those that are carried.
FAILURE_COLUMNS = ("case", "outcome", "failed_at", "problem")
SUMMARY_FORMAT = "foramgrade summary 1"
#: Between the remarks on a case.
REMARK_SEPARATOR = " | "
_NO_GRADE = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """A case as it goes into the tables.

    Parameters
    ----------
    number : int
        Place in the order.
    outcome : Outcome
        What became of it.
    carried : mapping of str to str or None
        Cells that go into the tables as they are, by column.
    rows : iterable of mappings
        Its foramina, taken once.
    """

    number: int
    outcome: Outcome
    carried: Mapping[str, str | None]
    rows: Iterable[Mapping[str, Cell]]


@dataclass(slots=True)
class Counts:
    """What is counted while tables are written; its size does not depend on the number of cases."""

    states: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    grades: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    gradable: int = 0

    def count_case(self, outcome: Outcome) -> None:
        """Count a case."""
        self.states[outcome.state.value] += 1
        if outcome.state is State.FAILED and outcome.stage is not None:
            self.stages[outcome.stage.value] += 1

    def count_row(self, row: Mapping[str, Cell]) -> None:
        """Count a foramen."""
        grade = row["lee_grade"]
        self.grades[str(row["level"]), str(row["side"]), _NO_GRADE if grade is None else str(grade)] += 1
        self.gradable += bool(row["gradable"])
        if row["quality"] is not None:
            self.flags.update(str(row["quality"]).split("|"))

    def as_document(self) -> dict[str, Any]:
        """Give the counts as plain values, in a fixed order."""
        words = (*(str(int(grade)) for grade in LeeGrade), _NO_GRADE)
        totals: Counter[str] = Counter()
        for (_, _, grade), n in self.grades.items():
            totals[grade] += n
        return {
            "format": SUMMARY_FORMAT,
            "cases": {"all": self.states.total(), **{state.value: self.states[state.value] for state in State}},
            "failed_at": dict(sorted(self.stages.items())),
            "foramina": {"all": self.grades.total(), "gradable": self.gradable},
            "lee_grade": {word: totals[word] for word in words},
            "lee_grade_by_level_and_side": {
                level: {side.value: {word: self.grades[level, side.value, word] for word in words} for side in Side}
                for level in sorted({level for level, _, _ in self.grades})
            },
            "quality": dict(sorted(self.flags.items())),
        }


def write_tables(entries: Iterable[Entry], folder: Path, parts: Path, *, carried: Sequence[str]) -> Counts:
    """Write the tables of a run, each whole, in place of earlier ones.

    Parameters
    ----------
    entries : iterable of Entry
        In their order; taken one by one.
    folder : Path
        Where the tables go.
    parts : Path
        Folder for what is not whole yet, on the same file system.
    carried : sequence of str
        Columns that the entries carry.

    Returns
    -------
    Counts
        What is also in ``summary.json``.

    Raises
    ------
    StoppedError
        If they cannot be written.

    Notes
    -----
    Equal entries give equal bytes. Memory does not grow with their number.
    """
    with stop_where_unwritable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        parts.mkdir(parents=True, exist_ok=True)
        counts = _write(entries, parts, carried)
        for name in TABLES:
            (parts / name).replace(folder / name)
    return counts


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each table of a folder, by name."""
    found = {}
    for name in TABLES:
        with (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _write(entries: Iterable[Entry], parts: Path, carried: Sequence[str]) -> Counts:
    counts = Counts()
    csv_path, parquet_path = (parts / name for name in FORAMINA)
    with ExitStack() as stack:
        table = stack.enter_context(open_table(csv_path, parquet_path, columns=(*COLUMNS, *carried)))
        cases, failures = (
            csv.writer(stack.enter_context((parts / name).open("w", encoding="utf-8", newline="")), lineterminator="\n")
            for name in (CASES_TABLE, FAILURES)
        )
        cases.writerow((*CASE_COLUMNS, *carried))
        failures.writerow((*FAILURE_COLUMNS, *carried))
        for entry in entries:
            outcome, cells = entry.outcome, [entry.carried[name] or "" for name in carried]
            told = _tell(entry)
            cases.writerow([*(told[name] for name in CASE_COLUMNS), *cells])
            if outcome.state in (State.FAILED, State.SKIPPED):
                failures.writerow([*(told[name] for name in FAILURE_COLUMNS), *cells])
            counts.count_case(outcome)
            for row in entry.rows:
                counts.count_row(row)
                table.add({**row, **entry.carried})
    text = json.dumps(counts.as_document(), indent=2, ensure_ascii=False) + "\n"
    (parts / SUMMARY).write_text(text, encoding="utf-8", newline="\n")
    return counts


def _tell(entry: Entry) -> dict[str, str]:
    outcome = entry.outcome
    failed = outcome.state is State.FAILED and outcome.stage is not None
    return {
        "number": str(entry.number),
        "case": to_text("case", outcome.case),
        "outcome": outcome.state.value,
        "failed_at": outcome.stage.value if failed and outcome.stage else "",
        "problem": outcome.problem,
        "remarks": REMARK_SEPARATOR.join(outcome.remarks),
        "n_foramina": str(outcome.foramina),
    }
