"""Files for other programs: images and label maps, DICOM objects, BIDS derivatives, and the folder of a study."""

from foramgrade.exports.agreement import write_agreement
from foramgrade.exports.folder import fill_folder
from foramgrade.exports.foramina import paint_foramina, write_foramina
from foramgrade.exports.nifti import write_labels, write_nifti, write_volume
from foramgrade.exports.study import write_study

__all__ = [
    "fill_folder",
    "paint_foramina",
    "write_agreement",
    "write_foramina",
    "write_labels",
    "write_nifti",
    "write_study",
    "write_volume",
]
