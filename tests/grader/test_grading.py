"""The grader's complete truth table, and what it says in words."""

from dataclasses import replace
from typing import Any

import pytest

from foramgrade.findings import Border, BorderFinding, BorderState, Grade, PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, grade, not_gradable

SAME, CHANGED, UNSEEN = RootShape.UNCHANGED, RootShape.CHANGED, RootShape.NOT_ASSESSABLE

LEE_0 = "Lee grade 0: no foraminal stenosis"
LEE_1V = "Lee grade 1: fat lost in two opposing directions, vertical"
LEE_1T = "Lee grade 1: fat lost in two opposing directions, transverse"
LEE_2 = "Lee grade 2: fat lost in all four directions, vertical and transverse, root morphology unchanged"
LEE_3 = "Lee grade 3: root collapse or morphologic change; no condition on the fat is attached"
ONE = "not in Lee: one border; floor 0 (no two opposing), ceil the next grade, 1, strict none"
ADJACENT = "not in Lee: two adjacent borders do not oppose each other; floor 0, ceil the next grade, 1, strict none"
THREE = "not in Lee: three borders hold one opposing pair, so floor 1, ceil the next grade, 2, strict none"
CAP = "; root not assessable: graded by fat, grade 3 not assessable"

# lost, root, floor, ceil, strict, defined, Sartoretti, Wildermuth, why
TRUTH = [
    ("", SAME, 0, 0, 0, True, "A", 0, LEE_0),
    ("S", SAME, 0, 1, None, False, "B1", 2, ONE),
    ("P", SAME, 0, 1, None, False, "B2", 2, ONE),
    ("I", SAME, 0, 1, None, False, "B3", 2, ONE),
    ("A", SAME, 0, 1, None, False, "B4", 2, ONE),
    ("SP", SAME, 0, 1, None, False, "C12", 2, ADJACENT),
    ("SI", SAME, 1, 1, 1, True, "C13", 2, LEE_1V),
    ("SA", SAME, 0, 1, None, False, "C14", 2, ADJACENT),
    ("PI", SAME, 0, 1, None, False, "C23", 2, ADJACENT),
    ("PA", SAME, 1, 1, 1, True, "C24", 2, LEE_1T),
    ("IA", SAME, 0, 1, None, False, "C34", 2, ADJACENT),
    ("SPI", SAME, 1, 2, None, False, "D123", 2, THREE),
    ("SPA", SAME, 1, 2, None, False, "D124", 2, THREE),
    ("SIA", SAME, 1, 2, None, False, "D134", 2, THREE),
    ("PIA", SAME, 1, 2, None, False, "D234", 2, THREE),
    ("SPIA", SAME, 2, 2, 2, True, "E1234", 3, LEE_2),
    ("", CHANGED, 3, 3, 3, True, "F", 0, LEE_3),
    ("S", CHANGED, 3, 3, 3, True, "F1", 2, LEE_3),
    ("P", CHANGED, 3, 3, 3, True, "F2", 2, LEE_3),
    ("I", CHANGED, 3, 3, 3, True, "F3", 2, LEE_3),
    ("A", CHANGED, 3, 3, 3, True, "F4", 2, LEE_3),
    ("SP", CHANGED, 3, 3, 3, True, "F12", 2, LEE_3),
    ("SI", CHANGED, 3, 3, 3, True, "F13", 2, LEE_3),
    ("SA", CHANGED, 3, 3, 3, True, "F14", 2, LEE_3),
    ("PI", CHANGED, 3, 3, 3, True, "F23", 2, LEE_3),
    ("PA", CHANGED, 3, 3, 3, True, "F24", 2, LEE_3),
    ("IA", CHANGED, 3, 3, 3, True, "F34", 2, LEE_3),
    ("SPI", CHANGED, 3, 3, 3, True, "F123", 2, LEE_3),
    ("SPA", CHANGED, 3, 3, 3, True, "F124", 2, LEE_3),
    ("SIA", CHANGED, 3, 3, 3, True, "F134", 2, LEE_3),
    ("PIA", CHANGED, 3, 3, 3, True, "F234", 2, LEE_3),
    ("SPIA", CHANGED, 3, 3, 3, True, "F1234", 3, LEE_3),
    ("", UNSEEN, 0, 0, 0, True, "A", 0, LEE_0 + CAP),
    ("S", UNSEEN, 0, 1, None, False, "B1", 2, ONE + CAP),
    ("P", UNSEEN, 0, 1, None, False, "B2", 2, ONE + CAP),
    ("I", UNSEEN, 0, 1, None, False, "B3", 2, ONE + CAP),
    ("A", UNSEEN, 0, 1, None, False, "B4", 2, ONE + CAP),
    ("SP", UNSEEN, 0, 1, None, False, "C12", 2, ADJACENT + CAP),
    ("SI", UNSEEN, 1, 1, 1, True, "C13", 2, LEE_1V + CAP),
    ("SA", UNSEEN, 0, 1, None, False, "C14", 2, ADJACENT + CAP),
    ("PI", UNSEEN, 0, 1, None, False, "C23", 2, ADJACENT + CAP),
    ("PA", UNSEEN, 1, 1, 1, True, "C24", 2, LEE_1T + CAP),
    ("IA", UNSEEN, 0, 1, None, False, "C34", 2, ADJACENT + CAP),
    ("SPI", UNSEEN, 1, 2, None, False, "D123", 2, THREE + CAP),
    ("SPA", UNSEEN, 1, 2, None, False, "D124", 2, THREE + CAP),
    ("SIA", UNSEEN, 1, 2, None, False, "D134", 2, THREE + CAP),
    ("PIA", UNSEEN, 1, 2, None, False, "D234", 2, THREE + CAP),
    ("SPIA", UNSEEN, 2, 2, 2, True, "E1234", 3, LEE_2 + CAP),
]
RSNA_BY_LEE = {0: "Normal/Mild", 1: "Normal/Mild", 2: "Moderate", 3: "Severe", None: None}


