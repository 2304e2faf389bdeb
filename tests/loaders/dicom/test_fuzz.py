"""Damaged and hostile files: a volume or one of the package's own errors comes out, nothing else, whatever goes in."""

import contextlib
import io
import shutil
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from foramgrade.errors import InputError
from foramgrade.loaders import list_series, read_volume

VALUES = np.arange(8 * 6 * 3, dtype=np.int16).reshape(8, 6, 3)
AFFINE = np.array([[0, 0, -4.4, 38], [-0.6, 0, 0, 61], [0, -0.7, 0, 47], [0, 0, 0, 1]])

#: A header may make the loader take this much, bytes, whatever sizes it announces: pydicom's own buffers and caches.
SMALL = 20 * 2**20

repeatable = settings(derandomize=True, deadline=None, database=None)


def read_everything(path):
    """Read a path as a user would; gives the volume, or the refusal as text, which says something."""
    with contextlib.suppress(InputError):
        list_series(path)
    try:
        volume = read_volume(path)
    except InputError as error:
        return str(error)
    assert volume.array.shape == volume.grid.shape
    assert np.isfinite(volume.array).all()
    assert np.isfinite(volume.grid.affine).all()
    return volume


class Files(dict):
    """Contents of files, too long to be printed with a failing example."""

    def __repr__(self):
        return "good files"


@pytest.fixture(scope="module")
def good_files(write_series, write_enhanced, tmp_path_factory):
    """Good inputs by kind: the bytes of the files of a folder."""
    folder = tmp_path_factory.mktemp("good")
    syntaxes = {
        "explicit": ExplicitVRLittleEndian,
        "implicit": ImplicitVRLittleEndian,
        "deflated": DeflatedExplicitVRLittleEndian,
        "rle": RLELossless,
        "jpeg-lossless": JPEGLosslessSV1,
        "jpeg-ls": JPEGLSLossless,
        "jpeg-2000": JPEG2000Lossless,
    }
    for kind, syntax in syntaxes.items():
        write_series(folder / kind, VALUES, AFFINE, transfer_syntax=syntax)
    write_enhanced(folder / "enhanced" / "e.dcm", VALUES, AFFINE)
    write_enhanced(folder / "enhanced-rle" / "e.dcm", VALUES, AFFINE, shared=False, transfer_syntax=RLELossless)
    return Files(
        {
            kind.name: {file.name: file.read_bytes() for file in sorted(kind.iterdir())}
            for kind in sorted(folder.iterdir())
        }
    )


KINDS = st.sampled_from(
    ["explicit", "implicit", "deflated", "rle", "jpeg-lossless", "jpeg-ls", "jpeg-2000", "enhanced", "enhanced-rle"]
)


def read_with_first(files, damaged):
    """Read a folder whose first file is replaced."""
    with tempfile.TemporaryDirectory() as folder:
        for n, (name, content) in enumerate(files.items()):
            (Path(folder) / name).write_bytes(damaged if n == 0 else content)
        return read_everything(Path(folder))


