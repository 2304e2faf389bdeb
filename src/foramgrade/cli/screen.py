"""What the commands print: tables on stdout, a progress bar on stderr."""

import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from foramgrade.cli.doors import anatomy, plotting, words
from foramgrade.findings import ForamenAssessment, Grade, Quality, Quantity, RootShape
from foramgrade.grader import LEE_2010

if TYPE_CHECKING:
    from foramgrade.anatomy.labels import LabelScheme
    from foramgrade.loaders import Segment, SeriesInfo
    from foramgrade.tables import StudyAssessment

#: Said wherever results are.
NOTE = "Research and teaching only; not for diagnosis or treatment."
#: Work that takes longer than this shows its progress, seconds.
PATIENCE_S = 1.0
#: Width of a table that does not go to a terminal, characters.
PLAIN_WIDTH = 140
#: A listing breaks into two tables rather than fold descriptions and file names to less than this, characters.
READABLE_NAME = 10
#: What a narrow screen shows of a series in the first table, and what in the second.
_FIRST_OF_SERIES = ("Description", "File", "Plane", "Slices", "Spacing mm", "Contrast", "Fat")
_FAT_WORDS = {True: "suppressed", False: "bright", None: "-"}


@contextmanager
def show_progress(what: str) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr where that is a terminal, once the work has taken longer than a moment.

    Parameters
    ----------
    what : str
        What is counted.

    Yields
    ------
    callable
        To be called with the number done and the number of all, or with the number done where that of all is unknown.
    """
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True)
    task, started = bar.add_task(what, total=None), time.monotonic()

    def report(done: int, total: int | None = None) -> None:
        bar.update(task, completed=done, total=total)
        if console.is_terminal and not bar.live.is_started and time.monotonic() - started > PATIENCE_S:
            bar.start()

    try:
        yield report
    finally:
        if bar.live.is_started:  # stopping what was not started prints an empty line
            bar.stop()


def open_console() -> Console:
    """Stdout; text is printed as it is, and a file gets wider lines than an unknown terminal."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def new_table(*headings: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """Make a table without rules; columns align right, or are never folded, where named."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        justify: Literal["right", "left"] = "right" if heading in right else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading in whole)
    return table


def show_study(study: "StudyAssessment", out: Path, written: tuple[str, ...]) -> None:
    """Print the results of a study as a table, and where they went.

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    out : Path
        Folder, as the user named it.
    written : tuple of str
        Files in it, as from :func:`foramgrade.exports.write_study`.
    """
    console = open_console()
    console.print(f"{study.case}: {plotting.worst_words(study)}.")
    console.print()
    grade = "Lee" if all(f.grade.criteria == LEE_2010.name for f in study.foramina) else "Grade"
    numbers = (grade, "Conf.", "Area\nmm2", "Height\nmm")
    table = new_table(
        "Level", "Side", grade, "Rule", "Conf.", "Area\nmm2", "Height\nmm", "Lost", "Notes", right=numbers
    )
    shared = functools.reduce(lambda a, b: a & b, (f.quality for f in study.foramina))
    for foramen in study.foramina:
        table.add_row(*_cells(foramen, shared))
    console.print(table)
    console.print()
    if shared:
        console.print(f"In every row: {'; '.join(words.quality_words(shared))}.")
    pages = [name for name in written if "/" in name]
    names = [name for name in written if "/" not in name] + [f"{len(pages)} pages in panels/"] * bool(pages)
    console.print(f"Written to {out}: {', '.join(names)}.", soft_wrap=True)
    console.print(NOTE)


