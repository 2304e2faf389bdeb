"""What became of a case, as the run returns it and as the case's folder records it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from foramgrade.batch.assessing import Stage

#: First entry of every record: what it is, and the version of its layout.
RECORD_FORMAT = "foramgrade outcome 1"
#: Name of the record in a case's folder.
RECORD = "outcome.json"
#: Name of the table in a case's folder.
TABLE = "foramina.csv"
#: Columns of the table of cases, before those that are carried.
CASE_COLUMNS = ("number", "case", "outcome", "failed_at", "problem", "remarks", "n_foramina")


class State(StrEnum):
    """What became of a case."""

    DONE = "done"
    """Assessed; foramina that cannot be graded are rows of its table, with their reason."""
    FAILED = "failed"
    """Could not be assessed; stage and problem say why."""
    SKIPPED = "skipped"
    """There is nothing to assess: no image, or neither labels nor points."""
    MISSING = "missing"
    """Not run yet, or not since its row or its files changed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case.

    Parameters
    ----------
    case : str
        Its name.
    state : State
        What became of it.
    stage : Stage or None
        Where it failed.
    problem : str
        Why, one sentence without paths and names of files; empty when done.
    remarks : tuple of str
        What there is to say of a case that was done.
    foramina : int
        Rows of its table.
    passing : bool
        Whether the failure is the machine's and not the input's, so that the next run tries again.
    kept : bool
        Whether an earlier run did it. Not recorded.
    """

    case: str
    state: State
    stage: Stage | None = None
    problem: str = ""
    remarks: tuple[str, ...] = ()
    foramina: int = 0
    passing: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """An outcome with what it depends on.

    Parameters
    ----------
    outcome : Outcome
        What became of the case.
    settings : str
        Digest of what the plan says of the case.
    parameters : str
        Digest of the parameters of the run.
    inputs : mapping
        Size, time and hash by role.
    version : str
        Of this package.
    pictures : bool
        Whether pictures were drawn.
    table_sha256 : str
        Checksum of the case's table; empty where there is none.
    seconds : float
        How long it took.
    """

    outcome: Outcome
    settings: str
    parameters: str
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: str = ""
    pictures: bool = False
    table_sha256: str = ""
    seconds: float = 0.0

    def to_json(self) -> str:
        """Write the record as JSON."""
        told = asdict(self)
        outcome = told.pop("outcome")
        outcome.pop("kept")
        return json.dumps({"format": RECORD_FORMAT, **outcome, **told}, indent=2, ensure_ascii=False) + "\n"


def read_record(folder: Path) -> Record | None:
    """Read the record in a case's folder; None where there is none, or none that can be understood."""
    try:
        told = json.loads((folder / RECORD).read_bytes())
        if told.pop("format") != RECORD_FORMAT:
            return None
        stage = told.pop("stage")
        outcome = Outcome(
            case=told.pop("case"),
            state=State(told.pop("state")),
            stage=None if stage is None else Stage(stage),
            problem=told.pop("problem"),
            remarks=tuple(told.pop("remarks")),
            foramina=told.pop("foramina"),
            passing=told.pop("passing"),
        )
        return Record(outcome, **told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # torn by a power cut, or of another version: the case counts as not run


def table_checksum(folder: Path) -> str:
    """Checksum of the table in a case's folder; empty where it cannot be read."""
    try:
        return hashlib.sha256((folder / TABLE).read_bytes()).hexdigest()
    except OSError:
        return ""
