"""What a second run does, and does not, in the same folder; and who is refused there."""

import json
import os
import random
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foramgrade.batch import Choices, Shard, Standing, look_ahead, run_batch, running
from foramgrade.batch.store import case_folder, claim_folder, fill_case
from foramgrade.errors import InputError, StoppedError

from .conftest import LONG, outcomes, start_batch, tables

Run = Callable[..., Standing]


def test_a_second_run_keeps_everything_and_writes_the_same_bytes(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    assert run_here(cohort, out) == Standing(4, done=4)
    first = tables(out)
    assert run_here(cohort, out) == Standing(4, done=4, kept=4)
    assert tables(out) == first
    runs = json.loads((out / "run.json").read_bytes())["runs"]
    assert [told["cases_run"] for told in runs] == [4, 0]


def test_only_what_changed_is_run_again(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out, image = tmp_path / "out", tmp_path / "in" / "Doe_Jane_1" / "image.nii.gz"
    run_here(cohort, out)
    first = tables(out)
    os.utime(image)  # a new time, the same content: looked at, hashed and kept
    assert run_here(cohort, out).kept == 4
    record = json.loads((case_folder(out, "case 1") / "outcome.json").read_bytes())
    assert record["inputs"]["image"]["modified_ns"] == image.stat().st_mtime_ns
    image.write_bytes((tmp_path / "in" / "Doe_Jane_2" / "image.nii.gz").read_bytes())
    assert run_here(cohort, out) == Standing(4, done=4, kept=3)
    assert tables(out) != first
    (case_folder(out, "case 0") / "foramina.csv").unlink()  # a result that somebody has lost
    (case_folder(out, "case 3") / "outcome.json").write_text("{")  # torn by a power cut
    assert run_here(cohort, out).kept == 2
    text = cohort.read_text(encoding="utf-8")
    cohort.write_text(text.replace(",T1,site of case 2", ",T2,site of case 2"), encoding="utf-8")
    assert run_here(cohort, out).kept == 3
    cohort.write_text(text.replace(",site of case 2", ",elsewhere"), encoding="utf-8")
    assert run_here(cohort, out).kept == 3  # T1 once more
    assert b"elsewhere" in (out / "foramina.csv").read_bytes()
    assert run_here(cohort, out).kept == 4


def test_a_failure_stands_until_its_input_changes_or_it_is_asked_for(
    cohort: Path, tmp_path: Path, run_here: Run
) -> None:
    out, image = tmp_path / "out", tmp_path / "in" / "Doe_Jane_1" / "image.nii.gz"
    whole = image.read_bytes()
    image.unlink()
    assert run_here(cohort, out) == Standing(4, done=3, failed=1)
    assert run_here(cohort, out) == Standing(4, done=3, failed=1, kept=4)
    assert run_here(cohort, out, retry_failed=True) == Standing(4, done=3, failed=1, kept=3)
    image.write_bytes(whole)
    assert run_here(cohort, out) == Standing(4, done=4, kept=3)


def test_pictures_are_added_to_results_that_lack_them(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    run_here(cohort, out)
    first = tables(out)
    (case_folder(out, "case 1") / "outcome.json").unlink()
    manifest = cohort.read_text().splitlines(keepends=True)
    cohort.write_text("".join(manifest[:2]))
    assert run_here(cohort, out, pictures=True) == Standing(1, done=1)
    assert (case_folder(out, "case 0") / "sheet.png").is_file()
    assert list((case_folder(out, "case 0") / "panels").glob("*.png"))
    assert run_here(cohort, out, pictures=True).kept == 1
    cohort.write_text("".join(manifest))
    assert run_here(cohort, out).kept == 3
    assert tables(out) == first


def test_other_parameters_are_refused_with_the_difference(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    run_here(cohort, out)
    first = tables(out)
    sentence = (
        r"out holds results of other parameters \(fat_is_bright: false there, true now; seal_limit_mm: 10.0 there"
    )
    with pytest.raises(InputError, match=sentence):
        run_here(cohort, out, choices=Choices(seal_limit_mm=5.0, fat_is_bright=True))
    with pytest.raises(InputError, match="other parameters"):
        look_ahead(cohort, out, choices=Choices(seal_limit_mm=5.0))
    assert tables(out) == first
    (out / ".foramgrade" / "parameters.json").write_text("{")
    with pytest.raises(InputError, match="is damaged, and tells no more"):
        run_here(cohort, out)


def test_two_runs_do_not_share_a_folder_but_shards_of_one_division_do(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with claim_folder(out, Shard()), pytest.raises(InputError, match="another run is writing to out: wait for it"):
        run_batch(cohort, out, jobs=1)
    with claim_folder(out, Shard(1, 2)):
        with claim_folder(out, Shard(2, 2)):
            pass
        with (
            pytest.raises(InputError, match=r"another run is writing to out \(shard 1/2\)"),
            claim_folder(out, Shard()),
        ):
            pass
        with pytest.raises(InputError, match=r"\(shard 1/2\)"), claim_folder(out, Shard(1, 2)):
            pass
    with claim_folder(out, Shard()):
        pass


def test_a_case_that_is_not_whole_leaves_the_earlier_result(tmp_path: Path) -> None:
    parts = tmp_path / ".foramgrade" / "parts"
    with fill_case(tmp_path, "a", parts) as new:
        (new / "result").write_text("first")
    filling = fill_case(tmp_path, "a", parts)
    (filling.__enter__() / "result").write_text("second")
    interruption = KeyboardInterrupt()
    assert not filling.__exit__(KeyboardInterrupt, interruption, None)
    assert (case_folder(tmp_path, "a") / "result").read_text() == "first"
    with fill_case(tmp_path, "a", parts) as new:
        (new / "other").write_text("third")
    assert [path.name for path in case_folder(tmp_path, "a").iterdir()] == ["other"]
    assert list(parts.iterdir()) == []


def test_two_workers_that_end_the_same_case_at_once_leave_one_whole_result(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    with fill_case(tmp_path, "a", parts) as first, fill_case(tmp_path, "a", parts) as second:
        (first / "result").write_text("first")
        (second / "result").write_text("second")
    assert (case_folder(tmp_path, "a") / "result").read_text() == "first"  # the one that came last

    def end(number: int) -> None:
        for _ in range(50):
            with fill_case(tmp_path, "b", parts) as new:
                (new / "result").write_text(str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(end, range(4)))
    assert (case_folder(tmp_path, "b") / "result").read_text() in "0123"
    assert list(parts.iterdir()) == []


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = running.write_study, []

    def fill(*arguments, **options):  # type: ignore[no-untyped-def]
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return write(*arguments, **options)

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(running, "write_study", fill)
        with pytest.raises(StoppedError, match="cannot write to out: No space left on device; what is done is kept"):
            run_here(cohort, out)
    assert outcomes(out) == 2
    assert run_here(cohort, out) == Standing(4, done=4, kept=2)
    whole = tmp_path / "whole"
    run_here(cohort, whole)
    assert tables(out) == tables(whole)


def test_another_version_at_work_stops_the_run(
    cohort: Path, tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "version", lambda _: "0.0.0")
    with pytest.raises(StoppedError, match=r"foramgrade 0.0.0 is at work here, and the run was started by"):
        run_here(cohort, tmp_path / "out")


def test_a_stopped_run_writes_tables_of_what_there_is(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out, seen = tmp_path / "out", []
    ran = run_batch(cohort, out, progress=lambda standing: seen.append(standing), stopped=lambda: len(seen) > 2)
    assert ran.stopped
    assert ran.standing == Standing(4, done=2)
    document = json.loads((out / "summary.json").read_bytes())
    assert document["cases"] == {"all": 4, "done": 2, "failed": 0, "skipped": 0, "missing": 2}
    assert (out / "cases.csv").read_text().count(",missing,") == 2
    assert run_here(cohort, out).kept == 2


def test_a_look_ahead_counts_and_touches_nothing(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    (tmp_path / "in" / "Doe_Jane_1" / "labels.nii.gz").unlink()
    ahead = look_ahead(cohort, out)
    assert (ahead.cases, ahead.to_run, ahead.lacking, ahead.kept) == (4, 3, 1, 0)
    assert ahead.named == (("case 1", "labels not found"),)
    assert not out.exists()
    run_here(cohort, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert look_ahead(cohort, out).kept == 4
    assert look_ahead(cohort, out, retry_failed=True).kept == 3
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_records_hold_inputs_parameters_and_version_and_no_path(cohort: Path, tmp_path: Path, run_here: Run) -> None:
    out = tmp_path / "out"
    run_here(cohort, out)
    record = json.loads((case_folder(out, "case 0") / "outcome.json").read_bytes())
    image = tmp_path / "in" / "Doe_Jane_0" / "image.nii.gz"
    assert record["state"] == "done"
    assert record["inputs"]["image"]["bytes"] == image.stat().st_size
    assert re.fullmatch("[0-9a-f]{64}", record["inputs"]["image"]["sha256"])
    run = json.loads((out / "run.json").read_bytes())
    assert record["parameters"] == run["parameters_sha256"]
    assert record["version"] == run["version"]
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Doe" not in content, path
            assert str(tmp_path).encode() not in content, path


def test_killed_three_times_at_random_moments_the_run_ends_with_the_same_bytes(
    long_cohort: Path, long_tables: dict[str, bytes], tmp_path: Path
) -> None:
    out, clock = tmp_path / "out", random.Random()
    finished = []
    for _ in range(3):
        before, wanted = outcomes(out), clock.randint(0, 3)
        run = start_batch(long_cohort, "--out", out, "--jobs", "2")
        while outcomes(out) <= before + wanted and run.poll() is None:
            time.sleep(0.01)
        time.sleep(clock.uniform(0, 0.2))
        run.kill()
        run.communicate()
        finished.append(outcomes(out))
    assert finished == sorted(finished)
    assert 0 < finished[0] < LONG
    _wait_until_alone(out)
    ended = start_batch(long_cohort, "--out", out, "--jobs", "2")
    printed, complaint = ended.communicate(timeout=60)
    assert ended.returncode == 1
    assert "cases run in" in printed  # and no bar in a log: the complaint below is all of it
    assert complaint == f"foramgrade: 1 of {LONG} cases failed, see failures.csv\n"
    assert tables(out) == long_tables
    assert list((out / ".foramgrade").glob("parts-*/*")) == []
    runs = json.loads((out / "run.json").read_bytes())["runs"]
    assert runs[-1]["cases_run"] <= LONG - finished[-1] + 1  # the case whose last process was killed, at most


def _wait_until_alone(out: Path) -> None:
    """A killed run's processes end with it, in their own time."""
    seen = -1
    while seen != (seen := outcomes(out)):
        time.sleep(0.5)


def test_ctrl_c_ends_after_the_cases_in_hand(long_cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = start_batch(long_cohort, "--out", out, "--jobs", "2")
    while outcomes(out) < 2 and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    printed, complaint = run.communicate(timeout=60)
    assert run.returncode == 130
    first, last = complaint.splitlines()
    assert first == "foramgrade: stopping after the cases in hand; once more to stop at once"
    assert last == "foramgrade: stopped; what is done is kept, and the same command goes on from there"
    assert "missing" in printed
    document = json.loads((out / "summary.json").read_bytes())
    assert document["cases"]["missing"] == LONG - outcomes(out)
    assert 0 < document["cases"]["missing"] < LONG


def test_a_second_ctrl_c_ends_at_once_and_the_next_run_goes_on(long_cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = start_batch(long_cohort, "--out", out, "--jobs", "2")
    while outcomes(out) < 2 and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    _, complaint = run.communicate(timeout=60)
    assert run.returncode in (1, 130)
    assert complaint.startswith("foramgrade: stopping after the cases in hand")
    assert "Traceback" not in complaint
    kept = outcomes(out)
    assert run_batch(long_cohort, out, jobs=1, stopped=lambda: True).standing.finished == 0
    assert outcomes(out) == kept  # no process has outlived the run
