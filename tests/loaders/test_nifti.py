import gzip
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import Orientation, read_volume
from foramgrade.loaders.nifti import QFORM_SFORM_TOLERANCE_MM, read_nifti, read_nifti_header


def save(path: Path, image: nib.Nifti1Image) -> Path:
    nib.save(image, path)
    return path


def shifted(affine, by_mm):
    moved = affine.copy()
    moved[:3, 3] += np.array([0.0, 0.6, 0.8]) * by_mm
    return moved


@pytest.fixture
def image(oblique_grid, numbers) -> nib.Nifti1Image:
    return nib.Nifti1Image(numbers, oblique_grid.affine)


@pytest.mark.parametrize("qform_code, sform_code", [(1, 0), (0, 1), (1, 1), (2, 4)])
def test_the_placement_that_is_given_is_used(qform_code, sform_code, image, oblique_grid, tmp_path):
    elsewhere = shifted(oblique_grid.affine, 50)
    image.set_qform(oblique_grid.affine if qform_code else elsewhere, code=qform_code)
    image.set_sform(oblique_grid.affine if sform_code else elsewhere, code=sform_code)
    # The quaternion is kept in single precision.
    assert read_volume(save(tmp_path / "i.nii", image)).grid.matches(oblique_grid, 1e-3)


@pytest.mark.parametrize("orientation, expected_shift_mm", [(Orientation.QFORM, 0), (Orientation.SFORM, 8)])
def test_placements_that_disagree_need_a_choice(orientation, expected_shift_mm, image, oblique_grid, tmp_path):
    image.set_qform(oblique_grid.affine, code=1)
    image.set_sform(shifted(oblique_grid.affine, 8), code=2)
    path = save(tmp_path / "i.nii", image)

    with pytest.raises(InputError, match=r"place the volume up to 8 mm apart, .* with orientation qform or sform"):
        read_volume(path)

    expected = shifted(oblique_grid.affine, expected_shift_mm)
    np.testing.assert_allclose(read_volume(path, orientation=orientation).grid.affine, expected, atol=1e-4)


@pytest.mark.parametrize("factor, agree", [(0.9, True), (1.1, False)])
def test_the_tolerance_between_the_placements(factor, agree, image, oblique_grid, tmp_path):
    image.set_qform(oblique_grid.affine, code=1)
    image.set_sform(shifted(oblique_grid.affine, factor * QFORM_SFORM_TOLERANCE_MM), code=1)
    path = save(tmp_path / "i.nii", image)
    if agree:
        np.testing.assert_array_equal(read_volume(path).grid.affine, image.get_sform())
    else:
        with pytest.raises(InputError, match="qform and sform place the volume"):
            read_volume(path)


def test_a_left_right_flip_between_the_placements_is_noticed(image, oblique_grid, tmp_path):
    image.set_qform(oblique_grid.affine, code=1)
    image.set_sform(np.diag([-1.0, 1, 1, 1]) @ oblique_grid.affine, code=1)
    with pytest.raises(InputError, match="qform and sform place the volume"):
        read_volume(save(tmp_path / "i.nii", image))


def test_an_orientation_that_is_not_there_is_refused(image, tmp_path):
    image.set_qform(None, code=0)
    path = save(tmp_path / "i.nii", image)
    with pytest.raises(InputError, match=r"has no qform \(qform_code is 0\)"):
        read_volume(path, orientation=Orientation.QFORM)


def test_a_file_without_a_position_is_refused(image, tmp_path):
    image.set_qform(None, code=0)
    image.set_sform(None, code=0)
    with pytest.raises(
        InputError, match="does not say where in the patient it is: qform_code and sform_code are both 0"
    ):
        read_volume(save(tmp_path / "i.nii", image))


@pytest.mark.parametrize("unit, mm", [("meter", 1000.0), ("mm", 1.0), ("micron", 0.001), ("unknown", 1.0)])
def test_lengths_are_converted_to_millimetres(unit, mm, oblique_grid, numbers, tmp_path):
    image = nib.Nifti1Image(numbers, np.diag([1 / mm, 1 / mm, 1 / mm, 1]) @ oblique_grid.affine)
    image.header.set_xyzt_units(unit)
    grid = read_volume(save(tmp_path / "i.nii", image)).grid
    np.testing.assert_allclose(grid.affine, oblique_grid.affine, rtol=1e-6, atol=1e-4)


