"""DICOM segmentations, read with highdicom: one frame per segment and slice, or label maps; empty slices left out."""

import sqlite3
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import lazy_loader as lazy
import numpy as np
import numpy.typing as npt
import pydicom

from foramgrade.errors import InputError
from foramgrade.loaders.dicom.elements import DAMAGE, DamagedElementError, Elements
from foramgrade.loaders.placement import LARGEST_POSITION_MM, place_grid
from foramgrade.loaders.segmentation.merging import Merged, Part, merge_structures
from foramgrade.loaders.segmentation.slice_grid import COSINE_ROUNDING, ON_PLANE_MM, SAME_DIRECTION, find_step, part_of
from foramgrade.loaders.segmentation.voxels import Label, choose_labels, listed, nothing_labelled
from foramgrade.volume import SOLID_SHARE, Grid

highdicom = lazy.load("highdicom")  # takes longer to import than a segmentation to read

#: Storage classes of segmentations: segments, and label maps.
SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")

#: No volume has more voxels than this; a damaged header may ask for any number.
MOST_VOXELS = 2**31

#: What highdicom raises on files that are damaged or lack what the standard requires; it keeps frames in a database.
_REFUSALS = (*DAMAGE, sqlite3.Error)

_BACKGROUND = "background"
_EVERYTHING = (slice(None), slice(None), slice(None))


class SegmentationType(StrEnum):
    """How a DICOM segmentation stores its segments."""

    BINARY = "BINARY"
    """One bit per pixel, a frame for every segment and slice."""
    LABELMAP = "LABELMAP"
    """The number of the segment in every pixel, a frame for every slice."""
    FRACTIONAL = "FRACTIONAL"
    """Probabilities or occupancies in whole numbers, a frame for every segment and slice."""


_BITS = {SegmentationType.BINARY: (1, 8), SegmentationType.LABELMAP: (8, 16), SegmentationType.FRACTIONAL: (8,)}


