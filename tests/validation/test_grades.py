"""Shares of right answers, calibration and repeats of answers that are made up."""

from dataclasses import replace

import pytest

from foramgrade.findings import Border, Quantity
from foramgrade.phantom import CLINICAL_2D
from foramgrade.validation import calibrate, report_grades, report_repeats
from foramgrade.validation.cases import Case

CASES = [Case("s", CLINICAL_2D, (n,)) for n in range(4)]


def test_right_and_wrong_answers_are_counted(make_checks) -> None:
    checks = [check for case in CASES for check in make_checks(case)]
    report = report_grades(checks)
    assert report.n_graded == 40
    assert report.exact.value == pytest.approx(0.9)
    assert report.lost_sensitivity.value == report.lost_specificity.value == 1.0
    assert report.counts.sum() == 40
    assert report.counts[1, 3] == 4  # the last foramen of each spine: truly 1, called 3
    assert report.exact.n_patients == 4


def test_a_lost_border_that_is_missed_lowers_the_sensitivity_alone(make_checks) -> None:
    first, *others = [check for case in CASES for check in make_checks(case)]
    at = next(n for n, check in enumerate(others) if len(check.true_lost) == 4)
    others[at] = replace(others[at], lost=others[at].true_lost - {Border.ANTERIOR})
    report = report_grades([first, *others])
    lost = sum(len(check.true_lost) for check in others)
    assert report.lost_sensitivity.value == pytest.approx(1 - 1 / lost)
    assert report.lost_specificity.value == 1.0


def test_nothing_graded_is_no_number() -> None:
    report = report_grades([])
    assert report.n_graded == 0
    assert report.exact is report.quadratic_kappa is report.lost_sensitivity is report.calibration is None


@pytest.mark.parametrize(
    "grades, error",
    [
        ([(1.0, True)] * 5, 0.0),
        ([(1.0, False)] * 5, 1.0),
        ([(0.75, True)] * 3 + [(0.75, False)], 0.0),
        ([(0.95, True), (0.15, True)], (0.05 + 0.85) / 2),
    ],
)
def test_the_calibration_error_is_the_gap_of_the_bins(grades, error) -> None:
    assert calibrate(grades).error == pytest.approx(error)


def test_repeats_have_the_spread_that_was_put_in(make_checks) -> None:
    def visited(visit: int) -> list:
        shift = (-1.0, 0.0, 1.0)[visit]
        checks = []
        for n in range(3):
            for check in make_checks(Case("r", CLINICAL_2D, (n,), visit=visit)):
                area = check.truth[Quantity.AREA] + shift
                checks.append(replace(check, measured={**check.measured, Quantity.AREA: area}))
        return checks

    report = report_repeats([check for visit in range(3) for check in visited(visit)])
    area = next(one for one in report.quantities if one.quantity is Quantity.AREA)
    assert (report.n_spines, report.n_visits, area.n) == (3, 3, 30)
    assert area.sd_within == pytest.approx(1.0)
    assert area.smallest_change == pytest.approx(1.96 * 2**0.5)
    assert area.stated == pytest.approx(2.0)
    assert report.grades.value == 1.0
