"""Answers made up for phantoms that nobody draws, so that a report takes no time."""

import numpy as np

from foramgrade.findings import Border, Quantity, RootShape, Sequence
from foramgrade.phantom import CLINICAL_2D, LEVELS
from foramgrade.validation import ForamenCheck, Validation, report_fat_study, report_repeats, report_setting
from foramgrade.validation.cases import Case
from foramgrade.validation.perineural import COARSE, STUDIED, plan_fat_study
from foramgrade.validation.running import EDGE_NOISES_MM, Growth


def make_checks(case: Case, *, error_mm2: float = 2.0) -> list[ForamenCheck]:
    """Ten foramina whose area is measured `error_mm2` too large, and of which the last is graded 3 instead of 1."""
    rng = np.random.default_rng((*case.seed, case.visit))
    checks = []
    for number, (level, side) in enumerate((level, side) for level in LEVELS for side in ("right", "left")):
        lee = number % 4
        lost = frozenset(Border) if lee >= 2 else frozenset({Border.SUPERIOR, Border.INFERIOR} if lee else ())
        shape = RootShape.CHANGED if lee == 3 else RootShape.UNCHANGED
        truth = {Quantity.AREA: 60.0 + 5 * number, Quantity.HEIGHT: 15.0 + number / 2}
        noise = 0.5 * float(rng.standard_normal())
        checks.append(
            ForamenCheck(
                case=case,
                level=level,
                side=side,
                truth=truth,
                true_lee=lee,
                true_lost=lost,
                true_shape=shape,
                measured={Quantity.AREA: truth[Quantity.AREA] + error_mm2 + noise, Quantity.HEIGHT: 15.0 + number / 2},
                uncertainty={Quantity.AREA: 2.0},
                misplaced=False,
                lee=None if case.geometry_only else 3 if number == 9 else lee,
                lost=None if case.geometry_only else lost,
                shape=None if case.geometry_only else shape,
                confidence=None if case.geometry_only else 0.55 if number == 9 else 0.95,
                snr=12.0 + 3 * number,
                film=number < 2,
            )
        )
    return checks


def make_validation() -> Validation:
    """Everything that a validation can hold."""
    main = [Case("clinical-2d", CLINICAL_2D, (1, n), (Sequence.T1, Sequence.T2)[n % 2]) for n in range(3)]
    checks = [check for case in main for check in make_checks(case)]
    grown = [
        [
            check
            for n in range(2)
            for check in make_checks(Case(f"edge noise {mm}", CLINICAL_2D, (2, n), geometry_only=True))
        ]
        for mm in EDGE_NOISES_MM
    ]
    fat = [check for case in plan_fat_study(3, lambda name, n: (len(name), n)) for check in make_checks(case)]
    again = [Case("repeats", CLINICAL_2D, (4, n), visit=visit) for n in range(2) for visit in range(3)]
    repeats = [check for case in again for check in make_checks(case)]
    assert {check.case.setting for check in fat} == {*STUDIED, *COARSE}
    return Validation(
        version="1.2.3",
        seed=7,
        cases=3,
        geometry_only=False,
        protocols={"clinical-2d": CLINICAL_2D},
        reports=(report_setting("clinical-2d", checks),),
        growth=(Growth("edge noise", EDGE_NOISES_MM, tuple(report_setting("noise", part) for part in grown)),),
        fat=report_fat_study(fat),
        repeats=report_repeats(repeats),
        checks=(*checks, *(check for part in grown for check in part), *fat, *repeats),
    )
