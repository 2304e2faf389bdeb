"""From frames to stacks: which frames belong to one volume.

A series is split by everything in which slices of one volume are alike: image type, echo, size, orientation, stack.
What then still visits the same places several times is split by what tells the passes apart, if something does.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import hypot, inf
from string import ascii_lowercase

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.loaders.dicom.frames import Frame, Header, Triple

#: Slices whose normals or rows differ by less than this are parallel, degrees. Headers round direction cosines to six
#: digits, at worst to three: 0.06 degrees.
PARALLEL_DEG = 0.1

#: Slices that lie closer together than this are at the same place, mm.
SAME_PLACE_MM = 0.01

#: Slices of one stack lie on a line to within this, mm.
ON_LINE_MM = 0.1

#: Positions farther from the origin than this, mm, are damaged numbers.
FARTHEST_MM = 1e6

#: Pixel spacings that differ by less than this share are equal.
EQUAL_PIXELS = 1e-4


#: Study, number and UID of a series: what a listing is sorted by.
SeriesOrder = tuple[str, float, str]


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames of one volume, in order along the normal of their slices.

    Parameters
    ----------
    frames : tuple of Frame
        At least one. Frames whose header does not place them stay in the order of the files.
    order : tuple of str, float, str
        Study, number and UID of its series.
    name : str
        Short name of the series in the listing, see :func:`name_series`.
    part : int or None
        Which part of the series it is, from 0; None where the series is not split.
    """

    frames: tuple[Frame, ...]
    order: SeriesOrder
    name: str
    part: int | None = None

    @property
    def header(self) -> Header:
        """Header of the first frame."""
        return self.frames[0].header

    @property
    def key(self) -> str:
        """Short name in a listing: that of the series and, where the series is split, a letter."""
        return self.name + self.letters

    @property
    def letters(self) -> str:
        """Letters of the part of a series that is split, else empty."""
        return "" if self.part is None else _letters(self.part)

    @property
    def uid(self) -> str:
        """UID of the series and, where the series is split, "#" and the part's number."""
        return self.header.series_uid + ("" if self.part is None else f"#{self.part + 1}")


def find_stacks(frames: Iterable[Frame]) -> tuple[Stack, ...]:
    """Sort frames into stacks.

    Parameters
    ----------
    frames : iterable of Frame
        Frames in any order.

    Returns
    -------
    tuple of Stack
        In the order of study, series number and series, so that the result does not depend on the order of the frames.
    """
    series: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for frame in frames:
        series[frame.header.study_uid, frame.header.series_uid].append(frame)
    ordered = sorted(series.values(), key=_series_order)
    names = name_series(_series_order(members) for members in ordered)
    stacks = []
    for members in ordered:
        parts, order = _split(members), _series_order(members)
        numbers = range(len(parts)) if len(parts) > 1 else (None,)
        stacks += [Stack(tuple(part), order, names[order], n) for part, n in zip(parts, numbers, strict=True)]
    return tuple(stacks)


def name_series(orders: Iterable[SeriesOrder]) -> dict[SeriesOrder, str]:
    """Name the series of a listing.

    Parameters
    ----------
    orders : iterable of tuple of str, float, str
        Study, number and UID of every series; infinite where it has no number.

    Returns
    -------
    dict
        The number of each series where no two are equal, as they are in different studies; else "n" and its rank.
    """
    ordered = sorted(set(orders))
    numbers = [number for _, number, _ in ordered]
    unique = len(set(numbers)) == len(numbers) and inf not in numbers
    return {order: f"{order[1]:.0f}" if unique else f"n{rank}" for rank, order in enumerate(ordered, start=1)}


def along_normal(frames: Sequence[Frame]) -> FloatArray:
    """Place of each frame along the common normal of their slices, (N,) mm.

    Frames must be placed; see :func:`is_placed`.
    """
    along: FloatArray = positions_mm(frames) @ normal_of(frames[0])
    return along


def positions_mm(frames: Sequence[Frame]) -> FloatArray:
    """Positions of placed frames, (N, 3) LPS, mm."""
    return np.array([frame.position_mm for frame in frames], dtype=float)


def normal_of(frame: Frame) -> FloatArray:
    """Unit normal (3,) of a placed frame, LPS: the direction in which slices are counted."""
    normal = np.array(_across(frame.row or (), frame.column or ()))
    unit: FloatArray = normal / np.linalg.norm(normal)
    return unit


