"""One foramen as a measurement group of a structured report (TID 1410, or 1501 where there is no region)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import lazy_loader as lazy
import numpy as np

from foramgrade.exports import codes
from foramgrade.exports.contours import draw_on_slice, find_region
from foramgrade.exports.dicom.naming import SOFTWARE, coded, uid_of
from foramgrade.exports.dicom.source import DicomSource
from foramgrade.exports.evaluations import find_evaluations, find_finding
from foramgrade.exports.measured import find_measurements
from foramgrade.findings import ForamenAssessment
from foramgrade.tables import StudyAssessment

highdicom = lazy.load("highdicom")

_TO_LPS = np.array([-1.0, -1.0, 1.0])
#: Decimals of a position in a picture, pixels; DICOM stores single precision.
_DECIMALS = 3
#: Parameters that are told by name and citation: their text fills pages.
_TOLD_ELSEWHERE = frozenset({"sister_scales"})


def describe_foramen(foramen: ForamenAssessment, study: StudyAssessment, source: DicomSource, content: str) -> Any:
    """Describe one foramen.

    Parameters
    ----------
    foramen : ForamenAssessment
        The foramen.
    study : StudyAssessment
        Its study, for version and parameters.
    source : DicomSource
        The series, whose slices regions are drawn on.
    content : str
        What the identifier of the foramen is made from.

    Returns
    -------
    highdicom template
        A measurement group with a planar region where there is one: on the slice in which the section lies (SCOORD), or
        in the patient where it lies in none (SCOORD3D).
    """
    level, side = codes.code_level(foramen.level), codes.SIDES[foramen.side]
    common = {
        "tracking_identifier": highdicom.sr.TrackingIdentifier(
            uid=uid_of("foramen", foramen.name, content), identifier=foramen.name
        ),
        "finding_type": coded(find_finding(foramen)),
        "finding_sites": [highdicom.sr.FindingSite(anatomic_location=coded(level), laterality=coded(side))],
        "algorithm_id": highdicom.sr.AlgorithmIdentification(
            name=SOFTWARE,
            version=study.version,
            parameters=list(_say_parameters(study.parameters)),
            family=coded(codes.ALGORITHM_FAMILY),
        ),
        "measurements": [
            highdicom.sr.Measurement(name=coded(name), value=value, unit=coded(unit))
            for name, value, unit in find_measurements(foramen)
        ],
        "qualitative_evaluations": [
            highdicom.sr.QualitativeEvaluation(name=coded(name), value=coded(value))
            for name, value in find_evaluations(foramen)
        ],
    }
    region = _draw(foramen, source)
    if region is None:
        group = highdicom.sr.MeasurementsAndQualitativeEvaluations(**common)
    else:
        group = highdicom.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    for sentence in dict.fromkeys((foramen.grade.reason, *foramen.reasons)):
        group[0].ContentSequence.append(comment(sentence))
    return group


def comment(text: str) -> Any:
    """Comment of a report or a group."""
    return highdicom.sr.TextContentItem(
        name=coded(codes.COMMENT),
        value=text,
        relationship_type=highdicom.sr.RelationshipTypeValues.CONTAINS,
    )


def _say_parameters(parameters: Mapping[str, object]) -> Iterator[str]:
    for name, value in parameters.items():
        if name not in _TOLD_ELSEWHERE:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{name} = {text}"


def _draw(foramen: ForamenAssessment, source: DicomSource) -> Any:
    polygon = find_region(foramen)
    if polygon is None:
        return None
    drawn = draw_on_slice(polygon, source.grid)
    frame = None if drawn is None else source.frames[drawn.slice]
    header = None if drawn is None else source.headers[drawn.slice]
    if drawn is None or frame is None or header is None:
        return highdicom.sr.ImageRegion3D(
            graphic_type=highdicom.sr.GraphicTypeValues3D.POLYGON,
            graphic_data=polygon * _TO_LPS,
            frame_of_reference_uid=source.images[0].FrameOfReferenceUID,
        )
    return highdicom.sr.ImageRegion(
        graphic_type=highdicom.sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.round(drawn.points, _DECIMALS),
        source_image=highdicom.sr.SourceImageForRegion(
            referenced_sop_class_uid=header.SOPClassUID,
            referenced_sop_instance_uid=header.SOPInstanceUID,
            referenced_frame_numbers=[frame.index + 1] if source.is_multiframe else None,
        ),
    )
