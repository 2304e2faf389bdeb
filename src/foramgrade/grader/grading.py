"""From perineural-fat findings to a Lee grade with its reason."""

from foramgrade.findings import Grade, PerineuralFindings
from foramgrade.grader.confidence import find_competing, grade_probabilities, states_uncertainty
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.grader.rules import apply_rules, possible_patterns
from foramgrade.grader.scales import rsna_grade, sartoretti_grade, wildermuth_grade
from foramgrade.grader.wording import describe_grade, describe_undecided


def grade(findings: PerineuralFindings, criteria: Criteria = LEE_2010) -> Grade:
    """Grade one foramen from what is seen around its nerve root.

    Parameters
    ----------
    findings : PerineuralFindings
        State of the fat on the four borders, and the shape of the root.
    criteria : Criteria
        Rules, policy and thresholds.

    Returns
    -------
    Grade
        Lee grade, or None with the reason; the sister scales where they can be told; when the findings state their
        uncertainty, a confidence, the probabilities of all grades, and the grade that competes.

    Raises
    ------
    InputError
        If a thickness, uncertainty or probability in the findings is not a possible value.

    Notes
    -----
    *Definition*: 0 no stenosis; 1 fat lost in two opposing directions; 2 in all four, root unchanged; 3 root collapsed
    or deformed, whatever the fat.
    *Deviation*: Lee defines 4 of the 16 patterns of lost borders; for one, two adjacent and three lost borders the
    policy decides, and `defined` is False. A root that is not assessable caps the grade at 2. A border that is not
    assessable leaves the grade standing only when it could not change it.
    *Limits*: the grade is as good as the findings. It is never derived from area, height or volume.

    References
    ----------
    Lee S, et al., AJR Am J Roentgenol 2010;194:1095-1098, doi 10.2214/AJR.09.2772

    Examples
    --------
    >>> given = grade(PerineuralFindings.from_lost("SPI"))
    >>> given.lee, given.defined, given.sartoretti
    (1, False, 'D123')
    >>> given.reason.split("; ")[-1]
    'Lee does not define three lost borders, policy floor gives 1, mild.'
    """
    rulings = {
        apply_rules(criteria.rules, pattern, root_shape=findings.root_shape, policy=criteria.policy)
        for pattern in possible_patterns(findings)
    }
    kinds = {ruling.defined for ruling in rulings}
    defined = kinds.pop() if len(kinds) == 1 else None
    grades = {ruling.grade for ruling in rulings}
    lee = grades.pop() if len(grades) == 1 else None
    if lee is None:
        reason = f"Not gradable: {describe_undecided(findings, criteria, defined=defined)}."
    else:
        reason = describe_grade(findings, lee, criteria, defined=defined)
    probabilities = grade_probabilities(findings, criteria) if states_uncertainty(findings) else None
    return Grade(
        lee=lee,
        policy=criteria.policy,
        defined=defined,
        reason=reason,
        sartoretti=sartoretti_grade(findings),
        wildermuth=wildermuth_grade(findings),
        rsna=rsna_grade(lee),
        confidence=None if lee is None or probabilities is None else probabilities[lee],
        competing=None if lee is None or probabilities is None else find_competing(lee, probabilities),
        probabilities=probabilities,
        criteria=criteria.name,
    )


def not_gradable(reason: str, criteria: Criteria = LEE_2010) -> Grade:
    """Make the grade of a foramen without findings.

    Parameters
    ----------
    reason : str
        Why, as a clause or a sentence: "the nerve root was not found".
    criteria : Criteria
        For their name and the policy, which travel with every grade.

    Returns
    -------
    Grade
        Without a Lee grade and without sister scales.

    Examples
    --------
    >>> not_gradable("the nerve root was not found").reason
    'Not gradable: the nerve root was not found.'
    """
    sentence = f"Not gradable: {reason.strip().rstrip('.')}."
    return Grade(lee=None, policy=criteria.policy, defined=None, reason=sentence, criteria=criteria.name)
