"""DICOM segmentations: one frame per segment and slice, or label maps; empty slices are usually left out."""

import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.utils import iter_pixels

from foramgrade.errors import InputError
from foramgrade.loaders.dicom.elements import DAMAGE, Elements
from foramgrade.loaders.segmentation.slice_grid import FramePlane, Layout, lay_frames
from foramgrade.loaders.segmentation.voxels import (
    choose_labels,
    count_overlaps,
    listed,
    nothing_labelled,
    refuse_overlaps,
)
from foramgrade.volume import FloatArray, Grid

#: Storage classes of segmentations: segments, and label maps.
SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")

_TO_RAS = np.array([-1.0, -1.0, 1.0])

_BACKGROUND = "background"


class SegmentationType(StrEnum):
    """How a DICOM segmentation stores its segments."""

    BINARY = "BINARY"
    """One bit per pixel, a frame for every segment and slice."""
    LABELMAP = "LABELMAP"
    """The number of the segment in every pixel, a frame for every slice."""
    FRACTIONAL = "FRACTIONAL"
    """Probabilities or occupancies; refused, since no threshold is agreed on."""


@dataclass(frozen=True, slots=True, eq=False)
class DicomSegmentation:
    """A DICOM segmentation whose header has been read and checked.

    Parameters
    ----------
    file : str
        Name of the file.
    type : SegmentationType
        Binary or label map.
    names : mapping of int to str
        Name of every segment; the background of a label map is none.
    planes : tuple of FramePlane
        Where the frames lie.
    numbers : tuple of int
        Segment of each frame; empty in a label map.
    background : tuple of int
        Values of a label map that stand for background.
    depths_mm : tuple of two float or None
        Spacing between slices and slice thickness as stated, mm.
    size : tuple of two int
        Columns and rows of a frame.
    largest : int
        Largest value that a pixel can hold.
    dataset : pydicom Dataset
        The data set, with its pixels as stored.
    """

    file: str
    type: SegmentationType
    names: Mapping[int, str]
    planes: tuple[FramePlane, ...]
    numbers: tuple[int, ...]
    background: tuple[int, ...]
    depths_mm: tuple[float | None, float | None]
    size: tuple[int, int]
    largest: int
    dataset: Any

    def lay(self, grid: Grid | None = None) -> Layout:
        """Lay the frames onto the grid of the source image, or onto the one that spans them; see `lay_frames`."""
        return lay_frames(self.planes, self.size, depths_mm=self.depths_mm, name=self.file, grid=grid)

    def frames(self, wanted: Collection[int] | None = None) -> Iterator[tuple[int, npt.NDArray[np.integer[Any]]]]:
        """Index and (rows, columns) pixels of each frame, one at a time; of binary ones those of some segments."""
        chosen = [n for n in range(len(self.planes)) if not self.numbers or wanted is None or self.numbers[n] in wanted]
        decoded = iter_pixels(self.dataset, indices=chosen, raw=True) if chosen else iter(())
        for index in chosen:
            pixels = _next_frame(decoded, self.file)
            if pixels.shape != self.size[::-1]:
                msg = f"{self.file}: frame {index + 1} has shape {pixels.shape}, expected one value per pixel"
                raise InputError(msg)
            yield index, pixels


def is_segmentation(dataset: Any) -> bool:
    """Whether a data set is a segmentation, by its storage class or, where that is missing, its modality."""
    storage_class = dataset.get("SOPClassUID") or getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID")
    return str(storage_class or "") in SEGMENTATION_CLASSES or (not storage_class and dataset.get("Modality") == "SEG")


