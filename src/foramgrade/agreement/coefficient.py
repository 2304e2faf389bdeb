"""One number of agreement, with its interval, what it rests on, and why it may be missing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

#: Coverage of the confidence intervals.
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Ends of a confidence interval."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


class IntervalMethod(StrEnum):
    """How a confidence interval was found."""

    LARGE_SAMPLE = "large sample"
    """Closed form for many independent foramina: too narrow where one patient gives several."""
    JACKKNIFE = "jackknife"
    """Student's t around the value, from leaving out one patient at a time; without patients, one foramen."""
    BOOTSTRAP = "bootstrap"
    """Percentiles, widened for few patients, from drawing patients with replacement; without patients, foramina."""
    F_DISTRIBUTION = "F distribution"
    """From the mean squares of an analysis of variance, foramina independent and normally distributed."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement.

    Parameters
    ----------
    name : str
        Which coefficient.
    value : float or None
        None where it is not defined.
    interval : Interval or None
        95 % confidence interval; None where there is none.
    n : int
        Foramina, or whatever was read, behind the value.
    n_patients : int or None
        Patients behind it; None where patients were not told apart.
    method : IntervalMethod or None
        How the interval was found; None without one.
    reason : str
        Why there is no value, or no interval; empty where both are there.
    """

    name: str
    value: float | None
    interval: Interval | None
    n: int
    n_patients: int | None = None
    method: IntervalMethod | None = None
    reason: str = ""
