"""Segments of files that hold them one by one: DICOM SEG and Slicer's segmentations, where structures may overlap."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders.dicom.headers import read_frames
from foramgrade.loaders.files import Format, find_format, is_dicom
from foramgrade.loaders.segmentation.dicom_seg import DicomSegmentation, open_dicom_seg
from foramgrade.loaders.segmentation.slicer import open_slicer_segmentation
from foramgrade.loaders.sources import Source
from foramgrade.volume import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One structure of a segmentation, whole, whatever overlaps it.

    Parameters
    ----------
    number : int
        Its number: the segment number of DICOM, the label value of Slicer or, where layers use a value twice, a count.
    name : str
        What the file calls it.
    mask : (I, J, K) bool array
        Where it is. Copied unless nobody can write to it, and kept read-only.
    grid : Grid
        Where the voxels are.
    """

    number: int
    name: str
    mask: npt.NDArray[np.bool_]
    grid: Grid

    def __post_init__(self) -> None:
        if self.mask.shape != self.grid.shape:
            msg = f"the mask has shape {self.mask.shape}, its grid has shape {self.grid.shape}: they must be equal"
            raise GridMismatchError(msg)
        mask = self.mask
        if mask.base is not None or mask.flags.writeable or mask.dtype != np.bool_:
            mask = np.array(mask, dtype=np.bool_, order="K")
            mask.flags.writeable = False
        object.__setattr__(self, "mask", mask)


def holds_segments(path: str | Path) -> bool:
    """Tell whether a file holds segments one by one, without reading them.

    Parameters
    ----------
    path : str or Path
        A file or a folder.

    Returns
    -------
    bool
        Whether it is a DICOM segmentation or one of 3D Slicer (.seg.nrrd).

    Raises
    ------
    InputError
        If there is no such file, its format is not known, or it is damaged.
    """
    path = Path(path)
    kind = find_format(path)
    if kind is Format.DICOM and path.is_file() and is_dicom(path):
        return any(frame.header.modality == "SEG" for frame in read_frames(Source(path.parent, path.name))[:1])
    return kind is Format.NRRD and path.name.lower().endswith(".seg.nrrd")


def read_segments(path: str | Path, *, grid: Grid | None = None) -> tuple[Segment, ...]:
    """Read every segment of a segmentation whole, those that overlap too.

    Parameters
    ----------
    path : str or Path
        A DICOM segmentation, or a segmentation of 3D Slicer (.seg.nrrd).
    grid : Grid or None
        Grid of the source image: DICOM segmentations leave empty slices out, and are restored onto it. Without it, onto
        the grid that spans the slices at hand.

    Returns
    -------
    tuple of Segment
        In the order of their numbers, all on one grid; a segment without voxels is empty. Of fractional segments the
        voxels that belong to them by at least one half.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold segments.
    GridMismatchError
        If the frames do not lie on the planes of `grid`.

    Notes
    -----
    Limits: holds one boolean volume per segment; for a single label map `read_labels` needs the memory of one volume.
    """
    path = Path(path)
    kind = find_format(path)
    if kind is Format.DICOM and path.is_file():
        held = open_dicom_seg(path, grid=grid)
        return tuple(_placed(held, number, mask) for number, mask in held.masks(sorted(held.names)))
    if kind is Format.NRRD:
        sliced = open_slicer_segmentation(path)
        if sliced is not None:
            return tuple(Segment(n, s.name, sliced.mask(s), sliced.grid) for n, s in sorted(sliced.segments.items()))
    msg = f"{path.name} holds no segments, expected a DICOM segmentation or a segmentation of 3D Slicer (.seg.nrrd)"
    raise InputError(msg)


def _placed(held: DicomSegmentation, number: int, here: npt.NDArray[np.bool_]) -> Segment:
    return Segment(number, held.names[number], held.restored(here), held.grid)
