"""How sure a grade is, given how sure the findings are: analytic propagation, no sampling."""

import math

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderFinding, BorderState, PerineuralFindings, RootShape
from foramgrade.grader.criteria import Criteria
from foramgrade.grader.rules import PATTERNS, Pattern, apply_rules, possible_patterns

GradeProbabilities = tuple[float, float, float, float]

SAME_PROBABILITY_TOLERANCE = 1e-12
"""Two ways to fill an unknown border agree when their probabilities differ by less than this."""


def grade_probabilities(findings: PerineuralFindings, criteria: Criteria) -> GradeProbabilities | None:
    """Probability of each Lee grade given the stated uncertainty of the findings.

    Parameters
    ----------
    findings : PerineuralFindings
        Thicknesses and uncertainties per border, mm, and the probability that the root is deformed.
    criteria : Criteria
        Rules, policy and `minimum_fat_mm`.

    Returns
    -------
    tuple of four float, or None
        Probabilities of the grades 0 to 3, after the policy. Under the strict policy the probability of a pattern
        without a grade is given to no grade: the four then add up to less than 1, and what is missing is the
        probability that the foramen is not gradable. None when the unknown borders would decide.

    Raises
    ------
    InputError
        If a thickness or an uncertainty is not a number or negative, or a probability is outside 0 to 1.

    Notes
    -----
    *Definition*: each border is lost with probability Phi((minimum_fat_mm - thickness) / uncertainty), independently
    of the others; the root is changed with `root_shape_probability`. All 16 patterns times two shapes are graded and
    their probabilities added up per grade. A border without thickness or uncertainty, and a root without
    probability, are taken as certain; a root that is not assessable counts as unchanged.
    *Deviation*: none; the cited systems have no such number.
    *Limits*: says how the stated measurement error moves the grade, and nothing of wrong labels, a root mistaken for a
    vessel, or what another reader would say. Neighbouring borders share pixels, so their errors are not quite
    independent.

    Examples
    --------
    >>> from foramgrade.grader import LEE_2010
    >>> borders = {b: BorderFinding(BorderState.PRESERVED, thickness_mm=3.0, uncertainty_mm=0.3) for b in Border}
    >>> for b in (Border.SUPERIOR, Border.INFERIOR):
    ...     borders[b] = BorderFinding(BorderState.LOST, thickness_mm=0.0, uncertainty_mm=0.3)
    >>> findings = PerineuralFindings(borders, RootShape.UNCHANGED)
    >>> [round(p, 2) for p in grade_probabilities(findings, LEE_2010)]
    [0.29, 0.71, 0.0, 0.0]
    """
    changed = _probability_changed(findings)
    fillings = [
        _add_up(_probabilities_lost(findings, pattern, criteria), changed, criteria)
        for pattern in possible_patterns(findings)
    ]
    first = fillings[0]
    same = all(abs(p - q) < SAME_PROBABILITY_TOLERANCE for other in fillings for p, q in zip(first, other, strict=True))
    return first if same else None


def states_uncertainty(findings: PerineuralFindings) -> bool:
    """Whether every border that could be assessed comes with a thickness and its uncertainty.

    Without them, :func:`grade_probabilities` takes states as certain, which is no ground for a confidence.
    """
    known = [finding for finding in findings.borders.values() if finding.state is not BorderState.UNKNOWN]
    return bool(known) and all(f.thickness_mm is not None and f.uncertainty_mm is not None for f in known)


def find_competing(given: int, probabilities: GradeProbabilities) -> int:
    """Find the most probable grade beside the one given; among equals the nearest, then the higher.

    Examples
    --------
    >>> find_competing(1, (0.3, 0.5, 0.2, 0.0)), find_competing(1, (0.0, 1.0, 0.0, 0.0))
    (0, 2)
    """
    others = [grade for grade in range(len(probabilities)) if grade != given]
    return max(others, key=lambda grade: (probabilities[grade], -abs(grade - given), grade))


def _probabilities_lost(findings: PerineuralFindings, pattern: Pattern, criteria: Criteria) -> dict[Border, float]:
    """Probability that each border is lost; unknown borders are lost as the pattern says."""
    return {
        border: float(border in pattern)
        if finding.state is BorderState.UNKNOWN
        else _probability_lost(border, finding, criteria.minimum_fat_mm)
        for border, finding in findings.borders.items()
    }


def _probability_lost(border: Border, finding: BorderFinding, minimum_fat_mm: float) -> float:
    thickness, uncertainty = finding.thickness_mm, finding.uncertainty_mm
    for name, value in (("thickness", thickness), ("uncertainty", uncertainty)):
        if value is not None and not 0.0 <= value < math.inf:
            msg = f"{name} of the fat on the {border.name.lower()} border is {value:g} mm, expected 0 or more"
            raise InputError(msg)
    if thickness is None or not uncertainty:
        return float(finding.state is BorderState.LOST)
    # erfc keeps its precision far out in the tail, where 1 - Phi would round to 0
    return 0.5 * math.erfc((thickness - minimum_fat_mm) / (uncertainty * math.sqrt(2.0)))


def _probability_changed(findings: PerineuralFindings) -> float:
    given = findings.root_shape_probability
    if given is not None and not 0.0 <= given <= 1.0:
        msg = f"probability of a changed root is {given:g}, expected 0 to 1"
        raise InputError(msg)
    if findings.root_shape is RootShape.NOT_ASSESSABLE:
        return 0.0
    return float(findings.root_shape is RootShape.CHANGED) if given is None else given


def _add_up(lost: dict[Border, float], changed: float, criteria: Criteria) -> GradeProbabilities:
    total = [0.0, 0.0, 0.0, 0.0]
    for pattern in PATTERNS:
        weight = math.prod(p if border in pattern else 1.0 - p for border, p in lost.items())
        for shape, share in ((RootShape.UNCHANGED, 1.0 - changed), (RootShape.CHANGED, changed)):
            grade = apply_rules(criteria.rules, pattern, root_shape=shape, policy=criteria.policy).grade
            if grade is not None:
                total[grade] += weight * share
    none, mild, moderate, severe = (min(p, 1.0) for p in total)
    return none, mild, moderate, severe
