"""Fat between the root and each border of the foramen, and what stands where it is lost."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import erf

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Border, BorderFinding, BorderState, Neighbour
from foramgrade.geometry.planes import Part
from foramgrade.perineural.fitting import BLUR_PIXELS
from foramgrade.perineural.root import Root
from foramgrade.perineural.signal import fat_fraction, nerve_brightness

#: Number of directions around the root.
DIRECTIONS = 72

#: Fat further from the root than this is not perineural, mm.
PERINEURAL_REACH_MM = 5.0

#: The integral of fat starts at this share of the way from the root's centre to its outline: inside is only nerve.
CORE_SHARE = 0.7

#: Along a ray, a stretch that nowhere holds this share of fat holds none: tissue a little brighter than nerve (disc,
#: capsule, vessel wall) must not add up to fat over millimetres. A stretch wider than the image's blur must hold this
#: share of what a layer of fat as thick would show at its brightest: marrow is half as bright as fat, but broad.
LOWEST_PEAK, LOWEST_SHARE_OF_PEAK = 0.3, 0.5

#: A stretch this long, mm, with less fat than this is a structure: where no labels tell the border, fat beyond it is no
#: longer the root's.
STRUCTURE_MM, STRUCTURE_FAT = 1.0, 0.2

#: Where no labels tell bone, it begins at a dark line up to this far beyond its first pixel, mm, if that is darker by
#: this than what lies before and behind it.
CORTEX_BEYOND_MM, CORTEX_DEPTH = 2.5, 0.08

#: How far beyond a layer of fat the tissue behind it is looked at, mm.
BEHIND_MM = 1.2

#: A structure is what stands at a lost border when it begins this near to the root, mm; else it is soft tissue.
CONTACT_MM = 1.5

#: Width of the blurred film of fat on which it hangs whether a border is lost, mm.
FILM_MM = 1.0

#: Share of an image pixel by which the outline of root and border is uncertain (standard uncertainty).
OUTLINE_UNCERTAINTY_PIXELS = 0.14

#: Middle of each border's sector, degrees from superior, turning through posterior.
SECTOR_MIDDLE_DEG: Mapping[Border, float] = {
    Border.SUPERIOR: 0.0,
    Border.POSTERIOR: 90.0,
    Border.INFERIOR: 180.0,
    Border.ANTERIOR: 270.0,
}

_NEIGHBOURS = {Part.UPPER: Neighbour.VERTEBRA, Part.LOWER: Neighbour.VERTEBRA, Part.DISC: Neighbour.DISC}


@dataclass(frozen=True, slots=True, eq=False)
class FatProfile:
    """Fat around the root, direction by direction, starting at superior and turning through posterior.

    Parameters
    ----------
    angles_deg : (N,) float array
        Directions, degrees.
    thickness_mm : (N,) float array
        Fat met from the root outwards to the border, at most as far as perineural fat reaches, mm.
    distance_mm : (N,) float array
        Distance from the root to the border of the opening, mm.
    border_parts : (N,) uint8 array
        Part of the labels that forms the border in this direction.
    """

    angles_deg: FloatArray
    thickness_mm: FloatArray
    distance_mm: FloatArray
    border_parts: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What the labels say of where fat may be counted.

    Parameters
    ----------
    opening : (H, W) bool array
        The foramen, or as much as was looked at where nothing is labelled; axes (superior, anterior).
    without : (H, W) bool array
        Pixels whose brightness is not counted as fat: the canal.
    parts : (H, W) uint8 array
        Parts of the section.
    closed : bool
        Whether the border of the opening is the foramen's; else a border is where the fat ends.
    """

    opening: BoolArray
    without: BoolArray
    parts: npt.NDArray[np.uint8]
    closed: bool = True


