"""What fat would shine like at every place of an image: the envelope of its brightest tissue.

Where nothing is labelled there is no marrow to compare with. But on T1, and on T2 spin echo outside the canal, fat is
the brightest tissue and is everywhere in the trunk: under the skin, between the muscles, around the vessels and the
kidneys. A smooth surface that only a few of all pixels outshine follows the receive coil and is the signal of fat.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.planes import Section
from foramgrade.perineural.signal import SMALLEST_FAT_MM2, Signal
from foramgrade.volume import Volume

#: How far around the points the envelope is fitted, mm: from the skin of the back to the great vessels.
REACH_MM = 45.0

#: The image is averaged over blocks of about this edge before, mm: a single bright pixel is no tissue.
BLOCK_MM = 2.0

#: Share of the pixels that fat outshines; the rest is fat and noise.
ENVELOPE_QUANTILE = 0.96

#: Pixels darker than this share of the brightest say nothing of fat.
_DARKEST = 0.05

#: Rounds of reweighting; the surface is quadratic and settles in a few.
_ROUNDS = 40

#: Fat of its own is what lies this near to a point, mm, and is at least this bright against the envelope. It takes the
#: place of the envelope within these factors: what is darker is not fat but marrow.
OWN_REACH_MM, OWN_BRIGHT, OWN_RANGE = 14.0, 0.8, (0.92, 1.3)

#: Soft tissue is the median of what lies that near and is darker than this share of fat.
_SOFT_BELOW = 0.65


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Intensity of fat as a smooth function of place.

    Parameters
    ----------
    zero : float
        Intensity of no signal.
    centre_mm : (3,) float array
        Where the polynomial is expanded, patient (RAS+), mm.
    coefficients : (N,) float array
        Of the logarithm of the intensity above zero.
    """

    zero: float
    centre_mm: FloatArray
    coefficients: FloatArray

    def at(self, world_mm: FloatArray) -> FloatArray:
        """Intensity of fat, above no signal, at world positions (..., 3)."""
        terms = _terms((world_mm - self.centre_mm) / REACH_MM)
        result: FloatArray = np.exp(terms @ self.coefficients)
        return result


def fit_envelope(image: Volume, points_mm: FloatArray, *, zero: float) -> Envelope | None:
    """Fit the envelope of the brightest tissue around points.

    Parameters
    ----------
    image : Volume
        The series.
    points_mm : (N, 3) float array
        Points in foramina, patient (RAS+), mm.
    zero : float
        Intensity of no signal.

    Returns
    -------
    Envelope or None
        None where there is no tissue around the points.

    Notes
    -----
    *Definition*: the logarithm of the intensity is a quadratic in the anterior and superior and linear in the right
    coordinate; its coefficients are those of the 0.96 quantile (Koenker and Bassett 1978), by reweighted least squares.
    *Limits*: where there is hardly any fat in the trunk the envelope is that of marrow or of bowel.

    References
    ----------
    Koenker R, Bassett G. Regression quantiles. Econometrica 1978;46:33-50, doi 10.2307/1913643.
    """
    places, values = _gather(image, points_mm)
    above = values - zero
    if not len(above) or above.max() <= 0:
        return None
    tissue = above > _DARKEST * np.quantile(above, 0.99)
    if tissue.sum() < 100:
        return None
    centre = points_mm.mean(axis=0)
    terms = _terms((places[tissue] - centre) / REACH_MM)
    return Envelope(zero, centre, _fit_quantile(terms, np.log(above[tissue]), ENVELOPE_QUANTILE))


def _terms(scaled: FloatArray) -> FloatArray:
    r, a, s = np.moveaxis(scaled, -1, 0)
    terms: FloatArray = np.stack([np.ones_like(r), r, a, s, a * a, a * s, s * s], axis=-1)
    return terms


