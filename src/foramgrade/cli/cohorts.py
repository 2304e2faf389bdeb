"""The commands for cohorts: many studies in one go, and their parts put together."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foramgrade.cli.doors import batch, loaders
from foramgrade.cli.options import (
    IRREGULARITIES,
    SEAL_LIMIT_MM,
    CriteriaOption,
    N4Option,
    OrientationOption,
    PolicyOption,
    SaltOption,
    SequenceOption,
    Weighting,
    check_tolerate,
    choose_criteria,
)
from foramgrade.cli.program import app, complain, plainly
from foramgrade.cli.ran import show_merged, show_outlook, show_run, show_standing
from foramgrade.cli.screen import show_progress
from foramgrade.errors import StoppedError
from foramgrade.findings import Policy, Sequence
from foramgrade.grader import LEE_2010

if TYPE_CHECKING:
    from foramgrade.batch import Choices, Defaults

#: Exit status of a run that was stopped: what shells give for Ctrl-C.
STOPPED = 130
_STDERR = 2
_STOPPING = b"foramgrade: stopping after the cases in hand; once more to stop at once\n"


@app.command("batch")
@plainly
def grade_cohort(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST|DIR",
            help="A table of cases (CSV, TSV, Parquet), a BIDS folder or a LumbarDISC folder.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the results.")],
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes; by default as many as there are processors.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="i/n", help="Run the i-th of n parts; 'merge' puts their tables together.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and what is missing, and do nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed cases again though nothing of them has changed.")
    ] = False,
    panels: Annotated[bool, typer.Option(help="Draw the study sheet and a page for every foramen.")] = False,
    scheme: Annotated[
        str | None, typer.Option(metavar="NAME|FILE.json", help="What label numbers mean, where a row names no scheme.")
    ] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="5=T12,6=L1", help="Names for vertebrae, where a row gives none.")
    ] = None,
    weighting: Annotated[Weighting | None, SequenceOption] = None,
    derivatives: Annotated[
        str | None, typer.Option(metavar="NAME", help="BIDS: the folder of derivatives with the label maps.")
    ] = None,
    criteria: Annotated[Path | None, CriteriaOption] = None,
    policy: Annotated[Policy | None, PolicyOption] = None,
    seal_limit: Annotated[
        float, typer.Option(metavar="MM", help="Widest gap in the labelled ring that is sealed.")
    ] = SEAL_LIMIT_MM,
    minimum_fat: Annotated[
        float | None,
        typer.Option(metavar="MM", help=f"A border with less fat is lost; by default {LEE_2010.minimum_fat_mm:g}."),
    ] = None,
    orientation: Annotated[str | None, OrientationOption] = None,
    n4: Annotated[bool, N4Option] = False,
    fat_bright: Annotated[
        bool, typer.Option("--fat-bright", help="Go on where fat seems dark against muscle in the picture.")
    ] = False,
    tolerate: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(IRREGULARITIES), callback=check_tolerate, help="Fault in the slices to accept."),
    ] = None,
    salt: Annotated[str | None, SaltOption] = None,
) -> None:
    """Measure and grade many studies; the same command goes on where it was stopped. Research and teaching only.

    MANIFEST has the column image, and labels or points; perhaps case, scheme, instances, sequence, series, levels,
    state and patient. All other columns go into the tables. Writes foramina.csv and .parquet, cases.csv, failures.csv,
    summary.json, run.json, and a folder per case under cases/.
    """
    rules = choose_criteria(criteria, policy, minimum_fat)
    part = batch.parse_shard(shard or "1/1")
    salted = salt or loaders.PUBLIC_SALT
    choices: Choices = batch.Choices(
        criteria=rules,
        criteria_sha256=None if criteria is None else loaders.file_identity(criteria)["sha256"],
        seal_limit_mm=seal_limit,
        fat_is_bright=fat_bright,
        orientation=None if orientation is None else loaders.Orientation(orientation),
        tolerate=tuple(loaders.Irregularity(word) for word in tolerate or ()),
        n4=n4,
        salt=salted,
    )
    sequence = None if weighting is None else Sequence(weighting)
    defaults: Defaults = batch.Defaults(scheme=scheme, levels=levels, sequence=sequence, salt=salted)
    common: dict[str, Any] = {
        "choices": choices,
        "defaults": defaults,
        "derivatives": derivatives,
        "shard": part,
        "pictures": panels,
        "retry_failed": retry_failed,
    }
    if dry_run:
        outlook = batch.look_ahead(source, out, **common)
        show_outlook(outlook)
        if outlook.lacking:
            raise typer.Exit(1)
        return
    try:
        with _stop_on_signals() as stopped, show_standing() as report:
            ran = batch.run_batch(
                source, out, jobs=jobs, scheduler=scheduler, progress=report, stopped=stopped, **common
            )
    except StoppedError as error:
        complain(str(error))
        raise typer.Exit(1) from error
    show_run(ran, out)
    if ran.stopped:
        complain("stopped; what is done is kept, and the same command goes on from there")
        raise typer.Exit(STOPPED)
    if ran.standing.failed:
        complain(f"{ran.standing.failed} of {ran.standing.cases} cases failed, see failures.csv")
        raise typer.Exit(1)


@app.command("merge")
@plainly
def merge_parts(
    folders: Annotated[
        list[Path], typer.Argument(metavar="OUT_DIR...", help="Folders of batch --shard: one for all, or several.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the tables.")],
) -> None:
    """Put the tables of all shards of a batch together, as one run would have written them."""
    with show_progress("Cases") as report:
        merged = batch.merge_shards(folders, out, progress=report)
    show_merged(merged, out)
    states = merged.counts.states
    wrong = {word: states[word] for word in ("failed", "missing") if states[word]}
    if wrong:
        told = " and ".join(f"{number} {word}" for word, number in wrong.items())
        complain(f"of {states.total()} cases {told}, see cases.csv")
        raise typer.Exit(1)


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Stop after the cases in hand at the first Ctrl-C or the SIGTERM of a cluster, at once at the second.

    Yields
    ------
    callable
        Whether to stop.
    """
    asked = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        os.write(_STDERR, _STOPPING)  # a handler must not meet a half-written line of the bar in the buffer

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
