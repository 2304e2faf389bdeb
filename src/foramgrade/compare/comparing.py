"""Two states of the same patients: mean changes with intervals over patients, grades, and angular motion."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.agreement import Coefficient
from foramgrade.agreement.matrix import ALL, Stratum, level_order
from foramgrade.agreement.resampling import (
    RESAMPLES,
    Resamples,
    Statistic,
    draw_resamples,
    estimate,
    sum_by_patient,
)
from foramgrade.arrays import FloatArray
from foramgrade.compare.changes import Direction, ForamenChange, PairedStates, pair_states
from foramgrade.errors import InputError
from foramgrade.findings import LeeGrade
from foramgrade.tables.states import StateForamen

#: Classes of segmental angular motion, degrees: below the first, between the two, above the second.
MOTION_CLASSES_DEG = (5.0, 15.0)
NOTHING = "not defined: no foramen was measured in both states"
NO_SPREAD = "not defined: the angular motion does not differ between levels"


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """Areas of some foramina in two states.

    Parameters
    ----------
    n, n_patients : int
        Foramina that were measured in both states, and their patients.
    before_mm2, after_mm2, change_mm2 : Coefficient
        Mean areas and mean change, mm2.
    relative_change : Coefficient
        Mean change in percent of the mean area before.
    mean_percent : Coefficient
        Mean of the foramina's own changes in percent.
    directions : mapping of Direction to int
        How many changed by more than their own uncertainty.
    """

    n: int
    n_patients: int
    before_mm2: Coefficient
    after_mm2: Coefficient
    change_mm2: Coefficient
    relative_change: Coefficient
    mean_percent: Coefficient
    directions: dict[Direction, int]


@dataclass(frozen=True, slots=True)
class MotionClass:
    """Foramina of levels that moved by so much.

    Parameters
    ----------
    name : str
        The class, e.g. "5 to 15 deg".
    mean_motion_deg : float or None
        Mean angular motion of its foramina, degrees.
    summary : ChangeSummary
        Their areas.
    """

    name: str
    mean_motion_deg: float | None
    summary: ChangeSummary


@dataclass(frozen=True, slots=True)
class MotionReport:
    """Change of area by segmental angular motion.

    Parameters
    ----------
    classes : tuple of MotionClass
        Below 5, 5 to 15, above 15 degrees.
    slope : Coefficient
        Of the least-squares line of the change over the motion, mm2 per degree.
    correlation : Coefficient
        Pearson's, of change and motion.
    n_without : int
        Foramina measured in both states whose level lacks an angle in one of them.
    """

    classes: tuple[MotionClass, ...]
    slope: Coefficient
    correlation: Coefficient
    n_without: int


@dataclass(frozen=True, slots=True, eq=False)
class GradeTransitions:
    """Lee grades in two states.

    Parameters
    ----------
    table : (4, 4) int array
        Foramina by grade before (rows) and after (columns).
    n_lower, n_same, n_higher : int
        Foramina whose grade fell, stayed, rose.
    n_missing : int
        Paired foramina that were not graded in one of the states.
    """

    table: npt.NDArray[np.int64]
    n_lower: int
    n_same: int
    n_higher: int
    n_missing: int


@dataclass(frozen=True, slots=True)
class StateComparison:
    """Two states of the same foramina.

    Parameters
    ----------
    paired : PairedStates
        Pairs, and what has no partner.
    n_patients : int
        Patients with a paired foramen.
    n_resamples : int
        Draws behind each interval.
    strata : tuple of (Stratum, ChangeSummary)
        All foramina, by level, by side.
    transitions : GradeTransitions
        Grades.
    motion : MotionReport or None
        None where no level has an angle in both states.
    """

    paired: PairedStates
    n_patients: int
    n_resamples: int
    strata: tuple[tuple[Stratum, ChangeSummary], ...]
    transitions: GradeTransitions
    motion: MotionReport | None

    def pooled(self) -> ChangeSummary:
        """All foramina together."""
        return self.strata[0][1]


def compare_states(
    before: Sequence[StateForamen],
    after: Sequence[StateForamen],
    *,
    rng: np.random.Generator,
    n_resamples: int = RESAMPLES,
) -> StateComparison:
    """Compare two states of the same patients: flexion and extension, before and after surgery, two examinations.

    Parameters
    ----------
    before, after : sequence of StateForamen
        Foramina of either state, as from :func:`foramgrade.tables.read_states`.
    rng : numpy.random.Generator
        Where chance comes from.
    n_resamples : int
        Draws of patients behind each interval.

    Returns
    -------
    StateComparison
        Changes are after - before.

    Raises
    ------
    InputError
        If no foramen is there in both.

    Notes
    -----
    *Definition*: means over foramina; intervals are percentiles of resamples of patients, widened for few of them; a
    change is reliable where it exceeds 1.96 standard uncertainties of the difference; angular motion is the difference
    of a level's segmental angles without its sign. *Deviation*: none. *Limits*: a mean over levels depends on how many
    of each there are. Of foramina that did not change 5 % appear to by chance. Both states need the same protocol and
    the same tool: areas by CT and MRI, or by two segmentations, are not interchangeable.

    References
    ----------
    Jacobson NS, Truax P. Clinical significance. J Consult Clin Psychol 1991;59:12-19, doi 10.1037/0022-006X.59.1.12
    (reliable change).

    Examples
    --------
    >>> before = [StateForamen(p, "L4-L5", "left", area_mm2=a) for p, a in (("A", 150.0), ("B", 130.0))]
    >>> after = [StateForamen(p, "L4-L5", "left", area_mm2=a) for p, a in (("A", 100.0), ("B", 96.0))]
    >>> found = compare_states(before, after, rng=np.random.default_rng(1)).pooled()
    >>> found.change_mm2.value, found.relative_change.value
    (-42.0, -30.0)
    """
    paired = pair_states(before, after)
    if not paired.pairs:
        counts = f"{len(paired.only_before)} and {len(paired.only_after)}"
        msg = f"no foramen of the {counts} is in both states: patient, level and side must be named alike in both"
        raise InputError(msg)
    measured = [pair for pair in paired.pairs if pair.change_mm2 is not None]
    strata = [Stratum(ALL)]
    for by in ("level", "side"):
        names = sorted({getattr(pair, by) for pair in measured}, key=level_order)
        strata += [Stratum(by, name) for name in names if len(names) > 1]

    def summarize(pairs: Sequence[ForamenChange]) -> ChangeSummary:
        return _summarize(pairs, rng, n_resamples)

    return StateComparison(
        paired=paired,
        n_patients=len({pair.patient for pair in paired.pairs}),
        n_resamples=n_resamples,
        strata=tuple((one, summarize([pair for pair in measured if _belongs(pair, one)])) for one in strata),
        transitions=_count_transitions(paired.pairs),
        motion=_by_motion(measured, summarize, rng, n_resamples),
    )


def _belongs(pair: ForamenChange, stratum: Stratum) -> bool:
    return stratum.by == ALL or getattr(pair, stratum.by) == stratum.value


def _summarize(pairs: Sequence[ForamenChange], rng: np.random.Generator, n_resamples: int) -> ChangeSummary:
    """Means of foramina that were measured in both states."""
    rows = np.array(
        [
            (
                1.0,
                pair.before.area_mm2,
                pair.after.area_mm2,
                pair.change_percent is not None,
                pair.change_percent or 0.0,
            )
            for pair in pairs
        ],
        dtype=float,
    ).reshape(-1, 5)
    resamples = draw_resamples(
        sum_by_patient(rows, np.array([pair.patient for pair in pairs], dtype=object)), rng=rng, n_resamples=n_resamples
    )

    def mean(name: str, statistic: Statistic) -> Coefficient:
        return _estimate(name, statistic, resamples, len(pairs), NOTHING)

    counts = Counter(pair.direction for pair in pairs)
    return ChangeSummary(
        n=len(pairs),
        n_patients=len(resamples.sums),
        before_mm2=mean("mean area before, mm2", lambda sums: _ratio(sums[..., 1], sums[..., 0])),
        after_mm2=mean("mean area after, mm2", lambda sums: _ratio(sums[..., 2], sums[..., 0])),
        change_mm2=mean("mean change, mm2", lambda sums: _ratio(sums[..., 2] - sums[..., 1], sums[..., 0])),
        relative_change=mean(
            "change of the mean, %", lambda sums: 100 * _ratio(sums[..., 2] - sums[..., 1], sums[..., 1])
        ),
        mean_percent=mean("mean of the changes, %", lambda sums: _ratio(sums[..., 4], sums[..., 3])),
        directions={direction: counts.get(direction, 0) for direction in Direction},
    )


def _estimate(name: str, statistic: Statistic, resamples: Resamples, n: int, undefined: str) -> Coefficient:
    if not n:
        return Coefficient(name, None, None, 0, 0, None, undefined)
    return estimate(name, statistic, resamples, n=n, by_patient=True, undefined=undefined, largest=math.inf)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)


def _count_transitions(pairs: Sequence[ForamenChange]) -> GradeTransitions:
    table = np.zeros((len(LeeGrade), len(LeeGrade)), dtype=np.int64)
    for pair in pairs:
        if pair.before.grade is not None and pair.after.grade is not None:
            table[pair.before.grade, pair.after.grade] += 1
    return GradeTransitions(
        table=table,
        n_lower=int(np.tril(table, -1).sum()),
        n_same=int(np.trace(table)),
        n_higher=int(np.triu(table, 1).sum()),
        n_missing=len(pairs) - int(table.sum()),
    )


def _by_motion(
    measured: Sequence[ForamenChange],
    summarize: Callable[[Sequence[ForamenChange]], ChangeSummary],
    rng: np.random.Generator,
    n_resamples: int,
) -> MotionReport | None:
    moved = [(pair, pair.motion_deg) for pair in measured]
    known = [(pair, motion) for pair, motion in moved if motion is not None]
    if not known:
        return None
    low, high = MOTION_CLASSES_DEG
    belongs: dict[str, Callable[[float], bool]] = {
        f"below {low:g} deg": lambda motion: motion < low,
        f"{low:g} to {high:g} deg": lambda motion: low <= motion <= high,
        f"above {high:g} deg": lambda motion: motion > high,
    }
    classes = []
    for name, inside in belongs.items():
        part = [(pair, motion) for pair, motion in known if inside(motion)]
        mean = float(np.mean([motion for _, motion in part])) if part else None
        classes.append(MotionClass(name, mean, summarize([pair for pair, _ in part])))
    x = np.array([motion for _, motion in known])
    y = np.array([pair.change_mm2 for pair, _ in known], dtype=float)
    x, y = x - x.mean(), y - y.mean()  # sums of squares of what is far from 0 lose digits
    rows = np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    sums = sum_by_patient(rows, np.array([pair.patient for pair, _ in known], dtype=object))
    resamples = draw_resamples(sums, rng=rng, n_resamples=n_resamples)
    return MotionReport(
        classes=tuple(classes),
        slope=_estimate("slope, mm2 per deg", _slope, resamples, len(known), NO_SPREAD),
        correlation=_estimate("correlation", _correlation, resamples, len(known), NO_SPREAD),
        n_without=len(moved) - len(known),
    )


def _slope(sums: FloatArray) -> FloatArray:
    n, x, y, xx, _, xy = np.moveaxis(sums, -1, 0)
    below = n * xx - x**2
    return np.where(below > 0, (n * xy - x * y) / np.where(below > 0, below, 1), np.nan)


def _correlation(sums: FloatArray) -> FloatArray:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    below = np.sqrt(np.maximum(n * xx - x**2, 0) * np.maximum(n * yy - y**2, 0))
    return np.where(below > 0, (n * xy - x * y) / np.where(below > 0, below, 1), np.nan)
