"""The command line: parses, calls, prints.

Results go to stdout and files, complaints to stderr in one or two plain sentences. Exit status: 0 all done, foramina that
cannot be graded among the results; 1 some case failed and the rest is there; 2 wrong usage or unreadable input. A
traceback means a bug.
"""

import csv
import functools
import importlib
import io
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

import foramgrade as fg
from foramgrade.errors import ForamgradeError
from foramgrade.findings import ForamenAssessment, Grade, Policy, Quality, Quantity, RootShape
from foramgrade.grader import LEE_2010, Criteria
from foramgrade.volume import Sequence


class _Room:
    """A room of the package that is imported when something is first taken out of it."""

    def __init__(self, name: str) -> None:
        self._name = f"foramgrade.{name}"

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


# The lazy doors: help, usage errors and --version must not wait for scipy, pandas, matplotlib and SimpleITK. The names
# in `fg` have such a door of their own. What is imported above is light.
if TYPE_CHECKING:
    from foramgrade import exports, loaders, phantom, plotting
    from foramgrade.anatomy import labels as anatomy
    from foramgrade.loaders import files
    from foramgrade.plotting import words
    from foramgrade.tables import StudyAssessment
else:
    exports, loaders, phantom, plotting = (_Room(name) for name in ("exports", "loaders", "phantom", "plotting"))
    anatomy, files, words = (_Room(name) for name in ("anatomy.labels", "loaders.files", "plotting.words"))

NOTE = "Research and teaching only; not for diagnosis or treatment."
#: Work that takes longer than this shows its progress, seconds.
PATIENCE_S = 1.0
#: Width of a table that does not go to a terminal, characters.
PLAIN_WIDTH = 120
#: Default of the widest gap that is sealed, mm: a copy, since its home needs scipy; a test holds the two together.
SEAL_LIMIT_MM = 10.0
#: A file of whole numbers with at most this many distinct ones may be a label map.
MOST_LABELS = 100

P = ParamSpec("P")
app = typer.Typer(
    help=f"Measure lumbar neural foramina on MRI and grade their stenosis. {NOTE}",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Protocol(StrEnum):
    """Sampling of a phantom; a member is called like the protocol of the phantom room."""

    CLINICAL_2D = "clinical-2d"
    """Slices of 4 mm every 4.4 mm, pixels of 0.6 mm."""
    FINE_2D = "fine-2d"
    """Slices of 3 mm every 3.3 mm, pixels of 0.45 mm."""
    ISOTROPIC = "isotropic"
    """Voxels of 0.9 mm."""


def main() -> None:
    """Run the command line."""
    app(prog_name="foramgrade")


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"foramgrade {version('foramgrade')}")
        raise typer.Exit


def _check_orientation(value: str | None) -> str | None:
    if value not in (None, "qform", "sform"):
        msg = f"found {value!r}, expected qform or sform"
        raise typer.BadParameter(msg)
    return value


def _check_case(value: str | None) -> str | None:
    if value is not None and not value.strip():
        msg = "the name of a case cannot be empty"
        raise typer.BadParameter(msg)
    return value


def _complain(sentence: str) -> None:
    typer.echo(f"foramgrade: {sentence}", err=True)


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Say the package's own errors in a sentence and end with status 2; any other exception is a bug and passes."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ForamgradeError as error:
            _complain(str(error))
            raise typer.Exit(2) from error

    return run


OrientationOption = Annotated[
    str | None,
    typer.Option(
        metavar="qform|sform",
        callback=_check_orientation,
        help="Placement to believe where the two in a NIfTI file disagree.",
    ),
]


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""


