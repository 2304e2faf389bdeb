"""Intervals over patients: against loops, against what is known of a mean, and where there can be none."""

import numpy as np
import pytest
from scipy import stats

from foramgrade.agreement import IntervalMethod, cohen_kappa
from foramgrade.agreement.resampling import (
    bootstrap_interval,
    draw_resamples,
    estimate,
    jackknife_interval,
    leave_one_out,
    resample,
    sum_by_patient,
)

from .conftest import read_twice


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 1] / sums[..., 0]


def test_a_resample_is_a_draw_of_whole_patients() -> None:
    """Sums of draws are those of a loop that repeats each patient as often as it was drawn."""
    sums = np.random.default_rng(1).integers(0, 5, (7, 3)).astype(float)
    drawn = resample(sums, rng=np.random.default_rng(2), n_resamples=50)
    for total, patients in zip(drawn, np.random.default_rng(2).integers(0, 7, (50, 7)), strict=True):
        assert total.tolist() == sum(sums[patient] for patient in patients).tolist()


def test_leaving_one_out_is_a_loop() -> None:
    sums = np.arange(12.0).reshape(4, 3)
    for patient, total in enumerate(leave_one_out(sums)):
        assert total.tolist() == np.delete(sums, patient, axis=0).sum(axis=0).tolist()


def test_the_jackknife_of_a_mean_is_the_interval_of_students_t() -> None:
    """Its standard error is SD / sqrt(n)."""
    x = np.array([3.0, 5.0, 4.0, 8.0, 1.0])
    rows = np.column_stack([np.ones(5), x])
    interval, _ = jackknife_interval(float(x.mean()), mean(leave_one_out(rows)), largest=np.inf)
    assert interval == pytest.approx(x.mean() + np.array([-1, 1]) * 2.776445 * x.std(ddof=1) / np.sqrt(5), abs=1e-5)


def test_the_bootstrap_of_a_mean_comes_near_students_t() -> None:
    """The widening makes up for SDs that are too small by sqrt((n - 1) / n), and for t; a sample without skewness."""
    rng = np.random.default_rng(3)
    x = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    rows = np.column_stack([np.ones(12), x])
    drawn = mean(resample(rows, rng=rng, n_resamples=40_000))
    interval, _ = bootstrap_interval(float(x.mean()), drawn, n_patients=12)
    half = 2.200985 * x.std(ddof=1) / np.sqrt(12)
    assert interval == pytest.approx((x.mean() - half, x.mean() + half), abs=0.06 * half)


def test_patients_widen_what_foramina_alone_would_narrow() -> None:
    """Readers who differ by patient: with 30 patients of 10 alike foramina the interval is that of about 30 reads."""
    rng = np.random.default_rng(4)
    patients = np.repeat(np.arange(30), 10)
    truth = np.repeat(rng.integers(0, 4, 30), 10)
    reads = np.repeat(np.clip(rng.integers(-1, 2, 30) + truth[::10], 0, 3), 10)
    narrow = cohen_kappa(truth, reads, "quadratic", rng=np.random.default_rng(1), n_resamples=2000)
    wide = cohen_kappa(truth, reads, "quadratic", patients=patients, rng=np.random.default_rng(1), n_resamples=2000)
    assert (narrow.n_patients, wide.n_patients) == (None, 30)
    ratio = np.diff(wide.interval)[0] / np.diff(narrow.interval)[0]
    assert ratio == pytest.approx(np.sqrt(10), rel=0.2)


def test_the_same_generator_gives_the_same_interval() -> None:
    grades, patients = read_twice(np.random.default_rng(5), n_patients=25)
    found = [
        cohen_kappa(*grades.T, patients=patients, rng=np.random.default_rng(seed), n_resamples=300).interval
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


def test_the_order_of_the_foramina_does_not_matter() -> None:
    grades, patients = read_twice(np.random.default_rng(5), n_patients=25)
    order = np.random.default_rng(6).permutation(len(grades))
    one = cohen_kappa(*grades.T, patients=patients)
    other = cohen_kappa(*grades[order].T, patients=patients[order])
    assert one.method is IntervalMethod.JACKKNIFE
    assert other.interval == pytest.approx(one.interval, abs=1e-12)


def test_bootstrap_and_jackknife_and_closed_form_agree_on_many_independent_reads() -> None:
    """Ends within 5 % of the width."""
    grades, patients = read_twice(np.random.default_rng(8), n_patients=1500, n_foramina=1)
    closed = cohen_kappa(*grades.T).interval
    left_out = cohen_kappa(*grades.T, patients=patients).interval
    drawn = cohen_kappa(*grades.T, rng=np.random.default_rng(1), n_resamples=10_000).interval
    width = closed.high - closed.low
    assert left_out == pytest.approx(closed, abs=0.05 * width)
    assert drawn == pytest.approx(closed, abs=0.05 * width)


def test_one_patient_has_a_value_without_interval() -> None:
    found = cohen_kappa([0, 1, 2], [0, 1, 1], patients=["A"] * 3, rng=np.random.default_rng(1))
    assert found.value is not None
    assert (found.interval, found.reason) == (None, "no interval: one patient only")


def test_a_value_that_most_resamples_leave_undefined_has_no_interval() -> None:
    """One foramen of ten is not normal: a third of the resamples miss it, and kappa has nothing to say there."""
    found = cohen_kappa([0] * 9 + [1], [0] * 9 + [1], rng=np.random.default_rng(1), n_resamples=500)
    assert found.interval is None
    assert "is not defined in 3" in found.reason
    left_out = cohen_kappa([0] * 9 + [1], [0] * 9 + [1], patients=range(10))
    assert left_out.interval is None
    assert "when one of the patients is left out" in left_out.reason


def test_no_end_lies_beyond_full_agreement() -> None:
    first = np.array([0, 0, 0, 0, 1, 1, 1, 2, 3, 0])
    second = first.copy()
    second[0] = 1
    for options in ({}, {"patients": range(10)}, {"rng": np.random.default_rng(1)}):
        assert cohen_kappa(first, second, **options).interval.high <= 1.0


def test_several_coefficients_share_their_draws() -> None:
    sums = sum_by_patient(np.random.default_rng(1).random((20, 4)), None)
    both = draw_resamples(sums, rng=np.random.default_rng(2), n_resamples=100)
    part = both.part(slice(2, 4))
    assert part.drawn is not None
    assert both.drawn is not None
    assert part.drawn.tolist() == both.drawn[:, 2:4].tolist()
    one = estimate("mean", mean, part, n=20, by_patient=False, undefined="", largest=np.inf)
    assert one.n_patients is None
    assert one.interval is not None
