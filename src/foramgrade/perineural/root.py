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
import numpy.typing as npt
from scipy import fft, ndimage
from scipy.spatial import ConvexHull

from foramgrade.findings import BoolArray, FloatArray

#: Usual cross-section of a lumbar root with its ganglion, mm2: an oval of 6 x 5 mm.
USUAL_ROOT_MM2 = 23.6

#: Areas that are tried, as multiples of the usual one.
_AREAS = (0.18, 0.25, 0.35, 0.48, 0.62, 0.76, 0.9, 1.05, 1.25, 1.5)

#: Aspects (major / minor axis) and directions (degrees) that are tried.
_ASPECTS = (1.0, 1.3, 1.7, 2.3, 3.0)
_DIRECTIONS = tuple(range(0, 180, 20))

#: How root-like a brightness is before the root's own is known: +0.5 nerve, -0.5 fat, hardly for or against the
#: signal of ligament and cortical bone.
_ANY_ROOT = ((0.0, 0.12, 0.22, 0.45, 0.65, 0.85), (0.0, 0.1, 0.5, 0.5, 0.0, -0.5))

#: Brightness that is nerve rather than ligament or fat, and the least share of an ellipse's core that must have it.
_NERVE_RANGE = (0.2, 0.6)
_SMALLEST_NERVE_SHARE = 0.2

#: A root stands out from darker tissue when it is brighter by this much, and by this many times the noise.
_DISTINCT, _DISTINCT_NOISE = 0.10, 3.0

#: Weight of the prior, mm2 per unit of squared logarithm: growth beyond the usual size, shrinkage, elongation.
_GROWTH, _SHRINKAGE, _ELONGATION = 14.0, 0.5, 4.0

#: Usual height of the root's centre in the opening (0 bottom, 1 top), its spread, and the weight of leaving it, mm2.
_USUAL_HEIGHT, _HEIGHT_SPREAD, _HEIGHT_WEIGHT = 0.70, 0.15, 2.5

#: A pixel outside the opening costs this many times what a pixel of pure fat costs.
_OUTSIDE_COST = 2.0

#: Raster of the search, mm: finer gains nothing, because the outline is drawn afterwards.
_SEARCH_PIXEL_MM = 0.6

#: For fitting, root-like ends at this share of the way to the half-way level: a film of fat or ligament that partial
#: volume has half filled must not count for the root.
_STRICTNESS = 0.7

#: Width of the rim around the opening from which the signal of dark tissue is taken, mm.
_DARK_RIM_MM = 2.0

#: Share of that rim and the opening that must be dark to count: a sliver of ligament is enough, noise is not.
_DARK_QUANTILE = 0.02

#: The outline may leave the fitted ellipse by this factor.
_LOOSE = 1.2

#: A piece of like tissue is the root with its tips when no more than this share lies beyond the loose ellipse.
_TIPS_SHARE = 0.2

#: Tissue this near to a contact with like tissue outside the ellipse is not added to the root, mm.
_CONTACT_REACH_MM = 1.2

#: Spurs and notches of the outline up to twice this width are smoothed, mm.
_SPUR_MM = 0.6

