"""Listing a tree folder by folder tells what listing all at once would."""

import shutil
import tracemalloc

import numpy as np
import pytest

from foramgrade.loaders import list_series, read_volume
from foramgrade.loaders.dicom.reading import scan

VALUES = np.arange(6 * 5 * 4, dtype=np.uint16).reshape(6, 5, 4)


@pytest.fixture
def affine(oblique_grid):
    affine = oblique_grid.affine.copy()
    affine[:3, 3] += 8 * affine[:3, 2]
    affine[:3, 2] *= -1
    return affine


def test_a_series_in_several_folders_is_one(affine, write_series, tmp_path):
    files = write_series(tmp_path / "all", VALUES, affine, series_number=4)
    write_series(tmp_path / "other", VALUES, affine, series_number=2, series_uid="1.2.9")
    for n, file in enumerate(files):
        (tmp_path / f"part{n % 2}").mkdir(exist_ok=True)
        shutil.move(file, tmp_path / f"part{n % 2}" / file.name)
    listed = list_series(tmp_path)
    assert [(series.key, series.n_slices, series.problems) for series in listed] == [("2", 4, ()), ("4", 4, ())]
    np.testing.assert_array_equal(read_volume(tmp_path, series="4").array, VALUES)


def test_keys_are_those_by_which_a_series_is_read(affine, write_series, tmp_path):
    for patient in (1, 2):  # the same numbers of series in two studies
        for number in (3, 5):
            uids = {"study_uid": f"1.2.{patient}", "series_uid": f"1.2.{patient}.{number}"}
            folder = tmp_path / f"p{patient}" / f"s{number}"
            write_series(folder, VALUES + 100 * patient + number, affine, series_number=number, **uids)
    listed = list_series(tmp_path)
    assert [series.key for series in listed] == ["n1", "n2", "n3", "n4"]
    assert [series.key for series in listed] == [stack.key for stack in scan(tmp_path).stacks]
    first = [int(read_volume(tmp_path, series=series.key).array[0, 0, 0]) for series in listed]
    assert first == [103, 105, 203, 205]


def test_memory_does_not_follow_the_number_of_files(affine, write_series, tmp_path):
    peaks = []
    for n in (2, 20):
        for patient in range(n):
            uids = {"study_uid": f"1.2.{patient + 1}", "series_uid": f"1.2.{patient + 1}.1"}
            write_series(tmp_path / f"{n}" / f"{patient}", np.tile(VALUES, (1, 1, 8)), affine, **uids)
        list_series(tmp_path / f"{n}")  # what is imported and cached once
        tracemalloc.start()
        found = list_series(tmp_path / f"{n}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found) == n
    # 576 more files; their headers together would take more than half a megabyte, what is said of 18 series is little
    assert peaks[1] - peaks[0] < 100_000