def test_a_wrong_unit_is_noticed(image, tmp_path):
    image.header.set_xyzt_units("meter")
    with pytest.raises(InputError, match=r"voxels are 600 x 700 x 4400 mm apart, .* in another unit\?"):
        read_volume(save(tmp_path / "i.nii", image))


def test_an_unknown_unit_is_refused(image, tmp_path):
    image.header["xyzt_units"] = 5
    path = tmp_path / "i.nii"
    path.write_bytes(image.to_bytes())
    with pytest.raises(InputError, match=r"unknown unit of length \(code 5\)"):
        read_volume(path)


def test_a_sheared_grid_is_refused(image, oblique_grid, tmp_path):
    shear = np.eye(4)
    shear[0, 1] = np.tan(np.deg2rad(2)) * 0.7 / 0.6
    image.set_sform(oblique_grid.affine @ shear, code=1)
    image.set_qform(None, code=0)
    with pytest.raises(InputError, match=r"miss the right angle by 2\.00 degrees, expected at most 0\.1"):
        read_volume(save(tmp_path / "i.nii", image))


def test_a_flat_grid_is_refused(image, tmp_path):
    image.set_sform(np.diag([1.0, 0.0, 1.0, 1.0]), code=1)
    image.set_qform(None, code=0)
    with pytest.raises(InputError, match=r"i\.nii: affine cannot be inverted"):
        read_volume(save(tmp_path / "i.nii", image))


def test_a_position_out_of_this_world_is_refused(image, tmp_path):
    image.set_sform(np.diag([1.0, 1.0, 1e20, 1.0]), code=1)
    image.set_qform(None, code=0)
    with pytest.raises(InputError, match="does not place its voxels within 100000 mm"):
        read_volume(save(tmp_path / "i.nii", image))


def with_scale(image: nib.Nifti1Image, path: Path, slope: float, inter: float) -> Path:
    """Write the stored values unchanged and the scale beside them; nibabel itself would divide by it first."""
    content = bytearray(image.to_bytes())
    content[112:120] = np.array([slope, inter], "<f4").tobytes()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("slope, inter", [(0.25, -3.0), (1.0, 5.0), (-1.0, 0.0)])
def test_intensities_are_scaled(slope, inter, image, numbers, tmp_path):
    volume = read_volume(with_scale(image, tmp_path / "i.nii", slope, inter))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, numbers * slope + inter)


@pytest.mark.parametrize("slope, inter", [(1.0, 0.0), (0.0, 7.0), (np.nan, 7.0)])
def test_a_scale_that_says_nothing_leaves_integers(slope, inter, image, numbers, tmp_path):
    volume = read_volume(with_scale(image, tmp_path / "i.nii", slope, inter))
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, numbers)


def test_an_infinite_scale_is_refused(image, tmp_path):
    with pytest.raises(InputError, match="invalid intensity scale"):
        read_volume(with_scale(image, tmp_path / "i.nii", 1.0, np.inf))


def test_wide_integers_are_scaled_in_double_precision(oblique_grid, numbers, tmp_path):
    large = numbers.astype(np.int32) + 2**24 + 1
    path = with_scale(nib.Nifti1Image(large, oblique_grid.affine), tmp_path / "i.nii", 0.5, 0.0)
    array, _ = read_nifti(path)
    np.testing.assert_array_equal(array, large * 0.5)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_both_versions_and_byte_orders(kind, byte_order, oblique_grid, numbers, tmp_path):
    header = kind.header_class(endianness=byte_order)
    header.set_data_dtype(np.int16)
    path = tmp_path / "i.nii.gz"
    nib.save(kind(numbers, oblique_grid.affine, header), path)
    array, grid = read_nifti(path)
    np.testing.assert_array_equal(array, numbers)
    assert array.dtype.isnative
    assert grid.matches(oblique_grid, 1e-4)
    header_grid, dtype = read_nifti_header(path)
    assert header_grid.matches(grid, 0)
    assert dtype.newbyteorder("=") == np.int16


def test_compression_is_told_by_the_content(image, numbers, tmp_path):
    plain, packed = tmp_path / "plain.nii.gz", tmp_path / "packed.nii"
    plain.write_bytes(image.to_bytes())
    packed.write_bytes(gzip.compress(image.to_bytes()))
    np.testing.assert_array_equal(read_volume(plain).array, numbers)
    np.testing.assert_array_equal(read_volume(packed).array, numbers)


