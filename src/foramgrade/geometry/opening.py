"""Where the foramen is on a section: the opening enclosed by two vertebrae and their disc.

The foramen is found from its pedicles. A *chord* is the longest straight line along the superior axis that runs
through free space from the pedicle of the upper vertebra to the pedicle of the lower one. The chord splits the ring
around the foramen into an anterior half (bodies and disc) and a posterior half (pars, facet joint). A labelled ring
is usually a little open, mostly at the facet joint. Each half is sealed by itself, so that a narrow foramen is never
mistaken for a gap: the gap of a half is the widest throat through which the foramen still leaks out. The seal is the
straight line across the throat, at the mouth of a long cleft; shallow corners of the foramen are no clefts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.findings import BoolArray, FloatArray
from foramgrade.geometry.planes import REACH_MM, Part, Section

#: A ring that is open by more than this is not closed, mm: a third of its circumference would then be invented.
SEAL_LIMIT_MM = 10.0

#: Clefts of the ring up to this width belong to it, mm: facet joint spaces and unlabelled endplates, not foramen.
CLEFT_MM = 3.0

#: A cleft that is wider is sealed where a disc stops that is this much wider than the cleft's narrowest place.
MOUTH_RATIO = 1.25

#: Bone at both ends of the chord reaches at least this far behind it, mm: it is a pedicle, not the rim of a body.
PEDICLE_REACH_MM = 4.0

#: ... and does so within this height above or below the chord's end, mm: the height of a pedicle.
PEDICLE_HEIGHT_MM = 12.0

#: A piece of a vertebra counts as body with pedicle when it reaches this far before the disc's posterior margin, mm.
BODY_DEPTH_MM = 6.0

#: Shortest distance between two pedicles that is looked at, mm: well below the lowest foramina, about 10 mm.
SHORTEST_CHORD_MM = 6.0

#: What holds less than this share of the way from pedicle to pedicle is a pit in the bone, not the foramen.
CHORD_SHARE_LIMIT = 0.5

#: The ring around an opening is looked for this far from it, mm; where the label map ends nearer, the ring is cut.
RING_MM = 5.0

#: A section is still inside the canal, medial to the pedicles, when more than this share of the opening is canal.
CANAL_SHARE_LIMIT = 0.25

_STEPS = 7  # of the bisection for the gap: the limit / 2**7 is below a tenth of a pixel


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """The foramen on one section.

    Parameters
    ----------
    mask : (H, W) bool array
        Its pixels, on the section's raster.
    gap_mm : float
        Widest gap that had to be sealed, 0 for a closed ring, mm. A cleft counts with its narrowest place, which in an
        oblique cleft drawn in voxels is up to a voxel narrower than the cleft.
    chord_column : int
        Column of the chord from pedicle to pedicle.
    cut : bool
        Whether the ring reaches the edge of the label map.
    """

    mask: BoolArray
    gap_mm: float
    chord_column: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A section between two pedicles whose ring is open beyond the limit.

    Parameters
    ----------
    gap_mm : float or None
        The gap, mm; None when it is wider than could be measured.
    """

    gap_mm: float | None


@dataclass(frozen=True, slots=True)
class Chord:
    """The straight line through free space from the upper to the lower pedicle.

    Parameters
    ----------
    column, bottom, top : int
        Column and the first and last free row on the section's raster.
    """

    column: int
    bottom: int
    top: int


def find_opening(section: Section, *, seal_limit_mm: float = SEAL_LIMIT_MM) -> Opening | Unclosed | None:
    """The foramen on a section.

    Parameters
    ----------
    section : Section
        A sagittal section.
    seal_limit_mm : float
        Widest gap in the ring that is sealed, mm.

    Returns
    -------
    Opening, Unclosed or None
        None where the section does not lie between the pedicles of the two vertebrae.

    Notes
    -----
    *Definition*: free pixels connected to the chord inside the ring of upper vertebra, disc and lower vertebra. A
    cleft of the ring of up to 3 mm (a facet joint, an unlabelled endplate) does not belong to the foramen if it is
    deeper than 1.5 mm, whether it leads out or not; a wider one is cut at its mouth or its narrowest place.
    *Limits*: the tips beside a cleft are rounded by the voxels, which widens its mouth: on phantoms the mean area is up
    to 3 % too large with clefts of 2 mm and 7 to 9 % with clefts of 3 mm.
    """
    chord = find_chord(section)
    if chord is None:
        return None
    solid = section.solid
    halves = []
    for anterior in (False, True):
        half = _seal_half(solid, chord, anterior, section.pixel_mm, seal_limit_mm)
        if isinstance(half, Unclosed):
            return half
        halves.append(half)
    mask = _largest_piece(halves[0][0] | halves[1][0], chord)
    if mask[chord.bottom : chord.top + 1, chord.column].mean() < CHORD_SHARE_LIMIT:
        return None
    if np.mean(section.parts[mask] == Part.CANAL) > CANAL_SHARE_LIMIT:
        return None
    near = ndimage.distance_transform_edt(~mask) * section.pixel_mm <= RING_MM
    return Opening(mask, max(halves[0][1], halves[1][1]), chord.column, bool(np.any(~section.inside & near)))


