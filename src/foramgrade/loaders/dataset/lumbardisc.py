"""The layout of RSNA LumbarDISC: folders of DICOM series, tables of descriptions, grades and marks.

Foramina are graded there on sagittal T1, so a case is a sagittal T1 series. What real data of this layout hold and this
module therefore expects: several series of one description in a study; studies without a sagittal T1; marks on a series
of another description; marks of the two sides exchanged; missing grades and marks; gaps in the instance numbers.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from foramgrade.errors import InputError
from foramgrade.findings import ForamenPoint, Level, Sequence, Side
from foramgrade.loaders.dataset.cases import StudyCase
from foramgrade.loaders.dataset.lumbardisc_tables import DESCRIPTIONS, DISC_LEVELS, Mark, Tables, read_tables
from foramgrade.loaders.dataset.points import find_doubts
from foramgrade.loaders.dicom.frames import Frame
from foramgrade.loaders.dicom.headers import read_frames
from foramgrade.loaders.pseudonym import PUBLIC_SALT, CaseNames, name_case
from foramgrade.loaders.sources import Source

#: Description of the series on which foramina are graded, in lower case.
GRADED_DESCRIPTION = "sagittal t1"


class Part(StrEnum):
    """Part of the data set; the value begins the names of its folder and tables."""

    TRAIN = "train"
    """With grades and marks."""
    TEST = "test"
    """Images and descriptions only."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """What cases, and series in messages, are called: nothing of a hashed name may show in a message."""

    names: CaseNames
    salt: str

    def of(self, *folders: str) -> str:
        return name_case(*folders, names=self.names, salt=self.salt)

    def series(self, study: str, series: str) -> str:
        return series if self.names is CaseNames.FOLDER else self.of(study, series)


def read_lumbardisc(
    root: str | Path, *, part: Part = Part.TRAIN, names: CaseNames = CaseNames.HASHED, salt: str = PUBLIC_SALT
) -> Iterator[StudyCase]:
    """Iterate over the cases of a data set in the layout of RSNA LumbarDISC.

    Parameters
    ----------
    root : str or Path
        Folder with ``train_images/STUDY/SERIES/NUMBER.dcm``, ``train_series_descriptions.csv`` and, where known,
        ``train.csv`` (grades) and ``train_label_coordinates.csv`` (marks); or the same with ``test_``.
    part : Part
        Which of the two.
    names : CaseNames
        Whether a case is called by a hash of the names of its folders (STUDY, SERIES), or by these names: say so where
        they are pseudonyms, as in the published data.
    salt : str
        Salt of the hash, see :func:`foramgrade.loaders.pseudonym.case_id`.

    Returns
    -------
    iterator of StudyCase
        In the order of the table of descriptions, then studies that only the other tables or the folders know. One case
        per study: the sagittal T1 series, or the one of several that holds most marks. Where several hold none, each is
        a case and the study's grades stand with each. A study without sagittal T1 is a case without an image.

    Raises
    ------
    InputError
        If the folder of images or the table of descriptions is missing, or a row of a table cannot be understood.

    Notes
    -----
    *Definition*: a mark becomes a point through the header of its own file: pixel x, y on ``NUMBER.dcm``, where x = 0,
    y = 0 is taken for the centre of the first pixel.
    *Limits*: the data set does not document whether x = 0 is the centre or the edge of the first pixel; points are
    uncertain by half a pixel (0.1 to 0.4 mm in plane), and by half the distance of slices across. The contrast is what
    the table of descriptions says; :func:`foramgrade.loaders.read_volume` judges it by the header. The tables are held
    in memory, cases are not.

    References
    ----------
    Richards et al. 2025, The RSNA Lumbar Degenerative Imaging Spine Classification (LumbarDISC) dataset,
    arXiv 2506.09162.
    """
    root = Path(root)
    images = root / f"{part}_images"
    if not images.is_dir():
        msg = f"the folder {root.name} holds no {images.name}, expected the layout of RSNA LumbarDISC"
        raise InputError(msg)
    return _cases(images, read_tables(root, part), _Naming(names, salt))


def _cases(images: Path, tables: Tables, naming: _Naming) -> Iterator[StudyCase]:
    folders = sorted((entry.name for entry in images.iterdir() if entry.is_dir()), key=_by_number)
    for study in dict.fromkeys([*tables.descriptions, *tables.reads, *tables.marks, *folders]):
        yield from _study_cases(images / study, tables, naming)


def _study_cases(folder: Path, tables: Tables, naming: _Naming) -> Iterator[StudyCase]:
    study = folder.name
    described = tables.descriptions.get(study, {})
    marks = tables.marks.get(study, ())
    reads = tables.reads.get(study, ())
    present, closed = _list_series(folder)
    chosen, problems = _choose(study, described, marks, naming)
    problems = [*tables.problems, *closed, *problems]
    undescribed = sorted(present - described.keys(), key=_by_number)
    if undescribed:
        which = ", ".join(naming.series(study, series) for series in undescribed)
        problems.append(f"the table of descriptions lacks the series {which}")
    if tables.has_reads:
        lacking = _lacking({(read.level, read.side) for read in reads})
        problems.extend([f"no grade for {lacking}"] if lacking else [])
    if not chosen:
        yield StudyCase(naming.of(study), naming.of(study), None, reads=reads, problems=tuple(problems))
    for series in chosen:
        own = [mark for mark in marks if mark.series == series]
        if series in present:
            points, doubts = _place(folder / series, own)
        else:
            points, doubts = (), ["the series has no folder of images"]
        if tables.has_marks:
            lacking = _lacking({(point.level, point.side) for point in points})
            doubts.extend([f"no point for {lacking}"] if lacking else [])
        yield StudyCase(
            case=naming.of(study, series),
            patient=naming.of(study),
            image=folder / series if series in present else None,
            sequence=Sequence.T1,
            contrast_reason="described as Sagittal T1",
            points=points,
            reads=reads,
            problems=(*problems, *doubts, *find_doubts(points)),
        )


def _list_series(folder: Path) -> tuple[set[str], list[str]]:
    try:
        return {entry.name for entry in folder.iterdir() if entry.is_dir()}, []
    except FileNotFoundError:
        return set(), ["the study has no folder of images"]
    except OSError as error:
        return set(), [f"the study's folder of images cannot be opened: {error.strerror}"]


def _choose(
    study: str, described: Mapping[str, str], marks: tuple[Mark, ...], naming: _Naming
) -> tuple[list[str], list[str]]:
    """Series that are cases, and what there is to say of the choice."""
    graded = [series for series, words in described.items() if words.lower() == GRADED_DESCRIPTION]
    counts = Counter(mark.series for mark in marks)
    chosen, problems = graded, []
    if not graded:
        found = ", ".join(sorted({_shown(words) for words in described.values()})) or "no series at all"
        problems.append(f"no series is described as Sagittal T1, found {found}")
    elif len(graded) > 1:
        listed = ", ".join(f"{naming.series(study, series)} ({counts[series]} marks)" for series in graded)
        several = f"{len(graded)} series are described as Sagittal T1: {listed}"
        if any(counts[series] for series in graded):
            chosen = [max(graded, key=lambda series: counts[series])]
            problems.append(f"{several}; the one with most marks is used")
        else:
            problems.append(f"{several}; each is a case, and the grades of the study stand with each")
    for series, count in counts.items():
        if series not in chosen:
            words = _shown(described[series]) if series in described else "not described"
            where = f"{naming.series(study, series)} ({words})"
            problems.append(f"the marks of foramina on the series {where} are left out: {count}")
    return chosen, problems


def _place(folder: Path, marks: list[Mark]) -> tuple[tuple[ForamenPoint, ...], list[str]]:
    """Points of the marks on one series, and what there is to say of them; each file's header is read once."""
    frames: dict[int, Frame | None] = {}
    placed: dict[tuple[Level, Side], ForamenPoint] = {}
    problems: list[str] = []
    for mark in marks:
        name = f"{mark.level} {mark.side}"
        if (mark.level, mark.side) in placed:
            problems.append(f"{name} is marked again in line {mark.line}: the first mark is used")
            continue
        if mark.instance not in frames:
            frames[mark.instance] = _frame(folder, mark.instance, problems)
        frame = frames[mark.instance]
        if frame is None:
            continue
        columns, rows = frame.header.columns, frame.header.rows
        if not (-0.5 <= mark.x <= columns - 0.5 and -0.5 <= mark.y <= rows - 0.5):
            where = f"x {mark.x:g}, y {mark.y:g}"
            problems.append(f"{name} is marked at {where}, outside the {columns} x {rows} pixels of {frame.file}")
            continue
        x_mm, y_mm, z_mm = (float(value) for value in frame.to_world(mark.x, mark.y))
        placed[mark.level, mark.side] = ForamenPoint(mark.level, mark.side, (x_mm, y_mm, z_mm))
    return tuple(sorted(placed.values(), key=lambda point: (point.level, point.side is Side.LEFT))), problems


