"""`foramgrade inspect`: what is in a file, and what its numbers could mean."""

from pathlib import Path

import nibabel as nib
import numpy as np

from .conftest import Call, Study


def test_an_image_is_listed(study: Study, run: Call) -> None:
    ended = run("inspect", study.image)
    assert (ended.status, ended.err) == (0, "")
    heading, row = ended.out.splitlines()
    assert heading.split()[:3] == ["File", "Plane", "Slices"]
    assert row.split()[:3] == ["image.nii.gz", "sagittal", "15"]
    assert "0.6 x 0.6 x 4.4" in row
    assert "not recorded" in row


def test_label_numbers_are_explained(study: Study, run: Call) -> None:
    ended = run("inspect", study.labels)
    assert (ended.status, ended.err) == (0, "")
    rows = {words[0]: words[1:] for line in ended.out.splitlines() if (words := line.split())}
    array = study.phantom.labels.array
    assert rows["Number"] == ["Voxels", "totalspineseg"]
    assert rows["44"] == [str((array == 44).sum()), "L4"]
    assert rows["95"] == [str((array == 95).sum()), "disc", "below", "L4"]
    assert rows["2"][1:] == ["canal"]
    assert "0" not in rows
    assert "would fit totalspineseg. Other tools use the same numbers" in ended.out


def test_both_maps_of_spineps_are_recognised(study: Study, run: Call) -> None:
    parts, instances = run("inspect", study.subregions).out, run("inspect", study.instances).out
    assert "would fit spineps (subregions)" in parts
    assert "superior articular left" in parts
    assert "would fit spider or spineps or verse" in instances


def test_numbers_that_fit_nothing(study: Study, tmp_path: Path, run: Call) -> None:
    affine = study.phantom.labels.grid.affine
    files = {"one.nii": np.ones((3, 3, 3), np.uint8), "zero.nii": np.zeros((3, 3, 3), np.uint8)}
    files |= {
        "many.nii": np.arange(125, dtype=np.int16).reshape(5, 5, 5),
        "half.nii": np.full((3, 3, 3), 0.5, np.float32),
    }
    files |= {"minus.nii": np.full((3, 3, 3), -1, np.int16), "large.nii": np.full((3, 3, 3), 70000, np.int32)}
    for name, array in files.items():
        nib.save(nib.Nifti1Image(array, affine), tmp_path / name)
    assert "these numbers fit no scheme that comes with foramgrade" in run("inspect", tmp_path / "one.nii").out
    assert "Every voxel is 0." in run("inspect", tmp_path / "zero.nii").out
    for name in ("many.nii", "half.nii", "minus.nii", "large.nii"):
        ended = run("inspect", tmp_path / name)
        assert (ended.status, len(ended.out.splitlines())) == (0, 2), name
    assert len(run("inspect", tmp_path).out.splitlines()) == 1 + len(files)


def test_what_cannot_be_listed_is_refused(study: Study, tmp_path: Path, run: Call) -> None:
    for path, sentence in (
        (tmp_path, "holds no image, expected DICOM"),
        (tmp_path / "none.nii", "none.nii: no such file"),
    ):
        ended = run("inspect", path)
        assert (ended.status, ended.out) == (2, "")
        assert sentence in ended.err
        assert ended.err.startswith("foramgrade: ")
        assert ended.err.count("\n") == 1