@dataclass(frozen=True, slots=True, eq=False)
class DicomSegmentation:
    """A DICOM segmentation whose header has been read and checked.

    Parameters
    ----------
    file : str
        Name of the file.
    type : SegmentationType
        Binary, fractional or label map.
    names : mapping of int to str
        Name of every segment; the background of a label map is none.
    background : tuple of int
        Values of a label map that stand for background.
    grid : Grid
        Where the voxels are wanted: the grid of the source image, or the one that spans the frames.
    axes : tuple of three int
        Axes of `grid` that run along columns, rows and slices of the frames.
    part : tuple of three slice
        Along these axes, the part of `grid` that the frames cover; a negative step where they run the other way.
    image : highdicom Segmentation
        The segmentation, its pixels as stored.
    """

    file: str
    type: SegmentationType
    names: Mapping[int, str]
    background: tuple[int, ...]
    grid: Grid
    axes: tuple[int, int, int]
    part: tuple[slice, slice, slice]
    image: Any

    def window(self, array: npt.NDArray[Label]) -> npt.NDArray[Label]:
        """The part of an array on the grid that the frames cover: a view of shape (columns, rows, slices)."""
        return array.transpose(self.axes)[self.part]

    def restored(self, here: npt.NDArray[Label]) -> npt.NDArray[Label]:
        """What the frames hold, (columns, rows, slices), on the whole grid, which nobody can write to; 0 elsewhere."""
        whole = np.zeros(self.grid.shape, here.dtype, order="F")
        self.window(whole)[...] = here
        whole.flags.writeable = False
        return whole

    def labels(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Pixels of a label map as stored, (columns, rows, slices), background 0."""
        dtype = np.dtype(f"u{self.image.BitsAllocated // 8}")
        # A label map may hold values that it does not describe, so that only its pixels' size is sure.
        stored = self._decoded(combine_segments=True, dtype=dtype)
        table = np.arange(2 ** (8 * dtype.itemsize), dtype=dtype)
        table[list(self.background)] = 0
        labels: npt.NDArray[np.unsignedinteger[Any]] = table[stored]
        return labels

    def masks(self, numbers: Collection[int]) -> Iterator[tuple[int, npt.NDArray[np.bool_]]]:
        """Segments with where they are, (columns, rows, slices), one at a time; fractional ones from one half on."""
        if self.type is SegmentationType.LABELMAP:
            labels = self.labels()
            yield from ((number, labels == number) for number in numbers)
            return
        for number, part in self.parts(numbers):
            yield number, np.asarray(part >= SOLID_SHARE)

    def parts(self, numbers: Collection[int]) -> Iterator[tuple[int, Part]]:
        """Segments that have frames of their own as these hold them: whole voxels, or their shares from 0 to 1."""
        dtype = np.float32 if self.type is SegmentationType.FRACTIONAL else np.bool_
        for number in numbers:
            yield number, self._decoded(segment_numbers=[number], dtype=dtype)[..., 0]

    def _decoded(self, **wanted: Any) -> Any:
        """Voxels in the order of the grid that spans the frames; the slices left out come back empty."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                volume = _turned(self.image.get_volume(atol=ON_PLANE_MM, **wanted))
        except _REFUSALS as error:
            msg = f"{self.file}: its pixels are damaged, truncated or given twice for a slice"
            raise InputError(msg) from error
        return volume.array


def open_dicom_seg(path: Path, *, grid: Grid | None = None) -> DicomSegmentation:
    """Read and check the header of a DICOM segmentation.

    Parameters
    ----------
    path : Path
        The file, whatever it is called.
    grid : Grid or None
        Grid of the source image, onto which to restore the frames; None to find one from the frames.

    Returns
    -------
    DicomSegmentation
        The segmentation, its pixels not decoded. Without `grid`, on a grid that spans the frames: i along a row, j
        along a column, k across the frames.

    Raises
    ------
    InputError
        If the file is damaged, is not a segmentation, holds tiles of a slide or no frames, or its frames do not make up
        one volume.
    GridMismatchError
        If the frames do not lie on the planes of `grid`.

    Notes
    -----
    Definition: the slice spacing is that of `find_step`, which the header may not state or misstate.
    """
    file = path.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values are judged here, by what they are needed for
            dataset = pydicom.dcmread(path, force=True)
    except DAMAGE as error:
        msg = f"{file} has a damaged DICOM header"
        raise InputError(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind, names, background = _check_header(dataset, file)
            _complete(dataset, kind, names, file)
            _state_spacing(dataset, file, grid)
    except DamagedElementError as error:
        msg = f"{file} has a damaged DICOM header: {error}"
        raise InputError(msg) from error
    image, spatial = _opened(dataset, file)
    columns, rows, slices = (int(n) for n in spatial.spatial_shape)
    if columns * rows * slices > MOST_VOXELS:
        msg = f"{file}: its frames span a volume of {columns} x {rows} x {slices} voxels: is its header damaged?"
        raise InputError(msg)
    own = place_grid((columns, rows, slices), spatial.get_affine("RAS"), name=file)
    axes, part = ((0, 1, 2), _EVERYTHING) if grid is None else part_of(grid, own, name=file)
    return DicomSegmentation(file, kind, names, background, own if grid is None else grid, axes, part, image)


def read_dicom_seg(
    path: Path, *, segments: Collection[int | str] | None = None, grid: Grid | None = None
) -> tuple[Merged, Grid, dict[int, str]]:
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
    Merged
        The number of the segment in every voxel, with shares where segments are fractional.
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
    held = open_dicom_seg(path, grid=grid)
    chosen = choose_labels(held.names, segments, where=held.file)
    if held.type is SegmentationType.LABELMAP:
        stored = held.labels()
        own = Merged(stored if segments is None else np.where(np.isin(stored, chosen), stored, stored.dtype.type(0)))
    else:
        own = merge_structures(held.parts(chosen), highest=max(chosen))
        way = "choose some with segments, by number or name"
        own.refuse_overlaps(held.names, where=f"{held.file}: segments", way=way)
    if not own.hard().any():
        raise InputError(nothing_labelled(held.file))
    merged = Merged(held.restored(own.labels), None if own.shares is None else held.restored(own.shares))
    return merged, held.grid, {n: held.names[n] for n in chosen}


def _opened(dataset: Any, file: str) -> tuple[Any, Any]:
    """The segmentation of highdicom, and where its voxels are: (columns, rows, slices)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
    except _REFUSALS as error:
        lacking = f" ({error})" if isinstance(error, AttributeError) else ""  # these name an element, never its value
        msg = f"{file} is damaged or lacks what DICOM requires of a segmentation{lacking}"
        raise InputError(msg) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return image, _turned(image.get_volume_geometry(atol=ON_PLANE_MM))
    except _REFUSALS as error:
        msg = f"{file}: its frames do not make up one volume, expected parallel frames with pixels of one size"
        raise InputError(msg) from error


def _turned(volume: Any) -> Any:
    """A volume or geometry of highdicom, (slices, rows, columns), in DICOM's order across the frames."""
    return volume.permute_spatial_axes([2, 1, 0]).ensure_handedness("RIGHT_HANDED", flip_axis=2)


def _check_header(dataset: Any, file: str) -> tuple[SegmentationType, dict[int, str], tuple[int, ...]]:
    """Type, names of the segments and values of background, where the header says what is expected."""
    top = Elements(dataset)
    if top.text("SOPClassUID") not in SEGMENTATION_CLASSES:
        what = top.text("Modality") or "unknown modality"
        msg = f"{file} is a DICOM file but no segmentation ({what}), expected the labels as DICOM SEG"
        raise InputError(msg)
    kind = _segmentation_type(top, file)
    described = _describe_segments(top, file)
    frames = top.items("PerFrameFunctionalGroupsSequence")
    shared = top.items("SharedFunctionalGroupsSequence")[:1]
    if not frames or "PixelData" not in dataset:
        msg = f"{file} holds no frames, expected a segmentation with at least one"
        raise InputError(msg)
    tiled = "TILED" in top.text("DimensionOrganizationType")
    if tiled or any("PlanePositionSlideSequence" in groups for groups in (frames[0], *shared)):
        msg = f"{file} is made of tiles of a slide, expected slices of a patient"
        raise InputError(msg)
    if top.whole("NumberOfFrames") != len(frames):
        msg = f"{file} states {top.text('NumberOfFrames') or 'no'} frames and describes {len(frames)}: is it damaged?"
        raise InputError(msg)
    _check_bits(top, kind, file)
    if kind is SegmentationType.LABELMAP:
        padding = top.whole("PixelPaddingValue")
        background = (
            (0,) if padding is None or not 0 <= padding < 2 ** (top.whole("BitsAllocated") or 1) else (0, padding)
        )
        return kind, {n: name for n, name in described.items() if n not in background}, background
    return kind, {n: name for n, name in described.items() if n}, (0,)


def _complete(dataset: Any, kind: SegmentationType, names: Mapping[int, str], file: str) -> None:
    """Add to the header what highdicom requires and some tools leave out: labels, a frame of reference, indices."""
    top = Elements(dataset)
    for item in top.items("SegmentSequence"):
        if not Elements(item).text("SegmentLabel"):
            item.add_new("SegmentLabel", "LO", "")
    if not top.text("FrameOfReferenceUID"):
        dataset.add_new("FrameOfReferenceUID", "UI", pydicom.uid.generate_uid())
    if kind is SegmentationType.LABELMAP:
        return
    shared = top.items("SharedFunctionalGroupsSequence")[:1]
    for n, groups in enumerate(top.items("PerFrameFunctionalGroupsSequence"), start=1):
        found = [item for held in (groups, *shared) for item in Elements(held).items("SegmentIdentificationSequence")]
        number = Elements(found[0]).whole("ReferencedSegmentNumber") if found else None
        if number not in names:  # highdicom would leave the frame out
            msg = f"{file}: frame {n} belongs to the segment {number}, expected one of {listed(names)}"
            raise InputError(msg)
        content = pydicom.Dataset()
        content.DimensionIndexValues = [number]
        groups.add_new("FrameContentSequence", "SQ", [content])
    index = pydicom.Dataset()  # highdicom knows the segment of a frame only where it is an index
    index.DimensionIndexPointer = pydicom.datadict.tag_for_keyword("ReferencedSegmentNumber")
    index.FunctionalGroupPointer = pydicom.datadict.tag_for_keyword("SegmentIdentificationSequence")
    dataset.add_new("DimensionIndexSequence", "SQ", [index])


def _state_spacing(dataset: Any, file: str, grid: Grid | None) -> None:
    """Write the slice spacing into the header: highdicom believes the stated one, or takes 1 mm for a single slice."""
    top = Elements(dataset)
    shared = top.items("SharedFunctionalGroupsSequence")[:1]
    frames = [Elements(dataset, groups, *shared) for groups in top.items("PerFrameFunctionalGroupsSequence")]
    for n, frame in enumerate(frames, start=1):
        sizes = [len(frame.numbers(k)) for k in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")]
        if sizes != [3, 6, 2]:
            msg = f"{file}: frame {n} does not say where in the patient it is (position, orientation, pixel spacing)"
            raise InputError(msg)
    positions = np.array([frame.numbers("ImagePositionPatient") for frame in frames])
    cosines = np.array([frame.numbers("ImageOrientationPatient") for frame in frames])
    turns = np.abs(cosines - cosines[0]).max(axis=1)
    if turns.max() > SAME_DIRECTION:
        degrees, n = np.rad2deg(turns.max()), int(turns.argmax()) + 1
        msg = f"{file}: frame {n} is turned against the first by {degrees:.2g} degrees, expected one stack"
        raise InputError(msg)
    directions = cosines[0].reshape(2, 3)
    if np.abs(directions @ directions.T - np.eye(2)).max() > COSINE_ROUNDING:
        msg = f"{file}: rows and columns of its frames are not at right angles"
        raise InputError(msg)
    if np.abs(positions).max() > LARGEST_POSITION_MM:
        msg = f"{file}: its frames do not lie within {LARGEST_POSITION_MM:g} mm of the origin: is its header damaged?"
        raise InputError(msg)
    shift = float(np.abs((positions - positions[0]) @ directions.T).max())
    if shift > ON_PLANE_MM:
        msg = f"{file}: its frames are shifted by up to {shift:.3g} mm in their plane, expected one field of view"
        raise InputError(msg)
    stated = (frames[0].number("SpacingBetweenSlices"), frames[0].number("SliceThickness"))
    step = find_step(positions, cosines[0], depths_mm=stated, name=file, grid=grid)
    for groups in (*shared, *top.items("PerFrameFunctionalGroupsSequence")):
        for measures in Elements(groups).items("PixelMeasuresSequence")[:1]:
            measures.add_new("SpacingBetweenSlices", "DS", f"{step:.10g}")


def _segmentation_type(top: Elements, file: str) -> SegmentationType:
    stated = top.text("SegmentationType").upper()
    if stated not in tuple(SegmentationType):
        msg = f"{file}: found the segmentation type {stated!r}, expected {', '.join(SegmentationType)}"
        raise InputError(msg)
    largest = top.whole("MaximumFractionalValue")
    if stated == SegmentationType.FRACTIONAL and not 1 <= (largest or 0) <= 255:
        msg = f"{file}: its fractions are parts of {largest}, expected a largest value of 1 to 255"
        raise InputError(msg)
    return SegmentationType(stated)


def _check_bits(top: Elements, kind: SegmentationType, file: str) -> None:
    bits, samples = top.whole("BitsAllocated"), top.whole("SamplesPerPixel")
    expected = _BITS[kind]
    if min(top.whole("Rows") or 0, top.whole("Columns") or 0) < 1:
        msg = f"{file} does not say how large its frames are"
        raise InputError(msg)
    if bits not in expected or samples not in (None, 1):
        wanted = " or ".join(map(str, expected))
        msg = f"{file}: found {bits} bits and {samples} samples per pixel, expected {wanted} bits"
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
