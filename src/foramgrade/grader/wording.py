"""The sentence that goes with a grade: findings first, then the grade, then what the grading system leaves open."""

from collections.abc import Collection, Mapping

from foramgrade.findings import Border, BorderState, PerineuralFindings, RootShape
from foramgrade.grader.criteria import Criteria
from foramgrade.grader.rules import TRANSVERSE, VERTICAL, Pattern

#: Opposing borders stand next to each other, as one speaks of them.
SPOKEN_ORDER = (Border.SUPERIOR, Border.INFERIOR, Border.ANTERIOR, Border.POSTERIOR)

_ADJECTIVES: Mapping[Border, str] = {
    Border.SUPERIOR: "superior",
    Border.POSTERIOR: "posterior",
    Border.INFERIOR: "inferior",
    Border.ANTERIOR: "anterior",
}
_STATES: Mapping[BorderState, str] = {
    BorderState.LOST: "lost",
    BorderState.THIN: "thin",
    BorderState.PRESERVED: "preserved",
    BorderState.UNKNOWN: "not assessable",
}
_SHAPES: Mapping[RootShape, str] = {
    RootShape.UNCHANGED: "root shape unchanged",
    RootShape.CHANGED: "root collapsed or deformed",
    RootShape.NOT_ASSESSABLE: "root shape not assessable",
}
_COUNTS = ("no lost border", "one lost border", "two adjacent lost borders", "three lost borders", "four lost borders")


def describe_findings(findings: PerineuralFindings) -> str:
    """Put the findings into a clause without a full stop.

    Parameters
    ----------
    findings : PerineuralFindings
        Borders and root shape.

    Returns
    -------
    str
        Borders by state, then the root.

    Examples
    --------
    >>> describe_findings(PerineuralFindings.from_lost("SI"))
    'Fat lost superiorly and inferiorly (vertical), preserved anteriorly and posteriorly; root shape unchanged'
    """
    parts = []
    for state, word in _STATES.items():
        borders = [b for b in SPOKEN_ORDER if findings.borders[b].state is state]
        if len(borders) == len(Border):
            parts.append(f"{word} on all four borders{_direction(findings.lost)}")
        elif borders:
            direction = _direction(findings.lost) if state is BorderState.LOST else ""
            parts.append(f"{word} {_join([_ADJECTIVES[b] + 'ly' for b in borders])}{direction}")
    return f"Fat {', '.join(parts)}; {_SHAPES[findings.root_shape]}"


def describe_grade(findings: PerineuralFindings, lee: int, criteria: Criteria, *, defined: bool | None) -> str:
    """Put the whole reason for a grade into one sentence.

    Parameters
    ----------
    findings : PerineuralFindings
        What the grade rests on.
    lee : int
        The grade given.
    criteria : Criteria
        For the words of the grade and the policy.
    defined : bool or None
        Whether the system defines the pattern; None when that depends on the unknown borders.

    Returns
    -------
    str
        E.g. "Fat preserved on all four borders; root shape unchanged: Lee 0, no stenosis."
    """
    label = next(rule.label for rule in criteria.rules if rule.grade == lee)
    if defined is False and not findings.unknown:
        verdict = f"; {_undefined(findings.lost)}, policy {criteria.policy.value} gives {lee}, {label}"
    else:
        verdict = f": Lee {lee}, {label}"
    if findings.unknown:
        verdict += f", whatever the {_name(findings.unknown)} would show"
        verdict += "" if defined else f" (policy {criteria.policy.value})"
    if findings.root_shape is RootShape.NOT_ASSESSABLE:
        verdict += " (grade 3 not assessable)"
    return f"{describe_findings(findings)}{verdict}."


def describe_undecided(findings: PerineuralFindings, criteria: Criteria, *, defined: bool | None) -> str:
    """Say why the findings lead to no grade, in a clause without a full stop.

    Parameters
    ----------
    findings : PerineuralFindings
        What was found.
    criteria : Criteria
        For the policy.
    defined : bool or None
        False when the system defines none of the possible patterns; None when the unknown borders decide.

    Returns
    -------
    str
        Starts in lower case, to follow "Not gradable: ".
    """
    found = describe_findings(findings)
    if defined is not False:
        cause = f"the grade depends on the {_name(findings.unknown)}"
    elif findings.unknown:
        cause = (
            f"Lee does not define this pattern, whatever the {_name(findings.unknown)} would show, "
            f"and policy {criteria.policy.value} gives no grade"
        )
    else:
        cause = f"{_undefined(findings.lost)}, and policy {criteria.policy.value} gives no grade"
    return f"{found[0].lower()}{found[1:]}; {cause}"


def _undefined(lost: Pattern) -> str:
    counted = "two opposing lost borders" if lost in (VERTICAL, TRANSVERSE) else _COUNTS[len(lost)]
    return f"Lee does not define {counted}"


def _direction(lost: Pattern) -> str:
    if lost == VERTICAL | TRANSVERSE:
        return " (vertical and transverse)"
    return {VERTICAL: " (vertical)", TRANSVERSE: " (transverse)"}.get(lost, "")


def _name(borders: Collection[Border]) -> str:
    words = [_ADJECTIVES[b] for b in SPOKEN_ORDER if b in borders]
    return f"{_join(words)} border{'s' if len(words) > 1 else ''}"


def _join(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
