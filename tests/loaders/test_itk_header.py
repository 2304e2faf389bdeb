"""Headers that native readers die or hang of: each line here did so in SimpleITK 2.5, all are refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import read_volume

META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 4 1 1\nDimSize = 3 4 5\n"
    "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 3 4 5\nencoding: raw\nendian: little\n"
    "space directions: (4,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
)
VOXELS = np.arange(60, dtype="<i2").tobytes()


def write(path: Path, header: str) -> Path:
    path.write_bytes(header.encode() + VOXELS)
    return path


@pytest.mark.parametrize("dimensions", ["-1", "0", "11", "100", "1e9", "9" * 90, ""])
def test_a_number_of_dimensions_that_overflows_metaio_is_refused(tmp_path: Path, dimensions: str) -> None:
    with pytest.raises(InputError, match=r"^i.mha has a damaged MetaImage header: NDims is '.*', expected 3$"):
        read_volume(write(tmp_path / "i.mha", META.replace("NDims = 3", f"NDims = {dimensions}")))


@pytest.mark.parametrize("line", ["NDims = 3\nNDims = -1", "NDims : 100", "NDims= 3\rNDims =1e9"])
def test_no_spelling_of_the_dimensions_gets_past(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="NDims is "):
        read_volume(write(tmp_path / "i.mha", META.replace("NDims = 3", line)))


@pytest.mark.parametrize("key", ["Name", "Comment", "ObjectSubType"])
def test_a_text_longer_than_metaio_keeps_is_refused(tmp_path: Path, key: str) -> None:
    def header(length: int) -> str:
        return META.replace("NDims", f"{key} = {'a' * length}\nNDims")

    assert read_volume(write(tmp_path / "i.mha", header(254))).grid.spacing_mm == (4.0, 1.0, 1.0)
    with pytest.raises(InputError, match=f"header: {key} has 255 bytes, expected at most 254"):
        read_volume(write(tmp_path / "i.mha", header(255)))


@pytest.mark.parametrize("name", ["x%s%s%s%s%s.raw", "x%999999999d.raw 1 2 1"])
def test_a_format_string_is_no_name_of_voxels(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"by the pattern 'x%.*', expected LOCAL or the name of one file"):
        read_volume(write(tmp_path / "i.mha", META.replace("LOCAL", name)))


def test_a_header_that_does_not_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its header has no ElementDataFile"):
        read_volume(write(tmp_path / "i.mha", META.partition("ElementDataFile")[0]))


def test_a_position_among_the_voxels_places_nothing(tmp_path: Path) -> None:
    lines = [line for line in META.splitlines(keepends=True) if not line.startswith(("Offset", "TransformMatrix"))]
    path = write(tmp_path / "i.mha", "".join(lines))
    content = bytearray(path.read_bytes())
    content[-40:-20] = b"\nOffset = 1 2 3     "
    path.write_bytes(content)
    with pytest.raises(InputError, match="has no orientation"):
        read_volume(path)


@pytest.mark.parametrize("label", [9, 10, 13, 32])
def test_labels_that_are_blanks_and_line_breaks_are_read_through_once(tmp_path: Path, label: int) -> None:
    """A search that begins anew at every line break takes minutes for these, as for the square of their number."""
    path = tmp_path / "i.mha"
    header = META.replace("MET_SHORT", "MET_UCHAR").replace("3 4 5", "64 64 64")
    path.write_bytes(header.encode() + bytes([label]) * 64**3)
    assert (read_volume(path).array == label).all()


@pytest.mark.parametrize("field", ["data file: ", "labels: ", "unknown: ", "no field", "type: "])
def test_a_field_longer_than_teem_writes_about_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(InputError, match=r"damaged NRRD header: line 10 has 10\d\d bytes, expected at most 500"):
        read_volume(write(tmp_path / "i.nrrd", NRRD + (field + "1 " * 510)[:1020] + "\n\n"))


@pytest.mark.parametrize("line", ["Segment0_Tags:=" + "a" * 100_000, "# " + "a" * 100_000])
def test_pairs_and_comments_may_be_long(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "i.nrrd", NRRD + line + "\n\n")
    np.testing.assert_array_equal(read_volume(path).array.ravel(order="F"), np.arange(60))


def test_voxels_are_no_header(tmp_path: Path) -> None:
    path = tmp_path / "i.nrrd"
    path.write_bytes((NRRD.replace("3 4 5", "30 40 50") + "\n").encode() + b"a" * 120_000)
    assert read_volume(path).grid.shape == (30, 40, 50)
