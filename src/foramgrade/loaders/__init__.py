"""Reading image series and label maps from files into patient space (RAS+, mm)."""

from foramgrade.loaders.bias import correct_bias
from foramgrade.loaders.dicom.placing import Irregularity
from foramgrade.loaders.files import file_identity
from foramgrade.loaders.listing import count_numbers, list_series
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.pseudonym import PUBLIC_SALT, CaseNames, case_id, name_case
from foramgrade.loaders.reading import FoundSeries, find_series, find_series_by_sha256, identify_files, read_volume
from foramgrade.loaders.segmentation.names import FORAMINA_SCHEME
from foramgrade.loaders.segmentation.reading import read_labels
from foramgrade.loaders.segmentation.segments import Segment, holds_segments, read_segments
from foramgrade.loaders.series import Plane, SeriesInfo

__all__ = [
    "FORAMINA_SCHEME",
    "PUBLIC_SALT",
    "CaseNames",
    "FoundSeries",
    "Irregularity",
    "Orientation",
    "Plane",
    "Segment",
    "SeriesInfo",
    "case_id",
    "correct_bias",
    "count_numbers",
    "file_identity",
    "find_series",
    "find_series_by_sha256",
    "holds_segments",
    "identify_files",
    "list_series",
    "name_case",
    "read_labels",
    "read_segments",
    "read_volume",
]
