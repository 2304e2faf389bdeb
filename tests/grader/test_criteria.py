"""Criteria refuse what contradicts itself, and carry everything a grade depends on."""

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from foramgrade.errors import CriteriaError
from foramgrade.findings import Border, Policy, RootShape
from foramgrade.grader import LEE_2010, Citation, Criteria, Rule, apply_rules
from foramgrade.grader.rules import TRANSVERSE, VERTICAL

SP = frozenset({Border.SUPERIOR, Border.POSTERIOR})
ALL = frozenset(Border)


def test_lee_2010_carries_its_source_and_the_products_own_numbers() -> None:
    assert LEE_2010.citation.doi == "10.2214/AJR.09.2772"
    assert LEE_2010.citation.year == 2010
    assert LEE_2010.policy is Policy.FLOOR
    assert LEE_2010.minimum_fat_mm == 0.3
    assert LEE_2010.thin_fat_mm == 1.0
    assert LEE_2010.sector_deg == 90.0
    assert LEE_2010.flattened_aspect == 1.85
    assert LEE_2010.collapsed_area_fraction == 0.55
    assert LEE_2010.uncertain_below == 0.6


def test_criteria_cannot_be_changed_in_place_but_copied_with_changes() -> None:
    with pytest.raises(FrozenInstanceError, match="minimum_fat_mm"):
        LEE_2010.minimum_fat_mm = 0.1  # type: ignore[misc]
    assert replace(LEE_2010, minimum_fat_mm=0.3).minimum_fat_mm == 0.3
    assert LEE_2010.with_policy(Policy.STRICT) == replace(LEE_2010, policy=Policy.STRICT)


def test_parameters_hold_every_adjustable_number_and_survive_json() -> None:
    criteria = replace(LEE_2010, minimum_fat_mm=0.7, sector_deg=60.0, policy=Policy.CEIL)
    parameters = json.loads(json.dumps(criteria.parameters()))
    numbers = {"minimum_fat_mm": 0.7, "sector_deg": 60.0, "thin_fat_mm": 1.0, "flattened_aspect": 1.85}
    assert numbers.items() <= parameters.items()
    assert parameters["collapsed_area_fraction"] == 0.55
    assert parameters["policy"] == "ceil"
    assert "10.2214/AJR.09.2772" in parameters["citation"]
    assert parameters["uncertain_below"] == 0.6
    assert [rule["grade"] for rule in parameters["rules"]] == [0, 1, 2, 3]
    assert [rule["lost"] for rule in parameters["rules"]] == [[""], ["SI", "PA"], ["SPIA"], None]
    assert [rule["root_shape"] for rule in parameters["rules"]] == [None, None, "unchanged", "changed"]


def test_parameters_cite_all_four_systems() -> None:
    parameters = json.loads(json.dumps(LEE_2010.parameters()))
    scales = {scale["name"]: scale for scale in parameters["sister_scales"]}
    assert list(scales) == ["Sartoretti 2021", "Wildermuth 1998", "RSNA 2024"]
    assert "doi:10.1038/s41598-021-91462-2" in scales["Sartoretti 2021"]["citation"]
    assert "Radiology 207:391-398 (1998)" in scales["Wildermuth 1998"]["citation"]
    assert "arXiv 2506.09162" in scales["RSNA 2024"]["citation"]
    assert list(scales["Sartoretti 2021"]["grades"]) == list("ABCDEF")
    assert all(scale["reading"] for scale in scales.values())


def test_a_citation_leaves_out_what_there_is_not() -> None:
    assert str(Citation("Doe J.", 2024, "Ours", doi="10.1/x")) == "Doe J. Ours (2024). doi:10.1/x"
    assert str(Citation("Doe J.", 2024, "Ours", "A Journal 1:2")) == "Doe J. Ours. A Journal 1:2 (2024)."


def test_a_rule_that_names_no_pattern_is_refused() -> None:
    with pytest.raises(CriteriaError, match="rule for grade 2 names no pattern of lost borders, expected one at"):
        replace(LEE_2010, rules=with_rule(Rule(2, "moderate", (), RootShape.UNCHANGED, "")))


BAD_THRESHOLDS = [
    ({"minimum_fat_mm": 0.0}, "minimum_fat_mm is 0, expected a positive number of mm"),
    ({"minimum_fat_mm": float("nan")}, "minimum_fat_mm is nan, expected a positive number of mm"),
    ({"thin_fat_mm": -1.0}, "thin_fat_mm is -1, expected a positive number of mm"),
    ({"thin_fat_mm": float("inf")}, "thin_fat_mm is inf, expected a positive number of mm"),
    ({"thin_fat_mm": 0.2}, "thin_fat_mm is 0.2, expected at least minimum_fat_mm, 0.3"),
    ({"sector_deg": 0.0}, "sector_deg is 0, expected an angle above 0 and up to 90 degrees"),
    ({"sector_deg": 91.0}, "sector_deg is 91, expected an angle above 0 and up to 90 degrees"),
    ({"flattened_aspect": 1.0}, "flattened_aspect is 1, expected a ratio above 1"),
    ({"collapsed_area_fraction": 1.0}, "collapsed_area_fraction is 1, expected a share between 0 and 1"),
    ({"uncertain_below": -0.1}, "uncertain_below is -0.1, expected a probability from 0 to 1"),
    ({"uncertain_below": float("nan")}, "uncertain_below is nan, expected a probability from 0 to 1"),
    ({"policy": "floor"}, "policy is 'floor', expected one of Policy: floor, ceil, strict"),
]


