"""The commands that grade: a study by labels or points, and readers' findings."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foramgrade.cli.doors import anatomy, batch, exports, loaders, tables
from foramgrade.cli.graded import count_problems, show_reads
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
    check_case,
    check_tolerate,
    choose_criteria,
)
from foramgrade.cli.program import app, complain, plainly
from foramgrade.cli.screen import show_progress, show_study
from foramgrade.errors import InputError
from foramgrade.findings import Policy, Sequence
from foramgrade.grader import LEE_2010

if TYPE_CHECKING:
    from foramgrade.batch import Stage


class PanelFormat(StrEnum):
    """Kind of the pages of the foramina."""

    PNG = "png"
    """Pixels."""
    SVG = "svg"
    """Vectors, for a browser or an editor."""
    PDF = "pdf"
    """Vectors, for print."""


@app.command("grade")
@plainly
def grade_study(
    image: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGE", help="Sagittal T1 or T2 series, fat not suppressed: a file, a DICOM folder or ZIP archive."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the results.")],
    labels: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Label map of vertebrae and discs, or a folder of masks.")
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            metavar="POINTS.csv",
            help="A point per foramen: level, side, x, y, z (RAS, mm). With labels: clicks in roots.",
        ),
    ] = None,
    roots: Annotated[
        Path | None, typer.Option(metavar="PATH", help="With labels: roots that you drew, a label map of any number.")
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.json", help="What its numbers mean; by default its own names. 'inspect' proposes one."
        ),
    ] = None,
    instances: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Map of vertebrae, for schemes in two maps.")
    ] = None,
    weighting: Annotated[Weighting | None, SequenceOption] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            metavar="5=T12,6=L1",
            help="Names for vertebrae: by label, or counted by first=T12 (topmost) or last=L6 (above the sacrum).",
        ),
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
    series: Annotated[
        str | None, typer.Option(metavar="KEY|UID", help="Which of several DICOM series; 'inspect' lists them.")
    ] = None,
    tolerate: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(IRREGULARITIES), callback=check_tolerate, help="Fault in the slices to accept."),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option(metavar="NAME", callback=check_case, help="Name in the results; a pseudonym by default."),
    ] = None,
    salt: Annotated[str | None, SaltOption] = None,
    panels: Annotated[bool, typer.Option(help="Write a page for every foramen.")] = True,
    panel_format: Annotated[
        PanelFormat, typer.Option("--panel-format", metavar="png|svg|pdf", help="Kind of these pages.")
    ] = PanelFormat.PNG,
) -> None:
    """Measure and grade every foramen of one study. Research and teaching only.

    Writes foramina.csv, assessment.json, sheet.png, panels/, film.json (for 'report'), foramina.nii.gz and
    foramina.json; earlier ones in DIR are replaced.
    """
    check_source(labels, points, scheme=scheme, instances=instances, levels=levels, roots=roots)
    rules = choose_criteria(criteria, policy, minimum_fat)
    study_files = batch.StudyFiles(
        image=image,
        labels=labels,
        instances=instances,
        scheme=scheme,
        level_names=None if levels is None else anatomy.parse_level_names(levels),
        points=points,
        roots=roots,
        series=series,
        sequence=None if weighting is None else Sequence(weighting),
    )
    choices = batch.Choices(
        criteria=rules,
        criteria_sha256=None if criteria is None else loaders.file_identity(criteria)["sha256"],
        seal_limit_mm=seal_limit,
        fat_is_bright=fat_bright,
        orientation=None if orientation is None else loaders.Orientation(orientation),
        tolerate=tuple(loaders.Irregularity(word) for word in tolerate or ()),
        n4=n4,
        salt=salt or loaders.PUBLIC_SALT,
    )
    read = batch.read_study(study_files, choices, case=case, watch=_show_stage)
    if read.volume.sequence is None:
        complain("the image does not record its contrast: every row is flagged; name it with --sequence T1 or T2.")
    study = batch.assess_study(read, choices, watch=_show_stage)
    with show_progress("Pages") as report:
        written = exports.write_study(
            study, read.grid, out, image=read.volume, panels=panels, panel_format=panel_format.value, progress=report
        )
    show_study(study, out, written)


def _show_stage(stage: "Stage") -> AbstractContextManager[Callable[..., None]]:
    """Show the progress of the stages that count something."""
    counted = {batch.Stage.IMAGE: "Files", batch.Stage.ASSESS: "Foramina"}
    return show_progress(counted[stage]) if stage in counted else nullcontext(lambda *_: None)


@app.command("findings")
@plainly
def grade_findings(
    reads: Annotated[
        Path, typer.Argument(metavar="READS.csv", help="What readers saw: a row per foramen, separated by , ; or tab.")
    ],
    out: Annotated[Path, typer.Option(metavar="GRADED.csv", dir_okay=False, help="The same rows with their grades.")],
    criteria: Annotated[Path | None, CriteriaOption] = None,
    policy: Annotated[Policy | None, PolicyOption] = None,
) -> None:
    """Grade readers' findings in all scales. Research and teaching only.

    READS.csv has the columns level and side; superior, posterior, inferior and anterior (each preserved, thin, lost or
    unknown), or lost_borders with letters of S, P, I, A and perhaps thin_borders; and perhaps root_shape (unchanged,
    changed or not-assessable). All its columns are kept.
    """
    rules = choose_criteria(criteria, policy)
    graded = tables.grade_reads(reads, rules)
    if out.exists() and out.samefile(reads):
        msg = f"the results would replace the reads in {reads.name}, expected another file for --out"
        raise InputError(msg)
    tables.write_sheet(graded.sheet, out)
    show_reads(graded, rules, out)
    if graded.problems:
        complain(count_problems(graded, reads))
        raise typer.Exit(1)


def check_source(
    labels: Path | None,
    points: Path | None,
    *,
    scheme: str | None,
    instances: Path | None,
    levels: str | None,
    roots: Path | None,
) -> None:
    """Refuse a study without labels and points, or with options that belong to labels that are not there."""
    if labels is None and points is None:
        msg = "expected --labels or --points, found neither"
        raise InputError(msg)
    of_labels = {"--scheme": scheme, "--instances": instances, "--levels": levels, "--roots": roots}
    given = [name for name, value in of_labels.items() if value is not None]
    if labels is None and given:
        msg = f"{', '.join(given)} belong{'s' * (len(given) == 1)} to labels, found without --labels"
        raise InputError(msg)