@pytest.mark.parametrize("length", [100, 352, 400], ids=["half a header", "a header", "a header and some voxels"])
def test_an_archive_of_several_members_is_read_whole(length, image, numbers, tmp_path):
    content = image.to_bytes()
    path = tmp_path / "blocks.nii.gz"
    path.write_bytes(b"".join(gzip.compress(content[k : k + length]) for k in range(0, len(content), length)))
    np.testing.assert_array_equal(read_volume(path).array, numbers)
    assert read_nifti_header(path)[0].matches(read_volume(path).grid, 0)


@pytest.mark.parametrize("where", [50, -12, -6, -2], ids=["deflated", "end", "checksum", "length"])
def test_a_bit_that_flipped_in_an_archive_is_noticed(where, image, tmp_path):
    content = bytearray(gzip.compress(image.to_bytes()))
    content[where] ^= 0x10
    path = tmp_path / "flipped.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^flipped\.nii\.gz is damaged or truncated"):
        read_nifti(path)


def test_a_length_that_no_archive_of_its_size_can_have_is_noticed(tmp_path):
    content = gzip.compress(bytes(4000))
    path = tmp_path / "i.nii.gz"
    path.write_bytes(content[:-4] + b"\xff\xff\xff\xff")
    with pytest.raises(InputError, match="damaged or truncated"):
        read_nifti(path)


@pytest.mark.parametrize(
    "dtype, what", [(np.complex64, "complex numbers"), (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), "colours")]
)
def test_what_is_no_single_real_number_is_refused(dtype, what, tmp_path):
    path = save(tmp_path / "i.nii", nib.Nifti1Image(np.zeros((3, 4, 5), dtype), np.eye(4)))
    with pytest.raises(InputError, match=f"holds {what}, expected one real number per voxel"):
        read_volume(path)


def test_half_of_a_pair_is_refused(oblique_grid, numbers, tmp_path):
    pair = nib.Nifti1Pair(numbers, oblique_grid.affine)
    nib.save(pair, tmp_path / "i.hdr")
    path = (tmp_path / "i.hdr").rename(tmp_path / "i.nii")
    with pytest.raises(InputError, match=r"is the header of a NIfTI pair"):
        read_volume(path)


def test_a_damaged_header_is_refused(image, tmp_path):
    content = bytearray(image.to_bytes())
    content[70:72] = (9999).to_bytes(2, "little")  # datatype
    path = tmp_path / "i.nii"
    path.write_bytes(content)
    with pytest.raises(InputError, match="has a damaged NIfTI header"):
        read_volume(path)


@pytest.mark.parametrize("number", [0, -1, 8, 32767, -32768])
def test_an_impossible_number_of_dimensions_is_refused(number, oblique_grid, numbers, tmp_path):
    # Where neither byte order makes sense of it, nibabel takes the other one than this machine's.
    header = nib.Nifti1Header(endianness=">" if sys.byteorder == "little" else "<")
    content = bytearray(nib.Nifti1Image(numbers, oblique_grid.affine, header).to_bytes())
    content[40:42] = np.array(number, header["dim"].dtype).tobytes()  # dim[0]
    path = tmp_path / "i.nii"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=rf"^i.nii has a damaged NIfTI header: it has {number} dimensions, expected 3$"
    ):
        read_volume(path)


@pytest.mark.parametrize("begin", [np.nan, np.inf, -np.inf, -16.0, 1e30])
def test_voxels_that_begin_nowhere_are_refused(begin, image, tmp_path):
    content = bytearray(image.to_bytes())
    content[108:112] = np.float32(begin).tobytes()  # vox_offset
    path = tmp_path / "i.nii"
    path.write_bytes(content)
    said = r"voxels begin at byte (nan|inf)$|vox offset -|infinity to integer|is damaged or truncated"
    with pytest.raises(InputError, match=said):
        read_volume(path)


def test_a_quaternion_that_is_no_rotation_is_refused(image, tmp_path):
    image.set_qform(image.affine, code=1)
    image.set_sform(None, code=0)
    content = bytearray(image.to_bytes())
    content[256:260] = np.float32(3.0).tobytes()  # quatern_b
    path = tmp_path / "i.nii"
    path.write_bytes(content)
    with pytest.raises(InputError, match="has a qform that is no rotation"):
        read_volume(path)


def test_the_header_alone_of_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "i.nii.gz"
    path.write_bytes(gzip.compress(np.random.default_rng(0).bytes(2000))[:200])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_nifti_header(path)