@app.command("grade")
@_plainly
def grade_study(
    image: Annotated[Path, typer.Argument(help="Sagittal T1 or T2 series without fat suppression.")],
    labels: Annotated[Path, typer.Option(help="Label map of vertebrae and discs.")],
    scheme: Annotated[str, typer.Option(metavar="NAME|FILE.json", help="What its numbers mean; see 'inspect'.")],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the results.")],
    instances: Annotated[Path | None, typer.Option(help="Map of vertebrae, for tools that write two maps.")] = None,
    sequence: Annotated[Sequence | None, typer.Option(case_sensitive=False, help="Contrast of the series.")] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="5=T12,6=L1", help="Vertebrae of label numbers that are not anatomical.")
    ] = None,
    policy: Annotated[Policy, typer.Option(help="Grade of patterns that Lee does not define.")] = Policy.FLOOR,
    seal_limit: Annotated[
        float, typer.Option(metavar="MM", min=0.0, help="Widest gap in the labelled ring that is sealed.")
    ] = SEAL_LIMIT_MM,
    minimum_fat: Annotated[
        float, typer.Option(metavar="MM", help="A border with less fat than this is lost.")
    ] = LEE_2010.minimum_fat_mm,
    orientation: OrientationOption = None,
    case: Annotated[
        str | None,
        typer.Option(metavar="NAME", callback=_check_case, help="Name in the results; from the image's bytes if left."),
    ] = None,
    panels: Annotated[bool, typer.Option(help="Write a page for every foramen.")] = True,
) -> None:
    """Measure and grade every foramen of one study. Research and teaching only.

    Results in DIR are replaced: foramina.csv, assessment.json, sheet.png, panels/, foramina.nii.gz, foramina.json.
    """
    names = None if levels is None else anatomy.parse_level_names(levels)
    placement = None if orientation is None else loaders.Orientation(orientation)
    volume = fg.read_volume(image, sequence=sequence, orientation=placement)
    mask = fg.read_labels(labels, scheme=scheme, instances=instances, orientation=placement)
    inputs = _identify(image=image, labels=labels, instances=instances, scheme=scheme, orientation=orientation)
    if volume.sequence is None:
        _complain("the file does not record its contrast; name it with --sequence T1 or T2 to lose the caveat.")
    with _progress("Foramina") as report:
        study = fg.assess(
            volume,
            mask,
            criteria=_criteria(policy, minimum_fat),
            case=case or f"case-{inputs[0]['sha256'][:10]}",
            level_names=names,
            seal_limit_mm=seal_limit,
            inputs=inputs,
            progress=report,
        )
    with _progress("Pages") as report:
        written = exports.write_study(study, mask.grid, out, panels=panels, progress=report)
    _show_study(study, out, written)


@app.command("inspect")
@_plainly
def inspect_path(
    path: Annotated[Path, typer.Argument(help="An image, a label map, or a folder of them.")],
    orientation: OrientationOption = None,
) -> None:
    """List the series in a file or folder; of a label map also its numbers and the schemes that would fit."""
    placement = None if orientation is None else loaders.Orientation(orientation)
    table = _table("File", "Plane", "Slices", "Spacing mm", "Voxels", "Type", "Contrast")
    for series in fg.list_series(path, orientation=placement):
        spacing, shape = (" x ".join(f"{n:.3g}" for n in of) for of in (series.spacing_mm, series.shape))
        contrast = "not recorded" if series.weighting is None else series.weighting.value
        table.add_row(series.name, series.plane.value, str(series.n_slices), spacing, shape, series.dtype, contrast)
    console = _console()
    console.print(table)
    found = None if path.is_dir() else _count_numbers(fg.read_volume(path, orientation=placement).array)
    if found is not None:
        _show_labels(console, found)


@app.command("phantom")
@_plainly
def write_phantoms(
    out: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the cases.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of cases.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same cases.")] = 1,
    protocol: Annotated[Protocol, typer.Option(help="Sampling of the series.")] = Protocol.CLINICAL_2D,
    sequence: Annotated[Sequence, typer.Option(case_sensitive=False, help="Contrast of the series.")] = Sequence.T1,
) -> None:
    """Write synthetic lumbar spines whose measures and grades are known. Research and teaching only.

    Every case is a folder with image.nii.gz, labels.nii.gz and truth.csv.
    """
    folders = [out / f"case-{number:0{max(3, len(str(cases)))}d}" for number in range(1, cases + 1)]
    with _progress("Cases") as report:
        for number, folder in enumerate(folders, start=1):
            rng = np.random.default_rng([seed, number])
            spec = phantom.random_spec(rng, protocol=getattr(phantom, protocol.name), sequence=sequence)
            made = phantom.make_phantom(spec, rng=rng)
            with exports.fill_folder(folder) as part:
                exports.write_volume(made.image, part / "image.nii.gz")
                exports.write_labels(made.labels, part / "labels.nii.gz")
                _write_truth([phantom.truth_row(truth) for truth in made.truth], part / "truth.csv")
            report(number, cases)
    typer.echo(f"Written to {out}: {cases} case{'s' * (cases > 1)} with image.nii.gz, labels.nii.gz and truth.csv.")
    first = [str(folders[0] / name) for name in ("image.nii.gz", "labels.nii.gz", "graded")]
    options = ["--labels", first[1], "--scheme", made.labels.scheme, "--sequence", sequence.value, "--out", first[2]]
    typer.echo(f"Grade one: foramgrade grade {shlex.join([first[0], *options])}")
    typer.echo(NOTE)


def _criteria(policy: Policy, minimum_fat_mm: float) -> Criteria:
    # A border cannot be thin and lost: the limit of thin fat gives way.
    thin_fat_mm = max(LEE_2010.thin_fat_mm, minimum_fat_mm)
    return replace(LEE_2010.with_policy(policy), minimum_fat_mm=minimum_fat_mm, thin_fat_mm=thin_fat_mm)


