"""Where the nerve root is: the non-fatty oval in the upper part of the foramen.

The root is found as the ellipse that holds the most root-like and the least fatty tissue, with a prior on its size and
height in the foramen. Where fat surrounds the root the data decide alone; where the root touches ligament, disc or
bone the prior keeps the ellipse from growing into them. Intensities are read on the scale on which no signal is 0 and
the fat beside this foramen is 1: on T1 and on T2 spin echo alike, ligament and cortical bone lie below 0.15, nerve
and muscle around 0.2-0.45.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage

from foramgrade.findings import BoolArray, FloatArray

#: Usual cross-section of a lumbar root with its ganglion, mm2: an oval of 6 x 5 mm.
USUAL_ROOT_MM2 = 23.6

#: Areas that are tried, as multiples of the usual one.
_AREAS = (0.2, 0.3, 0.45, 0.65, 0.85, 1.0, 1.2, 1.45)

#: Aspects (major / minor axis) and directions (degrees) that are tried.
_ASPECTS = (1.0, 1.35, 1.8, 2.4, 3.2)
_DIRECTIONS = tuple(range(0, 180, 20))

#: Weight of the prior, mm2 per unit of squared logarithm: growth beyond the usual size, and shrinkage below it.
_GROWTH, _SHRINKAGE, _ELONGATION = 14.0, 0.9, 1.0

#: How root-like an intensity is: +0.5 nerve, -0.5 fat, hardly for or against the signal of ligament and cortical bone.
_ROOT_LIKE = ((0.0, 0.12, 0.22, 0.45, 0.65, 0.85), (0.0, 0.1, 0.5, 0.5, 0.0, -0.5))

#: Signal of ligament and cortical bone on the same scale.
_DARK = 0.08

#: Usual height of the root's centre in the opening (0 bottom, 1 top), its spread, and the weight of leaving it.
_USUAL_HEIGHT, _HEIGHT_SPREAD, _HEIGHT_WEIGHT = 0.70, 0.15, 1.0

#: A pixel outside the opening costs this many times what a pixel of pure fat costs.
_OUTSIDE_COST = 2.0

#: Raster of the search, mm: finer gains nothing, because the outline is drawn afterwards.
_SEARCH_PIXEL_MM = 0.6

#: The outline may leave the fitted ellipse by this factor.
_LOOSE = 1.2

#: Tissue this near to a contact with like tissue outside the ellipse is not added to the root, mm.
_CONTACT_REACH_MM = 1.2

#: An ellipse with less evidence than this is no root, mm2.
SMALLEST_EVIDENCE_MM2 = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """The nerve root on one section.

    Parameters
    ----------
    mask : (H, W) bool array
        Its pixels.
    centre : tuple of two float
        Row and column of the centre of mass.
    area_mm2 : float
        Area, mm2.
    aspect : float
        Major / minor axis from the second moments, at least 1.
    indistinct : float
        Share of the outline, 0 to 1, at which neither fat nor clearly darker tissue borders the root.
    brightness : float
        Median intensity of the root between no signal (0) and fat (1).
    """

    mask: BoolArray
    centre: tuple[float, float]
    area_mm2: float
    aspect: float
    indistinct: float
    brightness: float


def find_root(brightness: FloatArray, opening: BoolArray, pixel_mm: float) -> Root | None:
    """Find and outline the nerve root.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    opening : (H, W) bool array
        The foramen; axes (superior, anterior).
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    Root or None
        None where no oval of root size holds mostly non-fatty tissue.
    """
    found = _fit_ellipse(brightness, opening, pixel_mm)
    if found is None:
        return None
    centre, area, aspect, direction = found
    shape = brightness.shape
    core = _ellipse(shape, centre, area / 2, aspect, direction, pixel_mm) & opening
    tight = _ellipse(shape, centre, area, aspect, direction, pixel_mm) & opening
    loose = _ellipse(shape, centre, area * _LOOSE**2, aspect, direction, pixel_mm) & opening
    own = float(np.median(brightness[core])) if core.any() else float(np.median(brightness[tight]))
    darkest = (own + _DARK) / 2 if own > 2 * _DARK else 0.0
    fatless = brightness < (own + 1.0) / 2
    alike = opening & fatless & (brightness >= darkest)
    # Inside the fitted ellipse whatever is not fat is root; beyond it only like tissue that ends nearby.
    mask = _trim((tight & fatless) | (loose & alike & ~_going_on(alike, loose, pixel_mm)), pixel_mm)
    return None if mask is None else describe_root(mask, fatless & (brightness >= darkest), pixel_mm, own)


def describe_root(mask: BoolArray, alike: BoolArray, pixel_mm: float, brightness: float) -> Root:
    """Area, axes and distinctness of a root, drawn by hand or found.

    Parameters
    ----------
    mask : (H, W) bool array
        The root, at least one pixel.
    alike : (H, W) bool array
        Pixels that are neither fat nor clearly darker than the root.
    pixel_mm : float
        Edge of a pixel, mm.
    brightness : float
        Median intensity of the root between no signal (0) and fat (1).

    Returns
    -------
    Root
        The root with its measures. A pixel's own extent adds 1/12 to each second moment, so that one pixel is round.
    """
    positions = np.argwhere(mask).astype(float)
    centre = positions.mean(axis=0)
    moments = np.cov(positions.T, bias=True) if len(positions) > 1 else np.zeros((2, 2))
    minor, major = np.sqrt(np.linalg.eigvalsh(moments + np.eye(2) / 12))
    rim = ndimage.binary_dilation(mask, iterations=max(1, round(0.6 / pixel_mm))) & ~mask
    indistinct = float(alike[rim].mean()) if rim.any() else 1.0
    area = float(mask.sum() * pixel_mm**2)
    return Root(mask, (float(centre[0]), float(centre[1])), area, float(major / minor), indistinct, brightness)


def _fit_ellipse(
    brightness: FloatArray, opening: BoolArray, pixel_mm: float
) -> tuple[tuple[float, float], float, float, float] | None:
    """Centre (row, column), area (mm2), aspect and direction (degrees) of the best ellipse."""
    every = max(1, round(_SEARCH_PIXEL_MM / pixel_mm))
    pixel = pixel_mm * every
    score = np.where(opening, np.interp(brightness, *_ROOT_LIKE), -0.5 * _OUTSIDE_COST)
    score = ndimage.uniform_filter(score, every)[::every, ::every]
    allowed = opening[::every, ::every]
    rows = np.flatnonzero(opening.any(axis=1))
    height = (np.arange(score.shape[0]) * every - rows[0]) / max(rows[-1] - rows[0], 1)
    off_height = _HEIGHT_WEIGHT * ((height - _USUAL_HEIGHT) / _HEIGHT_SPREAD) ** 2
    spectrum = fft.rfft2(score)
    best, fitted = SMALLEST_EVIDENCE_MM2, None
    for share, aspect, direction, template in _templates(score.shape, pixel):
        evidence = fft.irfft2(spectrum * template, s=score.shape) * pixel**2
        total = np.where(allowed, evidence - _prior(share, aspect) - off_height[:, None], -np.inf)
        row, column = np.unravel_index(int(np.argmax(total)), total.shape)
        if total[row, column] > best:
            best = float(total[row, column])
            fitted = (float(row * every), float(column * every)), share * USUAL_ROOT_MM2, aspect, direction
    return fitted


def _prior(share: float, aspect: float) -> float:
    """Cost, mm2, of an unusual size and elongation."""
    weight = _GROWTH if share > 1 else _SHRINKAGE
    return float(weight * np.log(share) ** 2 + _ELONGATION * np.log(max(aspect / 1.35, 1.0)) ** 2)


@lru_cache(maxsize=4)
def _templates(shape: tuple[int, int], pixel_mm: float) -> tuple[tuple[float, float, float, FloatArray], ...]:
    """Spectra of all ellipses, centred on the first pixel, for correlation."""
    result = []
    for share in _AREAS:
        for aspect in _ASPECTS:
            for direction in _DIRECTIONS if aspect > 1 else (0,):
                middle = (shape[0] // 2, shape[1] // 2)
                shape_mask = _ellipse(shape, middle, share * USUAL_ROOT_MM2, aspect, direction, pixel_mm)
                centred = np.roll(shape_mask, (-middle[0], -middle[1]), axis=(0, 1)).astype(float)
                result.append((share, aspect, float(direction), np.conj(fft.rfft2(centred))))
    return tuple(result)


def _ellipse(
    shape: tuple[int, ...],
    centre: tuple[float, float],
    area_mm2: float,
    aspect: float,
    direction_deg: float,
    pixel_mm: float,
) -> BoolArray:
    minor = np.sqrt(area_mm2 / np.pi / aspect) / pixel_mm
    rows, columns = np.arange(shape[0])[:, None] - centre[0], np.arange(shape[1])[None, :] - centre[1]
    angle = np.radians(direction_deg)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    across = columns * np.cos(angle) - rows * np.sin(angle)
    inside: BoolArray = (along / (minor * aspect)) ** 2 + (across / minor) ** 2 <= 1.0
    return inside


def _going_on(alike: BoolArray, loose: BoolArray, pixel_mm: float) -> BoolArray:
    """Root-like pixels of the loose ellipse near places where such tissue goes on beyond it: contact, not root."""
    outside = alike & ~loose
    touching: BoolArray = loose & alike & ndimage.binary_dilation(outside)
    if not touching.any():
        return touching
    result: BoolArray = ndimage.distance_transform_edt(~touching) * pixel_mm <= _CONTACT_REACH_MM
    return result


def _trim(mask: BoolArray, pixel_mm: float) -> BoolArray | None:
    """Largest piece without spurs and holes; None when nothing is left."""
    disc = _ellipse((5, 5), (2, 2), np.pi * (2 * pixel_mm) ** 2, 1.0, 0.0, pixel_mm)
    smooth = ndimage.binary_opening(mask, structure=disc)
    pieces, count = ndimage.label(smooth if smooth.any() else mask)
    if count == 0:
        return None
    result: BoolArray = ndimage.binary_fill_holes(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))
    return result
