"""Closing one half of the ring around a foramen: the gap, the clefts, and the line that stands for the missing border.

The chord from pedicle to pedicle splits the ring into an anterior half (bodies and disc) and a posterior half (pars,
facet joint). Each half is sealed by itself, so that a narrow foramen is never mistaken for a gap: the gap of a half is
the widest throat through which the foramen still leaks out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.chord import Chord

#: Clefts of the ring up to this width belong to it, mm: facet joint spaces and unlabelled endplates, not foramen.
CLEFT_MM = 3.0

#: The border runs across the mouth of a cleft as a disc of this radius would touch its two lips, mm. The lips are bone
#: that comes to an edge (the tips of articular processes), and voxels round every edge off.
LIP_RADIUS_MM = 4.0

#: ... or of this share of the chord, whichever is less.
LIP_SHARE = 0.3

#: Widening of a mouth is looked for up to this far from the cleft, mm; beyond it, it is the foramen's own corner.
LIP_REACH_MM = 1.5

#: A cleft that is wider is sealed where a disc stops that is this much wider than the cleft's narrowest place.
MOUTH_RATIO = 1.25

#: Bone further than this from the chord closes no foramen, mm: half the width of the widest with its ring.
HALF_WIDTH_MM = 15.0

#: Room above and below the chord in which a half is looked at, mm: beyond it, it is open.
ROOM_MM = 10.0

#: Rounding of a distance between pixel centres.
_ROUNDING_MM = 1e-9

_CROSS = ndimage.generate_binary_structure(2, 1)

_STEPS = 7  # of the bisection for the gap: the limit / 2**7 is below a tenth of a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """One sealed half of a foramen.

    Parameters
    ----------
    mask : (H, W) bool array
        Free pixels that it encloses, the chord's among them.
    gap_mm : float
        Widest gap that had to be sealed, 0 for a closed ring, mm.
    seam_mm : float
        Length of its border that is seal instead of bone, mm.
    """

    mask: BoolArray
    gap_mm: float
    seam_mm: float


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A ring that is open beyond the limit.

    Parameters
    ----------
    gap_mm : float or None
        The gap, mm; None when it is wider than could be measured.
    """

    gap_mm: float | None


def seal_half(
    solid: BoolArray, chord: Chord, *, anterior: bool, pixel_mm: float, limit_mm: float, trim: bool = True
) -> Half | Unclosed:
    """Free pixels enclosed on one side of the chord, and the gap that was sealed.

    Parameters
    ----------
    solid : (H, W) bool array
        Bone and disc; axes (superior, anterior).
    chord : Chord
        From pedicle to pedicle.
    anterior : bool
        Which half.
    pixel_mm : float
        Edge of a pixel, mm.
    limit_mm : float
        Widest gap that is sealed, mm.
    trim : bool
        Whether to trim seals to the lips of their gaps.

    Returns
    -------
    Half or Unclosed
        On the whole raster.
    """
    width, height = round(HALF_WIDTH_MM / pixel_mm), round(ROOM_MM / pixel_mm)
    beyond = int(np.ceil(max(limit_mm / 2, LIP_RADIUS_MM) / pixel_mm)) + 2
    rows = slice(max(chord.bottom - height, 0), chord.top + 1 + height)
    last = chord.column + 1
    columns = slice(chord.column, last + width) if anterior else slice(max(last - width, 0), last)
    # The half is turned so that its outer side is column 0; what lies beyond the chord is taken for free, as high as
    # the chord: only the half's own bone narrows a way.
    turned = solid[rows, columns][:, ::-1] if anterior else solid[rows, columns]
    bone = np.pad(turned, ((0, 0), (0, beyond)), constant_values=True)
    start = np.zeros_like(bone)
    start[chord.bottom - rows.start : chord.top + 1 - rows.start, turned.shape[1] :] = True
    bone &= ~start
    sealed = _seal(bone, start, pixel_mm, limit_mm, trim)
    if isinstance(sealed, Unclosed):
        return sealed
    inside = sealed.mask[:, : turned.shape[1]]
    mask = np.zeros_like(solid)
    mask[rows, columns] = inside[:, ::-1] if anterior else inside
    return Half(mask, sealed.gap_mm, sealed.seam_mm)


