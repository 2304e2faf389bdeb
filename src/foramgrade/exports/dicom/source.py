"""The DICOM series that was graded, as what its exports refer to: slices, their places, and whose they are."""

import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from foramgrade.errors import InputError
from foramgrade.loaders import FoundSeries, Irregularity
from foramgrade.loaders.dicom.elements import DAMAGE
from foramgrade.loaders.dicom.frames import Frame
from foramgrade.loaders.dicom.placing import place_stack
from foramgrade.loaders.dicom.stacks import normal_of, positions_mm
from foramgrade.volume import Grid

#: What says whose study it is: left out of anonymous exports.
IDENTITY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize", "PatientWeight"),
    *("StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName"),
)

#: What an object in the same study cannot do without.
_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPClassUID", "SOPInstanceUID")

#: Elements that must be there, if only empty.
_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_LONGEST_UID = 64


def _cut(most: int) -> Callable[[str], str]:
    """Cut to a length in bytes: the standard counts characters, but readers count bytes."""
    return lambda text: text.encode()[:most].decode(errors="ignore").strip()


def _matching(pattern: str) -> Callable[[str], str]:
    return lambda text: text if re.fullmatch(pattern, text) else ""


#: What DICOM has room for, by value representation; a value that is none of its kind is left out.
_FITTING: Mapping[str, Callable[[str], str]] = {
    "LO": _cut(64),
    "SH": _cut(16),
    "PN": lambda text: "=".join(group[:64].strip() for group in text.split("=")[:3]),
    "DA": _matching(r"\d{8}"),
    "TM": _matching(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
    "AS": _matching(r"\d{3}[DWMY]"),
    "CS": _matching(r"[MFO]"),
    "DS": _matching(r"\+?\d{1,6}(\.\d{1,8})?"),
}


@dataclass(frozen=True, slots=True, eq=False)
class DicomSource:
    """A series and what of its headers goes into objects that refer to it.

    Parameters
    ----------
    grid : Grid
        Grid of the volume: i runs along rows, j along columns, k across the slices.
    frames : tuple of (Frame or None)
        Place of every slice; None where one is missing.
    headers : tuple of (Dataset or None)
        Of every slice: the few elements that exports need, clean, without private ones. Slices of a multi-frame image
        share one.
    """

    grid: Grid
    frames: tuple[Frame | None, ...]
    headers: tuple[Dataset | None, ...]

    @property
    def images(self) -> tuple[Dataset, ...]:
        """Every image once, in the order of the slices."""
        return tuple({str(ds.SOPInstanceUID): ds for ds in self.headers if ds is not None}.values())

    @property
    def is_multiframe(self) -> bool:
        """Whether the slices are frames of one image."""
        return "NumberOfFrames" in self.images[0]


def read_source(
    found: FoundSeries, *, anonymous: bool = False, case: str = "", tolerate: Collection[Irregularity] = ()
) -> DicomSource:
    """Read what exports need of the headers of a series.

    Parameters
    ----------
    found : FoundSeries
        The series.
    anonymous : bool
        Leave out whose study it is; the patient is then called `case`.
    case : str
        Pseudonym.
    tolerate : collection of Irregularity
        Faults in the slices that were accepted when the series was graded.

    Returns
    -------
    DicomSource
        Places and clean headers.

    Raises
    ------
    InputError
        If it is no DICOM series, or its headers lack what an object that refers to it needs; names what is missing.
    SeriesError
        If its slices are not regular.

    Notes
    -----
    The UIDs of study, series and slices stay in anonymous exports too, since the references are what the objects are
    for. Who needs other UIDs exports from a series that was de-identified before.
    """
    if found.stack is None:
        msg = (
            f"{found.path.name} is no DICOM series: a DICOM export refers to the slices of one and needs its "
            f"{', '.join(_NEEDED)}; grade the DICOM series itself to get one"
        )
        raise InputError(msg)
    placement = place_stack(found.stack, name="the series", tolerate=tolerate)
    frames = [frame for frame in placement.frames if frame is not None]
    known = {frame.source: _clean(frame, anonymous=anonymous, case=case) for frame in _first_of_each(frames)}
    if len(known) > 1 and max(frame.n_frames for frame in frames) > 1:
        msg = f"the series is spread over {len(known)} multi-frame images, expected one, or an image per slice"
        raise InputError(msg)
    if frames[0].n_frames > 1:
        _place_frames(known[frames[0].source], frames, placement.grid)
    else:
        for frame in frames:
            _place_slice(known[frame.source], frame, frames[0], placement.grid)
    headers = tuple(None if frame is None else known[frame.source] for frame in placement.frames)
    return DicomSource(placement.grid, placement.frames, headers)


def _first_of_each(frames: Sequence[Frame]) -> list[Frame]:
    """First frame of every file."""
    return list({frame.source: frame for frame in reversed(frames)}.values())[::-1]


def _clean(frame: Frame, *, anonymous: bool, case: str) -> Dataset:
    """Header of one image with what exports need except its place, each value such as DICOM allows it."""
    stored = _read(frame)
    clean = Dataset()
    clean.SpecificCharacterSet = "ISO_IR 192"
    missing = []
    for keyword in _NEEDED:
        value = _value(stored, keyword)
        if not _UID.fullmatch(value) or len(value) > _LONGEST_UID:
            missing.append(f"no {keyword}" if not value else f"an invalid {keyword}")
        else:
            setattr(clean, keyword, value)
    if missing:
        msg = f"{frame.source.file} has {', '.join(missing)}: a DICOM export cannot refer to it"
        raise InputError(msg)
    for keyword in IDENTITY:
        text = "" if anonymous else _fitting(stored, keyword)
        if text or keyword in _MAY_BE_EMPTY:
            setattr(clean, keyword, text or None)
    if anonymous:
        clean.PatientID = _cut(64)(case)
        clean.PatientIdentityRemoved = "YES"
        clean.DeidentificationMethod = "Patient and study attributes left out; UIDs kept"
    clean.Modality = "MR"
    clean.Rows, clean.Columns = frame.header.rows, frame.header.columns
    clean.PositionReferenceIndicator = None
    lossy = _value(stored, "LossyImageCompression")
    clean.LossyImageCompression = lossy if lossy in ("00", "01") else "00"
    return clean


def _place_slice(clean: Dataset, frame: Frame, first: Frame, grid: Grid) -> None:
    """Write the place of a slice; all have the orientation of the first, as in the grid of the volume."""
    clean.ImagePositionPatient = _decimals(frame.position_mm)
    clean.ImageOrientationPatient = _decimals((*(first.row or ()), *(first.column or ())))
    clean.PixelSpacing = _decimals(first.spacing_mm)
    clean.SliceThickness = _decimal(first.depth_mm or grid.spacing_mm[2])
    clean.SpacingBetweenSlices = _decimal(grid.spacing_mm[2])


def _place_frames(clean: Dataset, frames: Sequence[Frame], grid: Grid) -> None:
    """Write the places of the frames of an enhanced image.

    Frames of other volumes, such as another echo, are empty in what is derived and so left out. They get places beyond
    the stack, since highdicom takes no two frames at one place.
    """
    place = Dataset()
    _place_slice(place, frames[0], frames[0], grid)
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    for keyword in ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"):
        measures[keyword] = place[keyword]
    orientation.ImageOrientationPatient = place.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    start, end = positions_mm([frames[0], frames[-1]])
    positions = [end + (index + 1) * (end - start + normal_of(frames[0])) for index in range(frames[0].n_frames)]
    for frame in frames:
        positions[frame.index] = np.array(frame.position_mm)
    groups = []
    for position in positions:
        item, group = Dataset(), Dataset()
        item.ImagePositionPatient = _decimals(position)
        group.PlanePositionSequence = [item]
        groups.append(group)
    clean.NumberOfFrames = len(groups)
    clean.SharedFunctionalGroupsSequence, clean.PerFrameFunctionalGroupsSequence = [shared], groups


def _decimals(values: Iterable[float] | None) -> list[Any]:
    return [] if values is None else [_decimal(value) for value in values]


def _decimal(value: float) -> Any:
    return pydicom.valuerep.DSfloat(float(value), auto_format=True)


def _read(frame: Frame) -> Dataset:
    try:
        with frame.source.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values are judged here, by what they are needed for
            return pydicom.dcmread(file, stop_before_pixels=True, force=True)
    except DAMAGE as error:
        msg = f"{frame.source.file} has a damaged DICOM header"
        raise InputError(msg) from error


def _value(stored: Dataset, keyword: str) -> str:
    """Text of an element; empty where it is missing or damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = stored.get(keyword)
            return "" if value is None else str(value).strip(" \0")
    except DAMAGE:
        return ""


def _fitting(stored: Dataset, keyword: str) -> str | PersonName:
    """Text of an element as its kind allows, in the character set of the export."""
    text = "".join(" " if ord(letter) < 32 or letter == "\\" else letter for letter in _value(stored, keyword))
    return _FITTING[pydicom.datadict.dictionary_VR(keyword)](text.strip())
