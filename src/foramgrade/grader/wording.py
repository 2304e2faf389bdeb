"""The sentence that goes with a grade: findings first, then the grade, then what the grading system leaves open."""

from collections.abc import Collection, Mapping

from foramgrade.findings import Border, BorderState, Grade, PerineuralFindings, RootShape
from foramgrade.grader.criteria import LEE_2010, Criteria
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
        verdict = f"; {_undefined(findings.lost, criteria)}, policy {criteria.policy.value} gives {lee}, {label}"
    else:
        verdict = f": {name_grade(lee, criteria.name)}, {label}"
    if findings.unknown:
        verdict += f", whatever the {_name(findings.unknown)} would show"
        verdict += "" if defined else f" (policy {criteria.policy.value})"
    if findings.root_shape is RootShape.NOT_ASSESSABLE:
        verdict += _capped(criteria)
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
            f"{name_system(criteria.name)} does not define this pattern, "
            f"whatever the {_name(findings.unknown)} would show, and policy {criteria.policy.value} gives no grade"
        )
    else:
        cause = f"{_undefined(findings.lost, criteria)}, and policy {criteria.policy.value} gives no grade"
    return f"{found[0].lower()}{found[1:]}; {cause}"


def describe_doubt(given: Grade, criteria: Criteria) -> str | None:
    """Say that a grade is uncertain, and what competes with it; None where it is not, or nothing is known.

    Parameters
    ----------
    given : Grade
        As from :func:`foramgrade.grader.grade`.
    criteria : Criteria
        For the limit, `uncertain_below`.

    Returns
    -------
    str or None
        One sentence.

    Notes
    -----
    *Definition*: a grade is uncertain when its confidence is below `uncertain_below`.
    *Limits*: those of the confidence, which knows of measurement error only.

    Examples
    --------
    >>> from foramgrade.findings import Policy
    >>> given = Grade(2, Policy.FLOOR, True, "", confidence=0.52, competing=1,
    ...               probabilities=(0.0, 0.41, 0.52, 0.07))
    >>> describe_doubt(given, LEE_2010)
    'Uncertain: confidence 0.52, grade 1 competes with 0.41.'
    """
    sure = given.confidence is None or given.confidence >= criteria.uncertain_below
    if sure or given.competing is None or given.probabilities is None:
        return None
    rival, no_grade = given.probabilities[given.competing], 1.0 - sum(given.probabilities)
    if no_grade > rival:  # under the strict policy only
        rivals = f"a pattern without a grade competes with {no_grade:.2f}, grade {given.competing} with {rival:.2f}"
    else:
        rivals = f"grade {given.competing} competes with {rival:.2f}"
    return f"Uncertain: confidence {given.confidence:.2f}, {rivals}."


def name_system(criteria: str) -> str:
    """Name of the grading system in a sentence: "Lee" for Lee 2010, else the name of the criteria."""
    return "Lee" if criteria == LEE_2010.name else criteria


def name_grade(grade: int, criteria: str) -> str:
    """Name of a grade by its system.

    Examples
    --------
    >>> name_grade(1, "Lee 2010"), name_grade(1, "Ours 2024")
    ('Lee 1', 'Ours 2024 grade 1')
    """
    return f"Lee {grade}" if criteria == LEE_2010.name else f"{criteria} grade {grade}"


def _undefined(lost: Pattern, criteria: Criteria) -> str:
    counted = "two opposing lost borders" if lost in (VERTICAL, TRANSVERSE) else _COUNTS[len(lost)]
    return f"{name_system(criteria.name)} does not define {counted}"


def _capped(criteria: Criteria) -> str:
    """Name the grades that a root of unknown shape rules out; nothing where the rules ask for no changed root."""
    grades = [str(rule.grade) for rule in criteria.rules if rule.root_shape is RootShape.CHANGED]
    return f" (grade{'s' * (len(grades) > 1)} {_join(grades)} not assessable)" if grades else ""


def _direction(lost: Pattern) -> str:
    if lost == VERTICAL | TRANSVERSE:
        return " (vertical and transverse)"
    return {VERTICAL: " (vertical)", TRANSVERSE: " (transverse)"}.get(lost, "")


def _name(borders: Collection[Border]) -> str:
    words = [_ADJECTIVES[b] for b in SPOKEN_ORDER if b in borders]
    return f"{_join(words)} border{'s' if len(words) > 1 else ''}"


def _join(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
