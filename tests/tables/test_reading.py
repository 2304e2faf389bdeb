"""Assessments read back: the same document again, the same outlines, and refusals of what is none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.tables import StudyAssessment, read_json, write_json
from foramgrade.tables.masks import mask_to_runs, runs_to_mask


def test_what_was_read_writes_the_same_document(study: StudyAssessment, tmp_path: Path) -> None:
    write_json(study, tmp_path / "a.json")
    read = read_json(tmp_path / "a.json")
    write_json(read, tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    first, second = read.foramina[0], study.foramina[0]
    assert (first.level, first.side, first.quality) == (second.level, second.side, second.quality)
    assert first.findings == second.findings


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (17, 5)])
def test_masks_come_back(share: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(7).random(shape) < share
    np.testing.assert_array_equal(runs_to_mask(mask_to_runs(mask), shape), mask)


@pytest.mark.parametrize("runs", ["1 2", "7", "-1 7", "a 6", "", "9999999999999999999999"])
def test_runs_that_do_not_fill_their_mask_are_refused(runs: str) -> None:
    with pytest.raises(InputError, match=r"a mask of 2 x 3 pixels has runs of .*, expected 6 pixels"):
        runs_to_mask(runs, (2, 3))


def _without(document: dict[str, Any]) -> None:
    del document["foramina"][0]["grade"]


def _other_side(document: dict[str, Any]) -> None:
    document["foramina"][0]["side"] = "middle"


def _new_caveat(document: dict[str, Any]) -> None:
    document["foramina"][0]["quality"] = ["haunted"]


def _no_case(document: dict[str, Any]) -> None:
    document["case"] = 7


def _list(document: dict[str, Any]) -> None:
    document["foramina"] = ["a"]


@pytest.mark.parametrize(
    "damage, sentence",
    [
        (_without, "a.json is damaged: it has no entry 'grade', expected one"),
        (_other_side, "a.json is damaged: 'middle' is not a valid Side"),
        (_new_caveat, "found the caveat 'haunted', expected one of level-unverified"),
        (_no_case, "found 7, expected a text"),
        (_list, "a.json is damaged: "),
    ],
)
def test_damaged_documents_are_refused(study: StudyAssessment, tmp_path: Path, damage: Any, sentence: str) -> None:
    document = json.loads(study.to_json())
    damage(document)
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("text", ['{"format": "something else"}', "[1, 2]", "{}"])
def test_other_documents_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a.json is no assessment: its format is .*, expected 'foramgrade assessment"):
        read_json(tmp_path / "a.json")


def test_a_document_without_outlines_has_no_evidence(study: StudyAssessment, tmp_path: Path) -> None:
    document = json.loads(study.to_json())
    for foramen in document["foramina"]:
        del foramen["outlines"]  # as written before there were any
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    assert [foramen.evidence for foramen in read_json(tmp_path / "a.json").foramina] == [None, None]
