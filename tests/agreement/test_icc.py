"""Six intraclass correlations against the paper that named them, and an analysis of variance."""

import numpy as np
import pytest

from foramgrade.agreement import IccForm, IntervalMethod, icc
from foramgrade.errors import InputError

#: Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
VALUES = {
    IccForm.ONE_WAY: 0.165742,
    IccForm.TWO_WAY_AGREEMENT: 0.289764,
    IccForm.TWO_WAY_CONSISTENCY: 0.714841,
    IccForm.ONE_WAY_MEAN: 0.442797,
    IccForm.TWO_WAY_AGREEMENT_MEAN: 0.620051,
    IccForm.TWO_WAY_CONSISTENCY_MEAN: 0.909316,
}
#: The same data in the documentation of the R packages psych and irr, to the decimals given there.
ENDS = {
    IccForm.ONE_WAY: (-0.133, 0.723),
    IccForm.TWO_WAY_AGREEMENT: (0.019, 0.761),
    IccForm.TWO_WAY_CONSISTENCY: (0.342, 0.946),
    IccForm.ONE_WAY_MEAN: (-0.884, 0.912),
    IccForm.TWO_WAY_AGREEMENT_MEAN: (0.071, 0.927),
    IccForm.TWO_WAY_CONSISTENCY_MEAN: (0.676, 0.986),
}


@pytest.mark.parametrize("form", IccForm)
def test_published(form: IccForm) -> None:
    found = icc(SHROUT_FLEISS)[form]
    assert found.value == pytest.approx(VALUES[form], abs=5e-7)
    assert found.interval == pytest.approx(ENDS[form], abs=6e-4)
    assert (found.n, found.method) == (6, IntervalMethod.F_DISTRIBUTION)


def test_an_offset_of_all_values_changes_nothing() -> None:
    """Also one that would eat the digits of a sum of squares."""
    plain, moved = icc(SHROUT_FLEISS), icc(SHROUT_FLEISS + 1e6)
    for form in IccForm:
        assert moved[form].value == pytest.approx(plain[form].value, abs=1e-8)


def test_an_offset_of_one_reader_counts_against_agreement_not_consistency() -> None:
    moved = icc(SHROUT_FLEISS + np.array([0.0, 0.0, 0.0, 20.0]))
    assert moved[IccForm.TWO_WAY_CONSISTENCY].value == pytest.approx(VALUES[IccForm.TWO_WAY_CONSISTENCY], abs=5e-7)
    assert moved[IccForm.TWO_WAY_AGREEMENT].value < 0.05


def test_against_an_analysis_of_variance_by_hand() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(0, 2, (20, 1)) + rng.normal(0, 0.5, (1, 3)) + rng.normal(0, 1, (20, 3))
    n, k = x.shape
    rows, columns, grand = x.mean(axis=1, keepdims=True), x.mean(axis=0, keepdims=True), x.mean()
    msr = k * ((rows - grand) ** 2).sum() / (n - 1)
    msc = n * ((columns - grand) ** 2).sum() / (k - 1)
    mse = ((x - rows - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    expected = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    assert icc(x)[IccForm.TWO_WAY_AGREEMENT].value == pytest.approx(expected, abs=1e-12)


def test_foramina_that_one_reader_left_out_do_not_count() -> None:
    with_gap = np.vstack([SHROUT_FLEISS, [[5.0, np.nan, 3.0, 2.0]]])
    found = icc(with_gap)[IccForm.TWO_WAY_AGREEMENT]
    assert (found.n, found.value) == (6, pytest.approx(VALUES[IccForm.TWO_WAY_AGREEMENT], abs=5e-7))


def test_the_interval_covers_as_often_as_it_says() -> None:
    """ICC(2,1) 4 / (4 + 0.5 + 1): of 400 intervals 95 % +- 2.1 % (two standard errors)."""
    rng, true, hits = np.random.default_rng(9), 4 / 5.5, 0
    for _ in range(400):
        x = rng.normal(0, 2, (30, 1)) + rng.normal(0, np.sqrt(0.5), (1, 3)) + rng.normal(0, 1, (30, 3))
        low, high = icc(x)[IccForm.TWO_WAY_AGREEMENT].interval
        hits += low <= true <= high
    assert 0.925 <= hits / 400 <= 0.975


def test_a_bootstrap_over_patients_is_wider_where_patients_are_alike() -> None:
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(40), 10)
    true = np.repeat(rng.normal(100, 25, 40), 10) + rng.normal(0, 5, 400)
    x = true[:, None] + np.repeat(rng.normal(0, 8, (40, 2)), 10, axis=0) + rng.normal(0, 3, (400, 2))
    plain = icc(x)[IccForm.TWO_WAY_AGREEMENT]
    drawn = icc(x, patients=patients, rng=np.random.default_rng(1), n_resamples=2000)[IccForm.TWO_WAY_AGREEMENT]
    assert drawn.value == pytest.approx(plain.value, abs=1e-12)
    assert drawn.method is IntervalMethod.BOOTSTRAP
    assert np.diff(drawn.interval)[0] > 1.5 * np.diff(plain.interval)[0]


@pytest.mark.parametrize(
    "values, reason",
    [
        ([[1.0, 2.0]], "fewer than two foramina"),
        ([[1.0, np.nan], [np.nan, 2.0]], "fewer than two foramina"),
        ([[1.0, 1.0], [1.0, 1.0]], "do not differ between foramina or readers"),
    ],
)
def test_undefined_says_why(values: list[list[float]], reason: str) -> None:
    found = icc(values)[IccForm.TWO_WAY_AGREEMENT]
    assert found.value is None
    assert reason in found.reason


def test_readers_who_agree_fully_have_no_interval() -> None:
    found = icc([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    for form in IccForm:
        assert found[form].value == pytest.approx(1.0)
        assert found[form].interval is None
        assert found[form].reason == "no interval: the readers do not differ"


@pytest.mark.parametrize(
    "values, match",
    [
        ([1.0, 2.0], r"a column for each of two or more readers, found \(2,\)"),
        ([[1.0], [2.0]], r"found \(2, 1\)"),
        ([[1.0, np.inf], [2.0, 3.0]], "must be finite, found 1 infinite"),
    ],
)
def test_bad_input_is_said(values: list, match: str) -> None:
    with pytest.raises(InputError, match=match):
        icc(values)
