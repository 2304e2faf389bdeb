"""Values of single DICOM elements, read leniently: what is not a value of its kind counts as missing."""

import math
import struct
import zlib
from functools import cache
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

#: What pydicom raises on damaged files.
DAMAGE = (
    InvalidDicomError,
    BytesLengthException,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    RuntimeError,
    TypeError,
    UnicodeError,
    ValueError,
    struct.error,
    zlib.error,
)

#: Where an element of an enhanced header lies: the functional group (a sequence of one item) that holds it.
_GROUP_OF = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SpacingBetweenSlices": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "StackID": "FrameContentSequence",
    "TemporalPositionIndex": "FrameContentSequence",
    "DimensionIndexValues": "FrameContentSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "RepetitionTime": "MRTimingAndRelatedParametersSequence",
    "FlipAngle": "MRTimingAndRelatedParametersSequence",
    "RFEchoTrainLength": "MRTimingAndRelatedParametersSequence",
    "InversionRecovery": "MRModifierSequence",
    "InversionTimes": "MRModifierSequence",
    "InversionTime": "MRModifierSequence",
    "SpectrallySelectedSuppression": "MRModifierSequence",
    "SpectrallySelectedExcitation": "MRModifierSequence",
    "ScanOptions": "MRModifierSequence",
    "FrameType": "MRImageFrameTypeSequence",
    "ComplexImageComponent": "MRImageFrameTypeSequence",
}
#: Private elements, by a name of ours: number of small pictures in a picture (United Imaging).
_PRIVATE = {"ImagesInGrid": (0x00651050, "DS")}
#: Value representations in plain ASCII; the others follow the character set of the file and are left to pydicom.
_ASCII = frozenset({"CS", "DS", "IS", "UI"})
_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FD": "d", "FL": "f"}


class DamagedElementError(Exception):
    """A part of a header cannot be parsed, and what it holds is not known."""


class Elements:
    """The elements that hold for one frame.

    Parameters
    ----------
    dataset : Dataset
        The file's data set.
    groups : Dataset
        Functional groups of the frame and those of all frames, nearest first.
    """

    def __init__(self, dataset: Any, *groups: Any) -> None:
        self._dataset = dataset
        self._top = _by_tag(dataset)
        self._groups = tuple((held, _by_tag(held)) for held in groups)

    def items(self, keyword: str) -> tuple[Any, ...]:
        """Items of a sequence of the file."""
        found = _value(self._dataset, self._top, keyword)
        return tuple(found) if isinstance(found, Items) else ()

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Values as text without blanks at the ends; empty ones left out."""
        return tuple(text for value in self._find(keyword) if (text := _as_text(value)))

    def text(self, keyword: str) -> str:
        """All values in one text, empty where missing."""
        return " ".join(self.texts(keyword))

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Values as numbers; empty unless all are finite."""
        found = []
        for value in self._find(keyword):
            number = _as_number(value)
            if number is None:
                return ()
            found.append(number)
        return tuple(found)

    def number(self, keyword: str) -> float | None:
        """First value as a number, None where missing."""
        found = self.numbers(keyword)
        return found[0] if found else None

    def whole(self, keyword: str) -> int | None:
        """First value as a whole number, None where missing or a fraction."""
        found = self.number(keyword)
        return int(found) if found is not None and found.is_integer() else None

    def holds(self, keyword: str) -> bool:
        """Whether the element is there at the top of the file, be it empty."""
        return tag_of(keyword)[0] in self._top

    def raw_values(self, keywords: tuple[str, ...]) -> tuple[bytes | str | None, ...] | None:
        """Values as they lie in the file; None where functional groups take part."""
        if self._groups:
            return None
        values: list[bytes | str | None] = []
        for keyword in keywords:
            raw = self._top.get(tag_of(keyword)[0])
            values.append(None if raw is None else raw.value if isinstance(raw, RawDataElement) else str(raw.value))
        return tuple(values)

    def _find(self, keyword: str) -> tuple[Any, ...]:
        group = _GROUP_OF.get(keyword)
        if group is not None:
            for held, by_tag in self._groups:
                items = _value(held, by_tag, group)
                if isinstance(items, Items) and len(items):
                    value = _value(items[0], _by_tag(items[0]), keyword)
                    if value is not None:
                        return _several(value)
        return _several(_value(self._dataset, self._top, keyword))


@cache
def tag_of(keyword: str) -> tuple[int, str]:
    """Tag and value representation in the DICOM dictionary, or of a private element that is known here."""
    if keyword in _PRIVATE:
        return _PRIVATE[keyword]
    tag = pydicom.datadict.tag_for_keyword(keyword)
    if tag is None:
        msg = f"{keyword} is no DICOM keyword"
        raise LookupError(msg)
    return tag, pydicom.datadict.dictionary_VR(tag)


def _by_tag(dataset: Any) -> dict[int, Any]:
    """Elements by plain numbers: pydicom's own tags compare ten times as slowly."""
    return {int(tag): element for tag, element in dataset.items()}


def _value(dataset: Any, by_tag: dict[int, Any], keyword: str) -> Any:
    tag, usual = tag_of(keyword)
    raw = by_tag.get(tag)
    if raw is None:
        return None
    if not isinstance(raw, RawDataElement):
        return raw.value
    if not raw.value:
        return None
    kind = raw.VR or usual
    if kind in _ASCII:  # these make up nearly all elements; pydicom's own conversion takes three times as long
        return raw.value.decode("latin-1").split("\\")
    if kind in _BINARY:
        size = struct.calcsize("<" + _BINARY[kind])
        n = len(raw.value) // size
        order = "<" if raw.is_little_endian else ">"
        return struct.unpack(f"{order}{n}{_BINARY[kind]}", raw.value[: n * size])
    try:
        return dataset[tag].value
    except DAMAGE as error:
        if kind != "SQ":  # text in an impossible character set, and the like: as good as missing
            return None
        msg = f"{keyword} cannot be parsed"
        raise DamagedElementError(msg) from error


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, MultiValue | list | tuple) else (value,)


def _as_text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0")


def _as_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
