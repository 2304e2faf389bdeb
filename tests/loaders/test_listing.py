import errno
import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.loaders import Plane, list_series


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
def test_a_file_is_described_by_its_header(suffix, oblique_grid, numbers, write, tmp_path):
    (series,) = list_series(write(tmp_path / f"T2{suffix}", numbers, oblique_grid.affine))
    assert (series.uid, series.name, series.plane, series.n_slices) == (None, f"T2{suffix}", Plane.SAGITTAL, 9)
    assert (series.shape, series.dtype, series.weighting) == ((20, 26, 9), "int16", None)
    np.testing.assert_allclose(series.spacing_mm, (0.6, 0.7, 4.4), rtol=1e-6)
    assert series.value_range is None


def test_values_are_read_on_demand(oblique_grid, numbers, write, tmp_path):
    (series,) = list_series(write(tmp_path / "T2.nii", numbers, oblique_grid.affine), read_values=True)
    assert series.value_range == (numbers.min(), numbers.max())


def test_the_voxels_are_not_needed(oblique_grid, numbers, write, tmp_path):
    path = write(tmp_path / "T2.nii", numbers, oblique_grid.affine)
    path.write_bytes(path.read_bytes()[:400])
    assert list_series(path)[0].n_slices == 9


def test_a_folder_is_listed_by_name(oblique_grid, numbers, write, tmp_path):
    for name in ("b.nii.gz", "a.mha", "c.mhd"):
        write(tmp_path / name, numbers, oblique_grid.affine)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "deeper").mkdir()
    assert [series.name for series in list_series(str(tmp_path))] == ["a.mha", "b.nii.gz", "c.mhd"]


def test_what_cannot_be_read_in_a_folder_is_left_out_aloud(oblique_grid, numbers, write, tmp_path, caplog):
    write(tmp_path / "good.nii", numbers, oblique_grid.affine)
    (tmp_path / "bad.nii").write_bytes(b"no header")
    with caplog.at_level(logging.WARNING):
        assert [series.name for series in list_series(tmp_path)] == ["good.nii"]
    assert "left out: bad.nii is not a NIfTI file" in caplog.text


def test_a_folder_of_which_nothing_can_be_read_is_refused(tmp_path):
    (tmp_path / "bad.nii").write_bytes(b"no header")
    with pytest.raises(InputError, match=r"bad\.nii is not a NIfTI file"):
        list_series(tmp_path)


def test_a_picture_that_is_no_series_does_not_hide_the_others(oblique_grid, numbers, write, tmp_path, caplog):
    write(tmp_path / "good.nii", numbers, oblique_grid.affine)
    (tmp_path / "lost.dcm").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert [series.name for series in list_series(tmp_path)] == ["good.nii"]
    assert "left out: lost.dcm is not a DICOM file" in caplog.text


def test_a_folder_that_cannot_be_opened_is_refused_without_its_path(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)  # the superuser may open any folder
    with pytest.raises(InputError, match=r"\Athe folder cannot be opened: reading it is not permitted"):
        list_series(tmp_path)


def test_an_archive_is_not_called_by_its_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "Zebedee.zip", "w") as archive:
        archive.writestr("notes.txt", b"nothing")
    with pytest.raises(InputError, match=r"^the archive holds no picture"):
        list_series(tmp_path / "Zebedee.zip")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="the folder holds no image, expected DICOM"):
        list_series(tmp_path)


def test_real_series(shared_data):
    (spider,) = list_series(shared_data / "spider_11" / "11_t2_SPACE.mha")
    assert (spider.plane, spider.n_slices, spider.dtype) == (Plane.SAGITTAL, 27, "uint8")
    (lumbar,) = list_series(shared_data / "sct_t2_lumbar")
    assert (lumbar.plane, lumbar.n_slices) == (Plane.SAGITTAL, 38)
