"""Agreement of several readers at once, not all of whom read every foramen: Fleiss, Gwet, Krippendorff, raw percent."""

from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.kappa import Weights, disagreement
from foramgrade.agreement.pairing import LEE_CATEGORIES, code_grades, patients_of
from foramgrade.agreement.resampling import RESAMPLES, Statistic, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

Measurement = Literal["nominal", "ordinal", "interval"]

#: Name of Gwet's coefficient by its weights.
GWET_NAMES: dict[Weights, str] = {None: "Gwet AC1", "linear": "Gwet AC2, linear", "quadratic": "Gwet AC2, quadratic"}
TOO_FEW = "not defined: no foramen was graded twice"
ONE_GRADE = "not defined: all grades are one and the same, so that chance alone would agree fully"


def count_grades(
    grades: Sequence[Sequence[object]] | npt.ArrayLike, categories: Sequence[Hashable] = LEE_CATEGORIES
) -> FloatArray:
    """How many readers gave each grade to each foramen.

    Parameters
    ----------
    grades : (N, R) array
        One row per foramen, one column per reader; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale; K categories.

    Returns
    -------
    (N, K) float array
        Counts.

    Raises
    ------
    InputError
        If this is no such array, or a grade is not on the scale.

    Examples
    --------
    >>> count_grades([[0, 0, 1], [3, None, 3]]).tolist()
    [[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]]
    """
    codes = code_grades(grades, categories)
    if codes.ndim != 2 or codes.shape[1] < 2:
        msg = f"expected a row per foramen and a column for each of two or more readers, found the shape {codes.shape}"
        raise InputError(msg)
    counts: FloatArray = (codes[:, :, None] == np.arange(len(categories))).sum(axis=1).astype(float)
    return counts


def chance_rows(counts: FloatArray, weights: Weights) -> FloatArray:
    """What each foramen adds to Fleiss' kappa and Gwet's coefficients.

    Returns
    -------
    (N, 3 + K) float array
        1 if graded twice, its weighted agreement, 1 if graded at all, and the share of its readers per grade.
    """
    against = disagreement(counts.shape[1], weights)
    alike = 1 - against / against.max()
    n = counts.sum(axis=1)
    twice, once = n > 1, n > 0
    agreeing = (counts * (counts @ alike - 1)).sum(axis=1) / np.where(twice, n * (n - 1), 1)
    shares = counts / np.where(once, n, 1)[:, None]
    return np.column_stack([twice, np.where(twice, agreeing, 0.0), once, shares])


def fleiss_statistic(size: int, weights: Weights) -> Statistic:
    """Fleiss' kappa as a function of summed :func:`chance_rows`; NaN where not defined."""
    against = disagreement(size, weights)
    alike = 1 - against / against.max()

    def kappa(sums: FloatArray) -> FloatArray:
        observed, shares = _observed(sums), _shares(sums)
        return _beyond(observed, ((shares @ alike) * shares).sum(axis=-1))

    return kappa


def gwet_statistic(size: int, weights: Weights) -> Statistic:
    """Gwet's AC1 or AC2 as a function of summed :func:`chance_rows`; NaN where not defined."""
    against = disagreement(size, weights)
    total = float((1 - against / against.max()).sum())

    def coefficient(sums: FloatArray) -> FloatArray:
        observed, shares = _observed(sums), _shares(sums)
        return _beyond(observed, total / (size * (size - 1)) * (shares * (1 - shares)).sum(axis=-1))

    return coefficient


def percent_statistic(sums: FloatArray) -> FloatArray:
    """Share of agreeing pairs of readers from summed :func:`chance_rows`; NaN where nothing was graded twice."""
    return _observed(sums)


def _observed(sums: FloatArray) -> FloatArray:
    found: FloatArray = sums[..., 1] / np.where(sums[..., 0] > 0, sums[..., 0], np.nan)
    return found


def _shares(sums: FloatArray) -> FloatArray:
    found: FloatArray = sums[..., 3:] / np.where(sums[..., 2] > 0, sums[..., 2], np.nan)[..., None]
    return found


