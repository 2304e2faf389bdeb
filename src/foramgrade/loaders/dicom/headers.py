"""What a DICOM file's header says of its frames.

pydicom parses the file; only the few elements that place a frame, tell its contrast or decode its pixels are looked
at. Sparse headers are ordinary in public sets: what is missing stays empty here, and is complained about where it is
needed.
"""

import io
import logging
import warnings
import zlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator, read_partial
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from foramgrade.errors import InputError
from foramgrade.loaders.dicom.elements import DAMAGE, DamagedElementError, Elements, tag_of
from foramgrade.loaders.dicom.fields import (
    NAMING,
    describe_header,
    find_direction,
    find_passes,
    find_pixel_spacing,
    find_position,
)
from foramgrade.loaders.dicom.frames import Frame, Header
from foramgrade.loaders.files import DICOM_MARK_OFFSET, looks_like_dicom
from foramgrade.loaders.sources import Source

log = logging.getLogger(__name__)

_SEQUENCES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
# fmt: off
_WANTED = (
    "SpecificCharacterSet", "ImageType", "Modality", "Manufacturer",
    "SeriesDescription", "ProtocolName", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber",
    "AcquisitionNumber", "InstanceNumber", "FrameOfReferenceUID", "TemporalPositionIdentifier", "TriggerTime",
    "DiffusionBValue", "DiffusionGradientOrientation", "EchoTime", "RepetitionTime", "InversionTime", "EchoNumbers",
    "FlipAngle", "EchoTrainLength",
    "MagneticFieldStrength", "ScanningSequence", "SequenceVariant", "ScanOptions", "SequenceName",
    "PulseSequenceName", "EchoPulseSequence", "InversionRecovery", "SliceThickness", "SpacingBetweenSlices",
    "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "RescaleSlope",
    "RescaleIntercept", "ComplexImageComponent", "ImagesInGrid",
)
# fmt: on
_TAGS = [tag_of(keyword)[0] for keyword in (*_WANTED, *NAMING, *_SEQUENCES)]
#: Elements that differ from slice to slice; what else is looked at makes up the header of the series.
_OF_FRAME = {
    "AcquisitionNumber",
    "InstanceNumber",
    "TemporalPositionIdentifier",
    "TriggerTime",
    "DiffusionGradientOrientation",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
}
_OF_SERIES = tuple(keyword for keyword in (*_WANTED, *NAMING) if keyword not in _OF_FRAME)
_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXELS = (0x7FE00008, 0x7FE00009)
_PIXELS = frozenset({_PIXEL_DATA, *_FLOAT_PIXELS})
#: Most frames in a file: more is a damaged count.
_MOST_FRAMES = 65_536
#: Most bytes that a deflated file may hold.
_MOST_INFLATED = 2**30
_CHUNK = 2**16
_UNDEFINED_LENGTH = 0xFFFFFFFF
_TRANSFER_SYNTAX, _STORAGE_CLASS, _CHARACTER_SET, _AFTER_META = 0x00020010, 0x00020002, 0x00080005, 0x00030000
#: Bytes in which nearly every header ends before its pixels.
_BEGINNING = 2**18


class NoDicomError(InputError):
    """A file is no DICOM file at all."""


class DamagedFileError(InputError):
    """A file is DICOM and cannot be read.

    Parameters
    ----------
    sentence : str
        What is wrong.
    series_uid : str
        UID of the series it belongs to; empty where the file does not tell any more.
    """

    def __init__(self, sentence: str, series_uid: str = "") -> None:
        super().__init__(sentence)
        self.series_uid = series_uid


