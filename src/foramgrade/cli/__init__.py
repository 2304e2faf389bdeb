"""The command line: parses, calls, prints.

Results go to stdout and files, complaints to stderr in one or two plain sentences. Exit status: 0 all done, foramina
that cannot be graded among the results; 1 some case failed and the rest is there; 2 wrong usage or unreadable input. A
traceback means a bug.
"""

import csv
import functools
import io
import logging
import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import numpy as np
import typer

import foramgrade as fg
from foramgrade.cli.doors import anatomy, dataset, exports, files, loaders, phantom, tables, validation
from foramgrade.cli.graded import count_problems, show_reads
from foramgrade.cli.screen import (
    NOTE,
    count_numbers,
    show_labels,
    show_measures,
    show_progress,
    show_segments,
    show_series,
    show_study,
)
from foramgrade.cli.validated import show_validation
from foramgrade.errors import ForamgradeError, InputError
from foramgrade.findings import Policy
from foramgrade.grader import LEE_2010, Criteria, read_criteria
from foramgrade.volume import Sequence

#: Faults in the slices of a series that can be accepted: a copy, since their home needs pydicom; a test holds the two
#: together.
IRREGULARITIES = ("missing-slice", "repeated-slice", "uneven-spacing", "shear")

#: Default of the widest gap that is sealed, mm: a copy, since its home needs scipy; a test holds the two together.
SEAL_LIMIT_MM = 10.0

P = ParamSpec("P")
app = typer.Typer(
    help=f"Measure lumbar neural foramina on MRI and grade their stenosis. {NOTE}",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Weighting(StrEnum):
    """Contrasts that can be graded; the others are told by the series, and refused."""

    T1 = Sequence.T1.value
    """T1-weighted."""
    T2 = Sequence.T2.value
    """T2-weighted."""


class Protocol(StrEnum):
    """Sampling of a phantom; a member is called like the protocol in the phantom room."""

    CLINICAL_2D = "clinical-2d"
    """Slices of 4 mm every 4.4 mm, pixels of 0.6 mm."""
    FINE_2D = "fine-2d"
    """Slices of 3 mm every 3.3 mm, pixels of 0.45 mm."""
    ISOTROPIC = "isotropic"
    """Voxels of 0.9 mm."""


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="foramgrade: %(message)s", level=logging.WARNING)
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
        msg = "a case needs a name that is not blank"
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


def _check_tolerate(values: list[str] | None) -> list[str] | None:
    for value in values or ():
        if value not in IRREGULARITIES:
            msg = f"found {value!r}, expected one of {', '.join(IRREGULARITIES)}"
            raise typer.BadParameter(msg)
    return values


SaltOption = typer.Option(
    metavar="TEXT", envvar="FORAMGRADE_SALT", help="Secret that makes the pseudonyms of cases yours alone."
)
CriteriaOption = typer.Option(
    "--criteria", metavar="FILE.toml", help="Grading rules of your own; by default those of Lee 2010."
)
PolicyOption = typer.Option(
    "--policy",
    metavar="floor|ceil|strict",
    help=f"Grade of patterns that the rules do not define; by default {LEE_2010.policy.value}.",
)
SequenceOption = typer.Option("--sequence", metavar="T1|T2", case_sensitive=False, help="Contrast of the series.")
OrientationOption = typer.Option(
    metavar="qform|sform",
    callback=_check_orientation,
    help="Placement to believe where the two in a NIfTI file disagree.",
)


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
    fat_bright: Annotated[
        bool, typer.Option("--fat-bright", help="Go on where fat seems dark against muscle in the picture.")
    ] = False,
    series: Annotated[
        str | None, typer.Option(metavar="KEY|UID", help="Which of several DICOM series; 'inspect' lists them.")
    ] = None,
    tolerate: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(IRREGULARITIES), callback=_check_tolerate, help="Fault in the slices to accept."),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option(metavar="NAME", callback=_check_case, help="Name in the results; a pseudonym by default."),
    ] = None,
    salt: Annotated[str | None, SaltOption] = None,
    panels: Annotated[bool, typer.Option(help="Write a page for every foramen.")] = True,
) -> None:
    """Measure and grade every foramen of one study. Research and teaching only.

    Writes foramina.csv, assessment.json, sheet.png, panels/, foramina.nii.gz and foramina.json; earlier ones in DIR are
    replaced.
    """
    _check_source(labels, points, scheme=scheme, instances=instances, levels=levels)
    rules = _choose_criteria(criteria, policy, minimum_fat)
    names = None if levels is None else anatomy.parse_level_names(levels)
    places = None if points is None else dataset.read_points(points)
    sequence = None if weighting is None else Sequence(weighting)
    placement = None if orientation is None else loaders.Orientation(orientation)
    with show_progress("Files") as count:
        # Where there are several series, foramina are read on sagittal ones.
        plane = loaders.Plane.SAGITTAL if series is None and files.find_format(image) is files.Format.DICOM else None
        found = loaders.find_series(
            image, series=series, sequence=sequence, plane=plane, orientation=placement, progress=count
        )
    volume = found.read(tolerate=[loaders.Irregularity(word) for word in tolerate or ()])
    mask = None
    if labels is not None:
        mask = fg.read_labels(labels, scheme=scheme, instances=instances, orientation=placement)
    placed = {} if orientation is None else {"orientation": orientation}
    tolerated = {"tolerated": ", ".join(sorted(set(tolerate)))} if tolerate else {}
    inputs = [{"role": "image", **found.identify(), **placed, **tolerated}]
    if volume.sequence is None:
        _complain("the image does not record its contrast: every row is flagged; name it with --sequence T1 or T2.")
    name = case or found.name_case(salt=salt or loaders.PUBLIC_SALT)
    if points is not None:
        inputs.append({"role": "points", "sha256": loaders.file_identity(points)["sha256"], "format": "CSV"})
    if labels is not None:
        inputs += _identify(labels=labels, instances=instances, scheme=scheme, placed=placed)
    if criteria is not None:
        inputs.append({"role": "criteria", "sha256": loaders.file_identity(criteria)["sha256"], "format": "TOML"})
    if labels is None:
        grid = volume.grid
        with show_progress("Foramina") as report:
            study = fg.assess_points(volume, places or (), criteria=rules, case=name, inputs=inputs, progress=report)
    elif mask is not None:
        grid = mask.grid
        with show_progress("Foramina") as report:
            study = fg.assess(
                volume,
                mask,
                level_names=names,
                seal_limit_mm=seal_limit,
                fat_is_bright=fat_bright,
                clicks=places or (),
                inputs=inputs,
                progress=report,
                criteria=rules,
                case=name,
            )
    with show_progress("Pages") as report:
        written = exports.write_study(study, grid, out, panels=panels, progress=report)
    show_study(study, out, written)


