"""Local processes: a killed one takes its case alone, and gets it a second chance when the others are done."""

import functools
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import dying_work
from foramgrade.batch import engines
from foramgrade.batch.cases import BatchCase
from foramgrade.batch.engines import run_locally
from foramgrade.errors import StoppedError


def _cases(*names: str) -> list[BatchCase]:
    return [BatchCase(number, name, None, skipped="no image") for number, name in enumerate(names)]


def test_a_killed_process_loses_its_case_only(tmp_path: Path) -> None:
    names = ("a", "b", "dies once", "c", "dies", "d", "e")
    work = functools.partial(dying_work.die_once, folder=tmp_path)
    found = {case.case: outcome for case, outcome in run_locally(_cases(*names), work, jobs=2)}
    assert set(found) == set(names)
    assert [name for name, outcome in found.items() if outcome is None] == ["dies"]
    assert list(found)[-2:] == ["dies once", "dies"] or list(found)[-2:] == ["dies", "dies once"]


def test_processes_compute_with_one_thread_and_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(engines, "CASES_PER_PROCESS", 2)
    found = [outcome for _, outcome in run_locally(_cases("a", "b", "c"), dying_work.note_threads, jobs=1)]
    assert [outcome.problem for outcome in found if outcome is not None] == ["1"] * 3
    processes = [outcome.foramina for outcome in found if outcome is not None]
    assert processes[0] == processes[1] != processes[2]
    assert "OMP_NUM_THREADS" not in os.environ


def test_processes_that_die_one_after_the_other_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MOST_DEATHS", 2)
    with pytest.raises(StoppedError, match="2 processes in a row ended without finishing a case"):
        list(run_locally(_cases("a", "b", "c"), dying_work.die, jobs=1))


def test_what_stops_one_process_stops_the_run() -> None:
    with pytest.raises(StoppedError, match="cannot write"):
        list(run_locally(_cases("a", "b"), dying_work.stop, jobs=1))


def test_a_run_that_is_broken_off_waits_for_nothing() -> None:
    with pytest.raises(StoppedError, match="cannot write"):
        list(run_locally(_cases("b", "a"), dying_work.linger, jobs=2))
    # A process that was killed is listed until its end is noticed, and one may have been on its way: a bound, no wait.
    until = time.monotonic() + 120
    while (children := multiprocessing.active_children()) and time.monotonic() < until:
        children[0].join(1)
    assert children == []


def test_cases_are_taken_as_processes_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    taken = 0

    def endless() -> Iterator[BatchCase]:
        nonlocal taken
        while True:
            taken += 1
            yield BatchCase(taken, str(taken), None)

    ended: list[BatchCase] = []
    for case, _ in run_locally(endless(), dying_work.note_threads, jobs=1, stopped=lambda: len(ended) >= 5):
        ended.append(case)
        assert taken <= len(ended) + 1
    assert len(ended) == taken