@pytest.mark.parametrize("packed", [False, True])
def test_the_good_files_are_good(packed, good_files, tmp_path):
    for kind, files in good_files.items():
        if packed:
            with zipfile.ZipFile(tmp_path / f"{kind}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in files.items():
                    archive.writestr(f"{kind}/{name}", content)
        else:
            (tmp_path / kind).mkdir()
            for name, content in files.items():
                (tmp_path / kind / name).write_bytes(content)
        volume = read_volume(tmp_path / (f"{kind}.zip" if packed else kind))
        np.testing.assert_array_equal(np.sort(volume.array, axis=None), np.sort(VALUES, axis=None))


@settings(repeatable, max_examples=250)
@given(kind=KINDS, share=st.floats(0, 1, exclude_max=True))
@example(kind="explicit", share=0.0)
def test_a_file_may_end_anywhere(kind, share, good_files):
    whole = next(iter(good_files[kind].values()))
    cut = int(share * len(whole))
    found = read_with_first(good_files[kind], whole[:cut])
    # Less than half of a file never holds its pixels; a lost slice must not go unnoticed unless it is at an end.
    if len(good_files[kind]) == 1 and share < 0.5:
        assert isinstance(found, str)


@settings(repeatable, max_examples=500)
@given(
    kind=KINDS,
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_any_bytes_may_be_changed(kind, changes, good_files):
    damaged = bytearray(next(iter(good_files[kind].values())))
    for share, value in changes:
        damaged[int(share * len(damaged))] = value
    assert read_with_first(good_files[kind], bytes(damaged))


@settings(repeatable, max_examples=150)
@given(kind=KINDS, start=st.floats(0, 1), length=st.integers(1, 400), inserted=st.binary(max_size=40))
def test_any_part_may_be_replaced(kind, start, length, inserted, good_files):
    whole = next(iter(good_files[kind].values()))
    at = int(start * len(whole))
    assert read_with_first(good_files[kind], whole[:at] + inserted + whole[at + length :])


@settings(repeatable, max_examples=60)
@given(content=st.binary(max_size=300), marked=st.booleans())
def test_noise_is_refused(content, marked):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.dcm"
        path.write_bytes(b"\0" * 128 + b"DICM" + content if marked else content)
        assert isinstance(read_everything(path), str)


@settings(repeatable, max_examples=100)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4), cut=st.floats(0, 1)
)
def test_archives_may_be_damaged(changes, cut, good_files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in good_files["explicit"].items():
            archive.writestr(name, content)
    damaged = bytearray(packed.getvalue())
    for share, value in changes:
        damaged[int(share * len(damaged))] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.zip"
        path.write_bytes(damaged if changes else damaged[: int(cut * len(damaged))])
        assert read_everything(path)


# --- wrong values ---

WRONG = {
    "Rows": [
        "US:\0\0",
        "US:\xff\xff",
        "US:\x01",
        "LO:abcd",
        "US:",
        "OB:abc",
        "UN:\xff\xff\xff\xff",
        "US:\x08\x00\x08\x00",
    ],
    "Columns": ["US:\0\0", "US:\xff\xff", "DS:1e30", "LO:"],
    "PixelSpacing": [
        "DS:0.6 ",
        "DS:1\\1\\1 ",
        "DS:NaN\\NaN ",
        "DS:",
        "DS:-1\\1",
        "DS:0\\0 ",
        "DS:1e400\\1",
        "LO:wide",
        "US:\x01\x00\x01\x00",
        "DS:1e-30\\1e-30 ",
        "SQ:\xfe\xff\x00\xe0",
    ],
    "ImagePositionPatient": [
        "DS:1\\2 ",
        "DS:inf\\0\\0 ",
        "DS:",
        "DS:a\\b\\c ",
        "DS:1e300\\1e300\\1e300 ",
        "DS:1\\2\\3\\4 ",
    ],
    "ImageOrientationPatient": [
        "DS:0\\0\\0\\0\\0\\0 ",
        "DS:1\\0\\0\\1\\0\\0 ",
        "DS:1\\0\\0\\0\\1 ",
        "DS:NaN\\0\\0\\0\\1\\0",
        "DS:",
        "DS:1\\0\\0\\0.7\\0.7\\0 ",
        "DS:9\\0\\0\\0\\9\\0 ",
    ],
    "NumberOfFrames": ["IS:2147483647", "IS:-1", "IS:0 ", "IS:1e30", "IS:abc ", "IS:99999999999999999999", "IS:2 "],
    "BitsAllocated": [
        "US:\0\0",
        "US:\x07\0",
        "US:\x0c\0",
        "US:\x40\0",
        "US:\x01\0",
        "US:\x20\0",
        "US:\xff\xff",
        "US:\x08\0",
    ],
    "BitsStored": ["US:\0\0", "US:\x11\0", "US:\xff\xff", "US:\x01\0"],
    "HighBit": ["US:\0\0", "US:\xff\xff", "US:\x03\0"],
    "PixelRepresentation": ["US:\x07\0", "US:\xff\xff", "LO:signed"],
    "SamplesPerPixel": ["US:\0\0", "US:\x03\0", "US:\xff\xff"],
    "PhotometricInterpretation": ["CS:RGB ", "CS:", "CS:PALETTE COLOR ", "CS:\xff\xfe", "CS:YBR_FULL"],
    "RescaleSlope": ["DS:0 ", "DS:NaN ", "DS:1e308 ", "DS:-1e-320 ", "DS:inf ", "DS:x "],
    "RescaleIntercept": ["DS:inf ", "DS:1e308 ", "DS:1e39 ", "DS:NaN "],
    "InstanceNumber": ["IS:one ", "IS:1.5 ", "IS:99999999999999999999", "UN:\xff\xff"],
    "SeriesNumber": ["IS:one ", "IS:", "IS:1e999 "],
    "EchoNumbers": ["IS:1\\2 ", "IS:x "],
    "EchoTime": ["DS:\xff\xff", "DS:NaN ", "DS:-5 ", "DS:", "DS:1e400 "],
    "RepetitionTime": ["DS:\xff\xff", "DS:NaN ", "DS:1\\2 "],
    "SliceThickness": ["DS:NaN ", "DS:-1 ", "DS:0 ", "DS:x "],
    "SpacingBetweenSlices": ["DS:NaN ", "DS:-1 ", "DS:0 "],
    "SeriesInstanceUID": ["UI:", "UI:not a uid", "UI:" + "1" * 500, "UI:\xff\xff\0\0", "UI:1.2\\1.3 "],
    "StudyInstanceUID": ["UI:", "UI:\xff\xff"],
    "SOPClassUID": ["UI:", "UI:1.2.3 ", "UI:\xff\xff"],
    "SOPInstanceUID": ["UI:", "UI:1.2.3 "],
    "SpecificCharacterSet": ["CS:nonsense", "CS:ISO_IR 192\\ISO 2022 IR 87 ", "CS:\xff\xff", "CS:ISO 2022 IR 149\\"],
    "PatientName": ["PN:\xff\xfe\xfd^\x1b", "PN:====", "US:\x01\0"],
    "SeriesDescription": ["LO:\xff\xfe\x1b$B", "SQ:\xfe\xff", "LO:" + "x" * 5000, "LO:a\0b\n"],
    "ImageType": ["CS:", "CS:\\\\\\", "CS:\xff\xff", "US:\x01\0"],
    "ScanOptions": ["CS:\xff\xff", "US:\x01\0"],
    "Modality": ["CS:", "CS:SEG ", "CS:\xff\xff"],
    "SharedFunctionalGroupsSequence": [
        "LO:text",
        "SQ:\xfe\xff\x00\xe0\xff\xff\xff\xff",
        "SQ:",
        "UN:\xfe\xff\x00\xe0\x08\0\0\0ab",
    ],
    "PerFrameFunctionalGroupsSequence": [
        "LO:text",
        "SQ:\xfe\xff\x00\xe0\xff\xff\xff\xff",
        "SQ:",
        "SQ:\xfe\xff\x00\xe0\0\0\0\0",
    ],
    "PixelData": ["OW:", "OW:\0", "OB:abcd", "UN:abcd"],
    "InversionTime": ["DS:NaN ", "FD:\0\0\0"],
    "MagneticFieldStrength": ["DS:NaN ", "DS:x "],
}
CASES = [(keyword, value) for keyword, values in WRONG.items() for value in values]
SYNTAXES = ["", "1.2.3", str(JPEG2000Lossless), str(RLELossless), str(JPEGLosslessSV1), str(JPEGLSLossless)]
SYNTAXES += ["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.50"]


LONG_FORM = {"OB", "OW", "SQ", "UN"}


def put_raw(file, keyword, coded):
    """Replace an element of an explicit little-endian file by bytes as they may stand in one: "VR:value"."""
    kind, _, value = coded.partition(":")
    content = value.encode("latin-1")
    tag = Tag(pydicom.datadict.tag_for_keyword(keyword))
    dataset = pydicom.dcmread(file)
    if keyword in dataset:
        del dataset[tag]
        dataset.save_as(file)
    size = struct.pack("<HI", 0, len(content)) if kind in LONG_FORM else struct.pack("<H", len(content))
    element = struct.pack("<HH", tag.group, tag.element) + kind.encode() + size + content
    whole = file.read_bytes()
    # Readers stop at the pixels: everything else goes to the front, where no reader minds the order.
    at = len(whole) if keyword == "PixelData" else 144 + struct.unpack_from("<I", whole, 140)[0]
    file.write_bytes(whole[:at] + element + whole[at:])


@pytest.fixture(scope="module")
def written(write_series, write_enhanced, tmp_path_factory):
    """A good classic series and a good enhanced file, by name of their folder."""
    folder = tmp_path_factory.mktemp("written")
    classic = write_series(folder / "classic", VALUES, AFFINE)
    return {"classic": classic, "enhanced": [write_enhanced(folder / "enhanced" / "e.dcm", VALUES, AFFINE)]}


def copies(files, folder):
    return [Path(shutil.copy(file, folder)) for file in files]


def peak_of_reading(path):
    """What came of reading, and the most memory it took, bytes."""
    tracemalloc.start()
    try:
        found = read_everything(path)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "n_spoilt"), [("classic", 1), ("classic", 3), ("enhanced", 1)], ids=["one slice", "all slices", "enhanced"]
)
@pytest.mark.parametrize(("keyword", "coded"), CASES)
def test_any_element_may_be_wrong(keyword, coded, kind, n_spoilt, written, tmp_path):
    for file in copies(written[kind], tmp_path)[:n_spoilt]:
        put_raw(file, keyword, coded)
    _, most = peak_of_reading(tmp_path)
    assert most < SMALL


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_transfer_syntax_may_be_wrong(syntax, write_series, write_enhanced, tmp_path):
    def spoil(dataset, k):
        dataset.file_meta.TransferSyntaxUID = syntax

    files = write_series(tmp_path / "c", VALUES, AFFINE)
    files.append(write_enhanced(tmp_path / "e" / "e.dcm", VALUES, AFFINE))
    for file in files:
        content, before = file.read_bytes(), ExplicitVRLittleEndian.encode() + b"\0"
        padded = syntax.encode() + b"\0" * (len(syntax) % 2)
        old = b"UI" + len(before).to_bytes(2, "little") + before
        assert old in content
        file.write_bytes(content.replace(old, b"UI" + len(padded).to_bytes(2, "little") + padded, 1))
    assert read_everything(tmp_path / "c")
    assert read_everything(tmp_path / "e")


