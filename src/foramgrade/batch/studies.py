"""A run over many studies: plan, engine, tables."""

import functools
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from foramgrade.batch.assessing import Choices
from foramgrade.batch.cases import BatchCase, absolute
from foramgrade.batch.clusters import run_on_cluster
from foramgrade.batch.collecting import Counts, Entry, checksums, write_tables
from foramgrade.batch.engines import Result, Work, run_locally
from foramgrade.batch.finding import Cohort, find_cohort
from foramgrade.batch.manifest import Defaults
from foramgrade.batch.outcome import TABLE, Outcome, State
from foramgrade.batch.parameters import check_parameters, describe_parameters, digest_parameters, keep_parameters
from foramgrade.batch.plan import WHOLE, Plan, Shard
from foramgrade.batch.running import Order, lacking_inputs, recall, record_lost, run_case, would_run
from foramgrade.batch.store import case_folder, claim_folder, parts_folder, stop_where_unwritable
from foramgrade.errors import InputError
from foramgrade.tables import write_atomically
from foramgrade.tables.growing import walk_rows

#: Folder of the tables of shards.
SHARDS = "shards"
#: Provenance of a run.
RUN = "run.json"
#: First entry of the provenance: what it is, and the version of its layout.
RUN_FORMAT = "foramgrade run 1"
#: Packages whose versions can change a result.
PACKAGES = ("numpy", "scipy", "nibabel", "SimpleITK", "pydicom", "highdicom", "pandas", "pyarrow")
#: Cases that a look ahead names.
MOST_NAMED = 20
#: Runs on the same folder that the provenance remembers.
_MOST_RUNS = 100
_NOTHING = Choices()
_NO_DEFAULTS = Defaults()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has come.

    Parameters
    ----------
    cases : int
        All that it takes.
    done, failed, skipped : int
        What became of those that are finished; kept ones among them.
    kept : int
        Finished by an earlier run.
    """

    cases: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    kept: int = 0

    @property
    def finished(self) -> int:
        """How many are finished, one way or the other."""
        return self.done + self.failed + self.skipped

    def with_outcome(self, outcome: Outcome) -> "Standing":
        """Count one more."""
        name = outcome.state.value
        return replace(self, **{name: getattr(self, name) + 1, "kept": self.kept + outcome.kept})


@dataclass(frozen=True, slots=True)
class BatchRun:
    """A run that has ended, its tables written.

    Parameters
    ----------
    standing : Standing
        How far it came.
    counts : Counts
        What ``summary.json`` holds.
    tables : Path
        Folder of the tables.
    stopped : bool
        Whether it was stopped before all cases were run.
    seconds : float
        How long it took.
    """

    standing: Standing
    counts: Counts
    tables: Path
    stopped: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run would do.

    Parameters
    ----------
    cases : int
        All that it takes.
    to_run, kept, skipped, lacking : int
        Cases that would be run, that an earlier run has finished, that have nothing to assess, and that would fail
        since an input is not there.
    named : tuple of (str, str)
        The first `MOST_NAMED` cases that are skipped or lack an input, with the reason.
    """

    cases: int
    to_run: int = 0
    kept: int = 0
    skipped: int = 0
    lacking: int = 0
    named: tuple[tuple[str, str], ...] = ()


