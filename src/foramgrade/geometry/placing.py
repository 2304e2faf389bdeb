"""Which level and side a drawn foramen is: by the labels of the vertebrae, by the drawing itself, by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import Level, Side
from foramgrade.geometry.pieces import Piece
from foramgrade.geometry.planes import LATERAL_RANGE_MM

#: The centre of a foramen lies about this far above the mid-plane of its disc, mm.
ABOVE_DISC_MM = 4.0

#: ... and not further from there than this, mm: less than half the distance of two lumbar discs.
LEVEL_REACH_MM = 15.0

#: Centres of right and left foramina are at least this far apart, mm: the canal and both pedicles lie between them.
SIDES_APART_MM = 15.0

#: Right and left foramen of one level are less than this apart in height, mm; levels are at least 25 mm apart.
SAME_LEVEL_MM = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Which foramen a drawn outline is.

    Parameters
    ----------
    level, side
        Which; "F1", "F2", ... from the top where nothing tells the level.
    verified : bool
        Whether the level's name is anatomical.
    segment : Segment or None
        The level in the labelled spine, None where no labels tell it.
    """

    level: Level
    side: Side
    verified: bool
    segment: Segment | None = None


def place_by_spine(pieces: Sequence[Piece], spine: Spine) -> list[Place]:
    """Find level and side of drawn foramina among labelled vertebrae.

    Parameters
    ----------
    pieces : sequence of Piece
        Outlines.
    spine : Spine
        The labelled spine.

    Returns
    -------
    list of Place
        One per piece.

    Raises
    ------
    InputError
        If a name contradicts the place.

    Notes
    -----
    *Definition*: an outline belongs to the level above whose disc plane, by `ABOVE_DISC_MM`, its centre lies nearest,
    if no further than `LEVEL_REACH_MM`, behind the disc's centre and within the lateral range of foramina; its side is
    the sign of its right coordinate in that level's frame. A name is believed for the level where the labels tell none
    or have no anatomical names.
    """
    frames = [fit_frame(spine, segment) for segment in spine.segments]
    sides: list[Side] = []
    levels: list[Level | None] = []
    segments: list[Segment | None] = []
    for piece in pieces:
        local = np.array([frame.to_frame(piece.centre_mm) for frame in frames])
        away = np.abs(local[:, 2] - ABOVE_DISC_MM)
        index = int(away.argmin())
        right, anterior, _ = local[index]
        near = away[index] <= LEVEL_REACH_MM and anterior < 0
        within = near and LATERAL_RANGE_MM[0] <= abs(right) <= LATERAL_RANGE_MM[1]
        segment = spine.segments[index] if within else None
        side = Side.RIGHT if right > 0 else Side.LEFT
        _check_name(piece, segment.level if segment is not None and segment.verified else None, side)
        named = None if piece.name is None else piece.name.level
        sides.append(side)
        segments.append(segment)
        levels.append(named if segment is None or (named is not None and not segment.verified) else segment.level)
    names = _numbered(pieces, levels)
    return [
        Place(name, side, _verified(piece, level, segment), segment)
        for piece, name, side, level, segment in zip(pieces, names, sides, levels, segments, strict=True)
    ]


def place_by_grid(pieces: Sequence[Piece], midline_mm: float | None = None) -> list[Place]:
    """Find the sides of drawn foramina from the midline, and number their levels from the top.

    Parameters
    ----------
    pieces : sequence of Piece
        Outlines.
    midline_mm : float or None
        Where the midline is, mm to the patient's right; None to find it.

    Returns
    -------
    list of Place
        One per piece.

    Raises
    ------
    InputError
        If a side cannot be told, or a name contradicts the place.

    Notes
    -----
    *Definition*: without a given midline it lies midway between two groups of centres that are at least
    `SIDES_APART_MM` apart. A side in every name needs no midline. Levels are as named, else numbered.
    *Limits*: outlines of one side only, without names, do not tell the side.
    """
    rights = np.array([piece.centre_mm[0] for piece in pieces])
    midline = _find_midline(rights) if midline_mm is None else midline_mm
    named = [None if piece.name is None else piece.name.side for piece in pieces]
    sides = []
    for piece, right, side in zip(pieces, rights, named, strict=True):
        if midline is None and side is None:
            msg = (
                f"nothing tells the side of {piece.called}: all outlines lie within {np.ptp(rights):.0f} mm from left "
                "to right; give the labels of the vertebrae, the midline, or names with left and right"
            )
            raise InputError(msg)
        if midline is not None:
            found = Side.RIGHT if right > midline else Side.LEFT
            _check_name(piece, None, found)
            side = found
        sides.append(side or Side.RIGHT)
    levels = [None if piece.name is None else piece.name.level for piece in pieces]
    names = _numbered(pieces, levels)
    return [
        Place(name, side, level is not None and _anatomical(level))
        for name, side, level in zip(names, sides, levels, strict=True)
    ]


def _find_midline(rights: FloatArray) -> float | None:
    """Midway between two groups of centres, None where there is one."""
    ordered = np.sort(rights)
    if len(ordered) < 2 or np.diff(ordered).max() < SIDES_APART_MM:
        return None
    split = int(np.diff(ordered).argmax()) + 1
    return float((ordered[:split].mean() + ordered[split:].mean()) / 2)


def _check_name(piece: Piece, level: Level | None, side: Side) -> None:
    """Refuse an outline that is called otherwise than where it lies."""
    if piece.name is None:
        return
    wrong_side = piece.name.side is not None and piece.name.side is not side
    wrong_level = piece.name.level is not None and level is not None and piece.name.level != level
    if wrong_side or wrong_level:
        where = f"{level or ''} {side}".strip()
        msg = f"{piece.called} lies at {where}, expected its name to say so: is it misnamed, or the drawing mirrored?"
        raise InputError(msg)


def _verified(piece: Piece, level: Level | None, segment: Segment | None) -> bool:
    return level is not None and _anatomical(level) and (segment is None or segment.verified or piece.name is not None)


def _anatomical(level: Level) -> bool:
    return level.upper[0] not in "VF"


def _numbered(pieces: Sequence[Piece], levels: Sequence[Level | None]) -> list[Level]:
    """The levels, those that are not known called F1, F2, ... from the top."""
    heights = {n: float(pieces[n].centre_mm[2]) for n, level in enumerate(levels) if level is None}
    numbers: dict[int, int] = {}
    top = np.inf
    for n in sorted(heights, key=lambda n: -heights[n]):
        if top - heights[n] > SAME_LEVEL_MM:
            top = heights[n]
            numbers[n] = max(numbers.values(), default=0) + 1
        else:
            numbers[n] = max(numbers.values())
    return [Level(f"F{numbers[n]}", "") if level is None else level for n, level in enumerate(levels)]
