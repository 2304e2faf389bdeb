"""Two classes: counts by hand, another library, and the indices of prevalence and bias."""

import numpy as np
import pytest

from foramgrade.agreement import cohen_kappa, dichotomize
from foramgrade.errors import InputError

from .conftest import expand, read_twice

TABLE = [[30, 5, 1, 0], [4, 10, 6, 0], [1, 2, 8, 3], [0, 0, 4, 6]]


def test_counts_and_shares_by_hand() -> None:
    """At 2 or above: both 8 + 3 + 4 + 6 = 21, only the first 1 + 2 + 0 + 0 = 3, only the second 1 + 6 = 7, none 49."""
    found = dichotomize(*expand(TABLE), threshold=2)
    assert found.counts == (21, 3, 7, 49)
    assert found.sensitivity.value == pytest.approx(21 / 24)
    assert found.specificity.value == pytest.approx(49 / 56)
    assert found.agreement.value == pytest.approx(70 / 80)
    assert found.pabak.value == pytest.approx(2 * 70 / 80 - 1)
    assert found.bias_index.value == pytest.approx((3 - 7) / 80)
    assert found.prevalence_index.value == pytest.approx((21 - 49) / 80)
    assert found.positive_agreement.value == pytest.approx(42 / 52)
    assert found.negative_agreement.value == pytest.approx(98 / 108)


def test_byrts_identity() -> None:
    """Byrt 1993: kappa = (PABAK - PI^2 + BI^2) / (1 - PI^2 + BI^2)."""
    for threshold in (1, 2, 3):
        found = dichotomize(*expand(TABLE), threshold=threshold)
        pi, bi = found.prevalence_index.value, found.bias_index.value
        expected = (found.pabak.value - pi**2 + bi**2) / (1 - pi**2 + bi**2)
        assert found.kappa.value == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_another_library(oracle, threshold: int) -> None:
    metrics = oracle("sklearn.metrics")
    reference, reader = expand(TABLE)
    found = dichotomize(reference, reader, threshold)
    positive = reference >= threshold
    assert found.auc.value == pytest.approx(metrics.roc_auc_score(positive, reader), abs=1e-12)
    assert found.sensitivity.value == pytest.approx(metrics.recall_score(positive, reader >= threshold), abs=1e-12)
    specificity = metrics.recall_score(~positive, reader < threshold)
    assert found.specificity.value == pytest.approx(specificity, abs=1e-12)
    kappa = cohen_kappa(positive, reader >= threshold, categories=(False, True)).value
    assert found.kappa.value == pytest.approx(kappa, abs=1e-14)


def test_intervals_contain_their_values_and_know_of_patients() -> None:
    grades, patients = read_twice(np.random.default_rng(6), n_patients=40)
    found = dichotomize(*grades.T, threshold=1, patients=patients, rng=np.random.default_rng(1), n_resamples=500)
    for name in ("agreement", "kappa", "sensitivity", "specificity", "auc", "bias_index", "positive_agreement"):
        one = getattr(found, name)
        assert one.n_patients == 40
        assert one.interval.low < one.value < one.interval.high


@pytest.mark.parametrize(
    "reference, name, reason",
    [
        ([0, 0, 0], "sensitivity", "the reference calls no foramen positive"),
        ([0, 0, 0], "auc", "the reference calls no foramen positive"),
        ([3, 3, 3], "specificity", "the reference calls every foramen positive"),
        ([3, 3, 3], "auc", "the reference calls every foramen positive"),
        ([None, None, None], "auc", "no foramen was graded by both"),
    ],
)
def test_undefined_says_why(reference: list[int | None], name: str, reason: str) -> None:
    one = getattr(dichotomize(reference, [0, 1, 3], threshold=2), name)
    assert one.value is None
    assert reason in one.reason


def test_kappa_of_one_class_is_undefined() -> None:
    found = dichotomize([0, 1, 0], [1, 0, 0], threshold=2)
    assert (found.kappa.value, found.agreement.value) == (None, 1.0)
    assert found.kappa.reason == "not defined: both readers used one and the same class"


@pytest.mark.parametrize("threshold", [0, 4, "2"])
def test_a_threshold_that_leaves_one_class_is_refused(threshold: object) -> None:
    with pytest.raises(InputError, match=r"at or above one of the grades 1, 2, 3, found"):
        dichotomize([0, 1], [0, 1], threshold)
