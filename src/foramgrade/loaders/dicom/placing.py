"""From the places of a stack's slices to one regular grid, or a refusal that says which slice is wrong.

Slice spacing comes from the positions of the slices; thickness and nominal spacing in the header are never used, except
for a slice without a neighbour.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.errors import InputError, SeriesError
from foramgrade.loaders.dicom.frames import Frame
from foramgrade.loaders.dicom.stacks import (
    ON_LINE_MM,
    SAME_PLACE_MM,
    Stack,
    along_normal,
    is_placed,
    normal_of,
    positions_mm,
)
from foramgrade.loaders.placement import MAX_SHEAR_DEG, place_grid
from foramgrade.volume import Grid, IntArray

#: A gap between neighbouring slices may differ from the usual one by this share of it, or by this many millimetres,
#: whichever is more. Headers round positions to 0.01 mm at worst.
GAP_TOLERANCE = 0.01
GAP_TOLERANCE_MM = 0.02

#: Direction cosines may miss unit length and the right angle by this much.
COSINE_TOLERANCE = 1e-2

#: When the user goes on in spite of missing slices, the volume has at most this many times the slices that are there.
MOST_BLANK = 10

#: Most slices that a message names.
_NAMED = 3

_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class Irregularity(StrEnum):
    """What can be wrong with the slices of a series, and what is done when the user goes on nevertheless."""

    MISSING_SLICE = "missing-slice"
    """A gap of two or more steps. Going on, the other slices keep their true places and the missing ones are blank."""
    REPEATED_SLICE = "repeated-slice"
    """Several slices at one place. Going on, the one of the lowest instance number is used."""
    UNEVEN_SPACING = "uneven-spacing"
    """A gap that is no multiple of the usual one. Going on, the mean step is used and slices are displaced."""
    SHEAR = "shear"
    """Slices that step sideways, as with a tilted gantry. Going on, the grid is sheared, which places voxels truly."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where the slices of a stack go.

    Parameters
    ----------
    grid : Grid
        Grid of the volume: i runs along rows, j along columns, k along the slices; RAS+ mm.
    frames : tuple of (Frame or None)
        Frame of each slice; None where one is missing and the user went on.
    """

    grid: Grid
    frames: tuple[Frame | None, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with the slices of a stack.

    Parameters
    ----------
    count : int
        Number of wrong gaps, or of repeated slices; 0 where evenly spaced slices do not lie behind one another.
    sentence : str
        The files, their places along the normal of the slices, what was found and what was expected.
    """

    count: int
    sentence: str


def find_irregularities(stack: Stack) -> dict[Irregularity, Complaint]:
    """What is wrong with the slices of a stack of placed frames; empty for a regular one."""
    found = {}
    everywhere = along_normal(stack.frames)
    repeated = np.flatnonzero(np.diff(everywhere) <= SAME_PLACE_MM)
    if repeated.size:
        found[Irregularity.REPEATED_SLICE] = _repeated(list(stack.frames), everywhere, repeated)
    frames, along = _first_of_each_place(stack)
    found |= _uneven(frames, along, np.diff(along))
    tilt = _tilt_deg(frames, along)
    if tilt > MAX_SHEAR_DEG:
        sentence = (
            f"the slices step sideways, {tilt:.2f} degrees off their normal (a tilted gantry?), expected at most "
            f"{MAX_SHEAR_DEG:g}: from {frames[0].file} to {frames[-1].file}"
        )
        found[Irregularity.SHEAR] = Complaint(0, sentence)
    return found


