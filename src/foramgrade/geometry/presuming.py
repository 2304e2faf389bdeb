"""Where a foramen must be whose ring the labels cannot close: as its neighbour lies to its own vertebra."""

from collections.abc import Mapping, Sequence

import numpy as np

from foramgrade.anatomy.spine import Segment
from foramgrade.arrays import FloatArray
from foramgrade.findings import ForamenPoint, Level, Side
from foramgrade.geometry.foramen import Foramen


def presume_points(
    foramina: Sequence[Foramen], segments: Sequence[Segment], wanted: Sequence[tuple[Level, Side]]
) -> tuple[ForamenPoint, ...]:
    """Points in foramina that the labels do not close.

    Parameters
    ----------
    foramina : sequence of Foramen
        Of the same study; those with a section tell where foramina lie.
    segments : sequence of Segment
        The levels of the labels, top to bottom.
    wanted : sequence of (Level, Side)
        The foramina to point at; their upper vertebra must be labelled.

    Returns
    -------
    tuple of ForamenPoint
        One for each wanted foramen of which the nearest level with a foramen of that side is at most two away.

    Notes
    -----
    *Definition*: the way from the centre of a vertebra to the foramen below it, of the nearest level where both are
    known, turned in the sagittal plane as the row of vertebrae turns from there to the wanted one. *Limits*: some
    millimetres off where the lumbosacral angle is sharp; good to look around, not to measure.
    """
    centres = _centres(segments)
    known = {(f.segment.level.upper, f.side): _centre_of(f) for f in foramina if f.chosen is not None}
    names = list(centres)
    points = []
    for level, side in wanted:
        if level.upper not in centres:
            continue
        place = names.index(level.upper)
        near = sorted((abs(names.index(name) - place), name) for name, of in known if of is side and name in centres)
        if not near or near[0][0] > 2:
            continue
        name = near[0][1]
        way = known[name, side] - centres[name]
        turned = _turn(way, _course(centres, names, name), _course(centres, names, level.upper))
        r, a, s = centres[level.upper] + turned
        points.append(ForamenPoint(level, side, (float(r), float(a), float(s))))
    return tuple(points)


def _centres(segments: Sequence[Segment]) -> Mapping[str, FloatArray]:
    """Centre of every vertebra, by name, top to bottom."""
    centres: dict[str, FloatArray] = {}
    for segment in segments:
        centres.setdefault(segment.level.upper, segment.upper.centroid_mm)
        centres.setdefault(segment.level.lower, segment.lower.centroid_mm)
    return centres


def _centre_of(foramen: Foramen) -> FloatArray:
    section, opening = foramen.reported
    return section.centre_mm(opening.mask)


def _course(centres: Mapping[str, FloatArray], names: Sequence[str], name: str) -> FloatArray:
    """Way from the vertebra above to this one, or from this to the one below for the topmost, mm."""
    place = max(names.index(name), 1)
    way: FloatArray = centres[names[place]] - centres[names[place - 1]]
    return way


def _turn(way: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """A way turned in the (anterior, superior) plane by the angle between two others."""
    angle = np.arctan2(after[2], after[1]) - np.arctan2(before[2], before[1])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([way[0], cos * way[1] - sin * way[2], sin * way[1] + cos * way[2]])
