"""Synthetic DICOM files: what a scanner would write of a known array at a known place.

    write_series(folder, array, affine, *, prefix="IM", shuffle=None, study_uid=None, series_uid=None,
                 series_number=1, te=102.0, tr=3500.0, ti=None, echo_number=1, image_type=(...), scan_options=(),
                 scanning_sequence=("SE",), sequence_variant=("SK",), description="SAG T2", patient_name="Doe^Jane",
                 vendor="SIEMENS", modality="MR", transfer_syntax=ExplicitVRLittleEndian, bits_stored=None,
                 unused="extended", slope=None, intercept=None, photometric="MONOCHROME2", drop=(), edit=None)
        -> list[Path], one per slice, in slice order
    write_enhanced(file, array, affine, *, shuffle=None, vary="echo", shared=True, top_level=False,
                   te=(102.0, 15.0), suppression="NONE", edit_frame=None, ... as above) -> Path

``array`` holds the *stored* values (columns, rows, slices) at ``affine`` (RAS+, mm): slope, intercept and MONOCHROME1
only go into the header. A signed dtype gives signed pixels, its size gives Bits Allocated; ``unused`` fills the bits
above Bits Stored ("extended" with the sign, "zero" or "ones"). ``shuffle`` (a numpy Generator) makes file names and
instance numbers (enhanced: the order of frames) independent of the slice order. ``edit(dataset, k)`` changes the data
set of slice k just before it is written, after ``drop`` took its keywords or tags away. ``write_enhanced`` takes a list
of arrays (and of affines) for several echoes, temporal positions or stacks, told apart by ``vary`` ("echo", "time",
"stack"); ``shared=False`` repeats everything per frame, ``top_level=True`` puts the place of a single frame at the top
level and writes no functional groups at all; ``edit_frame(item, n, k)`` changes the per-frame item of slice k of array
n. Transfer syntaxes: implicit, explicit (both orders), deflated, RLE, JPEG lossless SV1, JPEG-LS, JPEG 2000 lossless.
"""

import tempfile
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
    generate_uid,
)
from pydicom.valuerep import DSfloat

Array = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Edit = Callable[[Dataset, int], None]
SeriesWriter = Callable[..., list[Path]]
EnhancedWriter = Callable[..., Path]

LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

