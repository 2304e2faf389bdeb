"""Two classes out of a scale: a foramen is at or above a grade, or below it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.coefficient import Coefficient
from foramgrade.agreement.kappa import kappa_statistic
from foramgrade.agreement.pairing import LEE_CATEGORIES, pair_rows, patients_of
from foramgrade.agreement.resampling import RESAMPLES, Resamples, Statistic, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

NO_PAIRS = "not defined: no foramen was graded by both"
NONE_POSITIVE = "not defined: the reference calls no foramen positive"
ALL_POSITIVE = "not defined: the reference calls every foramen positive"


@dataclass(frozen=True, slots=True)
class Dichotomy:
    """Agreement of two readers on whether a foramen is at or above a grade.

    Parameters
    ----------
    threshold : hashable
        Lowest grade that counts as positive.
    counts : tuple of four int
        Both positive; only the first; only the second; both negative.
    agreement : Coefficient
        Share of the same answers.
    kappa : Coefficient
        Cohen's.
    pabak : Coefficient
        Prevalence-adjusted bias-adjusted kappa, 2 x agreement - 1.
    positive_agreement, negative_agreement : Coefficient
        Share of the same answers among the positive, and among the negative, ones of either reader.
    bias_index, prevalence_index : Coefficient
        (only first - only second) / n, and (both positive - both negative) / n.
    sensitivity, specificity : Coefficient
        Of the second reader, with the first as the reference.
    auc : Coefficient
        Area under the ROC curve of the second reader's grades against the first's two classes.
    """

    threshold: Hashable
    counts: tuple[int, int, int, int]
    agreement: Coefficient
    kappa: Coefficient
    pabak: Coefficient
    positive_agreement: Coefficient
    negative_agreement: Coefficient
    bias_index: Coefficient
    prevalence_index: Coefficient
    sensitivity: Coefficient
    specificity: Coefficient
    auc: Coefficient


def dichotomize(
    reference: Sequence[object] | npt.ArrayLike,
    reader: Sequence[object] | npt.ArrayLike,
    threshold: Hashable,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> Dichotomy:
    """Compare two readers on whether a foramen is at or above a grade.

    Parameters
    ----------
    reference, reader : (N,) arrays
        Grades of the same foramina; one that either did not grade is left out.
    threshold : hashable
        Lowest grade that counts as positive.
    categories : sequence
        The whole scale in its order.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; without `rng` intervals are the jackknife's.

    Returns
    -------
    Dichotomy
        All of them with intervals.

    Raises
    ------
    InputError
        If the readers' grades are not equally many or not on the scale, or the threshold leaves one class only.

    Notes
    -----
    *Definition*: the AUC is the probability that a foramen that the reference calls positive has the higher grade of
    the reader, ties counted half. *Deviation*: none. *Limits*: sensitivity, specificity and AUC take the reference for
    the truth; among readers without a truth use the agreements and the indices.

    References
    ----------
    Byrt T, Bishop J, Carlin JB. Bias, prevalence and kappa. J Clin Epidemiol 1993;46:423-429,
    doi 10.1016/0895-4356(93)90018-V.
    Cicchetti DV, Feinstein AR. High agreement but low kappa: II. J Clin Epidemiol 1990;43:551-558,
    doi 10.1016/0895-4356(90)90159-M.

    Examples
    --------
    >>> found = dichotomize([0, 0, 1, 2, 3, 3], [0, 1, 1, 2, 2, 3], threshold=2)
    >>> found.counts, found.sensitivity.value, found.auc.value
    ((3, 0, 0, 3), 1.0, 1.0)
    """
    rows, both = pair_rows(reference, reader, categories)
    sums = sum_by_patient(rows, patients_of(patients, both))
    resamples = draw_resamples(sums, rng=rng, n_resamples=n_resamples)
    return compare_classes(resamples, threshold, categories, n=len(rows), by_patient=patients is not None)


def compare_classes(
    resamples: Resamples, threshold: Hashable, categories: Sequence[Hashable], *, n: int, by_patient: bool
) -> Dichotomy:
    """Compare two readers by the counts of their pairs of grades, as from ``pairing.pair_rows``.

    Raises
    ------
    InputError
        If the threshold leaves one class only.
    """
    size, scale = len(categories), list(categories)
    if threshold not in scale[1:]:
        expected = ", ".join(map(repr, scale[1:]))
        msg = f"a foramen is positive at or above one of the grades {expected}, found {threshold!r}"
        raise InputError(msg)
    cut = scale.index(threshold)
    total = _quarters(resamples.sums.sum(axis=0), size, cut)
    tp, fn, fp, tn = (int(number) for number in total)
    n_patients = len(resamples.sums) if by_patient else None

    def found(name: str, statistic: Statistic, undefined: str = NO_PAIRS, largest: float = 1.0) -> Coefficient:
        if not n:
            return Coefficient(name, None, None, 0, n_patients, None, NO_PAIRS)
        return estimate(name, statistic, resamples, n=n, by_patient=by_patient, undefined=undefined, largest=largest)

    def share(above: Sequence[float], below: Sequence[float]) -> Statistic:
        """Quotient of two weighted sums of the four counts."""

        def quotient(sums: FloatArray) -> FloatArray:
            four = _quarters(sums, size, cut)
            part, whole = four @ np.array(above, float), four @ np.array(below, float)
            return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)

        return quotient

    one_class = NONE_POSITIVE if tp + fn == 0 else ALL_POSITIVE
    everything = (1.0, 1.0, 1.0, 1.0)
    return Dichotomy(
        threshold=threshold,
        counts=(tp, fn, fp, tn),
        agreement=found("agreement", share((1, 0, 0, 1), everything)),
        kappa=found("kappa", _kappa_of_quarters(size, cut), "not defined: both readers used one and the same class"),
        pabak=found("PABAK", share((1, -1, -1, 1), everything)),
        positive_agreement=found("positive agreement", share((2, 0, 0, 0), (2, 1, 1, 0)), "not defined: no positive"),
        negative_agreement=found("negative agreement", share((0, 0, 0, 2), (0, 1, 1, 2)), "not defined: no negative"),
        bias_index=found("bias index", share((0, 1, -1, 0), everything)),
        prevalence_index=found("prevalence index", share((1, 0, 0, -1), everything)),
        sensitivity=found("sensitivity", share((1, 0, 0, 0), (1, 1, 0, 0)), NONE_POSITIVE),
        specificity=found("specificity", share((0, 0, 0, 1), (0, 0, 1, 1)), ALL_POSITIVE),
        auc=found("AUC", _auc(size, cut), one_class),
    )


def _quarters(sums: FloatArray, size: int, cut: int) -> FloatArray:
    """Both positive, only the first, only the second, both negative, (..., 4)."""
    tables = sums.reshape(*sums.shape[:-1], size, size)
    low, high = slice(None, cut), slice(cut, None)
    parts = [tables[..., rows, columns].sum(axis=(-2, -1)) for rows in (high, low) for columns in (high, low)]
    return np.stack(parts, axis=-1)


def _kappa_of_quarters(size: int, cut: int) -> Statistic:
    of_two = kappa_statistic(2, None)
    return lambda sums: of_two(_quarters(sums, size, cut))


def _auc(size: int, cut: int) -> Statistic:
    """Probability that a positive has the higher grade, ties half, from pairs counted as (reference, reader)."""

    def area(sums: FloatArray) -> FloatArray:
        tables = sums.reshape(*sums.shape[:-1], size, size)
        negative, positive = tables[..., :cut, :].sum(axis=-2), tables[..., cut:, :].sum(axis=-2)
        below = np.cumsum(negative, axis=-1) - negative / 2
        pairs = positive.sum(axis=-1) * negative.sum(axis=-1)
        wins = (positive * below).sum(axis=-1)
        return np.where(pairs > 0, wins / np.where(pairs > 0, pairs, 1), np.nan)

    return area
