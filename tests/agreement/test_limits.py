"""Limits of agreement against a calculation by hand."""

import numpy as np
import pytest

from foramgrade.agreement.limits import find_limits, find_proportional_bias
from foramgrade.errors import InputError


def test_four_pairs_by_hand() -> None:
    """Differences 1, 2, 3, 6: mean 3, sum of squares 14, SD sqrt(14 / 3) = 2.160; t(3) = 3.182."""
    found = find_limits([11.0, 12.0, 13.0, 16.0], [10.0] * 4)
    sd = np.sqrt(14 / 3)
    assert (found.n, found.bias) == (4, 3.0)
    assert found.sd == pytest.approx(sd)
    assert (found.lower, found.upper) == pytest.approx((3 - 1.96 * sd, 3 + 1.96 * sd))
    assert found.bias_interval == pytest.approx((3 - 3.1824 * sd / 2, 3 + 3.1824 * sd / 2), abs=1e-3)
    # Standard error of a limit: SD sqrt(1/4 + 1.96^2 / (2 * 3)) = 0.9437 SD.
    half = 3.1824 * sd * np.sqrt(1 / 4 + 1.96**2 / 6)
    assert found.upper_interval == pytest.approx((found.upper - half, found.upper + half), abs=1e-3)
    assert found.median_error == 2.5


def test_the_sign_is_measured_minus_reference() -> None:
    assert find_limits([1.0, 2.0, 3.0], [2.0, 3.0, 5.0]).bias == pytest.approx(-4 / 3)


@pytest.mark.parametrize(
    ("measured", "reference", "match"),
    [
        ([1.0], [1.0], "two or more values"),
        ([1.0, 2.0], [1.0], "equal length"),
        ([1.0, np.nan], [1.0, 2.0], "finite|number"),
    ],
)
def test_refusals(measured: list[float], reference: list[float], match: str) -> None:
    with pytest.raises(InputError, match=match):
        find_limits(measured, reference)


def clustered(rng: np.random.Generator, n_patients: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ten foramina per patient whose differences share most of their size."""
    patients = np.repeat(np.arange(n_patients), 10)
    true = rng.uniform(60, 180, patients.size)
    shared = np.repeat(rng.normal(0, 8, n_patients), 10)
    return true + shared + rng.normal(0, 2, patients.size), true, patients


def test_patients_widen_the_intervals_but_move_nothing() -> None:
    measured, reference, patients = clustered(np.random.default_rng(1))
    plain = find_limits(measured, reference)
    for options in ({"rng": np.random.default_rng(2), "n_resamples": 2000}, {}):
        wide = find_limits(measured, reference, patients=patients, **options)
        assert (wide.bias, wide.sd, wide.lower, wide.upper) == (plain.bias, plain.sd, plain.lower, plain.upper)
        for name in ("bias_interval", "lower_interval", "upper_interval"):
            low, high = getattr(wide, name)
            assert low < getattr(wide, name.removesuffix("_interval")) < high
        ratio = np.diff(wide.bias_interval)[0] / np.diff(plain.bias_interval)[0]
        # variance of a mean of 40 patients against 400 reads: (64 + 4 / 10) / 40 over 68 / 400
        assert ratio == pytest.approx(np.sqrt((64.4 / 40) / (68 / 400)), rel=0.25)


def test_many_independent_pairs_have_the_same_intervals_either_way() -> None:
    rng = np.random.default_rng(3)
    reference = rng.uniform(60, 180, 2000)
    measured = reference + rng.normal(1, 5, 2000)
    plain = find_limits(measured, reference)
    drawn = find_limits(measured, reference, patients=range(2000), rng=rng, n_resamples=4000)
    for name in ("bias_interval", "lower_interval", "upper_interval"):
        width = np.diff(getattr(plain, name))[0]
        assert getattr(drawn, name) == pytest.approx(getattr(plain, name), abs=0.12 * width)


def test_a_proportional_bias_is_found_and_a_plain_one_is_none() -> None:
    rng = np.random.default_rng(4)
    true = rng.uniform(60, 180, 300)
    grown, moved = 1.1 * true + rng.normal(0, 2, 300), true + 7 + rng.normal(0, 2, 300)
    # difference 0.1 t over mean 1.05 t
    found = find_proportional_bias(grown, true)
    assert found.value == pytest.approx(0.1 / 1.05, abs=0.01)
    assert found.interval.low > 0
    none = find_proportional_bias(moved, true)
    assert none.interval.low < 0 < none.interval.high


def test_the_slope_is_that_of_least_squares(oracle) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.uniform(60, 180, (2, 50))
    fitted = oracle("statsmodels.api").OLS(a - b, np.column_stack([np.ones(50), (a + b) / 2])).fit()
    assert find_proportional_bias(a, b).value == pytest.approx(fitted.params[1], abs=1e-10)
    low, high = find_proportional_bias(a, b).interval
    # the jackknife is robust against unequal spread, like HC3, which it equals but for its centre
    robust = fitted.get_robustcov_results("HC3").conf_int()[1]
    assert (low, high) == pytest.approx(robust, abs=0.1 * (robust[1] - robust[0]))


def test_equal_measurements_have_limits_of_no_width() -> None:
    found = find_limits([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], patients=["A", "B", "C"], rng=np.random.default_rng(1))
    assert (found.lower_interval, found.upper_interval) == ((0.0, 0.0), (0.0, 0.0))


def test_two_pairs_have_no_proportional_bias() -> None:
    with pytest.raises(InputError, match="three pairs or more, found 2"):
        find_proportional_bias([1.0, 2.0], [1.0, 3.0])
