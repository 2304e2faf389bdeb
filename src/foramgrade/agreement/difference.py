"""Whether one of two systems agrees better with the same reference on the same foramina."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.agreement.coefficient import Coefficient, Interval
from foramgrade.agreement.measures import MEANS, Measure, foramen_values, measure_statistic
from foramgrade.agreement.pairing import LEE_CATEGORIES, MISSING, code_grades, pair_rows, patients_of
from foramgrade.agreement.resampling import RESAMPLES, Statistic, draw_resamples, estimate, sum_by_patient
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError

#: Random exchanges where not all of them can be made.
PERMUTATIONS = 10_000
#: All exchanges are made where at most so many patients can change anything: 2^16 of them.
EXACT_PATIENTS = 16
#: Differences closer than this are the same but for rounding.
_ROUNDING = 1e-12
_CHUNK = 4_096
UNDEFINED = "not defined: all grades are one and the same"


@dataclass(frozen=True, slots=True)
class Difference:
    """Difference of two systems against the same reference.

    Parameters
    ----------
    measure : Measure
        What was compared.
    first, second : Coefficient
        Of each system, on the foramina that all three graded.
    value : float or None
        First - second; None where either is not defined.
    interval : Interval or None
        95 % interval of the difference, both systems in the same resamples.
    p_value : float or None
        Two-sided, of the permutation test.
    exact : bool
        Whether all exchanges were counted; otherwise `n_permutations` random ones were.
    n_permutations : int
        How many exchanges were counted; 0 where the whole distribution was computed at once.
    n, n_patients : int
        Foramina, and patients (or foramina, where patients are not told apart) that were exchanged.
    reason : str
        Why there is no difference; empty otherwise.
    """

    measure: Measure
    first: Coefficient
    second: Coefficient
    value: float | None
    interval: Interval | None
    p_value: float | None
    exact: bool
    n_permutations: int
    n: int
    n_patients: int
    reason: str = ""


def compare_readers(
    reference: Sequence[object] | npt.ArrayLike,
    first: Sequence[object] | npt.ArrayLike,
    second: Sequence[object] | npt.ArrayLike,
    measure: Measure = Measure.QUADRATIC_KAPPA,
    categories: Sequence[Hashable] = LEE_CATEGORIES,
    *,
    rng: np.random.Generator,
    patients: Sequence[object] | npt.ArrayLike | None = None,
    n_resamples: int = RESAMPLES,
    n_permutations: int = PERMUTATIONS,
) -> Difference:
    """Test whether two systems, or readers, agree equally well with a reference on the same foramina.

    Parameters
    ----------
    reference, first, second : (N,) arrays
        Grades of the same foramina; one that any of the three did not grade is left out.
    measure : Measure
        What is compared.
    categories : sequence
        The whole scale in its order.
    rng : numpy.random.Generator
        Where chance comes from.
    patients : (N,) array or None
        Patient of each foramen: labels are exchanged for all foramina of a patient at once.
    n_resamples : int
        Draws of the bootstrap for the interval.
    n_permutations : int
        Random exchanges where not all can be made.

    Returns
    -------
    Difference
        With interval and p-value.

    Raises
    ------
    InputError
        If the three are not equally many, a grade is not on the scale, or there is no permutation to count.

    Notes
    -----
    *Definition*: under the hypothesis that the two systems could be exchanged within every patient, each of the 2^P
    exchanges is equally likely; p is the share with a difference at least as large, whatever its sign. All are counted
    for shares and means (their distribution is a convolution) and where at most 16 patients differ between the systems;
    otherwise p = (b + 1) / (m + 1) with b of m random exchanges. An exchange that leaves the measure undefined counts
    as larger. *Deviation*: none. *Limits*: a test of exchangeability: systems of equal kappa whose grades are
    distributed otherwise are not exchangeable. With many pairs of systems adjust the p-values (:func:`adjust_holm`).

    References
    ----------
    Phipson B, Smyth GK. Permutation P-values should never be zero. Stat Appl Genet Mol Biol 2010;9:39,
    doi 10.2202/1544-6115.1585.

    Examples
    --------
    >>> truth, good, bad = [0, 1, 2, 3, 0, 1], [0, 1, 2, 3, 0, 1], [1, 1, 3, 3, 1, 1]
    >>> found = compare_readers(truth, good, bad, Measure.AGREEMENT, rng=np.random.default_rng(1))
    >>> found.value, found.p_value, found.exact
    (0.5, 0.25, True)
    """
    if n_permutations < 1:
        msg = f"found {n_permutations} permutations, expected one at least"
        raise InputError(msg)
    rows, chosen = _rows_of_both(reference, first, second, categories)
    size, width = len(categories), len(categories) ** 2
    statistic, by_patient = measure_statistic(size, measure), patients is not None
    if not len(rows):
        none = Coefficient(measure.value, None, None, 0, reason="not defined: no foramen was graded by all three")
        return Difference(measure, none, none, None, None, None, True, 0, 0, 0, none.reason)
    sums = sum_by_patient(rows, patients_of(patients, chosen))
    resamples = draw_resamples(sums, rng=rng, n_resamples=n_resamples)
    one, other = (
        estimate(measure.value, statistic, resamples.part(at), n=len(rows), by_patient=by_patient, undefined=UNDEFINED)
        for at in (slice(0, width), slice(width, None))
    )
    gap = estimate(
        "difference",
        lambda both: statistic(both[..., :width]) - statistic(both[..., width:]),
        resamples,
        n=len(rows),
        by_patient=by_patient,
        undefined=UNDEFINED,
    )
    p_value, exact, counted = None, True, 0
    if gap.value is not None:
        if measure in MEANS:
            p_value = _exact_p_of_mean(sums, foramen_values(size, measure).ravel())
        else:
            p_value, exact, counted = permute(sums, statistic, gap.value, rng, n_permutations)
    return Difference(
        measure, one, other, gap.value, gap.interval, p_value, exact, counted, len(rows), len(sums), gap.reason
    )


def _rows_of_both(
    reference: Sequence[object] | npt.ArrayLike,
    first: Sequence[object] | npt.ArrayLike,
    second: Sequence[object] | npt.ArrayLike,
    categories: Sequence[Hashable],
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Pairs (reference, first) and (reference, second) side by side, of foramina that all three graded."""
    coded = [code_grades(grades, categories) for grades in (reference, first, second)]
    shapes = {codes.shape for codes in coded}
    if len(shapes) != 1 or coded[0].ndim != 1:
        msg = f"all three need the same foramina in the same order, found the shapes {sorted(shapes)}"
        raise InputError(msg)
    chosen = np.all([codes != MISSING for codes in coded], axis=0)
    places = range(len(categories))
    pairs = [pair_rows(coded[0][chosen], codes[chosen], places)[0] for codes in coded[1:]]
    return np.hstack(pairs), chosen


