"""One study from its files to its assessment: what ``grade`` does once and ``batch`` many times."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from foramgrade.anatomy.labels import LevelNames
from foramgrade.errors import InputError
from foramgrade.findings import ForamenPoint, Sequence
from foramgrade.geometry.opening import SEAL_LIMIT_MM
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.loaders import (
    FORAMINA_SCHEME,
    PUBLIC_SALT,
    Irregularity,
    Orientation,
    Plane,
    correct_bias,
    file_identity,
    find_series,
    identify_files,
    read_labels,
)
from foramgrade.loaders.dataset import read_points
from foramgrade.loaders.files import Format, find_format
from foramgrade.loaders.reading import FoundSeries
from foramgrade.pipeline import assess
from foramgrade.pointed import assess_points
from foramgrade.tables import StudyAssessment
from foramgrade.volume import Grid, LabelMap, Volume


class Stage(StrEnum):
    """Where a study is on its way, and where it failed."""

    PLAN = "plan"
    """Before anything is read: what the manifest or the data set says of it."""
    POINTS = "points"
    """Reading the table of points."""
    IMAGE = "image"
    """Finding and reading the image series."""
    LABELS = "labels"
    """Reading the label map."""
    ASSESS = "assess"
    """Measuring and grading."""
    WRITE = "write"
    """Writing the results."""
    PROCESS = "process"
    """The process that worked on it ended, for want of memory or by a crash."""


#: Called with a stage: the context in which the stage runs, with what is called to report its progress.
Watch = Callable[[Stage], AbstractContextManager[Callable[..., None]]]


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """Where the parts of one study are, and what is known of them; nothing has been read.

    Parameters
    ----------
    image : Path
        File or folder of the image. Paths are left out of the value's representation: they name people.
    labels, instances : Path or None
        Label map; for schemes in two maps the map of subregions and that of vertebrae.
    scheme : str or None
        Label scheme, or the JSON file that defines one; None where the label map names its labels.
    level_names : mapping of int or str to str, or None
        Names for vertebrae, where the map's numbers are not anatomical.
    points : Path or None
        Table of points: without labels where to read, with labels clicks in roots.
    roots : Path or None
        Roots that a user drew, in the foramina of the labels.
    places : tuple of ForamenPoint
        The points themselves, where a data set has them and there is no table.
    series : str or None
        Which of several DICOM series.
    sequence : Sequence or None
        Contrast that the user or the data set names.
    fat_suppressed : bool or None
        Whether fat is suppressed by what the data set says; the image's own header comes first.
    contrast_reason : str
        What the data set tells that from.
    """

    image: Path = field(repr=False)
    labels: Path | None = field(default=None, repr=False)
    instances: Path | None = field(default=None, repr=False)
    scheme: str | None = field(default=None, repr=False)
    level_names: LevelNames | None = None
    points: Path | None = field(default=None, repr=False)
    roots: Path | None = field(default=None, repr=False)
    places: tuple[ForamenPoint, ...] = ()
    series: str | None = None
    sequence: Sequence | None = None
    fat_suppressed: bool | None = None
    contrast_reason: str = ""

    @property
    def scheme_file(self) -> Path | None:
        """The file that defines the scheme, None for one that comes with the package or the labels."""
        return Path(self.scheme) if self.scheme is not None and self.scheme.lower().endswith(".json") else None

    def paths(self) -> dict[str, Path]:
        """Every file or folder of the study by its role, in the order in which results name them."""
        given = {
            "image": self.image,
            "points": self.points,
            "labels": self.labels,
            "instances": self.instances,
            "roots": self.roots,
        }
        return {role: path for role, path in (given | {"scheme": self.scheme_file}).items() if path is not None}


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user chooses for all studies of a run.

    Parameters
    ----------
    criteria : Criteria
        Rules, policy and thresholds.
    criteria_sha256 : str or None
        Checksum of the file that the criteria come from.
    seal_limit_mm : float
        Widest gap in the labelled ring that is sealed, mm.
    fat_is_bright : bool
        The user's word that fat is bright where it seems darker than muscle.
    orientation : Orientation or None
        Placement to believe where the two of a NIfTI file disagree.
    tolerate : tuple of Irregularity
        Faults in the slices of a series to accept.
    n4 : bool
        Whether images are corrected for the coil's fall-off before they are read.
    salt : str
        Secret of the pseudonyms; left out of the value's representation.
    """

    criteria: Criteria = LEE_2010
    criteria_sha256: str | None = None
    seal_limit_mm: float = SEAL_LIMIT_MM
    fat_is_bright: bool = False
    orientation: Orientation | None = None
    tolerate: tuple[Irregularity, ...] = ()
    n4: bool = False
    salt: str = field(default=PUBLIC_SALT, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ReadStudy:
    """A study in memory, ready to be assessed.

    Parameters
    ----------
    case : str
        Name in the results.
    volume : Volume
        The image.
    labels : LabelMap or None
        The label map.
    level_names : mapping of int or str to str, or None
        Names for its vertebrae.
    places : tuple of ForamenPoint
        Points in foramina.
    roots : LabelMap or None
        Roots that a user drew.
    inputs : tuple of mappings
        What the files are, without their names.
    """

    case: str
    volume: Volume
    labels: LabelMap | None
    level_names: LevelNames | None
    places: tuple[ForamenPoint, ...]
    roots: LabelMap | None
    inputs: tuple[dict[str, str], ...]

    @property
    def grid(self) -> Grid:
        """Grid on which derived foramina are painted: that of the labels, else of the image."""
        return self.volume.grid if self.labels is None else self.labels.grid


@contextmanager
def unwatched(_: Stage) -> Iterator[Callable[..., None]]:
    """Run a stage without telling anybody."""
    yield lambda *_: None


def read_study(files: StudyFiles, choices: Choices, *, case: str | None = None, watch: Watch = unwatched) -> ReadStudy:
    """Read the files of one study.

    Parameters
    ----------
    files : StudyFiles
        Where they are; labels or points are among them.
    choices : Choices
        What holds for all studies.
    case : str or None
        Name in the results; None for a pseudonym.
    watch : callable
        Told of every stage.

    Returns
    -------
    ReadStudy
        Everything that is needed to assess it.

    Raises
    ------
    InputError
        If a file cannot be used, with what was found and what was expected.
    """
    with watch(Stage.POINTS):
        if files.labels is None and files.points is None and not files.places:
            msg = "the study has neither labels nor points, expected one of them"
            raise InputError(msg)
        places = files.places if files.points is None else read_points(files.points)
    with watch(Stage.IMAGE) as count:
        found = _find_image(files, choices, count)
        volume = _with_contrast(found.read(tolerate=choices.tolerate), files)
        if choices.n4:
            volume = correct_bias(volume)
    labels = roots = None
    with watch(Stage.LABELS):
        if files.labels is not None:
            labels = read_labels(
                files.labels, scheme=files.scheme, instances=files.instances, orientation=choices.orientation
            )
        if files.roots is not None:
            roots = read_labels(files.roots, scheme=FORAMINA_SCHEME, orientation=choices.orientation)
    with watch(Stage.IMAGE):
        name = case or found.name_case(salt=choices.salt)
        inputs = tuple(_identify(files, choices, found))
    return ReadStudy(name, volume, labels, files.level_names, tuple(places), roots, inputs)


def assess_study(study: ReadStudy, choices: Choices, *, watch: Watch = unwatched) -> StudyAssessment:
    """Measure and grade the foramina of a study by its labels or, where there are none, around its points.

    Parameters
    ----------
    study : ReadStudy
        As read.
    choices : Choices
        What holds for all studies.
    watch : callable
        Told of the stage.

    Returns
    -------
    StudyAssessment
        As :func:`foramgrade.assess` or :func:`foramgrade.assess_points` gives it.

    Raises
    ------
    ForamgradeError
        As these functions do.
    """
    with watch(Stage.ASSESS) as report:
        if study.labels is None:
            return assess_points(
                study.volume,
                study.places,
                criteria=choices.criteria,
                case=study.case,
                inputs=study.inputs,
                progress=report,
            )
        return assess(
            study.volume,
            study.labels,
            criteria=choices.criteria,
            case=study.case,
            level_names=study.level_names,
            seal_limit_mm=choices.seal_limit_mm,
            fat_is_bright=choices.fat_is_bright,
            clicks=study.places,
            roots=study.roots,
            inputs=study.inputs,
            progress=report,
        )


def _find_image(files: StudyFiles, choices: Choices, count: Callable[..., None]) -> FoundSeries:
    # Where there are several series, foramina are read on sagittal ones.
    several = files.series is None and find_format(files.image) is Format.DICOM
    return find_series(
        files.image,
        series=files.series,
        sequence=files.sequence,
        plane=Plane.SAGITTAL if several else None,
        orientation=choices.orientation,
        progress=count,
    )


def _with_contrast(volume: Volume, files: StudyFiles) -> Volume:
    """What a data set knows of the contrast, where the image's own header is silent."""
    if volume.fat_suppressed is not None or files.fat_suppressed is None:
        return volume
    return replace(volume, fat_suppressed=files.fat_suppressed, contrast_reason=files.contrast_reason)


def _identify(files: StudyFiles, choices: Choices, found: FoundSeries) -> Iterator[dict[str, str]]:
    """Say what the inputs are without their names, which can name people."""
    placed = {} if choices.orientation is None else {"orientation": choices.orientation.value}
    tolerated = {"tolerated": ", ".join(sorted(set(choices.tolerate)))} if choices.tolerate else {}
    corrected = {"corrected": "N4"} if choices.n4 else {}
    yield {"role": "image", **found.identify(), **placed, **tolerated, **corrected}
    if files.points is not None:
        yield {"role": "points", "sha256": file_identity(files.points)["sha256"], "format": "CSV"}
    elif files.places:
        told = "\n".join(f"{p.level.name} {p.side.value} {p.position_mm}" for p in files.places)
        yield {"role": "points", "sha256": hashlib.sha256(told.encode()).hexdigest(), "format": "data set"}
    for role, path in {"labels": files.labels, "instances": files.instances, "roots": files.roots}.items():
        if path is not None:
            yield {"role": role, **identify_files(path), **placed}
    if files.labels is not None and files.scheme_file is not None:
        yield {"role": "scheme", "sha256": file_identity(files.scheme_file)["sha256"], "format": "JSON"}
    if choices.criteria_sha256 is not None:
        yield {"role": "criteria", "sha256": choices.criteria_sha256, "format": "TOML"}
