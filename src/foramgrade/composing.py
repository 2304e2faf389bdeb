"""From what was read of one foramen to its assessment: shared by studies with labels and studies with points."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from foramgrade.findings import (
    FAT_QUANTITY,
    Evidence,
    ForamenAssessment,
    Grade,
    Outline,
    PerineuralFindings,
    Quality,
    Quantity,
    RootShape,
)
from foramgrade.geometry.judging import judge_level
from foramgrade.geometry.opening import SEAL_LIMIT_MM
from foramgrade.grader.confidence import GradeProbabilities, find_competing, grade_probabilities
from foramgrade.grader.criteria import Criteria
from foramgrade.grader.grading import grade, not_gradable
from foramgrade.grader.wording import describe_doubt
from foramgrade.perineural.pointing import Candidate, Sighting
from foramgrade.perineural.reading import Content, describe_content, find_undecidable, leave_undecided
from foramgrade.perineural.shape import expected_change

#: Why a foramen has no grade, worst reason first.
_WHY_NOT: Mapping[Quality, str] = {
    Quality.NO_VERTEBRA: "the vertebra below this level is not labelled, so the opening has no lower border",
    Quality.NO_DISC: "the disc of this level is not labelled, and no bodies were found to bridge: the front is open",
    Quality.NO_POSTERIOR: "no posterior elements are labelled, opening not closable",
    Quality.NO_SECTION: "no sagittal section shows both pedicles of this foramen",
    Quality.RING_OPEN: "the labelled ring around the foramen is open by more than {seal_limit_mm:g} mm",
    Quality.NO_IMAGE: "the image does not cover this foramen, or lacks its slice",
    Quality.FAT_NOT_BRIGHT: "no tissue around this foramen is bright enough to be fat (fat-suppressed series?)",
    Quality.ROOT_NOT_FOUND: "no oval of root size was found in the upper part of the opening",
}

#: How often another structure is taken for the root around a point, or where none shows on the section of the smallest
#: area, and around a point where what was taken has a clear outline: about as often as on two independent simulators of
#: clinical series, with points some millimetres off the root.
MISPLACED, MISPLACED_CLEAR = 0.3, 0.15

#: Candidates for the root that are less probable than this share of the best are left out.
LEAST_WEIGHT = 0.05

#: What stands beside every grade of this kind.
REMARK = "Read around a point, without labels: the opening is not measured, and bone is told by its brightness alone."


def grade_content(
    content: Content, near: Sequence[Content], pixel_mm: float, criteria: Criteria, *, misplaced: float = 0.0
) -> tuple[PerineuralFindings, Quality, Grade, tuple[str, ...]]:
    """Describe and grade what was read of one foramen.

    Parameters
    ----------
    content : Content
        Root and fat.
    near : sequence of Content
        Of the other foramen of the level and those of the neighbouring levels.
    pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    criteria : Criteria
        Rules, policy and thresholds.
    misplaced : float
        Probability that the root is another structure; then any grade is as likely.

    Returns
    -------
    PerineuralFindings, Quality, Grade, tuple of str
        Findings, caveats, the grade, and sentences that call it in doubt.
    """
    findings, quality = describe_content(
        content,
        near=near,
        image_pixel_mm=pixel_mm,
        minimum_fat_mm=criteria.minimum_fat_mm,
        thin_fat_mm=criteria.thin_fat_mm,
        sector_deg=criteria.sector_deg,
        flattened_aspect=criteria.flattened_aspect,
        collapsed_area_fraction=criteria.collapsed_area_fraction,
    )
    undecidable = find_undecidable(content, pixel_mm)
    if undecidable is not None:
        return leave_undecided(findings), quality, not_gradable(undecidable, criteria), ()
    given = _allow_for_unseen_shape(grade(findings, criteria), findings, criteria)
    if misplaced and given.lee is not None and given.probabilities is not None:
        given = _with_probabilities(given, given.lee, _mix([(1.0, misplaced, given.probabilities)]))
    doubt = describe_doubt(given, criteria)
    if doubt is None:
        return findings, quality, given, ()
    return findings, quality | Quality.UNCERTAIN, given, (doubt,)


def _allow_for_unseen_shape(given: Grade, findings: PerineuralFindings, criteria: Criteria) -> Grade:
    """The grade with the probabilities that it has if a root whose shape is not seen may be deformed.

    Such a root is graded as an unchanged one, which says nothing of how likely it is to be one.
    """
    if given.lee is None or given.probabilities is None or findings.root_shape is not RootShape.NOT_ASSESSABLE:
        return given
    changed = expected_change(len(findings.lost))
    supposed = replace(findings, root_shape=RootShape.UNCHANGED, root_shape_probability=changed)
    return _with_probabilities(given, given.lee, grade_probabilities(supposed, criteria))


def _with_probabilities(given: Grade, lee: int, probabilities: GradeProbabilities | None) -> Grade:
    if probabilities is None:
        return given
    competing = find_competing(lee, probabilities)
    return replace(given, confidence=probabilities[lee], probabilities=probabilities, competing=competing)


def why_not(quality: Quality, *, seal_limit_mm: float = SEAL_LIMIT_MM) -> str:
    """Why a foramen has no grade, as a clause: the most fundamental of its caveats."""
    for flag, words in _WHY_NOT.items():
        if flag in quality:
            cut = "; the vertebrae are cut by the edge of the label map" if Quality.CUT_BY_EDGE in quality else ""
            return words.format(seal_limit_mm=seal_limit_mm) + cut
    return "the perineural fat could not be read"


def assess_sighting(
    sighting: Sighting, near: Sequence[Content], pixel_mm: float, criteria: Criteria, caveats: Quality
) -> ForamenAssessment:
    """Grade what was seen around one point.

    Parameters
    ----------
    sighting : Sighting
        Section, root and fat.
    near : sequence of Content
        Of the other foramen of the level and those of the neighbouring levels.
    pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    criteria : Criteria
        Rules, policy and thresholds.
    caveats : Quality
        Caveats of the whole study.

    Returns
    -------
    ForamenAssessment
        Without measures of the opening.
    """
    place = sighting.pointed.place
    quality = judge_level(place.level, verified=not place.level.upper.startswith("V")) | sighting.quality | caveats
    candidate: Candidate | None = None
    findings: PerineuralFindings | None = None
    measurements: dict[Quantity, float] = {}
    doubts: tuple[str, ...] = ()
    if not sighting.candidates:
        given = not_gradable(why_not(quality), criteria)
    else:
        candidate, findings, flags, given, doubts = _weigh(sighting.candidates, near, pixel_mm, criteria)
        root = candidate.content.root
        quality |= flags
        measurements = {Quantity.NERVE_AREA: root.area_mm2, Quantity.NERVE_ASPECT: root.aspect}
        for border, quantity in FAT_QUANTITY.items():
            thickness = findings.borders[border].thickness_mm
            if thickness is not None:
                measurements[quantity] = thickness
    section = sighting.section if candidate is None else candidate.section
    centre = None
    if section is not None:
        row, column = sighting.pointed.at if candidate is None else candidate.content.root.centre
        r, a, s = section.sheet.origin_mm + row * section.sheet.row_mm + column * section.sheet.column_mm
        centre = (float(r), float(a), float(s))
    return ForamenAssessment(
        level=place.level,
        side=place.side,
        quality=quality,
        reasons=(given.reason, *doubts, REMARK),
        grade=given,
        measurements=measurements,
        findings=findings,
        n_sections=0 if section is None else 1,
        section_mm=centre,
        evidence=_evidence(sighting, candidate),
    )


def _weigh(
    candidates: Sequence[Candidate], near: Sequence[Content], pixel_mm: float, criteria: Criteria
) -> tuple[Candidate, PerineuralFindings, Quality, Grade, tuple[str, ...]]:
    """The candidate that is reported, with its findings, caveats, grade, and doubts.

    Each candidate is graded as if it were the root, and the grades' probabilities are added up by weight. The reported
    candidate is the most probable one that has the median grade: a mistaken root has any grade, and the median is moved
    least by it.
    """
    likely = [one for one in candidates if one.weight >= LEAST_WEIGHT * candidates[0].weight]
    total = sum(one.weight for one in likely)
    read = [grade_content(one.content, near, pixel_mm, criteria) for one in likely]
    shares = [
        (one.weight / total, _misplaced(findings), given.probabilities)
        for one, (findings, _, given, _) in zip(likely, read, strict=True)
        if given.lee is not None and given.probabilities is not None
    ]
    if not shares:
        return candidates[0], *read[0]
    mixed = _mix(shares)
    middle = int(np.searchsorted(np.cumsum(mixed), 0.5 * sum(mixed)))
    graded = [n for n, (_, _, given, _) in enumerate(read) if given.lee is not None]
    best = min(graded, key=lambda n: (abs((read[n][2].lee or 0) - middle), n))
    findings, quality, given, _ = read[best]
    lee = given.lee
    if lee is None:
        return likely[best], *read[best]
    given = _with_probabilities(given, lee, mixed)
    doubt = describe_doubt(given, criteria)
    quality &= ~Quality.UNCERTAIN
    if doubt is None:
        return likely[best], findings, quality, given, ()
    return likely[best], findings, quality | Quality.UNCERTAIN, given, (doubt,)


def _misplaced(findings: PerineuralFindings) -> float:
    """Probability that a candidate is another structure: a root shows its outline more often than what is none."""
    return MISPLACED if findings.root_shape is RootShape.NOT_ASSESSABLE else MISPLACED_CLEAR


def _mix(shares: Sequence[tuple[float, float, GradeProbabilities]]) -> GradeProbabilities:
    """Probabilities of the grades over what may be the root, by weight; where it is none, every grade is as likely."""
    total = sum(weight for weight, _, _ in shares)
    none, mild, moderate, severe = (
        sum(weight * ((1.0 - misplaced) * found[grade] + misplaced / 4) for weight, misplaced, found in shares) / total
        for grade in range(4)
    )
    return none, mild, moderate, severe


def _evidence(sighting: Sighting, candidate: Candidate | None) -> Evidence | None:
    section, image = sighting.section, sighting.image
    content = None if candidate is None else candidate.content
    if candidate is not None:
        section, image = candidate.section, candidate.image
    if section is None:
        return None
    nothing, sheet = np.zeros(section.parts.shape, bool), section.sheet
    return Evidence(
        parts=section.parts,
        opening=nothing,
        pixel_mm=section.pixel_mm,
        offsets_mm=np.empty(0),
        areas_mm2=np.empty(0),
        outlines=(Outline(nothing, sheet.origin_mm, sheet.row_mm, sheet.column_mm, sheet.spacing_mm),),
        image=image,
        root=None if content is None else content.root.mask,
        fat=None if content is None else content.fat,
        profile_mm=None if content is None else content.profile.thickness_mm,
    )
