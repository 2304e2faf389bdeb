"""A synthetic volume as a DICOM series of its own, which says that it is synthetic wherever a reader looks."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import DSfloat

from foramgrade.errors import InputError
from foramgrade.exports.dicom.naming import SOFTWARE, uid_of
from foramgrade.findings import Sequence
from foramgrade.volume import Volume

_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

#: What every header says.
SYNTHETIC = "Synthetic image of a phantom computed by foramgrade. No patient, no scanner. For research and teaching."


@dataclass(frozen=True, slots=True)
class Timing:
    """Timing that a scanner would use for a contrast, of spin echoes.

    Parameters
    ----------
    repetition_ms, echo_ms : float
        Repetition and echo time, ms.
    inversion_ms : float or None
        Inversion time, ms.
    train : int
        Echoes per excitation.
    """

    repetition_ms: float
    echo_ms: float
    inversion_ms: float | None
    train: int


#: Date of every phantom: a clock would make other files each time.
PHANTOM_DAY = datetime(2000, 1, 1, 12)

#: Usual timings at 1.5 T.
TIMINGS: Mapping[Sequence, Timing] = MappingProxyType(
    {
        Sequence.T1: Timing(550.0, 11.0, None, 3),
        Sequence.T2: Timing(3500.0, 102.0, None, 17),
        Sequence.PD: Timing(2500.0, 20.0, None, 5),
        Sequence.STIR: Timing(4000.0, 60.0, 160.0, 11),
    }
)


def write_dicom_series(
    volume: Volume, folder: Path, *, case: str, made: datetime = PHANTOM_DAY, thickness_mm: float | None = None
) -> tuple[Path, ...]:
    """Write a synthetic volume as a classic MR series, a file per slice.

    Parameters
    ----------
    volume : Volume
        int16 or uint16 intensities; the third axis counts the slices.
    folder : Path
        Existing folder.
    case : str
        Name of the phantom; the "patient" is called after it.
    made : datetime
        Date of the study.
    thickness_mm : float or None
        Thickness of a slice, mm; by default the distance between slices.

    Returns
    -------
    tuple of Path
        ``IM0001.dcm`` and so on, in the order of the slices.

    Raises
    ------
    InputError
        If the contrast is not known, the intensities are of another type, or the axes are not at right angles, which
        classic DICOM cannot hold.

    Notes
    -----
    Equal arguments give equal files. Positions are rounded to the 16 characters that DICOM has for a number.
    """
    if volume.sequence is None:
        msg = f"the contrast of the volume is not known, expected one of {', '.join(TIMINGS)}"
        raise InputError(msg)
    if volume.array.dtype not in (np.int16, np.uint16):
        msg = f"the intensities are {volume.array.dtype}, expected int16 or uint16"
        raise InputError(msg)
    axes = volume.grid.directions
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4:
        msg = "the voxel axes are not at right angles, expected slices that lie straight behind one another"
        raise InputError(msg)
    study_uid = uid_of("phantom", case, volume.sequence.value, _digest(volume), made.isoformat())
    paths = []
    for k in range(volume.grid.shape[2]):
        dataset = _describe_series(volume, case=case, study_uid=study_uid, made=made, thickness_mm=thickness_mm)
        _place_slice(dataset, volume, k, instance_uid=uid_of(study_uid, "instance", str(k)))
        paths.append(folder / f"IM{k + 1:04d}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return tuple(paths)


def _describe_series(
    volume: Volume, *, case: str, study_uid: UID, made: datetime, thickness_mm: float | None
) -> FileDataset:
    """Everything that the slices share."""
    sequence = Sequence(str(volume.sequence))
    timing, spacing = TIMINGS[sequence], volume.grid.spacing_mm
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    ds.SOPClassUID = MRImageStorage
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = ds.AcquisitionDate = f"{made:%Y%m%d}"
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = ds.AcquisitionTime = f"{made:%H%M%S}"
    ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "", "1", ""
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "MR", SOFTWARE, "phantom"
    ds.StudyDescription = "Synthetic lumbar spine (phantom)"
    ds.SeriesDescription = f"Sagittal {sequence.value}, synthetic lumbar spine"
    ds.PatientName, ds.PatientID = f"Phantom^{case}", f"phantom-{case}"[:64]
    ds.PatientBirthDate, ds.PatientSex = "", "O"
    ds.PatientComments = ds.ImageComments = SYNTHETIC
    ds.QualityControlImage = "YES"
    ds.BodyPartExamined = "LSPINE"
    ds.ScanningSequence = ["SE"] if timing.inversion_ms is None else ["SE", "IR"]
    ds.SequenceVariant, ds.ScanOptions = "SK", ""
    ds.MRAcquisitionType = "2D" if spacing[2] > 1.5 * max(spacing[:2]) else "3D"
    ds.RepetitionTime, ds.EchoTime = _decimal(timing.repetition_ms), _decimal(timing.echo_ms)
    if timing.inversion_ms is not None:
        ds.InversionTime = _decimal(timing.inversion_ms)
    ds.EchoNumbers, ds.EchoTrainLength, ds.FlipAngle = 1, timing.train, _decimal(90)
    ds.MagneticFieldStrength = _decimal(1.5)
    ds.SliceThickness = _decimal(thickness_mm or spacing[2])
    ds.SpacingBetweenSlices = _decimal(spacing[2])
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, uid_of(study_uid, "series")
    ds.FrameOfReferenceUID = uid_of(study_uid, "frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.SeriesNumber, ds.AcquisitionNumber = 1, 1
    return ds


def _place_slice(ds: Dataset, volume: Volume, k: int, *, instance_uid: UID) -> None:
    """Identity, place and pixels of one slice."""
    lps = _TO_LPS @ volume.grid.affine
    across, down, _ = volume.grid.spacing_mm
    pixels = np.ascontiguousarray(volume.array[:, :, k].T)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = instance_uid
    ds.InstanceNumber = k + 1
    ds.ImagePositionPatient = _decimals((lps @ [0, 0, k, 1])[:3])
    ds.ImageOrientationPatient = _decimals([*(lps[:3, 0] / across), *(lps[:3, 1] / down)])
    ds.PixelSpacing = _decimals([down, across])
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, int(np.issubdtype(pixels.dtype, np.signedinteger))
    low, high = float(volume.array.min()), float(np.quantile(volume.array.astype(np.float32), 0.995))
    ds.WindowCenter, ds.WindowWidth = _decimal((low + high) / 2), _decimal(max(high - low, 1.0))
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OW"


def _digest(volume: Volume) -> str:
    return hashlib.sha256(np.ascontiguousarray(volume.array).tobytes()).hexdigest()


def _decimal(value: float) -> DSfloat:
    return DSfloat(float(value), auto_format=True)


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    return [_decimal(value) for value in values]
