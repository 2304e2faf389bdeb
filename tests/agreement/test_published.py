"""The published table of fourteen systems on 2,978 foramina of 468 patients, from their public grades."""

import csv
from pathlib import Path

import numpy as np
import pytest

from foramgrade.agreement import Measure, cohen_kappa
from foramgrade.agreement.measures import measure_statistic
from foramgrade.agreement.pairing import pair_rows

PUBLISHED = {
    "Accuracy": Measure.AGREEMENT,
    "QWK": Measure.QUADRATIC_KAPPA,
    "MAE": Measure.MEAN_DISTANCE,
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> dict[str, dict[str, str]]:
    return {row["case_key"]: row for row in read(shared_data / "agreement" / "Case_Folds.csv")}


@pytest.fixture(scope="module")
def systems(shared_data: Path, cases: dict[str, dict[str, str]]) -> dict[str, np.ndarray]:
    """Grades by system, in the order of the cases."""
    grades: dict[str, dict[str, int]] = {}
    for row in read(shared_data / "agreement" / "OOF_Predictions_14Systems_Long.csv"):
        grades.setdefault(row["system"], {})[row["case_key"]] = int(row["y_pred"])
    return {name: np.array([by_case[case] for case in cases]) for name, by_case in grades.items()}


def test_all_fourteen_systems(shared_data: Path, cases, systems) -> None:
    truth = np.array([int(row["y_true"]) for row in cases.values()])
    registry = read(shared_data / "agreement" / "System_Registry.csv")
    assert len(registry) == len(systems) == 14
    for row in registry:
        rows, _ = pair_rows(truth, systems[row["System"]], range(4))
        assert len(rows) == int(row["Rows"]) == 2978
        for column, measure in PUBLISHED.items():
            found = float(measure_statistic(4, measure)(rows.sum(axis=0)))
            assert found == pytest.approx(float(row[column]), abs=1e-9), (row["System"], column)


def test_patients_widen_the_interval_of_the_best_system(cases, systems) -> None:
    """Six foramina per patient, hardly alike in what this system gets wrong: 5 % wider than over foramina."""
    truth = np.array([int(row["y_true"]) for row in cases.values()])
    patients = np.array([row["patient_key"] for row in cases.values()])
    reads = systems["CORAL-MSaux + fixed DeiT"]
    over_patients = cohen_kappa(truth, reads, "quadratic", patients=patients)
    drawn = cohen_kappa(truth, reads, "quadratic", patients=patients, rng=np.random.default_rng(1))
    over_foramina = cohen_kappa(truth, reads, "quadratic")
    assert over_patients.n_patients == 468
    assert over_patients.value == over_foramina.value == pytest.approx(0.7973902091, abs=1e-9)
    widths = [np.diff(one.interval)[0] for one in (over_patients, drawn, over_foramina)]
    assert widths[0] / widths[2] == pytest.approx(1.05, abs=0.02)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)  # ends of 10,000 resamples are known to about 2 %
