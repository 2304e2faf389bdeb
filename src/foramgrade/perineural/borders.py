"""Fat between the root and each border of the foramen, and what stands where it is lost."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.findings import BoolArray, Border, BorderFinding, BorderState, FloatArray, Neighbour, PerineuralFindings
from foramgrade.geometry.planes import Part
from foramgrade.perineural.root import Root
from foramgrade.perineural.shape import ShapeFinding

#: Number of directions around the root.
DIRECTIONS = 72

#: Fat further from the root than this is not perineural, mm.
PERINEURAL_REACH_MM = 5.0

#: The integral of fat starts at this share of the way from the root's centre to its outline: inside is only nerve.
CORE_SHARE = 0.7

#: Along a ray, a stretch that nowhere holds this share of fat holds none: tissue a little brighter than nerve (disc,
#: capsule, vessel wall) must not add up to fat over millimetres.
LOWEST_PEAK = 0.3

#: A structure is what stands at a lost border when it begins this near to the root, mm; else it is soft tissue.
CONTACT_MM = 1.5

#: Width of the blurred film of fat on which it hangs whether a border is lost, mm.
FILM_MM = 1.0

#: Share of an image pixel by which the outline of root and border is uncertain (standard uncertainty).
OUTLINE_UNCERTAINTY_PIXELS = 0.2

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


def measure_profile(
    root: Root, fat: FloatArray, opening: BoolArray, parts: npt.NDArray[np.uint8], pixel_mm: float
) -> FatProfile:
    """Fat met from the root outwards in every direction.

    Parameters
    ----------
    root : Root
        The nerve root.
    fat : (H, W) float array
        Fraction of fat, 0 to 1.
    opening : (H, W) bool array
        The foramen; axes (superior, anterior).
    parts : (H, W) uint8 array
        Parts of the section.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    FatProfile
        In `DIRECTIONS` directions.

    Notes
    -----
    *Definition*: along each ray from the root's centre, the integral of the fat fraction from the root's core to where
    the ray leaves the opening, at most `PERINEURAL_REACH_MM` from the root's outline. Partial volume counts in part, so
    a film of fat thinner than a pixel is neither missed nor doubled; starting at the core and not at the outline, the
    integral does not depend on where exactly the outline was drawn.
    """
    step = pixel_mm / 2
    angles = np.arange(DIRECTIONS) * 360.0 / DIRECTIONS
    # Rows grow to superior and columns to anterior, so posterior is towards smaller columns.
    directions = np.stack([np.cos(np.radians(angles)), -np.sin(np.radians(angles))], axis=1)
    longest = float(np.hypot(*opening.shape)) * pixel_mm
    distances = np.arange(0.0, longest, step)
    rays = np.array(root.centre) + distances[None, :, None] / pixel_mm * directions[:, None, :]
    index = np.rint(rays).astype(int)
    in_raster = np.all((index >= 0) & (index < opening.shape), axis=-1)
    rows, columns = (np.clip(index[..., a], 0, opening.shape[a] - 1) for a in (0, 1))
    free = opening[rows, columns] & in_raster
    in_root = root.mask[rows, columns] & in_raster
    n = len(distances)
    leaves_root = n - np.argmax(in_root[:, ::-1], axis=1)
    leaves_root = np.where(in_root.any(axis=1), leaves_root, 0)
    after_root = np.arange(n)[None, :] >= leaves_root[:, None]
    blocked = after_root & ~free
    leaves_opening = np.where(blocked.any(axis=1), np.argmax(blocked, axis=1), n - 1)
    from_core = np.arange(n)[None, :] >= CORE_SHARE * leaves_root[:, None]
    on_way = from_core & (np.arange(n)[None, :] < leaves_opening[:, None])
    near = (distances[None, :] - leaves_root[:, None] * step) <= PERINEURAL_REACH_MM
    thickness = np.sum(_only_fat(fat[rows, columns] * (on_way & near)), axis=1) * step
    gap = (leaves_opening - leaves_root) * step
    ends = parts[rows, columns][np.arange(DIRECTIONS), leaves_opening]
    return FatProfile(angles, thickness, gap, ends)


def _only_fat(fractions: FloatArray) -> FloatArray:
    """Fat fractions along rays (N, M) without the stretches that nowhere reach what fat must reach."""
    stretches, count = ndimage.label(fractions > 0, structure=[[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, stretches, fractions)
    return np.where(peaks[stretches] >= LOWEST_PEAK, fractions, 0.0)


def describe_borders(
    profile: FatProfile,
    shape: ShapeFinding,
    *,
    minimum_fat_mm: float,
    thin_fat_mm: float,
    sector_deg: float,
    image_pixel_mm: float,
    relative_noise: float,
) -> PerineuralFindings:
    """Findings of the four borders from the fat around the root.

    Parameters
    ----------
    profile : FatProfile
        From `measure_profile`.
    shape : ShapeFinding
        Shape of the root.
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
    PerineuralFindings
        Thickness of a border: the median over its sector, so that a border is lost when half of it is.
    """
    borders = {}
    for border, middle in SECTOR_MIDDLE_DEG.items():
        away = np.abs((profile.angles_deg - middle + 180.0) % 360.0 - 180.0)
        chosen = away <= sector_deg / 2
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
    return PerineuralFindings(borders, shape.shape, shape.probability)


def _encroaching(profile: FatProfile, chosen: BoolArray, minimum_fat_mm: float) -> Neighbour:
    """What stands at a lost border: the labelled structure that touches the root there, else soft tissue."""
    bare = chosen & (profile.thickness_mm < minimum_fat_mm)
    touching = bare & (profile.distance_mm <= CONTACT_MM)
    if 2 * touching.sum() < bare.sum():
        return Neighbour.SOFT_TISSUE
    ends = [_NEIGHBOURS[Part(end)] for end in profile.border_parts[touching] if end in _NEIGHBOURS]
    return max(_NEIGHBOURS.values(), key=ends.count) if ends else Neighbour.SOFT_TISSUE