def _seal(bone: BoolArray, start: BoolArray, pixel_mm: float, limit_mm: float, trim: bool) -> Half | Unclosed:
    reached = _reachable(~bone, start)
    gap_mm = 0.0
    if _leaks(reached):
        throat = _throat(bone, start, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        gap_mm = 2 * throat
    if gap_mm == 0.0:
        box = _box_of(reached)
        closed = _without_clefts(reached[box], start[box], pixel_mm, limit_mm, 0.0, trim)
        if isinstance(closed, Unclosed):
            return closed
        mask = np.zeros_like(reached)
        mask[box] = closed.mask
        return Half(mask, 0.0, closed.seam_mm)
    return _without_clefts(reached, start, pixel_mm, limit_mm, gap_mm, trim)


def _box_of(region: BoolArray) -> tuple[slice, slice]:
    """Box of a region that reaches no rim, with a rim of its own; the chord's far side stays as it is."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return slice(int(rows[0]) - 1, int(rows[-1]) + 2), slice(int(columns[0]) - 1, None)


def _without_clefts(
    reached: BoolArray, start: BoolArray, pixel_mm: float, limit_mm: float, gap_mm: float, trim: bool
) -> Half | Unclosed:
    """What is left of the reached region without its clefts and what leads out of it."""
    inside = reached & ~_clefts(reached, start, pixel_mm)
    if _leaks(inside):
        throat = _throat(~inside, start, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        sealed = _cut_at_throat(inside, start, pixel_mm, throat)
        if sealed is None:
            return Unclosed(2 * throat)
        inside = sealed
    clefts = reached & ~inside
    if not trim or not clefts.any():
        return Half(inside, gap_mm, 0.0)
    inside = _with_touching_lips(inside, clefts, start, pixel_mm)
    inside = _with_straight_mouths(inside, reached & ~inside)
    seam = inside & ndimage.binary_dilation(reached & ~inside)
    return Half(inside, gap_mm, float(seam.sum()) * pixel_mm)


def _clefts(inside: BoolArray, start: BoolArray, pixel_mm: float) -> BoolArray:
    """Clefts of the ring, and whatever lies beyond them.

    A disc as wide as a cleft may be rolls through the half; what it cannot reach is a corner of the foramen where it is
    shallow, and a cleft where it is deeper than the disc's radius.
    """
    own = _reachable(inside & ~_close(~inside, CLEFT_MM / 2, pixel_mm), start)
    pieces, count = ndimage.label(inside & ~own, _CROSS)
    deep = np.zeros(count + 1, bool)
    if count:
        deep[pieces[_distance(own, pixel_mm) > CLEFT_MM / 2]] = True
    deep[0] = False
    result: BoolArray = deep[pieces]
    return result


def _cut_at_throat(inside: BoolArray, start: BoolArray, pixel_mm: float, throat_mm: float) -> BoolArray | None:
    """The inside up to its throat, half-way between the two rooms that it joins; None where the chord is too short.

    A long cleft is about equally narrow everywhere, and where exactly is chance: it is cut at its mouth.
    """
    clearance = _clearance(~inside, pixel_mm)
    wide = clearance > throat_mm
    core, outside = _reachable(wide, start), _reachable(wide, _rim(wide)) | _rim(inside)
    if not core.any():
        return None
    near = inside & (_distance(core, pixel_mm) <= _distance(outside, pixel_mm))
    radius = MOUTH_RATIO * throat_mm
    room = _reachable(clearance > radius, start)
    if not room.any():
        return near
    beyond = near & (_distance(room, pixel_mm) > radius + pixel_mm)
    at_cut = ndimage.binary_dilation(inside & ~near)
    result: BoolArray = near & ~_reachable(beyond, at_cut)
    return result


def _with_touching_lips(inside: BoolArray, clefts: BoolArray, start: BoolArray, pixel_mm: float) -> BoolArray:
    """The inside without the widening of a cleft's mouth, as far as a disc that touches both of its lips reaches."""
    # In a low foramen a disc of the full radius would touch the pedicles.
    radius = min(LIP_RADIUS_MM, LIP_SHARE * float(start.any(axis=1).sum()) * pixel_mm)
    filled = inside & _close(~(inside | start), radius, pixel_mm) & ~start
    pieces, count = ndimage.label(filled | clefts, _CROSS)
    at_mouth = np.zeros(count + 1, bool)
    at_mouth[pieces[clefts]] = True
    reach = _distance(clefts, pixel_mm) <= LIP_REACH_MM
    result: BoolArray = inside & ~(filled & at_mouth[pieces] & reach)
    return result


def _with_straight_mouths(inside: BoolArray, clefts: BoolArray) -> BoolArray:
    """The inside without what bulges into a cleft: the seal is the straight line between the cleft's lips."""
    result = inside.copy()
    seams, count = ndimage.label(ndimage.binary_dilation(clefts, _CROSS) & inside, structure=np.ones((3, 3)))
    for index in range(1, count + 1):
        seam = np.argwhere(seams == index)
        if len(seam) < 3:
            continue
        apart = np.linalg.norm(seam[:, None] - seam[None, :], axis=2)
        first, last = np.unravel_index(apart.argmax(), apart.shape)
        length = apart[first, last]
        along = (seam[last] - seam[first]) / length
        across = np.array([-along[1], along[0]])
        bulge = (seam - seam[first]) @ across
        bulge, across = (bulge, across) if bulge.mean() > 0 else (-bulge, -across)
        pixels = np.argwhere(inside)
        depth, position = (pixels - seam[first]) @ across, (pixels - seam[first]) @ along
        outside = (depth > 0) & (depth <= bulge.max()) & (position >= 0) & (position <= length)
        result[tuple(pixels[outside].T)] = False
    return result


def _throat(bone: BoolArray, start: BoolArray, pixel_mm: float, limit_mm: float) -> float | None:
    """Half the width, mm, of the widest throat through which the start leaks out; None beyond half the limit."""
    clearance = _clearance(bone, pixel_mm)
    low, high = 0.0, limit_mm / 2
    if _reaches_rim(clearance > high, start):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _reaches_rim(clearance > middle, start):
            low = middle
        else:
            high = middle
    return high


def _distance(region: BoolArray, pixel_mm: float) -> FloatArray:
    """Distance of every pixel to the nearest pixel of a region, mm; infinite where there is none."""
    if not region.any():
        return np.full(region.shape, np.inf)
    distance: FloatArray = ndimage.distance_transform_edt(~region) * pixel_mm
    return distance


def _clearance(bone: BoolArray, pixel_mm: float) -> FloatArray:
    """Distance of every free pixel to the edge of the nearest bone pixel, mm."""
    return _distance(bone, pixel_mm) - pixel_mm / 2


def _close(bone: BoolArray, radius_mm: float, pixel_mm: float) -> BoolArray:
    """Bone closed by a disc."""
    grown = _clearance(bone, pixel_mm) <= radius_mm + _ROUNDING_MM
    result: BoolArray = bone | (_distance(~grown, pixel_mm) > radius_mm + pixel_mm / 2 + _ROUNDING_MM)
    return result


def _rim(region: BoolArray) -> BoolArray:
    """Pixels of a region at the top, the bottom and the outer column of the array."""
    rim = np.zeros_like(region)
    rim[[0, -1]] = region[[0, -1]]
    rim[:, 0] = region[:, 0]
    return rim


def _leaks(region: BoolArray) -> bool:
    return bool(region[0].any() or region[-1].any() or region[:, 0].any())


def _pieces_with(pieces: npt.NDArray[np.int32], count: int, seeds: npt.NDArray[np.int32]) -> BoolArray:
    """Whether each piece number is among those of some seeds; 0 never is."""
    chosen = np.zeros(count + 1, bool)
    chosen[seeds] = True
    chosen[0] = False
    return chosen


def _reachable(free: BoolArray, start: BoolArray) -> BoolArray:
    pieces, count = ndimage.label(free, _CROSS)
    result: BoolArray = _pieces_with(pieces, count, pieces[start])[pieces]
    return result


def _reaches_rim(free: BoolArray, start: BoolArray) -> bool:
    pieces, count = ndimage.label(free, _CROSS)
    reached = _pieces_with(pieces, count, pieces[start])
    return bool(reached[pieces[0]].any() or reached[pieces[-1]].any() or reached[pieces[:, 0]].any())