def _beyond(observed: FloatArray, chance: FloatArray) -> FloatArray:
    room = 1 - chance
    some = room > np.finfo(float).eps * 8  # shares are quotients: a sum of 1 may miss it by rounding
    return np.where(some, (observed - chance) / np.where(some, room, 1), np.nan)


def pairing_rows(counts: FloatArray) -> FloatArray:
    """What each foramen adds to Krippendorff's coincidences, (N, K * K): nothing where it was graded once."""
    n = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(counts.shape[1])
    rows: FloatArray = (pairs / np.where(n > 1, n - 1, np.inf)[:, None, None]).reshape(len(counts), -1)
    return rows


def krippendorff_statistic(size: int, measurement: Measurement) -> Statistic:
    """Krippendorff's alpha as a function of summed :func:`pairing_rows`; NaN where not defined.

    Raises
    ------
    InputError
        If the level of measurement is another one.
    """
    if measurement not in get_args(Measurement):
        msg = f"found the level of measurement {measurement!r}, expected 'nominal', 'ordinal' or 'interval'"
        raise InputError(msg)

    def alpha(sums: FloatArray) -> FloatArray:
        pairs = sums.reshape(*sums.shape[:-1], size, size)
        values = pairs.sum(axis=-1)
        n = values.sum(axis=-1)
        apart = _distances(values, measurement)
        observed = (pairs * apart).sum(axis=(-2, -1)) * (n - 1)
        expected = (values[..., :, None] * values[..., None, :] * apart).sum(axis=(-2, -1))
        return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), np.nan)

    return alpha


def _distances(values: FloatArray, measurement: Measurement) -> FloatArray:
    """Squared distance of every pair of categories, (..., K, K)."""
    size = values.shape[-1]
    if measurement == "nominal":
        return disagreement(size, None)
    if measurement == "interval":
        return disagreement(size, "quadratic")
    # grades in between, and half of those at both ends: distance of the middles in the ranking of all values
    middles = np.cumsum(values, axis=-1) - values / 2
    squares: FloatArray = (middles[..., :, None] - middles[..., None, :]) ** 2
    return squares


