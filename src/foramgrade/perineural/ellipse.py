"""Ellipses on a section: what a nerve root's cross-section is taken for."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from foramgrade.arrays import FloatArray

#: Keeps divisions by a distance of zero finite.
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse on the raster of a section.

    Parameters
    ----------
    row, column : float
        Centre, pixels.
    major_mm, minor_mm : float
        Semi-axes, mm.
    direction : float
        Of the major axis, radians from superior towards anterior.
    """

    row: float
    column: float
    major_mm: float
    minor_mm: float
    direction: float

    @property
    def area_mm2(self) -> float:
        """Area, mm2."""
        return float(np.pi * self.major_mm * self.minor_mm)

    @property
    def aspect(self) -> float:
        """Major over minor axis."""
        return self.major_mm / self.minor_mm

    @classmethod
    def of_area(cls, row: float, column: float, area_mm2: float, aspect: float, direction: float) -> "Ellipse":
        """Ellipse of an area, mm2, and an aspect."""
        minor = float(np.sqrt(area_mm2 / np.pi / aspect))
        return cls(row, column, minor * aspect, minor, direction)


@dataclass(frozen=True, slots=True, eq=False)
class Ellipses:
    """Several ellipses on one raster, to be measured at once.

    Parameters
    ----------
    row, column, major_mm, minor_mm, direction : (M, 1) float arrays
        As for `Ellipse`.
    """

    row: FloatArray
    column: FloatArray
    major_mm: FloatArray
    minor_mm: FloatArray
    direction: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """How pixels lie to an ellipse.

    Parameters
    ----------
    distance_mm : float array
        Distance to the outline, to first order, negative inside, mm.
    curvature : float array
        Curvature of the outline where it is met, 1/mm.
    """

    distance_mm: FloatArray
    curvature: FloatArray


def measure_nearness(ellipse: Ellipse | Ellipses, rows: FloatArray, columns: FloatArray, pixel_mm: float) -> Nearness:
    """Distance of pixels from the outline of an ellipse, and its curvature there.

    Parameters
    ----------
    ellipse : Ellipse or Ellipses
        On the raster.
    rows, columns : float arrays that broadcast
        Pixels; for several ellipses (N,).
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    Nearness
        Of the broadcast shape, (M, N) for several ellipses.

    Examples
    --------
    >>> near = measure_nearness(Ellipse(0.0, 0.0, 3.0, 2.0, 0.0), np.array([0.0, 4.0]), np.array([3.0, 0.0]), 1.0)
    >>> near.distance_mm.round(2).tolist(), near.curvature.round(2).tolist()
    ([1.0, 1.0], [0.22, 0.75])
    """
    up, forward = (rows - ellipse.row) * pixel_mm, (columns - ellipse.column) * pixel_mm
    cos, sin = np.cos(ellipse.direction), np.sin(ellipse.direction)
    a, b = ellipse.major_mm, ellipse.minor_mm
    along, across = (up * cos + forward * sin) / a, (forward * cos - up * sin) / b
    scale = np.sqrt(along**2 + across**2) + _TINY
    slope = np.sqrt((along / a) ** 2 + (across / b) ** 2) / scale + _TINY
    # In the middle of the ellipse the first-order distance has no bound; nothing is deeper than the minor axis.
    distance = np.maximum((scale - 1.0) / slope, -b)
    curvature = a * b / ((a * across / scale) ** 2 + (b * along / scale) ** 2 + _TINY) ** 1.5
    return Nearness(distance, curvature)


def cover(ellipse: Ellipse | Ellipses, near: Nearness, blur_mm: float) -> FloatArray:
    """Share of a blurred pixel, 0 to 1, that an ellipse covers.

    Parameters
    ----------
    ellipse : Ellipse or Ellipses
        On the raster.
    near : Nearness
        Of the pixels.
    blur_mm : float
        Standard deviation of the image's point spread, mm.

    Returns
    -------
    float array
        Of the shape of `near`.

    Notes
    -----
    *Definition*: the normal distribution function of the distance from the outline over the blur, moved inwards by half
    the curvature times the squared blur, as a blurred convex edge moves, less what lies beyond the far side.
    """
    bent = near.distance_mm + blur_mm**2 / 2 * np.minimum(near.curvature, 1.0 / blur_mm)
    beyond = near.distance_mm + 2 * ellipse.minor_mm
    result: FloatArray = np.clip(ndtr(-bent / blur_mm) - ndtr(-beyond / blur_mm), 0.0, 1.0)
    return result


def fill_ellipse(ellipse: Ellipse, shape: tuple[int, ...], pixel_mm: float, *, grow_mm: float = 0.0) -> FloatArray:
    """Share of every pixel of a raster, 0 to 1, inside an ellipse.

    Parameters
    ----------
    ellipse : Ellipse
        On the raster.
    shape : tuple of two int
        Of the raster.
    pixel_mm : float
        Edge of a pixel, mm.
    grow_mm : float
        By how much the outline is moved outwards, mm.

    Returns
    -------
    (H, W) float array
        1 inside; half-way at the outline.
    """
    rows, columns = np.arange(shape[0], dtype=float)[:, None], np.arange(shape[1], dtype=float)[None, :]
    distance = measure_nearness(ellipse, rows, columns, pixel_mm).distance_mm - grow_mm
    result: FloatArray = np.clip(0.5 - distance / pixel_mm, 0.0, 1.0)
    return result
