from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, inv_ornt_aff

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders import Orientation, read_labels, read_volume

#: 6 orders of the axes times 8 combinations of their directions.
STORAGE_ORDERS = [
    np.array(list(zip(axes, flips, strict=True)))
    for axes in permutations(range(3))
    for flips in product((1, -1), repeat=3)
]

# nibabel keeps the affine of a NIfTI file in single precision: a relative 6e-8 of some 100 mm.
SINGLE_PRECISION_MM = 1e-4


def storage_name(order):
    return "".join(f"{'-' if flip < 0 else '+'}{int(axis)}" for axis, flip in order)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
def test_labels_that_are_no_numbers_are_refused_with_their_count(suffix, oblique_grid, mask, write, tmp_path):
    values = mask.astype(np.float32)
    values[2:4, 3, 5] = np.nan
    path = write(tmp_path / f"m{suffix}", values, oblique_grid.affine)
    with pytest.raises(InputError, match="2 voxels that are NaN or infinite, expected whole"):
        read_labels(path, scheme="spider")


@pytest.mark.parametrize("stored", [np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_labels_come_in_the_smallest_unsigned_type(stored, oblique_grid, mask, write, tmp_path):
    labels = read_labels(write(tmp_path / "m.nii.gz", mask.astype(stored), oblique_grid.affine), scheme="spider")
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, mask)
    assert (labels.scheme, labels.instances) == ("spider", None)


def test_labels_above_255_get_sixteen_bits(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "m.mha", mask.astype(np.int32) * 10, oblique_grid.affine)
    labels = read_labels(str(path), scheme=Path("own.json"))
    assert (labels.array.dtype, labels.array.max(), labels.scheme) == (np.uint16, 2020, "own.json")


def test_labels_within_rounding_are_taken_for_whole_numbers(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "m.nii", mask.astype(np.float32) + np.float32(0.0009), oblique_grid.affine)
    np.testing.assert_array_equal(read_labels(path, scheme="spider").array, mask)


def test_scaled_labels_are_unscaled_before_they_are_judged(oblique_grid, mask, tmp_path):
    content = bytearray(nib.Nifti1Image(mask.astype(np.int16) * 3, oblique_grid.affine).to_bytes())
    content[112:116] = np.float32(1 / 3).tobytes()  # scl_slope
    path = tmp_path / "m.nii"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_labels(path, scheme="spider").array, mask)


def test_a_probability_map_is_no_label_map(oblique_grid, mask, write, tmp_path):
    values = mask.astype(np.float32)
    values[0, 0, 0], values[19, 25, 8] = 0.37, 0.61
    path = write(tmp_path / "m.nii", values, oblique_grid.affine)
    with pytest.raises(
        InputError, match=r"found 0\.37 and 1 more fractions, expected whole numbers; was a probability"
    ):
        read_labels(path, scheme="spider")


def test_negative_labels_are_refused(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "m.nii", mask.view(np.int8).astype(np.int16), oblique_grid.affine)
    with pytest.raises(InputError, match=r"found the label -54, expected no negative numbers"):
        read_labels(path, scheme="spider")


def test_an_empty_mask_is_refused(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "m.nii", mask * 0, oblique_grid.affine)
    with pytest.raises(InputError, match=r"m\.nii is empty: every voxel is 0"):
        read_labels(path, scheme="spider")


@pytest.mark.parametrize("order", STORAGE_ORDERS[::5] + STORAGE_ORDERS[-1:], ids=storage_name)
@pytest.mark.parametrize("suffix", [".nii.gz", ".mha"])
def test_instances_in_another_storage_order_are_turned(order, suffix, oblique_grid, mask, write, tmp_path):
    instances = mask.astype(np.uint16) + 1
    affine = oblique_grid.affine @ inv_ornt_aff(order, mask.shape)
    labels = read_labels(
        write(tmp_path / "sub.nii.gz", mask, oblique_grid.affine),
        scheme="spineps",
        instances=write(tmp_path / f"vert{suffix}", apply_orientation(instances, order), affine),
    )
    np.testing.assert_array_equal(labels.instances, instances)
    assert labels.grid.matches(oblique_grid, SINGLE_PRECISION_MM)


