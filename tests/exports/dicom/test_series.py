"""A phantom as a DICOM series: read alike by our loader, dcm2niix and SimpleITK, and said to be synthetic."""

import subprocess
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK

from foramgrade.errors import InputError
from foramgrade.exports import write_dicom_series
from foramgrade.findings import Sequence
from foramgrade.loaders import list_series, read_volume
from foramgrade.volume import Grid, Volume

from ..conftest import Case, Complaints, Find


def _is_same(array: np.ndarray, grid: Grid, image: Volume) -> bool:
    """Whether the same values lie at the same places, in whatever order they are stored."""
    ijk = image.grid.to_ijk(grid.to_world(np.indices(grid.shape).reshape(3, -1).T))
    near = np.rint(ijk).astype(int)
    within = np.all((near >= 0) & (near < image.grid.shape)) and np.abs(ijk - near).max() < 1e-2
    return array.size == image.array.size and bool(within and np.array_equal(array.ravel(), image.array[tuple(near.T)]))


def test_our_loader_reads_what_was_written(case: Case, series: Path) -> None:
    image = case.phantom.image
    read = read_volume(series)
    assert (read.sequence, read.fat_suppressed, read.array.dtype) == (Sequence.T1, False, np.dtype(np.int16))
    assert _is_same(read.array, read.grid, image)
    np.testing.assert_allclose(np.sort(read.grid.corners_mm(), 0), np.sort(image.grid.corners_mm(), 0), atol=1e-4)
    (listed,) = list_series(series)
    assert (listed.n_slices, listed.plane.value) == (15, "sagittal")


def test_simpleitk_reads_the_same(case: Case, series: Path) -> None:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    image = reader.Execute()
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1, -1, 1]) @ direction @ np.diag(image.GetSpacing())
    affine[:3, 3] = np.array(image.GetOrigin()) * [-1, -1, 1]
    array = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    assert _is_same(array, Grid(array.shape, affine), case.phantom.image)


def test_dcm2niix_reads_the_same(case: Case, series: Path, program: Find, tmp_path: Path) -> None:
    ended = subprocess.run(
        [program("dcm2niix"), "-f", "out", "-o", str(tmp_path), str(series)],
        capture_output=True,
        text=True,
        check=True,
    )
    warned = [line for line in ended.stdout.splitlines() if "Warning" in line]
    assert all("Unable to determine manufacturer" in line for line in warned), warned
    image = nib.load(tmp_path / "out.nii")
    assert _is_same(np.asarray(image.dataobj), Grid(image.shape, image.affine), case.phantom.image)


def test_every_slice_conforms(series: Path, complaints: Complaints) -> None:
    for file in sorted(series.iterdir())[::7]:
        assert complaints(file) == []


def test_every_header_says_that_it_is_synthetic(series: Path) -> None:
    datasets = [pydicom.dcmread(file) for file in sorted(series.iterdir())]
    assert len({ds.SOPInstanceUID for ds in datasets}) == len(datasets) == 15
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({ds[keyword].value for ds in datasets}) == 1
    for ds in datasets:
        assert ds.PatientName == "Phantom^one"
        assert ds.QualityControlImage == "YES"
        assert "synthetic" in ds.SeriesDescription
        assert "No patient" in ds.ImageComments
        assert abs(np.dot(ds.ImageOrientationPatient[:3], ds.ImageOrientationPatient[3:])) < 1e-6
        assert min(abs(np.array(ds.ImageOrientationPatient))) > 0.01  # oblique: no cosine is 0


@pytest.mark.parametrize("sequence", [Sequence.T1, Sequence.T2, Sequence.PD, Sequence.STIR])
def test_the_contrast_is_told_from_the_header(case: Case, tmp_path: Path, sequence: Sequence) -> None:
    stir = sequence is Sequence.STIR
    volume = Volume(case.phantom.image.array[:8, :8], Grid((8, 8, 15), case.phantom.image.grid.affine), sequence, stir)
    write_dicom_series(volume, tmp_path, case="one")
    read = read_volume(tmp_path)
    assert (read.sequence, read.fat_suppressed) == (sequence, stir)


def test_the_same_phantom_makes_the_same_files(case: Case, series: Path, tmp_path: Path) -> None:
    for path in write_dicom_series(case.phantom.image, tmp_path, case="one", thickness_mm=4.0):
        assert path.read_bytes() == (series / path.name).read_bytes()


def test_refusals(case: Case, tmp_path: Path) -> None:
    image = case.phantom.image
    sheared = image.grid.affine.copy()
    sheared[:3, 2] += 0.1 * sheared[:3, 1]
    for volume, sentence in (
        (replace(image, sequence=None), "the contrast of the volume is not known, expected one of T1"),
        (replace(image, array=image.array.astype(np.float32)), "the intensities are float32, expected int16 or uint16"),
        (Volume(image.array, Grid(image.grid.shape, sheared), Sequence.T1), "the voxel axes are not at right angles"),
    ):
        with pytest.raises(InputError, match=sentence):
            write_dicom_series(volume, tmp_path, case="one")
    assert list(tmp_path.iterdir()) == []
