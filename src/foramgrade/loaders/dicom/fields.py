"""The fields of headers and frames, gathered from the elements of a file."""

import hashlib
import secrets

import numpy as np

from foramgrade.loaders.contrast import Acquisition
from foramgrade.loaders.dicom.elements import Elements
from foramgrade.loaders.dicom.frames import Header, PixelFormat, Triple
from foramgrade.loaders.pseudonym import scrub

#: New in every run, so that what tells patients apart tells nothing else.
_KEY = secrets.token_bytes(16)

#: Elements that name the patient; they serve to clean free text and are then forgotten.
NAMING = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientBirthName", "PatientMotherBirthName"),
    *("OtherPatientNames", "OtherPatientIDs", "AccessionNumber", "StudyID", "InstitutionName"),
    *("ReferringPhysicianName", "PerformingPhysicianName", "RequestingPhysician", "OperatorsName"),
)

#: Word of Image Type for a picture that holds many small ones side by side.
MOSAIC = "MOSAIC"


def describe_header(own: Elements, syntax: str, *, single: bool) -> Header:
    """Header of a frame.

    Parameters
    ----------
    own : Elements
        What holds for the frame.
    syntax : str
        UID of the transfer syntax.
    single : bool
        Whether the file has no other frames.

    Returns
    -------
    Header
        Free text is without the patient's names and numbers.
    """
    named = [word for keyword in NAMING if (word := own.text(keyword))]
    description = scrub(own.text("SeriesDescription"), named)
    hints = " ".join(filter(None, (description, scrub(own.text("ProtocolName"), named))))
    allocated = own.whole("BitsAllocated") or 16
    stored = own.whole("BitsStored") or allocated
    high = own.whole("HighBit")
    return Header(
        study_uid=own.text("StudyInstanceUID"),
        series_uid=own.text("SeriesInstanceUID"),
        series_number=own.whole("SeriesNumber"),
        reference_uid=own.text("FrameOfReferenceUID"),
        patient=_patient(own),
        modality=own.text("Modality"),
        manufacturer=own.text("Manufacturer"),
        description=description,
        rows=own.whole("Rows") or 0,
        columns=own.whole("Columns") or 0,
        pixels=PixelFormat(
            transfer_syntax=syntax,
            samples=own.whole("SamplesPerPixel") or 1,
            bits_allocated=allocated,
            bits_stored=stored,
            high_bit=stored - 1 if high is None else high,
            signed=own.whole("PixelRepresentation") == 1,
            photometric=own.text("PhotometricInterpretation") or "MONOCHROME2",
        ),
        echo_number=own.whole("EchoNumbers"),
        stack_id=own.text("StackID"),
        acquisition=_acquisition(own, hints, single=single),
    )


def _patient(own: Elements) -> str:
    """Tell patients apart without keeping who they are; empty where the header names nobody."""
    words = [own.text(keyword) for keyword in ("PatientID", "PatientName", "PatientBirthDate")]
    return hashlib.blake2b("\0".join(words).encode(), key=_KEY, digest_size=8).hexdigest() if any(words) else ""


def _acquisition(own: Elements, hints: str, *, single: bool) -> Acquisition:
    inverted = own.text("InversionRecovery").upper()
    suppression = (*own.texts("SpectrallySelectedSuppression"), *own.texts("SpectrallySelectedExcitation"))
    echo_time = own.number("EffectiveEchoTime")
    inversion_times = own.numbers("InversionTimes")
    return Acquisition(
        modality=own.text("Modality"),
        echo_time_ms=own.number("EchoTime") if echo_time is None else echo_time,
        repetition_time_ms=own.number("RepetitionTime"),
        inversion_time_ms=inversion_times[0] if inversion_times else own.number("InversionTime"),
        flip_angle_deg=own.number("FlipAngle"),
        echo_train_length=own.whole("RFEchoTrainLength") or own.whole("EchoTrainLength"),
        field_t=own.number("MagneticFieldStrength"),
        scanning_sequence=own.texts("ScanningSequence") or own.texts("EchoPulseSequence"),
        sequence_variant=own.texts("SequenceVariant"),
        scan_options=own.texts("ScanOptions"),
        image_type=_image_type(own, single=single),
        sequence_name=own.text("SequenceName") or own.text("PulseSequenceName"),
        inversion_recovery={"YES": True, "NO": False}.get(inverted),
        suppression=suppression,
        description=hints,
        scan_options_stated=own.holds("ScanOptions"),
        b_value=own.number("DiffusionBValue"),
    )


def _triple(values: tuple[float, ...]) -> Triple | None:
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def find_direction(own: Elements, start: int) -> Triple | None:
    """Direction of rows (0) or of columns (3), as they start in the element that holds both."""
    cosines = own.numbers("ImageOrientationPatient")
    return _triple(cosines[start : start + 3]) if len(cosines) == 6 else None


def find_pixel_spacing(own: Elements) -> tuple[float, float] | None:
    """Distance between rows and between columns, mm."""
    spacing = own.numbers("PixelSpacing")
    return (spacing[0], spacing[1]) if len(spacing) == 2 else None


def find_position(own: Elements, index: int, n_frames: int, *, placed: bool) -> Triple | None:
    """Position of the frame; of several frames in a file without a place for each, one after the other."""
    position = _triple(own.numbers("ImagePositionPatient"))
    if placed or n_frames == 1 or position is None:
        return position
    row, column, depth = find_direction(own, 0), find_direction(own, 3), own.number("SpacingBetweenSlices")
    if depth is None:
        depth = own.number("SliceThickness")
    if row is None or column is None or depth is None:
        return None
    return _triple(tuple(np.array(position) + index * depth * np.cross(row, column)))


def _image_type(own: Elements, *, single: bool) -> tuple[str, ...]:
    """Kind of picture, with the word for a mosaic of small pictures exactly where it is one."""
    words = [*(own.texts("FrameType") or own.texts("ImageType")), *own.texts("ComplexImageComponent")]
    if not single:  # mosaics that the scanner (Siemens XA) has taken apart keep the word
        return tuple(word for word in words if word != MOSAIC)
    if (own.whole("ImagesInGrid") or 0) > 1 and MOSAIC not in words:
        words.append(MOSAIC)
    return tuple(words)


def find_passes(own: Elements) -> tuple[float | tuple[float, ...] | None, ...]:
    """What may tell repeated passes over the same places apart; see :class:`Frame`."""
    temporal = own.number("TemporalPositionIndex")
    return (
        own.number("TemporalPositionIdentifier") if temporal is None else temporal,
        own.number("AcquisitionNumber"),
        own.number("DiffusionBValue"),
        own.number("TriggerTime"),
        own.numbers("DiffusionGradientOrientation") or None,
        *own.numbers("DimensionIndexValues"),
    )
