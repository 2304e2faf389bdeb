"""The command that exports results for other programs."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foramgrade.cli.doors import exports
from foramgrade.cli.program import app, plainly
from foramgrade.cli.screen import NOTE
from foramgrade.errors import InputError

if TYPE_CHECKING:
    from foramgrade.exports import Graded
    from foramgrade.loaders import FoundSeries

#: Names of the DICOM objects.
SEGMENTATION, REPORT = "foramina_seg.dcm", "foramina_sr.dcm"


@app.command("export")
@plainly
def export_study(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Results of 'grade'.")],
    image: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The image that was graded; DICOM exports refer to its slices.")
    ] = None,
    dicom_seg: Annotated[bool, typer.Option("--dicom-seg", help="Foramina, roots and fat as DICOM SEG.")] = False,
    dicom_sr: Annotated[bool, typer.Option("--dicom-sr", help="Everything found as DICOM SR (TID 1500).")] = False,
    bids: Annotated[bool, typer.Option("--bids", help="BIDS derivatives.")] = False,
    slicer: Annotated[bool, typer.Option("--slicer", help="Segmentation and planes for 3D Slicer.")] = False,
    fhir: Annotated[bool, typer.Option("--fhir", help="FHIR Observations.")] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Leave patient and study out of DICOM exports; UIDs stay.")
    ] = False,
    series: Annotated[
        str | None, typer.Option(metavar="KEY|UID", help="Which volume, where several lie in one DICOM file.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="LABEL", help="BIDS label of the subject; by default from image or case.")
    ] = None,
    bids_root: Annotated[
        Path | None,
        typer.Option(metavar="PATH", file_okay=False, help="BIDS derivatives to join; by default bids/ in OUT."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="OUT", file_okay=False, help="Folder for the exports; by default DIR.")
    ] = None,
) -> None:
    """Export the results of one study for other programs. Research and teaching only.

    Writes dicom/foramina_seg.dcm, dicom/foramina_sr.dcm, bids/, slicer/ and fhir/foramina.json, as chosen. The image is
    known by its bytes: another one than was graded is refused.
    """
    if not (dicom_seg or dicom_sr or bids or slicer or fhir):
        msg = "nothing to export: expected one or more of --dicom-seg, --dicom-sr, --bids, --slicer, --fhir"
        raise InputError(msg)
    is_dicom = dicom_seg or dicom_sr
    check_options(dicom=is_dicom, bids=bids, image=image, anonymous=anonymous, bids_only=(subject, bids_root))
    graded = exports.read_graded(folder)
    found = None if image is None else graded.find_image(image, series=series)
    target, made = out or folder, datetime.now().replace(microsecond=0)
    written: list[str] = []
    if is_dicom:
        written += _write_dicom(graded, found, target, made, seg=dicom_seg, report=dicom_sr, anonymous=anonymous)
    if bids:
        source = None if found is None else exports.find_bids_source(found.path)
        root = bids_root or target / "bids"
        names = exports.write_bids(graded.study, graded.grid, root, source=source, subject=subject)
        written.append(f"{root}: BIDS derivatives, {len(names)} files")
    if slicer:
        names = exports.write_slicer(graded.study, graded.grid, target / "slicer")
        written.append(f"{target / 'slicer'}: {names[0]} and {len(names) - 1} planes (*.mrk.json)")
    if fhir:
        with exports.fill_folder(target / "fhir") as part:
            n = exports.write_fhir(graded.study, part / "foramina.json", made=made)
        written.append(f"{target / 'fhir' / 'foramina.json'}: {n} FHIR Observations")
    typer.echo("Written to " + "\nWritten to ".join(written))
    typer.echo(NOTE)


def check_options(
    *, dicom: bool, bids: bool, image: Path | None, anonymous: bool, bids_only: tuple[object, object]
) -> None:
    """Refuse options that belong to an export that was not chosen, and DICOM exports without an image."""
    if dicom and image is None:
        msg = "a DICOM export refers to the slices that were graded, expected the DICOM series as --image PATH"
        raise InputError(msg)
    if anonymous and not dicom:
        msg = "--anonymous belongs to --dicom-seg and --dicom-sr; the other exports never hold a patient"
        raise InputError(msg)
    given = [name for name, value in zip(("--subject", "--bids-root"), bids_only, strict=True) if value is not None]
    if given and not bids:
        msg = f"{', '.join(given)} belong{'s' * (len(given) == 1)} to --bids, found without it"
        raise InputError(msg)


def _write_dicom(
    graded: "Graded",
    found: "FoundSeries | None",
    target: Path,
    made: datetime,
    *,
    seg: bool,
    report: bool,
    anonymous: bool,
) -> list[str]:
    if found is None:  # told by check_options
        return []
    study = graded.study
    source = exports.read_source(found, anonymous=anonymous, case=study.case, tolerate=graded.tolerated)
    written = []
    with exports.fill_folder(target / "dicom") as part:
        if seg:
            labels = exports.write_dicom_seg(study, source, part / SEGMENTATION, made=made, anonymous=anonymous)
            written.append(f"{target / 'dicom' / SEGMENTATION}: DICOM SEG, {len(labels)} segments")
        if report:
            n = exports.write_dicom_sr(study, source, part / REPORT, made=made, anonymous=anonymous)
            regions = f"{len(study.foramina)} foramina, {n} with a region"
            written.append(f"{target / 'dicom' / REPORT}: DICOM SR, {regions}")
    return written