def open_dicom_seg(path: Path) -> DicomSegmentation:
    """Read and check the header of a DICOM segmentation.

    Parameters
    ----------
    path : Path
        The file, whatever it is called.

    Returns
    -------
    DicomSegmentation
        The segmentation, its pixels not decoded.

    Raises
    ------
    InputError
        If the file is damaged, is not a segmentation, holds fractions, tiles of a slide or no frames, or does not say
        where its frames lie.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values are judged here, by what they are needed for
            dataset = pydicom.dcmread(path, force=True)
            return _checked(dataset, path.name)
    except DAMAGE as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path.name} has a damaged DICOM header"
        raise InputError(msg) from error


def read_dicom_seg(
    path: Path, *, segments: Collection[int | str] | None = None, grid: Grid | None = None
) -> tuple[npt.NDArray[np.unsignedinteger[Any]], Grid, dict[int, str]]:
    """Read a DICOM segmentation as one label map.

    Parameters
    ----------
    path : Path
        The file.
    segments : collection of int and str, or None
        Segments to read, by number or name; None for all.
    grid : Grid or None
        Grid of the source image, onto which to restore the frames.

    Returns
    -------
    (I, J, K) unsigned integer array
        The number of the segment in every voxel.
    Grid
        Where the voxels are.
    dict of int to str
        Names of the segments read.

    Raises
    ------
    InputError
        If the file cannot be read, or segments share voxels.
    GridMismatchError
        If the frames do not lie on the planes of `grid`.
    """
    held = open_dicom_seg(path)
    chosen = choose_labels(held.names, segments, where=held.file)
    layout = held.lay(grid)
    overlaps: Counter[tuple[int, int]] = Counter()
    # A label map may hold values that it does not describe, so that only its pixels' size is sure.
    largest = held.largest if held.type is SegmentationType.LABELMAP else max(chosen)
    labels: npt.NDArray[np.unsignedinteger[Any]]
    labels = np.zeros(layout.grid.shape, np.min_scalar_type(largest), order="F")
    for index, pixels in held.frames(chosen):
        window = layout.window(labels, index)
        if held.type is SegmentationType.LABELMAP:
            here = ~np.isin(pixels, held.background) if segments is None else np.isin(pixels, chosen)
            new = pixels[here]
            clash = (window[here] != 0) & (window[here] != new)
            if clash.any():
                msg = f"{held.file}: frame {index + 1} repeats a slice with other labels, expected one frame per slice"
                raise InputError(msg)
            window[here] = new
        else:
            here = pixels != 0
            count_overlaps(window[here], held.numbers[index], overlaps)
            window[here] = held.numbers[index]
    way = "choose some with segments, by number or name"
    refuse_overlaps(overlaps, held.names, where=f"{held.file}: segments", way=way)
    if not labels.any():
        raise InputError(nothing_labelled(held.file))
    labels.flags.writeable = False
    return labels, layout.grid, {n: held.names[n] for n in chosen}


def fill_segments(held: DicomSegmentation, layout: Layout, masks: Mapping[int, npt.NDArray[np.bool_]]) -> None:
    """Set the voxels of segments in their masks on the grid of the layout; every frame is decoded once."""
    for index, pixels in held.frames(masks):
        if held.type is SegmentationType.BINARY:
            window = layout.window(masks[held.numbers[index]], index)
            window |= pixels != 0
            continue
        for number in np.unique(pixels).tolist():
            if number in masks:
                window = layout.window(masks[number], index)
                window |= pixels == number


def _next_frame(decoded: Iterator[npt.NDArray[Any]], file: str) -> npt.NDArray[Any]:
    """Decode one frame; the warnings of pydicom are silenced no longer than that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return next(decoded)
    except (*DAMAGE, StopIteration) as error:
        msg = f"{file}: its pixels are damaged, truncated or of an unknown compression"
        raise InputError(msg) from error


def _checked(dataset: Any, file: str) -> DicomSegmentation:
    top = Elements(dataset)
    if not is_segmentation(dataset):
        what = top.text("Modality") or "unknown modality"
        msg = f"{file} is a DICOM file but no segmentation ({what}), expected the labels as DICOM SEG"
        raise InputError(msg)
    kind = _segmentation_type(top, file)
    described = _describe_segments(top, file)
    per_frame = top.items("PerFrameFunctionalGroupsSequence")
    shared = top.items("SharedFunctionalGroupsSequence")[:1]
    if not per_frame or "PixelData" not in dataset:
        msg = f"{file} holds no frames, expected a segmentation with at least one"
        raise InputError(msg)
    tiled = "TILED" in top.text("DimensionOrganizationType")
    if tiled or any("PlanePositionSlideSequence" in groups for groups in (per_frame[0], *shared)):
        msg = f"{file} is made of tiles of a slide, expected slices of a patient"
        raise InputError(msg)
    if top.whole("NumberOfFrames") not in (None, len(per_frame)):
        msg = f"{file} states {top.text('NumberOfFrames')} frames and describes {len(per_frame)}: is it damaged?"
        raise InputError(msg)
    held = [Elements(dataset, groups, *shared) for groups in per_frame]
    planes = tuple(_plane(own, n, file) for n, own in enumerate(held, start=1))
    numbers: tuple[int, ...] = ()
    background: tuple[int, ...] = (0,)
    if kind is SegmentationType.BINARY:
        numbers = tuple(
            _segment_of((groups, *shared), n, described, file) for n, groups in enumerate(per_frame, start=1)
        )
    else:
        padding = top.whole("PixelPaddingValue")
        background = (0,) if padding is None else (0, padding)
    _check_bits(top, kind, file)
    return DicomSegmentation(
        file=file,
        type=kind,
        names={n: name for n, name in described.items() if n not in background},
        planes=planes,
        numbers=numbers,
        background=background,
        depths_mm=(held[0].number("SpacingBetweenSlices"), held[0].number("SliceThickness")),
        size=(top.whole("Columns") or 0, top.whole("Rows") or 0),
        largest=2 ** (top.whole("BitsAllocated") or 1) - 1,
        dataset=dataset,
    )