@lru_cache(maxsize=1024)
def _across(row: Sequence[float], column: Sequence[float]) -> Triple:
    """Cross product, asked for once a frame."""
    (a, b, c), (d, e, f) = row, column
    return b * f - c * e, c * d - a * f, a * e - b * d


def is_placed(frame: Frame) -> bool:
    """Whether the header says where the frame is, in reach and with rows and columns that span a plane."""
    if frame.position_mm is None or frame.row is None or frame.column is None:
        return False
    if max(map(abs, frame.position_mm)) > FARTHEST_MM:
        return False
    return hypot(*_across(frame.row, frame.column)) > 0.5


def _series_order(members: list[Frame]) -> SeriesOrder:
    numbers = [f.header.series_number for f in members if f.header.series_number is not None]
    return members[0].header.study_uid, min(numbers, default=inf), members[0].header.series_uid


def _letters(number: int) -> str:
    word = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, len(ascii_lowercase))
        word = ascii_lowercase[rest] + word
    return word


def _split(members: list[Frame]) -> list[list[Frame]]:
    """Parts of a series, the largest first."""
    parts = [list(members)]
    for divide in (_by_kind, _by_reference, _by_orientation, _by_line, _by_pass):
        parts = [piece for part in parts for piece in divide(part)]
    parts = [_sorted(part) for part in parts]
    return sorted(parts, key=lambda part: (-len(part), _echo(part[0]), _identity(part[0])))


def _sorted(part: list[Frame]) -> list[Frame]:
    part = sorted(part, key=_identity)
    if not all(is_placed(frame) for frame in part):
        return part
    order = np.argsort(np.round(along_normal(part), 4), kind="stable")
    return [part[index] for index in order]


def _identity(frame: Frame) -> tuple[float, str, int]:
    number = float("inf") if frame.instance_number is None else frame.instance_number
    return number, frame.source.name, frame.index


def _echo(frame: Frame) -> float:
    time = frame.header.acquisition.echo_time_ms
    return float("inf") if time is None else time


