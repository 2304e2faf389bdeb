"""What headers say, however sparse, nested or oddly encoded they are."""

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from foramgrade.errors import InputError
from foramgrade.loaders import list_series, read_volume
from foramgrade.loaders.dicom.fields import MOSAIC
from foramgrade.loaders.dicom.headers import HeaderReader, NoDicomError, read_frames
from foramgrade.loaders.sources import Source

SHAPE = (6, 5, 3)
VALUES = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)


@pytest.fixture
def affine(oblique_grid):
    """The default grid with slices in the order in which DICOM counts them: along rows x columns."""
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


def source_of(path):
    return Source(path.parent, path.name)


def assert_read(path, affine):
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, VALUES)
    np.testing.assert_allclose(volume.grid.affine, affine, rtol=0, atol=1e-6)


SPARSE = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "Manufacturer", "SeriesDescription", "ProtocolName"),
    *("SpecificCharacterSet", "ImageType", "SeriesNumber", "InstanceNumber", "FrameOfReferenceUID", "StudyDate"),
    *("PatientName", "PatientID", "PatientBirthDate", "EchoTime", "RepetitionTime", "EchoNumbers", "FlipAngle"),
    *("EchoTrainLength", "ScanningSequence", "SequenceVariant", "ScanOptions", "MagneticFieldStrength"),
    *("SliceThickness", "HighBit", "SamplesPerPixel", "PhotometricInterpretation", "StudyInstanceUID"),
]


@pytest.mark.parametrize(
    "drop", [(), *((keyword,) for keyword in SPARSE), SPARSE], ids=["nothing", *SPARSE, "everything"]
)
def test_places_and_pixels_are_all_that_is_needed(drop, affine, write_series, tmp_path):
    write_series(tmp_path, VALUES, affine, drop=drop)
    assert_read(tmp_path, affine)


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID"])
def test_series_without_a_uid_are_read(keyword, affine, write_series, tmp_path):
    write_series(tmp_path, VALUES, affine, drop=[keyword])
    assert_read(tmp_path, affine)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_files_without_preamble_and_meta_are_read(syntax, affine, write_series, tmp_path):
    for path in write_series(tmp_path, VALUES, affine, transfer_syntax=syntax):
        ds = pydicom.dcmread(path)
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, bare(ds), implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
        path.write_bytes(buffer.getvalue())
    assert_read(tmp_path, affine)


def bare(ds):
    """The data set alone, without file meta."""
    plain = Dataset()
    for element in ds:
        plain[element.tag] = element
    return plain


def test_files_without_a_transfer_syntax_are_read(affine, write_series, tmp_path):
    for path in write_series(tmp_path, VALUES, affine):
        ds = pydicom.dcmread(path)
        del ds.file_meta.TransferSyntaxUID
        pydicom.dcmwrite(path, ds, implicit_vr=False, little_endian=True)
    assert_read(tmp_path, affine)


def test_a_single_frame_may_claim_to_be_enhanced(affine, write_enhanced, tmp_path):
    """As de-identified public sets have it: Enhanced MR in the file meta, and nothing enhanced in the data set."""
    for k in range(SHAPE[2]):
        place = affine.copy()
        place[:3, 3] += k * affine[:3, 2]
        write_enhanced(
            tmp_path / f"{k}.dcm",
            VALUES[..., k : k + 1],
            place,
            top_level=True,
            drop=["SOPClassUID", "Modality", "Manufacturer", "NumberOfFrames", "ImageType"],
        )
    assert pydicom.dcmread(tmp_path / "0.dcm").file_meta.MediaStorageSOPClassUID == EnhancedMRImageStorage
    assert_read(tmp_path, affine)


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=["implicit", "explicit", "big-endian", "deflated"],
)
@pytest.mark.parametrize("shared", [True, False])
def test_functional_groups_are_read_wherever_they_are(shared, syntax, affine, write_enhanced, tmp_path):
    path = write_enhanced(
        tmp_path / "e.dcm",
        VALUES,
        affine,
        shared=shared,
        transfer_syntax=syntax,
        slope=1,
        intercept=0,
        te=92.5,
        tr=4000,
    )
    assert_read(path, affine)
    frames = read_frames(source_of(path))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert {frame.n_frames for frame in frames} == {3}
    acquisition = frames[0].header.acquisition
    assert (acquisition.echo_time_ms, acquisition.repetition_time_ms) == (92.5, 4000)
    assert acquisition.image_type == ("ORIGINAL", "PRIMARY", "M", "NONE")


