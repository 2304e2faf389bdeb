"""Grading criteria: a published rule set, a policy for what it leaves open, and the thresholds behind the findings."""

import math
from dataclasses import dataclass, replace
from itertools import product

from foramgrade.errors import CriteriaError
from foramgrade.findings import Policy, RootShape
from foramgrade.grader.citation import Citation
from foramgrade.grader.rules import PATTERNS, TRANSVERSE, VERTICAL, Pattern, Rule, Ruling, apply_rules
from foramgrade.grader.scales import SISTER_SCALES

GRADES = (0, 1, 2, 3)
"""The grades a rule set must define, each once."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """A rule set with everything adjustable that a grade depends on.

    The rules are the cited paper's. The policy and the thresholds are this product's own: no source gives sector
    angles, a minimum fat thickness or a flattening cut-off. They can be changed, and travel with every result.

    Parameters
    ----------
    name : str
        Short name, e.g. "Lee 2010".
    citation : Citation
        Where the rules were published.
    rules : tuple of Rule
        One per grade, in ascending order.
    policy : Policy
        What to do with a pattern of lost borders that the rules do not define. The product's own.
    minimum_fat_mm : float
        Below this thickness of fat a border is lost, mm. The product's own: half a pixel of a usual sagittal
        series, about the least that partial volume shows as fat.
    thin_fat_mm : float
        Below this thickness a preserved border is called thin, mm; not less than `minimum_fat_mm`. The product's own;
        it does not change the Lee grade, only Wildermuth's grade 1.
    sector_deg : float
        Angle around the root that counts as one border, degrees, at most 90. The product's own: 90 divides the turn
        among four borders without gap or overlap.
    flattened_aspect : float
        From this ratio of major to minor axis on, a root counts as flattened; above 1. The product's own: a little
        above the flattest usual oval, 7 x 4 mm.
    collapsed_area_fraction : float
        Below this share of the area usual for its level, a root counts as collapsed; between 0 and 1. The product's
        own.
    uncertain_below : float
        A grade whose confidence is below this is called uncertain, and the grade that competes is named; 0 to 1, 0
        calls none uncertain. The product's own: a little more than an even chance.

    Raises
    ------
    CriteriaError
        If a threshold is out of its range, or the rules are incomplete, unreachable or not monotone: a root with
        more borders lost, or deformed, must never get the lower grade.

    Examples
    --------
    >>> LEE_2010.minimum_fat_mm, LEE_2010.policy.value
    (0.3, 'floor')
    >>> LEE_2010.with_policy(Policy.CEIL).policy.value
    'ceil'
    """

    name: str
    citation: Citation
    rules: tuple[Rule, ...]
    policy: Policy = Policy.FLOOR
    minimum_fat_mm: float = 0.3
    thin_fat_mm: float = 1.0
    sector_deg: float = 90.0
    flattened_aspect: float = 1.85
    collapsed_area_fraction: float = 0.55
    uncertain_below: float = 0.6

    def __post_init__(self) -> None:
        policies: tuple[object, ...] = tuple(Policy)
        if not any(self.policy is policy for policy in policies):  # the string "floor" equals, but is not, the member
            msg = f"policy is {self.policy!r}, expected one of Policy: {', '.join(Policy)}"
            raise CriteriaError(msg)
        _check_thresholds(self)
        _check_rules(self.rules)

    def with_policy(self, policy: Policy) -> "Criteria":
        """Copy the criteria under another policy."""
        return replace(self, policy=policy)

    def parameters(self) -> dict[str, object]:
        """List everything a grade depends on, by name, as it is written beside results: plain values for JSON."""
        return {
            "criteria": self.name,
            "citation": str(self.citation),
            "policy": self.policy.value,
            "minimum_fat_mm": self.minimum_fat_mm,
            "thin_fat_mm": self.thin_fat_mm,
            "sector_deg": self.sector_deg,
            "flattened_aspect": self.flattened_aspect,
            "collapsed_area_fraction": self.collapsed_area_fraction,
            "uncertain_below": self.uncertain_below,
            "rules": [_describe_rule(rule) for rule in self.rules],
            "sister_scales": [scale.parameters() for scale in SISTER_SCALES],
        }


def _describe_rule(rule: Rule) -> dict[str, object]:
    return {
        "grade": rule.grade,
        "label": rule.label,
        "lost": None if rule.lost is None else [_in_order(pattern) for pattern in rule.lost],
        "root_shape": None if rule.root_shape is None else rule.root_shape.value,
        "definition": rule.sentence,
    }


def _check_thresholds(criteria: Criteria) -> None:
    ranges = {
        "minimum_fat_mm": (0.0, math.inf),
        "thin_fat_mm": (0.0, math.inf),
        "sector_deg": (0.0, math.nextafter(90.0, 91.0)),
        "flattened_aspect": (1.0, math.inf),
        "collapsed_area_fraction": (0.0, 1.0),
        "uncertain_below": (math.nextafter(0.0, -1.0), math.nextafter(1.0, 2.0)),
    }
    expected = {
        "minimum_fat_mm": "a positive number of mm",
        "thin_fat_mm": "a positive number of mm",
        "sector_deg": "an angle above 0 and up to 90 degrees",
        "flattened_aspect": "a ratio above 1",
        "collapsed_area_fraction": "a share between 0 and 1, both excluded",
        "uncertain_below": "a probability from 0 to 1",
    }
    for name, (low, high) in ranges.items():
        value = getattr(criteria, name)
        if not low < value < high:  # written so that NaN fails too
            msg = f"{name} is {value:g}, expected {expected[name]}"
            raise CriteriaError(msg)
    if criteria.thin_fat_mm < criteria.minimum_fat_mm:
        msg = f"thin_fat_mm is {criteria.thin_fat_mm:g}, expected at least minimum_fat_mm, {criteria.minimum_fat_mm:g}"
        raise CriteriaError(msg)


def _check_rules(rules: tuple[Rule, ...]) -> None:
    grades = tuple(rule.grade for rule in rules)
    if grades != GRADES:
        msg = f"rules are for the grades {grades}, expected {GRADES}, one rule each in this order"
        raise CriteriaError(msg)
    for rule in rules:
        if rule.root_shape is RootShape.NOT_ASSESSABLE:
            msg = f"rule for grade {rule.grade} asks for a root that is not assessable, expected unchanged or changed"
            raise CriteriaError(msg)
        if rule.lost == ():
            msg = (
                f"rule for grade {rule.grade} names no pattern of lost borders, expected one at least, or no condition"
            )
            raise CriteriaError(msg)
        shape = rule.root_shape or RootShape.UNCHANGED
        for pattern in (frozenset(),) if rule.lost is None else rule.lost:
            given = apply_rules(rules, pattern, root_shape=shape, policy=Policy.FLOOR).grade
            if given != rule.grade:
                found = f"found that another rule gives its pattern {_letters(pattern)} grade {given}"
                msg = f"rule for grade {rule.grade} contradicts a higher one: {found}, expected {rule.grade}"
                raise CriteriaError(msg)
    for policy in Policy:
        _check_monotone(rules, policy)


def _check_monotone(rules: tuple[Rule, ...], policy: Policy) -> None:
    shapes = (RootShape.UNCHANGED, RootShape.CHANGED)
    rulings: dict[tuple[Pattern, RootShape], Ruling] = {
        key: apply_rules(rules, key[0], root_shape=key[1], policy=policy) for key in product(PATTERNS, shapes)
    }
    for (less, less_shape), mild in rulings.items():
        for (more, more_shape), severe in rulings.items():
            worse = less <= more and shapes.index(less_shape) <= shapes.index(more_shape)
            if worse and mild.grade is not None and severe.grade is not None and severe.grade < mild.grade:
                found = f"lost borders {_letters(more)} with root {more_shape.value} grade {severe.grade}"
                expected = f"grade {mild.grade} as for {_letters(less)} with root {less_shape.value}"
                msg = f"rules under policy {policy.value} give {found}, expected at least {expected}"
                raise CriteriaError(msg)


def _letters(pattern: Pattern) -> str:
    return _in_order(pattern) or "none"


def _in_order(pattern: Pattern) -> str:
    return "".join(sorted(pattern, key="SPIA".index))


LEE_2010 = Criteria(
    name="Lee 2010",
    citation=Citation(
        authors="Lee S, et al.",
        year=2010,
        title="A practical MRI grading system for lumbar foraminal stenosis",
        journal="AJR Am J Roentgenol 194:1095-1098",
        doi="10.2214/AJR.09.2772",
    ),
    rules=(
        Rule(0, "no stenosis", (frozenset(),), None, "No foraminal stenosis: fat on all sides of the root."),
        Rule(1, "mild", (VERTICAL, TRANSVERSE), None, "Fat lost in two opposing directions, vertical or transverse."),
        Rule(
            2,
            "moderate",
            (VERTICAL | TRANSVERSE,),
            RootShape.UNCHANGED,
            "Fat lost in all four directions, the root keeps its shape.",
        ),
        Rule(
            3, "severe", None, RootShape.CHANGED, "The root is collapsed or its morphology changed, whatever the fat."
        ),
    ),
)
"""Lee 2010: sagittal MRI, grades 0 to 3 from lost perineural fat and root shape; defines 4 of the 16 fat patterns."""
