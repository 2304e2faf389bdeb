"""One case of a run: whether there is anything to do, doing it, and recording what became of it.

`run_case` is what every engine calls, in whatever process on whatever computer: its arguments and its result are small
values that can be sent, everything else goes through the folder of the run.
"""

import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from foramgrade.batch.assessing import Choices, Stage, StudyFiles, Watch, assess_study, read_study
from foramgrade.batch.cases import BatchCase
from foramgrade.batch.fetching import fetch_inputs, stamp_urls
from foramgrade.batch.inputs import Stamp, as_document, hash_inputs, stamp_inputs
from foramgrade.batch.outcome import RECORD, Outcome, Record, State, read_record, table_checksum
from foramgrade.batch.plan import WHOLE, Shard
from foramgrade.batch.problems import collect_remarks, describe_bug, describe_places, describe_problem
from foramgrade.batch.store import case_folder, fill_case, parts_folder, stop_where_unwritable
from foramgrade.errors import ForamgradeError, StoppedError
from foramgrade.exports import write_study

#: File in a failed case's folder that tells the way to a bug.
BUG = "bug.txt"
#: Warnings, logging and pictures are the process's, not a thread's: of a worker's threads one runs a case at a time.
_ALONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class Order:
    """What a run does with every case.

    Parameters
    ----------
    out : Path
        Folder of the run.
    choices : Choices
        Parameters of measuring and grading.
    parameters : str
        Digest of everything that must be equal for results to stand in one table.
    shard : Shard
        Part of the cases that this run takes.
    pictures : bool
        Whether to draw the study sheet and a page per foramen.
    retry_failed : bool
        Whether to run cases again that failed though nothing of them has changed.
    version : str
        Of this package where the run was started.
    """

    out: Path
    choices: Choices
    parameters: str
    shard: Shard = WHOLE
    pictures: bool = False
    retry_failed: bool = False
    version: str = version("foramgrade")


def run_case(case: BatchCase, order: Order) -> Outcome:
    """Run one case, unless an earlier run has done so and nothing has changed since.

    Parameters
    ----------
    case : BatchCase
        The case.
    order : Order
        What to do.

    Returns
    -------
    Outcome
        Also recorded in the case's folder. Whatever goes wrong with a case is an outcome, and no exception.

    Raises
    ------
    StoppedError
        If results cannot be written, or another version of this package works here than started the run.
    """
    with _ALONE:
        return _run_or_keep(case, order)


def _run_or_keep(case: BatchCase, order: Order) -> Outcome:
    here = version("foramgrade")
    if here != order.version:
        msg = (
            f"foramgrade {here} is at work here, and the run was started by {order.version}: expected the same version"
        )
        raise StoppedError(msg)
    record, stamps = read_record(case_folder(order.out, case.case)), _stamp(case)
    if record is not None and _stands(record, case, order):
        if _told(record, "stamp") == _digests(stamps):
            return replace(record.outcome, kept=True)
        if case.files is not None and not case.urls:
            hashes = hash_inputs(case.files)
            if _told(record, "sha256") == hashes and None not in hashes.values():
                _renew(record, case, order, as_document(stamps, hashes))
                return replace(record.outcome, kept=True)
    return _run(case, order, stamps)


def record_lost(case: BatchCase, order: Order) -> Outcome:
    """Record that the process that worked on a case ended before the case did, again and again.

    Returns
    -------
    Outcome
        A failure that the next run tries again.
    """
    why = "the process that worked on it ended abruptly, twice: killed for want of memory, or a crash in a library"
    outcome = Outcome(case.case, State.FAILED, Stage.PROCESS, why, passing=True)
    with fill_case(order.out, case.case, parts_folder(order.out, order.shard)) as part:
        _write(Record(outcome, case.settings(), order.parameters, version=order.version), part)
    return outcome


def would_run(case: BatchCase, order: Order) -> bool:
    """Whether a run would take up a case, by size and time of its files alone; for a look ahead."""
    record = read_record(case_folder(order.out, case.case))
    if record is None or not _stands(record, case, order):
        return True
    return _told(record, "stamp") != _digests(_stamp(case))


def lacking_inputs(case: BatchCase) -> tuple[str, ...]:
    """Name the inputs of a case that are not there, by role."""
    return tuple(role for role, stamp in _stamp(case).items() if stamp is None)


def recall(case: BatchCase, order: Order, *, look: bool) -> Outcome:
    """Say what became of a case by what its folder records.

    Parameters
    ----------
    case : BatchCase
        The case.
    order : Order
        What the run does.
    look : bool
        Whether to look at size and time of the inputs too; not needed right after a run.

    Returns
    -------
    Outcome
        `State.MISSING` where no record stands.
    """
    record = read_record(case_folder(order.out, case.case))
    if (
        record is None
        or not _belongs(record, case, order)
        or (look and _told(record, "stamp") != _digests(_stamp(case)))
    ):
        return Outcome(case.case, State.MISSING)
    return record.outcome


