"""The source series of exports: whose it is, what is missing, and headers as hospitals write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from dicom_files import SeriesWriter
from foramgrade.errors import InputError
from foramgrade.exports import read_source, write_dicom_seg, write_volume
from foramgrade.loaders import find_series, find_series_by_sha256

from ..conftest import MADE, Case

Write = Callable[..., Path]


@pytest.fixture
def write(case: Case, write_series: SeriesWriter, tmp_path: Path) -> Write:
    """Write a coarse series at the place of the phantom."""
    grid = case.phantom.image.grid
    array = np.zeros((grid.shape[0] // 6, grid.shape[1] // 6, grid.shape[2]), np.uint16)

    def call(**options: object) -> Path:
        write_series(tmp_path / "in", array, grid.affine @ np.diag([6.0, 6.0, 1.0, 1.0]), **options)
        return tmp_path / "in"

    return call


def test_identity_goes_into_the_objects(case: Case, write: Write, tmp_path: Path) -> None:
    source = read_source(find_series(write(patient_name="Müller^Anna=ミュラー^アンナ")))
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    ds = pydicom.dcmread(tmp_path / "seg.dcm")
    assert (ds.PatientName, ds.PatientID) == ("Müller^Anna=ミュラー^アンナ", "P-4711")
    assert (ds.PatientBirthDate, ds.StudyDate, ds.AccessionNumber) == ("19600102", "20240131", "A77")
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert "InstitutionName" not in ds


def test_anonymous_objects_hold_no_identity(case: Case, write: Write, tmp_path: Path) -> None:
    found = find_series(write(patient_name="Müller^Anna"))
    write_dicom_seg(case.study, read_source(found), tmp_path / "named.dcm", made=MADE)
    source = read_source(found, anonymous=True, case="case-1")
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE, anonymous=True)
    content = (tmp_path / "seg.dcm").read_bytes()
    for told in ("Müller", "Anna", "4711", "19600102", "20240131", "101112", "A77", "General Hospital"):
        assert told.encode() not in content, told
    ds, named = (pydicom.dcmread(tmp_path / name) for name in ("seg.dcm", "named.dcm"))
    assert (ds.PatientID, ds.PatientIdentityRemoved) == ("case-1", "YES")
    assert ds.StudyInstanceUID == named.StudyInstanceUID
    assert ds.SOPInstanceUID != named.SOPInstanceUID  # two objects of other contents


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "FrameOfReferenceUID"])
def test_a_header_without_what_references_need_is_refused(write: Write, keyword: str) -> None:
    folder = write(drop=(keyword,))
    with pytest.raises(InputError, match=rf"IM0001.dcm has no {keyword}: a DICOM export cannot refer to it"):
        read_source(find_series(folder))


def _damage(ds: Dataset, k: int) -> None:
    """What scanners and archives have been seen to write."""
    del k
    with pydicom.config.disable_value_validation():
        ds.add_new("PatientID", "LO", "4" * 90)
        ds.add_new("StudyDescription", "LO", "Wirbelsäule " * 20)
        ds.add_new("SeriesDescription", "LO", "a description of more than the 64 letters of DICOM " * 2)
        ds.add_new("StudyDate", "DA", "31.01.2024")
        ds.add_new("StudyTime", "TM", "noon")
        ds.add_new("PatientSex", "CS", "female?")
        ds.add_new("PatientAge", "AS", "63")
        ds.add_new("AccessionNumber", "SH", "A" * 40)
        ds.add_new("PatientName", "PN", "N" * 200)
        ds.add_new("StudyID", "SH", "two\nlines")
    block = ds.private_block(0x0029, "A VENDOR", create=True)
    block.add_new(0x10, "LO", "private things about Anna")


def test_values_that_do_not_fit_are_cut_or_left_out(case: Case, write: Write, tmp_path: Path) -> None:
    folder = write(edit=_damage)
    source = read_source(find_series(folder))
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    ds = pydicom.dcmread(tmp_path / "seg.dcm")
    assert ds.PatientID == "4" * 64
    assert len(ds.StudyDescription) <= 64
    assert all(ds[keyword].is_empty for keyword in ("StudyDate", "StudyTime", "PatientSex"))
    assert (ds.AccessionNumber, ds.StudyID) == ("A" * 16, "two lines")
    assert ds.PatientName == "N" * 64
    assert "PatientAge" not in ds
    assert b"private things" not in (tmp_path / "seg.dcm").read_bytes()


OPTIONAL = (
    *("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber", "StudyID"),
    *("SliceThickness", "SeriesNumber", "Manufacturer", "PatientPosition", "SeriesDescription", "Modality"),
)


def test_what_is_optional_may_be_missing(case: Case, write: Write, tmp_path: Path) -> None:
    source = read_source(find_series(write(drop=OPTIONAL)))
    write_dicom_seg(case.study, source, tmp_path / "seg.dcm", made=MADE)
    ds = pydicom.dcmread(tmp_path / "seg.dcm")
    for keyword in ("PatientName", "PatientID", "StudyDate", "StudyID"):
        assert ds[keyword].is_empty
    assert float(ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices) == pytest.approx(
        4.4
    )


def test_another_format_is_refused(case: Case, tmp_path: Path) -> None:
    write_volume(case.phantom.image, tmp_path / "image.nii.gz")
    with pytest.raises(InputError, match=r"image.nii.gz is no DICOM series: .* needs its StudyInstanceUID, "):
        read_source(find_series(tmp_path / "image.nii.gz"))


def test_the_graded_series_is_found_by_what_it_holds(write: Write, write_series: SeriesWriter, tmp_path: Path) -> None:
    folder = write()
    wanted = find_series(folder)
    sha256 = wanted.identify()["sha256"]
    other = np.ones((12, 12, 3), np.uint16)
    write_series(tmp_path / "in" / "other", other, np.diag([1.0, 1, 1, 1]), series_number=7)
    found = find_series_by_sha256(folder, sha256)
    assert found.stack is not None
    assert found.stack.header.series_number == 1
    with pytest.raises(InputError, match=r"none of the 2 series in the folder is the image that was graded: expected"):
        find_series_by_sha256(folder, "0" * 64)
    with pytest.raises(InputError, match=r"the folder is not the image that was graded"):
        find_series_by_sha256(folder, "0" * 64, series="7")


def test_the_graded_file_is_found_by_what_it_holds(case: Case, tmp_path: Path) -> None:
    write_volume(case.phantom.image, tmp_path / "image.nii.gz")
    found = find_series(tmp_path / "image.nii.gz")
    assert find_series_by_sha256(tmp_path / "image.nii.gz", found.identify()["sha256"]).path == found.path
    with pytest.raises(InputError, match=r"image.nii.gz is not the image that was graded: expected SHA-256 0000"):
        find_series_by_sha256(tmp_path / "image.nii.gz", "0" * 64)