def show_measures(study: "StudyAssessment", out: Path, written: tuple[str, ...]) -> None:
    """Print the measures of foramina that were not graded, and where they went.

    Parameters
    ----------
    study : StudyAssessment
        Measured foramina.
    out : Path
        Folder, as the user named it.
    written : tuple of str
        Files in it.
    """
    console = open_console()
    shown = (
        ("Area\nmm2", Quantity.AREA, 1),
        ("Height\nmm", Quantity.HEIGHT, 1),
        ("Width\nmm", Quantity.WIDTH_DISC, 1),
        ("Volume\nmm3", Quantity.VOLUME, 0),
        ("Asym.", Quantity.ASYMMETRY, 2),
    )
    numbers = tuple(heading for heading, _, _ in shown)
    table = new_table("Level", "Side", *numbers, "Sections", "Notes", right=(*numbers, "Sections"))
    for foramen in study.foramina:
        measured = foramen.measurements
        cells = (f"{measured[quantity]:.{n}f}" if quantity in measured else "-" for _, quantity, n in shown)
        notes = "; ".join(words.quality_words(foramen.quality))
        table.add_row(foramen.level.name, foramen.side.value, *cells, str(foramen.n_sections), notes)
    console.print(table)
    console.print()
    console.print(f"Written to {out}: {', '.join(written)}.", soft_wrap=True)
    console.print(NOTE)


def _cells(foramen: ForamenAssessment, shared: Quality) -> list[str]:
    grade, measured, findings = foramen.grade, foramen.measurements, foramen.findings
    return [
        foramen.level.name,
        foramen.side.value,
        "-" if grade.lee is None else str(int(grade.lee)),
        _rule(grade),
        "-" if grade.confidence is None else f"{grade.confidence:.0%}",
        *(f"{measured[q]:.{n}f}" if q in measured else "-" for q, n in ((Quantity.AREA, 0), (Quantity.HEIGHT, 1))),
        "-" if findings is None else words.lost_words(foramen).removeprefix("lost: "),
        "; ".join(_notes(foramen, shared)),
    ]


def _notes(foramen: ForamenAssessment, shared: Quality) -> list[str]:
    """Caveats that not every row has, behind what explains the grade or why there is none."""
    caveats = words.quality_words(foramen.quality & ~shared)
    if foramen.findings is None:
        why = words.why_missing(foramen)
        return sorted(caveats, key=lambda words: words != why) or [foramen.grade.reason.removesuffix(".")]
    if foramen.grade.lee is None:
        # Its last clause: what is lost has a column of its own.
        return [foramen.grade.reason.removesuffix(".").split("; ")[-1], *caveats]
    deformed = foramen.findings.root_shape is RootShape.CHANGED
    return [words.SHAPE_WORDS[RootShape.CHANGED]] * deformed + caveats


def _rule(grade: Grade) -> str:
    """Say who gives the grade: the system's own rules, or the policy where they are silent."""
    if grade.lee is None:
        return "-"
    own = "Lee" if grade.criteria == LEE_2010.name else "own"
    return own if grade.defined else grade.policy.value


def show_series(found: Iterable["SeriesInfo"]) -> None:
    """Print a table of series, what their contrast was told from, and what is wrong with their slices.

    On a narrow screen two tables take its place; cells are kept whole, but for descriptions and file names.
    The names of files and the descriptions of series are the user's own and go nowhere else.
    """
    listed = list(found)
    rows = [_series_cells(series, from_dicom=any(one.key for one in listed)) for series in listed]
    console = open_console()
    for number, headings in enumerate(_series_headings(rows, console.width)):
        if number:
            console.print()
        whole = tuple(heading for heading in headings if heading not in ("Description", "File"))
        table = new_table(*headings, right=("Slices", "Gaps", "Twice"), whole=whole)
        for row in rows:
            table.add_row(*(row[heading] for heading in headings))
        # Where not even this fits, the terminal breaks the lines: better than cells cut off.
        console.width = max(console.width, _narrowest(rows, headings))
        console.print(table)
    notes = [f"{one.key or one.name}: contrast from {one.contrast_reason}." for one in listed if one.contrast_reason]
    notes += [f"{series.key}: cannot be read as it is: {why}." for series in listed for why in series.problems]
    cases = sorted({series.case for series in listed if series.case})
    if cases:
        notes.append(f"Case: {cases[0]}." if len(cases) == 1 else f"{len(listed)} series of {len(cases)} studies.")
    if notes:
        console.print()
    for note in notes:
        console.print(note, soft_wrap=True)


