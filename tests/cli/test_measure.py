"""Foramina drawn by hand, from files to a table."""

import json
from pathlib import Path

import numpy as np
import pytest

from foramgrade.exports import write_labels, write_nifti
from foramgrade.tables import read_csv
from foramgrade.volume import LabelMap

from .conftest import Call, Study


@pytest.fixture
def drawn(study: Study, tmp_path: Path) -> Path:
    """A square of 12 pixels around the centres of the L3-L4 and L4-L5 foramina, on the slice nearest to them."""
    grid = study.phantom.labels.grid
    array = np.zeros(grid.shape, np.uint8)
    for truth in study.phantom.truth:
        if truth.level.name in ("L3-L4", "L4-L5"):
            i, j, k = np.rint(grid.to_ijk(truth.centre_mm)).astype(int)
            array[i - 6 : i + 6, j - 6 : j + 6, k] = 1
    write_labels(LabelMap(array, grid, "foramina"), tmp_path / "drawn.nii.gz")
    return tmp_path / "drawn.nii.gz"


def test_a_drawing_with_labels_becomes_a_table(run: Call, study: Study, drawn: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = run("measure", drawn, "--labels", study.labels, "--scheme", "totalspineseg", "--out", out, "--case", "c1")
    assert (ended.status, ended.err) == (0, "")
    assert "Written to" in ended.out
    assert "L4-L5" in ended.out
    frame = read_csv(out / "foramina.csv")
    assert list(frame["level"] + " " + frame["side"]) == ["L3-L4 right", "L3-L4 left", "L4-L5 right", "L4-L5 left"]
    # 144 pixels, seen along the level's right axis: the slices are inclined by less than 12 degrees
    area = frame["area_mm2"].astype(float)
    assert (area <= 144 * 0.36 + 0.005).all()
    assert (area >= 144 * 0.36 * np.cos(np.radians(12))).all()
    assert set(frame["case"]) == {"c1"}
    assert frame["reasons"].str.contains("measured from a drawn outline, fat was not read").all()
    document = json.loads((out / "assessment.json").read_text())
    assert [entry["role"] for entry in document["inputs"]] == ["drawn", "labels"]
    assert sorted(path.name for path in out.iterdir()) == ["assessment.json", "foramina.csv"]


def test_a_drawing_alone_has_numbered_levels(run: Call, drawn: Path, tmp_path: Path) -> None:
    ended = run("measure", drawn, "--out", tmp_path / "out")
    assert (ended.status, ended.err) == (0, "")
    frame = read_csv(tmp_path / "out" / "foramina.csv")
    assert list(frame["level"]) == ["F1", "F1", "F2", "F2"]
    np.testing.assert_allclose(frame["area_mm2"].astype(float), 144 * 0.36, atol=0.01)


def test_a_folder_of_masks_is_told_by_its_names(run: Call, study: Study, drawn: Path, tmp_path: Path) -> None:
    grid = study.phantom.labels.grid
    right = study.phantom.foramen("L4-L5", study.phantom.truth[0].side)
    i, j, k = np.rint(grid.to_ijk(right.centre_mm)).astype(int)
    soft = np.zeros(grid.shape, np.float32)
    soft[i - 6 : i + 6, j - 6 : j + 6, k], soft[i - 7, j - 6 : j + 6, k] = 1, 0.5
    folder = tmp_path / "masks"
    folder.mkdir()
    write_nifti(soft, grid, folder / "L4-L5_right.nii.gz")
    ended = run("measure", folder, "--out", tmp_path / "out")
    assert (ended.status, ended.err) == (0, "")
    frame = read_csv(tmp_path / "out" / "foramina.csv")
    assert list(frame["level"] + " " + frame["side"]) == ["L4-L5 right"]
    assert float(frame["area_mm2"][0]) == pytest.approx((144 + 6) * 0.36, abs=0.01)


@pytest.mark.parametrize(
    "more, message",
    [
        (["--scheme", "spider"], "a scheme or instances are given without the labels that they belong to"),
        (["--levels", "5=T12"], "level names are given for 1 labels, expected the labels of the vertebrae with them"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    run: Call, drawn: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    ended = run("measure", drawn, "--out", tmp_path / "out", *more)
    assert ended.status == 2
    assert ended.err.startswith("foramgrade: ")
    assert message in ended.err
    assert not (tmp_path / "out").exists()
