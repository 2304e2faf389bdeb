"""Cohen's kappa against published tables, another library, and what it must and must not say."""

import itertools

import numpy as np
import pandas as pd
import pytest

from foramgrade.agreement import IntervalMethod, cohen_kappa, cross_table, largest_kappa
from foramgrade.errors import InputError

from .conftest import expand, read_twice

#: github.com/pengwuke/lss-foraminal-ordinal-grading, 2,978 foramina; rows are the truth.
PENG_1 = [[1743, 215, 47, 4], [185, 205, 101, 16], [18, 64, 127, 45], [2, 4, 46, 156]]
PENG_2 = [[1533, 403, 68, 5], [116, 255, 120, 16], [8, 66, 137, 43], [0, 7, 55, 146]]
PENG_3 = [[1976, 0, 0, 33], [423, 0, 2, 82], [118, 0, 0, 136], [18, 0, 0, 190]]  # a column that is all but empty
#: Agresti A. Categorical data analysis. Wiley 2002, section 10.5: carcinoma slides, 118 of two pathologists.
AGRESTI = [[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]]
WEIGHTS = (None, "linear", "quadratic")


@pytest.mark.parametrize(
    "table, kappas, within",
    [
        (PENG_1, (0.5142905053, 0.6706551643, 0.7973902091), 1e-9),
        (PENG_2, (0.4628796716, 0.6220142712, 0.7608305460), 1e-9),
        (PENG_3, (0.3435102525, 0.5505621813, 0.6921161265), 1e-9),
        (AGRESTI, (0.4930, 0.6488, 0.7838), 5e-5),
    ],
)
def test_published_tables(table: list[list[int]], kappas: tuple[float, ...], within: float) -> None:
    first, second = expand(table)
    found = [cohen_kappa(first, second, weights) for weights in WEIGHTS]
    assert [one.value for one in found] == pytest.approx(kappas, abs=within)
    assert {one.n for one in found} == {int(np.sum(table))}
    assert cross_table(first, second).tolist() == table


def test_a_table_by_hand() -> None:
    """0.7 observed, 0.5 expected: (0.7 - 0.5) / (1 - 0.5) = 0.4."""
    first, second = expand([[20, 5], [10, 15]])
    assert cohen_kappa(first, second, categories=(0, 1)).value == pytest.approx(0.4, abs=1e-15)


@pytest.mark.parametrize("table", [AGRESTI, PENG_1, [[20, 5], [10, 15]]])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_another_library_gives_the_same_interval(oracle, table: list[list[int]], weights: str | None) -> None:
    theirs = oracle("statsmodels.stats.inter_rater").cohens_kappa(
        np.array(table), wt={None: None, "linear": "linear", "quadratic": "fc"}[weights]
    )
    first, second = expand(table)
    ours = cohen_kappa(first, second, weights, categories=range(len(table)))
    assert ours.value == pytest.approx(theirs.kappa, abs=1e-12)
    assert ours.method is IntervalMethod.LARGE_SAMPLE
    assert ours.interval == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=1e-9)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_another_library_gives_the_same_value(oracle, weights: str | None) -> None:
    score = oracle("sklearn.metrics").cohen_kappa_score
    rng = np.random.default_rng(4)
    for _ in range(20):
        first, second = rng.integers(0, 4, (2, 30))
        ours = cohen_kappa(first, second, weights).value
        assert ours == pytest.approx(score(first, second, labels=range(4), weights=weights), abs=1e-12)


def test_the_order_of_readers_and_the_direction_of_the_scale_do_not_matter() -> None:
    grades, _ = read_twice(np.random.default_rng(2), n_patients=30)
    for weights in WEIGHTS:
        one = cohen_kappa(grades[:, 0], grades[:, 1], weights)
        other = cohen_kappa(grades[:, 1], grades[:, 0], weights)
        turned = cohen_kappa(3 - grades[:, 0], 3 - grades[:, 1], weights)
        assert one.value == pytest.approx(other.value, abs=1e-14)
        assert one.value == pytest.approx(turned.value, abs=1e-14)
        assert one.interval == pytest.approx(other.interval, abs=1e-12)


def test_grades_that_nobody_used_do_not_change_a_weighted_kappa() -> None:
    first, second = expand([[20, 5], [10, 15]])
    wide = cohen_kappa(first, second, "quadratic", categories=range(7))
    assert wide.value == pytest.approx(cohen_kappa(first, second, "quadratic", categories=(0, 1)).value, abs=1e-15)


def test_but_a_gap_in_the_scale_does() -> None:
    """On 0, 1, 3 a step from 1 to 3 counts twice only where the scale says that 2 lies between."""
    first, second = [0, 1, 3, 3, 1, 0], [0, 3, 3, 1, 1, 1]
    full = cohen_kappa(first, second, "linear", categories=(0, 1, 2, 3)).value
    assert full != pytest.approx(cohen_kappa(first, second, "linear", categories=(0, 1, 3)).value, abs=0.01)


