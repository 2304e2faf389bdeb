"""Findings and caveats in the few words that fit a picture."""

from collections.abc import Mapping

from foramgrade.findings import (
    Border,
    BorderFinding,
    BorderState,
    ForamenAssessment,
    Grade,
    Neighbour,
    Quality,
    RootShape,
)
from foramgrade.grader.wording import name_grade, name_system

#: Every caveat in words; a flag stands in a picture only through this table.
QUALITY_WORDS: Mapping[Quality, str] = {
    Quality.LEVEL_UNVERIFIED: "level number not anatomical",
    Quality.NOT_LUMBAR: "not a lumbar level",
    Quality.CUT_BY_EDGE: "cut by the edge of the labels",
    Quality.NO_VERTEBRA: "lower vertebra not labelled",
    Quality.NO_DISC: "disc not labelled",
    Quality.DISC_BRIDGED: "disc bridged",
    Quality.NO_POSTERIOR: "no posterior elements",
    Quality.NO_SECTION: "no section between the pedicles",
    Quality.RING_OPEN: "labelled ring open",
    Quality.RING_SEALED: "open ring sealed",
    Quality.FRAME_FROM_GRID: "left-right axis from the scanner",
    Quality.FEW_SECTIONS: "fewer than two sections",
    Quality.OBLIQUE_SLICES: "oblique slices",
    Quality.ASYMMETRIC: "sides very unequal",
    Quality.AREA_IMPLAUSIBLE: "implausible area",
    Quality.HEIGHT_LOW: "low foraminal height",
    Quality.DISC_HEIGHT_LOW: "low posterior disc",
    Quality.NO_IMAGE: "outside the image",
    Quality.FAT_NOT_BRIGHT: "fat not bright",
    Quality.FAT_DOUBTFUL: "fat hardly brighter than muscle",
    Quality.SEQUENCE_UNKNOWN: "contrast not recorded",
    Quality.ROOT_NOT_FOUND: "nerve root not found",
    Quality.ROOT_INDISTINCT: "root outline uncertain",
    Quality.LOW_CONTRAST: "low contrast of fat",
    Quality.COARSE_PIXELS: "coarse pixels",
    Quality.FROM_POINT: "read around a point",
    Quality.OTHER_SECTION: "fat read on another section",
    Quality.UNCERTAIN: "grade uncertain",
}

#: Caveats that leave nothing to show or grade, the most fundamental first.
_BLOCKING = (
    Quality.NO_VERTEBRA,
    Quality.NO_DISC,
    Quality.NO_POSTERIOR,
    Quality.NO_SECTION,
    Quality.RING_OPEN,
    Quality.NO_IMAGE,
    Quality.FAT_NOT_BRIGHT,
    Quality.ROOT_NOT_FOUND,
    Quality.ROOT_INDISTINCT,
    Quality.FROM_POINT,
)

NEIGHBOUR_WORDS: Mapping[Neighbour, str] = {
    Neighbour.DISC: "disc",
    Neighbour.VERTEBRA: "vertebra",
    Neighbour.SOFT_TISSUE: "soft tissue",
}

#: Severity of a Lee grade.
LEE_WORDS: Mapping[int, str] = {0: "no stenosis", 1: "mild", 2: "moderate", 3: "severe"}

SHAPE_WORDS: Mapping[RootShape, str] = {
    RootShape.UNCHANGED: "root shape unchanged",
    RootShape.CHANGED: "root deformed",
    RootShape.NOT_ASSESSABLE: "root shape not assessable",
}


def quality_words(quality: Quality) -> list[str]:
    """Caveats in words, in the order in which they are defined.

    Examples
    --------
    >>> quality_words(Quality.RING_SEALED | Quality.NO_DISC)
    ['disc not labelled', 'open ring sealed']
    """
    return [words for flag, words in QUALITY_WORDS.items() if flag in quality]