@pytest.mark.parametrize("change, message", BAD_THRESHOLDS)
def test_thresholds_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CriteriaError, match=message):
        replace(LEE_2010, **change)


def test_thresholds_at_the_edge_of_their_range_are_accepted() -> None:
    assert replace(LEE_2010, minimum_fat_mm=1.0, thin_fat_mm=1.0, sector_deg=90.0).thin_fat_mm == 1.0
    for limit in (0.0, 1.0):
        assert replace(LEE_2010, uncertain_below=limit).uncertain_below == limit


def with_rule(rule: Rule) -> tuple[Rule, ...]:
    """Lee's rules with the one for the same grade replaced."""
    return tuple(rule if old.grade == rule.grade else old for old in LEE_2010.rules)


def test_a_missing_or_misplaced_grade_is_refused() -> None:
    with pytest.raises(CriteriaError, match=r"grades \(0, 1, 2\), expected \(0, 1, 2, 3\)"):
        replace(LEE_2010, rules=LEE_2010.rules[:3])
    with pytest.raises(CriteriaError, match=r"grades \(3, 2, 1, 0\), expected \(0, 1, 2, 3\)"):
        replace(LEE_2010, rules=LEE_2010.rules[::-1])


def test_rules_that_leave_a_pattern_without_a_grade_are_refused() -> None:
    needs_fat_lost = Rule(0, "no stenosis", (frozenset({Border.SUPERIOR}),), None, "")
    with pytest.raises(CriteriaError, match="no rule applies to lost borders none with the root shape unchanged"):
        replace(LEE_2010, rules=with_rule(needs_fat_lost))


def test_a_rule_hidden_behind_a_higher_one_is_refused() -> None:
    hidden = Rule(1, "mild", (ALL,), None, "")
    with pytest.raises(CriteriaError, match=r"rule for grade 1 contradicts a higher one: .* SPIA grade 2, expected 1"):
        replace(LEE_2010, rules=with_rule(hidden))


def test_rules_by_which_losing_more_lowers_the_grade_are_refused() -> None:
    # S alone is not defined, so ceil gives 1, and S with P is defined as 0
    forgiving = Rule(0, "no stenosis", (frozenset(), SP), None, "")
    with pytest.raises(
        CriteriaError, match=r"policy ceil give lost borders SP .* grade 0, expected at least grade 1 as for S"
    ):
        replace(LEE_2010, rules=with_rule(forgiving))


def test_rules_by_which_a_deformed_root_lowers_the_grade_are_refused() -> None:
    severe_by_fat = Rule(3, "severe", (ALL,), RootShape.UNCHANGED, "")
    moderate = Rule(2, "moderate", (frozenset(Border) - {Border.ANTERIOR},), RootShape.UNCHANGED, "")
    rules = (*LEE_2010.rules[:2], moderate, severe_by_fat)
    with pytest.raises(CriteriaError, match=r"with root changed grade 1, expected at least grade 2 .* root unchanged"):
        replace(LEE_2010, rules=rules)


def test_a_rule_cannot_ask_for_a_root_that_is_not_assessable() -> None:
    with pytest.raises(CriteriaError, match="rule for grade 3 asks for a root that is not assessable"):
        replace(LEE_2010, rules=with_rule(Rule(3, "severe", None, RootShape.NOT_ASSESSABLE, "")))


def test_rules_are_data_another_reading_of_lee_is_another_tuple() -> None:
    # a reader who calls any lost border mild: then one and two adjacent borders are defined, three are not
    single = tuple(frozenset({border}) for border in Border)
    either = Rule(1, "mild", (*single, VERTICAL, TRANSVERSE), None, "Fat lost on any border.")
    criteria = Criteria("any border", LEE_2010.citation, with_rule(either), policy=Policy.CEIL)
    ruling = apply_rules(
        criteria.rules, frozenset({Border.ANTERIOR}), root_shape=RootShape.UNCHANGED, policy=criteria.policy
    )
    assert (ruling.grade, ruling.defined) == (1, True)


@pytest.mark.parametrize(
    "change",
    [
        {"flattened_aspect": 1.01},
        {"minimum_fat_mm": 0.005},
        {"minimum_fat_mm": 0.005, "thin_fat_mm": 0.005},
        {"sector_deg": 0.005},
        {"collapsed_area_fraction": 0.005},
    ],
)
def test_thresholds_just_inside_their_range_are_accepted(change: dict[str, Any]) -> None:
    accepted = replace(LEE_2010, **change)
    assert all(getattr(accepted, name) == value for name, value in change.items())