def _series_cells(series: "SeriesInfo", *, from_dicom: bool) -> dict[str, str]:
    cells = {
        "Description" if from_dicom else "File": series.name,
        "Plane": series.plane.value,
        "Slices": str(series.n_slices),
        "Spacing mm": " x ".join(f"{n:.3g}" for n in series.spacing_mm),
        "Voxels": " x ".join(map(str, series.shape)),
        "Type": series.dtype,
        "Axes": series.orientation,
        "Contrast": "not recorded" if series.weighting is None else series.weighting.value,
        "Fat": _FAT_WORDS[series.fat_suppressed],
    }
    if not from_dicom:
        return cells
    return {"Series": series.key, **cells, "Gaps": str(series.gaps), "Twice": str(series.duplicates)} | {
        "Vendor": series.vendor
    }


def _series_headings(rows: list[dict[str, str]], width: int) -> list[tuple[str, ...]]:
    """Headings of the one table that fits, or of two that begin alike."""
    headings = tuple(rows[0])
    if _narrowest(rows, headings) <= width:
        return [headings]
    first = tuple(heading for heading in headings if heading in ("Series", *_FIRST_OF_SERIES))
    return [first, (headings[0], *(heading for heading in headings if heading not in first))]


def _narrowest(rows: list[dict[str, str]], headings: tuple[str, ...]) -> int:
    """Width of a table whose cells are whole, but for descriptions and file names."""
    widths = {
        heading: max(cell_len(text) for text in (heading, *(row[heading] for row in rows))) for heading in headings
    }
    folded = {heading: min(widths[heading], READABLE_NAME) for heading in ("Description", "File") if heading in widths}
    return sum((widths | folded).values()) + 2 * (len(headings) - 1)


def show_segments(segments: "Iterable[Segment]") -> None:
    """Print the segments of a segmentation, and where they lie."""
    listed = list(segments)
    console, table = open_console(), new_table("Number", "Name", "Voxels", right=("Number", "Voxels"))
    for segment in listed:
        table.add_row(str(segment.number), segment.name, str(int(segment.mask.sum())))
    console.print(table)
    grid = listed[0].grid
    spacing, shape = " x ".join(f"{n:.3g}" for n in grid.spacing_mm), " x ".join(map(str, grid.shape))
    console.print()
    console.print(f"A segmentation of {shape} voxels, {spacing} mm apart.")


def show_labels(found: Mapping[int, int]) -> None:
    """Print the numbers of what may be a label map, with their meaning in the schemes that would fit.

    Parameters
    ----------
    found : mapping of int to int
        Number of voxels by number, as from :func:`foramgrade.loaders.count_numbers`.
    """
    console = open_console()
    console.print()
    if not found:
        console.print("Every voxel is 0.")
        return
    fitting = {name: _meanings(anatomy.load_scheme(name)) for name in anatomy.fitting_schemes(found)}
    fitting |= {
        f"{name} (subregions)": parts
        for name in anatomy.scheme_names()
        if set(found) <= set(parts := _parts(anatomy.load_scheme(name)))
    }
    table = new_table("Number", "Voxels", *fitting, right=("Number", "Voxels"))
    for label, voxels in found.items():
        table.add_row(str(label), str(voxels), *(meaning.get(label, "-") for meaning in fitting.values()))
    console.print(table)
    console.print()
    names = " or ".join(fitting)
    console.print(
        f"Read as labels, these numbers would fit {names}. Other tools use the same numbers: which one made the map?"
        if fitting
        else "As a label map these numbers fit no scheme that comes with foramgrade."
    )


def _meanings(scheme: "LabelScheme") -> dict[int, str]:
    meanings = {label: "endplates below " + name for label, name in scheme.endplates.items()}
    meanings |= {label: "disc below " + name for label, name in scheme.discs.items()}
    if scheme.disc_above_sacrum is not None:
        meanings[scheme.disc_above_sacrum] = "disc above the sacrum"
    if not scheme.instances:
        meanings |= dict.fromkeys(scheme.canal, "canal") | dict.fromkeys(scheme.cord, "cord")
    return meanings | dict(scheme.vertebra_labels)


def _parts(scheme: "LabelScheme") -> dict[int, str]:
    """Meanings in the map of subregions; empty for schemes that are written in one map."""
    parts = {label: str(part).replace("_", " ") for part, labels in scheme.subregions.items() for label in labels}
    canal = dict.fromkeys(scheme.canal, "canal") | dict.fromkeys(scheme.cord, "cord")
    return parts | canal if scheme.instances else {}