def _frame(folder: Path, instance: int, problems: list[str]) -> Frame | None:
    """Header of one file if it can place a mark; what is wrong with it is added to the problems."""
    name = f"{instance}.dcm"
    if not (folder / name).is_file():
        problems.append(f"marks are on {name}, and there is no such file")
        return None
    try:
        frames = read_frames(Source(folder, name))
    except InputError as error:
        problems.append(str(error))
        return None
    if len(frames) != 1:
        problems.append(f"{name} holds {len(frames)} pictures, expected the one that was marked")
        return None
    (frame,) = frames
    if frame.instance_number not in (None, instance):
        problems.append(f"{name} calls itself instance {frame.instance_number}: the file's name is believed")
    if None in (frame.position_mm, frame.row, frame.column, frame.spacing_mm):
        problems.append(f"{name} does not say where in the patient it is: its marks are left out")
        return None
    return frame


def _lacking(known: set[tuple[Level, Side]]) -> str:
    missing = [f"{level} {side}" for level in DISC_LEVELS for side in Side if (level, side) not in known]
    return "any foramen" if len(missing) == len(DISC_LEVELS) * len(Side) else ", ".join(missing)


def _shown(description: str) -> str:
    return description if description in DESCRIPTIONS else "another description"


def _by_number(name: str) -> tuple[int, str]:
    return len(name), name