@app.command("measure")
@_plainly
def measure_drawing(
    drawn: Annotated[
        Path,
        typer.Argument(metavar="DRAWN", help="Drawn foramina: a label map, or a folder of masks with names."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Folder for the results.")],
    labels: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Label map of vertebrae and discs: tells levels and sides.")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(metavar="NAME|FILE.json", help="What its numbers mean; by default its own names.")
    ] = None,
    instances: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Map of vertebrae, for schemes in two maps.")
    ] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="5=T12,6=L1", help="Vertebrae of labels whose numbers are not anatomical.")
    ] = None,
    midline: Annotated[
        float | None, typer.Option(metavar="MM", help="Without labels: the midline, mm to the patient's right (RAS).")
    ] = None,
    orientation: Annotated[str | None, OrientationOption] = None,
    case: Annotated[
        str, typer.Option(metavar="NAME", callback=_check_case, help="Name in the results; never a patient's.")
    ] = "study",
) -> None:
    """Measure foramina that are drawn by hand. Research and teaching only.

    Writes foramina.csv and assessment.json; earlier ones in DIR are replaced.
    """
    names = None if levels is None else anatomy.parse_level_names(levels)
    placement = None if orientation is None else loaders.Orientation(orientation)
    if labels is None and (scheme is not None or instances is not None):
        msg = "a scheme or instances are given without the labels that they belong to, expected --labels"
        raise InputError(msg)
    outlines = fg.read_labels(drawn, scheme="foramina", orientation=placement)
    mask = None
    if labels is not None:
        mask = fg.read_labels(labels, scheme=scheme, instances=instances, orientation=placement)
    placed = {} if orientation is None else {"orientation": orientation}
    inputs = [{"role": "drawn", **loaders.identify_files(drawn), **placed}]
    if labels is not None:
        inputs += _identify(labels=labels, instances=instances, scheme=scheme, placed=placed)
    study = fg.measure_foramina(outlines, mask, case=case, level_names=names, midline_mm=midline, inputs=inputs)
    written = ("foramina.csv", "assessment.json")
    with exports.fill_folder(out) as part:
        tables.write_csv(study, part / written[0])
        tables.write_json(study, part / written[1])
    show_measures(study, out, written)


@app.command("findings")
@_plainly
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
    rules = _choose_criteria(criteria, policy)
    graded = tables.grade_reads(reads, rules)
    if out.exists() and out.samefile(reads):
        msg = f"the results would replace the reads in {reads.name}, expected another file for --out"
        raise InputError(msg)
    tables.write_sheet(graded.sheet, out)
    show_reads(graded, rules, out)
    if graded.problems:
        _complain(count_problems(graded, reads))
        raise typer.Exit(1)


@app.command("inspect")
@_plainly
def inspect_path(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="An image, a label map, a folder or a ZIP archive of DICOM files.")
    ],
    orientation: Annotated[str | None, OrientationOption] = None,
    salt: Annotated[str | None, SaltOption] = None,
) -> None:
    """List series; of a label map, also its numbers and the schemes that would fit."""
    placement = None if orientation is None else loaders.Orientation(orientation)
    if loaders.holds_segments(path):
        show_segments(loaders.read_segments(path))
        return
    with show_progress("Files") as count:
        found_series = fg.list_series(path, orientation=placement, progress=count, salt=salt or loaders.PUBLIC_SALT)
    show_series(found_series)
    if files.find_format(path) is not files.Format.DICOM:
        found = count_numbers(fg.read_volume(path, orientation=placement).array)
        if found is not None:
            show_labels(found)


