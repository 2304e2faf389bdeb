"""Which series is meant, what is told of it, and that nothing of the patient gets out."""

import dataclasses
import logging
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from foramgrade.errors import InputError, SeriesError
from foramgrade.findings import Sequence
from foramgrade.loaders import Irregularity, Plane, find_series, list_series, read_volume

SHAPE = (6, 5, 4)


@pytest.fixture
def affine(oblique_grid):
    """The default grid with slices in the order in which DICOM counts them: along rows x columns."""
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


@pytest.fixture
def axial():
    return np.array([[-0.6, 0, 0, 60], [0, -0.6, 0, 50], [0, 0, 4.4, -30], [0, 0, 0, 1]])


def picture(number, shape=SHAPE):
    return (1000 * number + np.arange(np.prod(shape))).reshape(shape).astype(np.int16)


@pytest.fixture
def study(affine, axial, write_series, tmp_path):
    """A lumbar study: sagittal T1 (2), T2 (3), STIR (4), two echoes (5), axial T2 (6)."""
    folder = tmp_path / "study"
    times = {
        2: {"te": 10.0, "tr": 550.0},
        3: {"te": 102.0, "tr": 3500.0},
        4: {"te": 60.0, "tr": 4000.0, "ti": 160.0, "scanning_sequence": ("SE", "IR")},
    }
    for number, options in times.items():
        write_series(folder / str(number), picture(number), affine, series_number=number, **options)
    write_series(folder / "5", picture(11), affine, series_number=5, te=11.0, tr=4320.0, prefix="A", echo_number=1)
    write_series(folder / "5", picture(12), affine, series_number=5, te=92.0, tr=4320.0, prefix="B", echo_number=2)
    write_series(folder / "6", picture(6), axial, series_number=6, te=100.0, tr=4000.0)
    return folder


def first_value(volume):
    return int(volume.array.flat[0])


def test_a_study_is_listed_by_number(study):
    listed = list_series(study)
    assert [(info.key, info.plane, info.weighting, info.n_slices) for info in listed] == [
        ("2", Plane.SAGITTAL, Sequence.T1, 4),
        ("3", Plane.SAGITTAL, Sequence.T2, 4),
        ("4", Plane.SAGITTAL, Sequence.STIR, 4),
        ("5a", Plane.SAGITTAL, Sequence.PD, 4),
        ("5b", Plane.SAGITTAL, Sequence.T2, 4),
        ("6", Plane.AXIAL, Sequence.T2, 4),
    ]
    assert len({info.uid for info in listed}) == 6
    assert {info.vendor for info in listed} == {"SIEMENS"}
    assert {info.orientation for info in listed} == {"PIR", "LPS"}
    assert len({info.case for info in listed}) == 1
    assert all(info.value_range is None for info in listed)
    ranges = [info.value_range for info in list_series(study, read_values=True)]
    assert ranges[0] == (2000.0, 2000.0 + np.prod(SHAPE) - 1)


@pytest.mark.parametrize("key, value", [("2", 2000), ("4", 4000), ("5a", 11000), ("5b", 12000), ("6", 6000)])
def test_a_series_is_chosen_by_its_key(key, value, study):
    assert first_value(read_volume(study, series=key)) == value


def test_a_series_is_chosen_by_its_uid(study):
    for info in list_series(study):
        by_key, by_uid = (read_volume(study, series=name) for name in (info.key, info.uid))
        np.testing.assert_array_equal(by_key.array, by_uid.array)


def test_the_uid_of_a_split_series_alone_is_ambiguous(study):
    uid = {info.key: info.uid for info in list_series(study)}["5a"].split("#")[0]
    with pytest.raises(SeriesError, match=r"2 fit; choose one of: 5a: .*; 5b: "):
        read_volume(study, series=uid)


@pytest.mark.parametrize(
    "choice, value",
    [
        ({"sequence": "T1"}, 2000),
        ({"sequence": Sequence.STIR}, 4000),
        ({"plane": Plane.AXIAL}, 6000),
        ({"plane": Plane.AXIAL, "sequence": "T2"}, 6000),
    ],
)
def test_a_series_is_chosen_by_contrast_and_plane(choice, value, study):
    assert first_value(read_volume(study, **choice)) == value


