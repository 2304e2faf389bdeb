"""The command that compares two states of the same patients, and what it prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from foramgrade.cli.doors import compare, exports, loaders, np, tables
from foramgrade.cli.program import app, complain, plainly
from foramgrade.cli.screen import NOTE, new_table, open_console

if TYPE_CHECKING:
    from foramgrade.agreement import Coefficient
    from foramgrade.compare import ChangeSummary, StateComparison

#: Foramina without a partner that are named; the others are counted.
_MOST_NAMED = 6


@app.command("compare")
@plainly
def compare_two_states(
    before: Annotated[str, typer.Argument(metavar="[NAME=]BEFORE", help="foramina.csv of one state, or its folder.")],
    after: Annotated[str, typer.Argument(metavar="[NAME=]AFTER", help="That of the other; NAME is the state's.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Also write tables and the figure here.")
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Columns case and patient, where states have cases of their own."),
    ] = None,
    resamples: Annotated[int, typer.Option(metavar="N", min=100, help="Draws of patients for the intervals.")] = 10_000,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed gives the same intervals.")] = 1,
) -> None:
    """Compare foramina in two states: flexion and extension, before and after surgery. Research and teaching only.

    Foramina are paired by patient (or case), level and side. Tables have the columns patient or case, level, side, and
    area_mm2 or lee_grade; area_u_mm2 and segmental_angle_deg are used where they are there.
    """
    (first, one), (second, two) = _split(before, "before"), _split(after, "after")
    whose = None if patients is None else tables.read_patients(patients)
    states = [tables.read_states(path, patients=whose) for path in (one, two)]
    earlier, later, unified = tables.unify_single_cases(*states)
    made = compare.compare_states(earlier, later, rng=np.random.default_rng(seed), n_resamples=resamples)
    written: tuple[str, ...] = ()
    if out is not None:
        inputs = [loaders.file_identity(tables.find_states(path)) for path in (one, two)]
        written = exports.write_comparison(made, out, seed=seed, names=(first, second), inputs=inputs)
    _show(made, names=(first, second), seed=seed)
    if out is not None:
        typer.echo(f"Written to {out}: {', '.join(written)}.")
    if unified:
        complain("the two studies have different names and are taken for the same patient, since each state has one.")


def _split(text: str, otherwise: str) -> tuple[str, Path]:
    """Name of a state and its table; a path that exists is a path, whatever is in it."""
    name, sign, path = text.partition("=")
    if sign and name.strip() and not Path(text).exists():
        return name.strip(), Path(path)
    return otherwise, Path(text)


def _show(made: "StateComparison", *, names: tuple[str, str], seed: int) -> None:
    console = open_console()
    paired = made.paired
    console.print(
        f"{names[0]} and {names[1]}: {len(paired.pairs)} foramina of {made.n_patients} patients in both. In brackets "
        f"95 % intervals from {made.n_resamples} resamples of patients, seed {seed}. Changes are {names[1]} - "
        f"{names[0]}; reliable where they exceed 1.96 standard uncertainties of the difference.",
        soft_wrap=True,
    )
    for alone, name in ((paired.only_before, names[0]), (paired.only_after, names[1])):
        if alone:
            told = ", ".join(f"{one.level} {one.side} of {one.patient}" for one in alone[:_MOST_NAMED])
            more = f" and {len(alone) - _MOST_NAMED} more" if len(alone) > _MOST_NAMED else ""
            console.print(f"In {name} only: {told}{more}.", soft_wrap=True)
    console.print()
    if made.pooled().n:
        _show_means(console, made, names)
    _show_grades(console, made, names)
    _show_motion(console, made)
    console.print(NOTE)


def _show_means(console: Console, made: "StateComparison", names: tuple[str, str]) -> None:
    direction = compare.Direction
    right = ("n", names[0], names[1], "Change, mm2", "Change, %", "Smaller", "Larger", "Within", "Unknown")
    table = new_table("Foramina", *right, right=right)
    for stratum, one in made.strata:
        counts = [
            one.directions[kind] for kind in (direction.SMALLER, direction.LARGER, direction.WITHIN, direction.UNKNOWN)
        ]
        table.add_row(stratum.name, str(one.n), *_cells(one), *map(str, counts))
    console.print(table)
    console.print()


def _cells(one: "ChangeSummary") -> list[str]:
    return [
        _told(one.before_mm2, "{:.1f}", interval=False),
        _told(one.after_mm2, "{:.1f}", interval=False),
        _told(one.change_mm2, "{:+.1f}"),
        _told(one.relative_change, "{:+.1f}"),
    ]


def _told(one: "Coefficient", form: str, *, interval: bool = True) -> str:
    if one.value is None:
        return "-"
    if not interval or one.interval is None:
        return form.format(one.value)
    return f"{form.format(one.value)} ({form.format(one.interval.low)} to {form.format(one.interval.high)})"


def _show_grades(console: Console, made: "StateComparison", names: tuple[str, str]) -> None:
    moves = made.transitions
    if not moves.table.any():
        return
    right = tuple(f"{names[1]} {grade}" for grade in range(4))
    table = new_table(f"Lee, {names[0]}", *right, right=right)
    for grade, row in enumerate(moves.table):
        table.add_row(str(grade), *map(str, row))
    console.print(table)
    missing = f", {moves.n_missing} without a grade in one state" if moves.n_missing else ""
    console.print(f"{moves.n_lower} lower, {moves.n_same} same, {moves.n_higher} higher{missing}.")
    console.print()


def _show_motion(console: Console, made: "StateComparison") -> None:
    motion = made.motion
    if motion is None:
        return
    right = ("n", "Mean motion, deg", "Change, mm2", "Change, %")
    table = new_table("Angular motion", *right, right=right)
    for one in motion.classes:
        mean = "-" if one.mean_motion_deg is None else f"{one.mean_motion_deg:.1f}"
        table.add_row(one.name, str(one.summary.n), mean, *_cells(one.summary)[2:])
    console.print(table)
    without = f" {motion.n_without} foramina without an angle are left out." if motion.n_without else ""
    console.print(
        f"Slope {_told(motion.slope, '{:+.2f}')} mm2 per degree, correlation {_told(motion.correlation, '{:+.2f}')}."
        f"{without}",
        soft_wrap=True,
    )
    console.print()
