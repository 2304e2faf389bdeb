"""A cohort of tiny studies, and what every test asks of the folder of a run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_files import Files, copy_study, row, write_manifest, write_tiny
from foramgrade.batch import Standing, run_batch
from foramgrade.batch.collecting import TABLES

Run = Callable[..., Standing]
#: Distinct studies; cases beyond them are copies.
DISTINCT = 3
#: Cases of the cohort that is disturbed in all ways.
LONG = 24


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, ...]:
    folder = tmp_path_factory.mktemp("studies")
    return tuple(write_tiny(folder / f"Doe_John_{seed}", seed) for seed in range(DISTINCT))


@pytest.fixture
def cohort(studies: tuple[Files, ...], tmp_path: Path) -> Path:
    """A manifest of four cases that can be assessed; three with files of their own."""
    own = [copy_study(files, tmp_path / "in" / f"Doe_Jane_{n}") for n, files in enumerate(studies)]
    rows = [row(f"case {n}", own[n % DISTINCT], patient=f"p{n // 2}", state="before") for n in range(4)]
    return write_manifest(tmp_path / "cohort.csv", rows)


@pytest.fixture(scope="session")
def long_cohort(studies: tuple[Files, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of `LONG` cases, one of them without image and one without labels or points."""
    rows = [row(f"c{n:02d}", studies[n % DISTINCT]) for n in range(LONG)]
    rows[5]["image"] = "nowhere.nii.gz"
    rows[8]["labels"] = ""
    return write_manifest(tmp_path_factory.mktemp("long") / "cohort.csv", rows)


@pytest.fixture(scope="session")
def long_tables(long_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Tables of the long cohort, run without a disturbance."""
    out = tmp_path_factory.mktemp("undisturbed")
    run_batch(long_cohort, out, jobs=2)
    return tables(out)


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def outcomes(out: Path) -> int:
    """How many cases have an outcome in their folder."""
    return len(list((out / "cases").glob("*/*/outcome.json")))


def start_batch(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a run as a program of its own."""
    told = [sys.executable, "-m", "foramgrade", "batch", *map(str, arguments)]
    return subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Standing]:
    """Run a batch in this process, case by case, without the cost of starting others."""

    def in_line(cases, work, *, jobs, stopped):  # type: ignore[no-untyped-def]
        assert jobs >= 1
        for case in cases:
            if stopped():
                return
            yield case, work(case)

    monkeypatch.setattr("foramgrade.batch.studies.run_locally", in_line)

    def run(source: Path, out: Path, **options: object) -> Standing:
        return run_batch(source, out, **options).standing  # type: ignore[arg-type]

    return run