@app.command("phantom")
@_plainly
def write_phantoms(
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Folder for the cases.")],
    cases: Annotated[int, typer.Option(metavar="N", min=1, help="Number of cases.")] = 1,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed makes the same cases.")] = 1,
    protocol: Annotated[
        Protocol, typer.Option(metavar="clinical-2d|fine-2d|isotropic", help="Sampling of the series.")
    ] = Protocol.CLINICAL_2D,
    weighting: Annotated[Weighting, SequenceOption] = Weighting.T1,
) -> None:
    """Write synthetic spines of known measures and grades. Research and teaching only.

    Every case is a folder with image.nii.gz, labels.nii.gz and truth.csv.
    """
    sequence = Sequence(weighting)
    folders = [out / f"case-{number:03d}" for number in range(1, cases + 1)]
    with show_progress("Cases") as report:
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
    image, labels, graded = (str(folders[0] / name) for name in ("image.nii.gz", "labels.nii.gz", "graded"))
    options = ["--labels", labels, "--scheme", made.labels.scheme, "--sequence", sequence.value, "--out", graded]
    typer.echo(f"Grade the first: foramgrade grade {shlex.join([image, *options])}")
    typer.echo(NOTE)


@app.command("validate")
@_plainly
def validate_measurements(
    cases: Annotated[int, typer.Option(metavar="N", min=1, help="Random phantoms per protocol.")] = 36,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed makes the same table.")] = 1,
    protocols: Annotated[
        list[Protocol] | None,
        typer.Option("--protocol", metavar="clinical-2d|fine-2d|isotropic", help="Sampling; repeatable. Default: all."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes; by default as many as there are processors.")
    ] = None,
    geometry_only: Annotated[
        bool, typer.Option("--geometry-only", help="Leave out the images: no fat, no root, no grades.")
    ] = False,
    growth: Annotated[
        bool, typer.Option(help="Show how errors grow with slice spacing and with noise of the label borders.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Also write every foramen to this CSV file.")
    ] = None,
) -> None:
    """Measure random phantoms and print how far the answers are from their known truth."""
    chosen = [protocol for protocol in Protocol if protocols is None or protocol in protocols]
    if out is not None and not out.parent.is_dir():
        msg = f"cannot write {out.name}: its folder does not exist"
        raise InputError(msg)
    with show_progress("Phantoms") as report:
        found = validation.validate_phantoms(
            {protocol.value: getattr(phantom, protocol.name) for protocol in chosen},
            cases=cases,
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            geometry_only=geometry_only,
            growth=growth,
            progress=report,
        )
    show_validation(found)
    if out is not None:
        validation.write_checks(found.checks, out)
        typer.echo(f"Written to {out}: {len(found.checks)} rows, one per foramen.")
    typer.echo(NOTE)


def _check_source(
    labels: Path | None, points: Path | None, *, scheme: str | None, instances: Path | None, levels: str | None
) -> None:
    """Refuse a study without labels and points, or with options that belong to labels that are not there."""
    if labels is None and points is None:
        msg = "expected --labels or --points, found neither"
        raise InputError(msg)
    of_labels = {"--scheme": scheme, "--instances": instances, "--levels": levels}
    given = [name for name, value in of_labels.items() if value is not None]
    if labels is None and given:
        msg = f"{', '.join(given)} belong{'s' * (len(given) == 1)} to labels, found without --labels"
        raise InputError(msg)


def _choose_criteria(file: Path | None, policy: Policy | None, minimum_fat_mm: float | None = None) -> Criteria:
    """Take Lee 2010 or the criteria of a file, with what the command line changes."""
    criteria = LEE_2010 if file is None else read_criteria(file)
    if policy is not None:
        criteria = criteria.with_policy(policy)
    if minimum_fat_mm is None:
        return criteria
    # A border cannot be thin and lost: the limit of thin fat gives way.
    thin_fat_mm = max(criteria.thin_fat_mm, minimum_fat_mm)
    return replace(criteria, minimum_fat_mm=minimum_fat_mm, thin_fat_mm=thin_fat_mm)


def _identify(
    *, labels: Path, instances: Path | None, scheme: str | None, placed: dict[str, str]
) -> list[dict[str, str]]:
    """Say what the inputs are without their names, which can name people."""
    given = {"labels": labels} | ({} if instances is None else {"instances": instances})
    inputs = [{"role": role, **loaders.identify_files(path), **placed} for role, path in given.items()]
    if scheme is not None and scheme.lower().endswith(".json"):
        inputs.append({"role": "scheme", "sha256": loaders.file_identity(scheme)["sha256"], "format": "JSON"})
    return inputs


def _write_truth(rows: list[dict[str, Any]], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
