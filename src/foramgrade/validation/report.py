"""What the checks of one setting add up to: agreement per quantity, coverage of intervals, grades."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from foramgrade.agreement import LIMIT_SDS, LimitsOfAgreement, find_limits
from foramgrade.errors import InputError
from foramgrade.findings import QUANTITIES, Quantity
from foramgrade.validation.cases import ForamenCheck
from foramgrade.validation.grades import GradeReport, report_grades

#: Quantities of a level, not of a side: counted once.
OF_A_LEVEL = frozenset({Quantity.ASYMMETRY, Quantity.SLIP, Quantity.SEGMENTAL_ANGLE})
#: Quantities whose errors grow with their size: compared in percent of the truth as well.
ALSO_RELATIVE = frozenset({Quantity.AREA, Quantity.VOLUME})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Measured values of one quantity against their truth.

    Parameters
    ----------
    quantity : Quantity
        What was measured.
    unit : str
        Unit of the differences; "%" of the truth.
    n_missing : int
        Foramina, or levels, with a truth but without a measured value.
    limits : LimitsOfAgreement or None
        Of measured - true; None with fewer than two measured values.
    coverage : float or None
        Share, 0 to 1, of the true values that lie within 1.96 standard uncertainties of the measured ones; None where
        no uncertainties are given.
    """

    quantity: Quantity
    unit: str
    n_missing: int
    limits: LimitsOfAgreement | None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class SettingReport:
    """Everything about the phantoms of one setting.

    Parameters
    ----------
    setting : str
        Its name.
    n_phantoms, n_foramina : int
        How many there were.
    n_measured : int
        Foramina with an area.
    n_misplaced : int
        Answers that lie at another level or side.
    refusals : tuple of str
        Messages of studies that were refused.
    comparisons : tuple of Comparison
        One per quantity with a truth, in the order of `Quantity`; area and volume also in percent.
    grades : GradeReport or None
        None where only geometry was measured.
    """

    setting: str
    n_phantoms: int
    n_foramina: int
    n_measured: int
    n_misplaced: int
    refusals: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    grades: GradeReport | None

    def comparison(self, quantity: Quantity, *, relative: bool = False) -> Comparison:
        """Comparison of one quantity, in its unit or in percent.

        Raises
        ------
        InputError
            If there is none.
        """
        for found in self.comparisons:
            if found.quantity is quantity and (found.unit == "%") == relative:
                return found
        msg = f"{self.setting}: {quantity.value} was not compared{' in percent' * relative}"
        raise InputError(msg)


def report_setting(setting: str, checks: Sequence[ForamenCheck]) -> SettingReport:
    """Sum up the checks of one setting.

    Parameters
    ----------
    setting : str
        Its name.
    checks : sequence of ForamenCheck
        All foramina of its phantoms.

    Returns
    -------
    SettingReport
        Counts, agreement per quantity, and agreement of grades.
    """
    known = {quantity for check in checks for quantity in check.truth}
    comparisons = []
    for quantity in [quantity for quantity in Quantity if quantity in known]:
        comparisons.append(compare_quantity(checks, quantity))
        if quantity in ALSO_RELATIVE:
            comparisons.append(compare_quantity(checks, quantity, relative=True))
    refused = {check.case: check.failure for check in checks if check.failure}
    graded = any(not check.case.geometry_only for check in checks)
    return SettingReport(
        setting=setting,
        n_phantoms=len({check.case for check in checks}),
        n_foramina=len(checks),
        n_measured=sum(Quantity.AREA in check.measured for check in checks),
        n_misplaced=sum(bool(check.misplaced) for check in checks),
        refusals=tuple(refused.values()),
        comparisons=tuple(comparisons),
        grades=report_grades(checks) if graded else None,
    )


def compare_quantity(checks: Iterable[ForamenCheck], quantity: Quantity, *, relative: bool = False) -> Comparison:
    """Compare one quantity with its truth.

    Parameters
    ----------
    checks : iterable of ForamenCheck
        Foramina.
    quantity : Quantity
        What to compare; a quantity of a level is taken once per level.
    relative : bool
        Whether differences are percent of the truth.

    Returns
    -------
    Comparison
        Agreement, and coverage of the 95 % intervals.
    """
    known = [check for check in checks if quantity in check.truth]
    if quantity in OF_A_LEVEL:
        # The side that was measured speaks for its level.
        ordered = sorted(known, key=lambda check: quantity not in check.measured)
        known = list({(check.case, check.level): check for check in reversed(ordered)}.values())
    pairs = [(check.measured[quantity], check.truth[quantity]) for check in known if quantity in check.measured]
    measured, true = (np.array(values) for values in zip(*pairs, strict=True)) if pairs else (np.empty(0),) * 2
    scale = 100 / true if relative else np.ones_like(true)
    within = [
        abs(check.measured[quantity] - check.truth[quantity]) <= LIMIT_SDS * check.uncertainty[quantity]
        for check in known
        if quantity in check.measured and quantity in check.uncertainty
    ]
    return Comparison(
        quantity=quantity,
        unit="%" if relative else QUANTITIES[quantity].unit,
        n_missing=len(known) - len(pairs),
        limits=find_limits(measured * scale, true * scale) if len(pairs) > 1 else None,
        coverage=None if relative or not within else float(np.mean(within)),
    )
