"""Which tissue is bone where nothing is labelled: large regions as bright as the marrow of the vertebral bodies."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray

#: Where the bodies are, mm: so far in front of a point in a foramen, and so far above and below it.
BODY_AHEAD_MM, BODY_APART_MM = (10.0, 24.0), 22.0

#: Brightness that marrow can have, between no signal (0) and fat (1); above, it cannot be told from fat.
MARROW_RANGE = (0.3, 0.88)

#: Marrow is told from nerve by brightness where the two differ by at least this.
LEAST_ABOVE_NERVE = 0.1

#: A region of marrow is at least this large, mm2, once threads narrower than twice this, mm, are cut.
SMALLEST_BONE_MM2, THREAD_MM = 60.0, 1.5

#: Radius of a disc that fits into a body or a pedicle, but not into the fat of a foramen, mm; holes up to this area in
#: what is as bright are noise, mm2; how far from a point marrow is its own, mm. Marrow above this share of fat's
#: brightness cannot be told from fat.
BROAD_RADIUS_MM, LARGEST_HOLE_MM2, NEAR_MM, MOST_OF_FAT = 5.5, 4.0, 22.0, 0.95

#: A dark line is narrower than a disc of this radius, mm, and darker than both its sides by this.
LINE_RADIUS_MM, LINE_DEPTH = 1.6, 0.08

#: Radius of a disc that fits into no root nor its ganglion, mm, and how far from nerve's the brightness in it may lie.
BULK_RADIUS_MM, BULK_RANGE = 5.5, 0.13

#: Smoothing before pixels are told apart, mm.
SMOOTH_MM = 0.5


def measure_marrow(looks: Sequence[tuple[FloatArray, tuple[float, float]]], pixel_mm: float) -> float | None:
    """Brightness of the marrow of a study.

    Parameters
    ----------
    looks : sequence of tuple of (H, W) float array and tuple of two float
        Brightness on a section, between no signal (0) and fat (1), and the row and column of the point in it.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    float or None
        The median over the study of the median in front of each point, where bodies fill three quarters of what is
        seen; None where nothing is seen there.
    """
    found = []
    for brightness, at in looks:
        up = np.abs(np.arange(brightness.shape[0])[:, None] - at[0]) * pixel_mm
        ahead = (np.arange(brightness.shape[1])[None, :] - at[1]) * pixel_mm
        body = brightness[(up <= BODY_APART_MM) & (ahead >= BODY_AHEAD_MM[0]) & (ahead <= BODY_AHEAD_MM[1])]
        body = body[np.isfinite(body) & (body >= MARROW_RANGE[0])]
        if len(body) >= 100:
            found.append(float(np.median(body)))
    return float(np.median(found)) if found else None


def find_bone(
    brightness: FloatArray, marrow: float | None, nerve: float, pixel_mm: float, *, at: tuple[float, float]
) -> BoolArray:
    """Pixels of marrow around a point.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    marrow, nerve : float
        Brightness of the two in the study; None where that of marrow is not known.
    pixel_mm : float
        Edge of a pixel, mm.
    at : tuple of two float
        Row and column of the point.

    Returns
    -------
    (H, W) bool array
        Regions brighter than nerve into which a larger disc fits than into the fat of any foramen: bodies and pedicles;
        and regions nearer to the marrow of these than to nerve and to fat that are larger than any layer of fat which a
        voxel half fills: joints and arches. Nothing where marrow is as bright as nerve or as fat.
    """
    nothing = np.zeros(brightness.shape, bool)
    if marrow is None or marrow < nerve + LEAST_ABOVE_NERVE or marrow > MARROW_RANGE[1]:
        return nothing
    smooth = ndimage.gaussian_filter(brightness, SMOOTH_MM / pixel_mm)
    line = _find_lines(smooth, pixel_mm)
    broad = _open(_fill((smooth > (marrow + nerve) / 2) & ~line, pixel_mm), BROAD_RADIUS_MM / pixel_mm)
    rows, columns = np.indices(brightness.shape)
    near = broad & (np.hypot(rows - at[0], columns - at[1]) * pixel_mm <= NEAR_MM)
    own = float(np.median(brightness[near])) if near.sum() * pixel_mm**2 >= SMALLEST_BONE_MM2 else marrow
    if own > MOST_OF_FAT:  # as bright as fat: what is broad may be fat
        broad, own = nothing, marrow
    like = (smooth > (own + nerve) / 2) & (smooth < (own + 1.0) / 2) & ~line
    regions, _ = ndimage.label(_open(_fill(like, pixel_mm), THREAD_MM / pixel_mm))
    areas = np.bincount(regions.ravel()) * pixel_mm**2
    areas[0] = 0.0
    large: BoolArray = (areas[regions] >= SMALLEST_BONE_MM2) | broad
    return large


def _find_lines(smooth: FloatArray, pixel_mm: float) -> BoolArray:
    """Pixels of dark lines, as cortical bone between marrow and fat: what a closing by a small disc would brighten."""
    reach = int(np.ceil(LINE_RADIUS_MM / pixel_mm))
    up, along = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.hypot(up, along) * pixel_mm <= LINE_RADIUS_MM
    lines: BoolArray = ndimage.grey_closing(smooth, footprint=disc) - smooth > LINE_DEPTH
    return lines


def _fill(mask: BoolArray, pixel_mm: float) -> BoolArray:
    """The mask without small holes, which are noise."""
    holes, _ = ndimage.label(~mask)
    small = np.bincount(holes.ravel()) * pixel_mm**2 < LARGEST_HOLE_MM2
    small[0] = False
    result: BoolArray = mask | small[holes]
    return result


def find_bulk(brightness: FloatArray, nerve: float, pixel_mm: float) -> BoolArray:
    """Pixels of structures about as bright as nerve that are larger than any root: muscle, disc, dark marrow.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    nerve : float
        Brightness of nerve.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    (H, W) bool array
        Pixels that a disc of 11 mm covers, all of it about as bright as nerve.
    """
    smooth = ndimage.gaussian_filter(brightness, SMOOTH_MM / pixel_mm)
    return _open(np.abs(smooth - nerve) < BULK_RANGE, BULK_RADIUS_MM / pixel_mm)


def _open(mask: BoolArray, radius_pixels: float) -> BoolArray:
    """Pixels that a disc covers which fits into the mask; by distances, since discs are large."""
    fits = ndimage.distance_transform_edt(mask) >= radius_pixels
    result: BoolArray = ndimage.distance_transform_edt(~fits) < radius_pixels if fits.any() else fits
    return result
