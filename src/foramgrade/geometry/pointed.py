"""Sections around a point that somebody placed in a foramen: axes from the row of points, slices from the image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from foramgrade.anatomy.frame import Frame
from foramgrade.arrays import FloatArray
from foramgrade.findings import ForamenPoint, Level, Quality, Side
from foramgrade.geometry.planes import SECTION_PIXEL_MM, Part, Raster, Section, Sheet, is_thick
from foramgrade.volume import Grid

#: Half the height and half the depth of a section around a point, mm: a foramen and what fat is beside it.
WINDOW_MM = (24.0, 24.0)

#: How far from the point's own sagittal plane sections are looked at, mm: where slices are thin, a ganglion's length;
#: where they are thick, the slice the point lies on and its two neighbours.
REACH_MM = 3.0

#: The row of foramina is a curve of this order where there are points enough, by level.
CURVE_ORDER = 2

#: A foramen's axis leans against the patient's superior axis by no more than this, degrees.
LARGEST_LEAN_DEG = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Pointed:
    """A foramen that is known by a point.

    Parameters
    ----------
    place : ForamenPoint
        Level, side and point.
    frame : Frame
        Axes, with the point as origin.
    sections : tuple of Section
        Sections around it, the nearest to the point first; nothing on them is labelled.
    distances_mm : tuple of float
        Distance of each section from the point, mm.
    quality : Quality
        Caveats.
    """

    place: ForamenPoint
    frame: Frame
    sections: tuple[Section, ...]
    distances_mm: tuple[float, ...]
    quality: Quality

    @property
    def at(self) -> tuple[float, float]:
        """Row and column of the point on its sections."""
        raster = self.sections[0].raster
        pixel = raster.pixel_mm
        return float(-raster.superior_mm[0] / pixel), float(-raster.anterior_mm[0] / pixel)


def fit_axes(places: Sequence[ForamenPoint], grid: Grid) -> dict[tuple[Level, Side], Frame]:
    """Axes of every foramen from the points of all.

    Parameters
    ----------
    places : sequence of ForamenPoint
        Points of one patient.
    grid : Grid
        The image's: its slices tell right from left.

    Returns
    -------
    dict of (Level, Side) to Frame
        The right axis is the slices' normal; superior is the tangent of the curve on which the foramina of both sides
        lie, a straight line below three levels, the grid's own axis where there is one level only.
    """
    right = _right_of(grid)
    superior = _perpendicular(np.array([0.0, 0.0, 1.0]), right)
    anterior = np.cross(superior, right)
    heights = list(_mean_by_level(places, superior, anterior).values())
    order = min(CURVE_ORDER, len(heights) - 1)
    slope: FloatArray = np.zeros(1)
    if order > 0:
        up, forward = np.array(heights).T
        slope = np.asarray(np.polyder(np.polyfit(up, forward, order)), float)
    frames = {}
    steepest = np.tan(np.radians(LARGEST_LEAN_DEG))
    for place in places:
        origin = np.array(place.position_mm)
        lean = float(np.clip(np.polyval(slope, origin @ superior), -steepest, steepest))
        own = superior + lean * anterior
        own = own / np.linalg.norm(own)
        frames[place.level, place.side] = Frame(origin, right, np.cross(own, right), own, from_grid=order == 0)
    return frames


def _right_of(grid: Grid) -> FloatArray:
    """Unit normal of the grid's sagittal slices, towards the patient's right."""
    gradient = np.linalg.inv(grid.affine)[grid.lateral_axis, :3]
    right: FloatArray = np.asarray(gradient / np.linalg.norm(gradient) * np.sign(gradient[0]), float)
    return right


def _perpendicular(vector: FloatArray, axis: FloatArray) -> FloatArray:
    """The unit vector perpendicular to an axis that is nearest to a vector."""
    across = vector - (vector @ axis) * axis
    result: FloatArray = across / np.linalg.norm(across)
    return result


def _mean_by_level(
    places: Sequence[ForamenPoint], superior: FloatArray, anterior: FloatArray
) -> Mapping[Level, FloatArray]:
    """Height and depth of every level, the mean of its two sides, mm."""
    ordered = sorted(places, key=lambda place: place.level)
    return {
        level: np.mean([(np.dot(p.position_mm, superior), np.dot(p.position_mm, anterior)) for p in group], axis=0)
        for level, group in groupby(ordered, key=lambda place: place.level)
    }


def look_at_points(places: Sequence[ForamenPoint], grid: Grid) -> tuple[Pointed, ...]:
    """Sections around points.

    Parameters
    ----------
    places : sequence of ForamenPoint
        Points of one patient.
    grid : Grid
        The image's.

    Returns
    -------
    tuple of Pointed
        One per point, in their order.
    """
    frames = fit_axes(places, grid)
    return tuple(_look_at(place, frames[place.level, place.side], grid) for place in places)


def _look_at(place: ForamenPoint, frame: Frame, grid: Grid) -> Pointed:
    up, forward = (_centred(half) for half in WINDOW_MM)
    raster = Raster(frame, up, forward, 0.0)
    sections, distances = [], []
    for offset, spacing in _offsets(frame.origin_mm, frame.right, grid):
        origin = frame.to_world(np.array([offset, forward[0], up[0]]))
        sheet = Sheet(offset, spacing, origin, SECTION_PIXEL_MM * frame.superior, SECTION_PIXEL_MM * frame.anterior)
        nothing = np.full((len(up), len(forward)), Part.FREE, np.uint8)
        sections.append(Section(raster, sheet, nothing, np.ones(nothing.shape, bool)))
        distances.append(abs(offset))
    quality = Quality.FRAME_FROM_GRID if frame.from_grid else Quality(0)
    return Pointed(place, frame, tuple(sections), tuple(distances), quality)


def _centred(half_mm: float) -> FloatArray:
    count = round(half_mm / SECTION_PIXEL_MM)
    steps: FloatArray = np.arange(-count, count + 1, dtype=float) * SECTION_PIXEL_MM
    return steps


def _offsets(point_mm: FloatArray, right: FloatArray, grid: Grid) -> list[tuple[float, float]]:
    """Where sections lie along the right axis, from the point, and their distance, mm; the nearest first."""
    spacing = grid.spacing_mm[grid.lateral_axis]
    if not is_thick(grid):
        step = max(1.0, spacing)
        count = int(REACH_MM // step)
        offsets = [n * step for n in range(-count, count + 1)]
    else:
        axis = grid.lateral_axis
        gradient = np.linalg.inv(grid.affine)[axis]
        index, per_mm = float(gradient[:3] @ point_mm + gradient[3]), float(gradient[:3] @ right)
        nearest = int(np.clip(round(index), 0, grid.shape[axis] - 1))
        around = [k for k in (nearest - 1, nearest, nearest + 1) if 0 <= k < grid.shape[axis]]
        offsets, step = [(k - index) / per_mm for k in around], spacing
    return [(offset, step) for offset in sorted(offsets, key=abs)]
