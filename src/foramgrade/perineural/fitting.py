"""The outline of a root, finer than a pixel: an ellipse of one brightness before a background, blurred as the image is.

The background is what the image shows within a millimetre or so around the root, direction by direction: fat, ligament,
disc. Where it is no brighter and no darker than the root there is no edge to see, and the rest of the outline and the
prior carry the ellipse on, so that contact does not make it grow.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.perineural.ellipse import Ellipse, Ellipses, cover, measure_nearness

#: Standard deviation of the point spread, image pixels: the pixel itself, the scanner's filter, and interpolation.
BLUR_PIXELS = 0.55

#: Directions in which the background has a brightness of its own, linear between them.
DIRECTIONS = 8

#: Pixels up to this far from the root are used, mm; their weight falls with this standard deviation.
_REACH_MM, _FADE_MM = 1.8, 0.9

#: What the model cannot explain, as a standard deviation of brightness: texture of nerve, of fat and of ligament.
_TEXTURE = 0.06

#: Standard deviations of the priors: brightness of the root, logarithm of the aspect, mm of displacement from where the
#: search found it.
_ROOT_PRIOR, _ASPECT_PRIOR, _PLACE_PRIOR_MM = 0.05, 0.5, 2.0

#: The same of the logarithm of the area above and below the usual one: diameters of healthy roots vary by a sixth, and
#: what presses on a root makes it smaller, not larger.
_LARGER_PRIOR, _SMALLER_PRIOR = 0.3, 0.6
_BACKGROUND, _BACKGROUND_PRIOR = 0.45, 0.6

#: How unlike a root is what lies outside its ground, in brightness.
_OUTSIDE = 0.3

#: How often pixels are chosen anew around the ellipse, the most evaluations each time, and the relative change of cost
#: and ellipse at which a fit rests: ten times finer than the image tells.
_ROUNDS, _EVALUATIONS, _PRECISION = 3, 25, 1e-4

#: By how much place (mm), logarithms of the axes and direction (radians) of an ellipse differ from one to the next.
_SCALES = np.array([0.5, 0.5, 0.2, 0.2, 0.3])

#: By how much a parameter of the ellipse is moved to see what changes: mm, logarithm of mm, radians.
_STEP = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """An ellipse fitted to an image.

    Parameters
    ----------
    ellipse : Ellipse
        The root.
    brightness : float
        Of the root, between no signal (0) and fat (1).
    around : (8,) float array
        Brightness of the background from superior, turning through posterior.
    area_u, aspect_u : float
        Standard uncertainties of the logarithms of area and aspect.
    """

    ellipse: Ellipse
    brightness: float
    around: FloatArray
    area_u: float
    aspect_u: float


@dataclass(frozen=True, slots=True, eq=False)
class _Pixels:
    """Pixels around an ellipse: place, brightness, weight, whether the root may not lie there, direction in sectors."""

    rows: FloatArray
    columns: FloatArray
    values: FloatArray
    weights: FloatArray
    outside: BoolArray
    sector: FloatArray


def fit_ellipse(
    brightness: FloatArray,
    allowed: BoolArray,
    start: Ellipse,
    pixel_mm: float,
    *,
    image_pixel_mm: float,
    noise: float,
    expected: float,
    usual_mm2: float,
) -> Fit:
    """Fit an ellipse to the image around a first guess.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    allowed : (H, W) bool array
        Pixels that may belong to the root.
    start : Ellipse
        First guess.
    pixel_mm, image_pixel_mm : float
        Edge of a pixel of the section, and spacing of the image's own pixels, mm.
    noise : float
        Standard deviation of the brightness.
    expected : float
        Brightness that the root should have.
    usual_mm2 : float
        Usual area of this root, mm2.

    Returns
    -------
    Fit
        Least squares with priors; uncertainties from the curvature at the minimum.

    Notes
    -----
    *Limits*: a root that is no ellipse is described by the nearest one.
    """
    blur_mm = BLUR_PIXELS * max(image_pixel_mm, pixel_mm)
    # The section is finer than the image: so many of its pixels on a line make one that is independent.
    spread = float(np.hypot(noise, _TEXTURE)) * max(image_pixel_mm / pixel_mm, 1.0)
    ellipse = start
    for _ in range(_ROUNDS):
        model = _Model(_gather(brightness, allowed, ellipse, pixel_mm), pixel_mm, blur_mm, spread, expected)

        def differ(x: FloatArray, model: "_Model" = model) -> FloatArray:
            return np.concatenate([model.solve(_unpack(x, pixel_mm))[0], _depart(x, start, pixel_mm, usual_mm2)])

        def slope(x: FloatArray, model: "_Model" = model) -> FloatArray:
            moved = x + _STEP * np.eye(len(x))
            usual = [_depart(one, start, pixel_mm, usual_mm2) for one in moved]
            departs = (np.array(usual) - _depart(x, start, pixel_mm, usual_mm2)).T / _STEP
            return np.concatenate([model.slope(_unpack(x, pixel_mm), _unpack_all(moved, pixel_mm), _STEP), departs])

        # The same MINPACK as behind `least_squares`, without its checks of every step, which cost a third of a fit.
        solved, *_ = optimize.leastsq(
            differ,
            _pack(ellipse, pixel_mm),
            Dfun=slope,
            full_output=True,
            ftol=_PRECISION,
            xtol=_PRECISION,
            maxfev=_EVALUATIONS,
            diag=1.0 / _SCALES,
        )
        ellipse = _unpack(solved, pixel_mm)
    levels, steepness = model.solve(ellipse)[1], slope(solved)
    spreads = np.linalg.pinv(steepness.T @ steepness)[2:4, 2:4]
    area_u, aspect_u = (float(np.sqrt(max(np.array(v) @ spreads @ np.array(v), 0.0))) for v in ((1, 1), (1, -1)))
    if ellipse.minor_mm > ellipse.major_mm:
        ellipse = Ellipse(
            ellipse.row, ellipse.column, ellipse.minor_mm, ellipse.major_mm, ellipse.direction + float(np.pi / 2)
        )
    return Fit(ellipse, float(levels[0]), levels[1:], area_u, aspect_u)


def _pack(ellipse: Ellipse, pixel_mm: float) -> FloatArray:
    place = (ellipse.row * pixel_mm, ellipse.column * pixel_mm)
    return np.array([*place, np.log(ellipse.major_mm), np.log(ellipse.minor_mm), ellipse.direction])


def _unpack(x: FloatArray, pixel_mm: float) -> Ellipse:
    row, column, major, minor, direction = (float(value) for value in x)
    return Ellipse(row / pixel_mm, column / pixel_mm, float(np.exp(major)), float(np.exp(minor)), direction)


def _unpack_all(x: FloatArray, pixel_mm: float) -> Ellipses:
    row, column, major, minor, direction = x.T[:, :, None]
    return Ellipses(row / pixel_mm, column / pixel_mm, np.exp(major), np.exp(minor), direction)


def _depart(x: FloatArray, start: Ellipse, pixel_mm: float, usual_mm2: float) -> FloatArray:
    """How far an ellipse departs from what is usual, in standard deviations of the priors."""
    area = np.log(np.pi / usual_mm2) + x[2] + x[3]
    area /= _LARGER_PRIOR if area > 0 else _SMALLER_PRIOR
    moved = (x[:2] - np.array([start.row, start.column]) * pixel_mm) / _PLACE_PRIOR_MM
    return np.array([area, (x[2] - x[3]) / _ASPECT_PRIOR, *moved])


def _gather(brightness: FloatArray, allowed: BoolArray, ellipse: Ellipse, pixel_mm: float) -> _Pixels:
    """Pixels in and around an ellipse."""
    reach = (max(ellipse.major_mm, ellipse.minor_mm) + _REACH_MM) / pixel_mm + 1.0
    bounds = zip((ellipse.row, ellipse.column), brightness.shape, strict=True)
    up, forward = (np.arange(max(int(at - reach), 0), min(int(at + reach) + 2, n), dtype=float) for at, n in bounds)
    distance = measure_nearness(ellipse, up[:, None], forward[None, :], pixel_mm).distance_mm
    found = np.nonzero(distance < _REACH_MM)
    rows, columns, near = up[found[0]].astype(int), forward[found[1]].astype(int), distance[found]
    outside = ~allowed[rows, columns]
    weights = np.exp(-0.5 * (np.maximum(near, 0.0) / _FADE_MM) ** 2)
    turn = np.arctan2(ellipse.column - columns, rows - ellipse.row) / (2 * np.pi) * DIRECTIONS
    return _Pixels(
        rows.astype(float),
        columns.astype(float),
        brightness[rows, columns],
        # What lies outside the ground is bone or disc by its label: its brightness says nothing of the root.
        np.where(outside, 0.0, weights),
        outside,
        turn,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The model of one ellipse: share of the pixels it covers, design and its normal matrix, levels, residuals."""

    ellipse: Ellipse
    covered: FloatArray
    design: FloatArray
    normal: FloatArray
    levels: FloatArray
    residuals: FloatArray