def test_missing_grades_are_left_out_however_they_are_written() -> None:
    first = pd.array([0, 1, 2, None, 3, 1], dtype="Int64")
    second = np.array([0.0, 1.0, 3.0, 2.0, np.nan, 1.0])
    found = cohen_kappa(first, second, "quadratic")
    assert found.n == 4
    assert found.value == pytest.approx(cohen_kappa([0, 1, 2, 1], [0, 1, 3, 1], "quadratic").value)


@pytest.mark.parametrize(
    "first, second, reason",
    [
        ([0, 0, 0], [0, 0, 0], "both readers used one and the same grade only"),
        ([0, None], [None, 1], "no foramen was graded by both"),
        ([], [], "no foramen was graded by both"),
    ],
)
def test_an_undefined_kappa_says_why(first: list[int | None], second: list[int | None], reason: str) -> None:
    found = cohen_kappa(first, second)
    assert (found.value, found.interval) == (None, None)
    assert reason in found.reason


def test_a_constant_reader_has_a_kappa_of_zero() -> None:
    assert cohen_kappa([0, 0, 0, 0], [0, 1, 2, 3]).value == 0.0


def test_full_agreement_has_no_interval_and_says_why() -> None:
    found = cohen_kappa([0, 1, 2, 3], [0, 1, 2, 3])
    assert (found.value, found.interval) == (1.0, None)
    assert found.reason == "no interval: the standard error is 0"


def test_words_are_a_scale_too() -> None:
    words = ("Normal/Mild", "Moderate", "Severe")
    found = cohen_kappa(["Severe", "Moderate", "Normal/Mild"], ["Severe", "Severe", "Normal/Mild"], "linear", words)
    assert found.value == pytest.approx(cohen_kappa([2, 1, 0], [2, 2, 0], "linear", (0, 1, 2)).value)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: cohen_kappa([0, 1], [0, 1, 2]), r"same foramina .* found grades of shapes \(2,\) and \(3,\)"),
        (lambda: cohen_kappa([0, 7], [0, 1]), "1 grades are not on the scale: found 7, expected one of 0, 1, 2, 3"),
        (lambda: cohen_kappa(["0", "1"], [0, 1]), "found '0', '1', expected one of 0, 1, 2, 3"),
        (lambda: cohen_kappa([0.5], [0]), "found 0.5, expected one of"),
        (lambda: cohen_kappa([0], [0], "cubic"), "found weights 'cubic', expected None, 'linear' or 'quadratic'"),
        (lambda: cohen_kappa([0], [0], categories=(0,)), "two categories or more, each once, found 0"),
        (lambda: cohen_kappa([0], [0], categories=(0, 1, 1)), "two categories or more, each once, found 0, 1, 1"),
        (lambda: cohen_kappa([0, 1], [0, 1], patients=["A"]), "found 1 patients for 2 foramina"),
        (lambda: cohen_kappa([0, 1], [0, 1], patients=["A", None]), "1 reads without a patient"),
        (lambda: cohen_kappa([0, 1], [0, 1], rng=np.random.default_rng(1), n_resamples=0), "found 0 resamples"),
        (lambda: largest_kappa([[1, 2]]), r"a square table of counts, .* found the shape \(1, 2\)"),
        (lambda: largest_kappa([[1, 2], [0.5, 1]]), "whole counts"),
        (lambda: largest_kappa([[1, 2], [-1, 1]]), "whole counts"),
    ],
)
def test_bad_input_is_said(call, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_largest_kappa_of_lees_marginals() -> None:
    """Lee 2010, AJR 194:1095: 576 foramina, marginals (530, 33, 6, 7) and (530, 32, 6, 8)."""
    table = np.diag([530, 32, 6, 7])
    table[1, 3] = 1
    assert table.sum(axis=1).tolist() == [530, 33, 6, 7]
    assert table.sum(axis=0).tolist() == [530, 32, 6, 8]
    n = table.sum()
    assert float((table.sum(axis=1) * table.sum(axis=0)).sum() / n**2) == pytest.approx(0.8501157, abs=5e-8)
    assert largest_kappa(table) == pytest.approx(0.9884170, abs=5e-8)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_largest_kappa_against_every_table(weights: str | None) -> None:
    """All 3 x 3 tables of given marginals, by enumeration."""
    rows, columns = (4, 2, 1), (2, 2, 3)
    best = -np.inf
    for cells in itertools.product(range(5), repeat=4):
        table = np.zeros((3, 3), int)
        table[:2, :2] = np.reshape(cells, (2, 2))
        table[:2, 2] = np.array(rows[:2]) - table[:2, :2].sum(axis=1)
        table[2] = np.array(columns) - table[:2].sum(axis=0)
        if table.min() < 0:
            continue
        first, second = expand(table)
        best = max(best, cohen_kappa(first, second, weights, categories=range(3)).value)
    assert largest_kappa(np.outer(rows, columns), weights) == pytest.approx(best, abs=1e-12)


def test_largest_kappa_of_readers_alike_is_one_and_of_one_grade_none() -> None:
    assert largest_kappa([[3, 2], [2, 3]]) == 1.0
    assert largest_kappa([[5, 0], [0, 0]]) is None
