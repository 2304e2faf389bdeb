"""`foramgrade batch` and `merge`: what they print, where they end, and how they refuse."""

import json
import signal
import sys
from pathlib import Path

import pytest

from cohort_files import Files, row, write_manifest, write_tiny
from foramgrade.batch import Standing
from foramgrade.cli import cohorts, ran
from foramgrade.tables import COLUMNS, read_csv

from .conftest import Call
from .test_start import _Terminal


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_tiny(tmp_path_factory.mktemp("tiny"), 1)


@pytest.fixture(autouse=True)
def _in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run cases in this process."""

    def in_line(cases, work, *, jobs, stopped):  # type: ignore[no-untyped-def]
        for case in cases:
            if stopped():
                return
            yield case, work(case)

    monkeypatch.setattr("foramgrade.batch.studies.run_locally", in_line)


def test_a_cohort_is_graded_and_kept(files: Files, tmp_path: Path, run: Call) -> None:
    manifest = write_manifest(tmp_path / "m.csv", [row("a", files), row("b", files), row("c", files)])
    out = tmp_path / "out"
    ahead = run("batch", manifest, "--out", out, "--dry-run")
    assert (ahead.status, ahead.err, out.exists()) == (0, "", False)
    assert "would run" in ahead.out
    ended = run("batch", manifest, "--out", out)
    assert (ended.status, ended.err) == (0, "")
    assert all(
        words in ended.out for words in ("done", "3 cases run", f"Written to {out}", "Research and teaching only")
    )
    table = read_csv(out / "foramina.csv")
    assert list(table.columns) == [*COLUMNS, "site"]
    assert sorted(set(table.site)) == ["site of a", "site of b", "site of c"]
    assert "0 cases run" in run("batch", manifest, "--out", out).out
    other = run("batch", manifest, "--out", out, "--minimum-fat", "0.5")
    assert other.status == 2
    assert "minimum_fat_mm: 0.3 there, 0.5 now" in other.err


def test_a_failed_case_is_status_1_and_the_rest_is_there(files: Files, tmp_path: Path, run: Call) -> None:
    rows = [row("a", files), row("b", files, image="none.nii"), row("c", files, labels="")]
    manifest, out = write_manifest(tmp_path / "m.csv", rows), tmp_path / "out"
    ahead = run("batch", manifest, "--out", out, "--dry-run")
    assert ahead.status == 1
    assert "b: image not found" in ahead.out
    assert "c: the manifest names neither labels nor points" in ahead.out
    ended = run("batch", manifest, "--out", out, "--panels")
    assert (ended.status, ended.err) == (1, "foramgrade: 1 of 3 cases failed, see failures.csv\n")
    assert list((out / "cases").glob("*/a/panels/*.png"))
    assert run("batch", manifest, "--out", out, "--retry-failed").status == 1
    assert json.loads((out / "run.json").read_bytes())["runs"][-1]["cases_run"] == 1


def test_shards_are_merged(files: Files, tmp_path: Path, run: Call) -> None:
    manifest = write_manifest(tmp_path / "m.csv", [row("a", files), row("b", files, image="none.nii")])
    out = tmp_path / "out"
    first = run("batch", manifest, "--out", out, "--shard", "1/2")
    assert (first.status, first.err) == (0, "")
    assert f"Written to {out / 'shards' / '1-of-2'}" in first.out
    early = run("merge", out, "--out", out)
    assert (early.status, early.err) == (2, "foramgrade: found 1 of 2 shards, expected all: missing 2\n")
    assert run("batch", manifest, "--out", out, "--shard", "2/2").status == 1
    merged = run("merge", out, "--out", tmp_path / "merged")
    assert (merged.status, merged.err) == (1, "foramgrade: of 2 cases 1 failed, see cases.csv\n")
    assert "2 shards merged" in merged.out
    assert run("batch", manifest, "--out", out).status == 1
    assert (tmp_path / "merged" / "foramina.parquet").read_bytes() == (out / "foramina.parquet").read_bytes()


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--shard", "3/2"], "the shard is '3/2', expected a number from 1 to 2 before the slash"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
        (["--scheme", "spidre"], "the scheme is 'spidre', expected one of"),
        (["--levels", "5="], "5="),
        (["--derivatives", "seg"], "derivatives belong to a BIDS folder"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"], "expected one of the two"),
    ],
)
def test_wrong_usage_is_status_2(files: Files, tmp_path: Path, run: Call, options: list[str], sentence: str) -> None:
    manifest = write_manifest(tmp_path / "m.csv", [row("a", files)])
    ended = run("batch", manifest, "--out", tmp_path / "out", *options)
    assert ended.status == 2
    assert sentence in " ".join(ended.err.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_stop_that_is_no_usage_error_is_status_1(
    files: Files, tmp_path: Path, run: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foramgrade.batch.running.version", lambda _: "0.0.0")
    manifest = write_manifest(tmp_path / "m.csv", [row("a", files)])
    ended = run("batch", manifest, "--out", tmp_path / "out")
    assert ended.status == 1
    assert "0.0.0 is at work here" in ended.err


def test_the_second_signal_stops_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with cohorts._stop_on_signals() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGTERM)
        assert stopped()
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
    assert capfd.readouterr().err == ("foramgrade: stopping after the cases in hand; once more to stop at once\n")


def test_a_bar_shows_counts_where_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    with ran.show_standing() as report:
        report(Standing(12))
        report(Standing(12, done=5, failed=1, kept=2))
    assert "4/10" in terminal.getvalue()
    assert "1 failed, 2 kept" in terminal.getvalue()


def test_no_bar_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with ran.show_standing() as report:
        report(Standing(12, done=5))
    assert capsys.readouterr().err == ""
