"""Measures of a motion segment in its midline: angle of the facing endplates, slip, and how ragged the mask is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.planes import Part, Raster, Section, place_midline_sheets
from foramgrade.geometry.sampling import PartSampler

IntArray = npt.NDArray[np.intp]

#: Slices up to this far from the midline show body, disc and canal, mm: half the width of the canal.
MIDLINE_MM = 8.0

#: Half-height of what is looked at, and how far it reaches behind the disc, mm: a body slips by 12 mm at most.
REACH_MM = (24.0, 15.0)

#: Share of the disc's depth, in its middle, over which an endplate is fitted: the rims curve.
PLATE_SHARE = 0.8

#: Bone is looked for up to this far beyond the disc, mm: endplates may be unlabelled.
PLATE_GAP_MM = 3.0

#: The posterior wall is read at these heights from the endplate, mm: beyond the rounded rim, before the mid-body vein.
WALL_HEIGHTS_MM = (2.0, 9.0)

#: A fit leaves out points further from it than this many robust standard deviations, twice.
OUTLIER_SD = 2.5

_FITS = 3  # the first with all points, then twice without the outliers

#: Fewer points tell no line, fewer sections no plane.
FEWEST_POINTS = 12

#: From the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Midline:
    """What the midline of a level shows.

    Parameters
    ----------
    angle_deg : float or None
        Angle between the facing endplates, open to anterior positive, degrees.
    slip_mm : float or None
        Translation of the upper on the lower body along the level's anterior axis, forward positive, mm.
    raggedness_mm : float or None
        Standard deviation of the masks' border about smooth endplates, mm.
    """

    angle_deg: float | None = None
    slip_mm: float | None = None
    raggedness_mm: float | None = None


def measure_midline(spine: Spine, segment: Segment, raster: Raster, sampler: PartSampler) -> Midline:
    """Segmental angle, slip and raggedness of the masks.

    Parameters
    ----------
    spine, segment : Spine, Segment
        The labels and the level.
    raster, sampler : Raster, PartSampler
        The level's.

    Returns
    -------
    Midline
        With None for what the labels do not show.
    """
    # The whole depth of the bodies: endplates are hollow, and half a plate slopes.
    front = raster.anterior_mm[-1] if raster.front_mm is None else raster.front_mm
    bodies = replace(
        raster,
        superior_mm=raster.superior_mm[np.abs(raster.superior_mm) <= REACH_MM[0]],
        anterior_mm=np.arange(raster.margin_mm - REACH_MM[1], front + 1.0, raster.pixel_mm),
    )
    sections = [sampler.cut(bodies, sheet) for sheet in place_midline_sheets(spine.grid, bodies, MIDLINE_MM)]
    plates = [_plate_points(sections, part) for part in (Part.UPPER, Part.LOWER)]
    return Midline(
        measure_segmental_angle(*plates),
        measure_slip(sections, *plates),
        measure_raggedness(*plates),
    )


def measure_segmental_angle(upper_mm: FloatArray, lower_mm: FloatArray) -> float | None:
    """Angle between the facing endplates of a level.

    Parameters
    ----------
    upper_mm, lower_mm : (N, 3) float arrays
        Points on the lower endplate of the upper and on the upper endplate of the lower vertebra: coordinates along
        right, anterior and superior in the level's frame, mm.

    Returns
    -------
    float or None
        Degrees, positive where the disc space is higher in front (lordosis); None where too few points show a plate.

    Notes
    -----
    *Definition*: planes are fitted to the middle four fifths of both endplates within 8 mm of the midline; the angle is
    that between them in the level's sagittal plane. *Deviation* from a reader's lines through the rims (Cobb):
    least squares over the plate, which a single spur does not turn. *Limits*: oblique slices leave a few tenths of a
    degree, plates that lie along the voxels up to two degrees.
    """
    slopes = [_fit_plate(points, quadratic=False) for points in (upper_mm, lower_mm)]
    if slopes[0] is None or slopes[1] is None:
        return None
    up, low = (np.arctan(coefficients[2]) for coefficients, _ in (slopes[0], slopes[1]))
    return float(np.degrees(up - low))


def measure_slip(sections: Sequence[Section], upper_mm: FloatArray, lower_mm: FloatArray) -> float | None:
    """Translation of the upper on the lower vertebral body.

    Parameters
    ----------
    sections : sequence of Section
        Midline sections of the level.
    upper_mm, lower_mm : (N, 3) float arrays
        Points on the facing endplates, as for `measure_segmental_angle`.

    Returns
    -------
    float or None
        mm, positive where the upper body lies forward (anterolisthesis); None where a posterior wall is not shown.

    Notes
    -----
    *Definition*: a line is fitted to each posterior wall, 2 to 9 mm from its endplate, and carried on to the endplate;
    the slip is the distance of the two ends along the level's anterior axis. *Deviation* from a distance between
    corners (Meyerding 1932): the corners are rounded by spurs and voxels, the walls are not.
    *Limits*: near the midline only; a rotated level has a slip on one side and none on the other.
    """
    ends = [_wall_end(sections, part, points) for part, points in ((Part.UPPER, upper_mm), (Part.LOWER, lower_mm))]
    return None if ends[0] is None or ends[1] is None else ends[0] - ends[1]


def measure_raggedness(upper_mm: FloatArray, lower_mm: FloatArray) -> float | None:
    """Standard deviation of the masks' border where anatomy is smooth.

    Parameters
    ----------
    upper_mm, lower_mm : (N, 3) float arrays
        Points on the facing endplates, as for `measure_segmental_angle`.

    Returns
    -------
    float or None
        Root mean square distance, mm, of the points from quadratic surfaces fitted to each endplate: what voxels and
        the segmentation add to a smooth border, and what the endplate itself has of irregularity.
    """
    residuals = [fit[1] for points in (upper_mm, lower_mm) if (fit := _fit_plate(points, quadratic=True)) is not None]
    return float(np.sqrt(np.mean(np.concatenate(residuals) ** 2))) if residuals else None


def _plate_points(sections: Sequence[Section], part: Part) -> FloatArray:
    """Points (N, 3) of the endplate that faces the disc, on the sections' columns, in the level's frame, mm."""
    points = []
    for section in sections:
        disc = section.parts == Part.DISC
        columns = np.flatnonzero(disc.any(axis=0))
        if not len(columns):
            continue
        spare = round((1 - PLATE_SHARE) / 2 * (columns[-1] - columns[0]))
        columns = columns[(columns >= columns[0] + spare) & (columns <= columns[-1] - spare)]
        rows = disc.shape[0]
        if part is Part.UPPER:
            edge, step = rows - 1 - np.argmax(disc[::-1, columns], axis=0), 1
        else:
            edge, step = np.argmax(disc[:, columns], axis=0), -1
        reach = round(PLATE_GAP_MM / section.pixel_mm)
        beyond = np.clip(edge + step * np.arange(1, reach + 1)[:, None], 0, rows - 1)
        bone = section.parts[beyond, columns] == part
        shown = bone.any(axis=0)
        first = edge + step * (np.argmax(bone, axis=0) + 0.5)
        heights = section.superior_mm[0] + first * section.pixel_mm
        depths = section.anterior_mm[columns]
        points.append(np.stack([np.full(shown.sum(), section.offset_mm), depths[shown], heights[shown]], axis=1))
    return np.concatenate(points) if points else np.zeros((0, 3))


def _fit_plate(points: FloatArray, *, quadratic: bool) -> tuple[FloatArray, FloatArray] | None:
    """Coefficients of height over (1, right, anterior, ...) and the residuals, mm; None with too few points."""
    if len(points) < FEWEST_POINTS:
        return None
    right, anterior = points[:, 0], points[:, 1] - points[:, 1].mean()
    columns = [np.ones(len(points)), right, anterior]
    if quadratic:
        columns += [anterior**2, right * anterior, right**2]
    design = np.stack(columns, axis=1)
    kept = np.ones(len(points), bool)
    for _ in range(_FITS):
        coefficients = np.linalg.lstsq(design[kept], points[kept, 2], rcond=None)[0]
        residuals = points[:, 2] - design @ coefficients
        kept = _inliers(residuals)
    return coefficients, residuals[kept]


def _inliers(residuals: FloatArray) -> BoolArray:
    apart = np.abs(residuals - np.median(residuals))
    kept: BoolArray = apart <= OUTLIER_SD * max(_MAD_TO_SD * float(np.median(apart)), 1e-6)
    return kept


def _wall_end(sections: Sequence[Section], part: Part, plate: FloatArray) -> float | None:
    """Anterior coordinate, mm, of a body's posterior wall carried on to its endplate."""
    fit = _fit_plate(plate, quadratic=False)
    if fit is None:
        return None
    level, across, slope = fit[0]
    middle = float(plate[:, 1].mean())
    sign = 1.0 if part is Part.UPPER else -1.0
    heights, walls = [], []
    for section in sections:
        margin = section.raster.margin_mm
        rim = level + across * section.offset_mm + slope * (margin - middle)
        above = sign * (section.superior_mm - rim)
        rows = np.flatnonzero((above >= WALL_HEIGHTS_MM[0]) & (above <= WALL_HEIGHTS_MM[1]))
        start = int(np.searchsorted(section.anterior_mm, margin + (section.anterior_mm[-1] - margin) / 2))
        bone = section.parts[rows, : start + 1][:, ::-1] == part
        # From the middle of the body backwards to the first pixel that is not its own.
        ends = bone[:, 0] & ~bone.all(axis=1)
        length = np.argmin(bone, axis=1)
        heights.append(above[rows[ends]])
        walls.append(section.anterior_mm[start] - (length[ends] - 0.5) * section.pixel_mm)
    if not heights:
        return None
    height, wall = np.concatenate(heights), np.concatenate(walls)
    kept = np.ones(len(wall), bool)
    for _ in range(_FITS):
        if kept.sum() < FEWEST_POINTS:
            return None
        lean, end = np.polyfit(height[kept], wall[kept], 1)
        kept = _inliers(wall - lean * height - end)
    return float(end)
