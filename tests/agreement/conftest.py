"""Tables as reads, simulated reads of patients, and the libraries that serve as oracles."""

import importlib
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np
import pytest

Table = Sequence[Sequence[int]]


def expand(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """Two readers' grades whose pairs are counted in the table."""
    counts = np.array(table)
    rows, columns = np.indices(counts.shape)
    return np.repeat(rows.ravel(), counts.ravel()), np.repeat(columns.ravel(), counts.ravel())


def read_twice(
    rng: np.random.Generator, *, n_patients: int, n_foramina: int = 6, n_readers: int = 2, error: float = 0.4
) -> tuple[np.ndarray, np.ndarray]:
    """Grades, (N, R), of foramina that are alike within a patient, and the patient of each."""
    severity = rng.normal(0, 0.7, (n_patients, 1, 1)) + rng.normal(0, 0.7, (n_patients, n_foramina, 1))
    seen = severity + rng.normal(0, error, (n_patients, n_foramina, n_readers))
    grades = np.searchsorted([0.5, 1.1, 1.6], seen)
    return grades.reshape(-1, n_readers), np.repeat(np.arange(n_patients), n_foramina)


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], ModuleType]:
    """Import a library of the extra ``test``, whose own warnings are not ours."""

    def load(name: str) -> ModuleType:
        pytest.importorskip(name.partition(".")[0], reason="an oracle of the extra 'test' is not installed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)

    return load
