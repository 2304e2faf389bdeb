"""From foramina drawn by hand to a table of their measures, without an image."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from foramgrade.anatomy.labels import LevelNames, relabel
from foramgrade.anatomy.schemes.naming import scheme_of
from foramgrade.anatomy.spine import find_spine
from foramgrade.errors import InputError
from foramgrade.findings import ForamenAssessment, Quality
from foramgrade.geometry.drawn import DrawnForamen, measure_drawn
from foramgrade.geometry.pieces import SPECK_MM2
from foramgrade.geometry.planes import SECTION_PIXEL_MM
from foramgrade.grader.criteria import LEE_2010
from foramgrade.grader.grading import not_gradable
from foramgrade.tables import StudyAssessment
from foramgrade.volume import LabelMap

log = logging.getLogger(__name__)

#: Why a drawn foramen has no grade.
NO_FAT_READ = "measured from a drawn outline, fat was not read"


def measure_foramina(
    drawn: LabelMap,
    labels: LabelMap | None = None,
    *,
    case: str = "study",
    level_names: LevelNames | None = None,
    midline_mm: float | None = None,
    inputs: Sequence[Mapping[str, str]] = (),
) -> StudyAssessment:
    """Measure foramina that are drawn by hand, by the functions that measure derived ones.

    Parameters
    ----------
    drawn : LabelMap
        Foramina on sagittal slices or in nearly isotropic voxels; ``read_labels(path, scheme="foramina")`` reads them.
        One value for all or one each, on one slice or several.
    labels : LabelMap or None
        Vertebrae and discs in the same patient space, on any grid. They tell levels and sides, and the axes of heights
        and widths.
    case : str
        Name of the study in the results; never a patient's name.
    level_names : mapping of int or str to str, or None
        Names for the vertebra numbers of `labels`, where its numbers are not anatomical.
    midline_mm : float or None
        Without `labels`, where the midline is, mm to the patient's right of the world's origin; None to find it between
        the foramina of the two sides.
    inputs : sequence of mappings
        Name and SHA-256 of the input files, kept with the results.

    Returns
    -------
    StudyAssessment
        One assessment per foramen that is drawn, none of them gradable.

    Raises
    ------
    InputError
        If the drawing cannot be measured, or the labels do not fit their scheme.
    AnatomyError
        If the labels do not describe a spine.
    """
    spine = None
    if labels is not None:
        spine = find_spine(relabel(labels, scheme_of(labels), level_names=level_names))
    elif level_names:
        msg = f"level names are given for {len(level_names)} labels, expected the labels of the vertebrae with them"
        raise InputError(msg)
    drawing = measure_drawn(drawn, spine, midline_mm=midline_mm)
    if drawing.specks:
        log.warning("left out of the drawing: %d specks smaller than %g mm2", drawing.specks, SPECK_MM2)
    return StudyAssessment(
        case=case,
        foramina=tuple(_assessment(foramen) for foramen in drawing.foramina),
        sequence=None,
        scheme=drawn.scheme if labels is None else labels.scheme,
        version=version("foramgrade"),
        parameters={
            "drawn": True,
            "midline_mm": midline_mm,
            "level_names": dict(level_names or {}),
            "specks_left_out": drawing.specks,
            "speck_mm2": SPECK_MM2,
            "section_pixel_mm": SECTION_PIXEL_MM,
        },
        inputs=tuple(inputs),
    )


def _assessment(foramen: DrawnForamen) -> ForamenAssessment:
    given = not_gradable(NO_FAT_READ, LEE_2010)
    remarks = []
    if Quality.LEVEL_UNVERIFIED in foramen.quality:
        remarks.append("Nothing tells the anatomical level of this outline; labels of the vertebrae or a name would.")
    if Quality.AREA_IMPLAUSIBLE in foramen.quality:
        area = foramen.sections[foramen.chosen].area_mm2
        remarks.append(f"The area of {area:.0f} mm2 is implausible: check the outline.")
    r, a, s = foramen.sections[foramen.chosen].centre_mm
    return ForamenAssessment(
        level=foramen.level,
        side=foramen.side,
        quality=foramen.quality,
        reasons=(given.reason, *remarks),
        grade=given,
        measurements=foramen.measurements,
        n_sections=len(foramen.sections),
        section_mm=(float(r), float(a), float(s)),
    )
