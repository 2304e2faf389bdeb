"""DICOM objects: a series of a phantom, segmentations and structured reports of a graded series."""

from foramgrade.exports.dicom.report import write_dicom_sr
from foramgrade.exports.dicom.segmentation import write_dicom_seg
from foramgrade.exports.dicom.series import write_dicom_series
from foramgrade.exports.dicom.source import DicomSource, read_source

__all__ = ["DicomSource", "read_source", "write_dicom_seg", "write_dicom_series", "write_dicom_sr"]