def place_stack(stack: Stack, *, name: str, tolerate: Collection[Irregularity] = ()) -> Placement:
    """Place a stack on a regular grid.

    Parameters
    ----------
    stack : Stack
        Slices of one volume.
    name : str
        What to call the stack in messages.
    tolerate : collection of Irregularity
        What is not refused.

    Returns
    -------
    Placement
        Grid, and the frame of each slice.

    Raises
    ------
    SeriesError
        If slices are missing, repeated, unevenly spaced or sheared, and this is not tolerated.
    InputError
        If the header does not place the slices.
    """
    _check_header(stack, name)
    wrong = find_irregularities(stack)
    for irregularity, complaint in wrong.items():
        if irregularity not in tolerate:
            msg = f"{name}: {complaint.sentence} (to go on nevertheless, tolerate {irregularity.value})"
            raise SeriesError(msg)
    frames, along = _first_of_each_place(stack)
    slots = _slots(along, missing=Irregularity.MISSING_SLICE in wrong and Irregularity.UNEVEN_SPACING not in wrong)
    if slots[-1] >= MOST_BLANK * len(frames):
        msg = (
            f"{name}: {slots[-1] + 1 - len(frames)} slices are missing and {len(frames)} are there; expected at most "
            f"{MOST_BLANK - 1} times as many blank slices as others"
        )
        raise SeriesError(msg)
    placed: list[Frame | None] = [None] * (slots[-1] + 1)
    for frame, slot in zip(frames, slots, strict=True):
        placed[slot] = frame
    first = frames[0]
    row, column = (np.array(axis) / np.linalg.norm(np.array(axis)) for axis in (first.row, first.column))
    between_rows, between_columns = first.spacing_mm or (0.0, 0.0)
    lps = np.eye(4)
    lps[:3, 0] = row * between_columns
    lps[:3, 1] = column * between_rows
    lps[:3, 2] = _step(frames, slots[-1])
    lps[:3, 3] = first.position_mm
    shape = (first.header.columns, first.header.rows, len(placed))
    sheared = Irregularity.SHEAR in tolerate
    return Placement(place_grid(shape, _TO_RAS @ lps, name=name, sheared=sheared), tuple(placed))


def _check_header(stack: Stack, name: str) -> None:
    for frame in stack.frames:
        if not is_placed(frame) or frame.spacing_mm is None:
            lacking = "orientation or position" if not is_placed(frame) else "distance between its pixels"
            msg = f"{name} does not say where in the patient it is: {frame.file} has no usable {lacking}"
            raise InputError(msg)
        axes = np.array([frame.row, frame.column])
        off = np.abs(axes @ axes.T - np.eye(2)).max()
        if not off <= COSINE_TOLERANCE:
            msg = (
                f"{name}: the directions of rows and columns in {frame.file} are not at right angles or not of length 1"
            )
            raise InputError(msg)
    if min(stack.header.rows, stack.header.columns) < 1:
        msg = f"{name}: {stack.frames[0].file} does not give the number of its rows and columns"
        raise InputError(msg)


def _repeated(frames: list[Frame], along: FloatArray, repeated: IntArray) -> Complaint:
    """Complain about the frames in front of a gap of nothing, whose numbers are given."""
    pairs = []
    for k in repeated:
        elsewhere = " of another folder" if frames[k].file == frames[k + 1].file else ""
        pairs.append(f"{frames[k].file} and {frames[k + 1].file}{elsewhere} at {along[k]:.2f} mm")
    n_places = len(frames) - len(pairs)
    starts = np.setdiff1d(np.arange(len(frames)), repeated + 1)
    each = {int(n) for n in np.diff([*starts, len(frames)])}
    what = "slices are there more than once"
    if len(each) == 1 and n_places > 1:
        what = f"each of {n_places} places has {each.pop()} slices, and nothing in the headers tells which go together"
    return Complaint(len(pairs), f"{what}: {listed(pairs)}; expected one per place")


def _uneven(frames: list[Frame], along: FloatArray, gaps: FloatArray) -> dict[Irregularity, Complaint]:
    if len(frames) < 3:
        return {}
    usual = _usual_gap(gaps)
    tolerance = _tolerance(usual)
    steps, off = _in_steps(gaps, usual)
    found = {}
    for irregularity, bad, what in (
        (Irregularity.MISSING_SLICE, (steps > 1) & ~off, "missing"),
        (Irregularity.UNEVEN_SPACING, off, "unevenly spaced"),
    ):
        if not bad.any():
            continue
        places = [
            f"between {frames[k].file} at {along[k]:.2f} mm and {frames[k + 1].file} at {along[k + 1]:.2f} mm the gap "
            f"is {gaps[k]:.3f} mm"
            for k in np.flatnonzero(bad)
        ]
        sentence = f"slices are {what}: {listed(places)}; expected {usual:.3f} +- {tolerance:.3f} mm"
        found[irregularity] = Complaint(len(places), sentence)
    return _off_line(frames, along) | found


