from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from foramgrade.errors import InputError
from foramgrade.loaders import read_volume
from foramgrade.loaders.itk import read_itk_header

NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\n{space}sizes: 3 4 5\nencoding: raw\nendian: little\n"
    "space directions: ({i}) ({j}) ({k})\nspace origin: (10,20,30)\n\n"
)


def write_nrrd(path: Path, *, space="right-anterior-superior", i="0.6,0,0", j="0,0.7,0", k="0,0,4") -> Path:
    voxels = np.arange(60, dtype="<i2").tobytes()
    path.write_bytes(NRRD.format(space=f"space: {space}\n" if space else "", i=i, j=j, k=k).encode() + voxels)
    return path


@pytest.mark.parametrize(
    "space, signs",
    [
        ("right-anterior-superior", (1, 1, 1)),
        ("left-posterior-superior", (-1, -1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
    ],
)
def test_the_space_of_an_nrrd_file_is_honoured(space, signs, tmp_path):
    volume = read_volume(write_nrrd(tmp_path / "i.nrrd", space=space))
    np.testing.assert_allclose(volume.grid.to_world([0, 0, 0]), np.array([10, 20, 30]) * signs)
    np.testing.assert_allclose(volume.grid.to_world([1, 1, 1]), np.array([10.6, 20.7, 34]) * signs)
    assert volume.array[1, 2, 3] == 1 + 3 * 2 + 12 * 3, "the first index runs fastest in the file"


def test_an_nrrd_file_without_a_space_is_refused(tmp_path):
    path = tmp_path / "i.nrrd"
    header = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 3 4 5\nspacings: 1 1 4\nencoding: raw\nendian: little\n\n"
    path.write_bytes(header + bytes(120))
    with pytest.raises(
        InputError, match=r"does not say where in the patient it is: its NRRD header has no orientation"
    ):
        read_volume(path)


def test_a_metaimage_without_a_placement_is_refused(tmp_path):
    path = tmp_path / "i.mha"
    header = b"ObjectType = Image\nNDims = 3\nDimSize = 3 4 5\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    path.write_bytes(header + bytes(120))
    with pytest.raises(InputError, match=r"its MetaImage header has no orientation"):
        read_volume(path)


def test_a_sheared_nrrd_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"miss the right angle by 5\.71 degrees"):
        read_volume(write_nrrd(tmp_path / "i.nrrd", j="0.07,0.7,0"))


def test_overlapping_layers_are_refused(tmp_path):
    path = tmp_path / "layers.seg.nrrd"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 4, 5, 2), np.uint8), isVector=True), str(path))
    with pytest.raises(InputError, match=r"holds 2 values per voxel, expected one: .* overlapping layers"):
        read_volume(path)


def test_complex_numbers_are_refused(tmp_path):
    path = tmp_path / "k.nrrd"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 4, 5), np.complex64)), str(path))
    with pytest.raises(InputError, match="holds complex numbers"):
        read_volume(path)


def test_a_header_without_its_data_file_is_refused(oblique_grid, numbers, write, tmp_path):
    path = write(tmp_path / "i.mhd", numbers, oblique_grid.affine)
    (tmp_path / "i.raw").unlink()
    with pytest.raises(InputError, match="or its data file is missing"):
        read_volume(path)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"])
@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_the_stored_type_is_told_by_the_header(dtype, suffix, oblique_grid, numbers, write, tmp_path):
    path = write(tmp_path / f"i{suffix}", numbers.astype(dtype), oblique_grid.affine)
    grid, found = read_itk_header(path)
    assert found == np.dtype(dtype)
    assert grid.matches(oblique_grid)


def test_compressed_files_are_read(oblique_grid, numbers, tmp_path, write):
    plain = SimpleITK.ReadImage(str(write(tmp_path / "i.mha", numbers, oblique_grid.affine)))
    for suffix in (".mha", ".nrrd"):
        SimpleITK.WriteImage(plain, str(tmp_path / f"z{suffix}"), useCompression=True)
        np.testing.assert_array_equal(read_volume(tmp_path / f"z{suffix}").array, numbers)
