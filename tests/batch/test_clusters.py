"""A real Dask scheduler with two worker processes: the same table as local processes give, workers killed or not."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from foramgrade.batch import Standing, run_batch
from foramgrade.errors import InputError

from .conftest import LONG, Run, outcomes, start_batch, tables

pytest.importorskip("distributed")


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._home, self._running = folder, folder / "cluster", []
        self._home.mkdir()
        told = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
        for _ in range(600):
            if told.exists() and told.stat().st_size:
                break
            time.sleep(0.05)
        self.address = json.loads(told.read_text())["address"]

    def add_worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def end(self) -> None:
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--host", "127.0.0.1", *options]
        environment = dict(os.environ, OMP_NUM_THREADS="1", DASK_TEMPORARY_DIRECTORY=str(self._folder))
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=self._home, env=environment, stdout=quiet, stderr=quiet)
        self._running.append(process)
        return process


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests, in their order: the last one that takes it kills the scheduler."""
    with ExitStack() as stack:
        made = Cluster(tmp_path_factory.mktemp("dask"))
        stack.callback(made.end)
        yield made


def test_the_table_is_that_of_local_processes_though_workers_are_killed(
    cluster: Cluster, long_cohort: Path, long_tables: dict[str, bytes], tmp_path: Path, run_here: Run
) -> None:
    out, chance = tmp_path / "out", random.Random()
    workers = [cluster.add_worker() for _ in range(2)]
    run = start_batch(long_cohort, "--out", out, "--scheduler", cluster.address)
    for kill in range(3):
        wanted = 1 + 4 * kill + chance.randint(0, 2)
        while outcomes(out) < wanted and run.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        assert run.poll() is None
        victim = workers.pop(chance.randrange(2))
        victim.kill()
        victim.wait()
        workers.append(cluster.add_worker())
    _, complaint = run.communicate(timeout=60)
    # before it Dask may say that it computes again what died with a worker
    assert complaint.splitlines()[-1] == f"foramgrade: 1 of {LONG} cases failed, see failures.csv"
    assert run.returncode == 1
    assert tables(out) == long_tables
    # whatever computes, the results are the same: nothing is left to do for local processes
    assert run_here(long_cohort, out) == Standing(LONG, done=LONG - 2, failed=1, skipped=1, kept=LONG)


def test_workers_that_cannot_import_the_work_stop_the_run_in_a_sentence(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "strange.py"
    script.write_text("def work(case): return case\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import strange\n"
        "from foramgrade.batch.clusters import run_on_cluster\nfrom foramgrade.batch.cases import BatchCase\n"
        f"list(run_on_cluster([BatchCase(0, 'a', None)], strange.work, address={cluster.address!r}))"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert "StoppedError: a worker could not take up a case" in ended.stderr


def test_a_lost_scheduler_stops_the_run_in_a_sentence_and_it_goes_on(
    cluster: Cluster, long_cohort: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = start_batch(long_cohort, "--out", out, "--scheduler", cluster.address)
    while outcomes(out) < 2 and run.poll() is None:
        time.sleep(0.01)
    cluster.scheduler.kill()
    _, complaint = run.communicate(timeout=60)
    assert run.returncode == 1
    assert complaint.splitlines()[-1].startswith("foramgrade: the Dask scheduler is lost")
    assert outcomes(out) >= 2


def test_a_scheduler_that_is_not_there_is_named(
    long_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foramgrade.batch.clusters.PATIENCE_S", 0.5)
    with pytest.raises(InputError, match=r"found no Dask scheduler at tcp://127\.0\.0\.1:9, expected one such as"):
        run_batch(long_cohort, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="found them together with a scheduler"):
        run_batch(long_cohort, tmp_path / "out", scheduler="tcp://127.0.0.1:9", jobs=2)


def test_without_dask_there_is_a_sentence(long_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"a scheduler needs Dask distributed: pip install 'foramgrade\[dask\]'"):
        run_batch(long_cohort, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
