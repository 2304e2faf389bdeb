"""Grades, borders and confidence of phantoms against their truth, with intervals over phantoms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.agreement import LEE_CATEGORIES, Coefficient, cohen_kappa, cross_table, dichotomize, percent_agreement
from foramgrade.findings import Border, RootShape
from foramgrade.validation.cases import ForamenCheck

#: Bins of equal width into which confidence falls for its calibration (Naeini MP et al., AAAI 2015).
BINS = 10

#: Answer to a question of yes or no, the truth of it, and the phantom it was asked of.
_Answer = tuple[bool, bool, str]


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """Grades of about the same confidence.

    Parameters
    ----------
    n : int
        How many there are.
    confidence : float
        Their mean confidence.
    right : float
        Share of them that are the true grade.
    """

    n: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether confidence is the share of right grades.

    Parameters
    ----------
    bins : tuple of ConfidenceBin
        Those that hold a grade, of tenths of confidence.
    error : float
        Expected calibration error: mean over grades of the gap between confidence and share of right ones of their bin.
    mean : float
        Mean confidence.
    """

    bins: tuple[ConfidenceBin, ...]
    error: float
    mean: float


@dataclass(frozen=True, slots=True, eq=False)
class GradeReport:
    """Answers of the grader against the truth; intervals are the jackknife's over phantoms.

    Parameters
    ----------
    n_graded : int
        Foramina with a grade.
    exact : Coefficient or None
        Share of them with the true Lee grade; None where none is graded, as below.
    quadratic_kappa : Coefficient or None
        Agreement beyond chance with quadratic weights.
    lost_sensitivity, lost_specificity : Coefficient or None
        Of borders without fat, where the fat was read.
    deformed_sensitivity, deformed_specificity : Coefficient or None
        Of deformed roots, where the fat was read.
    calibration : Calibration or None
        Of the confidence.
    counts : (4, 4) int array
        True Lee grades (rows) and answers (columns).
    """

    n_graded: int
    exact: Coefficient | None
    quadratic_kappa: Coefficient | None
    lost_sensitivity: Coefficient | None
    lost_specificity: Coefficient | None
    deformed_sensitivity: Coefficient | None
    deformed_specificity: Coefficient | None
    calibration: Calibration | None
    counts: npt.NDArray[np.int64]


def report_grades(checks: Sequence[ForamenCheck]) -> GradeReport:
    """Compare grades and findings with their truth.

    Parameters
    ----------
    checks : sequence of ForamenCheck
        Foramina.

    Returns
    -------
    GradeReport
        Of those that were graded, or whose fat was read.
    """
    graded = [(check.true_lee, check.lee, check.case.name) for check in checks if check.lee is not None]
    read = [check for check in checks if check.lost is not None and check.shape is not None]
    borders = [(b in one.true_lost, b in (one.lost or ()), one.case.name) for one in read for b in Border]
    changed = RootShape.CHANGED
    shapes = [(one.true_shape is changed, one.shape is changed, one.case.name) for one in read]
    lost, deformed = _ask(borders), _ask(shapes)
    true, given, phantoms = zip(*graded, strict=True) if graded else ((), (), ())
    return GradeReport(
        n_graded=len(graded),
        exact=percent_agreement([*zip(true, given, strict=True)], patients=phantoms) if graded else None,
        quadratic_kappa=cohen_kappa(true, given, "quadratic", patients=phantoms) if graded else None,
        lost_sensitivity=lost[0],
        lost_specificity=lost[1],
        deformed_sensitivity=deformed[0],
        deformed_specificity=deformed[1],
        calibration=calibrate(
            (one.confidence, one.lee == one.true_lee) for one in checks if one.confidence is not None
        ),
        counts=cross_table(true, given, LEE_CATEGORIES),
    )


def calibrate(grades: Iterable[tuple[float, bool]]) -> Calibration | None:
    """Compare confidence with the share of right grades.

    Parameters
    ----------
    grades : iterable of (float, bool)
        Confidence of a grade, 0 to 1, and whether it is right.

    Returns
    -------
    Calibration or None
        None without a grade.

    Examples
    --------
    >>> found = calibrate([(0.95, True), (0.95, True), (0.55, True), (0.55, False)])
    >>> round(found.error, 3), [(one.n, one.right) for one in found.bins]
    (0.05, [(2, 0.5), (2, 1.0)])
    """
    known = list(grades)
    if not known:
        return None
    confidence, right = np.array(known, float).T
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = tuple(
        ConfidenceBin(int(here.sum()), float(confidence[here].mean()), float(right[here].mean()))
        for number in range(BINS)
        if (here := place == number).any()
    )
    error = sum(one.n * abs(one.confidence - one.right) for one in bins) / len(known)
    return Calibration(bins, error, float(confidence.mean()))


def _ask(answers: Sequence[_Answer]) -> tuple[Coefficient | None, Coefficient | None]:
    """Sensitivity and specificity; None where nothing was asked."""
    if not answers:
        return None, None
    true, given, phantoms = zip(*answers, strict=True)
    found = dichotomize(true, given, threshold=True, categories=(False, True), patients=phantoms)
    return found.sensitivity, found.specificity
