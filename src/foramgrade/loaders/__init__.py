"""Reading image series and label maps from files into patient space (RAS+, mm)."""

from foramgrade.loaders.files import file_identity
from foramgrade.loaders.nifti import Orientation
from foramgrade.loaders.reading import read_labels, read_volume
from foramgrade.loaders.series import Plane, SeriesInfo, list_series

__all__ = [
    "Orientation",
    "Plane",
    "SeriesInfo",
    "file_identity",
    "list_series",
    "read_labels",
    "read_volume",
]
