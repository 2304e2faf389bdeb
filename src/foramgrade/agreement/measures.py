"""Everything that the counted pairs of grades of two readers say, by name."""

from enum import StrEnum

import numpy as np

from foramgrade.agreement.kappa import Weights, kappa_statistic
from foramgrade.agreement.resampling import Statistic
from foramgrade.agreement.several import chance_rows, gwet_statistic
from foramgrade.arrays import FloatArray


class Measure(StrEnum):
    """What is said of two readers of the same foramina."""

    AGREEMENT = "agreement"
    """Share of foramina with the same grade; with a reference for one reader, the accuracy of the other."""
    MEAN_DISTANCE = "mean absolute difference"
    """Mean distance of the two grades, in steps of the scale; with a reference, the mean absolute error."""
    MEAN_DIFFERENCE = "mean difference"
    """Mean of second - first, in steps of the scale: which of them grades higher."""
    KAPPA = "kappa"
    """Cohen's kappa, every disagreement alike."""
    LINEAR_KAPPA = "linear kappa"
    """Cohen's kappa, disagreements weighted by their distance."""
    QUADRATIC_KAPPA = "quadratic kappa"
    """Cohen's kappa, disagreements weighted by the square of their distance."""
    AC1 = "Gwet AC1"
    """Gwet's coefficient, every disagreement alike."""
    AC2 = "Gwet AC2, quadratic"
    """Gwet's coefficient, disagreements weighted by the square of their distance."""


#: Weights of the kappas among the measures.
KAPPA_WEIGHTS: dict[Measure, Weights] = {
    Measure.KAPPA: None,
    Measure.LINEAR_KAPPA: "linear",
    Measure.QUADRATIC_KAPPA: "quadratic",
}
#: Measures that are sums over foramina divided by their number.
MEANS = frozenset({Measure.AGREEMENT, Measure.MEAN_DISTANCE, Measure.MEAN_DIFFERENCE})


def foramen_values(size: int, measure: Measure) -> FloatArray:
    """What a foramen adds to one of the `MEANS`, (size, size), by its pair of grades (first, second)."""
    apart = np.subtract.outer(np.arange(size), np.arange(size)).astype(float)
    if measure is Measure.AGREEMENT:
        same: FloatArray = (apart == 0).astype(float)
        return same
    values: FloatArray = np.abs(apart) if measure is Measure.MEAN_DISTANCE else -apart
    return values


def measure_statistic(size: int, measure: Measure) -> Statistic:
    """A measure as a function of counted pairs, (..., size * size); NaN where not defined."""
    if measure in KAPPA_WEIGHTS:
        return kappa_statistic(size, KAPPA_WEIGHTS[measure])
    if measure in MEANS:
        values = foramen_values(size, measure).ravel()
        return lambda counts: _mean(counts, values)
    return _gwet_of_two(size, None if measure is Measure.AC1 else "quadratic")


def _mean(counts: FloatArray, values: FloatArray) -> FloatArray:
    n = counts.sum(axis=-1)
    return np.where(n > 0, counts @ values / np.where(n > 0, n, 1), np.nan)


def _gwet_of_two(size: int, weights: Weights) -> Statistic:
    """Gwet's coefficient of two readers who both read every foramen."""
    of_sums = gwet_statistic(size, weights)
    first, second = np.divmod(np.arange(size * size), size)
    of_pair = chance_rows(np.eye(size)[first] + np.eye(size)[second], weights)
    return lambda counts: of_sums(counts @ of_pair)