@settings(repeatable, max_examples=60)
@given(wrong=st.lists(st.sampled_from(CASES), min_size=2, max_size=5), slices=st.sets(st.integers(0, 2), min_size=1))
def test_several_elements_may_be_wrong(wrong, slices, written):
    with tempfile.TemporaryDirectory() as folder:
        files = copies(written["classic"], folder)
        for k in slices:
            for keyword, coded in wrong:
                with contextlib.suppress(Exception), warnings.catch_warnings():  # pydicom may refuse to read it again
                    warnings.simplefilter("ignore")
                    put_raw(files[k], keyword, coded)
        assert read_everything(Path(folder))


@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_any_elements_may_be_missing(data, written):
    for kind in sorted(written):
        with tempfile.TemporaryDirectory() as folder:
            file = copies(written[kind], folder)[0]
            dataset = pydicom.dcmread(file)
            for tag in data.draw(st.sets(st.sampled_from(sorted(dataset.keys())), min_size=1, max_size=4)):
                del dataset[tag]
            dataset.save_as(file)
            assert read_everything(Path(folder))


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1]
)
def test_a_huge_picture_of_few_bytes_takes_no_memory(syntax, write_series, write_enhanced, tmp_path):
    for name, kind in (("c", write_series), ("e/e.dcm", write_enhanced)):
        written = kind(tmp_path / name, VALUES, AFFINE, transfer_syntax=syntax)
        for file in written if isinstance(written, list) else [written]:
            dataset = pydicom.dcmread(file)
            dataset.Rows = dataset.Columns = 65535
            if "NumberOfFrames" in dataset:
                dataset.NumberOfFrames = 2**31 - 1
            dataset.save_as(file)
    for name in ("c", "e"):
        found, most = peak_of_reading(tmp_path / name)
        assert isinstance(found, str)
        assert most < SMALL
