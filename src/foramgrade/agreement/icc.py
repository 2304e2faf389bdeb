"""Intraclass correlation of measurements by several readers: all six forms of Shrout and Fleiss."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import stats

from foramgrade.agreement.coefficient import CONFIDENCE, Coefficient, Interval, IntervalMethod
from foramgrade.agreement.pairing import patients_of
from foramgrade.agreement.resampling import RESAMPLES, Statistic, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError


class IccForm(StrEnum):
    """Form of the intraclass correlation: model, and whether for one reader or for the mean of all."""

    ONE_WAY = "ICC(1,1)"
    """Every foramen by other readers; one reader."""
    TWO_WAY_AGREEMENT = "ICC(2,1)"
    """The same readers, drawn from many; absolute agreement; one reader."""
    TWO_WAY_CONSISTENCY = "ICC(3,1)"
    """These readers only; their own offsets do not count; one reader."""
    ONE_WAY_MEAN = "ICC(1,k)"
    """As ICC(1,1), for the mean of the readers."""
    TWO_WAY_AGREEMENT_MEAN = "ICC(2,k)"
    """As ICC(2,1), for the mean of the readers."""
    TWO_WAY_CONSISTENCY_MEAN = "ICC(3,k)"
    """As ICC(3,1), for the mean of the readers."""


#: Form for one reader from which that for their mean follows.
SINGLE_FORM: Mapping[IccForm, IccForm] = {
    IccForm.ONE_WAY_MEAN: IccForm.ONE_WAY,
    IccForm.TWO_WAY_AGREEMENT_MEAN: IccForm.TWO_WAY_AGREEMENT,
    IccForm.TWO_WAY_CONSISTENCY_MEAN: IccForm.TWO_WAY_CONSISTENCY,
}
FEW_FORAMINA = "not defined: fewer than two foramina were measured by all readers"
ALL_ALIKE = "not defined: the measured values do not differ between foramina or readers"


@dataclass(frozen=True, slots=True, eq=False)
class MeanSquares:
    """Mean squares of a two-way analysis of variance without replication; arrays where many are found at once.

    Parameters
    ----------
    n, k : float array
        Foramina and readers.
    foramina, readers, rest, within : float array
        Mean square between foramina (MSR), between readers (MSC), of the rest (MSE) and within foramina (MSW).
    """

    n: FloatArray
    k: FloatArray
    foramina: FloatArray
    readers: FloatArray
    rest: FloatArray
    within: FloatArray


def square_rows(values: FloatArray) -> FloatArray:
    """What each foramen adds to the mean squares, (N, 3 + k): 1, sum of squares, squared sum, and its values."""
    return np.column_stack([np.ones(len(values)), (values**2).sum(axis=1), values.sum(axis=1) ** 2, values])


def mean_squares(sums: FloatArray) -> MeanSquares:
    """Mean squares from summed :func:`square_rows`, (..., 3 + k)."""
    n, squares, squared, columns = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    k = columns.shape[-1]
    correction = columns.sum(axis=-1) ** 2 / (n * k)
    of_foramina = squared / k - correction
    of_readers = (columns**2).sum(axis=-1) / n - correction
    within = np.maximum(squares - squared / k, 0)
    return MeanSquares(
        n=n,
        k=np.full_like(n, k),
        foramina=np.maximum(of_foramina, 0) / (n - 1),
        readers=np.maximum(of_readers, 0) / (k - 1),
        rest=np.maximum(within - of_readers, 0) / ((n - 1) * (k - 1)),
        within=within / (n * (k - 1)),
    )


def form_of(found: MeanSquares, form: IccForm) -> FloatArray:
    """Intraclass correlation from mean squares; NaN where not defined."""
    msr, msc, mse, msw, n, k = found.foramina, found.readers, found.rest, found.within, found.n, found.k
    above = msr - (msw if form in (IccForm.ONE_WAY, IccForm.ONE_WAY_MEAN) else mse)
    below = {
        IccForm.ONE_WAY: msr + (k - 1) * msw,
        IccForm.TWO_WAY_AGREEMENT: msr + (k - 1) * mse + k * (msc - mse) / n,
        IccForm.TWO_WAY_CONSISTENCY: msr + (k - 1) * mse,
        IccForm.ONE_WAY_MEAN: msr,
        IccForm.TWO_WAY_AGREEMENT_MEAN: msr + (msc - mse) / n,
        IccForm.TWO_WAY_CONSISTENCY_MEAN: msr,
    }[form]
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def icc(
    values: Sequence[Sequence[float]] | npt.ArrayLike,
    *,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = RESAMPLES,
) -> dict[IccForm, Coefficient]:
    """Intraclass correlation in all six forms.

    Parameters
    ----------
    values : (N, k) float array
        One row per foramen, one column per reader, e.g. areas in mm2; NaN where missing.
    patients, rng, n_resamples
        As for :func:`foramgrade.agreement.cohen_kappa`; with `rng` intervals are bootstrapped over patients, without
        they follow from the F distribution.

    Returns
    -------
    dict of IccForm to Coefficient
        Of the foramina that all readers measured.

    Raises
    ------
    InputError
        If this is no such array, or holds an infinite number.

    Notes
    -----
    *Definition*: from the mean squares of foramina, readers and rest; intervals of ICC(2,1) with Satterthwaite's
    degrees of freedom, those of the means by the Spearman-Brown formula. *Deviation*: none. *Limits*: grows with the
    spread of the foramina in the sample: report limits of agreement beside it. The F intervals take foramina as
    independent.

    References
    ----------
    Shrout PE, Fleiss JL. Intraclass correlations. Psychol Bull 1979;86:420-428, doi 10.1037/0033-2909.86.2.420.
    McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol Methods 1996;1:30-46,
    doi 10.1037/1082-989X.1.1.30.

    Examples
    --------
    >>> found = icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> one = found[IccForm.TWO_WAY_AGREEMENT]
    >>> round(one.value, 2), [round(end, 2) for end in one.interval]
    (0.29, [0.02, 0.76])
    """
    measured = np.asarray(values, dtype=float)
    if measured.ndim != 2 or measured.shape[1] < 2:
        msg = f"expected a row per foramen and a column for each of two or more readers, found {measured.shape}"
        raise InputError(msg)
    if np.any(np.isinf(measured)):
        msg = f"measured values must be finite, found {int(np.isinf(measured).sum())} infinite ones"
        raise InputError(msg)
    whole = ~np.isnan(measured).any(axis=1)
    of_whole, n = patients_of(patients, whole), int(whole.sum())
    n_patients = None if of_whole is None else len(set(of_whole))
    if n < 2:
        return {form: Coefficient(form.value, None, None, n, n_patients, None, FEW_FORAMINA) for form in IccForm}
    measured = measured[whole] - measured[whole].mean()  # sums of squares of what is far from 0 lose digits
    rows = square_rows(measured)
    if rng is None:
        return {form: _by_f(form, mean_squares(rows.sum(axis=0)), n, n_patients) for form in IccForm}
    resamples = draw_resamples(sum_by_patient(rows, of_whole), rng=rng, n_resamples=n_resamples)
    return {
        form: estimate(
            form.value, icc_statistic(form), resamples, n=n, by_patient=of_whole is not None, undefined=ALL_ALIKE
        )
        for form in IccForm
    }


def icc_statistic(form: IccForm) -> Statistic:
    """One form as a function of summed :func:`square_rows`."""
    return lambda sums: form_of(mean_squares(sums), form)


def _by_f(form: IccForm, found: MeanSquares, n: int, n_patients: int | None) -> Coefficient:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(form_of(found, form))
    if not math.isfinite(value):
        return Coefficient(form.value, None, None, n, n_patients, None, ALL_ALIKE)
    single = SINGLE_FORM.get(form, form)
    error = float(found.within if single is IccForm.ONE_WAY else found.rest)
    if error <= np.finfo(float).eps * float(found.foramina):
        reason = "no interval: the readers do not differ"
        return Coefficient(form.value, value, None, n, n_patients, None, reason)
    ends = _agreement_ends(found) if single is IccForm.TWO_WAY_AGREEMENT else _f_ends(found, single)
    if form in SINGLE_FORM:
        k = float(found.k)
        ends = [k * end / (1 + (k - 1) * end) for end in ends]
    interval = Interval(*ends)
    return Coefficient(form.value, value, interval, n, n_patients, IntervalMethod.F_DISTRIBUTION)


def _f_ends(found: MeanSquares, form: IccForm) -> Sequence[float]:
    """Ends for one reader from the ratio of two mean squares, which follows F."""
    n, k = float(found.n), float(found.k)
    one_way = form is IccForm.ONE_WAY
    freedom = n - 1, n * (k - 1) if one_way else (n - 1) * (k - 1)
    ratio = float(found.foramina / (found.within if one_way else found.rest))
    level = (1 + CONFIDENCE) / 2
    ratios = ratio / stats.f.ppf(level, *freedom), ratio * stats.f.ppf(level, *reversed(freedom))
    return [float((one - 1) / (one + k - 1)) for one in ratios]


def _agreement_ends(found: MeanSquares) -> Sequence[float]:
    """Ends of ICC(2,1), McGraw and Wong 1996, table 7, in their letters."""
    msr, msc, mse = float(found.foramina), float(found.readers), float(found.rest)
    n, k = float(found.n), float(found.k)
    rho = float(form_of(found, IccForm.TWO_WAY_AGREEMENT))
    a, b = k * rho / (n * (1 - rho)), 1 + k * rho * (n - 1) / (n * (1 - rho))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    level = (1 + CONFIDENCE) / 2
    below, above = float(stats.f.ppf(level, n - 1, v)), float(stats.f.ppf(level, v, n - 1))
    rest = k * msc + (k * n - k - n) * mse
    return [n * (msr - below * mse) / (below * rest + n * msr), n * (above * msr - mse) / (rest + n * above * msr)]