def run_batch(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    choices: Choices = _NOTHING,
    defaults: Defaults = _NO_DEFAULTS,
    derivatives: str | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    shard: Shard = WHOLE,
    pictures: bool = False,
    retry_failed: bool = False,
    progress: Callable[[Standing], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> BatchRun:
    """Measure and grade many studies; what an earlier run has done in the same folder is kept.

    Parameters
    ----------
    source : path
        Manifest (CSV, TSV or Parquet), or folder of a BIDS or LumbarDISC data set.
    out : path
        Folder of the results.
    choices : Choices
        What holds for all studies; results of different choices do not go into one folder.
    defaults : Defaults
        Scheme, names of levels and contrast for cases that do not say it themselves.
    derivatives : str or None
        BIDS: the folder of derivatives with the label maps.
    jobs : int or None
        Processes of this computer, each with one thread; None for as many as there are processors for this process.
    scheduler : str or None
        Address of a Dask scheduler, whose workers take the place of local processes.
    shard : Shard
        Part of the cases to take; :func:`merge_shards` puts the tables of all parts together.
    pictures : bool
        Whether to draw the study sheet and a page per foramen.
    retry_failed : bool
        Whether to run failed cases again though nothing of them has changed.
    progress : callable
        Called with the standing at the beginning and after every case.
    stopped : callable
        Asked again and again whether to stop: cases in hand are finished, and tables written of what there is.

    Returns
    -------
    BatchRun
        Counts; everything else is in the folder.

    Raises
    ------
    InputError
        If the manifest or the data set cannot be understood, the folder holds results of other parameters, another run
        writes to it, or the scheduler cannot be reached.
    StoppedError
        If results cannot be written, processes die again and again, or the scheduler is lost. What is done is kept, and
        the same call goes on from there.

    Notes
    -----
    A case that fails stops nothing: it is a row of ``failures.csv``. Local processes are spawned: a script that calls
    this needs ``if __name__ == "__main__":``.

    Examples
    --------
    >>> run = run_batch("cohort.csv", "results", jobs=8)  # doctest: +SKIP
    >>> run.standing.failed  # doctest: +SKIP
    3
    """
    began, started = time.monotonic(), datetime.now(UTC)
    out = absolute(Path(out))
    if jobs is not None and jobs < 1:
        msg = f"jobs is {jobs}, expected a whole number of processes, at least 1"
        raise InputError(msg)
    if jobs is not None and scheduler is not None:
        msg = "jobs are processes of this computer, found them together with a scheduler, expected one of the two"
        raise InputError(msg)
    parameters = describe_parameters(choices)
    digest = digest_parameters(parameters)
    order = Order(out, choices, digest, shard=shard, pictures=pictures, retry_failed=retry_failed)
    check_parameters(out, parameters)
    cohort = find_cohort(Path(source), defaults=defaults, derivatives=derivatives)
    engine = functools.partial(run_on_cluster, address=scheduler) if scheduler else _local(jobs)
    with Plan(cohort) as plan, claim_folder(out, shard):
        with stop_where_unwritable(out):
            keep_parameters(out, parameters)
        standing = _run(plan, order, engine, progress, stopped)
        halted = standing.finished < standing.cases
        tables = out if shard.is_whole else shard_folder(out, shard)
        parts = parts_folder(out, shard)
        counts = write_tables(_entries(plan, order, look=halted), tables, parts, carried=plan.carried)
        told = {
            **_describe_run(plan, cohort, order, parameters),
            "tables_sha256": checksums(tables),
            "runs": [
                *_earlier_runs(tables / RUN),
                {
                    "started": started.isoformat(timespec="seconds"),
                    "seconds": round(time.monotonic() - began, 1),
                    "engine": "Dask distributed" if scheduler else f"{jobs or usable_processors()} local processes",
                    "cases_run": standing.finished - standing.kept,
                    "stopped": halted,
                },
            ],
        }
        with stop_where_unwritable(out):
            write_atomically(json.dumps(told, indent=2, ensure_ascii=False) + "\n", tables / RUN)
    return BatchRun(standing, counts, tables, halted, time.monotonic() - began)


def look_ahead(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    choices: Choices = _NOTHING,
    defaults: Defaults = _NO_DEFAULTS,
    derivatives: str | None = None,
    shard: Shard = WHOLE,
    pictures: bool = False,
    retry_failed: bool = False,
) -> Outlook:
    """Say what :func:`run_batch` would do, by size and time of files alone; nothing is read or written.

    Parameters
    ----------
    source, out, choices, defaults, derivatives, shard, pictures, retry_failed
        As of :func:`run_batch`.

    Returns
    -------
    Outlook
        Numbers of cases, and the first ones that stand out.

    Raises
    ------
    InputError
        As :func:`run_batch` does.
    """
    out = absolute(Path(out))
    parameters = describe_parameters(choices)
    digest = digest_parameters(parameters)
    order = Order(out, choices, digest, shard=shard, pictures=pictures, retry_failed=retry_failed)
    check_parameters(out, parameters)
    cohort = find_cohort(Path(source), defaults=defaults, derivatives=derivatives)
    counted = dict.fromkeys(("to_run", "kept", "skipped", "lacking"), 0)
    named: list[tuple[str, str]] = []
    with Plan(cohort) as plan:
        for case in plan.cases(shard):
            what, why = _foresee(case, order)
            counted[what] += 1
            if why and len(named) < MOST_NAMED:
                named.append((case.case, why))
        return Outlook(plan.count(shard), **counted, named=tuple(named))


def shard_folder(out: Path, shard: Shard) -> Path:
    """Where the tables of a shard go."""
    return out / SHARDS / f"{shard.index}-of-{shard.count}"


def usable_processors() -> int:
    """How many processors this process may use: a cluster gives a job fewer than the computer has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _local(jobs: int | None) -> Callable[..., Iterator[Result]]:
    return functools.partial(run_locally, jobs=jobs or usable_processors())


def _run(
    plan: Plan,
    order: Order,
    engine: Callable[..., Iterator[Result]],
    progress: Callable[[Standing], None],
    stopped: Callable[[], bool],
) -> Standing:
    work: Work = functools.partial(run_case, order=order)
    standing = Standing(plan.count(order.shard))
    progress(standing)
    for case, outcome in engine(plan.cases(order.shard), work, stopped=stopped):
        standing = standing.with_outcome(record_lost(case, order) if outcome is None else outcome)
        progress(standing)
    return standing


def _entries(plan: Plan, order: Order, *, look: bool) -> Iterator[Entry]:
    for case in plan.cases(order.shard):
        outcome = recall(case, order, look=look)
        table = case_folder(order.out, case.case) / TABLE
        rows = walk_rows(table) if outcome.state is State.DONE else ()
        yield Entry(case.number, outcome, dict(zip(plan.carried, case.carried, strict=True)), rows)


def _foresee(case: BatchCase, order: Order) -> tuple[str, str]:
    if case.files is None:
        return "skipped", case.skipped
    if not would_run(case, order):
        return "kept", ""
    lacking = lacking_inputs(case)
    return ("lacking", f"{' and '.join(lacking)} not found") if lacking else ("to_run", "")


def _describe_run(plan: Plan, cohort: Cohort, order: Order, parameters: dict[str, object]) -> dict[str, Any]:
    return {
        "format": RUN_FORMAT,
        "version": order.version,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "source": {"kind": cohort.kind, "sha256": cohort.sha256},
        "cases": len(plan),
        "cases_sha256": plan.sha256,
        "shard": str(order.shard),
        "carried": list(plan.carried),
        "pictures": order.pictures,
        "parameters_sha256": order.parameters,
        "parameters": parameters,
    }


def _earlier_runs(path: Path) -> list[Any]:
    try:
        return list(json.loads(path.read_bytes())["runs"])[1 - _MOST_RUNS :]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # none, or torn by a power cut: history, and no result depends on it
