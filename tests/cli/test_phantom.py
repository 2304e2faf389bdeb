"""`foramgrade phantom`: cases that can be graded, the same for the same seed."""

import csv
import shlex
from pathlib import Path

import pytest

import foramgrade.phantom
from foramgrade.cli.phantoms import Protocol
from foramgrade.loaders import list_series
from foramgrade.tables import read_csv

from .conftest import SMALL, Call


@pytest.fixture(autouse=True)
def _small_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foramgrade.phantom, "CLINICAL_2D", SMALL)


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_cases_are_written_and_can_be_graded(tmp_path: Path, run: Call) -> None:
    out = tmp_path / "my cases"
    ended = run("phantom", out, "--cases", "2", "--seed", "4", "--sequence", "T2")
    assert (ended.status, ended.err) == (0, "")
    names = ("image.nii.gz", "labels.nii.gz", "truth.csv")
    assert set(_files(out)) == {f"case-00{n}/{name}" for n in (1, 2) for name in names}
    assert _files(out)["case-001/image.nii.gz"] != _files(out)["case-002/image.nii.gz"]
    command = next(line for line in ended.out.splitlines() if line.startswith("Grade the first: "))
    program, *words = shlex.split(command.removeprefix("Grade the first: "))
    assert program == "foramgrade"
    graded = run(*words, "--no-panels")
    assert (graded.status, graded.err) == (0, "")
    rows = read_csv(out / "case-001" / "graded" / "foramina.csv")
    with (out / "case-001" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["level"], row["side"]): row for row in csv.DictReader(file)}
    assert len(truth) == 10
    assert set(zip(rows.level, rows.side, strict=True)) <= set(truth)
    assert set(rows.sequence) == {"T2"}
    again = tmp_path / "again"
    assert run("phantom", again, "--seed", "4", "--sequence", "T2").status == 0
    assert _files(again)["case-001/image.nii.gz"] == _files(out)["case-001/image.nii.gz"]
    assert _files(again)["case-001/truth.csv"] == _files(out)["case-001/truth.csv"]


def test_every_protocol_is_one_of_the_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    spacing = {p: getattr(foramgrade.phantom, p.name).spacing_mm for p in Protocol}
    assert spacing == {Protocol.CLINICAL_2D: 4.4, Protocol.FINE_2D: 3.3, Protocol.ISOTROPIC: 0.9}


def test_the_protocol_is_the_one_that_was_asked_for(tmp_path: Path, run: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foramgrade.phantom, "FINE_2D", SMALL)
    assert run("phantom", tmp_path, "--protocol", "fine-2d").status == 0
    (series,) = list_series(tmp_path / "case-001" / "image.nii.gz")
    assert series.n_slices == SMALL.n_slices


def test_a_file_in_the_way_is_refused(tmp_path: Path, run: Call) -> None:
    (tmp_path / "case-001").write_text("mine", encoding="utf-8")
    ended = run("phantom", tmp_path)
    assert ended.status == 2
    assert ended.err == "foramgrade: cannot write results: case-001 is a file, expected a folder\n"


def test_a_dicom_series_goes_all_the_way(tmp_path: Path, run: Call) -> None:
    ended = run("phantom", tmp_path, "--seed", "4", "--dicom")
    assert (ended.status, ended.err) == (0, "")
    assert "a DICOM series in dicom/" in ended.out
    (series,) = list_series(tmp_path / "case-001" / "dicom")
    assert (series.n_slices, series.plane.value) == (SMALL.n_slices, "sagittal")
    for start, more in (("Grade the first: ", ["--no-panels"]), ("Then export it: ", [])):
        line = next(line for line in ended.out.splitlines() if line.startswith(start))
        program, *words = shlex.split(line.removeprefix(start))
        assert program == "foramgrade"
        done = run(*words, *more)
        assert (done.status, done.err) == (0, "")
    assert {path.name for path in (tmp_path / "case-001" / "graded" / "dicom").iterdir()} == {
        "foramina_seg.dcm",
        "foramina_sr.dcm",
    }
    first = _files(tmp_path / "case-001" / "dicom")
    assert run("phantom", tmp_path / "again", "--seed", "4", "--dicom").status == 0
    assert _files(tmp_path / "again" / "case-001" / "dicom") == first
