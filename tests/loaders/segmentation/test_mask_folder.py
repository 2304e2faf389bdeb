import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, inv_ornt_aff

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders import read_labels
from foramgrade.loaders.segmentation.names import NAMES_SCHEME

#: The structures of the fixture `mask` by the numbers that the order of their names gives them.
STRUCTURES = {1: ("disc_L4_L5", 202), 2: ("vertebrae_L4", 2), 3: ("vertebrae_L5", 1)}


@pytest.fixture
def folder(mask, oblique_grid, write, tmp_path):
    for name, label in STRUCTURES.values():
        write(tmp_path / f"{name}.nii.gz", (mask == label).astype(np.uint8), oblique_grid.affine)
    (tmp_path / "statistics.json").write_text("{}")
    (tmp_path / "._vertebrae_L5.nii.gz").write_bytes(b"resource fork")
    return tmp_path


def test_every_file_is_a_structure_called_like_the_file(folder, mask, oblique_grid):
    found = read_labels(folder)
    for number, (name, label) in STRUCTURES.items():
        np.testing.assert_array_equal(found.array == number, mask == label)
        assert found.names[number] == name
    assert (found.scheme, found.array.dtype, len(found.names)) == (NAMES_SCHEME, np.uint8, 3)
    assert found.grid.matches(oblique_grid, 1e-4)
    assert read_labels(folder, scheme="names").scheme == NAMES_SCHEME


def test_empty_masks_keep_their_name_and_number(folder, mask, oblique_grid, write):
    write(folder / "vertebrae_L3.nii.gz", np.zeros_like(mask), oblique_grid.affine)
    found = read_labels(folder)
    assert dict(found.names) == {1: "disc_L4_L5", 2: "vertebrae_L3", 3: "vertebrae_L4", 4: "vertebrae_L5"}
    np.testing.assert_array_equal(found.array == 4, mask == 1)
    assert not (found.array == 2).any()


def test_formats_and_values_may_differ(folder, mask, oblique_grid, write):
    (folder / "vertebrae_L5.nii.gz").unlink()
    write(folder / "vertebrae_L5.seg.nrrd", np.where(mask == 1, 255.0, 0.0), oblique_grid.affine)
    found = read_labels(folder)
    np.testing.assert_array_equal(found.array == 3, mask == 1)
    assert found.names[3] == "vertebrae_L5"


def test_a_mask_in_another_storage_order_is_turned(folder, mask, oblique_grid, write):
    order = np.array([[2, -1], [0, 1], [1, -1]])
    turned = apply_orientation((mask == 1).astype(np.uint8), order)
    write(folder / "vertebrae_L5.nii.gz", turned, oblique_grid.affine @ inv_ornt_aff(order, mask.shape))
    np.testing.assert_array_equal(read_labels(folder).array == 3, mask == 1)


def test_masks_on_another_grid_are_refused(folder, mask, oblique_grid, write):
    moved = oblique_grid.affine.copy()
    moved[2, 3] += 3
    write(folder / "vertebrae_L5.nii.gz", (mask == 1).astype(np.uint8), moved)
    with pytest.raises(GridMismatchError, match=r"vertebrae_L5\.nii\.gz lies up to 3 mm from disc_L4_L5\.nii\.gz"):
        read_labels(folder)
    write(folder / "vertebrae_L5.nii.gz", (mask == 1).astype(np.uint8)[1:], oblique_grid.affine)
    with pytest.raises(GridMismatchError, match=r"does not hold the same voxels as disc_L4_L5\.nii\.gz"):
        read_labels(folder)


def test_masks_that_overlap_are_refused_with_names_and_count(folder, mask, oblique_grid, write):
    more = mask == 1
    more[4:6, 4:6, 2:4] = True
    write(folder / "vertebrae_L5.nii.gz", more.astype(np.uint8), oblique_grid.affine)
    with pytest.raises(InputError, match=r"vertebrae_L4\.nii\.gz and vertebrae_L5\.nii\.gz in 8 voxels, expected one"):
        read_labels(folder)
    found = read_labels(folder, segments=["vertebrae_L5", 1])
    np.testing.assert_array_equal(found.array == 3, more)
    assert dict(found.names) == {1: "disc_L4_L5", 3: "vertebrae_L5"}


@pytest.fixture
def soft(mask, oblique_grid, write, tmp_path):
    """Probabilities (I, J, K, 3) of the structures, in the order of their names, and their files."""
    hard = np.stack([mask == label for _, label in STRUCTURES.values()], axis=-1).astype(np.float32)
    parts = 0.7 * hard
    parts[:, 2:] += 0.3 * hard[:, :-2]  # neighbours share a row of voxels
    parts[2, 2, 2, 0] = 0.009  # a trace, less than LEAST_SHARE
    for number, (name, _) in STRUCTURES.items():
        write(tmp_path / f"{name}.nii.gz", parts[..., number - 1], oblique_grid.affine)
    return np.where(parts < 0.01, 0, parts)