@pytest.mark.parametrize(
    "choice, message",
    [
        ({}, r"expected one series, 6 fit; choose one of: 2: sagittal, T1.*4 slices; 3: sagittal, T2.*6: axial, T2"),
        ({"sequence": "T2"}, r"expected one T2 series, 3 fit; choose one of: 3: .*; 5b: .*; 6: "),
        (
            {"sequence": "T2", "plane": Plane.SAGITTAL},
            r"expected one sagittal T2 series, 2 fit; choose one of: 3.*; 5b",
        ),
        ({"plane": Plane.CORONAL}, r"expected one coronal series, none fits; choose one of: 2: .*; 6: "),
        ({"series": "9"}, r"expected one series '9', none fits; choose one of: 2: .*; 6: "),
        ({"series": "5"}, r"expected one series '5', 2 fit; choose one of: 5a: sagittal, PD, 4 slices; 5b"),
    ],
)
def test_anything_but_one_match_lists_the_choices(choice, message, study):
    with pytest.raises(SeriesError, match=message):
        read_volume(study, **choice)


def test_many_choices_are_listed_in_part(affine, write_series, tmp_path):
    for number in range(1, 16):
        write_series(tmp_path / str(number), picture(0)[..., :1], affine, series_number=number)
    with pytest.raises(SeriesError, match=r"15 fit; choose one of: 1: .*; 12: .*; and 3 more$"):
        read_volume(tmp_path)


def test_a_contrast_that_is_named_is_believed_of_a_named_series(study):
    assert read_volume(study, series="3").sequence is Sequence.T2
    assert read_volume(study, series="3", sequence="T1").sequence is Sequence.T1


def test_a_contrast_is_believed_where_the_header_is_silent(affine, write_series, tmp_path):
    silent = ["EchoTime", "RepetitionTime", "SeriesDescription", "ProtocolName", "ScanningSequence", "FlipAngle"]
    write_series(tmp_path, picture(1), affine, drop=silent)
    assert read_volume(tmp_path).sequence is None
    assert read_volume(tmp_path, sequence="T2").sequence is Sequence.T2


def test_a_single_file_is_a_volume_of_one_slice(study):
    assert read_volume(study / "3" / "IM0002.dcm").array.shape == (6, 5, 1)


def test_an_archive_is_read_as_its_folder(study, tmp_path):
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(study.rglob("*.dcm")):
            packed.write(file, file.relative_to(study.parent))
    assert list_series(archive) == list_series(study)
    for info in list_series(study):
        one, other = (read_volume(path, series=info.key) for path in (archive, study))
        np.testing.assert_array_equal(one.array, other.array)
        np.testing.assert_array_equal(one.grid.affine, other.grid.affine)


def test_a_stray_localizer_is_not_part_of_the_volume(affine, axial, write_series, tmp_path):
    """In the same series: two volumes, and the message names the files of the small one."""
    write_series(tmp_path, picture(1), affine, series_uid="1.2.3")
    write_series(tmp_path, picture(2)[..., :1], axial, series_uid="1.2.3", prefix="LOC")
    with pytest.raises(SeriesError, match=r"1a: sagittal, .*4 slices; 1b: axial, .*1 slice \(LOC0001\.dcm\)"):
        read_volume(tmp_path)
    np.testing.assert_array_equal(read_volume(tmp_path, plane=Plane.SAGITTAL).array, picture(1))


def test_studies_with_equal_numbers_have_keys_by_rank(affine, write_series, tmp_path):
    studies = sorted(generate_uid() for _ in range(2))
    for number, uid in enumerate(studies):
        write_series(tmp_path / str(number), picture(number), affine, study_uid=uid, series_number=3)
    listed = list_series(tmp_path)
    assert [info.key for info in listed] == ["n1", "n2"]
    assert len({info.case for info in listed}) == 2
    assert [first_value(read_volume(tmp_path, series=key)) for key in ("n1", "n2")] == [0, 1000]


def test_a_damaged_file_among_the_slices_is_refused(study, caplog):
    path = study / "3" / "IM0002.dcm"
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(SeriesError, match=r"IM0002\.dcm .*lies among the slices of the series: expected all of them"):
        read_volume(study, series="3")
    assert first_value(read_volume(study, series="2")) == 2000
    with caplog.at_level(logging.WARNING):
        keys = [info.key for info in list_series(study)]
    assert "3" in keys
    assert any("IM0002.dcm" in message for message in caplog.messages)
    blank = read_volume(study, series="3", tolerate=[Irregularity.MISSING_SLICE])
    assert not blank.array[..., 1].any()
    np.testing.assert_array_equal(blank.array[..., [0, 2, 3]], picture(3)[..., [0, 2, 3]])


