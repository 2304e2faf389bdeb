"""Cohen's kappa of two readers: unweighted, linear, quadratic, and the largest that their marginals allow."""

import math
from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from foramgrade.agreement.coefficient import CONFIDENCE, Coefficient, Interval, IntervalMethod
from foramgrade.agreement.pairing import LEE_CATEGORIES, pair_rows, patients_of
from foramgrade.agreement.resampling import RESAMPLES, Statistic, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

Weights = Literal["linear", "quadratic"] | None

#: Name of the coefficient by its weights.
KAPPA_NAMES: dict[Weights, str] = {None: "kappa", "linear": "linear kappa", "quadratic": "quadratic kappa"}
#: Power of the distance by which a disagreement counts.
_POWERS = {"linear": 1, "quadratic": 2}
NO_PAIRS = "not defined: no foramen was graded by both"
ONE_CATEGORY = "not defined: both readers used one and the same grade only, so that chance alone would agree fully"


def disagreement(size: int, weights: Weights) -> FloatArray:
    """How much each pair of grades disagrees, by their places on the scale.

    Parameters
    ----------
    size : int
        Number of categories.
    weights : None, "linear" or "quadratic"
        None counts every disagreement as 1.

    Returns
    -------
    (size, size) float array
        0 on the diagonal.

    Raises
    ------
    InputError
        If the weights are other ones.

    Examples
    --------
    >>> disagreement(3, "quadratic").tolist()
    [[0.0, 1.0, 4.0], [1.0, 0.0, 1.0], [4.0, 1.0, 0.0]]
    """
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    if weights is None:
        return (apart > 0).astype(float)
    if weights not in _POWERS:
        msg = f"found weights {weights!r}, expected None, 'linear' or 'quadratic'"
        raise InputError(msg)
    raised: FloatArray = apart ** _POWERS[weights]
    return raised


def kappa_statistic(size: int, weights: Weights) -> Statistic:
    """Kappa as a function of counted pairs: takes (..., size * size) and gives (...), NaN where not defined."""
    against = disagreement(size, weights)

    def kappa(counts: FloatArray) -> FloatArray:
        tables = counts.reshape(*counts.shape[:-1], size, size)
        first, second, n = tables.sum(axis=-1), tables.sum(axis=-2), counts.sum(axis=-1)
        observed = (tables * against).sum(axis=(-2, -1)) * n
        expected = ((first @ against) * second).sum(axis=-1)
        return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), np.nan)

    return kappa