def slice_distance_mm(stack: Stack, *, regular: bool) -> float:
    """Distance between slices, mm: that of the grid of a regular stack, the usual gap of any other.

    Parameters
    ----------
    stack : Stack
        Placed frames.
    regular : bool
        Whether `find_irregularities` finds nothing.

    Returns
    -------
    float
        Distance along the normal of the slices; of a single slice the depth that its header states, else 1.
    """
    frames, along = _first_of_each_place(stack)
    if len(frames) == 1 or regular:
        return float(np.linalg.norm(_step(frames, len(frames) - 1)))
    return _usual_gap(np.diff(along))


def _usual_gap(gaps: FloatArray) -> float:
    """Step of the stack: the middle gap; of an even number the lower of the middle two, whose mean is no gap at all."""
    return float(np.sort(gaps)[(len(gaps) - 1) // 2])


def _tolerance(usual: float) -> float:
    return max(GAP_TOLERANCE_MM, GAP_TOLERANCE * usual)


def _in_steps(gaps: FloatArray, usual: float) -> tuple[FloatArray, BoolArray]:
    """Gaps in steps of the usual one, and which of them are no multiple of it."""
    steps = np.maximum(np.rint(gaps / usual), 1)
    return steps, np.abs(gaps - steps * usual) > np.minimum(steps * _tolerance(usual), usual / 4)


def _off_line(frames: list[Frame], along: FloatArray) -> dict[Irregularity, Complaint]:
    """Slices whose first pixels are on no common line, evenly spaced though they may be."""
    positions = positions_mm(frames)
    design = np.column_stack([np.ones(len(frames)), along])
    off = np.linalg.norm(positions - design @ np.linalg.lstsq(design, positions, rcond=None)[0], axis=1)
    if off.max() <= ON_LINE_MM:
        return {}
    worst = int(off.argmax())
    sentence = (
        f"slices do not lie behind one another: {frames[worst].file} is {off[worst]:.2f} mm off the line of the "
        f"others, expected at most {ON_LINE_MM:g} mm"
    )
    return {Irregularity.UNEVEN_SPACING: Complaint(0, sentence)}


def _tilt_deg(frames: list[Frame], along: FloatArray) -> float:
    """Angle between the way from slice to slice and the normal of the slices, degrees."""
    if len(frames) < 2:
        return 0.0
    first, last = positions_mm([frames[0], frames[-1]])
    way = last - first
    depth = float(along[-1] - along[0])
    sideways = float(np.linalg.norm(way - depth * normal_of(frames[0])))
    return float(np.rad2deg(np.arctan2(sideways, depth)))


def _first_of_each_place(stack: Stack) -> tuple[list[Frame], FloatArray]:
    frames = list(stack.frames)
    along = along_normal(frames)
    keep = np.concatenate([[True], np.diff(along) > SAME_PLACE_MM])
    return [frame for frame, kept in zip(frames, keep, strict=True) if kept], along[keep]


def _slots(along: FloatArray, *, missing: bool) -> list[int]:
    """Number of the slice of each frame: one after the other, or with room for the missing ones."""
    if not missing:
        return list(range(len(along)))
    gaps = np.diff(along)
    steps, _ = _in_steps(gaps, _usual_gap(gaps))
    return [0, *(int(n) for n in np.cumsum(steps))]


def _step(frames: list[Frame], n_steps: int) -> FloatArray:
    first, last = frames[0], frames[-1]
    if n_steps:
        start, end = positions_mm([first, last])
        step: FloatArray = (end - start) / n_steps
        return step
    # A slice without a neighbour: nothing but its header's word tells how deep it is.
    depth = first.depth_mm if first.depth_mm is not None and first.depth_mm > 0 else 1.0
    return normal_of(first) * depth


def listed(sentences: list[str], *, most: int = _NAMED) -> str:
    """The first of several sentences in one, and how many more there are."""
    more = len(sentences) - most
    return "; ".join(sentences[:most]) + (f"; and {more} more" if more > 0 else "")
