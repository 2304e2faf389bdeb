"""Where the foramen is on a section: the opening enclosed by two vertebrae and their disc.

The foramen is found from its pedicles. A *chord* is the longest straight line along the superior axis that runs
through free space from the pedicle of the upper vertebra to the pedicle of the lower one. The chord splits the ring
around the foramen into an anterior half (bodies and disc) and a posterior half (pars, facet joint). A labelled ring
is usually a little open, mostly at the facet joint. Each half is sealed by itself, so that a narrow foramen is never
mistaken for a gap: the gap of a half is the widest throat through which the foramen still leaks out, and the seal is
put where that throat is narrowest.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.findings import BoolArray, FloatArray
from foramgrade.geometry.planes import Part, Section

#: A ring that is open by more than this is not closed, mm: a third of its circumference would then be invented.
SEAL_LIMIT_MM = 10.0

#: Clefts of the ring up to this width belong to it, mm: facet joint spaces and unlabelled endplates, not foramen.
CLEFT_MM = 3.0

#: Bone at both ends of the chord reaches at least this far behind it, mm: it is a pedicle, not the rim of a body.
PEDICLE_REACH_MM = 4.0

#: A piece of a vertebra counts as body with pedicle when it reaches the foremost strip of the section, this wide, mm.
BODY_STRIP_MM = 8.0

#: Shortest distance between two pedicles that is looked at, mm.
SHORTEST_CHORD_MM = 4.0

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
        Widest gap that had to be sealed, 0 for a closed ring, mm.
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
    cleft of the ring that is no wider than the gap (a facet joint) does not belong to the foramen.
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
    best: Chord | None = None
    for bottom, column in np.argwhere(starts):
        if rearmost[Part.LOWER][bottom - 1, column] > column - reach:
            continue
        above = np.flatnonzero(solid[bottom:, column])
        if len(above) == 0 or rearmost[Part.UPPER][bottom + above[0], column] > column - reach:
            continue
        chord = Chord(int(column), int(bottom), int(bottom + above[0] - 1))
        if best is None or chord.top - chord.bottom > best.top - best.bottom:
            best = chord
    if best is None or (best.top - best.bottom) * section.pixel_mm < SHORTEST_CHORD_MM:
        return None
    return best


def _rearmost_columns(section: Section) -> dict[Part, npt.NDArray[np.intp]]:
    """For each vertebra and pixel, the rearmost column of the pixel's piece, if that piece includes the body."""
    in_body = section.anterior_mm > section.anterior_mm[-1] - BODY_STRIP_MM
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
    bone = solid[:, columns]
    start = np.zeros_like(bone)
    start[chord.bottom : chord.top + 1, 0 if anterior else -1] = True
    mask = np.zeros_like(solid)
    gap_mm = 0.0
    if _leaks(_reachable(~bone, start), outer):
        throat = _throat(bone, start, outer, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        gap_mm = 2 * throat
    closed = _close(bone, CLEFT_MM / 2, pixel_mm, open_end=0 if anterior else -1)
    inside = _reachable(~closed, start)
    if _leaks(inside, outer):
        throat = _throat(closed, start, outer, pixel_mm, limit_mm)
        if throat is None:
            return Unclosed(None)
        wide = _clearance(closed, pixel_mm) > throat
        core, outside = _reachable(wide, start), _reachable(wide, _rim(wide, outer))
        if not core.any():
            return Unclosed(2 * throat)
        inside &= ndimage.distance_transform_edt(~core) <= ndimage.distance_transform_edt(~outside)
    mask[:, columns] = inside
    return mask, gap_mm


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


def _clearance(bone: BoolArray, pixel_mm: float) -> FloatArray:
    """Distance of every free pixel to the edge of the nearest bone pixel, mm."""
    distance: FloatArray = ndimage.distance_transform_edt(~bone) * pixel_mm - pixel_mm / 2
    return distance


def _close(bone: BoolArray, radius_mm: float, pixel_mm: float, *, open_end: int) -> BoolArray:
    """Bone closed by a disc; at the open end (column 0 or -1) nothing is assumed beyond the array."""
    margin = round(2 * radius_mm / pixel_mm) + 2
    padding = ((0, 0), (margin, 0) if open_end == 0 else (0, margin))
    grown = _clearance(np.pad(bone, padding), pixel_mm) <= radius_mm
    closed = ndimage.distance_transform_edt(grown) * pixel_mm > radius_mm + pixel_mm / 2
    closed = closed[:, margin:] if open_end == 0 else closed[:, :-margin]
    result: BoolArray = bone | closed
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
