"""The grader: maps perineural-fat findings to grades, by published rules kept as data."""

from foramgrade.grader.citation import Citation
from foramgrade.grader.confidence import grade_probabilities
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.grader.criteria_file import read_criteria
from foramgrade.grader.grading import grade, not_gradable
from foramgrade.grader.rules import Rule, Ruling, apply_rules, possible_patterns
from foramgrade.grader.scales import (
    RSNA_2024,
    SARTORETTI_2021,
    SISTER_SCALES,
    WILDERMUTH_1998,
    SisterScale,
    rsna_grade,
    sartoretti_grade,
    wildermuth_grade,
)
from foramgrade.grader.wording import describe_doubt

__all__ = [
    "LEE_2010",
    "RSNA_2024",
    "SARTORETTI_2021",
    "SISTER_SCALES",
    "WILDERMUTH_1998",
    "Citation",
    "Criteria",
    "Rule",
    "Ruling",
    "SisterScale",
    "apply_rules",
    "describe_doubt",
    "grade",
    "grade_probabilities",
    "not_gradable",
    "possible_patterns",
    "read_criteria",
    "rsna_grade",
    "sartoretti_grade",
    "wildermuth_grade",
]