def permute(
    sums: FloatArray, statistic: Statistic, observed: float, rng: np.random.Generator, n_permutations: int
) -> tuple[float, bool, int]:
    """Exchange two systems patient by patient.

    Parameters
    ----------
    sums : (P, 2 M) float array
        Per patient, sums of the first and of the second system.
    statistic : callable
        Measure from sums.
    observed : float
        Difference of the two as they are.
    rng : numpy.random.Generator
        For the random exchanges.
    n_permutations : int
        How many of these, where not all are counted.

    Returns
    -------
    p_value : float
        Two-sided.
    exact : bool
        Whether all exchanges were counted.
    counted : int
        How many were.
    """
    width = sums.shape[1] // 2
    total, change = sums.sum(axis=0), sums[:, width:] - sums[:, :width]
    change = change[np.any(change != 0, axis=1)]  # exchanging equal answers changes nothing
    exact = len(change) <= EXACT_PATIENTS
    larger = counted = 0
    for exchanged in _exchanges(len(change), rng, None if exact else n_permutations):
        moved = exchanged @ change
        with np.errstate(divide="ignore", invalid="ignore"):
            found = statistic(total[:width] + moved) - statistic(total[width:] - moved)
        larger += int(np.count_nonzero(~(np.abs(found) < abs(observed) - _ROUNDING)))
        counted += len(found)
    return (larger / counted if exact else (larger + 1) / (counted + 1)), exact, counted


def _exchanges(n_patients: int, rng: np.random.Generator, n: int | None) -> Iterator[FloatArray]:
    """Rows of 0 and 1, one column per patient: all of them, or `n` random ones."""
    total = 2**n_patients if n is None else n
    for start in range(0, total, _CHUNK):
        stop = min(start + _CHUNK, total)
        if n is None:
            yield (np.arange(start, stop)[:, None] >> np.arange(n_patients) & 1).astype(float)
        else:
            yield rng.integers(0, 2, size=(stop - start, n_patients)).astype(float)


def _exact_p_of_mean(sums: FloatArray, values: FloatArray) -> float:
    """Share of all exchanges whose difference of two sums is at least as large as the one found.

    Every patient adds +d or -d with probability one half; d is whole, so the distribution of the sum is a convolution.
    """
    width = sums.shape[1] // 2
    steps = np.rint((sums[:, :width] - sums[:, width:]) @ values).astype(int)
    reach = int(np.abs(steps).sum())
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for step in np.abs(steps[steps != 0]):
        # no chance ever reaches the ends before the last step: nothing wraps around
        chances = (np.roll(chances, step) + np.roll(chances, -step)) / 2
    away = np.abs(np.arange(-reach, reach + 1))
    return min(1.0, float(chances[away >= abs(int(steps.sum()))].sum()))


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values of several tests so that the chance of any false alarm stays at the level.

    Parameters
    ----------
    p_values : sequence of float
        One per test.

    Returns
    -------
    list of float
        In the same order; never smaller.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> [round(p, 4) for p in adjust_holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    given = np.asarray(p_values, dtype=float)
    order = np.argsort(given, kind="stable")
    scaled = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(p) for p in adjusted]