def why_missing(assessment: ForamenAssessment) -> str:
    """Why a foramen cannot be shown or graded, in few words; the first reason where no caveat says so.

    Examples
    --------
    >>> from foramgrade.findings import Level, Policy, Side
    >>> grade = Grade(None, Policy.FLOOR, None, "No grade.")
    >>> why_missing(ForamenAssessment(Level("L4", "L5"), Side.LEFT, Quality.NO_SECTION, (), grade))
    'no section between the pedicles'
    """
    for flag in _BLOCKING:
        if flag in assessment.quality:
            return QUALITY_WORDS[flag]
    return assessment.reasons[0] if assessment.reasons else assessment.grade.reason


def border_lines(border: Border, finding: BorderFinding) -> list[str]:
    """Label of one border: its letter and fat, its state, and what took the place of lost fat.

    Examples
    --------
    >>> border_lines(Border.ANTERIOR, BorderFinding(BorderState.LOST, 0.1, encroached_by=Neighbour.DISC))
    ['A  0.1 mm', 'LOST', 'to disc']
    """
    fat = "? mm" if finding.thickness_mm is None else f"{finding.thickness_mm:.1f} mm"
    lost = finding.state is BorderState.LOST
    lines = [f"{border.value}  {fat}", finding.state.value.upper() if lost else finding.state.value]
    if lost and finding.encroached_by is not None:
        lines.append(f"to {NEIGHBOUR_WORDS[finding.encroached_by]}")
    return lines


def lost_words(assessment: ForamenAssessment) -> str:
    """Lost borders as one short phrase, in Sartoretti's order.

    Examples
    --------
    >>> from foramgrade.findings import Level, PerineuralFindings, Policy, Side
    >>> lost_words(ForamenAssessment(Level("L4", "L5"), Side.LEFT, Quality(0), (), Grade(1, Policy.FLOOR, True, ""),
    ...                              findings=PerineuralFindings.from_lost("IS")))
    'lost: S I'
    """
    if assessment.findings is None:
        return "fat not read"
    letters = " ".join(border.value for border in Border if border in assessment.findings.lost)
    unknown = " ".join(f"{border.value}?" for border in Border if border in assessment.findings.unknown)
    return f"lost: {' '.join(part for part in (letters, unknown) if part) or 'none'}"


def grade_words(grade: Grade) -> str:
    """Name of the grade, e.g. "Lee 2, moderate"; by criteria of a user's own without Lee's word for it.

    Examples
    --------
    >>> from foramgrade.findings import Policy
    >>> grade_words(Grade(2, Policy.FLOOR, True, "All four borders are lost."))
    'Lee 2, moderate'
    >>> grade_words(Grade(2, Policy.FLOOR, True, "All four borders are lost.", criteria="Ours 2024"))
    'Ours 2024 grade 2'
    """
    if grade.lee is None:
        return "Not gradable"
    name = name_grade(grade.lee, grade.criteria)
    return f"{name}, {LEE_WORDS[grade.lee]}" if name_system(grade.criteria) == "Lee" else name


def severity_words(grade: Grade) -> str:
    """The grade in a word where its badge already shows the number.

    Examples
    --------
    >>> from foramgrade.findings import Policy
    >>> severity_words(Grade(2, Policy.FLOOR, True, "")), severity_words(Grade(2, Policy.FLOOR, True, "", criteria="X"))
    ('moderate', 'grade 2')
    """
    if grade.lee is None:
        return "not gradable"
    return LEE_WORDS[grade.lee] if name_system(grade.criteria) == "Lee" else f"grade {grade.lee}"


def pattern_words(grade: Grade) -> str:
    """How the policy and the grading system's own definition stand behind the grade.

    Examples
    --------
    >>> from foramgrade.findings import Policy
    >>> pattern_words(Grade(1, Policy.FLOOR, False, "Three borders are lost."))
    'policy floor: Lee does not define this pattern'
    """
    if grade.defined is None:
        return f"policy {grade.policy.value}: findings incomplete"
    verb = "defines" if grade.defined else "does not define"
    return f"policy {grade.policy.value}: {name_system(grade.criteria)} {verb} this pattern"