def cohen_kappa(
    a: Sequence[object] | npt.ArrayLike,
    b: Sequence[object] | npt.ArrayLike,
    weights: Weights = None,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """Agreement of two readers beyond chance.

    Parameters
    ----------
    a, b : (N,) arrays
        Grades of the same foramina; a foramen that one of them did not grade (None, NaN, `<NA>`) is left out.
    weights : None, "linear" or "quadratic"
        How much a disagreement counts: all alike, by the distance of the grades, or by its square.
    categories : sequence
        The whole scale in its order, also grades that nobody used.
    patients : (N,) array or None
        Patient of each foramen: the interval then respects that foramina of one patient are alike.
    rng : numpy.random.Generator or None
        With it the interval is a bootstrap over patients; without, the jackknife over patients, or the closed form for
        independent foramina where no patients are given.
    n_resamples : int
        Draws of the bootstrap.

    Returns
    -------
    Coefficient
        1 is full agreement, 0 what chance gives, less is worse than chance. Without value where chance alone would
        agree fully.

    Raises
    ------
    InputError
        If the readers' grades are not equally many, or not on the scale.

    Notes
    -----
    *Definition*: 1 - sum v o / sum v e, with the observed pairs o, the pairs e expected from the marginals, and the
    disagreement v: 1, |i - j| or (i - j)^2 in places on the scale. *Deviation*: none. *Limits*: falls where one grade
    is much more common than the others, whatever the readers do: report it with the prevalence. The closed form of the
    interval takes foramina as independent; with several per patient it is too narrow.

    References
    ----------
    Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46,
    doi 10.1177/001316446002000104.
    Cohen J. Weighted kappa. Psychol Bull 1968;70:213-220, doi 10.1037/h0026256.
    Fleiss JL, Cohen J, Everitt BS. Large sample standard errors of kappa and weighted kappa. Psychol Bull
    1969;72:323-327, doi 10.1037/h0028106.

    Examples
    --------
    >>> found = cohen_kappa([0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15, categories=(0, 1))
    >>> round(found.value, 4), found.n, [round(end, 2) for end in found.interval]
    (0.4, 50, [0.15, 0.65])
    """
    size = len(categories)
    statistic = kappa_statistic(size, weights)
    rows, both = pair_rows(a, b, categories)
    of_pairs = patients_of(patients, both)
    if not len(rows):
        return Coefficient(KAPPA_NAMES[weights], None, None, 0, None if patients is None else 0, None, NO_PAIRS)
    if patients is None and rng is None:
        return _large_sample(rows.sum(axis=0).reshape(size, size), weights)
    resamples = draw_resamples(sum_by_patient(rows, of_pairs), rng=rng, n_resamples=n_resamples)
    return estimate(
        KAPPA_NAMES[weights],
        statistic,
        resamples,
        n=len(rows),
        by_patient=patients is not None,
        undefined=ONE_CATEGORY,
    )


def _large_sample(table: FloatArray, weights: Weights) -> Coefficient:
    """Kappa of independent pairs with the standard error of Fleiss, Cohen and Everitt."""
    size, n = len(table), int(table.sum())
    name = KAPPA_NAMES[weights]
    value = float(kappa_statistic(size, weights)(table.ravel()))
    if not math.isfinite(value):
        return Coefficient(name, None, None, n, reason=ONE_CATEGORY)
    against = disagreement(size, weights)
    w, p = 1 - against / against.max(), table / n
    first, second = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float((w * p).sum()), float(first @ w @ second)
    of_margins = np.add.outer(w @ second, first @ w)
    inner = (p * (w * (1 - expected) - of_margins * (1 - observed)) ** 2).sum()
    variance = float(inner - (observed * expected - 2 * expected + observed) ** 2) / (n * (1 - expected) ** 4)
    if variance <= np.finfo(float).eps:
        return Coefficient(name, value, None, n, reason="no interval: the standard error is 0")
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(variance)
    return Coefficient(
        name, value, Interval(value - half, min(value + half, 1.0)), n, method=IntervalMethod.LARGE_SAMPLE
    )


def largest_kappa(table: npt.ArrayLike, weights: Weights = None) -> float | None:
    """Largest kappa that the marginals of two readers allow.

    Parameters
    ----------
    table : (K, K) array
        Counts of pairs of grades.
    weights : None, "linear" or "quadratic"
        As for :func:`cohen_kappa`.

    Returns
    -------
    float or None
        Kappa of the table with the same marginals that disagrees least; None where kappa is not defined.

    Raises
    ------
    InputError
        If the table is not square, or holds what is no count.

    Notes
    -----
    *Definition*: unweighted, the observed agreement is at most the sum over grades of the smaller of the two marginals;
    weighted, the least disagreement is a transport of one marginal onto the other, which for a distance, or its square,
    on a line keeps their order. *Deviation*: none. *Limits*: says how far apart the readers' habits are, not how good
    a kappa is.

    References
    ----------
    Sim J, Wright CC. The kappa statistic in reliability studies. Phys Ther 2005;85:257-268, doi 10.1093/ptj/85.3.257.

    Examples
    --------
    >>> round(largest_kappa([[40, 10], [0, 50]]), 3)  # marginals 50 and 50 against 40 and 60
    0.8
    """
    counts = check_table(table)
    size, n = len(counts), float(counts.sum())
    first, second = counts.sum(axis=1), counts.sum(axis=0)
    against = disagreement(size, weights)
    expected = float(first @ against @ second)
    if expected <= 0:
        return None
    if weights is None:
        least = n - float(np.minimum(first, second).sum())
    else:
        # on a line the cheapest way to move one distribution onto another keeps the order of what is moved
        edges = np.union1d(np.cumsum(first), np.cumsum(second))
        parts, upto = np.diff(edges, prepend=0.0), edges - np.diff(edges, prepend=0.0) / 2
        places = [np.searchsorted(np.cumsum(side), upto) for side in (first, second)]
        least = float((parts * against[places[0], places[1]]).sum())
    return 1 - least * n / expected


def check_table(table: npt.ArrayLike) -> FloatArray:
    """Take a table of counts, or say what is wrong with it.

    Raises
    ------
    InputError
        If the table is not square, or holds what is no count.
    """
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or len(counts) < 2:
        msg = f"expected a square table of counts, two categories or more, found the shape {counts.shape}"
        raise InputError(msg)
    if not np.all(np.isfinite(counts)) or np.any(counts < 0) or np.any(counts % 1):
        msg = "expected a table of whole counts, found something else in it"
        raise InputError(msg)
    return counts
