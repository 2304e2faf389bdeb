"""NIfTI files: same space in both forms, same bytes for the same content."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.errors import InputError
from foramgrade.exports.nifti import write_labels, write_nifti, write_volume
from foramgrade.volume import Grid, LabelMap, Volume


def _oblique_grid() -> Grid:
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", [7, -4, 9], degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.array([[0, 0, -4.4], [-0.6, 0, 0], [0, 0.6, 0]])
    affine[:3, 3] = (31.0, 80.0, -112.0)
    return Grid((6, 5, 4), affine)


GRID = _oblique_grid()
LABELS = np.arange(120).reshape(6, 5, 4)


def test_both_forms_place_the_voxels(tmp_path: Path) -> None:
    array = LABELS.astype(np.int16) - 7
    write_volume(Volume(array, GRID), tmp_path / "image.nii.gz")
    read = nib.load(tmp_path / "image.nii.gz")
    np.testing.assert_array_equal(np.asarray(read.dataobj), array)
    assert read.get_data_dtype() == np.int16
    for form, code in (read.get_qform(coded=True), read.get_sform(coded=True)):
        assert code == 1
        # The header holds single precision.
        np.testing.assert_allclose(form, GRID.affine, atol=1e-4)
    assert read.header.get_xyzt_units()[0] == "mm"


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(LabelMap(LABELS, GRID, "spider"), tmp_path / name)
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    assert content[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize("largest, dtype", [(255, np.uint8), (256, np.int16), (40_000, np.int32)])
def test_labels_take_the_smallest_type(tmp_path: Path, largest: int, dtype: type) -> None:
    labels = LABELS.copy()
    labels[0, 0, 0] = largest
    write_labels(LabelMap(labels, GRID, "spider"), tmp_path / "labels.nii")
    read = nib.load(tmp_path / "labels.nii")
    assert read.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asarray(read.dataobj), labels)


def test_instances_go_to_their_own_file(tmp_path: Path) -> None:
    labels = LabelMap(LABELS, GRID, "spineps", instances=LABELS // 40)
    write_labels(labels, tmp_path / "parts.nii.gz", instances_path=tmp_path / "vertebrae.nii.gz")
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "vertebrae.nii.gz").dataobj), LABELS // 40)
    with pytest.raises(InputError, match="the label map has instances, but no file was named for them"):
        write_labels(labels, tmp_path / "parts.nii.gz")
    with pytest.raises(InputError, match="the label map has no instances, but a file was named for them"):
        write_labels(LabelMap(LABELS, GRID, "spider"), tmp_path / "a.nii", instances_path=tmp_path / "b.nii")


def test_refusals(tmp_path: Path) -> None:
    array = LABELS.astype(np.int16)
    sheared = GRID.affine.copy()
    sheared[:3, 0] += 0.1 * sheared[:3, 1]
    with pytest.raises(InputError, match=r"ends in .nii or .nii.gz, found 'image.img'"):
        write_nifti(array, GRID, tmp_path / "image.img")
    with pytest.raises(InputError, match=r"array has shape \(5, 5, 4\)"):
        write_nifti(array[:5], GRID, tmp_path / "a.nii")
    with pytest.raises(InputError, match="cannot store bool"):
        write_nifti(array > 3, GRID, tmp_path / "a.nii")
    with pytest.raises(InputError, match="not at right angles"):
        write_nifti(array, Grid(GRID.shape, sheared), tmp_path / "a.nii")
    with pytest.raises(InputError, match="do not fit into 32 bits"):
        write_labels(LabelMap(LABELS + 2**40, GRID, "spider"), tmp_path / "a.nii")
    assert list(tmp_path.iterdir()) == []


def test_a_soft_map_is_written_where_half_a_voxel_is_labelled(tmp_path: Path) -> None:
    shares = np.where(LABELS > 0, 0.4, 0.0)
    shares[1] = 0.5
    soft = LabelMap(LABELS, GRID, "spineps", LABELS % 7 + 1, shares=shares)
    write_labels(soft, tmp_path / "l.nii", instances_path=tmp_path / "i.nii")
    for name, values in (("l.nii", LABELS), ("i.nii", LABELS % 7 + 1)):
        read = np.asarray(nib.load(tmp_path / name).dataobj)
        np.testing.assert_array_equal(read[1], values[1])
        assert not read[[0, *range(2, 6)]].any()
