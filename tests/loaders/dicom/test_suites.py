"""Every series of the public DICOM suites against what other software made of it.

The suites' own truth was written by dcm2niix (``dcm_qa_*``) and by dicom2nifti. What has none is read by ITK too. A
folder that is found and not in the tables fails the first test, so that none can be forgotten.
"""

from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from foramgrade.errors import InputError, SeriesError
from foramgrade.loaders import list_series, read_volume
from foramgrade.volume import Volume

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]

#: The truth is stored in 32-bit floating point, and dicom2nifti's to four decimals.
AFFINE_TOLERANCE_MM = 1e-3

#: What each folder of ``dicom`` holds: key of the series, and its truth. None: no truth of its own.
TRUTHS: dict[str, dict[str, str | None]] = {
    "dcm_qa_pdt2/In/Siemens/VE11": {
        "3a": "dcm_qa_pdt2/Ref/Siemens_pd+t2_tse_sag_ISO_1.8mm_3_e1.nii",
        "3b": "dcm_qa_pdt2/Ref/Siemens_pd+t2_tse_sag_ISO_1.8mm_3_e2.nii",
    },
    "dcm_qa_xa30/In/5_anat-T1w_acq-tfl": {"5": "dcm_qa_xa30/Ref/5_anat-T1w_acq-tfl.nii"},
    "dcm_qa_xa30/In/6_anat-T1w_acq-tfl": {"6": "dcm_qa_xa30/Ref/6_anat-T1w_acq-tfl.nii"},
    # dicom2nifti refuses this one for its two orientations; its test is that it does.
    "dicom2nifti/failing/sliceorientation/001": {"202a": None, "202b": None},
    # Converted in dicom2nifti's tests without being compared.
    "dicom2nifti/generic/anatomical/001": {"4": None},
    **{
        f"dicom2nifti/{name}": {key: f"dicom2nifti/{name}_ground_truth.nii.gz"}
        for name, key in {
            "generic/compressed/001": "4",
            "generic/compressed_jpegls/001": "4",
            "generic/compressed_rle/001": "4",
            "ge/anatomical/001": "4",
            "ge/anatomical/001_implicit": "4",
            "ge/anatomical/001_single_slice": "4",
            "hitachi/anatomical/001": "10",
            "hitachi/anatomical/001_implicit": "10",
            "hyperfine/anatomical/001": "10",
            "siemens_multiframe/anatomical/001": "5",
        }.items()
    },
}
WITH_TRUTH = [(folder, key, truth) for folder, series in TRUTHS.items() for key, truth in series.items() if truth]
WITHOUT_TRUTH = [(folder, key) for folder, series in TRUTHS.items() for key, truth in series.items() if truth is None]

#: Folders of ``dicom_seg`` with images, and those with segmentations only.
PICTURES = ["ct-3slice", "23x38x3/image", "23x38x3/multiframe", "24x38x3/image", "24x38x3/multiframe"]
SEGMENTATIONS = [".", "23x38x3/seg", "24x38x3/seg"]


@pytest.fixture
def suites(shared_data: Path) -> Path:
    return shared_data / "dicom"


@pytest.fixture
def seg_suite(shared_data: Path) -> Path:
    return shared_data / "dicom_seg" / "dcmqi_segmentations"


def dicom_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.read_bytes()[128:132] == b"DICM")


def stored_like(volume: Volume, reference: Floats) -> tuple[Array, Floats]:
    """Values and affine in the storage order of another affine."""
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(volume.grid.affine), nib.orientations.io_orientation(reference)
    )
    array = nib.orientations.apply_orientation(volume.array, turn)
    return array, volume.grid.affine @ nib.orientations.inv_ornt_aff(turn, volume.array.shape)


def assert_same(volume: Volume, values: Array, affine: Floats) -> None:
    array, placed = stored_like(volume, affine)
    assert array.shape == values.shape
    assert np.abs(placed - affine).max() < AFFINE_TOLERANCE_MM
    np.testing.assert_array_equal(array, values)


def read_with_itk(files: list[Path]) -> tuple[Array, Floats]:
    """A series of slices, or one file of many frames, as ITK reads it: values (i, j, k) and affine (RAS+)."""
    if len(files) == 1:
        image = SimpleITK.ReadImage(str(files[0]))
    else:
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(files[0].parent))
        image = SimpleITK.ReadImage(names)
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def test_every_folder_of_the_suites_is_in_a_table(suites: Path, seg_suite: Path) -> None:
    found = {str(file.parent.relative_to(suites)) for file in dicom_files(suites)}
    assert found == set(TRUTHS)
    found = {str(file.parent.relative_to(seg_suite)) for file in dicom_files(seg_suite)}
    assert found == {*PICTURES, *SEGMENTATIONS}
    references = {file for file in suites.rglob("*.nii*") if "_reoriented" not in file.name}
    assert references == {suites / truth for _, _, truth in WITH_TRUTH}


