"""Small files in every format, written by the formats' own libraries."""

import gzip
from collections.abc import Callable
from pathlib import Path

import highdicom
import nibabel as nib
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from pydicom.sr.codedict import codes

from foramgrade.volume import Grid

Array = npt.NDArray[np.generic]
Writer = Callable[[Path, Array, npt.NDArray[np.float64]], Path]


def _write(path: Path, array: Array, affine: npt.NDArray[np.float64]) -> Path:
    if ".nii" in path.name:
        nib.save(nib.Nifti1Image(array, affine), path)
        return path
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.fixture
def write() -> Writer:
    """Write an array with an affine (RAS+, mm) in the format that the file's name says."""
    return _write


@pytest.fixture
def numbers(oblique_grid: Grid) -> npt.NDArray[np.int16]:
    """A different value in every voxel of the oblique grid, negative ones too."""
    values = np.arange(np.prod(oblique_grid.shape), dtype=np.int16) - 300
    return values.reshape(oblique_grid.shape)


@pytest.fixture
def mask(oblique_grid: Grid) -> npt.NDArray[np.uint8]:
    """Two vertebrae and a disc, in SPIDER's numbers."""
    labels = np.zeros(oblique_grid.shape, np.uint8)
    labels[4:12, 3:9, 2:7] = 2
    labels[4:12, 10:12, 2:7] = 202
    labels[4:12, 13:20, 2:7] = 1
    return labels


def _source_image(grid: Grid, frame_of_reference: str) -> pydicom.Dataset:
    """Header of one slice of the image that is segmented: all that highdicom asks of a source."""
    image = pydicom.Dataset()
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    image.SOPClassUID = pydicom.uid.MRImageStorage
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        setattr(image, keyword, pydicom.uid.generate_uid())
    image.FrameOfReferenceUID = frame_of_reference
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "1", "", "", ""
    image.StudyDate, image.StudyTime, image.AccessionNumber, image.StudyID = "", "", "", ""
    image.ReferringPhysicianName, image.Modality, image.InstanceNumber = "", "MR", 1
    image.PositionReferenceIndicator = ""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine
    image.ImageOrientationPatient = np.round(np.concatenate((lps / np.linalg.norm(lps, axis=0)).T[:2, :3]), 10).tolist()
    image.ImagePositionPatient = np.round(lps[:3, 3], 6).tolist()
    image.PixelSpacing = [grid.spacing_mm[1], grid.spacing_mm[0]]
    image.SliceThickness = grid.spacing_mm[2]
    image.Columns, image.Rows = grid.shape[:2]
    return image


def _write_dicom_seg(
    path: Path, array: Array, grid: Grid, names: dict[int, str], kind: str = "BINARY", syntax: str | None = None
) -> Path:
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine @ np.eye(4)[:, [2, 1, 0, 3]]
    reference = str(pydicom.uid.generate_uid())
    layers = array.ndim == 4
    volume = highdicom.Volume(
        np.ascontiguousarray(array.transpose(2, 1, 0, 3) if layers else array.transpose(2, 1, 0)),
        to_lps,
        coordinate_system="PATIENT",
        frame_of_reference_uid=reference,
        **({"channels": {"SegmentNumber": sorted(names)}} if layers else {}),
    )
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=names[number],
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=codes.SCT.Bone,
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number in sorted(names)
    ]
    segmentation = highdicom.seg.Segmentation(
        source_images=[_source_image(grid, reference)],
        pixel_array=volume,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=highdicom.UID(),
        series_number=2,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="foramgrade tests",
        manufacturer_model_name="synthetic",
        software_versions="1",
        device_serial_number="1",
        **({"transfer_syntax_uid": syntax} if syntax else {}),
    )
    segmentation.save_as(path)
    return path


@pytest.fixture
def write_dicom_seg() -> Callable[..., Path]:
    """Write labels (I, J, K), or overlapping masks (I, J, K, N), as a DICOM segmentation; empty slices are left out."""
    return _write_dicom_seg


def _write_slicer(path: Path, layers: Array, grid: Grid, entries: dict[str, object], kind: str = "list") -> Path:
    """A NRRD file as 3D Slicer writes it: layers (I, J, K, L) with the list axis first, or a single one without."""
    vectors = (np.diag([-1.0, -1.0, 1.0]) @ grid.affine[:3, :3]).T
    origin = np.diag([-1.0, -1.0, 1.0]) @ grid.affine[:3, 3]
    directions = " ".join("(" + ",".join(f"{v:.12g}" for v in vector) + ")" for vector in vectors)
    several = layers.ndim == 4
    lines = [
        "NRRD0004",
        "type: unsigned char",
        f"dimension: {4 if several else 3}",
        "space: left-posterior-superior",
        f"sizes: {f'{layers.shape[3]} ' if several else ''}{' '.join(str(n) for n in grid.shape)}",
        f"space directions: {'none ' if several else ''}{directions}",
        f"kinds: {f'{kind} ' if several else ''}domain domain domain",
        "encoding: gzip",
        "space origin: (" + ",".join(f"{v:.12g}" for v in origin) + ")",
        *(f"{key}:={value}" for key, value in entries.items()),
    ]
    stored = np.moveaxis(layers, 3, 0) if several else layers
    path.write_bytes(
        "\n".join(lines).encode() + b"\n\n" + gzip.compress(stored.astype(np.uint8).tobytes(order="F"), compresslevel=1)
    )
    return path


@pytest.fixture
def write_slicer() -> Callable[..., Path]:
    """Write layers with the entries of a header as a segmentation of 3D Slicer."""
    return _write_slicer
