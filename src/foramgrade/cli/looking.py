"""The commands that look at what a user has: measure drawn foramina, inspect files."""

from pathlib import Path
from typing import Annotated

import typer

import foramgrade as fg
from foramgrade.cli.doors import anatomy, exports, files, loaders, tables
from foramgrade.cli.options import OrientationOption, SaltOption, check_case, identify
from foramgrade.cli.program import app, plainly
from foramgrade.cli.screen import show_labels, show_measures, show_progress, show_segments, show_series
from foramgrade.errors import InputError


@app.command("measure")
@plainly
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
        str, typer.Option(metavar="NAME", callback=check_case, help="Name in the results; never a patient's.")
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
        inputs += identify(labels=labels, instances=instances, scheme=scheme, placed=placed)
    study = fg.measure_foramina(outlines, mask, case=case, level_names=names, midline_mm=midline, inputs=inputs)
    written = ("foramina.csv", "assessment.json")
    with exports.fill_folder(out) as part:
        tables.write_csv(study, part / written[0])
        tables.write_json(study, part / written[1])
    show_measures(study, out, written)


@app.command("inspect")
@plainly
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
        found = loaders.count_numbers(fg.read_volume(path, orientation=placement).array)
        if found is not None:
            show_labels(found)