def fleiss_kappa(
    grades: Sequence[Sequence[object]] | npt.ArrayLike,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    weights: Weights = None,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """Fleiss' kappa of two or more readers.

    Parameters
    ----------
    grades : (N, R) array
        One row per foramen, one column per reader; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale in its order.
    weights : None, "linear" or "quadratic"
        As for :func:`foramgrade.agreement.cohen_kappa`.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; without `rng` the interval is the jackknife's.

    Returns
    -------
    Coefficient
        `n` counts the foramina that were graded twice or more.

    Raises
    ------
    InputError
        If this is no such array, or a grade is not on the scale.

    Notes
    -----
    *Definition*: (p - e) / (1 - e) with p the mean over foramina of the share of agreeing pairs of readers, and e = sum
    of the squared shares of the grades. *Deviation*: missing reads as by Gwet: foramina graded once count for the
    shares only. *Limits*: readers are exchangeable; for two, this is Scott's pi, not Cohen's kappa.

    References
    ----------
    Fleiss JL. Measuring nominal scale agreement among many raters. Psychol Bull 1971;76:378-382, doi 10.1037/h0031619.

    Examples
    --------
    >>> round(fleiss_kappa([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], (0, 1)).value, 4)
    0.3333
    """
    name = "Fleiss kappa" if weights is None else f"Fleiss kappa, {weights}"
    counts = count_grades(grades, categories)
    rows, statistic = chance_rows(counts, weights), fleiss_statistic(len(categories), weights)
    return _of_several(name, counts, rows, statistic, patients, rng, n_resamples)


def gwet_ac(
    grades: Sequence[Sequence[object]] | npt.ArrayLike,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    weights: Weights = None,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """Gwet's AC1 of two or more readers, or with weights AC2.

    Parameters
    ----------
    grades : (N, R) array
        One row per foramen, one column per reader; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale in its order: also grades that nobody used change the agreement expected by chance.
    weights : None, "linear" or "quadratic"
        None gives AC1.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; without `rng` the interval is the jackknife's.

    Returns
    -------
    Coefficient
        `n` counts the foramina that were graded twice or more.

    Raises
    ------
    InputError
        If this is no such array, or a grade is not on the scale.

    Notes
    -----
    *Definition*: (p - e) / (1 - e) with p as for Fleiss and e = T / (K (K - 1)) sum s (1 - s), of the shares s of the K
    grades and the sum T of the weights of agreement. *Deviation*: none. *Limits*: falls less than kappa where one grade
    prevails, and is higher for that reason alone: do not hold it against published kappas.

    References
    ----------
    Gwet KL. Computing inter-rater reliability and its variance in the presence of high agreement. Br J Math Stat
    Psychol 2008;61:29-48, doi 10.1348/000711006X126600.

    Examples
    --------
    >>> round(gwet_ac([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], (0, 1)).value, 4)
    0.3333
    """
    counts = count_grades(grades, categories)
    rows, statistic = chance_rows(counts, weights), gwet_statistic(len(categories), weights)
    return _of_several(GWET_NAMES[weights], counts, rows, statistic, patients, rng, n_resamples)


def krippendorff_alpha(
    grades: Sequence[Sequence[object]] | npt.ArrayLike,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    measurement: Measurement = "ordinal",
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """Krippendorff's alpha of two or more readers.

    Parameters
    ----------
    grades : (N, R) array
        One row per foramen, one column per reader; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale in its order.
    measurement : "nominal", "ordinal" or "interval"
        What counts as distance: none, ranks among all grades given, or places on the scale.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; without `rng` the interval is the jackknife's.

    Returns
    -------
    Coefficient
        `n` counts the foramina that were graded twice or more.

    Raises
    ------
    InputError
        If this is no such array, a grade is not on the scale, or the level of measurement is another one.

    Notes
    -----
    *Definition*: 1 - observed / expected disagreement over all pairs of values within and between foramina.
    *Deviation*: none. *Limits*: ordinal distances depend on how often the grades were given, so that alphas of samples
    with other prevalences do not compare.

    References
    ----------
    Hayes AF, Krippendorff K. Answering the call for a standard reliability measure for coding data. Commun Methods Meas
    2007;1:77-89, doi 10.1080/19312450709336664.

    Examples
    --------
    >>> round(krippendorff_alpha([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], (0, 1)).value, 4)
    0.3889
    """
    counts = count_grades(grades, categories)
    rows, statistic = pairing_rows(counts), krippendorff_statistic(len(categories), measurement)
    return _of_several(f"Krippendorff alpha, {measurement}", counts, rows, statistic, patients, rng, n_resamples)


def percent_agreement(
    grades: Sequence[Sequence[object]] | npt.ArrayLike,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Coefficient:
    """Share of pairs of readers who gave the same grade, as the mean over foramina.

    Parameters
    ----------
    grades : (N, R) array
        One row per foramen, one column per reader; None, NaN or `<NA>` where missing.
    categories : sequence
        The whole scale.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; without `rng` the interval is the jackknife's.

    Returns
    -------
    Coefficient
        From 0 to 1.

    Raises
    ------
    InputError
        If this is no such array, or a grade is not on the scale.

    Notes
    -----
    *Limits*: says nothing of chance: two readers who call every foramen normal agree fully.

    Examples
    --------
    >>> round(percent_agreement([[0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], (0, 1)).value, 4)
    0.6667
    """
    counts = count_grades(grades, categories)
    return _of_several("agreement", counts, chance_rows(counts, None), percent_statistic, patients, rng, n_resamples)


def _of_several(
    name: str,
    counts: FloatArray,
    rows: FloatArray,
    statistic: Statistic,
    patients: Sequence[object] | npt.ArrayLike | None,
    rng: np.random.Generator | None,
    n_resamples: int,
) -> Coefficient:
    graded = counts.sum(axis=1) > 0
    n = int((counts.sum(axis=1) > 1).sum())
    of_graded = patients_of(patients, graded)
    if not n:
        return Coefficient(name, None, None, 0, None if patients is None else 0, None, TOO_FEW)
    resamples = draw_resamples(sum_by_patient(rows[graded], of_graded), rng=rng, n_resamples=n_resamples)
    return estimate(name, statistic, resamples, n=n, by_patient=patients is not None, undefined=ONE_GRADE)