def test_the_nearest_word_counts(affine, write_enhanced, tmp_path):
    """Of the frame before that of all frames before that of the file."""

    def edit(ds, k):
        ds.ImagePositionPatient, ds.PixelSpacing = ["9", "9", "9"], ["9", "9"]
        ds.RescaleSlope = ds.EchoTime = "7"
        shared = ds.SharedFunctionalGroupsSequence[0]
        shared.PlanePositionSequence = [Dataset()]
        shared.PlanePositionSequence[0].ImagePositionPatient = ["8", "8", "8"]

    path = write_enhanced(tmp_path / "e.dcm", VALUES, affine, slope=1, intercept=0, te=92.5, edit=edit)
    assert_read(path, affine)
    assert read_frames(source_of(path))[0].header.acquisition.echo_time_ms == 92.5


def test_empty_groups_say_nothing(affine, write_enhanced, tmp_path):
    def edit_frame(item, n, k):
        item.PixelMeasuresSequence = []
        item.PlaneOrientationSequence = [Dataset()]

    assert_read(write_enhanced(tmp_path / "e.dcm", VALUES, affine, edit_frame=edit_frame), affine)


def test_frames_without_groups_follow_one_another(affine, write_enhanced, tmp_path):
    """Old multi-frame files: one position, and the distance between slices."""

    def edit(ds, k):
        ds.SpacingBetweenSlices, ds.SliceThickness = "4.4", "4"

    path = write_enhanced(tmp_path / "old.dcm", VALUES, affine, top_level=True, edit=edit)
    assert_read(path, affine)


def test_to_world_is_where_the_volume_has_the_pixel(affine, write_series, tmp_path):
    paths = write_series(tmp_path, VALUES, affine)
    for k, path in enumerate(paths):
        (frame,) = read_frames(source_of(path))
        np.testing.assert_allclose(frame.to_world(2, 3), (affine @ [2, 3, k, 1])[:3], atol=1e-9)


def test_a_frame_that_is_nowhere_has_no_world(affine, write_series, tmp_path):
    (path,) = write_series(tmp_path, VALUES[..., :1], affine, drop=["ImageOrientationPatient"])
    (frame,) = read_frames(source_of(path))
    with pytest.raises(InputError, match=r"IM0001\.dcm does not say where in the patient it is"):
        frame.to_world(0, 0)


@pytest.mark.parametrize(
    "charset, encoding, description",
    [
        (None, "ascii", "SAG T2"),
        ("ISO_IR 100", "latin-1", "Wirbelsäule T2 sag"),
        ("ISO_IR 192", "utf-8", "腰椎 T2 矢状"),
        ("ISO_IR 144", "iso8859_5", "Поясничный T2"),
        ("GB18030", "gb18030", "腰椎 T2"),
    ],
)
def test_descriptions_in_every_character_set(charset, encoding, description, affine, write_series, tmp_path):
    def edit(ds, k):
        del ds.ProtocolName
        if charset is None:
            del ds.SpecificCharacterSet
        else:
            ds.SpecificCharacterSet = charset
        text = description.encode(encoding)
        ds[0x0008103E] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(0x0008103E), "LO", len(text), text, 0, False, True
        )

    paths = write_series(tmp_path, VALUES, affine, edit=edit)
    assert read_frames(source_of(paths[0]))[0].header.description == description


def test_an_unknown_character_set_does_no_harm(affine, write_series, tmp_path):
    (path,) = write_series(tmp_path, VALUES[..., :1], affine)
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"WRONG_SETS"))
    assert read_frames(source_of(path))[0].header.description == "SAG T2"


def test_equal_headers_are_kept_once(affine, write_series, tmp_path):
    paths = write_series(tmp_path, VALUES, affine)
    reader = HeaderReader()
    frames = [frame for path in paths for frame in reader.read(source_of(path))]
    assert len({id(frame.header) for frame in frames}) == 1
    assert len({id(frame.row) for frame in frames}) == 1


def test_the_number_of_a_frame_is_in_its_name_where_there_are_several(affine, write_series, write_enhanced, tmp_path):
    (path, *_) = write_series(tmp_path, VALUES, affine)
    assert [frame.file for frame in read_frames(source_of(path))] == ["IM0001.dcm"]
    path = write_enhanced(tmp_path / "e.dcm", VALUES, affine)
    assert [frame.file for frame in read_frames(source_of(path))] == [f"e.dcm frame {n}" for n in (1, 2, 3)]


def test_folders_are_not_in_the_name(affine, write_series, tmp_path):
    write_series(tmp_path / "Doe_Jane", VALUES, affine)
    (frame,) = read_frames(Source(tmp_path, "Doe_Jane/IM0001.dcm"))
    assert frame.file == "IM0001.dcm"


