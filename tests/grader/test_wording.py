"""Uncertain grades in words; the reasons themselves are in test_grading."""

from dataclasses import replace

import pytest

from foramgrade.findings import Border, BorderFinding, BorderState, Grade, PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, describe_doubt, grade, not_gradable

SURE = Grade(2, Policy.FLOOR, True, "", confidence=0.6, competing=1, probabilities=(0.0, 0.3, 0.6, 0.1))


@pytest.mark.parametrize(
    "confidence, limit, sentence",
    [
        (0.6, 0.6, None),  # not below
        (0.59, 0.6, "Uncertain: confidence 0.59, grade 1 competes with 0.30."),
        (0.0, 0.0, None),
        (0.99, 1.0, "Uncertain: confidence 0.99, grade 1 competes with 0.30."),
    ],
)
def test_a_grade_is_uncertain_below_the_named_limit(confidence: float, limit: float, sentence: str | None) -> None:
    given = replace(SURE, confidence=confidence, probabilities=(0.0, 0.3, 0.7, 0.0))
    assert describe_doubt(given, replace(LEE_2010, uncertain_below=limit)) == sentence


def test_under_strict_no_grade_can_be_what_competes() -> None:
    given = replace(SURE, policy=Policy.STRICT, confidence=0.4, probabilities=(0.0, 0.1, 0.4, 0.0))
    assert describe_doubt(given, LEE_2010.with_policy(Policy.STRICT)) == (
        "Uncertain: confidence 0.40, a pattern without a grade competes with 0.50, grade 1 with 0.10."
    )


def test_what_states_no_uncertainty_is_never_called_uncertain() -> None:
    always = replace(LEE_2010, uncertain_below=1.0)
    assert describe_doubt(grade(PerineuralFindings.from_lost("SI"), always), always) is None
    assert describe_doubt(not_gradable("the nerve root was not found", always), always) is None


def test_findings_near_the_limit_name_the_grade_that_competes() -> None:
    # superior and posterior fat and root are clear; the inferior border is lost with probability 1/2
    thickness = {"S": 0.0, "P": 5.0, "I": LEE_2010.minimum_fat_mm, "A": 5.0}
    borders = {
        b: BorderFinding(BorderState.LOST if b.value == "S" else BorderState.PRESERVED, thickness[b.value], 0.01)
        for b in Border
    }
    given = grade(PerineuralFindings(borders, RootShape.UNCHANGED, 0.1))
    assert given.lee == 0
    assert given.probabilities == pytest.approx((0.45, 0.45, 0.0, 0.1))
    assert given.confidence == pytest.approx(0.45)
    assert given.competing == 1
    assert describe_doubt(given, LEE_2010) == "Uncertain: confidence 0.45, grade 1 competes with 0.45."
