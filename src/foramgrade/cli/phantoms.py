"""The commands of the phantom: write cases of known truth, and validate against them."""

import csv
import io
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from foramgrade.cli.doors import exports, np, phantom, validation
from foramgrade.cli.options import SequenceOption, Weighting
from foramgrade.cli.program import app, plainly
from foramgrade.cli.screen import NOTE, show_progress
from foramgrade.cli.validated import show_validation
from foramgrade.errors import InputError
from foramgrade.findings import Sequence

#: Folder of a case for its DICOM series.
SERIES = "dicom"


#: What a validation writes, the report or, True, the table alone.
_WRITTEN = {False: "a folder for the report", True: "a file for the table"}


class Protocol(StrEnum):
    """Sampling of a phantom; a member is called like the protocol in the phantom room."""

    CLINICAL_2D = "clinical-2d"
    """Slices of 4 mm every 4.4 mm, pixels of 0.6 mm."""
    FINE_2D = "fine-2d"
    """Slices of 3 mm every 3.3 mm, pixels of 0.45 mm."""
    ISOTROPIC = "isotropic"
    """Voxels of 0.9 mm."""


@app.command("phantom")
@plainly
def write_phantoms(
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, help="Folder for the cases.")],
    cases: Annotated[int, typer.Option(metavar="N", min=1, help="Number of cases.")] = 1,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="The same seed makes the same cases.")] = 1,
    protocol: Annotated[
        Protocol, typer.Option(metavar="clinical-2d|fine-2d|isotropic", help="Sampling of the series.")
    ] = Protocol.CLINICAL_2D,
    weighting: Annotated[Weighting, SequenceOption] = Weighting.T1,
    dicom: Annotated[bool, typer.Option("--dicom", help="Also write the image as a DICOM series.")] = False,
) -> None:
    """Write synthetic spines of known measures and grades. Research and teaching only.

    Every case is a folder with image.nii.gz, labels.nii.gz and truth.csv; with --dicom also dicom/IM0001.dcm and so on.
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
                if dicom:
                    (part / SERIES).mkdir()
                    thickness = made.spec.protocol.thickness_mm
                    name = f"seed-{seed}-{folder.name}"
                    exports.write_dicom_series(made.image, part / SERIES, case=name, thickness_mm=thickness)
            report(number, cases)
    names = ["image.nii.gz", *([f"a DICOM series in {SERIES}/"] if dicom else []), "labels.nii.gz"]
    typer.echo(f"Written to {out}: {cases} case{'s' * (cases > 1)} with {', '.join(names)} and truth.csv.")
    image, labels, graded = (
        str(folders[0] / name) for name in (SERIES if dicom else "image.nii.gz", "labels.nii.gz", "graded")
    )
    options = ["--labels", labels, "--scheme", made.labels.scheme, "--sequence", sequence.value, "--out", graded]
    typer.echo(f"Grade the first: foramgrade grade {shlex.join([image, *options])}")
    if dicom:
        wanted = ["--image", image, "--dicom-seg", "--dicom-sr"]
        typer.echo(f"Then export it: foramgrade export {shlex.join([graded, *wanted])}")
    typer.echo(NOTE)


@app.command("validate")
@plainly
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
    fat: Annotated[
        bool, typer.Option("--fat/--no-fat", help="Study perineural fat, on N / 3 spines of each of seven protocols.")
    ] = True,
    repeats: Annotated[
        bool, typer.Option("--repeats/--no-repeats", help="Scan and segment N / 6 spines three times.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write a report (HTML, Markdown, figures) and a table of all foramina to this folder; a name in "
            ".csv takes the table alone.",
        ),
    ] = None,
) -> None:
    """Measure random phantoms and print how far the answers are from their known truth."""
    chosen = [protocol for protocol in Protocol if protocols is None or protocol in protocols]
    if out is not None and not out.parent.is_dir():
        msg = f"cannot write {out.name}: its folder does not exist"
        raise InputError(msg)
    rows_alone = out is not None and out.suffix.lower() == ".csv"
    if out is not None and out.exists() and out.is_dir() == rows_alone:
        msg = f"cannot write {out.name}: it is a {'folder' if rows_alone else 'file'}, expected {_WRITTEN[rows_alone]}"
        raise InputError(msg)
    with show_progress("Phantoms") as report:
        found = validation.validate_phantoms(
            {protocol.value: getattr(phantom, protocol.name) for protocol in chosen},
            cases=cases,
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            geometry_only=geometry_only,
            growth=growth,
            fat=fat,
            repeats=repeats,
            progress=report,
        )
    show_validation(found)
    if out is not None and rows_alone:
        validation.write_checks(found.checks, out)
        typer.echo(f"Written to {out}: {len(found.checks)} rows, one per foramen.")
    elif out is not None:
        names = ", ".join(exports.write_validation(found, out))
        typer.echo(f"Written to {out}: {names}.")
    typer.echo(NOTE)


def _write_truth(rows: list[dict[str, Any]], path: Path) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