@pytest.mark.parametrize("folder", TRUTHS)
def test_every_slice_is_in_a_listed_series(suites: Path, folder: str) -> None:
    listed = list_series(suites / folder)
    assert [info.key for info in listed] == list(TRUTHS[folder])
    assert all(info.problems == () and info.gaps == info.duplicates == 0 for info in listed)
    files = dicom_files(suites / folder)
    n_frames = sum(info.n_slices for info in listed)
    assert n_frames == len(files) if len(files) > 1 else n_frames >= 1


@pytest.mark.parametrize(("folder", "key", "truth"), WITH_TRUTH)
def test_series_equals_its_truth(suites: Path, folder: str, key: str, truth: str) -> None:
    reference = nib.load(suites / truth)
    volume = read_volume(suites / folder, series=key)
    assert_same(volume, np.asarray(reference.dataobj), reference.affine)
    listed = {info.key: info for info in list_series(suites / folder)}[key]
    assert listed.shape == volume.array.shape
    assert listed.dtype == volume.array.dtype.name
    known = 3 if listed.n_slices > 1 else 2  # a single slice may not say how thick it is
    assert listed.spacing_mm[:known] == pytest.approx(volume.grid.spacing_mm[:known], rel=1e-4)


@pytest.mark.parametrize(
    ("folder", "truth"), [(folder, truth) for folder, _, truth in WITH_TRUTH if "ground_truth" in truth]
)
def test_series_equals_its_reoriented_truth(suites: Path, folder: str, truth: str) -> None:
    reference = nib.load(suites / truth.replace("_truth.", "_truth_reoriented."))
    assert_same(read_volume(suites / folder), np.asarray(reference.dataobj), reference.affine)


def test_two_echoes_of_a_series_are_apart(suites: Path) -> None:
    folder = suites / "dcm_qa_pdt2/In/Siemens/VE11"
    with pytest.raises(SeriesError, match=r"expected one series, 2 fit; choose one of: 3a: sagittal, PD.*; 3b: sag"):
        read_volume(folder)
    first, second = (read_volume(folder, series=key) for key in ("3a", "3b"))
    assert np.count_nonzero(first.array != second.array) > first.array.size / 2
    # 2.34 mm between slices, whatever Slice Thickness (1.8 mm) says.
    assert first.grid.spacing_mm[2] == pytest.approx(2.34, abs=1e-4)


def test_mixed_orientations_are_refused_with_the_choices(suites: Path) -> None:
    with pytest.raises(
        SeriesError,
        match=r"expected one series, 2 fit; choose one of: 202a: sagittal, .*2 slices \(IM-0001-0001-0001 2\.dcm, "
        r"IM-0001-0002-0001 2\.dcm\); 202b: axial, .*2 slices \(IM-0001-0001-0001\.dcm, IM-0001-0002-0001\.dcm\)",
    ):
        read_volume(suites / "dicom2nifti/failing/sliceorientation/001")


@pytest.mark.parametrize(("folder", "key"), WITHOUT_TRUTH)
def test_series_without_truth_equals_itk(suites: Path, folder: str, key: str) -> None:
    files = dicom_files(suites / folder)
    if folder.endswith("sliceorientation/001"):  # the sagittal slices have a 2 in their names
        files = [file for file in files if (" 2" in file.name) == (key == "202a")]
        slices = [read_with_itk([file]) for file in files]
        step = slices[1][1][:3, 3] - slices[0][1][:3, 3]
        affine = slices[0][1].copy()
        affine[:3, 2] = step
        values = np.concatenate([array for array, _ in slices], axis=2)
    else:
        values, affine = read_with_itk(files)
    assert_same(read_volume(suites / folder, series=key), values, affine)


def test_series_of_several_folders_have_keys_of_their_own(suites: Path) -> None:
    listed = list_series(suites / "dcm_qa_xa30")
    assert [info.key for info in listed] == ["5", "6"]
    for info, folder in zip(listed, ("5_anat-T1w_acq-tfl", "6_anat-T1w_acq-tfl"), strict=True):
        alone = read_volume(suites / "dcm_qa_xa30/In" / folder)
        for name in (info.key, info.uid):
            among = read_volume(suites / "dcm_qa_xa30", series=name)
            np.testing.assert_array_equal(among.array, alone.array)
            np.testing.assert_array_equal(among.grid.affine, alone.grid.affine)


@pytest.mark.parametrize("folder", PICTURES)
def test_plain_series_equals_itk(seg_suite: Path, folder: str) -> None:
    assert_same(read_volume(seg_suite / folder), *read_with_itk(dicom_files(seg_suite / folder)))


@pytest.mark.parametrize("size", ["23x38x3", "24x38x3"])
def test_many_files_equal_many_frames(seg_suite: Path, size: str) -> None:
    files, frames = (read_volume(seg_suite / size / kind) for kind in ("image", "multiframe"))
    assert frames.grid.matches(files.grid, tolerance_mm=AFFINE_TOLERANCE_MM)
    np.testing.assert_array_equal(frames.array, files.array)


@pytest.mark.parametrize("folder", SEGMENTATIONS[1:])
def test_segmentation_is_no_image(seg_suite: Path, folder: str) -> None:
    with pytest.raises(InputError, match=r"label\.seg.*: a segmentation: read it as labels"):
        read_volume(seg_suite / folder)