@dataclass(slots=True)
class HeaderReader:
    """Reads headers one file at a time, and keeps equal ones once, so that a large tree takes little memory."""

    _known: dict[Any, Any] = field(default_factory=dict)

    def read(self, source: Source) -> tuple[Frame, ...]:
        """Frames of one file.

        Parameters
        ----------
        source : Source
            The file.

        Returns
        -------
        tuple of Frame
            Empty if the file is DICOM without a picture, such as a report.

        Raises
        ------
        NoDicomError
            If the file is not DICOM.
        InputError
            If it is damaged.
        """
        with source.open() as file:
            if not looks_like_dicom(file):
                msg = f"{source.file} is not a DICOM file"
                raise NoDicomError(msg)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # values are judged here, by what they are needed for
                try:
                    return self._frames(source, _parse(file))
                except DamagedElementError as error:
                    msg = f"{source.file} has a damaged DICOM header"
                    raise InputError(msg) from error

    def _frames(self, source: Source, parsed: "_Parsed") -> tuple[Frame, ...]:
        dataset, syntax = parsed.dataset, parsed.syntax
        if not parsed.pixels:
            if _should_have_pixels(parsed):
                msg = f"{source.file} is truncated: it ends before its pixels"
                raise DamagedFileError(msg, Elements(dataset).text("SeriesInstanceUID"))
            return ()
        tag, offset, length = parsed.pixels
        if tag in _FLOAT_PIXELS:
            msg = f"{source.file} holds floating-point pixels, expected whole numbers with a rescale"
            raise InputError(msg)
        top = Elements(dataset)
        groups = top.items("PerFrameFunctionalGroupsSequence")
        shared = (top.items("SharedFunctionalGroupsSequence") or (None,))[0]
        n_frames = len(groups) or max(top.whole("NumberOfFrames") or 1, 1)
        if n_frames > _MOST_FRAMES:
            msg = f"{source.file} announces {n_frames} frames, expected at most {_MOST_FRAMES}"
            raise InputError(msg)
        deflated = syntax == DeflatedExplicitVRLittleEndian
        if length != _UNDEFINED_LENGTH and not deflated and offset + length > source.size:
            msg = f"{source.file} is truncated: {max(source.size - offset, 0)} of {length} bytes of pixels"
            raise DamagedFileError(msg, top.text("SeriesInstanceUID"))
        frames = []
        for index in range(n_frames):
            # The nearest word counts: of the frame, then of all frames, then of the file.
            own = Elements(dataset, *([groups[index]] if groups else []), *([shared] if shared is not None else []))
            frames.append(
                Frame(
                    header=self._header(own, syntax, single=n_frames == 1),
                    source=source,
                    index=index,
                    n_frames=n_frames,
                    instance_number=top.whole("InstanceNumber"),
                    position_mm=find_position(own, index, n_frames, placed=bool(groups)),
                    row=self._once(find_direction(own, 0)),
                    column=self._once(find_direction(own, 3)),
                    spacing_mm=self._once(find_pixel_spacing(own)),
                    depth_mm=self._once(own.number("SliceThickness") or own.number("SpacingBetweenSlices")),
                    slope=1.0 if (slope := own.number("RescaleSlope")) is None else slope,
                    intercept=own.number("RescaleIntercept") or 0.0,
                    pixel_offset=None if deflated else offset,
                    pixel_bytes=None if length == _UNDEFINED_LENGTH else length,
                    passes=self._once(find_passes(own)),
                )
            )
        return tuple(frames)

    def _header(self, own: Elements, syntax: str, *, single: bool) -> Header:
        """Header of a frame. Files whose elements are equal byte by byte, as those of a series are, are read once."""
        key = own.raw_values(_OF_SERIES)
        if key is None:
            header: Header = self._once(describe_header(own, syntax, single=single))
            return header
        known: Header | None = self._known.get((syntax, single, key))
        if known is None:
            known = self._known[syntax, single, key] = describe_header(own, syntax, single=single)
        return known

    def _once(self, value: Any) -> Any:
        return self._known.setdefault(value, value)