def test_the_truth_table_has_every_pattern_and_root_once() -> None:
    keys = {(frozenset(lost), shape) for lost, shape, *_ in TRUTH}
    assert len(keys) == len(TRUTH) == 16 * 3


@pytest.mark.parametrize("row", TRUTH, ids=lambda row: f"{row[0] or 'none'}-{row[1].value}")
def test_every_pattern_follows_lee_or_the_policy(row: tuple[Any, ...]) -> None:
    lost, shape, floor, ceil, strict, defined, sartoretti, wildermuth, why = row
    findings = PerineuralFindings.from_lost(lost, shape)
    for policy, expected in ((Policy.FLOOR, floor), (Policy.CEIL, ceil), (Policy.STRICT, strict)):
        given = grade(findings, LEE_2010.with_policy(policy))
        found = (given.lee, given.defined, given.policy, given.sartoretti, given.wildermuth, given.rsna)
        assert found == (expected, defined, policy, sartoretti, wildermuth, RSNA_BY_LEE[expected]), why
        assert given.confidence is None


@pytest.mark.parametrize(
    "lost, shape, policy, reason",
    [
        ("", SAME, Policy.FLOOR, "Fat preserved on all four borders; root shape unchanged: Lee 0, no stenosis."),
        (
            "SI",
            SAME,
            Policy.FLOOR,
            "Fat lost superiorly and inferiorly (vertical), preserved anteriorly and posteriorly; "
            "root shape unchanged: Lee 1, mild.",
        ),
        (
            "PA",
            UNSEEN,
            Policy.CEIL,
            "Fat lost anteriorly and posteriorly (transverse), preserved superiorly and inferiorly; "
            "root shape not assessable: Lee 1, mild (grade 3 not assessable).",
        ),
        (
            "SPIA",
            SAME,
            Policy.FLOOR,
            "Fat lost on all four borders (vertical and transverse); root shape unchanged: Lee 2, moderate.",
        ),
        (
            "SPIA",
            UNSEEN,
            Policy.FLOOR,
            "Fat lost on all four borders (vertical and transverse); root shape not assessable: "
            "Lee 2, moderate (grade 3 not assessable).",
        ),
        (
            "A",
            CHANGED,
            Policy.STRICT,
            "Fat lost anteriorly, preserved superiorly, inferiorly and posteriorly; "
            "root collapsed or deformed: Lee 3, severe.",
        ),
        (
            "SIA",
            SAME,
            Policy.FLOOR,
            "Fat lost superiorly, inferiorly and anteriorly, preserved posteriorly; root shape unchanged; "
            "Lee does not define three lost borders, policy floor gives 1, mild.",
        ),
        (
            "SP",
            SAME,
            Policy.CEIL,
            "Fat lost superiorly and posteriorly, preserved inferiorly and anteriorly; root shape unchanged; "
            "Lee does not define two adjacent lost borders, policy ceil gives 1, mild.",
        ),
        (
            "S",
            SAME,
            Policy.STRICT,
            "Not gradable: fat lost superiorly, preserved inferiorly, anteriorly and posteriorly; "
            "root shape unchanged; Lee does not define one lost border, and policy strict gives no grade.",
        ),
    ],
)
def test_the_reason_names_the_findings_in_words(lost: str, shape: RootShape, policy: Policy, reason: str) -> None:
    assert grade(PerineuralFindings.from_lost(lost, shape), LEE_2010.with_policy(policy)).reason == reason