def measure_profile(
    root: Root, brightness: FloatArray, bounds: Bounds, pixel_mm: float, *, image_pixel_mm: float = 0.0
) -> FatProfile:
    """Fat met from the root outwards in every direction.

    Parameters
    ----------
    root : Root
        The nerve root.
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1); axes (superior, anterior).
    bounds : Bounds
        Where fat may be counted.
    pixel_mm, image_pixel_mm : float
        Edge of a pixel of the section, and spacing of the image's own pixels in it, mm.

    Returns
    -------
    FatProfile
        In `DIRECTIONS` directions.

    Notes
    -----
    *Definition*: along each ray from the root's centre, the integral of the fat fraction from the root's core to where
    the ray leaves the opening, at most `PERINEURAL_REACH_MM` from the root's outline. Partial volume counts in part, so
    a film of fat thinner than a pixel is neither missed nor doubled; starting at the core and not at the outline, the
    integral does not depend on where exactly the outline was drawn. Without labels the ray ends at the first structure
    that is not fat.
    """
    step = pixel_mm / 2
    blur_mm = BLUR_PIXELS * max(image_pixel_mm, pixel_mm)
    angles = np.arange(DIRECTIONS) * 360.0 / DIRECTIONS
    # Rows grow to superior and columns to anterior, so posterior is towards smaller columns.
    directions = np.stack([np.cos(np.radians(angles)), -np.sin(np.radians(angles))], axis=1)
    longest = float(np.hypot(*bounds.opening.shape)) * pixel_mm
    distances = np.arange(0.0, longest, step)
    rays = np.array(root.centre) + distances[None, :, None] / pixel_mm * directions[:, None, :]
    index = np.rint(rays).astype(int)
    in_raster = np.all((index >= 0) & (index < bounds.opening.shape), axis=-1)
    rows, columns = (np.clip(index[..., a], 0, bounds.opening.shape[a] - 1) for a in (0, 1))
    free = bounds.opening[rows, columns] & in_raster
    in_root = root.mask[rows, columns] & in_raster
    n = len(distances)
    leaves_root = np.where(in_root.any(axis=1), n - np.argmax(in_root[:, ::-1], axis=1), 0)
    blocked = (np.arange(n)[None, :] >= leaves_root[:, None]) & ~free
    leaves_opening = np.where(blocked.any(axis=1), np.argmax(blocked, axis=1), n - 1)
    seen = ndimage.map_coordinates(brightness, np.moveaxis(rays, -1, 0), order=1, mode="nearest")
    counted = ~bounds.without[rows, columns]
    nerve = nerve_brightness(root.brightness)
    fat = fat_fraction(seen, nerve) * counted
    reach = round(PERINEURAL_REACH_MM / step)
    last = np.minimum(leaves_opening, leaves_root + reach)
    border = leaves_opening
    if not bounds.closed:
        ways = zip(seen, leaves_root.tolist(), leaves_opening.tolist(), strict=True)
        cortex = np.array([_find_cortex(light, start, end, step) for light, start, end in ways])
        last = border = first_structures(fat, leaves_root, np.minimum(cortex, leaves_root + reach), step)
    on_way = (np.arange(n) >= (CORE_SHARE * leaves_root).astype(int)[:, None]) & (np.arange(n) < last[:, None])
    thickness = _measure_fat(seen, np.where(on_way, fat, 0.0), step, nerve, blur_mm)
    gap = (border - leaves_root) * step
    ends = bounds.parts[rows, columns][np.arange(DIRECTIONS), leaves_opening]
    return FatProfile(angles, thickness, gap, ends)


def show_sides(profile: FatProfile, reach_mm: float) -> list[float]:
    """How much fat each of the four sides shows near the root.

    Parameters
    ----------
    profile : FatProfile
        Fat around the root.
    reach_mm : float
        More fat than this shows no more, mm.

    Returns
    -------
    list of float
        0 where there is none, 1 where all of a quarter of the directions has at least so much; in the order of
        `SECTOR_MIDDLE_DEG`.
    """
    shown = np.minimum(profile.thickness_mm / reach_mm, 1.0)
    return [float(np.mean(shown[_within(profile, middle, 90.0)])) for middle in SECTOR_MIDDLE_DEG.values()]


def _within(profile: FatProfile, middle_deg: float, width_deg: float) -> BoolArray:
    """Whether directions lie in a sector."""
    within: BoolArray = np.abs((profile.angles_deg - middle_deg + 180.0) % 360.0 - 180.0) <= width_deg / 2
    return within


def first_structures(
    fat: FloatArray, start: npt.NDArray[np.intp], last: npt.NDArray[np.intp], step: float
) -> npt.NDArray[np.intp]:
    """Where along every ray the first structure begins that is not fat.

    Parameters
    ----------
    fat : (R, N) float array
        Share of fat along the rays, 0 to 1.
    start, last : (R,) int arrays
        Sample from which, and sample before which, a structure may begin; not before `start`.
    step : float
        Distance of two samples, mm.

    Returns
    -------
    (R,) int array
        The sample at which at least `STRUCTURE_MM` without fat begin; `last` where none do.
    """
    length = max(1, round(STRUCTURE_MM / step))
    if fat.shape[1] < length:
        return last
    bare = np.pad(np.cumsum(fat < STRUCTURE_FAT, axis=1), ((0, 0), (1, 0)))
    whole: BoolArray = bare[:, length:] - bare[:, :-length] == length
    at = np.arange(whole.shape[1])
    begins: BoolArray = whole & (at >= start[:, None]) & (at < last[:, None])
    return np.where(begins.any(axis=1), begins.argmax(axis=1), last)


def _find_cortex(seen: FloatArray, start: int, end: int, step: float) -> int:
    """Where along a ray bone begins that was told by its brightness: at the dark line before it, where one is seen.

    Thin fat is as bright as marrow. A fall of brightness and a rise behind it are cortex, and before it lies no marrow.
    """
    stop = min(end + round(CORTEX_BEYOND_MM / step), len(seen) - 1)
    if end <= start or stop <= end:
        return end
    dark = end + int(np.argmin(seen[end : stop + 1]))
    behind = seen[dark : dark + round(CORTEX_BEYOND_MM / step) + 1].max()
    before = seen[start : dark + 1].max()
    return dark if min(before, behind) - seen[dark] >= CORTEX_DEPTH else end


