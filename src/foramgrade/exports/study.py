"""All results of one study in a folder, as ``foramgrade grade`` leaves them."""

import re
from collections.abc import Callable
from pathlib import Path

from foramgrade import plotting
from foramgrade.exports.film import FILM, sample_beside, write_film
from foramgrade.exports.folder import fill_folder
from foramgrade.exports.foramina import write_foramina
from foramgrade.tables import StudyAssessment, write_csv, write_json
from foramgrade.volume import Grid, Volume

#: Subfolder of the pages of the foramina.
PANELS = "panels"

#: Names that this package gives to the page of a foramen.
_PANEL_NAME = re.compile(r"[A-Z]\d+-[A-Z]\d+_(right|left)\.(png|svg|pdf)")


def write_study(
    study: StudyAssessment,
    grid: Grid,
    folder: Path,
    *,
    image: Volume | None = None,
    sheet: bool = True,
    panels: bool = True,
    panel_format: str = "png",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[str, ...]:
    """Write table, document, pictures and label map of a study.

    Parameters
    ----------
    study : StudyAssessment
        At least one foramen.
    grid : Grid
        Grid of the label map, on which the derived foramina are painted.
    folder : Path
        Made where it does not exist.
    image : Volume or None
        The series, of which small pictures are kept for the review page (``film.json``); None keeps none.
    sheet : bool
        Also write the study on one page.
    panels : bool
        Also write a page for every foramen that has a section.
    panel_format : str
        "png", "svg" or "pdf".
    progress : callable or None
        Called with the number of pictures done and of all pictures.

    Returns
    -------
    tuple of str
        What was written, relative to `folder`, with "/": ``foramina.csv``, ``assessment.json``, ``sheet.png``,
        ``foramina.nii.gz``, ``foramina.json``, ``film.json`` and the pages, e.g. ``panels/L4-L5_left.png``.

    Raises
    ------
    InputError
        If the folder cannot be written to.

    Notes
    -----
    Equal studies give equal files. Results of an earlier run are replaced when all new ones are written; pages of an
    earlier run that this one does not write are removed, since they would show other results. Nothing else in the
    folder is touched.
    """
    pages = [f for f in study.foramina if f.evidence is not None] if panels else []
    with fill_folder(folder) as part:
        write_csv(study, part / "foramina.csv")
        write_json(study, part / "assessment.json")
        write_foramina(study, grid, part)
        if image is not None:
            write_film(study, image, part / FILM)
        if sheet:
            plotting.write_sheet(study, part / "sheet.png")
        for done, foramen in enumerate(pages, start=1):
            (part / PANELS).mkdir(exist_ok=True)
            shown = foramen if image is None else sample_beside(foramen, image)
            plotting.write_panel(shown, part / PANELS / f"{foramen.name}.{panel_format}", case=study.case)
            if progress is not None:
                progress(done, len(pages))
        if image is None:
            (folder / FILM).unlink(missing_ok=True)  # an earlier run's would show other results
        _remove_pages(folder, keep={f"{foramen.name}.{panel_format}" for foramen in pages})
    sheets = ("sheet.png",) if sheet else ()
    film = () if image is None else (FILM,)
    names = ("foramina.csv", "assessment.json", *sheets, "foramina.nii.gz", "foramina.json", *film)
    return (*names, *(f"{PANELS}/{foramen.name}.{panel_format}" for foramen in pages))


def _remove_pages(folder: Path, *, keep: set[str]) -> None:
    """Remove the pages of an earlier run that are not replaced."""
    pages = folder / PANELS
    if not pages.is_dir():
        return
    for page in pages.iterdir():
        if page.name not in keep and _PANEL_NAME.fullmatch(page.name):
            page.unlink()
    if not keep and not any(pages.iterdir()):
        pages.rmdir()
