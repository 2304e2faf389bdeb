"""Several readers, some of whose reads are missing: published numbers, another library, naive loops."""

import itertools

import numpy as np
import pytest

from foramgrade.agreement import cohen_kappa, fleiss_kappa, gwet_ac, krippendorff_alpha, percent_agreement
from foramgrade.agreement.measures import Measure, measure_statistic
from foramgrade.errors import InputError

from .conftest import expand, read_twice

#: Fleiss JL. Psychol Bull 1971;76:378-382 (as often reprinted): 10 subjects, 14 raters, 5 categories.
FLEISS = (
    *((0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)),
    *((7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)),
)
_ = None
#: Krippendorff K. Computing Krippendorff's alpha-reliability (2011), example C: 12 units, 4 observers, 7 reads missing.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ],
    dtype=object,
).T
FIVE = (1, 2, 3, 4, 5)


def fleiss_reads() -> np.ndarray:
    return np.array([np.repeat(range(5), counts) for counts in FLEISS])


def test_fleiss_published() -> None:
    assert fleiss_kappa(fleiss_reads(), range(5)).value == pytest.approx(0.209931, abs=5e-7)


def test_krippendorff_published() -> None:
    """0.743 nominal, 0.815 ordinal, 0.849 interval."""
    found = [
        krippendorff_alpha(KRIPPENDORFF, FIVE, measurement=level).value for level in ("nominal", "ordinal", "interval")
    ]
    assert found == pytest.approx((0.743, 0.815, 0.849), abs=5e-4)
    assert krippendorff_alpha(KRIPPENDORFF, FIVE).n == 11  # the last unit was read once


def test_gwet_published() -> None:
    """The same reads in the documentation of irrCAC (R), AC1 0.77544, Fleiss' kappa 0.76117, agreement 0.81818."""
    assert gwet_ac(KRIPPENDORFF, FIVE).value == pytest.approx(0.77544, abs=5e-6)
    assert fleiss_kappa(KRIPPENDORFF, FIVE).value == pytest.approx(0.76117, abs=5e-6)
    assert percent_agreement(KRIPPENDORFF, FIVE).value == pytest.approx(0.81818, abs=5e-6)


def test_gwet_and_fleiss_weighted_as_another_implementation_has_them() -> None:
    """Computed once with irrCAC 0.4.4 for Python, which carries no licence that would let the tests need it."""
    found = [gwet_ac(KRIPPENDORFF, FIVE, weights=w).value for w in ("linear", "quadratic")]
    assert found == pytest.approx((0.8587391364, 0.9140007236), abs=5e-10)
    found = [fleiss_kappa(KRIPPENDORFF, FIVE, weights=w).value for w in ("linear", "quadratic")]
    assert found == pytest.approx((0.8179447671, 0.8649350649), abs=5e-10)


def test_fleiss_as_another_library_has_it(oracle) -> None:
    theirs = oracle("statsmodels.stats.inter_rater").fleiss_kappa
    rng = np.random.default_rng(3)
    for _ in range(10):
        grades = rng.integers(0, 4, (25, 3))
        counts = (grades[:, :, None] == np.arange(4)).sum(axis=1)
        assert fleiss_kappa(grades).value == pytest.approx(theirs(counts), abs=1e-12)


def alpha_by_loops(grades: np.ndarray, distance) -> float:
    """Krippendorff's alpha pair by pair."""
    units = [[v for v in row if v is not None] for row in grades]
    units = [row for row in units if len(row) > 1]
    values = [v for row in units for v in row]
    n = len(values)
    observed = sum(distance(a, b) / (len(row) - 1) for row in units for a, b in itertools.permutations(row, 2)) / n
    expected = sum(distance(a, b) for a, b in itertools.permutations(values, 2)) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_alpha_as_a_loop_over_pairs_has_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grades = rng.integers(0, 4, (15, 3)).astype(object)
    grades[rng.random(grades.shape) < 0.2] = None
    values = [v for row in grades if sum(v is not None for v in row) > 1 for v in row if v is not None]
    frequency = [values.count(g) for g in range(4)]

    def ordinal(a: int, b: int) -> float:
        low, high = sorted((a, b))
        return (sum(frequency[low : high + 1]) - (frequency[low] + frequency[high]) / 2) ** 2

    assert krippendorff_alpha(grades).value == pytest.approx(alpha_by_loops(grades, ordinal), abs=1e-12)
    nominal = alpha_by_loops(grades, lambda a, b: float(a != b))
    assert krippendorff_alpha(grades, measurement="nominal").value == pytest.approx(nominal, abs=1e-12)


def test_two_readers_are_a_special_case() -> None:
    """AC of the table of two is that of the array; Fleiss' is Scott's pi: below Cohen's where the marginals differ."""
    first, second = expand([[40, 9, 0, 0], [3, 12, 6, 1], [0, 2, 8, 4], [0, 0, 1, 5]])
    counts = np.zeros(16)
    np.add.at(counts, first * 4 + second, 1.0)
    both = np.column_stack([first, second])
    assert float(measure_statistic(4, Measure.AC1)(counts)) == pytest.approx(gwet_ac(both).value, abs=1e-14)
    quadratic = gwet_ac(both, weights="quadratic").value
    assert float(measure_statistic(4, Measure.AC2)(counts)) == pytest.approx(quadratic, abs=1e-14)
    observed = float((first == second).mean())
    shares = np.bincount(both.ravel(), minlength=4) / both.size
    scott = (observed - (shares**2).sum()) / (1 - (shares**2).sum())
    assert fleiss_kappa(both).value == pytest.approx(scott, abs=1e-14)
    assert scott < cohen_kappa(first, second).value


def test_a_column_without_reads_changes_nothing() -> None:
    grades, _ = read_twice(np.random.default_rng(5), n_patients=10, n_readers=3)
    wider = np.column_stack([grades, np.full(len(grades), None)])
    for coefficient in (fleiss_kappa, gwet_ac, krippendorff_alpha, percent_agreement):
        assert coefficient(wider).value == pytest.approx(coefficient(grades).value, abs=1e-14)


@pytest.mark.parametrize("coefficient", [fleiss_kappa, krippendorff_alpha])
def test_one_grade_only_is_undefined(coefficient) -> None:
    found = coefficient([[0, 0], [0, 0]])
    assert found.value is None
    assert "all grades are one and the same" in found.reason


def test_one_grade_only_is_full_agreement_for_gwet() -> None:
    assert gwet_ac([[0, 0], [0, 0]]).value == 1.0


@pytest.mark.parametrize("coefficient", [fleiss_kappa, gwet_ac, krippendorff_alpha, percent_agreement])
def test_nothing_read_twice_is_undefined(coefficient) -> None:
    found = coefficient([[0, None], [None, 1]])
    assert (found.value, found.n) == (None, 0)
    assert found.reason == "not defined: no foramen was graded twice"


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: fleiss_kappa([0, 1, 2]), r"a column for each of two or more readers, found the shape \(3,\)"),
        (lambda: gwet_ac([[0], [1]]), r"two or more readers, found the shape \(2, 1\)"),
        (lambda: gwet_ac([[0, 9]]), "found 9, expected one of 0, 1, 2, 3"),
        (lambda: krippendorff_alpha([[0, 1]], measurement="ratio"), "found the level of measurement 'ratio'"),
        (lambda: fleiss_kappa([[0, 1]], patients=["A", "B"]), "found 2 patients for 1 foramina"),
    ],
)
def test_bad_input_is_said(call, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()