def read_frames(source: Source) -> tuple[Frame, ...]:
    """Frames of one file; see :meth:`HeaderReader.read`, which is made for many."""
    return HeaderReader().read(source)


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """What pydicom found: data set up to the pixels, transfer syntax, storage class; tag, place, length of pixels."""

    dataset: Any
    syntax: str
    storage: str
    pixels: tuple[int, int, int] | tuple[()]


def _parse(file: BinaryIO) -> _Parsed:
    """Parse the beginning of a file from memory, which is twice as fast; the whole file where that is not enough."""
    beginning = file.read(_BEGINNING)
    parsed = _parse_or_none(io.BytesIO(beginning))
    if len(beginning) == _BEGINNING and (parsed is None or not parsed.pixels):
        file.seek(0)
        parsed = _parse_or_none(file)
    if parsed is None:
        msg = "pydicom cannot parse the file"
        raise DamagedElementError(msg)
    return parsed


def _parse_or_none(file: BinaryIO) -> _Parsed | None:
    """What pydicom finds; None where it cannot parse the bytes."""
    try:
        return _parse_elements(file)
    except InputError:
        raise
    except DAMAGE as error:
        log.debug("not parsed: %s", type(error).__name__)
        return None


def _parse_elements(file: BinaryIO) -> _Parsed:
    place: list[int] = []

    def at_pixels(tag: Any, _: str | None, length: int) -> bool:
        if tag.real not in _PIXELS:
            return False
        place.extend((tag.real, file.tell(), length))
        return True

    meta = _parse_meta(file)
    syntax, storage = meta.get(_TRANSFER_SYNTAX, ""), meta.get(_STORAGE_CLASS, "")
    if syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        # Nearly every file; what pydicom's reader of whole files does beside costs a quarter of the time.
        implicit = syntax == ImplicitVRLittleEndian
        elements = data_element_generator(file, implicit, True, stop_when=at_pixels, specific_tags=_TAGS)
        dataset = Dataset({element.tag: element for element in elements})
        named = dataset[_CHARACTER_SET].value if _CHARACTER_SET in dataset else None
        dataset.set_original_encoding(implicit, True, convert_encodings(named))
    else:
        if syntax == DeflatedExplicitVRLittleEndian:
            _check_inflated(file)
        file.seek(0)
        dataset = read_partial(file, at_pixels, force=True, specific_tags=_TAGS)
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) or _plain_syntax(dataset)
        storage = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    return _Parsed(dataset, syntax, storage, (place[0], place[1], place[2]) if place else ())


def _parse_meta(file: BinaryIO) -> dict[int, str]:
    """Values of the file meta group, which is explicit and little-endian in every file; empty without a preamble."""
    if file.read(DICOM_MARK_OFFSET + 4)[DICOM_MARK_OFFSET:] != b"DICM":
        return {}
    found = data_element_generator(file, False, True, stop_when=lambda tag, *_: tag.real >= _AFTER_META)
    return {
        int(element.tag): element.value.decode("latin-1").strip(" \0")
        for element in found
        if element.tag in (_TRANSFER_SYNTAX, _STORAGE_CLASS) and isinstance(element.value, bytes)
    }


def _check_inflated(file: BinaryIO) -> None:
    """Refuse a deflated data set that would fill the memory, before pydicom inflates it in one piece."""
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while not inflater.eof and (deflated := inflater.unconsumed_tail or file.read(_CHUNK)):
        total += len(inflater.decompress(deflated, _CHUNK * 16))
        if total > _MOST_INFLATED:
            msg = f"a deflated file holds more than {_MOST_INFLATED} bytes, expected no more"
            raise InputError(msg)


def _should_have_pixels(parsed: _Parsed) -> bool:
    """Whether a file without pixels is part of a picture, rather than a report or a table of contents."""
    if Elements(parsed.dataset).whole("Rows") is not None:
        return True
    return "Image Storage" in pydicom.uid.UID(parsed.storage).name


def _plain_syntax(dataset: Any) -> str:
    """Transfer syntax of a data set whose file does not name it."""
    implicit, little = dataset.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)
