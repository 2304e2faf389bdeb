import gzip
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from nibabel.orientations import apply_orientation, inv_ornt_aff

from foramgrade.errors import InputError
from foramgrade.findings import Sequence
from foramgrade.loaders import read_volume

#: 6 orders of the axes times 8 combinations of their directions.
STORAGE_ORDERS = [
    np.array(list(zip(axes, flips, strict=True)))
    for axes in permutations(range(3))
    for flips in product((1, -1), repeat=3)
]
SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr", ".seg.nrrd")

# nibabel keeps the affine of a NIfTI file in single precision: a relative 6e-8 of some 100 mm.
SINGLE_PRECISION_MM = 1e-4


def storage_name(order):
    return "".join(f"{'-' if flip < 0 else '+'}{int(axis)}" for axis, flip in order)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("order", STORAGE_ORDERS, ids=storage_name)
def test_a_marked_voxel_keeps_its_place_in_every_storage_order(suffix, order, oblique_grid, numbers, write, tmp_path):
    marked = (13, 5, 7)
    turned = apply_orientation(numbers, order)
    affine = oblique_grid.affine @ inv_ornt_aff(order, numbers.shape)

    volume = read_volume(write(tmp_path / f"image{suffix}", turned, affine))

    found = np.argwhere(volume.array == numbers[marked])
    assert len(found) == 1
    assert volume.array.shape == turned.shape, "the order of storage is kept"
    np.testing.assert_allclose(
        volume.grid.to_world(found[0]), oblique_grid.to_world(marked), rtol=0, atol=SINGLE_PRECISION_MM
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_same_volume(suffix, oblique_grid, numbers, write, tmp_path):
    volume = read_volume(write(tmp_path / f"image{suffix}", numbers, oblique_grid.affine), sequence=Sequence.T1)

    np.testing.assert_array_equal(volume.array, numbers)
    assert volume.array.dtype == np.int16, "integers stay as stored"
    assert volume.grid.matches(oblique_grid, SINGLE_PRECISION_MM)
    assert volume.sequence is Sequence.T1


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_floating_point_is_read_in_single_precision(suffix, oblique_grid, numbers, write, tmp_path):
    halves = numbers.astype(np.float64) / 2
    volume = read_volume(write(tmp_path / f"image{suffix}", halves, oblique_grid.affine))
    assert volume.array.dtype == np.float32
    np.testing.assert_array_equal(volume.array, halves)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused_with_their_count(suffix, bad, oblique_grid, numbers, write, tmp_path):
    values = numbers.astype(np.float32)
    values[2:4, 3, 5] = bad
    path = write(tmp_path / f"image{suffix}", values, oblique_grid.affine)
    with pytest.raises(InputError, match="2 voxels that are NaN or infinite"):
        read_volume(path)


def test_values_beyond_single_precision_are_refused(oblique_grid, numbers, write, tmp_path):
    values = numbers.astype(np.float64)
    values[1, 2, 3] = 1e300
    path = write(tmp_path / "image.nii", values, oblique_grid.affine)
    with pytest.raises(InputError, match="1 voxels that are NaN or infinite"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_several_volumes_in_one_file_are_refused(suffix, write, tmp_path):
    array = np.zeros((4, 5, 6, 2), np.int16)
    path = tmp_path / f"echoes{suffix}"
    if suffix == ".nii":
        nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    else:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array.T, isVector=False), str(path))
    with pytest.raises(InputError, match=r"has 4 axes \(shape \(4, 5, 6, 2\)\), expected one volume of three"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_a_single_picture_is_refused(suffix, tmp_path):
    path = tmp_path / f"localizer{suffix}"
    array = np.zeros((5, 6), np.int16)
    if suffix == ".nii":
        nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    else:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(path))
    with pytest.raises(InputError, match=r"has 2 axes \(shape .*, expected one volume of three"):
        read_volume(path)


def test_further_axes_of_size_one_are_left_out(tmp_path):
    path = tmp_path / "image.nii"
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6, 1, 1), np.int16), np.eye(4)), path)
    assert read_volume(path).array.shape == (4, 5, 6)


def test_a_single_series_is_not_chosen_by_name(oblique_grid, numbers, write, tmp_path):
    path = write(tmp_path / "image.nii", numbers, oblique_grid.affine)
    with pytest.raises(InputError, match=r"image\.nii holds a single series: leave the series out, found '1\.2\.3'"):
        read_volume(path, series="1.2.3")


def test_dicom_without_a_picture_is_refused(tmp_path):
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(20))
    (tmp_path / "one.dcm").write_bytes(b"")
    for path, message in (
        (tmp_path, r"one\.dcm is not a DICOM file"),
        (tmp_path / "IM0001", "IM0001 holds no DICOM series"),
        (tmp_path / "one.dcm", r"one\.dcm is not a DICOM file"),
    ):
        with pytest.raises(InputError, match=message):
            read_volume(path)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("missing.nii.gz", None, r"missing\.nii\.gz: no such file"),
        ("notes.txt", b"hello", r"notes\.txt: unknown kind of file, expected DICOM"),
        ("empty.nii", b"", r"empty\.nii is not a NIfTI file"),
        ("text.nii.gz", b"hello", r"text\.nii\.gz is not a NIfTI file"),
        ("cut.nii.gz", gzip.compress(bytes(1000), mtime=0)[:-9], r"cut\.nii\.gz is damaged or truncated"),
        ("text.mha", b"hello", r"text\.mha is not a readable MetaImage file"),
        ("text.nrrd", b"hello", r"text\.nrrd is not a readable NRRD file"),
    ],
)
def test_files_that_cannot_be_read(name, content, message, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_volume(path)


def test_messages_do_not_name_the_folder(tmp_path):
    folder = tmp_path / "doe_jane"
    with pytest.raises(InputError, match="no such file") as error:
        read_volume(folder / "T2.nii.gz")
    assert "doe_jane" not in str(error.value)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.98])
def test_a_truncated_file_is_never_read_in_part(suffix, keep, oblique_grid, numbers, write, tmp_path):
    noise = np.random.default_rng(0).integers(0, 400, numbers.shape).astype(np.int16)
    path = write(tmp_path / f"image{suffix}", noise, oblique_grid.affine)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_volume(path)


def test_a_changed_byte_in_an_archive_is_noticed_by_its_checksum(oblique_grid, write, tmp_path):
    noise = np.random.default_rng(0).integers(0, 2**15, oblique_grid.shape).astype(np.int16)
    path = write(tmp_path / "image.nii.gz", noise, oblique_grid.affine)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1  # the last byte of the voxels, before checksum and length
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"image\.nii\.gz is damaged or truncated"):
        read_volume(path)


def test_real_unlabelled_series(shared_data):
    image = read_volume(shared_data / "sct_t2_lumbar" / "t2_lumbar.nii.gz")
    reference = nib.load(shared_data / "sct_t2_lumbar" / "t2_lumbar.nii.gz")
    np.testing.assert_array_equal(image.array, np.asanyarray(reference.dataobj))
    np.testing.assert_array_equal(image.grid.affine, reference.affine)
