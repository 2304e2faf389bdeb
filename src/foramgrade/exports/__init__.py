"""Files for other programs: images and label maps, DICOM objects, BIDS derivatives, and the folder of a study."""

from foramgrade.exports.agreement import write_agreement
from foramgrade.exports.bids import BidsSource, find_bids_source, write_bids
from foramgrade.exports.comparison import write_comparison
from foramgrade.exports.dicom import DicomSource, read_source, write_dicom_seg, write_dicom_series, write_dicom_sr
from foramgrade.exports.fhir import write_fhir
from foramgrade.exports.film import sample_beside, write_film
from foramgrade.exports.folder import fill_folder
from foramgrade.exports.foramina import paint_foramina, write_foramina
from foramgrade.exports.graded import Graded, read_graded
from foramgrade.exports.nifti import write_labels, write_nifti, write_volume
from foramgrade.exports.slicer import write_slicer
from foramgrade.exports.study import write_study
from foramgrade.exports.validation import write_validation

__all__ = [
    "BidsSource",
    "DicomSource",
    "Graded",
    "fill_folder",
    "find_bids_source",
    "paint_foramina",
    "read_graded",
    "read_source",
    "sample_beside",
    "write_agreement",
    "write_bids",
    "write_comparison",
    "write_dicom_seg",
    "write_dicom_series",
    "write_dicom_sr",
    "write_fhir",
    "write_film",
    "write_foramina",
    "write_labels",
    "write_nifti",
    "write_slicer",
    "write_study",
    "write_validation",
    "write_volume",
]