def _identify(
    *, image: Path, labels: Path, instances: Path | None, scheme: str, orientation: str | None
) -> list[dict[str, str]]:
    """Say what the inputs are without their names, which can name people."""
    given = {"image": image, "labels": labels} | ({} if instances is None else {"instances": instances})
    placed = {} if orientation is None else {"orientation": orientation}
    inputs = [
        {
            "role": role,
            "sha256": loaders.file_identity(path)["sha256"],
            "format": files.find_format(path).value,
            **placed,
        }
        for role, path in given.items()
    ]
    if scheme.lower().endswith(".json"):
        inputs.append({"role": "scheme", "sha256": loaders.file_identity(scheme)["sha256"], "format": "JSON"})
    return inputs


def _write_truth(rows: list[dict[str, Any]], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr where that is a terminal, once the work has taken longer than a moment."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True)
    task, started = bar.add_task(what), time.monotonic()

    def report(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if console.is_terminal and not bar.live.is_started and time.monotonic() - started > PATIENCE_S:
            bar.start()

    try:
        yield report
    finally:
        bar.stop()


def _console() -> Console:
    """Stdout; text is printed as it is, and a file gets wider lines than an unknown terminal."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def _table(*headings: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def _show_study(study: "StudyAssessment", out: Path, written: tuple[str, ...]) -> None:
    console = _console()
    console.print(f"Case {study.case}. {plotting.worst_words(study)}.")
    console.print()
    numbers = ("Lee", "Conf.", "mm2", "mm high")
    table = _table("Level", "Side", "Lee", "Rule", "Conf.", "mm2", "mm high", "Lost", "Notes", right=numbers)
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


def _cells(foramen: ForamenAssessment, shared: Quality) -> list[str]:
    grade, measured, findings = foramen.grade, foramen.measurements, foramen.findings
    notes = [words.SHAPE_WORDS[findings.root_shape]] if findings and findings.root_shape is RootShape.CHANGED else []
    if grade.lee is None:
        notes.append(grade.reason.removesuffix("."))
    notes += words.quality_words(foramen.quality & ~shared)
    return [
        foramen.level.name,
        foramen.side.value,
        "-" if grade.lee is None else str(grade.lee.value),
        _rule(grade),
        "-" if grade.confidence is None else f"{grade.confidence:.0%}",
        *(f"{measured[q]:.{n}f}" if q in measured else "-" for q, n in ((Quantity.AREA, 0), (Quantity.HEIGHT, 1))),
        "-" if findings is None else words.lost_words(foramen).removeprefix("lost: "),
        "; ".join(notes),
    ]


def _rule(grade: Grade) -> str:
    """Say who gives the grade: Lee's own rules, or the policy where they are silent."""
    if grade.lee is None:
        return "-"
    return "Lee" if grade.defined else grade.policy.value


def _count_numbers(array: npt.NDArray[Any]) -> dict[int, int] | None:
    """Number of voxels of each whole number but 0; None where there are fractions, negative or too many numbers."""
    if np.any(array < 0) or np.any(array > anatomy.LARGEST_LABEL) or np.any(array % 1):
        return None
    counts = np.bincount(array.ravel(order="K").astype(np.uint16))
    found = np.flatnonzero(counts)
    return {int(n): int(counts[n]) for n in found if n} if len(found) <= MOST_LABELS else None


def _show_labels(console: Console, found: Mapping[int, int]) -> None:
    """Print the numbers of what may be a label map, with their meaning in the schemes that would fit."""
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
    table = _table("Number", "Voxels", *fitting, right=("Number", "Voxels"))
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


def _meanings(scheme: "anatomy.LabelScheme") -> dict[int, str]:
    meanings = {label: "endplates below " + name for label, name in scheme.endplates.items()}
    meanings |= {label: "disc below " + name for label, name in scheme.discs.items()}
    if scheme.disc_above_sacrum is not None:
        meanings[scheme.disc_above_sacrum] = "disc above the sacrum"
    if not scheme.instances:
        meanings |= dict.fromkeys(scheme.canal, "canal") | dict.fromkeys(scheme.cord, "cord")
    return meanings | dict(scheme.vertebra_labels)


def _parts(scheme: "anatomy.LabelScheme") -> dict[int, str]:
    """Meanings in the map of subregions; empty for schemes that are written in one map."""
    parts = {label: str(part).replace("_", " ") for part, labels in scheme.subregions.items() for label in labels}
    canal = dict.fromkeys(scheme.canal, "canal") | dict.fromkeys(scheme.cord, "cord")
    return parts | canal if scheme.instances else {}
