"""What the commands ``batch`` and ``merge`` print: a bar while they run, counts when they have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from foramgrade.cli.screen import NOTE, new_table, open_console

if TYPE_CHECKING:
    from foramgrade.batch import BatchRun, Merged, Outlook, Standing
    from foramgrade.batch.collecting import Counts

#: Time over which the rate is taken, seconds.
_RATE_S = 600


@contextmanager
def show_standing() -> Iterator[Callable[["Standing"], None]]:
    """Show how far a run has come on stderr, where that is a terminal; nothing in a log.

    Yields
    ------
    callable
        To be called with the standing.
    """
    console = Console(stderr=True)
    words = TextColumn("{task.fields[words]}")
    columns = (TextColumn("Cases"), BarColumn(), MofNCompleteColumn(), words, TimeElapsedColumn(), "left")
    bar = Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal, speed_estimate_period=_RATE_S
    )
    task = bar.add_task("Cases", total=None, words="")

    def report(standing: "Standing") -> None:
        # Cases of an earlier run are no measure of the speed of this one.
        total, finished = standing.cases - standing.kept, standing.finished - standing.kept
        words = f"{standing.failed} failed" + (f", {standing.kept} kept" if standing.kept else "")
        speed = bar.tasks[0].speed
        words += f", {speed * 60:.0f}/min" if speed else ""
        bar.update(task, completed=finished, total=total, words=words)

    with bar:
        yield report


def show_outlook(outlook: "Outlook") -> None:
    """Print what a run would do."""
    console = open_console()
    table = new_table("Cases", "Number", right=("Number",))
    table.add_row("would run", str(outlook.to_run))
    table.add_row("kept from an earlier run", str(outlook.kept))
    table.add_row("nothing to assess", str(outlook.skipped))
    table.add_row("would fail: an input is missing", str(outlook.lacking))
    table.add_row("all", str(outlook.cases))
    console.print(table)
    if outlook.named:
        console.print()
    for case, why in outlook.named:
        console.print(f"{case}: {why}", soft_wrap=True)
    more = outlook.skipped + outlook.lacking - len(outlook.named)
    if more > 0:
        console.print(f"and {more} more.")


def show_run(ran: "BatchRun", out: Path) -> None:
    """Print what became of the cases, and where the tables are."""
    console = open_console()
    standing = ran.standing
    _show_counts(console, ran.counts)
    new = standing.finished - standing.kept
    console.print()
    console.print(f"{new} cases run in {_duration(ran.seconds)}, {standing.kept} kept from earlier runs.")
    shown = out / ran.tables.relative_to(ran.tables.parents[1]) if ran.tables.parent.name == "shards" else out
    _show_files(console, shown)


def show_merged(merged: "Merged", out: Path) -> None:
    """Print what the merged tables hold, and where they are."""
    console = open_console()
    _show_counts(console, merged.counts)
    console.print()
    console.print(f"{merged.shards} shards merged.")
    _show_files(console, out)


def _show_counts(console: Console, counts: "Counts") -> None:
    document = counts.as_document()
    table = new_table("Cases", "Number", right=("Number",))
    for word, number in document["cases"].items():
        if number or word in ("all", "done", "failed"):
            table.add_row(word, str(number))
    console.print(table)
    console.print()
    table = new_table("Grade", "Foramina", right=("Foramina",))
    for word, number in document["lee_grade"].items():
        table.add_row(word, str(number))
    table.add_row("all", str(document["foramina"]["all"]))
    console.print(table)


def _show_files(console: Console, folder: Path) -> None:
    names = "foramina.csv, foramina.parquet, cases.csv, failures.csv, summary.json, run.json"
    console.print(f"Written to {folder}: {names}.", soft_wrap=True)
    console.print(NOTE)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
