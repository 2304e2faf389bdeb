"""Patterns and rulings at their edges; the truth table is in test_grading."""

import pytest

from foramgrade.errors import CriteriaError
from foramgrade.findings import Border, BorderFinding, BorderState, PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, Ruling, apply_rules, possible_patterns
from foramgrade.grader.rules import PATTERNS, TRANSVERSE, VERTICAL


def test_there_are_sixteen_patterns_each_once() -> None:
    assert len(set(PATTERNS)) == len(PATTERNS) == 16


def test_vertical_and_transverse_share_no_border_and_leave_none_out() -> None:
    assert not VERTICAL & TRANSVERSE
    assert frozenset(Border) == VERTICAL | TRANSVERSE


def test_the_order_of_the_rules_does_not_matter() -> None:
    for pattern in PATTERNS:
        for policy in Policy:
            rulings = {
                apply_rules(rules, pattern, root_shape=RootShape.UNCHANGED, policy=policy)
                for rules in (LEE_2010.rules, LEE_2010.rules[::-1])
            }
            assert len(rulings) == 1


def test_ceil_never_gives_a_grade_that_needs_a_deformed_root() -> None:
    without_moderate = (*LEE_2010.rules[:2], LEE_2010.rules[3])
    three = frozenset(Border) - {Border.POSTERIOR}
    ruling = apply_rules(without_moderate, three, root_shape=RootShape.UNCHANGED, policy=Policy.CEIL)
    assert ruling == Ruling(1, defined=False)


def test_no_applicable_rule_is_an_error_that_names_the_pattern() -> None:
    with pytest.raises(CriteriaError, match="no rule applies to lost borders SI with the root shape unchanged"):
        apply_rules(LEE_2010.rules[3:], VERTICAL, root_shape=RootShape.NOT_ASSESSABLE, policy=Policy.FLOOR)


def test_unknown_borders_open_every_way_to_fill_them_and_no_other() -> None:
    states = {"S": BorderState.LOST, "P": BorderState.UNKNOWN, "I": BorderState.THIN, "A": BorderState.UNKNOWN}
    findings = PerineuralFindings({b: BorderFinding(states[b.value]) for b in Border}, RootShape.UNCHANGED)
    assert set(possible_patterns(findings)) == {frozenset(p) for p in ("S", "SP", "SA", "SPA")}
    assert possible_patterns(PerineuralFindings.from_lost("SI")) == (VERTICAL,)