def _segmentation_type(top: Elements, file: str) -> SegmentationType:
    stated = top.text("SegmentationType").upper()
    if stated == SegmentationType.FRACTIONAL:
        msg = f"{file} holds fractional segments (probabilities), expected binary ones or a label map: threshold it"
        raise InputError(msg)
    if stated not in (SegmentationType.BINARY, SegmentationType.LABELMAP):
        msg = f"{file}: found the segmentation type {stated!r}, expected BINARY or LABELMAP"
        raise InputError(msg)
    return SegmentationType(stated)


def _check_bits(top: Elements, kind: SegmentationType, file: str) -> None:
    bits, samples = top.whole("BitsAllocated"), top.whole("SamplesPerPixel")
    expected = (1, 8) if kind is SegmentationType.BINARY else (8, 16)
    if min(top.whole("Rows") or 0, top.whole("Columns") or 0) < 1:
        msg = f"{file} does not say how large its frames are"
        raise InputError(msg)
    if bits not in expected or samples not in (None, 1):
        msg = f"{file}: found {bits} bits and {samples} samples per pixel, expected {expected[0]} or {expected[1]} bits"
        raise InputError(msg)


def _describe_segments(top: Elements, file: str) -> dict[int, str]:
    """Name of every segment: its label, else what it is said to be."""
    names: dict[int, str] = {}
    for item in top.items("SegmentSequence"):
        own = Elements(item)
        number = own.whole("SegmentNumber")
        if number is None or not 0 <= number <= 65535 or number in names:
            msg = f"{file}: found the segment number {own.text('SegmentNumber')!r}, expected each number from 1 once"
            raise InputError(msg)
        kinds = own.items("SegmentedPropertyTypeCodeSequence")
        meaning = Elements(kinds[0]).text("CodeMeaning") if kinds else ""
        names[number] = own.text("SegmentLabel") or meaning
        if number == 0 and _BACKGROUND not in (names[0].lower(), meaning.lower()):
            msg = f"{file}: the segment {names[0]!r} has the number 0, which stands for background: renumber it"
            raise InputError(msg)
    if not set(names) - {0}:
        msg = f"{file} describes no segments, expected at least one"
        raise InputError(msg)
    return names


def _segment_of(groups: tuple[Any, ...], frame: int, described: Mapping[int, str], file: str) -> int:
    number = None
    for held in groups:
        items = Elements(held).items("SegmentIdentificationSequence")
        number = Elements(items[0]).whole("ReferencedSegmentNumber") if items else None
        if number is not None:
            break
    if number is None or number not in described or number == 0:
        msg = f"{file}: frame {frame} belongs to the segment {number}, expected one of {listed(described)}"
        raise InputError(msg)
    return number


def _plane(own: Elements, frame: int, file: str) -> FramePlane:
    position, cosines = own.numbers("ImagePositionPatient"), own.numbers("ImageOrientationPatient")
    spacing = own.numbers("PixelSpacing")
    if len(position) != 3 or len(cosines) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        msg = f"{file}: frame {frame} does not say where in the patient it is (position, orientation, pixel spacing)"
        raise InputError(msg)
    row, column = _unit(cosines[:3]), _unit(cosines[3:])
    if row is None or column is None:
        msg = f"{file}: frame {frame} has an orientation of no direction"
        raise InputError(msg)
    between_rows, between_columns = spacing
    return FramePlane(np.array(position) * _TO_RAS, row, column, (between_columns, between_rows))


def _unit(cosines: tuple[float, ...]) -> FloatArray | None:
    vector = np.array(cosines) * _TO_RAS
    length = float(np.linalg.norm(vector))
    return vector / length if 0.9 < length < 1.1 else None