def with_states(shape: RootShape = SAME, **states: str) -> PerineuralFindings:
    """Findings by border letter, preserved where not named: ``with_states(S="lost", P="unknown")``."""
    borders = {b: BorderFinding(BorderState(states.get(b.value, "preserved"))) for b in Border}
    return PerineuralFindings(borders, shape)


UNKNOWN_ROWS = [
    # states, root, policy, Lee, defined, sartoretti, wildermuth, end of the reason
    (
        {"S": "lost", "I": "lost", "P": "unknown"},
        SAME,
        Policy.FLOOR,
        (1, None, None, 2),
        ": Lee 1, mild, whatever the posterior border would show (policy floor).",
    ),
    (
        {"S": "lost", "I": "lost", "P": "unknown"},
        SAME,
        Policy.CEIL,
        (None, None, None, 2),
        "; the grade depends on the posterior border.",
    ),
    (
        {"S": "lost", "I": "lost", "P": "unknown"},
        SAME,
        Policy.STRICT,
        (None, None, None, 2),
        "; the grade depends on the posterior border.",
    ),
    (
        {"P": "unknown"},
        SAME,
        Policy.FLOOR,
        (0, None, None, None),
        ": Lee 0, no stenosis, whatever the posterior border would show (policy floor).",
    ),
    (
        {"S": "unknown", "I": "unknown"},
        SAME,
        Policy.FLOOR,
        (None, None, None, None),
        "; the grade depends on the superior and inferior borders.",
    ),
    (
        {"S": "lost", "P": "unknown"},
        SAME,
        Policy.FLOOR,
        (0, False, None, 2),
        ": Lee 0, no stenosis, whatever the posterior border would show (policy floor).",
    ),
    (
        {"S": "lost", "P": "unknown"},
        SAME,
        Policy.STRICT,
        (None, False, None, 2),
        "; Lee does not define this pattern, whatever the posterior border would show, "
        "and policy strict gives no grade.",
    ),
    (
        {"S": "unknown", "P": "unknown", "I": "unknown", "A": "unknown"},
        CHANGED,
        Policy.FLOOR,
        (3, True, None, None),
        "Fat not assessable on all four borders; root collapsed or deformed: Lee 3, severe, "
        "whatever the superior, inferior, anterior and posterior borders would show.",
    ),
    (
        {"S": "lost", "P": "lost", "I": "lost", "A": "unknown"},
        UNSEEN,
        Policy.CEIL,
        (2, None, None, None),
        ": Lee 2, moderate, whatever the anterior border would show (policy ceil) (grade 3 not assessable).",
    ),
]


@pytest.mark.parametrize("states, shape, policy, expected, ending", UNKNOWN_ROWS)
def test_an_unknown_border_leaves_the_grade_only_when_it_cannot_change_it(
    states: dict[str, str], shape: RootShape, policy: Policy, expected: tuple[Any, ...], ending: str
) -> None:
    given = grade(with_states(shape, **states), LEE_2010.with_policy(policy))
    assert (given.lee, given.defined, given.sartoretti, given.wildermuth) == expected
    assert given.reason.endswith(ending)
    assert given.reason.startswith("Not gradable: ") == (given.lee is None)


def test_thin_fat_is_named_and_changes_wildermuth_only() -> None:
    thin, preserved = grade(with_states(A="thin")), grade(with_states())
    assert (
        thin.reason == "Fat thin anteriorly, preserved superiorly, inferiorly and posteriorly; "
        "root shape unchanged: Lee 0, no stenosis."
    )
    assert (preserved.wildermuth, thin.wildermuth) == (0, 1)
    assert replace(thin, reason="", wildermuth=0) == replace(preserved, reason="")


def test_not_gradable_keeps_the_policy_and_nothing_else() -> None:
    given = not_gradable("no sagittal section shows this foramen.", LEE_2010.with_policy(Policy.CEIL))
    assert given == Grade(None, Policy.CEIL, None, "Not gradable: no sagittal section shows this foramen.")
