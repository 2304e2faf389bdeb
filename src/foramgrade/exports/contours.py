"""Outlines of a foramen as polygons in the patient, for formats that hold no masks."""

from dataclasses import dataclass

import contourpy
import numpy as np

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Evidence, ForamenAssessment, Outline
from foramgrade.volume import Grid

#: How far beside a slice a section may lie to be drawn on it, in steps from slice to slice.
WITHIN_SLICE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A polygon on a slice of a series.

    Parameters
    ----------
    slice : int
        Number of the slice, from 0.
    points : (N, 2) float array
        Column and row, as DICOM counts them: 0 is the edge of the first pixel, 0.5 its centre. The last point is the
        first one again.
    """

    slice: int
    points: FloatArray


def find_region(foramen: ForamenAssessment) -> FloatArray | None:
    """Find the polygon of a foramen on its reported section.

    Parameters
    ----------
    foramen : ForamenAssessment
        The foramen.

    Returns
    -------
    (N, 3) float array or None
        Vertices of the opening, or where that is not measured of the nerve root, patient (RAS+), mm; the last is the
        first one again. None where there is neither.

    Notes
    -----
    *Definition*: half-way line between the pixels inside and outside, of the largest piece, holes left out.
    *Limits*: the polygon shows where the area was measured; the area itself is counted, not taken from the polygon.
    """
    evidence = foramen.evidence
    if evidence is None or not evidence.outlines:
        return None
    section = evidence.outlines[evidence.chosen]
    mask = section.mask if section.mask.any() else evidence.root
    return None if mask is None or not mask.any() else trace_mask(mask, section)


def trace_mask(mask: BoolArray, section: Outline) -> FloatArray:
    """Polygon (N, 3) around the largest piece of a mask on a section, patient (RAS+), mm; see `find_region`."""
    column, row = max(trace_lines(mask), key=lambda line: abs(polygon_area(line))).T
    polygon: FloatArray = section.origin_mm + np.outer(row, section.row_mm) + np.outer(column, section.column_mm)
    return polygon


def trace_lines(share: BoolArray | FloatArray) -> list[FloatArray]:
    """Closed lines (N, 2), column and row of the raster, around what holds at least half of a pixel."""
    lines = contourpy.contour_generator(z=np.pad(share, 1).astype(float)).lines(0.5)
    return [np.asarray(line, float) - 1.0 for line in lines]


def polygon_area(points: FloatArray) -> float:
    """Area of a closed polygon (N, 2), positive where it turns from the first axis to the second.

    Examples
    --------
    >>> polygon_area(np.array([[0, 0], [3, 0], [3, 2], [0, 2], [0, 0.0]]))
    6.0
    """
    x, y = points.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2.0)


def draw_on_slice(polygon_mm: FloatArray, grid: Grid) -> Drawn | None:
    """Draw a polygon on the slice in which it lies.

    Parameters
    ----------
    polygon_mm : (N, 3) float array
        Vertices, patient (RAS+), mm.
    grid : Grid
        Grid of the series; k counts the slices.

    Returns
    -------
    Drawn or None
        None where the polygon leaves the slab of a single slice, or the picture.
    """
    ijk = grid.to_ijk(polygon_mm)
    number = int(np.rint(ijk[:, 2].mean()))
    if np.abs(ijk[:, 2] - number).max() > WITHIN_SLICE or not 0 <= number < grid.shape[2]:
        return None
    points = ijk[:, :2] + 0.5
    if points.min() < 0 or np.any(points > np.array(grid.shape[:2])):
        return None
    return Drawn(number, points)


def section_axes(evidence: Evidence) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Superior and anterior axis of the reported section and its normal, unit vectors in the patient (RAS+).

    The normal is anterior cross superior, which points to the patient's right.
    """
    section = evidence.outlines[evidence.chosen]
    superior = section.row_mm / np.linalg.norm(section.row_mm)
    normal = np.cross(section.column_mm, section.row_mm)
    normal = normal / np.linalg.norm(normal)
    return superior, np.cross(superior, normal), normal