def test_probabilities_are_added_up_and_the_likeliest_named(soft, tmp_path):
    found = read_labels(tmp_path)
    assert found.shares is not None
    np.testing.assert_allclose(found.shares, soft.sum(axis=-1), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.array, np.where(soft.any(-1), soft.argmax(-1) + 1, 0))
    np.testing.assert_array_equal(found.hard > 0, soft.sum(-1) >= 0.5)
    assert (found.scheme, dict(found.names)) == (NAMES_SCHEME, {n: name for n, (name, _) in STRUCTURES.items()})


def test_a_binary_mask_among_soft_ones_is_certain(soft, mask, oblique_grid, write, tmp_path):
    soft[..., 0] = np.where(mask == 202, 0.2, 0)
    write(tmp_path / "disc_L4_L5.nii.gz", soft[..., 0].astype(np.float32), oblique_grid.affine)
    only = np.where(mask == 1, 255, 0).astype(np.uint8)
    soft[..., 2] = mask == 1
    write(tmp_path / "vertebrae_L5.nii.gz", only, oblique_grid.affine)
    found = read_labels(tmp_path)
    assert found.shares is not None
    np.testing.assert_allclose(found.shares, soft.sum(axis=-1), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.array == 3, (mask == 1))


def test_probabilities_in_whole_numbers_need_the_scale_of_their_header(soft, oblique_grid, tmp_path):
    expected = read_labels(tmp_path)
    for number, (name, _) in STRUCTURES.items():
        image = nib.Nifti1Image(np.rint(soft[..., number - 1] * 255).astype(np.uint8), oblique_grid.affine)
        nib.save(image, tmp_path / f"{name}.nii.gz")
    with pytest.raises(InputError, match=r"disc_L4_L5\.nii\.gz holds 2 labels .* and probabilities as fractions"):
        read_labels(tmp_path)
    for number, (name, _) in STRUCTURES.items():
        image = nib.Nifti1Image(np.rint(soft[..., number - 1] * 255).astype(np.uint8), oblique_grid.affine)
        image.header.set_slope_inter(1 / 255, 0)
        nib.save(image, tmp_path / f"{name}.nii.gz")
    found = read_labels(tmp_path)
    assert found.shares is not None
    # two structures at most share a voxel, each rounded to a 255th
    np.testing.assert_allclose(found.shares, expected.shares, rtol=0, atol=2 * 0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(found.array, expected.array)


def test_soft_masks_may_exceed_whole_voxels_by_their_rounding_and_in_few_voxels(
    soft, mask, oblique_grid, write, tmp_path
):
    more = np.minimum(soft[..., 2] * np.float32(1.01), 1)
    assert ((soft[..., 0] + more > 1.005) & (soft[..., 0] > 0)).any()
    write(tmp_path / "vertebrae_L5.nii.gz", more, oblique_grid.affine)
    assert read_labels(tmp_path).shares is not None
    rows = np.argwhere(mask == 2)
    solid = int(np.count_nonzero(soft.sum(-1) >= 0.5))
    for count in (int(0.001 * solid), int(0.001 * solid) + 1):
        over = soft[..., 2].copy()
        over[tuple(rows[:count].T)] = 0.9
        write(tmp_path / "vertebrae_L5.nii.gz", over, oblique_grid.affine)
        if count <= 0.001 * solid:
            shares = read_labels(tmp_path).shares
            assert shares is not None
            assert shares.max() == 1
        else:
            message = rf"vertebrae_L4\.nii\.gz and vertebrae_L5\.nii\.gz in {count} voxels, expected shares that add up"
            with pytest.raises(InputError, match=message):
                read_labels(tmp_path)


@pytest.mark.parametrize(
    "value, message",
    [
        (1.3, r"vertebrae_L5\.nii\.gz holds fractions from 0 to 1\.3, expected a binary mask, or probabilities from 0"),
        (-0.2, r"holds fractions from -0\.2 to 1, expected"),
        (np.nan, r"vertebrae_L5\.nii\.gz has 1 voxels that are NaN or infinite"),
    ],
)
def test_fractions_that_are_no_probabilities_are_refused(soft, oblique_grid, write, tmp_path, value, message):
    other = soft[..., 2].astype(np.float32)
    other[10, 15, 4] = value
    write(tmp_path / "vertebrae_L5.nii.gz", other, oblique_grid.affine)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path)


def test_a_label_map_among_the_masks_is_refused(folder, mask, oblique_grid, write):
    write(folder / "all.nii.gz", mask, oblique_grid.affine)
    with pytest.raises(InputError, match=r"all\.nii\.gz holds 3 labels \(1 to 202\), expected a binary mask"):
        read_labels(folder)


def test_a_scheme_for_a_folder_is_refused(folder):
    with pytest.raises(InputError, match=r"told by their file names, leave the scheme 'verse' out"):
        read_labels(folder, scheme="verse")


def test_folders_without_masks_are_refused(tmp_path, mask, oblique_grid, write):
    with pytest.raises(InputError, match=r"holds no DICOM segmentations and no masks, expected one"):
        read_labels(tmp_path)
    write(tmp_path / "L5.nii.gz", np.zeros_like(mask), oblique_grid.affine)
    with pytest.raises(InputError, match=r"is empty: every voxel is 0"):
        read_labels(tmp_path)