def _measure_fat(seen: FloatArray, fat: FloatArray, step: float, nerve: float, blur_mm: float) -> FloatArray:
    """Thickness of the fat along every ray, mm, from brightness and share of fat along them; 0 where none counts."""
    edges = np.diff(np.pad(fat > 0, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (ray, first), end = np.nonzero(edges == 1), np.nonzero(edges == -1)[1]
    thickness = np.zeros(len(fat))
    if not len(ray):
        return thickness
    # One row per layer of fat, from its first sample on.
    along = np.arange(int((end - first).max()))
    in_layer = along < (end - first)[:, None]
    where = np.minimum(first[:, None] + along, fat.shape[1] - 1)
    share = np.where(in_layer, fat[ray[:, None], where], 0.0)
    thick, peak = share.sum(axis=1) * step, share.max(axis=1)
    broad = LOWEST_SHARE_OF_PEAK * erf(thick / (2 * np.sqrt(2) * blur_mm))
    flank = in_layer & (along >= share.argmax(axis=1)[:, None])
    hidden = _hidden(seen[ray[:, None], where], flank, _darkest_behind(seen, ray, end - 1, step), nerve) * step
    np.add.at(thickness, ray, np.where(peak < np.maximum(LOWEST_PEAK, broad), 0.0, thick + hidden))
    return thickness


def _darkest_behind(seen: FloatArray, ray: npt.NDArray[np.intp], end: npt.NDArray[np.intp], step: float) -> FloatArray:
    """Brightness of the darkest tissue behind layers that end at these samples of these rays."""
    behind = np.minimum(end[:, None] + np.arange(round(BEHIND_MM / step) + 1), seen.shape[1] - 1)
    darkest: FloatArray = seen[ray[:, None], behind].min(axis=1)
    return darkest


def _hidden(seen: FloatArray, flank: BoolArray, darkest: FloatArray, nerve: float) -> FloatArray:
    """Fat on the far flank of layers that darkness behind them hides, in samples.

    Half-way between fat and ligament a pixel is hardly brighter than nerve: measured against nerve, the flank of the
    layer would hold no fat. Against what stands behind, it holds half.
    """
    behind = np.clip(darkest, 0.0, nerve)[:, None]
    more = np.clip((seen - behind) / (1.0 - behind), 0.0, 1.0) - fat_fraction(seen, nerve)
    hidden: FloatArray = np.where(flank, more, 0.0).sum(axis=1)
    return hidden


def describe_borders(
    profile: FatProfile,
    *,
    minimum_fat_mm: float,
    thin_fat_mm: float,
    sector_deg: float,
    image_pixel_mm: float,
    relative_noise: float,
) -> dict[Border, BorderFinding]:
    """Findings of the four borders from the fat around the root.

    Parameters
    ----------
    profile : FatProfile
        From `measure_profile`.
    minimum_fat_mm, thin_fat_mm : float
        Limits below which fat is lost and thin, mm.
    sector_deg : float
        Width of a border's sector, degrees.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    relative_noise : float
        Noise over the contrast of fat to soft tissue.

    Returns
    -------
    dict of Border to BorderFinding
        Thickness of a border: the median over its sector, so that a border is lost when half of it is.
    """
    borders = {}
    for border, middle in SECTOR_MIDDLE_DEG.items():
        chosen = _within(profile, middle, sector_deg)
        fat = profile.thickness_mm[chosen]
        thickness = float(np.median(fat))
        # Noise adds up over the independent pixels of a film; a stretch without a peak of fat is not counted at all.
        read_mm = float(np.sqrt(FILM_MM * image_pixel_mm)) * relative_noise
        uncertainty = float(np.hypot(OUTLINE_UNCERTAINTY_PIXELS * image_pixel_mm, read_mm))
        lost = thickness < minimum_fat_mm
        state = BorderState.LOST if lost else BorderState.THIN if thickness < thin_fat_mm else BorderState.PRESERVED
        borders[border] = BorderFinding(
            state,
            thickness_mm=thickness,
            uncertainty_mm=uncertainty,
            arc_fraction=float(np.mean(fat >= minimum_fat_mm)),
            encroached_by=_encroaching(profile, chosen, minimum_fat_mm) if lost else None,
        )
    return borders


def _encroaching(profile: FatProfile, chosen: BoolArray, minimum_fat_mm: float) -> Neighbour:
    """What stands at a lost border: the labelled structure that touches the root there, else soft tissue."""
    bare = chosen & (profile.thickness_mm < minimum_fat_mm)
    touching = bare & (profile.distance_mm <= CONTACT_MM)
    if 2 * touching.sum() < bare.sum():
        return Neighbour.SOFT_TISSUE
    ends = [_NEIGHBOURS[Part(end)] for end in profile.border_parts[touching] if end in _NEIGHBOURS]
    return max(_NEIGHBOURS.values(), key=ends.count) if ends else Neighbour.SOFT_TISSUE
