"""Everything that was found of a study as a DICOM structured report: an Imaging Measurement Report (TID 1500)."""

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import lazy_loader as lazy

from foramgrade.errors import InputError
from foramgrade.exports import codes
from foramgrade.exports.dicom.groups import comment, describe_foramen
from foramgrade.exports.dicom.naming import REPORT_SERIES, SOFTWARE, coded, stamp_study, uid_of
from foramgrade.exports.dicom.source import DicomSource
from foramgrade.exports.folder import replace_file
from foramgrade.tables import StudyAssessment

highdicom = lazy.load("highdicom")


def write_dicom_sr(
    study: StudyAssessment, source: DicomSource, path: Path, *, made: datetime, anonymous: bool = False
) -> int:
    """Write a structured report of a study.

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
        Whether `source` was read without its identity; the object then has another UID.

    Returns
    -------
    int
        Number of foramina that have a region.

    Raises
    ------
    InputError
        If the study has no foramen, or the file cannot be written.

    Notes
    -----
    *Definition*: a Comprehensive 3D SR, complete, preliminary and not verified by anybody, with a measurement group per
    foramen, also where nothing could be measured. Every group names its level and side (finding site and laterality),
    the finding, the measures in UCUM units, the grades of all scales, the fat on every border and what stands there,
    caveats, the sentences of the result, and the algorithm with version and parameters.
    *Limits*: the region of a foramen is that of its opening on the reported section, or of the root where the opening
    was not measured.

    References
    ----------
    DICOM PS3.16, TID 1500 Measurement Report, TID 1410 Planar ROI Measurements and Qualitative Evaluations.
    """
    if not study.foramina:
        msg = "the study has no foramen: there is nothing to report"
        raise InputError(msg)
    stamp = stamp_study(study, made=made, anonymous=anonymous)
    device = highdicom.sr.DeviceObserverIdentifyingAttributes(
        uid=uid_of("device", SOFTWARE, study.version),
        name=SOFTWARE,
        manufacturer_name=SOFTWARE,
        model_name=f"{SOFTWARE} {study.version}",
    )
    context = highdicom.sr.ObservationContext(
        observer_device_context=highdicom.sr.ObserverContext(
            observer_type=coded(codes.DEVICE), observer_identifying_attributes=device
        )
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names of patients without "^" are ordinary
        groups = [describe_foramen(foramen, study, source, stamp.content) for foramen in study.foramina]
        report = highdicom.sr.MeasurementReport(
            observation_context=context,
            procedure_reported=coded(codes.PROCEDURE),
            title=coded(codes.REPORT_TITLE),
            imaging_measurements=groups,
            # The library places every image: an image of many frames has no place of its own.
            referenced_images=None if source.is_multiframe else source.images,
        )
        report[0].ContentSequence.append(comment(codes.RESEARCH_USE))
        document = highdicom.sr.Comprehensive3DSR(
            evidence=source.images,
            content=report,
            is_complete=True,
            is_final=False,
            is_verified=False,
            **stamp.header("SR", number=REPORT_SERIES, description="Foraminal measurements (research use only)"),
        )
    with replace_file(path) as part:
        document.save_as(part, enforce_file_format=True)
    return sum(_has_region(group) for group in groups)


def _has_region(group: Any) -> bool:
    return isinstance(group, highdicom.sr.PlanarROIMeasurementsAndQualitativeEvaluations)