class _Model:
    """The image as root and background; for a given ellipse their brightness follows by linear least squares."""

    def __init__(self, pixels: _Pixels, pixel_mm: float, blur_mm: float, spread: float, expected: float) -> None:
        self.pixels, self.pixel_mm, self.blur_mm, self.spread = pixels, pixel_mm, blur_mm, spread
        low = np.floor(pixels.sector)
        share = pixels.sector - low
        self.sectors = np.zeros((len(share), DIRECTIONS))
        index = np.arange(len(share))
        self.sectors[index, low.astype(int) % DIRECTIONS] = 1.0 - share
        self.sectors[index, (low.astype(int) + 1) % DIRECTIONS] += share
        widths = np.array([_ROOT_PRIOR] + [_BACKGROUND_PRIOR] * DIRECTIONS)
        self.prior = np.diag(1.0 / widths)
        self.scale = pixels.weights / spread
        usual = np.array([expected] + [_BACKGROUND] * DIRECTIONS) / widths
        self.wanted = np.concatenate([pixels.values * self.scale, usual])
        self.state: _State | None = None
        self.steepness: tuple[Ellipse, FloatArray] | None = None

    def solve(self, ellipse: Ellipse) -> tuple[FloatArray, FloatArray]:
        """Residuals in standard deviations, and the brightness of the root and of the background by direction."""
        state = self._at(ellipse)
        # At the very border half of a blurred pixel may be covered.
        trespass = np.maximum(state.covered[self.pixels.outside] - 0.5, 0.0) * (_OUTSIDE / self.spread)
        return np.concatenate([state.residuals, trespass]), state.levels

    def slope(self, ellipse: Ellipse, moved: Ellipses, step: float) -> FloatArray:
        """How the residuals change from an ellipse to ellipses a step away, per step; the levels follow.

        The derivative of a projection (Golub and Pereyra 1973): one system is solved for all ellipses, not one each.
        """
        if self.steepness is not None and self.steepness[0] == ellipse:
            return self.steepness[1]
        state = self._at(ellipse)
        covered, design, levels = state.covered, state.design, state.levels
        residuals = state.residuals[: len(covered)]
        more = (self._cover(moved) - covered).T / step
        # Of the design only the pixels' rows change: what the root gains the background loses.
        scaled = more * self.scale[:, None]
        seen = np.zeros((len(design), more.shape[1]))
        seen[: len(covered)] = scaled * (levels[0] - self.sectors @ levels[1:])[:, None]
        drawn = scaled * residuals[:, None]
        pull = np.vstack([drawn.sum(axis=0), -self.sectors.T @ drawn])
        seen -= design @ np.linalg.solve(state.normal, pull + design.T @ seen)
        outside = self.pixels.outside
        trespass = np.where(covered[outside] > 0.5, _OUTSIDE / self.spread, 0.0)[:, None] * more[outside]
        self.steepness = ellipse, np.concatenate([seen, trespass])
        return self.steepness[1]

    def _cover(self, ellipse: Ellipse | Ellipses) -> FloatArray:
        """Share of every pixel that the ellipse covers, or each of several."""
        near = measure_nearness(ellipse, self.pixels.rows, self.pixels.columns, self.pixel_mm)
        return cover(ellipse, near, self.blur_mm)

    def _at(self, ellipse: Ellipse) -> "_State":
        """The model of an ellipse: the levels that explain the pixels best, and the prior of the levels."""
        if self.state is not None and self.state.ellipse == ellipse:
            return self.state  # the derivative is asked for where the residuals just were
        covered = self._cover(ellipse)
        pixels = np.column_stack([covered, (1.0 - covered)[:, None] * self.sectors]) * self.scale[:, None]
        design = np.vstack([pixels, self.prior])
        normal = design.T @ design
        levels: FloatArray = np.linalg.solve(normal, design.T @ self.wanted).astype(float, copy=False)
        self.state = _State(ellipse, covered, design, normal, levels, design @ levels - self.wanted)
        return self.state