#: Widths of the necks at which an outline is parted, mm, and the smallest lobe that is parted, mm2.
_NECKS_MM = (1.5, 2.1, 2.7, 3.3)
_SMALLEST_LOBE_MM2 = 3.0

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
    solidity : float
        Area over the area of the convex hull, 0 to 1.
    """

    mask: BoolArray
    centre: tuple[float, float]
    area_mm2: float
    aspect: float
    indistinct: float
    brightness: float
    solidity: float


def find_root(
    brightness: FloatArray,
    opening: BoolArray,
    pixel_mm: float,
    *,
    noise: float = 0.0,
    image_pixel_mm: float = 0.0,
) -> Root | None:
    """Find and outline the nerve root.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    opening : (H, W) bool array
        The foramen; axes (superior, anterior).
    pixel_mm : float
        Edge of a pixel, mm.
    noise : float
        Standard deviation of the brightness.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.

    Returns
    -------
    Root or None
        None where no oval of root size holds mostly root-like tissue.

    Notes
    -----
    *Definition*: an ellipse is fitted twice, first to what nerve looks like in general, then to the brightness of the
    root that was found; it maximises (root-like - unlike) area minus the prior. The outline is the half-way level
    between the root and fat, and between the root and darker tissue where the two can be told apart.
    """
    window = _window(opening, pixel_mm)
    found = _fit_ellipse(np.interp(brightness, *_ANY_ROOT), opening, window, pixel_mm)
    if found is None:
        return None
    dark = _dark_tissue(brightness, opening, pixel_mm)
    own = _own_brightness(brightness, opening, found, pixel_mm)
    range_ = _own_range(own, dark, noise)
    found = _fit_ellipse(_likeness(brightness, own, range_), opening, window, pixel_mm) or found
    own = _own_brightness(brightness, opening, found, pixel_mm)
    darkest, brightest = _own_range(own, dark, noise)
    tight, loose = (_ellipse(opening.shape, found, pixel_mm, scale=scale) & opening for scale in (1.0, _LOOSE))
    alike = opening & (brightness < brightest) & (brightness >= darkest)
    mask = _trim(_outline(alike, tight, loose, pixel_mm), opening, pixel_mm)
    return None if mask is None else describe_root(mask, alike, pixel_mm, brightness=own, image_pixel_mm=image_pixel_mm)


def describe_root(
    mask: BoolArray, alike: BoolArray, pixel_mm: float, *, brightness: float, image_pixel_mm: float = 0.0
) -> Root:
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
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm; 0 for an outline that the image did not blur.

    Returns
    -------
    Root
        The root with its measures.

    Notes
    -----
    *Definition* of the aspect: root of the ratio of the two principal second moments, each without the second moment
    of one image pixel, by which a thin outline is widened; never less than a quarter of what was seen is left.
    """
    positions = np.argwhere(mask).astype(float) * pixel_mm
    centre = positions.mean(axis=0) / pixel_mm
    seen = np.cov(positions.T, bias=True) if len(positions) > 1 else np.zeros((2, 2))
    moments = np.linalg.eigvalsh(seen + np.eye(2) * pixel_mm**2 / 12)
    minor, major = np.sqrt(np.maximum(moments - image_pixel_mm**2 / 12, moments / 4))
    rim = ndimage.binary_dilation(mask, iterations=max(1, round(0.6 / pixel_mm))) & ~mask
    indistinct = float(alike[rim].mean()) if rim.any() else 1.0
    area = float(mask.sum() * pixel_mm**2)
    return Root(
        mask, (float(centre[0]), float(centre[1])), area, float(major / minor), indistinct, brightness, _solidity(mask)
    )


def _solidity(mask: BoolArray) -> float:
    """Area over the area of the convex hull, which is that of the pixels' centres grown by half a pixel."""
    pixels = np.argwhere(mask)
    if np.linalg.matrix_rank(pixels - pixels[0]) < 2:
        return 1.0
    hull = ConvexHull(pixels)
    # In two dimensions qhull calls the area a volume and the circumference an area.
    return min(1.0, float(len(pixels) / (hull.volume + hull.area / 2 + np.pi / 4)))


@dataclass(frozen=True, slots=True)
class _Ellipse:
    """Centre (row, column), area (mm2), aspect and direction (degrees from superior towards anterior)."""

    row: float
    column: float
    area_mm2: float
    aspect: float
    direction_deg: float


def _own_brightness(brightness: FloatArray, opening: BoolArray, found: _Ellipse, pixel_mm: float) -> float:
    """Median brightness of the ellipse's core: of what in it looks like nerve, unless that is too little.

    Around a collapsed root the first ellipse holds more ligament than nerve.
    """
    core = brightness[_ellipse(opening.shape, found, pixel_mm, scale=0.7) & opening]
    if len(core) == 0:
        core = brightness[opening]
    nerve = core[(core >= _NERVE_RANGE[0]) & (core <= _NERVE_RANGE[1])]
    return float(np.median(nerve if len(nerve) >= _SMALLEST_NERVE_SHARE * len(core) else core))


def _dark_tissue(brightness: FloatArray, opening: BoolArray, pixel_mm: float) -> float:
    """Brightness of the darkest tissue in and around the opening: ligament and cortical bone."""
    around = ndimage.binary_dilation(opening, iterations=max(1, round(_DARK_RIM_MM / pixel_mm)))
    return float(np.quantile(brightness[around], _DARK_QUANTILE))


def _own_range(own: float, dark: float, noise: float) -> tuple[float, float]:
    """Brightness between which a pixel is more root than dark tissue and more root than fat."""
    distinct = own - dark > max(_DISTINCT, _DISTINCT_NOISE * noise)
    return (own + dark) / 2 if distinct else -np.inf, (own + 1.0) / 2


