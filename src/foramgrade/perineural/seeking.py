"""Where the root probably is: every ellipse of root size is tried everywhere, at once.

What speaks for an ellipse is what lies in it and what lies round it: tissue as bright as nerve inside, other tissue in
a band outside. Evidence grows with the area, but slowly: like tissue comes in pieces, and a piece twice as large is not
twice as likely to be the nerve. Size, elongation and place have a prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.perineural.ellipse import Ellipse, fill_ellipse

#: Areas that are tried, as multiples of the usual one.
AREAS = (0.18, 0.25, 0.35, 0.48, 0.62, 0.76, 0.9, 1.05, 1.25, 1.5)

#: Aspects (major / minor axis) and directions (degrees) that are tried.
ASPECTS = (1.0, 1.3, 1.7, 2.3, 3.0)
_DIRECTIONS = tuple(range(0, 180, 20))

#: Width of the band around an ellipse that should be unlike it, mm, and its weight against the inside.
BAND_MM, _BAND_WEIGHT = 1.2, 0.6

#: Evidence grows with this power of the area.
_GROWTH_OF_EVIDENCE = 0.35

#: Weight of the prior, mm2 per unit of squared logarithm: larger than usual, smaller, longer than 1.35.
_LARGER, _SMALLER, _LONGER = 20.0, 1.5, 2.0
_USUAL_ASPECT = 1.35

#: A pixel where the root cannot be costs this many times what a pixel of pure fat costs.
_OUTSIDE_COST = 2.0

#: Two ellipses whose centres are nearer than this are one root, mm.
APART_MM = 2.0

#: Raster of the search, mm: finer gains nothing, because the outline is fitted afterwards.
SEARCH_PIXEL_MM = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Where a root may lie.

    Parameters
    ----------
    allowed : (H, W) bool array
        Pixels that may belong to the root.
    cost_mm2 : (H, W) float array
        Cost of a centre at a pixel, in mm2 of evidence.
    credit : (H, W) float array
        How much tissue as bright as nerve counts there, 0 to 1: less beside a disc, which may be as bright.
    closed : bool
        Whether labels bound it; else bone and joints may lie in it.
    """

    allowed: BoolArray
    cost_mm2: FloatArray
    credit: FloatArray
    closed: bool = True


def seek_ellipses(
    likeness: FloatArray, around: FloatArray, ground: Ground, pixel_mm: float, *, usual_mm2: float, most: int = 1
) -> list[tuple[Ellipse, float]]:
    """Find the places at which most speaks for an ellipse, and the best ellipse of each.

    Parameters
    ----------
    likeness : (H, W) float array
        +0.5 for the brightness of nerve, -0.5 for what is surely none.
    around : (H, W) float array
        The same of the band around a root: the lower, the better what is there tells a root.
    ground : Ground
        Where it may lie.
    pixel_mm : float
        Edge of a pixel, mm.
    usual_mm2 : float
        Usual area of this root, mm2.
    most : int
        Number of places at the most.

    Returns
    -------
    list of tuple of Ellipse and float
        Ellipses and their evidence, mm2, most first, their centres at least `APART_MM` apart; empty where no pixel is
        allowed.
    """
    every = max(1, round(SEARCH_PIXEL_MM / pixel_mm))
    window = find_window(ground.allowed, pixel_mm, usual_mm2)
    allowed = _shrink(ground.allowed.astype(float), window, every, 0.0) > 0.5
    if not allowed.any():
        return []
    inside = np.where(likeness > 0, likeness * ground.credit, likeness)
    inside = np.where(ground.allowed, inside, -0.5 * _OUTSIDE_COST)
    outside = np.where(around > 0, around * ground.credit, around)
    if ground.closed:
        # Labelled bone and disc around a root part it from all else, however bright they are.
        outside = np.where(ground.allowed, outside, -0.5)
    pixel = pixel_mm * every
    tried, spectra, priors = _templates(allowed.shape, pixel, usual_mm2)
    score = np.stack([_shrink(inside, window, every, -0.5 * _OUTSIDE_COST), _shrink(outside, window, every, -0.5)])
    # Single precision is a thousand times finer than evidence differs by from one image of a patient to the next.
    within, beside = fft.rfft2(score.astype(np.float32)).view(np.float32)
    matched = spectra[0] * within
    matched += spectra[1] * beside
    # Back from the spectra only where a root may lie.
    used = np.flatnonzero(allowed.any(axis=1))
    rows_used = slice(used[0], used[-1] + 1)
    columnwise = fft.ifft(matched.view(np.complex64), axis=1, overwrite_x=True)[:, rows_used]
    evidence = fft.irfft(columnwise, n=allowed.shape[1], axis=2).reshape(len(tried), -1)
    total = evidence.take(np.flatnonzero(allowed[rows_used]), axis=1)
    total *= pixel**2
    total -= priors[:, None]
    cost = _shrink(ground.cost_mm2, window, every, 0.0)
    kind = np.zeros(allowed.shape, int)
    kind[allowed] = total.argmax(axis=0)
    best = np.full(allowed.shape, -np.inf)
    best[allowed] = total.max(axis=0) - cost[allowed]
    rows, columns = np.indices(best.shape)
    found: list[tuple[Ellipse, float]] = []
    while len(found) < most and np.isfinite(best).any():
        row, column = np.unravel_index(int(np.argmax(best)), best.shape)
        # The last pixel of the search raster may be centred beyond the section's edge.
        centre = (np.array([row, column]) + 0.5) * every - 0.5 + [window[0].start, window[1].start]
        ellipse = Ellipse.of_area(float(centre[0]), float(centre[1]), *tried[kind[row, column]])
        found.append((ellipse, float(best[row, column])))
        best[np.hypot(rows - row, columns - column) * pixel < APART_MM] = -np.inf
    return found


