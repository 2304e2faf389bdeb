"""Where the nerve root is: the non-fatty oval in the upper part of the foramen.

The root is sought as the ellipse that holds tissue as bright as nerve and is surrounded by other tissue, with a prior
on its size and place, and then fitted to the image, finer than its pixels. Intensities are read on the scale on which
no signal is 0 and the fat beside this foramen is 1: on T1 and on T2 spin echo alike, ligament and cortical bone lie
below 0.15, nerve and muscle around 0.2-0.45.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Level
from foramgrade.perineural.ellipse import Ellipse, fill_ellipse
from foramgrade.perineural.fitting import fit_ellipse
from foramgrade.perineural.outline import draw_outline
from foramgrade.perineural.seeking import Ground, seek_ellipses

#: Cross-section of a lumbar root with its ganglion where the level is not known, mm2: an oval of 6 x 5 mm.
USUAL_ROOT_MM2 = 23.6

#: Diameter of the root that leaves below a vertebra, mm.
ROOT_DIAMETERS_MM: Mapping[str, float] = MappingProxyType({"L2": 3.1, "L3": 4.3, "L4": 5.1, "L5": 5.3})

#: How root-like a brightness is before the root's own is known: +0.5 nerve, also where a thick slice mixes it with some
#: fat, -0.5 fat, hardly for or against the signal of ligament and cortical bone.
_ANY_ROOT = ((0.0, 0.12, 0.3, 0.55, 0.75, 0.9), (-0.2, 0.0, 0.5, 0.5, 0.0, -0.5))

#: How much tissue of a brightness that is not nerve's tells of a root beside it where nothing is labelled: ligament and
#: cortex little, marrow hardly at all, fat fully.
_TELLING = ((0.0, 0.25, 0.55, 0.75, 0.9), (0.4, 0.4, 0.1, 0.3, 1.0))

#: Brightness that is nerve rather than ligament or fat, and the least share of an ellipse's core that must have it.
_NERVE_RANGE = (0.2, 0.65)
_SMALLEST_NERVE_SHARE = 0.2

#: No root is darker than this, nor than this share of the study's roots: ligament and cortical bone are.
DARKEST_NERVE, DARKEST_SHARE = _NERVE_RANGE[0], 0.5

#: A root stands out from other tissue when the two differ by this much, and by this many times the noise.
_DISTINCT, _DISTINCT_NOISE = 0.10, 3.0

#: Usual height of the root's centre in the opening (0 bottom, 1 top), its spread, and the weight of leaving it, mm2.
_USUAL_HEIGHT, _HEIGHT_SPREAD, _HEIGHT_WEIGHT = 0.70, 0.15, 2.5

#: The same from behind (0) to the front (1) of the opening at the root's height: behind it stand the ligamentum flavum
#: and the capsule of the facet joint, which labels of bone leave in the opening and which may be as bright as nerve.
_USUAL_DEPTH, _DEPTH_SPREAD, _DEPTH_WEIGHT = 0.55, 0.2, 1.0

#: Root-like ends at this share of the way to the half-way level: a film of fat or ligament that partial volume has half
#: filled must not count for the root.
_STRICTNESS = 0.7

#: Width of the rim around the ground from which the signal of dark tissue is taken, mm.
_DARK_RIM_MM = 2.0

#: Share of that rim and the ground that must be dark to count: a sliver of ligament is enough, noise is not.
_DARK_QUANTILE = 0.02

#: The core of an ellipse, from which its brightness is taken, ends this share of its minor axis inside the outline.
_CORE = 0.3

#: Beside the disc tissue as bright as nerve counts for so much, and in full from so far above the disc, mm: it may be
#: disc beyond its label. The disc's top is this quantile of its pixels' heights.
_DISC_CREDIT, _CREDIT_RISE_MM, _DISC_TOP = 0.4, 4.0, 0.9

#: A click in the root: the weight of leaving it, mm2 per squared mm, and how far around it the root may lie outside the
#: labelled opening, mm.
_CLICK_WEIGHT, _CLICK_REACH_MM = 3.0, 3.0

#: An ellipse with less evidence than this is no root, mm2.
SMALLEST_EVIDENCE_MM2 = 1.0


#: No root is larger than this multiple of the usual area.
LARGEST_SHARE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """The nerve root on one section.

    Parameters
    ----------
    mask : (H, W) bool array
        Its pixels.
    centre : tuple of two float
        Row and column of its centre.
    area_mm2 : float
        Area, mm2.
    aspect : float
        Major / minor axis, at least 1.
    indistinct : float
        Share of the outline, 0 to 1, at which neither fat nor clearly darker tissue borders the root.
    brightness : float
        Brightness of the root between no signal (0) and fat (1).
    solidity : float
        Area over the area of the convex hull, 0 to 1.
    area_u, aspect_u : float
        Standard uncertainties of the logarithms of area and aspect; 0 for an outline drawn by hand.
    evidence_mm2 : float
        What spoke for it when it was sought, mm2 of tissue as bright as nerve; 0 for an outline drawn by hand.
    """

    mask: BoolArray
    centre: tuple[float, float]
    area_mm2: float
    aspect: float
    indistinct: float
    brightness: float
    solidity: float
    area_u: float = 0.0
    aspect_u: float = 0.0
    evidence_mm2: float = 0.0


def usual_area(level: Level) -> float:
    """Usual cross-section of the root that leaves through the foramen of a level, mm2.

    Parameters
    ----------
    level : Level
        Its upper vertebra gives the root its name.

    Returns
    -------
    float
        The geometric mean of the bare root's and the ganglion's cross-section, since a section may show either; that of
        L2 above it, that of an unknown level where the name is not anatomical.

    Notes
    -----
    *Definition*: root diameters L2 3.1, L3 4.3, L4 5.1, L5 5.3 mm; ganglion an oval of 6 x 5 mm.

    Examples
    --------
    >>> round(usual_area(Level("L4", "L5")), 1), round(usual_area(Level("V6", "V7")), 1)
    (22.0, 23.6)
    """
    name = level.upper
    if name.startswith("T") or name == "L1":
        name = "L2"
    if name not in ROOT_DIAMETERS_MM:
        return USUAL_ROOT_MM2
    return float(np.sqrt(np.pi / 4 * ROOT_DIAMETERS_MM[name] ** 2 * USUAL_ROOT_MM2))


def ground_of_opening(opening: BoolArray, pixel_mm: float, *, disc: BoolArray | None = None) -> Ground:
    """Where a root may lie in a closed opening.

    Parameters
    ----------
    opening : (H, W) bool array
        The foramen; axes (superior, anterior).
    pixel_mm : float
        Edge of a pixel, mm.
    disc : (H, W) bool array or None
        The labelled disc: at its height and below, tissue as bright as nerve may be disc beyond its label.

    Returns
    -------
    Ground
        The opening; a centre costs the more, the further it is from the usual height.
    """
    rows = np.flatnonzero(opening.any(axis=1))
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, 0)
    up = np.arange(opening.shape[0], dtype=float)
    cost = _HEIGHT_WEIGHT * (((up - first) / max(last - first, 1) - _USUAL_HEIGHT) / _HEIGHT_SPREAD) ** 2
    credit = np.ones_like(up)
    if disc is not None and disc.any():
        above_mm = (up - np.quantile(np.nonzero(disc)[0], _DISC_TOP)) * pixel_mm
        credit = np.clip(_DISC_CREDIT + (1 - _DISC_CREDIT) * above_mm / _CREDIT_RISE_MM, _DISC_CREDIT, 1.0)
    across = np.arange(opening.shape[1], dtype=float)
    behind = np.where(opening.any(axis=1), np.argmax(opening, axis=1), 0)
    width = np.maximum(opening.shape[1] - 1 - np.argmax(opening[:, ::-1], axis=1) - behind, 1)
    depth = (across[None, :] - behind[:, None]) / width[:, None]
    lateral = _DEPTH_WEIGHT * ((depth - _USUAL_DEPTH) / _DEPTH_SPREAD) ** 2
    whole = np.ones(opening.shape)
    return Ground(opening, cost[:, None] + lateral, credit[:, None] * whole)


def ground_of_click(ground: Ground, at: tuple[float, float], pixel_mm: float) -> Ground:
    """Where a root may lie of which somebody says that it lies here.

    Parameters
    ----------
    ground : Ground
        Where it might lie otherwise.
    at : tuple of two float
        Row and column of the click.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    Ground
        The same and the surroundings of the click; a centre costs the more, the further it is from the click.
    """
    shape = ground.allowed.shape
    away = np.hypot(np.arange(shape[0])[:, None] - at[0], np.arange(shape[1])[None, :] - at[1]) * pixel_mm
    return Ground(ground.allowed | (away <= _CLICK_REACH_MM), _CLICK_WEIGHT * away**2, np.ones(shape), ground.closed)


def find_root(
    brightness: FloatArray,
    ground: Ground,
    pixel_mm: float,
    *,
    noise: float = 0.0,
    image_pixel_mm: float = 0.0,
    usual_mm2: float = USUAL_ROOT_MM2,
    expected: float | None = None,
) -> Root | None:
    """Find and outline the nerve root; see :func:`find_roots`, whose first it is.

    Returns
    -------
    Root or None
        None where no oval of root size holds mostly root-like tissue.
    """
    found = find_roots(
        brightness,
        ground,
        pixel_mm,
        noise=noise,
        image_pixel_mm=image_pixel_mm,
        usual_mm2=usual_mm2,
        expected=expected,
    )
    return found[0] if found else None


def find_roots(
    brightness: FloatArray,
    ground: Ground,
    pixel_mm: float,
    *,
    noise: float = 0.0,
    image_pixel_mm: float = 0.0,
    usual_mm2: float = USUAL_ROOT_MM2,
    expected: float | None = None,
    most: int = 1,
    least_mm2: float = SMALLEST_EVIDENCE_MM2,
) -> list[Root]:
    """Find and outline what may be the nerve root.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    ground : Ground
        Where it may lie; axes (superior, anterior).
    pixel_mm : float
        Edge of a pixel, mm.
    noise : float
        Standard deviation of the brightness.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    usual_mm2 : float
        Usual area of this root, mm2.
    expected : float or None
        Brightness of the study's other roots, where it is known.
    most : int
        Number of candidates at the most.
    least_mm2 : float
        Evidence for a candidate that is worth outlining, mm2.

    Returns
    -------
    list of Root
        Most probable first; empty where no oval of root size holds mostly root-like tissue. Fits from several places
        may lead to one root, which is then there as often.

    Notes
    -----
    *Definition*: an ellipse is sought twice, first by what nerve looks like in general, then by the brightness of the
    root that was found or of the study's roots; it is fitted to the image, and its outline drawn where the image passes
    the half-way level between root and surroundings.
    """
    if not ground.allowed.any():
        return []
    darkest = DARKEST_NERVE if expected is None else min(DARKEST_NERVE, DARKEST_SHARE * expected)
    if expected is None:
        likeness = np.interp(brightness, *_ANY_ROOT)
        around = _weigh_around(likeness, brightness, ground)
        first = seek_ellipses(likeness, around, ground, pixel_mm, usual_mm2=usual_mm2)
        if not first or first[0][1] < SMALLEST_EVIDENCE_MM2:
            return []
        expected = max(_own_brightness(brightness, ground.allowed, first[0][0], pixel_mm), darkest)
    range_ = _own_range(expected, _dark_tissue(brightness, ground.allowed, pixel_mm), noise)
    likeness = _likeness(brightness, expected, range_)
    around = _weigh_around(likeness, brightness, ground)
    roots = []
    alike = find_alike(brightness, ground.allowed, expected, pixel_mm, noise=noise)
    for ellipse, evidence_mm2 in seek_ellipses(likeness, around, ground, pixel_mm, usual_mm2=usual_mm2, most=most):
        if evidence_mm2 < max(least_mm2, SMALLEST_EVIDENCE_MM2):
            break
        fit = fit_ellipse(
            brightness,
            ground.allowed,
            ellipse,
            pixel_mm,
            image_pixel_mm=image_pixel_mm,
            noise=noise,
            expected=expected,
            usual_mm2=usual_mm2,
        )
        if fit.ellipse.area_mm2 > LARGEST_SHARE * usual_mm2:
            # Larger than any root: the fit took in tissue like it. The size that was sought stands, and says nothing.
            fit = replace(fit, ellipse=ellipse, area_u=np.inf, aspect_u=np.inf)
        mask = draw_outline(fit, brightness, pixel_mm, noise=noise) & ground.allowed
        if not mask.any() or fit.brightness < darkest:
            continue
        drawn = describe_root(mask, alike, pixel_mm, brightness=fit.brightness)
        aspect = fit.ellipse.aspect
        roots.append(replace(drawn, aspect=aspect, area_u=fit.area_u, aspect_u=fit.aspect_u, evidence_mm2=evidence_mm2))
    return roots


def find_alike(brightness: FloatArray, allowed: BoolArray, nerve: float, pixel_mm: float, *, noise: float) -> BoolArray:
    """Pixels that are neither fat nor clearly darker than nerve.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    allowed : (H, W) bool array
        Where a root may be.
    nerve : float
        Brightness of nerve.
    pixel_mm : float
        Edge of a pixel, mm.
    noise : float
        Standard deviation of the brightness.

    Returns
    -------
    (H, W) bool array
        Pixels of `allowed`.
    """
    low, high = _own_range(nerve, _dark_tissue(brightness, allowed, pixel_mm), noise)
    alike: BoolArray = (brightness < high) & (brightness >= low) & allowed
    return alike


def describe_root(mask: BoolArray, alike: BoolArray, pixel_mm: float, *, brightness: float) -> Root:
    """Area, axes and distinctness of a root that was drawn.

    Parameters
    ----------
    mask : (H, W) bool array
        The root, at least one pixel.
    alike : (H, W) bool array
        Pixels that are neither fat nor clearly darker than the root.
    pixel_mm : float
        Edge of a pixel, mm.
    brightness : float
        Brightness of the root between no signal (0) and fat (1).

    Returns
    -------
    Root
        The root with its measures; the aspect is the root of the ratio of the two principal second moments.
    """
    positions = np.argwhere(mask).astype(float) * pixel_mm
    centre = positions.mean(axis=0) / pixel_mm
    seen = np.cov(positions.T, bias=True) if len(positions) > 1 else np.zeros((2, 2))
    minor, major = np.sqrt(np.linalg.eigvalsh(seen + np.eye(2) * pixel_mm**2 / 12))
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


def _weigh_around(likeness: FloatArray, brightness: FloatArray, ground: Ground) -> FloatArray:
    """How little what lies around an ellipse is like it, and how much it tells of a root.

    In a closed opening anything unlike nerve will do. Where no labels say what is bone, a joint between bones or the
    cortex beside marrow is as well parted from its surroundings as a root: fat is what tells a root from them.
    """
    telling = np.interp(brightness, *_TELLING)
    return np.where(likeness > 0, likeness, likeness * telling)


def _own_brightness(brightness: FloatArray, allowed: BoolArray, found: Ellipse, pixel_mm: float) -> float:
    """Median brightness of the ellipse's core: of what in it looks like nerve, unless that is too little.

    Around a collapsed root the first ellipse holds more ligament than nerve.
    """
    inside = fill_ellipse(found, brightness.shape, pixel_mm, grow_mm=-_CORE * found.minor_mm) >= 0.5
    core = brightness[inside & allowed]
    if len(core) == 0:
        core = brightness[allowed]
    nerve = core[(core >= _NERVE_RANGE[0]) & (core <= _NERVE_RANGE[1])]
    return float(np.median(nerve if len(nerve) >= _SMALLEST_NERVE_SHARE * len(core) else core))


def _dark_tissue(brightness: FloatArray, allowed: BoolArray, pixel_mm: float) -> float:
    """Brightness of the darkest tissue in and around the ground: ligament and cortical bone."""
    around = ndimage.binary_dilation(allowed, iterations=max(1, round(_DARK_RIM_MM / pixel_mm)))
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
