"""Grading rules as data, and how they are applied to a pattern of lost borders.

A pattern is the set of borders on which the perineural fat is lost. A rule names the patterns that satisfy it and the
root shape it asks for; the highest satisfied rule decides. What happens with a pattern that no rule names is the
policy's matter, and is always told apart from a grade that the cited system defines.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from foramgrade.errors import CriteriaError
from foramgrade.findings import Border, PerineuralFindings, Policy, RootShape

Pattern = frozenset[Border]

VERTICAL: Pattern = frozenset({Border.SUPERIOR, Border.INFERIOR})
"""The two borders that oppose each other along the level's superior axis."""
TRANSVERSE: Pattern = frozenset({Border.ANTERIOR, Border.POSTERIOR})
"""The two borders that oppose each other along the level's anterior axis."""
PATTERNS: tuple[Pattern, ...] = tuple(
    frozenset(borders) for n in range(len(Border) + 1) for borders in combinations(Border, n)
)
"""All 16 patterns of lost borders, from none to all four."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The condition under which one grade is given.

    Parameters
    ----------
    grade : int
        Grade 0 to 3.
    label : str
        The grade in a word or two, as it closes the reason: "mild".
    lost : tuple of frozenset of Border, or None
        The rule asks that every border of at least one of these sets is lost; the empty set asks for nothing. A
        pattern equal to one of the sets is *defined* by the rule. None: no condition on the fat, every pattern is
        defined.
    root_shape : RootShape or None
        Root shape the rule asks for, unchanged or changed; None: any.
    sentence : str
        The definition in words.
    """

    grade: int
    label: str
    lost: tuple[Pattern, ...] | None
    root_shape: RootShape | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one pattern.

    Parameters
    ----------
    grade : int or None
        Grade 0 to 3, None when the policy gives none.
    defined : bool
        Whether the grading system defines the pattern.
    """

    grade: int | None
    defined: bool


def _is_met(rule: Rule, lost: Pattern, shape: RootShape) -> bool:
    fits_shape = rule.root_shape is None or rule.root_shape is shape
    return fits_shape and (rule.lost is None or any(borders <= lost for borders in rule.lost))


def apply_rules(rules: Iterable[Rule], lost: Pattern, *, root_shape: RootShape, policy: Policy) -> Ruling:
    """Grade one fully known pattern of lost borders.

    Parameters
    ----------
    rules : iterable of Rule
        In any order.
    lost : frozenset of Border
        Borders on which the fat is lost.
    root_shape : RootShape
        A root that is not assessable is graded as an unchanged one: no rule that asks for a changed root can apply,
        so the grade is capped at the highest that fat alone can give.
    policy : Policy
        What to do with a pattern that the rules do not define.

    Returns
    -------
    Ruling
        The grade and whether the rules define the pattern.

    Raises
    ------
    CriteriaError
        If no rule applies.

    Notes
    -----
    *Definition*: floor gives the highest grade of which a condition is satisfied, ceil the next higher grade that
    needs no other root shape, strict none.

    Examples
    --------
    >>> from foramgrade.grader import LEE_2010
    >>> three = frozenset({Border.SUPERIOR, Border.POSTERIOR, Border.INFERIOR})
    >>> apply_rules(LEE_2010.rules, three, root_shape=RootShape.UNCHANGED, policy=Policy.FLOOR)
    Ruling(grade=1, defined=False)
    """
    shape = RootShape.UNCHANGED if root_shape is RootShape.NOT_ASSESSABLE else root_shape
    rules = tuple(rules)
    met = [rule for rule in rules if _is_met(rule, lost, shape)]
    if not met:
        letters = "".join(border.value for border in Border if border in lost) or "none"
        msg = f"no rule applies to lost borders {letters} with the root shape {shape.value}, expected one at least"
        raise CriteriaError(msg)
    best = max(met, key=lambda rule: rule.grade)
    if best.lost is None or lost in best.lost:
        return Ruling(best.grade, defined=True)
    if policy is Policy.STRICT:
        return Ruling(None, defined=False)
    if policy is Policy.FLOOR:
        return Ruling(best.grade, defined=False)
    higher = [rule.grade for rule in rules if rule.grade > best.grade and rule.root_shape in (None, shape)]
    return Ruling(min(higher, default=best.grade), defined=False)


def possible_patterns(findings: PerineuralFindings) -> tuple[Pattern, ...]:
    """Every pattern of lost borders that the findings leave open.

    Parameters
    ----------
    findings : PerineuralFindings
        Borders whose state is unknown may or may not be lost.

    Returns
    -------
    tuple of frozenset of Border
        2 to the power of the number of unknown borders; one pattern when all borders are known.
    """
    maybe = findings.lost | findings.unknown
    return tuple(pattern for pattern in PATTERNS if findings.lost <= pattern <= maybe)