def find_window(allowed: BoolArray, pixel_mm: float, usual_mm2: float) -> tuple[slice, slice]:
    """Rows and columns around the allowed pixels, in multiples of 16 search pixels so that templates are reused."""
    every = max(1, round(SEARCH_PIXEL_MM / pixel_mm))
    # The search is cyclic: without an ellipse's reach of room, what sticks out of one end comes in at the other.
    longest = (np.sqrt(AREAS[-1] * usual_mm2 * ASPECTS[-1] / np.pi) + BAND_MM) / pixel_mm
    room = 2 * every + int(np.ceil(longest / every)) * every
    parts = []
    for axis in (0, 1):
        used = np.flatnonzero(allowed.any(axis=1 - axis))
        first = max(int(used[0]) - 2 * every, 0) if len(used) else 0
        last = int(used[-1]) if len(used) else 0
        parts.append(slice(first, first + -(-(last + room - first) // (16 * every)) * 16 * every))
    return parts[0], parts[1]


def _shrink(values: FloatArray, window: tuple[slice, slice], every: int, fill: float) -> FloatArray:
    """Means over blocks of pixels in a window that may reach beyond the raster."""
    size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    here = values[window]
    part = np.full(size, fill)
    part[: here.shape[0], : here.shape[1]] = here
    blocks: FloatArray = part.reshape(size[0] // every, every, size[1] // every, every).mean(axis=(1, 3))
    return blocks


@lru_cache(maxsize=16)
def _templates(
    shape: tuple[int, int], pixel_mm: float, usual_mm2: float
) -> tuple[list[tuple[float, float, float]], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Area, aspect and direction of all ellipses that are tried; spectra of their insides and bands; priors.

    Ellipses are point symmetric, so that their spectra are real; every number stands twice, for the real and the
    imaginary part of what it is multiplied with.
    """
    rows, columns = shape[0] // 2, shape[1] // 2
    tried = [
        (share * usual_mm2, aspect, float(np.radians(direction)))
        for share in AREAS
        for aspect in ASPECTS
        for direction in (_DIRECTIONS if aspect > 1 else (0,))
    ]
    masks: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    for area, aspect, direction in tried:
        ellipse = Ellipse.of_area(rows, columns, area, aspect, direction)
        inside = fill_ellipse(ellipse, shape, pixel_mm)
        band = fill_ellipse(ellipse, shape, pixel_mm, grow_mm=BAND_MM) - inside
        worth = _worth(area, usual_mm2) / pixel_mm**2
        masks[0].append(inside * (worth / inside.sum()))
        masks[1].append(band * (-_BAND_WEIGHT * worth / band.sum()))
    spectra = fft.rfft2(np.roll(np.array(masks, np.float32), (-rows, -columns), axis=(2, 3)))
    priors = np.array([_prior(area / usual_mm2, aspect) for area, aspect, _ in tried], np.float32)
    return tried, np.repeat(spectra.real, 2, axis=-1), priors


def excess_of_one_side(sides: Sequence[float], area_mm2: float, usual_mm2: float) -> float:
    """Evidence that a candidate for the root owes to contrast on one of its sides alone.

    Parameters
    ----------
    sides : sequence of float
        How far each side shows other tissue in the band around it, 0 to 1.
    area_mm2, usual_mm2 : float
        Its area, and the usual one of the root.

    Returns
    -------
    float
        What the side that shows most adds beyond the one that shows next to most, mm2: tissue like nerve with fat on a
        single side is the border of whatever lies there, be it disc, ligament or a root inside it.

    Examples
    --------
    >>> surrounded, at_a_corner, at_a_border = (1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 0, 0)
    >>> [round(excess_of_one_side(sides, 20, 20), 2) for sides in (surrounded, at_a_corner, at_a_border)]
    [0.0, 0.0, 3.0]
    """
    *_, second, most = sorted(sides)
    # From nerve to what is surely none likeness falls by one.
    return float(_BAND_WEIGHT * _worth(area_mm2, usual_mm2) * (most - second) / len(sides))


def _worth(area_mm2: float, usual_mm2: float) -> float:
    """Most evidence, mm2, that an ellipse of an area can have."""
    return float(usual_mm2 * (area_mm2 / usual_mm2) ** _GROWTH_OF_EVIDENCE)


def _prior(share: float, aspect: float) -> float:
    """Cost, mm2, of an unusual size and elongation."""
    weight = _LARGER if share > 1 else _SMALLER
    return float(weight * np.log(share) ** 2 + _LONGER * np.log(max(aspect / _USUAL_ASPECT, 1.0)) ** 2)