def find_chord(section: Section) -> Chord | None:
    """The longest line along the superior axis that joins the two pedicles through free space.

    Parameters
    ----------
    section : Section
        A sagittal section.

    Returns
    -------
    Chord or None
        None when no column joins a pedicle of the upper with a pedicle of the lower vertebra.
    """
    solid = section.solid
    rearmost = _rearmost_columns(section)
    reach = round(PEDICLE_REACH_MM / section.pixel_mm)
    starts = ~solid & np.vstack([np.zeros((1, solid.shape[1]), bool), solid[:-1]])
    chords = []
    for bottom, column in np.argwhere(starts):
        if rearmost[Part.LOWER][bottom - 1, column] > column - reach:
            continue
        above = np.flatnonzero(solid[bottom:, column])
        if len(above) == 0 or rearmost[Part.UPPER][bottom + above[0], column] > column - reach:
            continue
        chords.append(Chord(int(column), int(bottom), int(bottom + above[0] - 1)))
    chords.sort(key=lambda chord: chord.bottom - chord.top)
    for chord in chords:
        if (chord.top - chord.bottom) * section.pixel_mm < SHORTEST_CHORD_MM:
            break
        if _joins_pedicles(section, chord):
            return chord
    return None


def _joins_pedicles(section: Section, chord: Chord) -> bool:
    """Whether the bone at both ends runs backwards within a pedicle's height: a sloping body wall does not."""
    height, reach = (round(d / section.pixel_mm) for d in (PEDICLE_HEIGHT_MM, PEDICLE_REACH_MM))
    roof = section.parts[chord.top + 1 : chord.top + 1 + height] == Part.UPPER
    floor = section.parts[max(chord.bottom - height, 0) : chord.bottom][::-1] == Part.LOWER
    for bone in (roof, floor):
        pieces, _ = ndimage.label(bone, structure=np.ones((3, 3)))
        behind = pieces[:, : chord.column - reach + 1]
        if not np.any(behind == pieces[0, chord.column]):
            return False
    return True


def _rearmost_columns(section: Section) -> dict[Part, npt.NDArray[np.intp]]:
    """For each vertebra and pixel, the rearmost column of the pixel's piece, if that piece includes the body."""
    in_body = section.anterior_mm > section.anterior_mm[0] + REACH_MM["posterior"] + BODY_DEPTH_MM
    nowhere = section.parts.shape[1]
    result = {}
    for part in (Part.UPPER, Part.LOWER):
        pieces, count = ndimage.label(section.parts == part, structure=np.ones((3, 3)))
        columns = np.full(count + 1, nowhere)
        for index, box in enumerate(ndimage.find_objects(pieces), start=1):
            if in_body[box[1]].any():
                columns[index] = box[1].start
        result[part] = columns[pieces]
    return result