def test_what_is_no_dicom_does_not_disturb(study):
    (study / "3" / "notes.txt").write_text("sagittal")
    (study / "3" / "thumb.jpg").write_bytes(b"\xff\xd8\xff" + bytes(300))
    assert len(list_series(study)) == 6
    assert first_value(read_volume(study, series="3")) == 3000


def test_files_without_a_picture_do_not_disturb(study):
    ds = pydicom.dcmread(study / "3" / "IM0001.dcm")
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(ds, keyword)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = pydicom.uid.BasicTextSRStorage
    ds.save_as(study / "3" / "report.dcm")
    assert first_value(read_volume(study, series="3")) == 3000
    with pytest.raises(InputError, match="holds no"):
        read_volume(study / "3" / "report.dcm")


@pytest.mark.parametrize(
    "edit, why",
    [
        (lambda ds, k: setattr(ds, "SamplesPerPixel", 3), "a colour picture"),
        (lambda ds, k: setattr(ds, "Modality", "SEG"), "a segmentation"),
        (lambda ds, k: delattr(ds, "ImagePositionPatient"), "does not say where in the patient it is"),
        (lambda ds, k: setattr(ds, "ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]), "a mosaic"),
    ],
)
def test_pictures_that_are_no_volumes_are_left_out_and_said(edit, why, affine, write_series, study, tmp_path, caplog):
    write_series(study / "7", picture(7), affine, series_number=7, edit=edit)
    with caplog.at_level(logging.WARNING):
        assert "7" not in [info.key for info in list_series(study)]
    assert any(why in message for message in caplog.messages)
    with pytest.raises(InputError, match=why):
        read_volume(study / "7")
    with pytest.raises(InputError, match=why):
        list_series(study / "7")


def test_an_irregular_series_is_listed_with_what_is_wrong(study):
    (study / "3" / "IM0002.dcm").unlink()
    info = {info.key: info for info in list_series(study, read_values=True)}["3"]
    assert (info.gaps, info.n_slices, info.value_range) == (1, 3, None)
    assert "IM0001.dcm" in info.problems[0]
    with pytest.raises(SeriesError, match=r"^series 3: slices are missing"):
        read_volume(study, series="3")


SECRETS = {
    "PatientName": "Mustermann^Erika^Dr.",
    "PatientID": "PID-778812",
    "PatientBirthDate": "19551231",
    "OtherPatientNames": "Schmidt^Erika",
}
#: None of these may be seen outside, in any writing.
NEVER = ("mustermann", "erika", "778812", "19551231", "31.12.1955", "schmidt")


@pytest.fixture
def confidential(affine, write_series, tmp_path):
    """Series whose texts, folders and archive name the patient."""

    def edit(ds, k):
        for keyword, value in SECRETS.items():
            setattr(ds, keyword, value)
        ds.SeriesDescription = "MUSTERMANN Erika T2 sag 31.12.1955"
        ds.ProtocolName = "t2_tse_sag PID-778812"
        ds.ImageComments = ds.PatientComments = "Frau Mustermann"

    folder = tmp_path / "Mustermann_Erika_19551231"
    write_series(folder / "Schmidt" / "T2", picture(1), affine, edit=edit)
    write_series(folder / "Schmidt" / "T1", picture(2), affine, edit=edit, series_number=2, te=10.0, tr=500.0)
    return folder


def assert_discreet(text):
    assert [word for word in NEVER if word in text.lower()] == []


def test_listings_and_volumes_do_not_name_the_patient(confidential, caplog):
    caplog.set_level(logging.DEBUG)
    for info in list_series(confidential, read_values=True):
        assert_discreet(repr(info))
        assert "T2 sag" in info.name
        volume = read_volume(confidential, series=info.key)
        assert_discreet(repr((volume.grid, volume.sequence, volume.fat_suppressed, volume.contrast_reason)))
        assert {field.name for field in dataclasses.fields(volume)} == {
            *("array", "grid", "sequence", "fat_suppressed", "contrast_reason", "blank_slices")
        }
    assert_discreet(caplog.text)


@pytest.mark.parametrize("spoil", ["nothing", "gap", "copy", "truncated", "header", "nowhere", "empty"])
def test_messages_do_not_name_the_patient(spoil, confidential, caplog):
    caplog.set_level(logging.DEBUG)
    paths = sorted((confidential / "Schmidt" / "T2").iterdir())
    content = paths[1].read_bytes()
    if spoil == "gap":
        paths[1].unlink()
    elif spoil == "copy":
        (paths[1].parent / "copy.dcm").write_bytes(content)
    elif spoil == "truncated":
        paths[1].write_bytes(content[:-10])
    elif spoil == "header":
        paths[1].write_bytes(content[:600])
    elif spoil == "nowhere":
        for path in paths:
            ds = pydicom.dcmread(path)
            del ds.ImageOrientationPatient
            ds.save_as(path)
    elif spoil == "empty":
        for path in confidential.rglob("*.dcm"):
            path.unlink()
    if spoil != "nothing":
        with pytest.raises(InputError, match=r"^(the folder|series|IM0|no)") as refused:
            read_volume(confidential / "Schmidt" / "T2")
        assert_discreet(str(refused.value))
    with pytest.raises(InputError, match=r"none fits|holds no") as refused:
        read_volume(confidential, series="no such")
    assert_discreet(str(refused.value))
    assert_discreet(caplog.text)


def test_the_case_is_a_pseudonym_of_the_study(study):
    mine, theirs = (list_series(study, salt=salt)[0].case for salt in ("mine", "theirs"))
    assert mine != theirs
    assert mine.startswith("case-")


@pytest.mark.parametrize("name", ["IM0002.dcm", "IM0002", "1.2.840.77"])
def test_an_empty_file_among_the_slices_is_a_lost_slice(study, name):
    (study / "3" / "IM0004.dcm").unlink()  # an end slice: no gap would tell
    (study / "3" / name).write_bytes(b"")
    with pytest.raises(SeriesError, match=f"{name} is not a DICOM file, and lies among the slices"):
        read_volume(study, series="3")


def test_notes_among_the_slices_are_none_of_them(study):
    (study / "3" / "notes.txt").write_bytes(b"")
    (study / "3" / "README").write_bytes(b"see the report")
    assert read_volume(study, series="3").array.shape == SHAPE


def test_blank_slices_are_told(study, caplog):
    (study / "3" / "IM0002.dcm").unlink()
    with caplog.at_level(logging.WARNING):
        read_volume(study, series="3", tolerate=["missing-slice"])
    assert "series 3: 1 of 4 slices are missing and blank" in caplog.text


def test_words_stand_for_members(study):
    assert read_volume(study, sequence="T2", plane="axial").sequence is Sequence.T2
    with pytest.raises(InputError, match="the plane is 'sag', expected one of sagittal, coronal, axial, oblique"):
        read_volume(study, plane="sag")
    with pytest.raises(InputError, match="irregularity to tolerate is 'gaps', expected one of missing-slice"):
        read_volume(study, series="3", tolerate=["gaps"])


def test_a_found_series_does_not_show_where_it_lies(study):
    shown = repr(find_series(study, series="3"))
    assert study.name not in shown
    assert len(shown) < 100


def test_files_that_are_no_volume_are_named_once(study, write_series, caplog, affine):
    write_series(study / "9", picture(1), affine, series_number=9, modality="SEG")
    with caplog.at_level(logging.WARNING):
        list_series(study)
    assert "left out: IM0001.dcm and 3 other files: a segmentation" in caplog.text


def test_truncated_pixels_are_a_damaged_slice(study):
    path = study / "3" / "IM0002.dcm"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(SeriesError, match=r"IM0002\.dcm is truncated: 53 of 60 bytes of pixels, and lies among"):
        read_volume(study, series="3")
    blank = read_volume(study, series="3", tolerate=[Irregularity.MISSING_SLICE])
    assert blank.blank_slices == (1,)
    assert not blank.array[..., 1].any()


def test_a_damaged_file_of_another_series_does_not_disturb(study):
    for path in (study / "2").iterdir():
        path.rename(study / "3" / f"other-{path.name}")
    path = study / "3" / "other-IM0002.dcm"
    path.write_bytes(path.read_bytes()[:-7])
    assert first_value(read_volume(study, series="3")) == 3000
    with pytest.raises(SeriesError, match=r"other-IM0002\.dcm is truncated"):
        read_volume(study, series="2")


def test_a_slice_of_another_patient_is_not_taken_in(study):
    path = study / "3" / "IM0004.dcm"
    ds = pydicom.dcmread(path)
    ds.PatientID, ds.PatientName = "another", "Roe^Richard"
    ds.save_as(path)
    with pytest.raises(SeriesError, match=r"2 fit; choose one of: 3a: .* 3 slices; 3b: .* 1 slice \(IM0004\.dcm\)"):
        read_volume(study, series="3")