def test_instances_that_lie_elsewhere_are_refused(oblique_grid, mask, write, tmp_path):
    shifted = oblique_grid.affine.copy()
    shifted[:3, 3] += [0.0, 3.0, 4.0]
    with pytest.raises(GridMismatchError, match=r"vert\.nii lies up to 5 mm from sub\.nii, expected the same voxels"):
        read_labels(
            write(tmp_path / "sub.nii", mask, oblique_grid.affine),
            scheme="spineps",
            instances=write(tmp_path / "vert.nii", mask, shifted),
        )


@pytest.mark.parametrize("change", ["crop", "resample", "rotate"])
def test_instances_of_other_voxels_are_refused(change, oblique_grid, mask, write, tmp_path):
    values, affine = mask, oblique_grid.affine.copy()
    if change == "crop":
        values = mask[:-1]
    elif change == "resample":
        values, affine = mask[::2], affine @ np.diag([2.0, 1, 1, 1])
    else:
        tilt = np.deg2rad(60)
        affine[:2, :3] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]] @ affine[:2, :3]
    with pytest.raises(GridMismatchError, match=r"vert\.nii .*(shape \(\d+, 26, 9\)|lies up to).* sub\.nii"):
        read_labels(
            write(tmp_path / "sub.nii", mask, oblique_grid.affine),
            scheme="spineps",
            instances=write(tmp_path / "vert.nii", values, affine),
        )


def test_an_empty_map_of_instances_is_refused(oblique_grid, mask, write, tmp_path):
    path = write(tmp_path / "vert.nii", mask * 0, oblique_grid.affine)
    with pytest.raises(InputError, match=r"vert\.nii is empty"):
        read_labels(write(tmp_path / "sub.nii", mask, oblique_grid.affine), scheme="spineps", instances=path)


def test_the_orientation_holds_for_labels_too(oblique_grid, mask, tmp_path):
    image = nib.Nifti1Image(mask, oblique_grid.affine)
    image.set_qform(oblique_grid.affine, code=1)
    moved = oblique_grid.affine.copy()
    moved[0, 3] += 20
    image.set_sform(moved, code=2)
    path = tmp_path / "m.nii"
    nib.save(image, path)
    labels = read_labels(path, scheme="spineps", instances=path, orientation=Orientation.QFORM)
    assert labels.grid.matches(oblique_grid, 0.01)


def test_real_spineps_maps(shared_data):
    folder = shared_data / "tptbox_mri"
    image = read_volume(folder / "sub-mri_label-6_T2w.nii.gz")
    labels = read_labels(
        folder / "sub-mri_seg-subreg_label-6_msk.nii.gz",
        scheme="spineps",
        instances=folder / "sub-mri_seg-vert_label-6_msk.nii.gz",
    )
    assert image.grid.matches(labels.grid)
    assert nib.aff2axcodes(labels.grid.affine) == ("P", "I", "R")
    assert labels.instances is not None
    assert np.unique(labels.instances).tolist() == [0, 5, 6, 7, 105, 106, 205, 206, 207]


def test_real_spider_mask(shared_data):
    image = read_volume(shared_data / "spider_11" / "11_t2_SPACE.mha")
    labels = read_labels(shared_data / "spider_11" / "11_t2_SPACE_mask.mha", scheme="spider")
    assert image.array.shape == (640, 512, 27)
    assert image.grid.matches(labels.grid)
    centre = {label: labels.grid.to_world(np.argwhere(labels.array == label)).mean(axis=0) for label in (1, 5, 100)}
    assert centre[5][2] > centre[1][2] + 80, "L1 lies above L5"
    assert centre[100][1] < centre[5][1], "the canal lies behind the bodies"


def test_the_segmentation_of_a_study_is_found_among_its_slices(write_dicom_seg, write_series, oblique_grid, tmp_path):
    mask = np.zeros(oblique_grid.shape, np.uint8)
    mask[3:9, 4:9, 2:6] = 1
    write_series(tmp_path, np.zeros((6, 5, 4), np.uint16), np.asarray(oblique_grid.affine))
    write_dicom_seg(tmp_path / "seg", mask, oblique_grid, {1: "L5"})
    labels = read_labels(tmp_path)
    assert dict(labels.names) == {1: "L5"}
    assert int((labels.array == 1).sum()) == 6 * 5 * 4