def _digests(stamps: dict[str, Stamp | None]) -> dict[str, object]:
    return {role: stamp and stamp.digest for role, stamp in stamps.items()}


def _belongs(record: Record, case: BatchCase, order: Order) -> bool:
    """Whether a record is one of this case, of its row and of these parameters, with its table as it was written."""
    same = record.settings == case.settings() and record.parameters == order.parameters
    if not same or record.outcome.case != case.case:
        return False
    return record.table_sha256 == table_checksum(case_folder(order.out, case.case))


def _stands(record: Record, case: BatchCase, order: Order) -> bool:
    """Whether a recorded outcome may stand if the inputs are the same."""
    if not _belongs(record, case, order):
        return False
    if record.outcome.state is State.FAILED:
        return not (record.outcome.passing or order.retry_failed)
    return record.pictures or not order.pictures or record.outcome.state is State.SKIPPED


def _run(case: BatchCase, order: Order, stamps: dict[str, Stamp | None]) -> Outcome:
    started, stage, bug = time.perf_counter(), Stage.PLAN, ""

    @contextmanager
    def watch(entered: Stage) -> Iterator[Callable[..., None]]:
        nonlocal stage
        stage = entered
        yield lambda *_: None

    def failed(problem: str, *, passing: bool = False) -> Outcome:
        return Outcome(case.case, State.FAILED, stage, problem, passing=passing)

    hashes: dict[str, str | None] = {}
    with fill_case(order.out, case.case, parts_folder(order.out, order.shard)) as part:
        if case.files is None:
            outcome = Outcome(case.case, State.SKIPPED, Stage.PLAN, case.skipped)
        else:
            try:
                with _quietly(), fetch_inputs(case, part.parent) as files:
                    hashes = hash_inputs(files)
                    outcome = _assess(case, files, order, part, watch)
            except StoppedError:
                raise
            except ForamgradeError as error:
                outcome = failed(describe_problem(error, case.files))
            except MemoryError:
                outcome = failed("there was not enough memory", passing=True)
            except Exception as error:  # noqa: BLE001 - a bug that one case meets must not take the others with it
                outcome, bug = failed(describe_bug(error)), describe_places(error)
        if outcome.state is not State.DONE:
            _clear(part)
        if bug:
            (part / BUG).write_text(bug, encoding="utf-8")
        record = Record(
            outcome=outcome,
            settings=case.settings(),
            parameters=order.parameters,
            inputs=as_document(stamps, hashes),
            version=order.version,
            pictures=order.pictures and outcome.state is State.DONE,
            table_sha256=table_checksum(part),
            seconds=round(time.perf_counter() - started, 3),
        )
        _write(record, part)
    return outcome


def _assess(case: BatchCase, files: StudyFiles, order: Order, part: Path, watch: Watch) -> Outcome:
    """Read, assess and write one study, told stage by stage."""
    with collect_remarks(files) as remarks:
        read = read_study(files, order.choices, case=case.case, watch=watch)
        study = assess_study(read, order.choices, watch=watch)
        with watch(Stage.WRITE), stop_where_unwritable(order.out):
            image = read.volume if order.pictures else None
            write_study(study, read.grid, part, image=image, sheet=order.pictures, panels=order.pictures)
    return Outcome(case.case, State.DONE, remarks=(*case.remarks, *remarks), foramina=len(study.foramina))


@contextmanager
def _quietly() -> Iterator[None]:
    """Libraries warn of what they meet in a file, with its content; a case's own sentences are what is kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _stamp(case: BatchCase) -> dict[str, Stamp | None]:
    if case.files is None:
        return {}
    stamps = stamp_inputs(case.files)
    return stamps | stamp_urls(case.urls)


def _told(record: Record, key: str) -> dict[str, object]:
    return {role: entry.get(key) for role, entry in record.inputs.items()}


def _renew(record: Record, case: BatchCase, order: Order, inputs: dict[str, dict[str, object]]) -> None:
    """Record new times of files whose content is the same, so that the next run need not read them."""
    with stop_where_unwritable(order.out):
        parts = parts_folder(order.out, order.shard)
        parts.mkdir(parents=True, exist_ok=True)
        place = case_folder(order.out, case.case)
        new = parts / f"renewed-{place.name}"
        new.write_text(replace(record, inputs=inputs).to_json(), encoding="utf-8")
        new.replace(place / RECORD)


def _write(record: Record, part: Path) -> None:
    (part / RECORD).write_text(record.to_json(), encoding="utf-8", newline="\n")


def _clear(part: Path) -> None:
    """Throw away what a failed case has written before it failed."""
    for path in part.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
