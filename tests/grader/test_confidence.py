"""Confidence: limiting cases, a sampling oracle that knows nothing of the formula, and monotonicity."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import norm

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderFinding, BorderState, PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, grade, grade_probabilities
from foramgrade.grader.confidence import find_competing

MINIMUM = LEE_2010.minimum_fat_mm


def measured(
    thickness_mm: Sequence[float | None],
    uncertainty_mm: float | None = 0.25,
    *,
    shape: RootShape = RootShape.UNCHANGED,
    probability: float | None = None,
) -> PerineuralFindings:
    """Findings from a thickness per border in the order S, P, I, A; None is an unknown border."""
    borders = {}
    for border, thickness in zip(Border, thickness_mm, strict=True):
        if thickness is None:
            borders[border] = BorderFinding(BorderState.UNKNOWN)
        else:
            state = BorderState.LOST if thickness < MINIMUM else BorderState.PRESERVED
            borders[border] = BorderFinding(state, thickness_mm=thickness, uncertainty_mm=uncertainty_mm)
    return PerineuralFindings(borders, shape, probability)


def test_far_from_the_threshold_the_grade_is_certain() -> None:
    probabilities = grade_probabilities(measured([0.0, 5.0, 0.0, 5.0], 0.01), LEE_2010)
    assert probabilities == pytest.approx((0.0, 1.0, 0.0, 0.0), abs=1e-12)


def test_at_the_threshold_each_border_is_a_coin() -> None:
    # 16 equally likely patterns: Lee 1 for the 2 opposing pairs and the 4 triples, Lee 2 for one, Lee 0 for the rest
    probabilities = grade_probabilities(measured([MINIMUM] * 4), LEE_2010)
    assert probabilities == pytest.approx((9 / 16, 6 / 16, 1 / 16, 0.0), abs=1e-15)


def test_one_doubtful_border_follows_the_normal_distribution() -> None:
    # anterior surely lost: the grade is 1 exactly when the posterior border is lost
    probabilities = grade_probabilities(measured([9.0, MINIMUM + 0.05, 9.0, 0.0], 0.05), LEE_2010)
    lost = norm.cdf(-1.0)
    assert probabilities == pytest.approx((1 - lost, lost, 0.0, 0.0), abs=1e-6)


def test_without_uncertainty_states_are_certain_but_no_ground_for_a_confidence() -> None:
    findings = PerineuralFindings.from_lost("SI")
    assert grade_probabilities(findings, LEE_2010) == (0.0, 1.0, 0.0, 0.0)
    assert grade(findings).confidence is None
    assert grade_probabilities(measured([0.0, 5.0, 0.0, 5.0], 0.0), LEE_2010) == (0.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "shape, probability, severe",
    [
        (RootShape.CHANGED, None, 1.0),
        (RootShape.CHANGED, 0.8, 0.8),
        (RootShape.UNCHANGED, 0.1, 0.1),
        (RootShape.UNCHANGED, None, 0.0),
        (RootShape.NOT_ASSESSABLE, 0.4, 0.0),  # the grade is capped at 2
    ],
)
def test_severe_is_as_likely_as_the_changed_root(shape: RootShape, probability: float | None, severe: float) -> None:
    findings = measured([0.0] * 4, 0.01, shape=shape, probability=probability)
    assert grade_probabilities(findings, LEE_2010) == pytest.approx((0.0, 0.0, 1.0 - severe, severe), abs=1e-12)


@pytest.mark.parametrize("policy", list(Policy))
def test_sampling_agrees(policy: Policy) -> None:
    rng = np.random.default_rng(20240611)
    means, sigmas, changed, n = np.array([0.3, 0.7, 0.55, 0.4]), np.array([0.3, 0.2, 0.1, 0.5]), 0.2, 20_000
    borders = {
        border: BorderFinding(BorderState.PRESERVED, thickness_mm=float(m), uncertainty_mm=float(s))
        for border, m, s in zip(Border, means, sigmas, strict=True)
    }
    criteria = LEE_2010.with_policy(policy)
    exact = grade_probabilities(PerineuralFindings(borders, RootShape.UNCHANGED, changed), criteria)
    assert exact is not None

    lost = rng.normal(means, sigmas, (n, 4)) < MINIMUM
    shapes = rng.random(n) < changed
    patterns, counts = np.unique(np.column_stack([lost, shapes]), axis=0, return_counts=True)
    sampled = np.zeros(4)
    for (*pattern, is_changed), count in zip(patterns, counts, strict=True):
        letters = "".join(b.value for b, is_lost in zip(Border, pattern, strict=True) if is_lost)
        shape = RootShape.CHANGED if is_changed else RootShape.UNCHANGED
        lee = grade(PerineuralFindings.from_lost(letters, shape), criteria).lee
        if lee is not None:
            sampled[lee] += count / n
    four_standard_errors = 4 * np.sqrt(0.25 / n)
    assert exact == pytest.approx(tuple(sampled), abs=four_standard_errors)
    assert sum(exact) == pytest.approx(1.0) if policy is not Policy.STRICT else sum(exact) < 0.9


def test_under_strict_what_is_missing_is_the_chance_of_no_grade() -> None:
    # every pattern equally likely: 4 of 16 are defined
    probabilities = grade_probabilities(measured([MINIMUM] * 4), LEE_2010.with_policy(Policy.STRICT))
    assert probabilities == pytest.approx((1 / 16, 2 / 16, 1 / 16, 0.0), abs=1e-15)


def test_thinner_fat_never_makes_a_lower_grade_likelier() -> None:
    thicknesses = np.linspace(0.0, 2.0, 41)
    for policy in (Policy.FLOOR, Policy.CEIL):
        tables = np.array(
            [
                grade_probabilities(measured([t, MINIMUM - 0.1, MINIMUM + 0.1, MINIMUM]), LEE_2010.with_policy(policy))
                for t in thicknesses
            ]
        )
        at_least = tables[:, ::-1].cumsum(axis=1)[:, :3]  # P(3), P(>= 2), P(>= 1) by thickness
        assert np.all(np.diff(at_least, axis=0) <= 1e-12)
        assert at_least[0, 2] > at_least[-1, 2] + 0.05


def test_confidence_is_the_probability_of_the_grade_and_falls_as_uncertainty_grows() -> None:
    confidences = []
    for uncertainty in (0.05, 0.2, 0.5, 1.0):
        findings = measured([0.1, 1.5, 0.1, 1.5], uncertainty)
        given = grade(findings)
        probabilities = grade_probabilities(findings, LEE_2010)
        assert given.lee == 1
        assert probabilities is not None
        assert given.confidence == probabilities[1]
        confidences.append(given.confidence)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > 0.999
    assert confidences[-1] < 0.6


def test_the_most_probable_other_grade_competes() -> None:
    for policy in Policy:
        criteria = LEE_2010.with_policy(policy)
        for shift in np.linspace(-0.3, 0.6, 10):
            findings = measured([0.1, MINIMUM + shift, 0.1, 0.4], 0.25, probability=0.15)
            given = grade(findings, criteria)
            assert given.probabilities == grade_probabilities(findings, criteria)
            assert given.probabilities is not None
            if given.lee is None:
                assert (policy, given.confidence, given.competing) == (Policy.STRICT, None, None)
                continue
            others = [p for lee, p in enumerate(given.probabilities) if lee != given.lee]
            assert given.competing is not None
            assert given.competing != given.lee
            assert given.probabilities[given.competing] == max(others)
            assert given.confidence == given.probabilities[given.lee]


@pytest.mark.parametrize(
    "given, probabilities, competing",
    [
        (1, (0.3, 0.5, 0.2, 0.0), 0),
        (1, (0.1, 0.2, 0.1, 0.6), 3),  # the given grade need not be the most probable one
        (1, (0.2, 0.6, 0.2, 0.0), 2),  # among equals the higher
        (0, (1.0, 0.0, 0.0, 0.0), 1),  # among equals the nearest
        (3, (0.0, 0.0, 0.0, 1.0), 2),
    ],
)
def test_among_equals_the_nearest_competes_then_the_higher(
    given: int, probabilities: tuple[float, float, float, float], competing: int
) -> None:
    assert find_competing(given, probabilities) == competing


def test_without_uncertainty_nothing_competes() -> None:
    given = grade(PerineuralFindings.from_lost("SI"))
    assert (given.confidence, given.competing, given.probabilities) == (None, None, None)


def test_one_border_without_uncertainty_leaves_no_confidence() -> None:
    findings = measured([0.0, 5.0, 0.0, 5.0])
    borders = {**findings.borders, Border.ANTERIOR: BorderFinding(BorderState.PRESERVED, thickness_mm=5.0)}
    assert grade(findings).confidence is not None
    assert grade(PerineuralFindings(borders, RootShape.UNCHANGED)).confidence is None


def test_an_unknown_border_leaves_probabilities_only_when_it_cannot_change_them() -> None:
    undecided = measured([5.0, None, 5.0, 0.0])
    assert grade_probabilities(undecided, LEE_2010) is None
    assert grade(undecided).lee is None
    deformed = measured([0.0, None, 0.0, 5.0], shape=RootShape.CHANGED)
    assert grade_probabilities(deformed, LEE_2010) == pytest.approx((0.0, 0.0, 0.0, 1.0))
    assert grade(deformed).confidence == pytest.approx(1.0)


@pytest.mark.parametrize(
    "findings, message",
    [
        (measured([0.1] * 4, -0.2), "uncertainty of the fat on the superior border is -0.2 mm, expected 0 or more"),
        (measured([0.1, float("nan"), 1, 1]), "thickness of the fat on the posterior border is nan mm, expected 0"),
        (measured([0.1] * 4, probability=1.2), "probability of a changed root is 1.2, expected 0 to 1"),
    ],
)
def test_impossible_findings_are_refused(findings: PerineuralFindings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        grade_probabilities(findings, LEE_2010)
