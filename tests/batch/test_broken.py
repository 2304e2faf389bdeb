"""Ten ways in which a study is broken: each a row of failures.csv with its sentence, and the others are done."""

import csv
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_files import BREAKERS, Files, break_study, copy_study, row, write_manifest
from foramgrade.batch import Standing, running
from foramgrade.batch.outcome import RECORD, State, read_record
from foramgrade.batch.store import case_folder
from foramgrade.errors import InputError

Run = Callable[..., Standing]


def _failures(out: Path) -> dict[str, dict[str, str]]:
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        return {told["case"]: told for told in csv.DictReader(file)}


def test_every_broken_case_has_its_sentence(studies: tuple[Files, ...], tmp_path: Path, run_here: Run) -> None:
    rows = [row("sound", studies[0])]
    rows += [
        row(way, break_study(copy_study(studies[0], tmp_path / "in" / f"Doe_Jane_{n}"), way))
        for n, way in enumerate(BREAKERS)
    ]
    out = tmp_path / "out"
    assert run_here(write_manifest(tmp_path / "m.csv", rows), out) == Standing(11, done=1, failed=10)
    failures = _failures(out)
    assert list(failures) == list(BREAKERS)
    for way, (_, word) in BREAKERS.items():
        told = failures[way]
        assert word in told["problem"], (way, told["problem"])
        assert told["outcome"] == "failed"
        assert told["failed_at"] in ("image", "labels", "assess")
        assert told["site"] == f"site of {way}"
        assert "bug" not in told["problem"]
        assert {path.name for path in case_folder(out, way).iterdir()} == {RECORD}
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"Doe" not in everything
    assert b"nii" not in (out / "failures.csv").read_bytes()
    assert json.loads((out / "summary.json").read_bytes())["cases"]["failed"] == 10


def test_a_bug_is_a_failure_that_tells_its_place_and_no_value(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object, **__: object) -> None:
        msg = "Doe, John"
        raise RuntimeError(msg)

    monkeypatch.setattr(running, "read_study", stumble)
    out = tmp_path / "out"
    assert run_here(cohort, out).failed == 4
    problem = _failures(out)["case 0"]["problem"]
    assert "RuntimeError" in problem
    assert "please report" in problem
    assert "Doe" not in problem
    told = (case_folder(out, "case 0") / "bug.txt").read_text()
    assert "stumble" in told
    assert "Doe" not in told


def test_want_of_memory_is_tried_again_by_the_next_run(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object, **__: object) -> None:
        raise MemoryError

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(running, "read_study", starve)
        assert run_here(cohort, out) == Standing(4, failed=4)
    assert "memory" in _failures(out)["case 1"]["problem"]
    assert run_here(cohort, out) == Standing(4, done=4)


def test_a_warning_of_the_package_is_a_remark_without_names(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = running.read_study

    def warn(files, *arguments, **options):  # type: ignore[no-untyped-def]
        logging.getLogger("foramgrade.loaders").warning("%s is odd", files.image.name)
        return read(files, *arguments, **options)

    monkeypatch.setattr(running, "read_study", warn)
    out = tmp_path / "out"
    run_here(cohort, out)
    record = read_record(case_folder(out, "case 0"))
    assert record is not None
    assert record.outcome.state is State.DONE
    assert record.outcome.remarks == ("the image is odd",)
    assert b"the image is odd" in (out / "cases.csv").read_bytes()


def test_an_error_of_the_package_that_stops_nothing_else(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = running.read_study

    def refuse(files, choices, *, case, watch):  # type: ignore[no-untyped-def]
        if case == "case 2":
            msg = f"{files.image} is not for us"
            raise InputError(msg)
        return read(files, choices, case=case, watch=watch)

    monkeypatch.setattr(running, "read_study", refuse)
    out = tmp_path / "out"
    assert run_here(cohort, out) == Standing(4, done=3, failed=1)
    assert _failures(out)["case 2"]["problem"] == "the image is not for us"
