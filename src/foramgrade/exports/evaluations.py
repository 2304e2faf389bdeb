"""What is said of a foramen in words, as pairs of codes: the same in structured reports and in FHIR."""

from collections.abc import Iterator, Mapping

from foramgrade.exports import codes
from foramgrade.exports.codes import Code, private
from foramgrade.findings import Border, BorderState, ForamenAssessment, Policy, Quality
from foramgrade.grader.criteria import LEE_2010
from foramgrade.grader.scales import SARTORETTI_CODES, WILDERMUTH_1998
from foramgrade.plotting.words import LEE_WORDS, QUALITY_WORDS
from foramgrade.tables import quality_names

LEE = private("LEE-2010", "Lee 2010, grade of lumbar foraminal stenosis")
OWN_GRADE = private("GRADE", "Grade of foraminal stenosis by criteria of the user's own")
POLICY = private("POLICY", "How patterns were graded that the criteria leave open")
DEFINED = private("DEFINED", "Whether the criteria define the pattern of lost fat")
SARTORETTI = private("SARTORETTI-2021", "Sartoretti 2021, foraminal stenosis with borders in contact")
WILDERMUTH = private("WILDERMUTH-1998", "Wildermuth 1998, grade of foraminal stenosis")
RSNA = private("RSNA-2024", "RSNA 2024 (LumbarDISC), severity of foraminal stenosis")

_POLICIES: Mapping[Policy, Code] = {
    Policy.FLOOR: private("FLOOR", "Highest grade that is fully satisfied"),
    Policy.CEIL: private("CEIL", "Next higher grade"),
    Policy.STRICT: private("STRICT", "Not graded"),
}
_YES_NO = (Code("373067005", "SCT", "No"), Code("373066001", "SCT", "Yes"))
_NOT_GRADABLE = private("NOT-GRADABLE", "Not gradable")
_CONTACTS = {
    "A": "no foraminal stenosis",
    "B": "contact on one side",
    "C": "contact on two sides",
    "D": "contact on three sides",
    "E": "contact on four sides",
    "F": "morphologic change of the root",
}


def find_finding(foramen: ForamenAssessment) -> Code:
    """Name the finding of a foramen: a stenosis only where a grade by Lee's criteria says so."""
    if foramen.grade.lee is None:
        return codes.NOT_GRADED
    if not is_lees(foramen):
        return codes.GRADED
    return codes.STENOSIS if foramen.grade.lee > 0 else codes.NO_STENOSIS


def is_lees(foramen: ForamenAssessment) -> bool:
    """Whether the grade was given by Lee's criteria and not by a user's own."""
    return foramen.grade.criteria == LEE_2010.name


def find_evaluations(foramen: ForamenAssessment) -> Iterator[tuple[Code, Code]]:
    """Say everything that is not a number.

    Parameters
    ----------
    foramen : ForamenAssessment
        The foramen.

    Yields
    ------
    Code, Code
        What is evaluated, and its value: severity, grades of all scales, findings per border, shape of the root,
        caveats. What is not known is left out, except that a foramen is not gradable.
    """
    yield from _grades(foramen)
    findings = foramen.findings
    if findings is not None:
        for border in Border:
            finding = findings.borders[border]
            yield codes.BORDER_NAMES[border], codes.BORDER_STATES[finding.state]
            if finding.state is BorderState.LOST and finding.encroached_by is not None:
                yield codes.STANDS_AT[border], codes.NEIGHBOURS[finding.encroached_by]
        yield codes.ROOT_SHAPE, codes.ROOT_SHAPES[findings.root_shape]
    for flag in Quality:
        if flag in foramen.quality:
            yield codes.CAVEAT, private(quality_names(flag)[0], QUALITY_WORDS[flag])


def _grades(foramen: ForamenAssessment) -> Iterator[tuple[Code, Code]]:
    grade = foramen.grade
    name = LEE if is_lees(foramen) else OWN_GRADE
    if grade.lee is None:
        yield name, _NOT_GRADABLE
    elif is_lees(foramen):
        yield codes.SEVERITY, codes.SEVERITIES[grade.lee]
        yield name, private(f"LEE-{grade.lee}", f"Lee {grade.lee}, {LEE_WORDS[grade.lee]}")
    else:
        yield name, private(f"GRADE-{grade.lee}", f"Grade {grade.lee} by {grade.criteria}")
    yield POLICY, _POLICIES[grade.policy]
    if grade.defined is not None:
        yield DEFINED, _YES_NO[grade.defined]
    if grade.sartoretti is not None:
        yield SARTORETTI, private(f"SARTORETTI-{grade.sartoretti}", _say_sartoretti(grade.sartoretti))
    if grade.wildermuth is not None:
        meaning = dict(WILDERMUTH_1998.grades)[str(grade.wildermuth)].rstrip(".")
        yield WILDERMUTH, private(f"WILDERMUTH-{grade.wildermuth}", f"Wildermuth {grade.wildermuth}, {meaning.lower()}")
    if grade.rsna is not None:
        yield RSNA, private(f"RSNA-{grade.rsna}", grade.rsna)


def _say_sartoretti(grade: str) -> str:
    """A grade in words, e.g. "C24: contact on two sides (posterior, anterior)"."""
    at = [border.name.lower() for border, digit in SARTORETTI_CODES.items() if digit in grade[1:]]
    named = f" ({', '.join(at)})" if at else ""
    whole = f"{grade}: {_CONTACTS[grade[0]]}{named}"
    return whole if len(whole) <= codes.LONGEST_MEANING else f"{grade}: {_CONTACTS[grade[0]]}"
