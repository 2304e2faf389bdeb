"""Limits of agreement between two measurements of the same things, after Bland and Altman."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from foramgrade.errors import InputError

#: Limits lie this many standard deviations from the bias: 95 % of normally distributed differences are between them.
LIMIT_SDS = 1.96
#: Coverage of the confidence intervals.
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Ends of a confidence interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


@dataclass(frozen=True, slots=True)
class LimitsOfAgreement:
    """Bias and limits of agreement of paired measurements, in their unit.

    Parameters
    ----------
    n : int
        Number of pairs.
    bias : float
        Mean difference, measured minus reference.
    sd : float
        Standard deviation of the differences.
    lower, upper : float
        Limits of agreement: bias - 1.96 SD and bias + 1.96 SD.
    bias_interval, lower_interval, upper_interval : Interval
        Their 95 % confidence intervals.
    median_error, p95_error : float
        Median and 95th percentile of the differences without their sign.
    """

    n: int
    bias: float
    sd: float
    lower: float
    upper: float
    bias_interval: Interval
    lower_interval: Interval
    upper_interval: Interval
    median_error: float
    p95_error: float


def find_limits(measured: npt.ArrayLike, reference: npt.ArrayLike) -> LimitsOfAgreement:
    """Limits of agreement of paired measurements.

    Parameters
    ----------
    measured, reference : (N,) float array
        The same things measured twice, or measured and known; at least two pairs.

    Returns
    -------
    LimitsOfAgreement
        Of the differences measured - reference.

    Raises
    ------
    InputError
        If the two are not equally long, hold fewer than two pairs, or something that is not a finite number.

    Notes
    -----
    *Definition*: standard errors SD / sqrt(n) of the bias and SD sqrt(1 / n + 1.96^2 / (2 (n - 1))) of a limit, each
    times Student's t with n - 1 degrees of freedom. *Deviation*: the paper rounds the latter to 1.71 SD / sqrt(n).
    *Limits*: the intervals take the differences as independent and normally distributed; foramina of one patient are
    not independent, so with several per patient they come out too narrow.

    References
    ----------
    Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135-160,
    doi 10.1177/096228029900800204.

    Examples
    --------
    >>> found = find_limits([10.0, 12.0, 11.0, 15.0], [9.0, 12.0, 12.0, 13.0])
    >>> found.bias, round(found.sd, 3), round(found.lower, 2), round(found.upper, 2)
    (0.5, 1.291, -2.03, 3.03)
    """
    pair = [np.asarray(values, dtype=float) for values in (measured, reference)]
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape or len(pair[0]) < 2:
        shapes = " and ".join(str(values.shape) for values in pair)
        msg = f"limits of agreement need two rows of equal length with two or more values, found shapes {shapes}"
        raise InputError(msg)
    difference = pair[0] - pair[1]
    if not np.all(np.isfinite(difference)):
        msg = f"limits of agreement need finite numbers, found {int((~np.isfinite(difference)).sum())} pairs without"
        raise InputError(msg)
    n, bias, sd = len(difference), float(difference.mean()), float(difference.std(ddof=1))
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
    of_bias = t * sd / math.sqrt(n)
    of_limit = t * sd * math.sqrt(1 / n + LIMIT_SDS**2 / (2 * (n - 1)))
    lower, upper = bias - LIMIT_SDS * sd, bias + LIMIT_SDS * sd
    error = np.abs(difference)
    return LimitsOfAgreement(
        n=n,
        bias=bias,
        sd=sd,
        lower=lower,
        upper=upper,
        bias_interval=Interval(bias - of_bias, bias + of_bias),
        lower_interval=Interval(lower - of_limit, lower + of_limit),
        upper_interval=Interval(upper - of_limit, upper + of_limit),
        median_error=float(np.median(error)),
        p95_error=float(np.percentile(error, 95)),
    )
