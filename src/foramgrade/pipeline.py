"""From an image and its labels to graded foramina: the one place that sees every stage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import LevelNames, relabel
from foramgrade.anatomy.schemes.naming import scheme_of
from foramgrade.anatomy.spine import Spine, find_labelled, find_spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.composing import MISPLACED, assess_sighting, grade_content, why_not
from foramgrade.errors import GridMismatchError, InputError
from foramgrade.findings import (
    Evidence,
    ForamenAssessment,
    ForamenPoint,
    Outline,
    PerineuralFindings,
    Quality,
    Quantity,
    Side,
)
from foramgrade.findings import Sequence as Contrast
from foramgrade.geometry.foramen import Foramen, find_foramina
from foramgrade.geometry.judging import judge_asymmetry, judge_level
from foramgrade.geometry.measure import measure_area, measure_asymmetry, measure_width
from foramgrade.geometry.opening import CLEFT_MM, SEAL_LIMIT_MM
from foramgrade.geometry.planes import SECTION_PIXEL_MM, Raster, Section
from foramgrade.geometry.pointed import look_at_points
from foramgrade.geometry.presuming import presume_points
from foramgrade.geometry.search import spread_mask
from foramgrade.grader.criteria import LEE_2010, Criteria
from foramgrade.grader.grading import not_gradable
from foramgrade.perineural.borders import CONTACT_MM, PERINEURAL_REACH_MM
from foramgrade.perineural.pointing import Sighting, read_points
from foramgrade.perineural.reading import (
    Content,
    expected_brightness,
    measure_content,
)
from foramgrade.readings import CHOOSE, Marks, Reading, in_plane_pixel_mm, read_foramina
from foramgrade.tables import StudyAssessment
from foramgrade.volume import LabelMap, Volume


def assess(
    image: Volume,
    labels: LabelMap,
    *,
    criteria: Criteria = LEE_2010,
    case: str = "study",
    level_names: LevelNames | None = None,
    seal_limit_mm: float = SEAL_LIMIT_MM,
    fat_is_bright: bool = False,
    clicks: Iterable[ForamenPoint] = (),
    roots: LabelMap | None = None,
    inputs: Sequence[Mapping[str, str]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> StudyAssessment:
    """Measure and grade every foramen of a study.

    Parameters
    ----------
    image : Volume
        Sagittal T1- or T2-weighted series without fat suppression.
    labels : LabelMap
        Vertebrae and discs, on any grid that shares patient space with the image.
    criteria : Criteria
        Rules, policy and thresholds.
    case : str
        Name of the study in the results; never a patient's name.
    level_names : mapping of int or str to str, or None
        Names by label, or a count from the "first" or "last" one, where the map's numbers are not anatomical.
    seal_limit_mm : float
        Widest gap in the labelled ring that is sealed, mm.
    fat_is_bright : bool
        Your word that fat is bright in the image, where it seems darker than muscle; a header that says otherwise is
        still believed.
    clicks : iterable of ForamenPoint
        Points in roots that a user gives, patient (RAS+), mm: there the root is sought, whatever its usual place.
    roots : LabelMap or None
        Roots that a user drew, any number but 0; ``read_labels(path, scheme="foramina")`` reads them. A root that is
        drawn in a foramen is its root.
    inputs : sequence of mappings
        Name and SHA-256 of the input files, kept with the results.
    progress : callable or None
        Called with the number of foramina done and of all foramina.

    Returns
    -------
    StudyAssessment
        One assessment per level and side, also where nothing could be measured: then with flags and the reason.

    Raises
    ------
    GridMismatchError
        If image and labels do not overlap in space.
    InputError
        If the scheme is unknown or does not fit the numbers, the sealing limit is not a length, a click is at no
        foramen of the labels, no drawn root lies in one, fat is dark in the image (by its header or, whatever that
        says, against muscle), or it is proton-density-weighted: grades are defined on T1 and T2.
    AnatomyError
        If the labels do not describe a spine.
    """
    if not 0 <= seal_limit_mm < np.inf:  # written so that NaN fails too
        msg = f"the sealing limit is {seal_limit_mm:g}, expected 0 mm or more"
        raise InputError(msg)
    check_contrast(image)
    anatomic = relabel(labels, scheme_of(labels), level_names=level_names)
    spine = find_spine(anatomic)
    check_overlap(image, spine)
    foramina = _find_foramina(spine, seal_limit_mm, progress)
    pixel = in_plane_pixel_mm(image)
    marks = Marks(tuple(clicks), roots)
    readings = read_foramina(foramina, image, spine, fat_is_bright=fat_is_bright, marks=marks)
    contents = [reading.content for reading in readings]
    assessed = []
    for index, reading in enumerate(readings):
        # Foramina come right and left by level: the level's other root and those of the levels above and below.
        nearby = [j for j in range(len(contents)) if j != index and abs(j // len(Side) - index // len(Side)) <= 1]
        near = [content for j in nearby if (content := contents[j]) is not None]
        assessed.append(_assess_one(reading, near, pixel, criteria, seal_limit_mm))
    rows = _with_open_levels(_with_asymmetry(assessed), spine, criteria)
    return StudyAssessment(
        case=case,
        foramina=tuple(_with_points(rows, readings, image, spine, criteria, seal_limit_mm)),
        sequence=None if image.sequence is None else image.sequence.value,
        scheme=labels.scheme,
        version=version("foramgrade"),
        parameters={
            **criteria.parameters(),
            "level_names": dict(level_names or {}),
            "seal_limit_mm": seal_limit_mm,
            "fat_is_bright": fat_is_bright,
            "cleft_mm": CLEFT_MM,
            "section_pixel_mm": SECTION_PIXEL_MM,
            "perineural_reach_mm": PERINEURAL_REACH_MM,
            "contact_mm": CONTACT_MM,
        },
        inputs=tuple(inputs),
    )


def measure_geometry(
    labels: LabelMap,
    *,
    level_names: LevelNames | None = None,
    seal_limit_mm: float = SEAL_LIMIT_MM,
) -> tuple[ForamenAssessment, ...]:
    """Measure every foramen of a label map: the geometry of `assess`, without an image and so without grades.

    Parameters
    ----------
    labels, level_names, seal_limit_mm
        As for `assess`.

    Returns
    -------
    tuple of ForamenAssessment
        As `assess` gives them for an image that covers no foramen: none is graded, nothing of the root is measured.

    Raises
    ------
    InputError, AnatomyError
        As `assess` does about labels.
    """
    spine = find_spine(relabel(labels, scheme_of(labels), level_names=level_names))
    foramina = _find_foramina(spine, seal_limit_mm, None)
    readings = [Reading(foramen, None, None, Quality.NO_IMAGE) for foramen in foramina]
    assessed = [_assess_one(reading, (), 0.0, LEE_2010, seal_limit_mm) for reading in readings]
    return tuple(_with_open_levels(_with_asymmetry(assessed), spine, LEE_2010))


def check_overlap(image: Volume, spine: Spine) -> None:
    """Refuse an image that holds none of the labelled vertebrae.

    Raises
    ------
    GridMismatchError
        With the extent of both in the patient.
    """
    vertebrae = {s.code: s for segment in spine.segments for s in (segment.upper, segment.lower)}
    centres = np.array([s.centroid_mm for s in vertebrae.values()])
    ijk = image.grid.to_ijk(centres)
    if np.any(np.all((ijk >= -0.5) & (ijk <= np.array(image.grid.shape) - 0.5), axis=1)):
        return
    corners = image.grid.corners_mm()
    msg = (
        f"image and labels do not overlap: the image covers {_extent(corners)}, the centres of the labelled vertebrae "
        f"lie at {_extent(centres)} (RAS, mm); expected both in the same patient space"
    )
    raise GridMismatchError(msg)


def check_contrast(image: Volume) -> None:
    """Refuse a series in which perineural fat cannot be read, by what its header says.

    Raises
    ------
    InputError
        With the evidence, whatever contrast the user named.
    """
    if image.fat_suppressed or image.sequence is Contrast.STIR:
        why = image.contrast_reason or ("STIR" if image.sequence is Contrast.STIR else "fat-suppressed")
        msg = f"fat is dark in this series ({why}): perineural fat cannot be read from it; {CHOOSE}"
        raise InputError(msg)
    if image.sequence is Contrast.PD:
        why = image.contrast_reason or "PD"
        msg = f"this series is proton-density-weighted ({why}), and grades are defined on T1 and T2; {CHOOSE}"
        raise InputError(msg)


def _extent(points: FloatArray) -> str:
    low, high = points.min(axis=0), points.max(axis=0)
    return ", ".join(f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("RAS", low, high, strict=True))


def _find_foramina(spine: Spine, seal_limit_mm: float, progress: Callable[[int, int], None] | None) -> list[Foramen]:
    foramina = []
    total = len(spine.segments) * len(Side)
    for segment in spine.segments:
        for foramen in find_foramina(spine, segment, fit_frame(spine, segment), seal_limit_mm=seal_limit_mm):
            foramina.append(foramen)
            if progress is not None:
                progress(len(foramina), total)
    return foramina


def _assess_one(
    reading: Reading, near: Sequence[Content], pixel_mm: float, criteria: Criteria, seal_limit_mm: float
) -> ForamenAssessment:
    foramen, content = reading.foramen, reading.content
    quality = foramen.quality | reading.quality
    remarks: list[str] = []
    measurements = dict(foramen.measurements)
    findings: PerineuralFindings | None = None
    doubts: tuple[str, ...] = ()
    if content is None:
        given = not_gradable(why_not(quality, seal_limit_mm=seal_limit_mm), criteria)
    else:
        elsewhere = Quality.OTHER_SECTION in quality and not reading.traced
        findings, caveats, given, doubts = grade_content(
            content, near, pixel_mm, criteria, misplaced=MISPLACED if elsewhere else 0.0
        )
        quality |= caveats
        section, opening = foramen.reported
        opening_mm2 = measurements[Quantity.AREA]
        if Quality.OTHER_SECTION in quality:
            opening_mm2 = measure_area(opening.mask, section.pixel_mm)
        measurements |= measure_content(content, findings, opening_mm2, section.pixel_mm)
        remarks = _where_read(reading)
        width = measure_width(opening.mask, round(content.root.centre[0]), section.pixel_mm)
        if width is not None:
            measurements[Quantity.WIDTH_SUPERIOR] = width
    return ForamenAssessment(
        level=foramen.segment.level,
        side=foramen.side,
        quality=quality,
        reasons=(given.reason, *doubts, *remarks, *_remarks(quality, measurements)),
        grade=given,
        measurements=measurements,
        uncertainties=foramen.uncertainties,
        findings=findings,
        n_sections=len(foramen.sections),
        section_mm=_section_centre(foramen),
        evidence=_evidence(foramen, reading.image, content),
    )


def _where_read(reading: Reading) -> list[str]:
    """Sentences about a root that a user drew, and about a section other than that of the smallest area."""
    remarks = []
    if reading.traced:
        remarks.append("The root is the one that was drawn.")
    if Quality.OTHER_SECTION in reading.quality:
        way = "lateral" if reading.moved_mm > 0 else "medial"
        why = "The root is drawn on another section than" if reading.traced else "No root shows on"
        remarks.append(f"{why} that of the smallest area: fat was read {abs(reading.moved_mm):.1f} mm {way} to it.")
    return remarks


def _remarks(quality: Quality, measurements: Mapping[Quantity, float]) -> list[str]:
    """Sentences for the caveats that a reader must know beside the grade."""
    remarks = []
    if Quality.LEVEL_UNVERIFIED in quality:
        remarks.append("The vertebra numbers of this map are not anatomical; name the levels to replace them.")
    if Quality.DISC_BRIDGED in quality:
        remarks.append("The disc is not labelled: the front of the opening is the straight line between the bodies.")
    if Quality.RING_SEALED in quality:
        gap = measurements[Quantity.SEAL_GAP]
        remarks.append(f"The labelled ring was open by {gap:.1f} mm and was sealed: the area is less certain.")
    if Quality.AREA_IMPLAUSIBLE in quality:
        remarks.append(f"The area of {measurements[Quantity.AREA]:.0f} mm2 is implausible: check the labels.")
    return remarks


def _section_centre(foramen: Foramen) -> tuple[float, float, float] | None:
    if foramen.chosen is None:
        return None
    section, opening = foramen.reported
    r, a, s = section.centre_mm(opening.mask)
    return float(r), float(a), float(s)


def _evidence(foramen: Foramen, image: FloatArray | None, content: Content | None) -> Evidence | None:
    if foramen.chosen is None:
        return None
    section, opening = foramen.reported
    return Evidence(
        parts=section.parts,
        opening=opening.mask,
        pixel_mm=section.pixel_mm,
        offsets_mm=foramen.offsets_mm,
        areas_mm2=foramen.areas_mm2,
        outlines=tuple(
            _outline(one, found.mask, section.raster)
            for one, found in zip(foramen.sections, foramen.openings, strict=True)
        ),
        chosen=foramen.chosen,
        image=image,
        root=None if content is None else content.root.mask,
        fat=None if content is None else content.fat,
        profile_mm=None if content is None else content.profile.thickness_mm,
        obliquity_deg=foramen.obliquity_deg,
    )


def _outline(section: Section, opening: BoolArray, raster: Raster) -> Outline:
    """An opening placed in the patient, on the raster that all sections of the foramen share."""
    mask, sheet = spread_mask(section, opening, raster)
    return Outline(mask, sheet.origin_mm, sheet.row_mm, sheet.column_mm, sheet.spacing_mm)


#: Foramina without these flags' labels are still there: their fat can be read around a point.
_UNCLOSED = Quality.NO_VERTEBRA | Quality.NO_DISC | Quality.NO_POSTERIOR | Quality.RING_OPEN


def _with_points(
    rows: Sequence[ForamenAssessment],
    readings: Sequence[Reading],
    image: Volume,
    spine: Spine,
    criteria: Criteria,
    seal_limit_mm: float,
) -> list[ForamenAssessment]:
    """The assessments, with fat and grade of the foramina whose ring the labels cannot close, read around a point."""
    wanted = [(row.level, row.side) for row in rows if row.quality & _UNCLOSED]
    foramina = [reading.foramen for reading in readings]
    found = presume_points(foramina, spine.segments, wanted)
    if not found:
        return list(rows)
    known = [
        ForamenPoint(row.level, row.side, row.section_mm)
        for row in rows
        if row.section_mm is not None and (row.level, row.side) not in {(p.level, p.side) for p in found}
    ]
    contents = [reading.content for reading in readings if reading.content is not None]
    sightings = read_points(
        look_at_points([*found, *known], image.grid)[: len(found)],
        image,
        image_pixel_mm=in_plane_pixel_mm(image),
        expected=expected_brightness(contents),
        labelled=lambda section: find_labelled(spine, section.positions_mm),
    )
    seen = {(s.pointed.place.level, s.pointed.place.side): s for s in sightings if s.content is not None}
    caveats = Quality.SEQUENCE_UNKNOWN if image.sequence is None else Quality(0)
    pixel = in_plane_pixel_mm(image)
    return [
        _read_around(row, seen[row.level, row.side], contents, pixel, criteria, caveats, seal_limit_mm)
        if (row.level, row.side) in seen
        else row
        for row in rows
    ]


def _read_around(
    row: ForamenAssessment,
    sighting: Sighting,
    contents: Sequence[Content],
    pixel_mm: float,
    criteria: Criteria,
    caveats: Quality,
    seal_limit_mm: float,
) -> ForamenAssessment:
    """A foramen that the labels cannot close, with the fat and the grade that were read around a point in it."""
    read = assess_sighting(sighting, contents, pixel_mm, criteria, row.quality | caveats | Quality.FROM_POINT)
    why = f"The opening is not measured: {why_not(row.quality, seal_limit_mm=seal_limit_mm)}."
    return replace(
        read,
        quality=read.quality & ~(Quality.LEVEL_UNVERIFIED | Quality.NOT_LUMBAR) | row.quality,
        reasons=(*read.reasons[:-1], why),
        measurements={**row.measurements, **read.measurements},
    )


def _with_asymmetry(assessed: Sequence[ForamenAssessment]) -> list[ForamenAssessment]:
    areas = {(a.level, a.side): a.measurements.get(Quantity.AREA) for a in assessed}
    result = []
    for one in assessed:
        right, left = areas.get((one.level, Side.RIGHT)), areas.get((one.level, Side.LEFT))
        if right is not None and left is not None:
            asymmetry = measure_asymmetry(right, left)
            measurements = {**one.measurements, Quantity.ASYMMETRY: asymmetry}
            one = replace(one, quality=one.quality | judge_asymmetry(asymmetry), measurements=measurements)
        result.append(one)
    return result


def _with_open_levels(
    assessed: Sequence[ForamenAssessment], spine: Spine, criteria: Criteria
) -> list[ForamenAssessment]:
    """The assessments with rows for levels whose lower vertebra is not labelled, in their places."""
    result = list(assessed)
    for missing in reversed(spine.open_levels):
        quality = Quality.NO_VERTEBRA | judge_level(missing.level, verified=missing.verified)
        given = not_gradable(why_not(Quality.NO_VERTEBRA), criteria)
        rows = [
            ForamenAssessment(missing.level, side, quality, (given.reason, *_remarks(quality, {})), given)
            for side in Side
        ]
        place = missing.above * len(Side)
        result[place:place] = rows
    return result
