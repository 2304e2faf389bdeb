"""The folder that ``foramgrade grade`` wrote, read back for what is made of it later."""

from dataclasses import dataclass
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.loaders import FoundSeries, Irregularity, find_series_by_sha256
from foramgrade.loaders.reading import find_door
from foramgrade.tables import StudyAssessment, read_json
from foramgrade.volume import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Graded:
    """What a folder of results holds.

    Parameters
    ----------
    study : StudyAssessment
        The assessment, without pictures.
    grid : Grid
        Grid of the label map, on which derived foramina are painted.
    """

    study: StudyAssessment
    grid: Grid

    @property
    def tolerated(self) -> tuple[Irregularity, ...]:
        """Faults in the slices that were accepted when the image was graded.

        Raises
        ------
        InputError
            If the results name a fault that is none.
        """
        words = [word.strip() for word in self._image().get("tolerated", "").split(",") if word.strip()]
        unknown = [word for word in words if word not in tuple(Irregularity)]
        if unknown:
            msg = f"assessment.json tolerates {unknown[0]!r:.60}, expected one of {', '.join(Irregularity)}"
            raise InputError(msg)
        return tuple(Irregularity(word) for word in words)

    def find_image(self, path: Path, *, series: str | None = None) -> FoundSeries:
        """Find the image that was graded, by what its files hold.

        Parameters
        ----------
        path : Path
            A file, a DICOM folder or archive; folders may hold other series beside.
        series : str or None
            DICOM: key or UID, where several volumes lie in one file.

        Returns
        -------
        FoundSeries
            The image.

        Raises
        ------
        SeriesError
            If it is not there.
        InputError
            If nothing can be read, or the results do not say which image was graded.
        """
        sha256 = self._image().get("sha256")
        if not sha256:
            msg = "assessment.json does not say which image was graded: expected its SHA-256 among the inputs"
            raise InputError(msg)
        return find_series_by_sha256(path, sha256, series=series)

    def _image(self) -> dict[str, str]:
        return next((dict(entry) for entry in self.study.inputs if entry.get("role") == "image"), {})


def read_graded(folder: Path) -> Graded:
    """Read a folder of results.

    Parameters
    ----------
    folder : Path
        Folder with ``assessment.json`` and ``foramina.nii.gz``.

    Returns
    -------
    Graded
        Study and grid.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of a version that kept no outlines.
    """
    for name in ("assessment.json", "foramina.nii.gz"):
        if not (folder / name).is_file():
            msg = f"{folder.resolve().name} has no {name}, expected a folder that foramgrade grade wrote"
            raise InputError(msg)
    study = read_json(folder / "assessment.json")
    if any(f.n_sections and f.evidence is None for f in study.foramina):
        msg = (
            f"assessment.json was written by foramgrade {study.version} without the outlines of the foramina, from "
            "which exports are made: grade the study again"
        )
        raise InputError(msg)
    path = folder / "foramina.nii.gz"
    grid, _ = find_door(path).header(path)
    return Graded(study, grid)
