"""The outline of a root as the image shows it, close to the ellipse that was fitted."""

import numpy as np
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.perineural.fitting import DIRECTIONS, Fit

#: Rays from the root's centre on which the outline is looked for.
RAYS = 72

#: The outline may leave the ellipse by this much, mm, and by this share of its radius inwards.
_LEAVE_MM, _LEAVE_SHARE = 0.8, 0.4

#: Step along a ray, mm.
_STEP_MM = 0.1

#: An edge shows where root and background differ by this much, and by this many times the noise; elsewhere the ellipse
#: stands.
_EDGE, _EDGE_NOISE = 0.12, 3.0

#: Rays over which the outline is smoothed: 25 degrees.
_SMOOTH = 5


def draw_outline(fit: Fit, brightness: FloatArray, pixel_mm: float, *, noise: float) -> BoolArray:
    """Pixels of a root whose ellipse is known.

    Parameters
    ----------
    fit : Fit
        The ellipse, its brightness and that of its surroundings.
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    pixel_mm : float
        Edge of a pixel, mm.
    noise : float
        Standard deviation of the brightness.

    Returns
    -------
    (H, W) bool array
        The root.

    Notes
    -----
    *Definition*: on every ray the place nearest to the ellipse where the image passes the half-way level between root
    and background, within 0.8 mm; the ellipse itself where no edge shows. The radii are smoothed over 25 degrees.
    """
    ellipse = fit.ellipse
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    # Rows grow to superior, columns to anterior; rays turn from superior through posterior.
    up, forward = np.cos(angles), -np.sin(angles)
    radii = _radii(fit, up, forward)
    inwards = -np.minimum(_LEAVE_MM, _LEAVE_SHARE * radii)
    leave = np.arange(-_LEAVE_MM, _LEAVE_MM + _STEP_MM / 2, _STEP_MM)
    away = radii[:, None] + leave
    places = np.stack(
        [ellipse.row + up[:, None] * away / pixel_mm, ellipse.column + forward[:, None] * away / pixel_mm]
    )
    seen = ndimage.map_coordinates(brightness, places, order=1, mode="nearest")
    around = np.interp(np.arange(RAYS) * DIRECTIONS / RAYS, np.arange(DIRECTIONS + 1), [*fit.around, fit.around[0]])
    contrast = around - fit.brightness
    beyond = (seen - (fit.brightness + around)[:, None] / 2) * np.sign(contrast)[:, None] > 0
    crossing = ~beyond[:, :-1] & beyond[:, 1:] & (leave[:-1] >= inwards[:, None])
    nearest = np.where(crossing, np.abs(leave[:-1] + _STEP_MM / 2), np.inf)
    chosen = nearest.argmin(axis=1)
    shows = np.isfinite(nearest.min(axis=1)) & (np.abs(contrast) > max(_EDGE, _EDGE_NOISE * noise))
    moved = np.where(shows, leave[chosen] + _STEP_MM / 2, 0.0)
    moved = ndimage.uniform_filter1d(ndimage.median_filter(moved, _SMOOTH, mode="wrap"), _SMOOTH, mode="wrap")
    return _fill(ellipse.row, ellipse.column, radii + moved, brightness.shape, pixel_mm)


def _radii(fit: Fit, up: FloatArray, forward: FloatArray) -> FloatArray:
    """Distance from the centre of the ellipse to its outline in given directions, mm."""
    ellipse = fit.ellipse
    cos, sin = np.cos(ellipse.direction), np.sin(ellipse.direction)
    along, across = up * cos + forward * sin, forward * cos - up * sin
    radii: FloatArray = 1.0 / np.hypot(along / ellipse.major_mm, across / ellipse.minor_mm)
    return radii


def _fill(row: float, column: float, radii_mm: FloatArray, shape: tuple[int, ...], pixel_mm: float) -> BoolArray:
    """Pixels nearer to a centre than the outline in their direction."""
    up = (np.arange(shape[0], dtype=float)[:, None] - row) * pixel_mm
    forward = (np.arange(shape[1], dtype=float)[None, :] - column) * pixel_mm
    turn = np.arctan2(-forward, up) % (2 * np.pi) * len(radii_mm) / (2 * np.pi)
    limit = np.interp(turn, np.arange(len(radii_mm) + 1), [*radii_mm, radii_mm[0]])
    inside: BoolArray = np.hypot(up, forward) <= limit
    return inside
