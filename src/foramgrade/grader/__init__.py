"""The grader: maps perineural-fat findings to grades, by published rules kept as data."""

from foramgrade.grader.confidence import grade_probabilities
from foramgrade.grader.criteria import LEE_2010, Citation, Criteria
from foramgrade.grader.grading import grade, not_gradable
from foramgrade.grader.rules import Rule, Ruling, apply_rules, possible_patterns
from foramgrade.grader.scales import rsna_grade, sartoretti_grade, wildermuth_grade

__all__ = [
    "LEE_2010",
    "Citation",
    "Criteria",
    "Rule",
    "Ruling",
    "apply_rules",
    "grade",
    "grade_probabilities",
    "not_gradable",
    "possible_patterns",
    "rsna_grade",
    "sartoretti_grade",
    "wildermuth_grade",
]