#: Syntaxes that are decoded by other libraries than the one that writes them here. gdcm's own RLE encoder crashes.
WRITTEN_BY_GDCM = {
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
    JPEG2000Lossless: gdcm.TransferSyntax.JPEG2000Lossless,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
}
PIXEL_KEYWORDS = ("SamplesPerPixel", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")


def decimal(value: float) -> DSfloat:
    """Decimal string of at most 16 characters."""
    return DSfloat(float(value), auto_format=True)


def decimals(values: Iterable[float]) -> list[DSfloat]:
    return [decimal(value) for value in values]


def uid_of(*parts: object) -> UID:
    """The same identifier for the same words."""
    return generate_uid(entropy_srcs=["foramgrade test", *map(str, parts)])


def place(affine: Floats, k: int) -> tuple[list[float], list[float], list[float]]:
    """Position and orientation (LPS) and pixel spacing (between rows, between columns) of slice k."""
    lps = LPS_OF_RAS @ affine
    along_row, along_column = lps[:3, 0], lps[:3, 1]
    between_columns, between_rows = float(np.linalg.norm(along_row)), float(np.linalg.norm(along_column))
    orientation = [*(along_row / between_columns), *(along_column / between_rows)]
    return (lps @ [0, 0, k, 1])[:3].tolist(), orientation, [between_rows, between_columns]


def header(sop_class: UID, sop_instance: UID, transfer_syntax: UID, options: dict[str, Any]) -> FileDataset:
    """File meta, patient, study and series."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = sop_instance
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = uid_of("implementation")
    little_endian = transfer_syntax != ExplicitVRBigEndian
    implicit = transfer_syntax == ImplicitVRLittleEndian
    ds = FileDataset(
        "", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=implicit, is_little_endian=little_endian
    )
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = list(options["image_type"])
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, sop_instance
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20240131", "101112", "A77"
    ds.Modality, ds.Manufacturer = options["modality"], options["vendor"]
    ds.InstitutionName = "General Hospital"
    ds.SeriesDescription = ds.ProtocolName = options["description"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = options["patient_name"], "P-4711", "19600102"
    ds.PatientPosition = "HFS"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = options["study_uid"], options["series_uid"]
    ds.FrameOfReferenceUID = uid_of("frame of reference", options["study_uid"])
    ds.StudyID, ds.SeriesNumber = "1", options["series_number"]
    ds.MagneticFieldStrength = decimal(1.5)
    return ds


def encoded(frame: Array, ds: FileDataset) -> bytes:
    """Code stream of one (rows, columns) picture, written by gdcm as a plain file and taken out of it again."""
    plain = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    plain.file_meta.MediaStorageSOPClassUID, plain.file_meta.MediaStorageSOPInstanceUID = (
        MRImageStorage,
        uid_of("plain"),
    )
    plain.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain.SOPClassUID, plain.SOPInstanceUID = MRImageStorage, uid_of("plain")
    for keyword in PIXEL_KEYWORDS:
        plain[keyword] = ds[keyword]
    plain.PhotometricInterpretation = "MONOCHROME2"
    data = frame.tobytes()
    plain.PixelData = data + b"\0" * (len(data) % 2)
    plain["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.dcm"
        plain.save_as(path, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(WRITTEN_BY_GDCM[ds.file_meta.TransferSyntaxUID]))
        change.SetInput(reader.GetImage())
        assert change.Change(), "gdcm cannot encode this picture"
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return next(generate_frames(dcmread(path).PixelData, number_of_frames=1))


def put_pixels(ds: FileDataset, frames: list[Array], options: dict[str, Any]) -> None:
    """Pixel description and pixels of one or several (columns, rows) pictures, compressed where the syntax says so."""
    dtype = frames[0].dtype
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, options["photometric"]
    ds.Columns, ds.Rows = frames[0].shape
    ds.BitsAllocated = 8 * dtype.itemsize
    ds.BitsStored = options["bits_stored"] or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(np.issubdtype(dtype, np.signedinteger))
    stored = np.stack([np.ascontiguousarray(frame.T) for frame in frames])
    bits = stored.view(f"u{dtype.itemsize}")
    used = (1 << ds.BitsStored) - 1
    if options["unused"] == "zero":
        bits &= used
    elif options["unused"] == "ones":
        bits |= used ^ ((1 << ds.BitsAllocated) - 1)
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax == RLELossless:
        ds.compress(
            syntax, stored if len(frames) > 1 else stored[0], encoding_plugin="pydicom", generate_instance_uid=False
        )
    elif syntax in WRITTEN_BY_GDCM:
        ds.PixelData = encapsulate([encoded(frame, ds) for frame in stored])
        ds["PixelData"].VR = "OB"
    else:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        data = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
        ds.PixelData = data + b"\0" * (len(data) % 2)
        ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"


def drop_tags(ds: Dataset, tags: Iterable[Any]) -> None:
    for tag in tags:
        if tag in ds:
            del ds[tag]


DEFAULTS: dict[str, Any] = {
    "shuffle": None,
    "study_uid": None,
    "series_uid": None,
    "series_number": 1,
    "te": 102.0,
    "tr": 3500.0,
    "ti": None,
    "image_type": ("ORIGINAL", "PRIMARY", "M", "ND"),
    "scan_options": (),
    "description": "SAG T2",
    "patient_name": "Doe^Jane",
    "vendor": "SIEMENS",
    "modality": "MR",
    "transfer_syntax": ExplicitVRLittleEndian,
    "bits_stored": None,
    "unused": "extended",
    "slope": None,
    "intercept": None,
    "photometric": "MONOCHROME2",
    "drop": (),
    "edit": None,
}
CLASSIC = {"prefix": "IM", "echo_number": 1, "scanning_sequence": ("SE",), "sequence_variant": ("SK",)}
ENHANCED = {
    "vary": "echo",
    "shared": True,
    "top_level": False,
    "te": (102.0, 15.0),
    "suppression": "NONE",
    "edit_frame": None,
    "image_type": ("ORIGINAL", "PRIMARY", "M", "NONE"),
}


def with_defaults(given: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    options = {**DEFAULTS, **more}
    unknown = set(given) - set(options)
    assert not unknown, f"no such option: {unknown}"
    options |= given
    options["study_uid"] = options["study_uid"] or uid_of("study")
    options["series_uid"] = options["series_uid"] or uid_of("series", options["study_uid"], options["series_number"])
    return options


def _write_series(folder: Path, array: Array, affine: Floats, **given: Any) -> list[Path]:
    options = with_defaults(given, CLASSIC)
    n = array.shape[2]
    names, numbers = np.arange(n), np.arange(n)
    if options["shuffle"] is not None:
        names, numbers = options["shuffle"].permutation(n), options["shuffle"].permutation(n)
    paths = []
    for k in range(n):
        sop_instance = uid_of(options["series_uid"], options["prefix"], k)
        ds = header(MRImageStorage, sop_instance, UID(options["transfer_syntax"]), options)
        ds.ScanningSequence, ds.SequenceVariant = list(options["scanning_sequence"]), list(options["sequence_variant"])
        ds.ScanOptions = list(options["scan_options"])
        ds.MRAcquisitionType = "2D"
        ds.EchoTime, ds.RepetitionTime = decimal(options["te"]), decimal(options["tr"])
        if options["ti"] is not None:
            ds.InversionTime = decimal(options["ti"])
        ds.EchoNumbers, ds.EchoTrainLength, ds.FlipAngle = options["echo_number"], 17, decimal(150)
        ds.InstanceNumber = int(numbers[k]) + 1
        position, orientation, spacing = place(np.asarray(affine, float), k)
        ds.ImagePositionPatient, ds.ImageOrientationPatient = decimals(position), decimals(orientation)
        ds.PixelSpacing, ds.SliceThickness = decimals(spacing), decimal(4)
        if options["slope"] is not None:
            ds.RescaleSlope = decimal(options["slope"])
        if options["intercept"] is not None:
            ds.RescaleIntercept = decimal(options["intercept"])
        put_pixels(ds, [array[:, :, k]], options)
        drop_tags(ds, options["drop"])
        if options["edit"] is not None:
            options["edit"](ds, k)
        paths.append(Path(folder) / f"{options['prefix']}{names[k] + 1:04d}.dcm")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        ds.save_as(paths[-1], enforce_file_format=True)
    return paths


def one_item(**values: Any) -> Sequence:
    """A sequence of one item."""
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


def common_groups(item: Dataset, affine: Floats, options: dict[str, Any]) -> None:
    """Functional groups that all frames of one stack have in common."""
    _, orientation, spacing = place(affine, 0)
    item.PixelMeasuresSequence = one_item(PixelSpacing=decimals(spacing), SliceThickness=decimal(4))
    item.PlaneOrientationSequence = one_item(ImageOrientationPatient=decimals(orientation))
    item.MRTimingAndRelatedParametersSequence = one_item(
        RepetitionTime=decimal(options["tr"]), FlipAngle=decimal(150), EchoTrainLength=17
    )
    item.MRModifierSequence = one_item(
        InversionRecovery="NO" if options["ti"] is None else "YES",
        SpectrallySelectedSuppression=options["suppression"],
        SpectrallySelectedExcitation="NONE",
    )
    if options["ti"] is not None:
        item.MRModifierSequence[0].InversionTimes = [float(options["ti"])]
    item.MRImageFrameTypeSequence = one_item(FrameType=list(options["image_type"]))
    if options["slope"] is not None or options["intercept"] is not None:
        item.PixelValueTransformationSequence = one_item(
            RescaleIntercept=decimal(options["intercept"] or 0),
            RescaleSlope=decimal(options["slope"] or 1),
            RescaleType="US",
        )


def frame_item(affine: Floats, n: int, k: int, options: dict[str, Any]) -> Dataset:
    """Functional groups of slice k of array n."""
    item = Dataset()
    vary, te = options["vary"], options["te"]
    content = Dataset()
    content.StackID = str(n + 1 if vary == "stack" else 1)
    content.InStackPositionNumber = k + 1
    content.TemporalPositionIndex = n + 1 if vary == "time" else 1
    content.DimensionIndexValues = [n + 1 if vary == "stack" else 1, k + 1, n + 1 if vary != "stack" else 1]
    item.FrameContentSequence = Sequence([content])
    item.PlanePositionSequence = one_item(ImagePositionPatient=decimals(place(affine, k)[0]))
    item.MREchoSequence = one_item(EffectiveEchoTime=float(te[n] if vary == "echo" else te[0]))
    return item


def dimensions(ds: FileDataset, vary: str) -> None:
    """Multi-frame dimension module: stack, position in it, and echo time or temporal position."""
    uid = uid_of("dimensions")
    ds.DimensionOrganizationSequence = one_item(DimensionOrganizationUID=uid)
    third, group = (0x00189082, 0x00189114) if vary == "echo" else (0x00209128, 0x00209111)
    items = []
    for pointer, functional_group in ((0x00209056, 0x00209111), (0x00209057, 0x00209111), (third, group)):
        item = Dataset()
        item.DimensionOrganizationUID = uid
        item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, functional_group
        items.append(item)
    ds.DimensionIndexSequence = Sequence(items)


def _write_enhanced(file: Path, array: Array | list[Array], affine: Floats | list[Floats], **given: Any) -> Path:
    options = with_defaults(given, ENHANCED)
    arrays = array if isinstance(array, list) else [array]
    affines = [np.asarray(a, float) for a in (affine if isinstance(affine, list) else [affine] * len(arrays))]
    te = options["te"]
    options["te"] = tuple(te) if isinstance(te, (tuple, list)) else (te,)
    frames = [(n, k) for n, one in enumerate(arrays) for k in range(one.shape[2])]
    if options["shuffle"] is not None:
        frames = [frames[i] for i in options["shuffle"].permutation(len(frames))]
    sop_instance = uid_of(options["series_uid"], Path(file).name)
    ds = header(EnhancedMRImageStorage, sop_instance, UID(options["transfer_syntax"]), options)
    ds.InstanceNumber, ds.NumberOfFrames = 1, len(frames)
    if options["top_level"]:
        position, orientation, spacing = place(affines[0], 0)
        ds.ImagePositionPatient, ds.ImageOrientationPatient = decimals(position), decimals(orientation)
        ds.PixelSpacing, ds.SliceThickness = decimals(spacing), decimal(4)
        ds.RepetitionTime, ds.EchoTime = decimal(options["tr"]), decimal(options["te"][0])
    else:
        dimensions(ds, options["vary"])
        ds.SharedFunctionalGroupsSequence = Sequence([Dataset()])
        is_shared = options["shared"] and all(np.allclose(a[:3, :2], b[:3, :2]) for a, b in pairwise(affines))
        if is_shared:
            common_groups(ds.SharedFunctionalGroupsSequence[0], affines[0], options)
        items = []
        for n, k in frames:
            item = frame_item(affines[n], n, k, options)
            if not is_shared:
                common_groups(item, affines[n], options)
            if options["edit_frame"] is not None:
                options["edit_frame"](item, n, k)
            items.append(item)
        ds.PerFrameFunctionalGroupsSequence = Sequence(items)
    put_pixels(ds, [arrays[n][:, :, k] for n, k in frames], options)
    drop_tags(ds, options["drop"])
    if options["edit"] is not None:
        options["edit"](ds, 0)
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(Path(file), enforce_file_format=True)
    return Path(file)


@pytest.fixture(scope="session")
def write_series() -> SeriesWriter:
    """Write a classic series, one file per slice; see the head of this file."""
    return _write_series


@pytest.fixture(scope="session")
def write_enhanced() -> EnhancedWriter:
    """Write an enhanced multi-frame file; see the head of this file."""
    return _write_enhanced
