"""The derived foramina, roots and perineural fat as a DICOM segmentation on the slices of the series."""

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import lazy_loader as lazy
import numpy as np
import numpy.typing as npt

from foramgrade.errors import InputError
from foramgrade.exports import codes
from foramgrade.exports.codes import LONGEST_MEANING
from foramgrade.exports.dicom.naming import SEGMENTATION_SERIES, SOFTWARE, Stamp, coded, stamp_study, uid_of
from foramgrade.exports.dicom.source import DicomSource
from foramgrade.exports.folder import replace_file
from foramgrade.exports.foramina import ForamenLabel, Structure, paint_foramina
from foramgrade.exports.properties import PROPERTIES
from foramgrade.findings import Side
from foramgrade.tables import StudyAssessment, parse_level

highdicom = lazy.load("highdicom")


def write_dicom_seg(
    study: StudyAssessment, source: DicomSource, path: Path, *, made: datetime, anonymous: bool = False
) -> tuple[ForamenLabel, ...]:
    """Write the foramina of a study as a DICOM segmentation.

    Parameters
    ----------
    study : StudyAssessment
        Assessed foramina.
    source : DicomSource
        The series that was graded.
    path : Path
        File to write; its folder must exist.
    made : datetime
        When it is made, for its content date.
    anonymous : bool
        Whether `source` was read without its identity; the objects then have other UIDs.

    Returns
    -------
    tuple of ForamenLabel
        What was painted; the n-th is segment n.

    Raises
    ------
    InputError
        If nothing of the study lies on the slices of the series, or the file cannot be written.

    Notes
    -----
    *Definition*: the voxels are those of `paint_foramina` on the grid of the series, a binary segment for every
    structure with voxels. They do not overlap: root and fat are left out of the opening, which is all three together.
    *Limits*: slices that the series lacks have no frame.
    """
    painted, described = paint_foramina(study, source.grid)
    lacking = [k for k, frame in enumerate(source.frames) if frame is None]
    painted[:, :, lacking] = 0
    present = set(np.unique(painted).tolist())
    labels = tuple(label for label in described if label.index in present)
    if not labels:
        msg = "no foramen of the study lies on the slices of the series: there is nothing to write as a segmentation"
        raise InputError(msg)
    numbers = np.zeros(int(painted.max()) + 1, np.uint16)
    numbers[[label.index for label in labels]] = np.arange(1, len(labels) + 1)
    stamp = stamp_study(study, made=made, anonymous=anonymous)
    header = stamp.header("SEG", number=SEGMENTATION_SERIES, description="Foramina, roots and fat (research use only)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names of patients without "^" are ordinary
        image = highdicom.seg.Segmentation(
            source_images=source.images,
            pixel_array=_frames(numbers[painted], source),
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[_describe(number, label, stamp) for number, label in enumerate(labels, start=1)],
            content_label="FORAMINA",
            content_description="Foramina, nerve roots and perineural fat",
            **header,
        )
    with replace_file(path) as part:
        image.save_as(part, enforce_file_format=True)
    return labels


def _frames(array: npt.NDArray[np.uint16], source: DicomSource) -> npt.NDArray[np.uint16]:
    """Array (I, J, K) as frames (frames, rows, columns) in the order of the source images or their frames."""
    slices = array.transpose(2, 1, 0)
    if not source.is_multiframe:
        return slices[[k for k, frame in enumerate(source.frames) if frame is not None]]
    frames = np.zeros((int(source.images[0].NumberOfFrames), *slices.shape[1:]), slices.dtype)
    for k, frame in enumerate(source.frames):
        if frame is not None:
            frames[frame.index] = slices[k]
    return frames


def _describe(number: int, label: ForamenLabel, stamp: Stamp) -> Any:
    category, kind = PROPERTIES[Structure[label.structure.upper()]]
    level, side = codes.code_level(parse_level(label.level)), codes.SIDES[Side(label.side)]
    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name[:LONGEST_MEANING],
        segmented_property_category=coded(category),
        segmented_property_type=coded(kind),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=SOFTWARE, family=coded(codes.ALGORITHM_FAMILY), version=stamp.version
        ),
        tracking_id=label.abbreviation,
        tracking_uid=uid_of("tracking", label.abbreviation, stamp.content),
        anatomic_regions=[coded(level)],
        display_color=highdicom.color.CIELabColor.from_string(label.color),
    )
    description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [coded(side)]
    description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [coded(side)]
    return description