def _fit_quantile(terms: FloatArray, values: FloatArray, quantile: float) -> FloatArray:
    """Coefficients of the linear model of a quantile."""
    ridge = 1e-3 * len(values) * np.diag([0.0] + [1.0] * (terms.shape[1] - 1))
    start: FloatArray = np.zeros(terms.shape[1])
    start[0] = np.quantile(values, quantile)
    coefficients = start
    for _ in range(_ROUNDS):
        away = values - terms @ coefficients
        weights = np.where(away > 0, quantile, 1.0 - quantile) / np.maximum(np.abs(away), 0.01)
        normal = terms.T @ (weights[:, None] * terms) + ridge
        coefficients = np.asarray(np.linalg.solve(normal, terms.T @ (weights * values) + ridge @ start), float)
    return coefficients


def _gather(image: Volume, points_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions and mean intensities of blocks of the slices on which the points lie, near to them."""
    grid, axis = image.grid, image.grid.lateral_axis
    ijk = grid.to_ijk(points_mm)
    slices = sorted({int(k) for k in np.clip(np.rint(ijk[:, axis]), 0, grid.shape[axis] - 1)})
    edges = [max(1, round(BLOCK_MM / s)) for n, s in enumerate(grid.spacing_mm) if n != axis]
    places, values = [], []
    for k in slices:
        plane = np.take(image.array, k, axis=axis).astype(float)
        size = [n // e for n, e in zip(plane.shape, edges, strict=True)]
        cut = plane[: size[0] * edges[0], : size[1] * edges[1]]
        values.append(cut.reshape(size[0], edges[0], size[1], edges[1]).mean(axis=(1, 3)).ravel())
        centres = [(np.arange(n) + 0.5) * e - 0.5 for n, e in zip(size, edges, strict=True)]
        index = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, 2)
        places.append(grid.to_world(np.insert(index, axis, k, axis=1)))
    world, means = np.concatenate(places), np.concatenate(values)
    near = np.min(np.linalg.norm((world[:, None] - points_mm)[..., 1:], axis=-1), axis=1) <= REACH_MM
    return world[near], means[near]


def signal_near(
    envelope: Envelope, section: Section, image: FloatArray, at: tuple[float, float], *, noise: float
) -> Signal | None:
    """Reference intensities at a point.

    Parameters
    ----------
    envelope : Envelope
        Intensity of fat over the image.
    section : Section
        Section through the point.
    image : (H, W) float array
        Intensities on it.
    at : tuple of two float
        Row and column of the point.
    noise : float
        Standard deviation of the noise.

    Returns
    -------
    Signal or None
        Fat is the upper quartile of what is bright near the point, where there is enough of it, and the envelope where
        there is none; None where no tissue is near.
    """
    rows, columns = np.indices(image.shape)
    near = np.hypot(rows - at[0], columns - at[1]) * section.pixel_mm <= OWN_REACH_MM
    values = image[near & np.isfinite(image)] - envelope.zero
    if len(values) < 100:
        return None
    expected = float(envelope.at(section.positions_mm[round(at[0]), round(at[1])]))
    bright: BoolArray = values >= OWN_BRIGHT * expected
    fat = expected
    if bright.sum() * section.pixel_mm**2 >= SMALLEST_FAT_MM2:
        own = float(np.quantile(values[bright], 0.75))
        fat = float(np.clip(own, expected * OWN_RANGE[0], expected * OWN_RANGE[1]))
    dark = values[values < _SOFT_BELOW * fat]
    soft = float(np.median(dark)) if len(dark) else 0.0
    return Signal(envelope.zero, envelope.zero + fat, envelope.zero + soft, noise)


def fat_outshines(signals: Sequence[Signal], ratio: float) -> bool:
    """Whether fat is at least so many times as bright as soft tissue in the median of a study."""
    ratios = [(s.fat - s.zero) / max(s.soft - s.zero, 1e-12) for s in signals]
    return bool(ratios) and float(np.median(ratios)) >= ratio