@pytest.mark.parametrize("content", [b"", b"notes", b"\0" * 200, b"\x89PNG\r\n" + bytes(500)])
def test_other_files_are_no_dicom(content, tmp_path):
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(NoDicomError, match=r"notes\.txt is not a DICOM file"):
        read_frames(Source(tmp_path, "notes.txt"))


def test_a_report_has_no_frames(affine, write_series, tmp_path):
    def edit(ds, k):
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = pydicom.uid.BasicTextSRStorage
        ds.Modality = "SR"

    drop = ["PixelData", "Rows", "Columns"]
    (path,) = write_series(tmp_path, VALUES[..., :1], affine, edit=lambda ds, k: (edit(ds, k), strip(ds, drop)))
    assert read_frames(source_of(path)) == ()


def strip(ds, keywords):
    for keyword in keywords:
        delattr(ds, keyword)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_file_that_ends_in_its_header_is_truncated(share, affine, write_series, tmp_path):
    (path,) = write_series(tmp_path, VALUES[..., :1], affine)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * (len(content) - VALUES[..., 0].nbytes))])
    with pytest.raises(InputError, match=r"IM0001\.dcm (is truncated: it ends before its pixels|has a damaged)"):
        read_frames(source_of(path))


def test_a_mosaic_is_told_by_its_type_or_by_the_grid_of_united_imaging(affine, write_series, tmp_path):
    def edit(ds, k):
        ds.private_block(0x0065, "Image Private Header", create=True).add_new(0x50, "DS", "25")

    (grid,) = write_series(tmp_path, VALUES[..., :1], affine, edit=edit)
    (mosaic,) = write_series(tmp_path, VALUES[..., :1], affine, prefix="M", image_type=("ORIGINAL", "PRIMARY", MOSAIC))
    for path in (grid, mosaic):
        assert MOSAIC in read_frames(source_of(path))[0].header.acquisition.image_type
        with pytest.raises(InputError, match="a mosaic of small pictures"):
            read_volume(path)


def test_a_mosaic_that_was_taken_apart_is_none(affine, write_enhanced, tmp_path):
    """Siemens XA leaves the word in the type of frames that it has unpacked."""
    path = write_enhanced(tmp_path / "e.dcm", VALUES, affine, image_type=("ORIGINAL", "PRIMARY", "M", MOSAIC))
    assert_read(path, affine)


@pytest.mark.parametrize(
    "keyword, value, attribute, expected",
    [
        ("EchoTime", "", "echo_time_ms", None),
        ("EchoTime", "  92.5 ", "echo_time_ms", 92.5),
        ("RepetitionTime", "4e3", "repetition_time_ms", 4000.0),
        ("ScanOptions", ["FS", ""], "scan_options", ("FS",)),
        ("EchoTrainLength", "17", "echo_train_length", 17),
    ],
)
def test_values_of_the_acquisition(keyword, value, attribute, expected, affine, write_series, tmp_path):
    (path,) = write_series(
        tmp_path, VALUES[..., :1], affine, edit=lambda ds, _: setattr(ds, keyword, value), scan_options=("X",)
    )
    assert getattr(read_frames(source_of(path))[0].header.acquisition, attribute) == expected


def test_a_deflated_bomb_is_refused(affine, write_series, tmp_path, monkeypatch):
    monkeypatch.setattr("foramgrade.loaders.dicom.headers._MOST_INFLATED", 50_000)
    (file,) = write_series(
        tmp_path, np.zeros((300, 300, 1), np.uint16), affine, transfer_syntax=DeflatedExplicitVRLittleEndian
    )
    assert file.stat().st_size < 5_000
    with pytest.raises(InputError, match="a deflated file holds more than 50000 bytes"):
        list_series(tmp_path)


@pytest.mark.parametrize("beginning", [140, 500, 700, 5_000, 2**18])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_header_of_any_length_is_read(syntax, beginning, affine, write_series, tmp_path, monkeypatch):
    """The beginning that is parsed first may end anywhere: before, in the middle of, or after an element."""

    def lengthen(dataset, k):
        dataset.private_block(0x0029, "FORAMGRADE TEST", create=True).add_new(0x10, "OB", bytes(3000))

    monkeypatch.setattr("foramgrade.loaders.dicom.headers._BEGINNING", beginning)
    write_series(tmp_path, VALUES, affine, transfer_syntax=syntax, edit=lengthen)
    np.testing.assert_array_equal(read_volume(tmp_path).array, VALUES)
