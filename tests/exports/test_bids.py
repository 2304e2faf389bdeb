"""BIDS derivatives: valid, joined by further studies, and with a dictionary made from the definitions."""

import csv
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.exports import find_bids_source, paint_foramina, write_bids, write_volume
from foramgrade.exports.dictionary import COLUMN_WORDS, describe_columns
from foramgrade.findings import QUANTITIES
from foramgrade.loaders import read_labels
from foramgrade.tables import COLUMNS, StudyAssessment, rows

from .conftest import Case, Find

PARTICIPANTS = "participant_id\tage\tsex\nsub-01\t61\tF\nsub-02\t47\tM\n"
NAME = "sub-01_ses-a_acq-sag_T1w"


def _graded(study: StudyAssessment, sha256: str = "ab") -> StudyAssessment:
    return replace(study, inputs=({"role": "image", "sha256": sha256, "format": "NIfTI"},))


def _write_raw(case: Case, root: Path) -> Path:
    """A raw data set with the phantom as its only image."""
    anat = root / "sub-01" / "ses-a" / "anat"
    anat.mkdir(parents=True)
    write_volume(case.phantom.image, anat / f"{NAME}.nii.gz")
    (anat / f"{NAME}.json").write_text(json.dumps({"RepetitionTime": 0.55, "EchoTime": 0.011}), encoding="utf-8")
    described = {"Name": "Phantoms", "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0"}
    (root / "dataset_description.json").write_text(json.dumps(described), encoding="utf-8")
    (root / "README.md").write_text("Synthetic spines, no patients. " * 10, encoding="utf-8")
    (root / "participants.tsv").write_text(PARTICIPANTS.replace("sub-02\t47\tM\n", ""), encoding="utf-8")
    words = {"age": {"Description": "Age", "Units": "year"}, "sex": {"Description": "Sex"}}
    (root / "participants.json").write_text(json.dumps(words), encoding="utf-8")
    return anat / f"{NAME}.nii.gz"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_derivative_beside_its_raw_data_is_valid(case: Case, program: Find, tmp_path: Path) -> None:
    validator = program("bids-validator-deno")
    root = tmp_path / "raw"
    source = find_bids_source(_write_raw(case, root))
    derivative = root / "derivatives" / "foramgrade"
    write_bids(_graded(case.study), case.phantom.labels.grid, derivative, source=source)
    alone = tmp_path / "alone"
    write_bids(_graded(case.study), case.phantom.labels.grid, alone)
    for folder in (root, derivative, alone):
        ended = subprocess.run(
            [validator, str(folder), "--format", "json"], capture_output=True, text=True, check=False
        )
        issues = json.loads(ended.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
        undefined = [issue for issue in issues if issue["code"] == "TSV_ADDITIONAL_COLUMNS_UNDEFINED"]
        assert undefined == []


def test_files_follow_the_image_and_name_it(case: Case, tmp_path: Path) -> None:
    source = find_bids_source(_write_raw(case, tmp_path / "raw"))
    assert source is not None
    folder = tmp_path / "raw" / "derivatives" / "foramgrade"
    names = write_bids(_graded(case.study), case.phantom.labels.grid, folder, source=source)
    assert set(names) == set(_files(folder))
    stem = "sub-01/ses-a/anat/sub-01_ses-a_acq-sag_desc-foramina"
    assert {name for name in names if "/" in name} == {
        f"{stem}_{end}" for end in ("dseg.nii.gz", "dseg.tsv", "dseg.json", "measurements.tsv", "measurements.json")
    }
    described = _read(folder / "dataset_description.json")
    assert (described["DatasetType"], described["GeneratedBy"][0]["Name"]) == ("derivative", "foramgrade")
    assert described["SourceDatasets"] == [{"Version": "data set 'Phantoms'"}]
    assert described["DatasetLinks"] == {"raw": "../.."}
    sidecar = _read(folder / f"{stem}_dseg.json")
    assert sidecar["Sources"] == [f"bids:raw:sub-01/ses-a/anat/{NAME}.nii.gz"]
    assert (folder / "participants.tsv").read_text() == "participant_id\tage\tsex\nsub-01\t61\tF\n"
    assert str(tmp_path) not in "".join(
        content.decode() for name, content in _files(folder).items() if not name.endswith(".gz")
    )


def test_labels_come_back_with_their_names(case: Case, tmp_path: Path) -> None:
    grid = case.phantom.labels.grid
    write_bids(_graded(case.study), grid, tmp_path, subject="07")
    painted, labels = paint_foramina(case.study, grid)
    file = tmp_path / "sub-07" / "anat" / "sub-07_desc-foramina_dseg.nii.gz"
    read = read_labels(file)
    np.testing.assert_array_equal(read.array, painted)
    assert dict(read.names) == {label.index: label.name for label in labels}
    table = _table(file.with_name("sub-07_desc-foramina_dseg.tsv"))
    assert [(int(row["index"]), row["name"], row["color"]) for row in table] == [
        (label.index, label.name, label.color) for label in labels
    ]


def test_measurements_are_the_rows_of_the_study(case: Case, tmp_path: Path) -> None:
    write_bids(_graded(case.study), case.phantom.labels.grid, tmp_path, subject="07")
    table = _table(tmp_path / "sub-07" / "anat" / "sub-07_desc-foramina_measurements.tsv")
    assert len(table) == len(case.study.foramina)
    for written, row in zip(table, rows(case.study), strict=True):
        assert tuple(written) == COLUMNS
        for column, value in row.items():
            if value is None:
                assert written[column] == "n/a"
            elif isinstance(value, bool):
                assert written[column] == str(value).lower()
            elif isinstance(value, int | float):
                assert float(written[column]) == pytest.approx(value)
            else:
                assert written[column] == value


def test_the_dictionary_is_made_from_the_definitions(case: Case, tmp_path: Path) -> None:
    write_bids(_graded(case.study), case.phantom.labels.grid, tmp_path, subject="07")
    words = _read(tmp_path / "sub-07" / "anat" / "sub-07_desc-foramina_measurements.json")
    assert tuple(words) == COLUMNS
    assert set(COLUMN_WORDS) == set(COLUMNS) - {quantity.value for quantity in QUANTITIES}
    for quantity, info in QUANTITIES.items():
        entry = words[quantity.value]
        assert info.definition[1:] in entry["Description"]
        assert info.source in entry["Description"]
    assert words["area_mm2"]["Units"] == "mm^2"
    assert words["section_x_mm"]["Units"] == "mm"
    assert words["lee_grade"]["Levels"]["1"].startswith("mild: Fat lost in two opposing directions")
    assert words["wildermuth"]["Levels"]["3"] == "Fat gone."
    assert words["rsna"]["TermURL"] == "https://doi.org/10.48550/arXiv.2506.09162"
    assert "Levels" not in describe_columns(replace(case.study, parameters={}))["lee_grade"]


def test_studies_join_a_data_set_and_nothing_is_lost(case: Case, tmp_path: Path) -> None:
    grid = case.phantom.labels.grid
    (tmp_path / "participants.tsv").write_text(PARTICIPANTS, encoding="utf-8")
    (tmp_path / "README.md").write_text("Ours.\n", encoding="utf-8")
    write_bids(_graded(case.study, "ab"), grid, tmp_path, subject="02")
    write_bids(_graded(case.study, "cd"), grid, tmp_path, subject="sub-03")
    first = _files(tmp_path)
    write_bids(_graded(case.study, "cd"), grid, tmp_path, subject="03")
    assert _files(tmp_path) == first
    assert first["participants.tsv"].decode() == PARTICIPANTS + "sub-03\tn/a\tn/a\n"
    assert first["README.md"] == b"Ours.\n"
    described = json.loads(first["dataset_description.json"])
    assert described["SourceDatasets"] == [{"Version": f"image with SHA-256 {sha}"} for sha in ("ab", "cd")]
    assert len(described["GeneratedBy"]) == 1


def test_results_of_another_image_are_not_replaced(case: Case, tmp_path: Path) -> None:
    grid = case.phantom.labels.grid
    write_bids(_graded(case.study, "ab"), grid, tmp_path, subject="02")
    before = _files(tmp_path)
    with pytest.raises(InputError, match=r"sub-02_desc-foramina_dseg.json there is of another image, expected none or"):
        write_bids(_graded(case.study, "cd"), grid, tmp_path, subject="02")
    assert _files(tmp_path) == before


def test_the_pseudonym_becomes_the_subject(case: Case, tmp_path: Path) -> None:
    write_bids(_graded(replace(case.study, case="case-ad47_04")), case.phantom.labels.grid, tmp_path)
    assert (tmp_path / "sub-casead4704").is_dir()
    assert (tmp_path / "participants.tsv").read_text() == "participant_id\nsub-casead4704\n"


def test_refusals(case: Case, tmp_path: Path) -> None:
    grid, study = case.phantom.labels.grid, _graded(case.study)
    source = find_bids_source(_write_raw(case, tmp_path / "raw"))
    with pytest.raises(InputError, match="made of letters A to Z and digits, found 'Müller'"):
        write_bids(study, grid, tmp_path / "a", subject="Müller")
    with pytest.raises(InputError, match="made of letters A to Z and digits, found '患者'"):
        write_bids(replace(study, case="患者"), grid, tmp_path / "a")
    with pytest.raises(InputError, match="the image is of the subject 01 by its name: leave the subject out"):
        write_bids(study, grid, tmp_path / "a", source=source, subject="02")
    with pytest.raises(InputError, match=r"dataset_description.json there is not of a derivatives data set"):
        write_bids(study, grid, tmp_path / "raw", source=source)
    assert not (tmp_path / "a").exists() or not list((tmp_path / "a").iterdir())
    shutil.rmtree(tmp_path / "raw" / "sub-01")
    for text, sentence in (
        ("id\n1\n", r"participants.tsv has no column participant_id, expected one"),
        ("participant_id\tage\nsub-01\n", r"participants.tsv, line 2: found 1 cells, expected 2 as in the header"),
    ):
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / "participants.tsv").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=sentence):
            write_bids(study, grid, tmp_path / "b", subject="01")
        assert [path.name for path in (tmp_path / "b").iterdir()] == ["participants.tsv"]


@pytest.mark.parametrize("name", ["image.nii.gz", "sub-01_desc-x_dseg.nii.gz", "sub-02_T1w.nii.gz", "T1w.nii.gz"])
def test_other_names_and_places_are_no_bids(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub-01" / "anat").mkdir(parents=True)
    (tmp_path / "sub-01" / "anat" / name).touch()
    assert find_bids_source(tmp_path / "sub-01" / "anat" / name) is None
