"""Limits of agreement against a calculation by hand."""

import numpy as np
import pytest

from foramgrade.agreement.limits import find_limits
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
    [([1.0], [1.0], "two or more values"), ([1.0, 2.0], [1.0], "equal length"), ([1.0, np.nan], [1.0, 2.0], "finite|number")],
)
def test_refusals(measured: list[float], reference: list[float], match: str) -> None:
    with pytest.raises(InputError, match=match):
        find_limits(measured, reference)
