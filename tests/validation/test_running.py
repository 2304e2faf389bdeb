"""A validation of a few phantoms in a field that is soon drawn."""

from dataclasses import replace

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Quantity, Sequence
from foramgrade.phantom import CLINICAL_2D, Protocol, random_spec
from foramgrade.validation import count_phantoms, plan_fat_study, validate_phantoms
from foramgrade.validation.cases import Case, check_case, lie_down_again
from foramgrade.validation.running import respaced

COARSE = Protocol(pixel_mm=1.0, thickness_mm=4.0, spacing_mm=4.4, n_slices=15, field_mm=(120.0, 230.0))


@pytest.fixture(scope="module")
def checks():
    return check_case(Case("coarse", COARSE, (5, 1), geometry_only=True))


def test_every_foramen_of_the_phantom_is_there(checks) -> None:
    assert len(checks) == 10
    assert {check.side for check in checks} == {"right", "left"}
    measured = [check for check in checks if Quantity.AREA in check.measured]
    assert len(measured) >= 8
    assert not any(check.misplaced for check in measured)
    for check in measured:
        assert check.lee is None  # there was no image
        assert {Quantity.AREA, Quantity.HEIGHT} <= check.uncertainty.keys()
        error = check.measured[Quantity.AREA] - check.truth[Quantity.AREA]
        assert abs(error) < 0.3 * check.truth[Quantity.AREA]
        # Wedges are steep here and there; the angle is that of planes in voxels of a millimetre.
        angle = check.measured[Quantity.SEGMENTAL_ANGLE] - check.truth[Quantity.SEGMENTAL_ANGLE]
        assert abs(angle) < 3.0


def test_the_same_seed_gives_the_same_answers(checks) -> None:
    again = check_case(Case("coarse", COARSE, (5, 1), geometry_only=True))
    other = check_case(Case("coarse", COARSE, (5, 2), geometry_only=True))
    assert [c.measured for c in again] == [c.measured for c in checks]
    assert [c.truth for c in other] != [c.truth for c in checks]


def test_a_report_counts_and_covers() -> None:
    found = validate_phantoms({"coarse": COARSE}, cases=2, seed=3, geometry_only=True, growth=False, repeats=False)
    (report,) = found.reports
    assert len(found.checks) == 20
    areas = next(c for c in report.comparisons if c.quantity is Quantity.AREA and c.unit == "mm2")
    pairs = [
        (c.measured[Quantity.AREA], c.truth[Quantity.AREA], c.uncertainty[Quantity.AREA])
        for c in found.checks
        if Quantity.AREA in c.measured
    ]
    errors = np.array([measured - truth for measured, truth, _ in pairs])
    assert areas.limits is not None
    assert areas.limits.n == len(pairs)
    assert areas.limits.bias == pytest.approx(errors.mean())
    assert areas.coverage == pytest.approx(np.mean(np.abs(errors) <= 1.96 * np.array([u for *_, u in pairs])))


def test_another_spacing_keeps_the_width_of_the_stack() -> None:
    found = respaced(CLINICAL_2D, 2.2)
    assert (found.spacing_mm, found.thickness_mm, found.n_slices) == (2.2, pytest.approx(2.0), 34)


def test_nothing_to_do_is_refused() -> None:
    with pytest.raises(InputError, match="expected a protocol, a case and a job"):
        validate_phantoms({}, cases=1)


def test_phantoms_are_counted_before_they_are_made() -> None:
    plan = [*plan_fat_study(12, lambda name, number: (number,))]
    assert count_phantoms(3, 36) == 108 + 9 * 12 + len(plan) + 3 * 6
    assert count_phantoms(1, 36, geometry_only=True, growth=False, repeats=False) == 36
    assert {case.sequence for case in plan} == {Sequence.T1, Sequence.T2}
    assert len({(case.name, case.visit) for case in plan}) == len(plan)


def test_a_spine_on_another_visit_is_the_same_spine_elsewhere_in_the_scanner() -> None:
    first = Case("coarse", COARSE, (5, 1), geometry_only=True)
    spec = random_spec(np.random.default_rng(first.seed), protocol=COARSE)
    again = lie_down_again(spec, np.random.default_rng(3))
    assert replace(again, decentring_mm=spec.decentring_mm, obliquity_deg=spec.obliquity_deg) == spec
    moved = np.abs(np.subtract(again.decentring_mm, spec.decentring_mm))
    turned = np.abs(np.subtract(again.obliquity_deg, spec.obliquity_deg))
    assert 0 < moved.max() <= COARSE.spacing_mm / 2
    assert 0 < turned.max() <= 2.0
