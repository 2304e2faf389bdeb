"""How well a measurement repeats: the same spines scanned and segmented anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foramgrade.agreement import LIMIT_SDS, Coefficient, IccForm, cohen_kappa, icc
from foramgrade.findings import QUANTITIES, Quantity
from foramgrade.validation.cases import ForamenCheck

#: Quantities whose repeats are reported.
REPEATED = (Quantity.AREA, Quantity.HEIGHT, Quantity.WIDTH_DISC, Quantity.WIDTH_SUPERIOR, Quantity.NERVE_AREA)


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Repeats of one quantity.

    Parameters
    ----------
    quantity : Quantity
        What was measured.
    unit : str
        Of the standard deviations.
    n : int
        Foramina that were measured every time.
    icc : Coefficient
        ICC(2,1): absolute agreement of single measurements; its interval takes foramina as independent.
    sd_within : float
        Standard deviation of repeats of a foramen.
    smallest_change : float
        Smallest detectable change of a foramen between two measurements: 1.96 sqrt(2) times that.
    stated : float or None
        Root mean square of the standard uncertainties that were given; None without.
    """

    quantity: Quantity
    unit: str
    n: int
    icc: Coefficient
    sd_within: float
    smallest_change: float
    stated: float | None


@dataclass(frozen=True, slots=True)
class RepeatReport:
    """Repeats of all quantities and of the grade.

    Parameters
    ----------
    n_spines, n_visits : int
        How many spines, each how often.
    quantities : tuple of Repeatability
        Of those measured in two foramina at least.
    grades : Coefficient or None
        Quadratic-weighted kappa of the Lee grades of the first two visits; None where nothing was graded.
    """

    n_spines: int
    n_visits: int
    quantities: tuple[Repeatability, ...]
    grades: Coefficient | None


def report_repeats(checks: Sequence[ForamenCheck]) -> RepeatReport:
    """Sum up how well measurements of the same spines repeat.

    Parameters
    ----------
    checks : sequence of ForamenCheck
        Foramina of spines on several visits.

    Returns
    -------
    RepeatReport
        Of the foramina that were measured on every visit.

    Notes
    -----
    *Definition*: within-foramen standard deviation from the pooled variance of repeats; smallest detectable change 1.96
    sqrt(2) of it (Bland and Altman 1999). *Limits*: the spread of a segmentation tool on a patient is not in it beyond
    the displacement of borders that the phantoms have.
    """
    visits = sorted({check.case.visit for check in checks})
    by_foramen: dict[tuple[str, str, str], dict[int, ForamenCheck]] = {}
    for check in checks:
        by_foramen.setdefault((check.case.name, check.level, check.side), {})[check.case.visit] = check
    whole = [[found[visit] for visit in visits] for found in by_foramen.values() if len(found) == len(visits)]
    quantities = [one for quantity in REPEATED if (one := _repeat(whole, quantity)) is not None]
    graded = [(row[0], row[1]) for row in whole if row[0].lee is not None and row[1].lee is not None]
    return RepeatReport(
        n_spines=len({check.case.name for check in checks}),
        n_visits=len(visits),
        quantities=tuple(quantities),
        grades=cohen_kappa(
            [first.lee for first, _ in graded],
            [second.lee for _, second in graded],
            "quadratic",
            patients=[first.case.name for first, _ in graded],
        )
        if graded
        else None,
    )


def _repeat(whole: Sequence[Sequence[ForamenCheck]], quantity: Quantity) -> Repeatability | None:
    rows = [row for row in whole if all(quantity in check.measured for check in row)]
    if len(rows) < 2:
        return None
    values = np.array([[check.measured[quantity] for check in row] for row in rows])
    within = float(np.sqrt(values.var(axis=1, ddof=1).mean()))
    stated = [check.uncertainty[quantity] for row in rows for check in row if quantity in check.uncertainty]
    return Repeatability(
        quantity=quantity,
        unit=QUANTITIES[quantity].unit,
        n=len(rows),
        icc=icc(values)[IccForm.TWO_WAY_AGREEMENT],
        sd_within=within,
        smallest_change=LIMIT_SDS * float(np.sqrt(2.0)) * within,
        stated=float(np.sqrt(np.mean(np.square(stated)))) if stated else None,
    )
