"""Limits of agreement between two measurements of the same things, after Bland and Altman."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from foramgrade.agreement.coefficient import CONFIDENCE, Coefficient, Interval
from foramgrade.agreement.resampling import RESAMPLES, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

#: Limits lie this many standard deviations from the bias: 95 % of normally distributed differences are between them.
LIMIT_SDS = 1.96


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

    @property
    def lines(self) -> tuple[tuple[float, float, float], ...]:
        """Lower limit, bias and upper limit, each with the ends of its interval, as a plot draws them."""
        return (
            (self.lower, *self.lower_interval),
            (self.bias, *self.bias_interval),
            (self.upper, *self.upper_interval),
        )


def find_limits(
    measured: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> LimitsOfAgreement:
    """Limits of agreement of paired measurements.

    Parameters
    ----------
    measured, reference : (N,) float array
        The same things measured twice, or measured and known; at least two pairs.
    patients : (N,) array or None
        Patient of each; with them intervals respect that the foramina of one patient are alike.
    rng : numpy.random.Generator or None
        With it intervals are a bootstrap over patients; without, but with patients, the jackknife over them.
    n_resamples : int
        Draws of the bootstrap.

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
    *Limits*: without patients the intervals take the differences as independent and normally distributed; foramina of
    one patient are not independent, so with several per patient they come out too narrow.

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
    found = LimitsOfAgreement(
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
    if patients is None and rng is None:
        return found
    rows = np.column_stack([np.ones(n), difference - bias, (difference - bias) ** 2])
    resamples = draw_resamples(sum_by_patient(rows, patients), rng=rng, n_resamples=n_resamples)

    def interval(sds: float) -> Interval:
        made = estimate(
            "limit",
            lambda sums: _mean_and_sds(sums, sds),
            resamples,
            n=n,
            by_patient=patients is not None,
            undefined="",
            largest=math.inf,
        )
        at = bias + sds * sd
        return Interval(at, at) if made.interval is None else Interval(*(bias + end for end in made.interval))

    return replace(
        found,
        bias_interval=interval(0.0),
        lower_interval=interval(-LIMIT_SDS),
        upper_interval=interval(LIMIT_SDS),
    )


def _mean_and_sds(sums: FloatArray, sds: float) -> FloatArray:
    """Mean plus so many standard deviations, from sums of 1, d and d squared."""
    n, total, squares = sums[..., 0], sums[..., 1], sums[..., 2]
    variance = np.maximum(squares - total**2 / n, 0) / (n - 1)
    found: FloatArray = total / n + sds * np.sqrt(variance)
    return found


def find_proportional_bias(
    measured: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """How much the difference of two measurements grows with their size.

    Parameters
    ----------
    measured, reference : (N,) float array
        The same things measured twice; at least three pairs.
    patients, rng, n_resamples
        As for :func:`find_limits`; without `rng` the interval is the jackknife's.

    Returns
    -------
    Coefficient
        Slope; the bias is proportional where its interval leaves out 0.

    Raises
    ------
    InputError
        If the two are not equally long, hold fewer than three pairs, or something that is not a finite number.

    Notes
    -----
    *Definition*: slope of the least-squares line of the differences over the means of the pairs. *Deviation*: none.
    *Limits*: two readers whose spreads differ have a slope without any bias; where it is not 0 the limits of agreement
    hold for the middle of the range only.

    References
    ----------
    Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135-160,
    doi 10.1177/096228029900800204, section 3.2.

    Examples
    --------
    >>> round(find_proportional_bias([10.0, 21.0, 32.0, 43.5], [10.0, 20.0, 30.0, 40.0]).value, 3)
    0.109
    """
    find_limits(measured, reference)  # says what is wrong with them
    a, b = (np.asarray(values, dtype=float) for values in (measured, reference))
    if len(a) < 3:
        msg = f"a proportional bias needs three pairs or more, found {len(a)}"
        raise InputError(msg)
    difference, mean = a - b, (a + b) / 2
    mean = mean - mean.mean()
    rows = np.column_stack([np.ones(len(a)), mean, difference, mean**2, mean * difference])

    def slope(sums: FloatArray) -> FloatArray:
        n, x, y, xx, xy = np.moveaxis(sums, -1, 0)
        below = n * xx - x**2
        return np.where(below > 0, (n * xy - x * y) / np.where(below > 0, below, 1), np.nan)

    return estimate(
        "proportional bias",
        slope,
        draw_resamples(sum_by_patient(rows, patients), rng=rng, n_resamples=n_resamples),
        n=len(a),
        by_patient=patients is not None,
        undefined="not defined: all pairs have the same mean",
        largest=math.inf,
    )