def _grouped(part: list[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in part:
        groups[key(frame)].append(frame)
    return list(groups.values())


def _by_kind(part: list[Frame]) -> list[list[Frame]]:
    """Frames of the same kind of picture, echo and size."""

    def kind(frame: Frame) -> Hashable:
        header, echo = frame.header, frame.header.acquisition.echo_time_ms
        return (
            header.modality,
            header.stack_id,
            header.acquisition.image_type,
            header.echo_number,
            None if echo is None else round(echo, 1),
            header.rows,
            header.columns,
            header.pixels.samples,
            is_placed(frame),
            frame.spacing_mm is not None and min(frame.spacing_mm) > 0,
        )

    return _grouped(part, kind)


def _by_reference(part: list[Frame]) -> list[list[Frame]]:
    """Frames of one patient in one frame of reference, unless every file has its own, as some anonymisers leave it."""
    groups = [part]
    for key in (_patient, _reference):
        finer = [piece for group in groups for piece in _grouped(group, key)]
        groups = finer if any(len(piece) > 1 for piece in finer) else groups
    return groups


def _patient(frame: Frame) -> str:
    return frame.header.patient


def _reference(frame: Frame) -> str:
    return frame.header.reference_uid


def _by_orientation(part: list[Frame]) -> list[list[Frame]]:
    """Frames with parallel slices and rows, and pixels of one size."""
    if not is_placed(part[0]):
        return [part]
    heads: list[FloatArray] = []
    groups: list[list[Frame]] = []
    which: dict[Hashable, int] = {}
    for frame in part:
        key = frame.row, frame.column, frame.spacing_mm
        if key not in which:
            axes = _axes(frame)
            near = [index for index, head in enumerate(heads) if _is_alike(axes, head)]
            which[key] = near[0] if near else len(heads)
            if not near:
                heads.append(axes)
                groups.append([])
        groups[which[key]].append(frame)
    return groups


def _axes(frame: Frame) -> FloatArray:
    """Directions of rows and columns, and the logarithms of the pixel spacings, (3, 3)."""
    axes = np.zeros((3, 3))
    axes[:2] = np.array([frame.row, frame.column], dtype=float)
    axes[:2] /= np.linalg.norm(axes[:2], axis=1, keepdims=True)
    if frame.spacing_mm is not None and min(frame.spacing_mm) > 0:
        axes[2, :2] = np.log(frame.spacing_mm)
    return axes


def _is_alike(axes: FloatArray, head: FloatArray) -> bool:
    *turned, stretched = np.linalg.norm(axes - head, axis=1)
    return bool(max(turned) < np.deg2rad(PARALLEL_DEG) and stretched < EQUAL_PIXELS)


def _by_line(part: list[Frame]) -> list[list[Frame]]:
    """Parallel stacks side by side: their first pixels lie on different normals.

    Slices that step sideways regularly (a tilted gantry) lie on one line, and are no separate stacks.
    """
    if len(part) < 4 or not is_placed(part[0]):
        return [part]
    along = along_normal(part)
    sideways = positions_mm(part) - np.outer(along, normal_of(part[0]))
    design = np.column_stack([np.ones(len(part)), along])
    fitted = design @ np.linalg.lstsq(design, sideways, rcond=None)[0]
    if np.abs(sideways - fitted).max() <= ON_LINE_MM:
        return [part]
    heads: list[FloatArray] = []
    groups: list[list[Frame]] = []
    for frame, offset in zip(part, sideways, strict=True):
        near = [index for index, head in enumerate(heads) if np.linalg.norm(offset - head) <= ON_LINE_MM]
        if not near:
            heads.append(offset)
            groups.append([])
        groups[near[0] if near else -1].append(frame)
    return groups if all(len(group) > 1 for group in groups) else [part]


def _by_pass(part: list[Frame]) -> list[list[Frame]]:
    """Repeated passes over the same places, where something in the headers tells them apart."""
    if len(part) < 2 or not is_placed(part[0]):
        return [part]
    places = _places(part)
    if len(set(places)) == len(part):
        return [part]
    place_of = {id(frame): place for frame, place in zip(part, places, strict=True)}
    everywhere = set(places)
    ranks = [(rank,) for rank in range(min(len(frame.passes) for frame in part))]
    # What has each of its values at every place tells passes apart, perhaps only together, as b-value and direction do.
    together = [
        rank
        for (rank,) in ranks
        if all(
            {place_of[id(frame)] for frame in group} == everywhere
            for group in _grouped(part, partial(_pass, ranks=(rank,)))
        )
    ]
    for told_by in (*ranks, tuple(together)):
        groups = _grouped(part, partial(_pass, ranks=told_by))
        if len(groups) > 1 and all(
            len(group) == len(everywhere) and {place_of[id(frame)] for frame in group} == everywhere for group in groups
        ):
            return groups
    return _by_turn(part, place_of)


def _by_turn(part: list[Frame], place_of: dict[int, int]) -> list[list[Frame]]:
    """Passes by the order of the images, where it is beyond doubt: pass after pass, or place after place.

    Numbers in no such order say nothing: some scanners number images as they come, and slices of different contrasts
    would end up in one volume. Copies of a file have the same number and are no passes.
    """
    numbers = [(frame.instance_number, frame.index) for frame in part]
    if len(set(numbers)) < len(part) or None in {frame.instance_number for frame in part}:
        return [part]
    n_places = len(set(place_of.values()))
    n_passes, rest = divmod(len(part), n_places)
    if rest:
        return [part]
    ordered = sorted(part, key=_identity)
    passes = [ordered[n * n_places : (n + 1) * n_places] for n in range(n_passes)]
    if all(len({place_of[id(frame)] for frame in one}) == n_places for one in passes):
        return passes
    columns = [ordered[n * n_passes : (n + 1) * n_passes] for n in range(n_places)]
    if all(len({place_of[id(frame)] for frame in one}) == 1 for one in columns):
        return [list(turn) for turn in zip(*columns, strict=True)]
    return [part]


def _pass(frame: Frame, *, ranks: tuple[int, ...]) -> Hashable:
    return tuple(frame.passes[rank] for rank in ranks)


def _places(part: list[Frame]) -> list[int]:
    """Number of the place of each frame; frames nearer than a tolerance share one."""
    along = along_normal(part)
    order = np.argsort(along, kind="stable")
    numbers = np.empty(len(part), dtype=int)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) > SAME_PLACE_MM)])
    return [int(number) for number in numbers]
