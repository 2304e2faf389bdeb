"""A root that a user drew, on a section of its foramen."""

import numpy as np
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.opening import Opening
from foramgrade.geometry.planes import Section
from foramgrade.perineural.root import Root, describe_root, find_alike
from foramgrade.volume import LabelMap

#: What is drawn belongs to a foramen when it reaches this near to its opening, mm.
REACH_MM = 3.0

#: What is drawn and smaller than this is a slip of the hand, mm2.
SMALLEST_MM2 = 1.0

#: The root's brightness is taken from the middle of what is drawn: from pixels so far inside, mm, where there are any.
RIM_MM = 0.6


def trace_root(
    drawn: LabelMap, section: Section, opening: Opening, brightness: FloatArray, *, noise: float
) -> Root | None:
    """The root that is drawn in a foramen on a section.

    Parameters
    ----------
    drawn : LabelMap
        Roots, any number but 0; on any grid in the patient space of the section.
    section : Section
        A section of the foramen; axes (superior, anterior).
    opening : Opening
        The foramen on it.
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    noise : float
        Standard deviation of the brightness.

    Returns
    -------
    Root or None
        The connected drawing that shares most with the opening and its surroundings of 3 mm; None where there is none
        of 1 mm2. Its uncertainties are 0.

    Notes
    -----
    *Definition*: the drawing is interpolated linearly and cut at one half, as masks are when they are moved to another
    raster.
    """
    ijk = np.moveaxis(drawn.grid.to_ijk(section.positions_mm), -1, 0)
    low = np.maximum(np.floor(ijk.min(axis=(1, 2))).astype(int) - 1, 0)
    high = np.ceil(ijk.max(axis=(1, 2))).astype(int) + 2
    box = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    crop = drawn.array[box] != 0
    if not crop.any():
        return None
    shares = ndimage.map_coordinates(crop.astype(float), ijk - low[:, None, None], order=1, mode="constant")
    pieces, count = ndimage.label((shares >= 0.5) & np.isfinite(brightness))
    near = ndimage.distance_transform_edt(~opening.mask) * section.pixel_mm <= REACH_MM
    shared = np.bincount(pieces[near], minlength=count + 1)
    shared[0] = 0
    mask: BoolArray = pieces == int(np.argmax(shared))
    if shared.max() * section.pixel_mm**2 < SMALLEST_MM2:
        return None
    inside = ndimage.distance_transform_edt(mask) * section.pixel_mm > RIM_MM
    nerve = float(np.median(brightness[inside if inside.any() else mask]))
    alike = find_alike(brightness, opening.mask | mask, nerve, section.pixel_mm, noise=noise)
    return describe_root(mask, alike, section.pixel_mm, brightness=nerve)
