"""Which tissue is bone where nothing is labelled: large regions as bright as the marrow of the vertebral bodies."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from foramgrade.findings import BoolArray, FloatArray

#: Where the bodies are, mm: so far in front of a point in a foramen, and so far above and below it.
BODY_AHEAD_MM, BODY_APART_MM = (10.0, 24.0), 22.0

#: Brightness that marrow can have, between no signal (0) and fat (1); above, it cannot be told from fat.
MARROW_RANGE = (0.3, 0.88)

#: Marrow is told from nerve by brightness where the two differ by at least this.
LEAST_ABOVE_NERVE = 0.1

#: A region of marrow is at least this large, mm2, once threads narrower than twice this, mm, are cut.
SMALLEST_BONE_MM2, THREAD_MM = 60.0, 0.9

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


def find_bone(brightness: FloatArray, marrow: float | None, nerve: float, pixel_mm: float) -> BoolArray:
    """Pixels of marrow.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    marrow, nerve : float
        Brightness of the two; None where that of marrow is not known.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    (H, W) bool array
        Pixels nearer to marrow than to nerve and to fat, in regions larger than any layer of fat that a voxel half
        fills; nothing where marrow is as bright as nerve or as fat.
    """
    nothing = np.zeros(brightness.shape, bool)
    if marrow is None or marrow < nerve + LEAST_ABOVE_NERVE or marrow > MARROW_RANGE[1]:
        return nothing
    smooth = ndimage.gaussian_filter(brightness, SMOOTH_MM / pixel_mm)
    like = (smooth > (marrow + nerve) / 2) & (smooth < (marrow + 1.0) / 2)
    regions, _ = ndimage.label(_open(like, THREAD_MM / pixel_mm))
    areas = np.bincount(regions.ravel()) * pixel_mm**2
    areas[0] = 0.0
    large: BoolArray = areas[regions] >= SMALLEST_BONE_MM2
    return large


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
