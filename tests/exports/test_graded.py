"""The folder of results read back: what was graded, on which grid, with which accepted faults."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.exports import paint_foramina, read_graded, write_study
from foramgrade.loaders import Irregularity

from .conftest import Case


@pytest.fixture
def folder(case: Case, tmp_path: Path) -> Path:
    image = {"role": "image", "sha256": "ab", "format": "DICOM", "tolerated": "missing-slice, shear"}
    write_study(replace(case.study, inputs=(image,)), case.phantom.labels.grid, tmp_path, panels=False)
    return tmp_path


def test_what_was_written_is_read_back(case: Case, folder: Path) -> None:
    graded = read_graded(folder)
    assert graded.grid.matches(case.phantom.labels.grid)
    assert graded.tolerated == (Irregularity.MISSING_SLICE, Irregularity.SHEAR)
    painted, labels = paint_foramina(graded.study, case.phantom.labels.grid)
    expected, described = paint_foramina(case.study, case.phantom.labels.grid)
    np.testing.assert_array_equal(painted, expected)
    assert labels == described


def test_faults_that_are_none_are_refused(folder: Path) -> None:
    document = json.loads((folder / "assessment.json").read_text(encoding="utf-8"))
    document["inputs"][0]["tolerated"] = "everything"
    (folder / "assessment.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="tolerates 'everything', expected one of missing-slice, repeated-slice"):
        _ = read_graded(folder).tolerated


@pytest.mark.parametrize("name", ["assessment.json", "foramina.nii.gz"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"has no {name}, expected a folder that foramgrade grade wrote"):
        read_graded(folder)