def _likeness(brightness: FloatArray, own: float, range_: tuple[float, float]) -> FloatArray:
    """+0.5 at the root's own brightness, 0 at the half-way levels, -0.5 at fat and at distinctly darker tissue."""
    darkest, brightest = range_
    above = (brightness - own) / (brightest - own) / _STRICTNESS
    below = (own - brightness) / (own - darkest) / _STRICTNESS if np.isfinite(darkest) else np.zeros_like(brightness)
    result: FloatArray = np.clip(0.5 - 0.5 * np.maximum(above, below), -0.5, 0.5)
    return result


def _window(opening: BoolArray, pixel_mm: float) -> tuple[slice, slice]:
    """Rows and columns around the opening, in multiples of 16 search pixels so that templates are reused."""
    every = max(1, round(_SEARCH_PIXEL_MM / pixel_mm))
    # The search is cyclic: without an ellipse's reach of room, what sticks out of one end comes in at the other.
    longest = np.sqrt(_AREAS[-1] * USUAL_ROOT_MM2 * _ASPECTS[-1] / np.pi) / pixel_mm
    room = 2 * every + int(np.ceil(longest / every)) * every
    parts = []
    for axis in (0, 1):
        used = np.flatnonzero(opening.any(axis=1 - axis))
        first = max(int(used[0]) - 2 * every, 0)
        parts.append(slice(first, first + -(-(int(used[-1]) + room - first) // (16 * every)) * 16 * every))
    return parts[0], parts[1]


def _fit_ellipse(
    likeness: FloatArray, opening: BoolArray, window: tuple[slice, slice], pixel_mm: float
) -> _Ellipse | None:
    every = max(1, round(_SEARCH_PIXEL_MM / pixel_mm))
    size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    score = np.full(size, -0.5 * _OUTSIDE_COST)
    allowed = np.zeros(size, bool)
    inside = opening[window]
    score[: inside.shape[0], : inside.shape[1]][inside] = likeness[window][inside]
    allowed[: inside.shape[0], : inside.shape[1]] = inside
    score = score.reshape(size[0] // every, every, size[1] // every, every).mean(axis=(1, 3))
    allowed = allowed.reshape(size[0] // every, every, size[1] // every, every).mean(axis=(1, 3)) > 0.5
    rows = np.flatnonzero(allowed.any(axis=1))
    if len(rows) == 0:
        return None
    height = (np.arange(len(score)) - rows[0]) / max(rows[-1] - rows[0], 1)
    off_height = _HEIGHT_WEIGHT * ((height - _USUAL_HEIGHT) / _HEIGHT_SPREAD) ** 2
    pixel = pixel_mm * every
    areas, aspects, directions, priors, spectra = _templates(score.shape, pixel)
    evidence = fft.irfft2(fft.rfft2(score) * spectra, s=score.shape) * pixel**2
    total = evidence - priors[:, None, None] - off_height[None, :, None]
    total[:, ~allowed] = -np.inf
    best, row, column = np.unravel_index(int(np.argmax(total)), total.shape)
    if total[best, row, column] < SMALLEST_EVIDENCE_MM2:
        return None
    centre = (np.array([row, column]) + 0.5) * every - 0.5 + [window[0].start, window[1].start]
    return _Ellipse(float(centre[0]), float(centre[1]), areas[best], aspects[best], directions[best])


@lru_cache(maxsize=8)
def _templates(
    shape: tuple[int, int], pixel_mm: float
) -> tuple[list[float], list[float], list[float], FloatArray, npt.NDArray[np.complex128]]:
    """Areas, aspects, directions, priors and spectra of all ellipses that are tried."""
    rows, columns = shape[0] // 2, shape[1] // 2
    tried = [
        _Ellipse(rows, columns, share * USUAL_ROOT_MM2, aspect, direction)
        for share in _AREAS
        for aspect in _ASPECTS
        for direction in (_DIRECTIONS if aspect > 1 else (0,))
    ]
    masks = np.stack([_ellipse(shape, e, pixel_mm, scale=1.0) for e in tried]).astype(float)
    # The pixel count of a small ellipse scatters around its area: each template holds its area exactly.
    masks *= (np.array([e.area_mm2 for e in tried]) / pixel_mm**2 / masks.sum(axis=(1, 2)))[:, None, None]
    spectra = np.conj(fft.rfft2(np.roll(masks, (-rows, -columns), axis=(1, 2))))
    priors = np.array([_prior(e.area_mm2 / USUAL_ROOT_MM2, e.aspect) for e in tried])
    return [e.area_mm2 for e in tried], [e.aspect for e in tried], [e.direction_deg for e in tried], priors, spectra


def _prior(share: float, aspect: float) -> float:
    """Cost, mm2, of an unusual size and elongation."""
    weight = _GROWTH if share > 1 else _SHRINKAGE
    return float(weight * np.log(share) ** 2 + _ELONGATION * np.log(max(aspect / 1.35, 1.0)) ** 2)


def _ellipse(shape: tuple[int, ...], ellipse: _Ellipse, pixel_mm: float, *, scale: float) -> BoolArray:
    minor = scale * np.sqrt(ellipse.area_mm2 / np.pi / ellipse.aspect) / pixel_mm
    rows, columns = np.arange(shape[0])[:, None] - ellipse.row, np.arange(shape[1])[None, :] - ellipse.column
    angle = np.radians(ellipse.direction_deg)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    across = columns * np.cos(angle) - rows * np.sin(angle)
    inside: BoolArray = (along / (minor * ellipse.aspect)) ** 2 + (across / minor) ** 2 <= 1.0
    return inside


def _outline(alike: BoolArray, tight: BoolArray, loose: BoolArray, pixel_mm: float) -> BoolArray:
    """Root-like pixels that belong to the fitted ellipse.

    The whole piece of like tissue where it hardly leaves the loose ellipse: fat parts it from all else. Otherwise the
    root touches like tissue; beyond the tight ellipse only what ends inside the loose one is then root.
    """
    # Between fat and dark tissue partial volume draws a thin rim as bright as nerve: it joins nothing.
    smooth = ndimage.binary_opening(alike, structure=_disc(_SPUR_MM / pixel_mm))
    pieces, _ = ndimage.label(smooth if (smooth & tight).any() else alike)
    held = np.bincount(pieces[tight & (pieces > 0)])
    if len(held) == 0:
        return alike & tight
    piece: BoolArray = pieces == int(np.argmax(held))
    beyond: BoolArray = piece & ~loose
    if beyond.sum() <= _TIPS_SHARE * piece.sum():
        return piece
    touching = piece & loose & ndimage.binary_dilation(beyond)
    contact = ndimage.distance_transform_edt(~touching) <= _CONTACT_REACH_MM / pixel_mm + 1e-6
    result: BoolArray = (alike & tight) | (piece & loose & ~contact)
    return result


def _trim(mask: BoolArray, opening: BoolArray, pixel_mm: float) -> BoolArray | None:
    """The root's piece of a mask, without spurs and holes; None when nothing is left."""
    pieces, count = ndimage.label(mask)
    if count == 0:
        return None
    piece = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    piece = _cut_necks(piece, opening, pixel_mm)
    result: BoolArray = ndimage.binary_fill_holes(
        ndimage.binary_closing(piece, structure=_disc(_SPUR_MM / pixel_mm)) & opening
    )
    return result


def _cut_necks(mask: BoolArray, opening: BoolArray, pixel_mm: float) -> BoolArray:
    """The lobe of a mask that lies at the root's usual height, where a neck parts it from another lobe.

    A root's cross-section is convex; what hangs on it by a neck is like tissue that touches it (disc, capsule).
    """
    rows = np.flatnonzero(opening.any(axis=1))
    usual = rows[0] + _USUAL_HEIGHT * (rows[-1] - rows[0])
    for neck_mm in _NECKS_MM:
        lobes, _ = ndimage.label(ndimage.binary_opening(mask, structure=_disc(neck_mm / 2 / pixel_mm)))
        areas = np.bincount(lobes.ravel())[1:] * pixel_mm**2
        large = 1 + np.flatnonzero(areas >= _SMALLEST_LOBE_MM2)
        if len(large) < 2:
            continue
        heights = [float(np.argwhere(lobes == lobe)[:, 0].mean()) for lobe in large]
        chosen = large[int(np.argmin(np.abs(np.array(heights) - usual)))]
        to_chosen = ndimage.distance_transform_edt(lobes != chosen)
        to_others = ndimage.distance_transform_edt(~np.isin(lobes, large[large != chosen]))
        result: BoolArray = mask & (to_chosen <= neck_mm / 2 / pixel_mm + 1) & (to_chosen < to_others)
        return result
    return mask


def _disc(radius_pixels: float) -> BoolArray:
    radius_pixels += 1e-6  # a section's pixel is 0.3 mm but for rounding, and 0.6 mm are two of them
    reach = np.arange(-int(radius_pixels), int(radius_pixels) + 1)
    result: BoolArray = reach[:, None] ** 2 + reach[None, :] ** 2 <= radius_pixels**2
    return result
