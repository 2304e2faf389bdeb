"""Exact and random exchanges of two systems, against enumeration by hand and a binomial test."""

import itertools

import numpy as np
import pytest
from scipy import stats

from foramgrade.agreement import Measure, adjust_holm, cohen_kappa, compare_readers
from foramgrade.agreement.difference import permute
from foramgrade.agreement.measures import measure_statistic
from foramgrade.agreement.pairing import pair_rows
from foramgrade.agreement.resampling import sum_by_patient
from foramgrade.errors import InputError

from .conftest import read_twice


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def three_reads(n_patients: int, *, n_foramina: int = 3, seed: int = 1) -> tuple[np.ndarray, ...]:
    grades, patients = read_twice(rng(seed), n_patients=n_patients, n_foramina=n_foramina, n_readers=3)
    return *grades.T, patients


@pytest.mark.parametrize("measure", [Measure.QUADRATIC_KAPPA, Measure.KAPPA, Measure.AGREEMENT, Measure.MEAN_DISTANCE])
def test_every_exchange_by_hand(measure: Measure) -> None:
    truth, a, b, patients = three_reads(8)

    def value(grades: np.ndarray) -> float:
        if measure is Measure.AGREEMENT:
            return float((truth == grades).mean())
        if measure is Measure.MEAN_DISTANCE:
            return float(np.abs(truth - grades).mean())
        weights = "quadratic" if measure is Measure.QUADRATIC_KAPPA else None
        return cohen_kappa(truth, grades, weights).value

    observed = value(a) - value(b)
    larger = 0
    for swaps in itertools.product((False, True), repeat=8):
        swapped = np.array(swaps)[patients]
        gap = value(np.where(swapped, b, a)) - value(np.where(swapped, a, b))
        larger += abs(gap) >= abs(observed) - 1e-12
    found = compare_readers(truth, a, b, measure, patients=patients, rng=rng(), n_resamples=50)
    assert found.value == pytest.approx(observed, abs=1e-14)
    assert found.p_value == pytest.approx(larger / 2**8, abs=1e-12)
    assert found.exact


def test_without_patients_the_accuracy_is_mcnemars_exact_test() -> None:
    truth, a, b, _ = three_reads(40)
    only_a, only_b = int(((a == truth) & (b != truth)).sum()), int(((b == truth) & (a != truth)).sum())
    expected = stats.binomtest(only_a, only_a + only_b).pvalue
    found = compare_readers(truth, a, b, Measure.AGREEMENT, rng=rng(), n_resamples=50)
    assert found.p_value == pytest.approx(expected, abs=1e-12)


def test_random_exchanges_come_near_the_exact_value() -> None:
    """Of 20,000 exchanges a share p is known to sqrt(p (1 - p) / 20,000): four of those."""
    truth, a, b, patients = three_reads(60, seed=5)
    exact = compare_readers(truth, a, b, Measure.AGREEMENT, patients=patients, rng=rng(), n_resamples=50).p_value
    rows = np.hstack([pair_rows(truth, x, range(4))[0] for x in (a, b)])
    statistic = measure_statistic(4, Measure.AGREEMENT)
    gap = float((truth == a).mean() - (truth == b).mean())
    drawn, is_exact, counted = permute(sum_by_patient(rows, patients), statistic, gap, rng(3), 20_000)
    assert (is_exact, counted) == (False, 20_000)
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_random_exchanges_are_said_and_never_give_zero() -> None:
    grades, patients = read_twice(rng(2), n_patients=60, n_readers=2, error=0.2)
    truth, good = grades.T
    bad = rng(4).permutation(good)
    found = compare_readers(truth, good, bad, patients=patients, rng=rng(), n_resamples=200, n_permutations=999)
    assert (found.exact, found.n_permutations) == (False, 999)
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.interval.low > 0


def test_systems_that_answer_alike_do_not_differ() -> None:
    truth, a, _, patients = three_reads(10)
    for measure in (Measure.QUADRATIC_KAPPA, Measure.AGREEMENT):
        found = compare_readers(truth, a, a, measure, patients=patients, rng=rng(), n_resamples=50)
        assert (found.value, found.p_value, found.exact, found.interval) == (0.0, 1.0, True, None)
        assert "every resample gives the same value" in found.reason


def test_exchanged_systems_give_the_opposite_difference_and_the_same_p() -> None:
    truth, a, b, patients = three_reads(12)
    one = compare_readers(truth, a, b, patients=patients, rng=rng(), n_resamples=300)
    other = compare_readers(truth, b, a, patients=patients, rng=rng(), n_resamples=300)
    assert one.value == pytest.approx(-other.value, abs=1e-14)
    assert one.p_value == other.p_value
    assert one.interval == pytest.approx((-other.interval.high, -other.interval.low), abs=1e-12)


def test_the_level_is_kept_where_patients_are_alike() -> None:
    """Two systems that differ by chance only: of 300 tests at 5 % at most 5 % + 2 standard errors are false alarms."""
    alarms = 0
    for seed in range(300):
        truth, a, b, patients = three_reads(12, n_foramina=4, seed=100 + seed)
        found = compare_readers(truth, a, b, Measure.AGREEMENT, patients=patients, rng=rng(), n_resamples=1)
        alarms += found.p_value <= 0.05
    assert alarms / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)
    assert alarms > 0


def test_nothing_graded_by_all_three_says_so() -> None:
    found = compare_readers([0, None], [None, 1], [0, 1], rng=rng())
    assert (found.value, found.p_value) == (None, None)
    assert found.reason == "not defined: no foramen was graded by all three"


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: compare_readers([0, 1], [0, 1], [0], rng=rng()), "all three need the same foramina"),
        (lambda: compare_readers([0], [0], [5], rng=rng()), "found 5, expected one of 0, 1, 2, 3"),
        (lambda: compare_readers([0], [0], [0], rng=rng(), n_permutations=0), "found 0 permutations"),
    ],
)
def test_bad_input_is_said(call, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_holm_as_another_library_has_it(oracle) -> None:
    adjust = oracle("statsmodels.stats.multitest").multipletests
    p = rng(7).random(12) ** 3
    assert adjust_holm(p) == pytest.approx(adjust(p, method="holm")[1], abs=1e-14)