def _seal_half(
    solid: BoolArray, chord: Chord, anterior: bool, pixel_mm: float, limit_mm: float
) -> tuple[BoolArray, float] | Unclosed:
    """Free pixels enclosed on one side of the chord, on the whole raster, and the gap that was sealed."""
    columns = slice(chord.column, None) if anterior else slice(None, chord.column + 1)
    outer = -1 if anterior else 0
    # What lies beyond the chord is taken for free, as high as the chord: only the half's own bone narrows a way.
    room = round(limit_mm / pixel_mm)
    beyond = ((0, 0), (room, 0) if anterior else (0, room))
    start = np.pad(np.zeros_like(solid[:, columns]), beyond, constant_values=True)
    bone = np.pad(solid[:, columns], beyond) | start
    start[: chord.bottom] = start[chord.top + 1 :] = False
    bone &= ~start
    reached = _reachable(~bone, start)
    gap_mm = 0.0
    if _leaks(reached, outer):
        throat = _throat(bone, start, outer, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        gap_mm = 2 * throat
    inside = reached & ~_clefts(reached, start, pixel_mm)
    if _leaks(inside, outer):
        throat = _throat(~inside, start, outer, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        sealed = _cut_at_throat(inside, start, outer, pixel_mm, throat)
        if sealed is None:
            return Unclosed(2 * throat)
        inside = sealed
    inside = _with_straight_mouths(inside, reached & ~inside)
    mask = np.zeros_like(solid)
    mask[:, columns] = inside[:, room:] if anterior else inside[:, :-room]
    return mask, gap_mm


def _clefts(inside: BoolArray, start: BoolArray, pixel_mm: float) -> BoolArray:
    """Clefts of the ring, and whatever lies beyond them.

    A disc as wide as a cleft may be rolls through the half; what it cannot reach is a corner of the foramen where it is
    shallow, and a cleft where it is deeper than the disc's radius.
    """
    own = _reachable(inside & ~_close(~inside, CLEFT_MM / 2, pixel_mm), start)
    pieces, count = ndimage.label(inside & ~own)
    if count == 0:
        return np.zeros_like(inside)
    depths = ndimage.maximum(_distance(own, pixel_mm), pieces, np.arange(1, count + 1))
    result: BoolArray = np.isin(pieces, np.flatnonzero(depths > CLEFT_MM / 2) + 1)
    return result


def _cut_at_throat(
    inside: BoolArray, start: BoolArray, outer: int, pixel_mm: float, throat_mm: float
) -> BoolArray | None:
    """The inside up to its throat, half-way between the two rooms that it joins; None where the chord is too short.

    A long cleft is about equally narrow everywhere, and where exactly is chance: it is cut at its mouth.
    """
    clearance = _clearance(~inside, pixel_mm)
    wide = clearance > throat_mm
    core, outside = _reachable(wide, start), _reachable(wide, _rim(wide, outer))
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


def _with_straight_mouths(inside: BoolArray, clefts: BoolArray) -> BoolArray:
    """The inside without what bulges into a cleft: the seal is the straight line between the cleft's lips."""
    result = inside.copy()
    seams, count = ndimage.label(ndimage.binary_dilation(clefts) & inside, structure=np.ones((3, 3)))
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


def _throat(bone: BoolArray, start: BoolArray, outer: int, pixel_mm: float, limit_mm: float) -> float | None:
    """Half the width, mm, of the widest throat through which the start leaks out; None beyond half the limit."""
    clearance = _clearance(bone, pixel_mm)
    low, high = 0.0, limit_mm / 2
    if _leaks(_reachable(clearance > high, start), outer):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _leaks(_reachable(clearance > middle, start), outer):
            low = middle
        else:
            high = middle
    return high


def _distance(region: BoolArray, pixel_mm: float) -> FloatArray:
    """Distance of every pixel to the nearest pixel of a region, mm."""
    distance: FloatArray = ndimage.distance_transform_edt(~region) * pixel_mm
    return distance


def _clearance(bone: BoolArray, pixel_mm: float) -> FloatArray:
    """Distance of every free pixel to the edge of the nearest bone pixel, mm."""
    return _distance(bone, pixel_mm) - pixel_mm / 2


def _close(bone: BoolArray, radius_mm: float, pixel_mm: float) -> BoolArray:
    """Bone closed by a disc."""
    grown = _clearance(bone, pixel_mm) <= radius_mm
    result: BoolArray = bone | (_distance(~grown, pixel_mm) > radius_mm + pixel_mm / 2)
    return result


def _rim(region: BoolArray, outer: int) -> BoolArray:
    """Pixels of a region at the top, the bottom and the outer column of the array."""
    rim = np.zeros_like(region)
    rim[[0, -1]] = region[[0, -1]]
    rim[:, outer] = region[:, outer]
    return rim


def _reachable(free: BoolArray, start: BoolArray) -> BoolArray:
    pieces, _ = ndimage.label(free)
    reached = np.unique(pieces[start & free])
    result: BoolArray = np.isin(pieces, reached[reached > 0])
    return result


def _leaks(region: BoolArray, outer: int) -> bool:
    return bool(_rim(region, outer).any())


def _largest_piece(mask: BoolArray, chord: Chord) -> BoolArray:
    """The piece that holds most of the chord."""
    pieces, _ = ndimage.label(mask)
    along = pieces[chord.bottom : chord.top + 1, chord.column]
    along = along[along > 0]
    result: BoolArray = pieces == np.bincount(along).argmax() if len(along) else np.zeros_like(mask)
    return result
