"""The area profile along a foramen: its smallest value, and the stretch of sections that show the foramen."""

from dataclasses import dataclass

import numpy as np

from foramgrade.findings import BoolArray, FloatArray

#: Sections belong to the same stretch of a foramen when their areas differ by less than this factor: beside the pedicles
#: the opening is half as large again at once.
SAME_FORAMEN_RATIO = 1.5

#: The parabola that finds the minimum is fitted to neighbouring sections up to this factor of the smallest area ...
NEAR_MINIMUM_RATIO = 1.25

#: ... and up to this distance from it, mm: half the width of a pedicle.
NEAR_MINIMUM_MM = 5.0

#: A parabola needs as many sections.
FEWEST_FOR_PARABOLA = 3


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest section of a foramen.

    Parameters
    ----------
    area_mm2 : float
        Its area, mm2.
    offset_mm : float
        Where it lies along the level's right axis, mm.
    index : int
        The section at hand that is nearest to it.
    growth_per_mm2 : float or None
        Relative growth of the area with the squared distance from it, 1/mm2; None where too few sections show it.
    n_fitted : int
        Number of sections behind the area: 1 where it is that of the smallest section itself.
    """

    area_mm2: float
    offset_mm: float
    index: int
    growth_per_mm2: float | None = None
    n_fitted: int = 1


def find_minimum(offsets_mm: FloatArray, areas_mm2: FloatArray) -> Minimum:
    """Smallest area along a foramen, between the sections too.

    Parameters
    ----------
    offsets_mm, areas_mm2 : (M,) float arrays
        Position of every section along the level's right axis, mm, and its area, mm2; M at least 1.

    Returns
    -------
    Minimum
        Of the least-squares parabola through the smallest section and its neighbours within 5 mm whose areas exceed it by
        at most a quarter; with fewer than three such sections, or where the parabola opens downwards, the smallest
        section itself.

    Notes
    -----
    *Definition*: with three sections the parabola passes through them; with more, it also averages out the voxels' noise
    of single sections, of which the smallest is otherwise the one that lost most by chance. The minimum is
    looked for between the outermost of the sections, never beyond. *Deviation*: none from the usual three-point
    parabola where three sections are at hand. *Limits*: of two thick slices the smaller one is reported: it is too large
    by up to the growth over half their distance, which its uncertainty covers.

    Examples
    --------
    >>> x = np.array([12.0, 15.0, 18.0])
    >>> found = find_minimum(x, 100 * (1 + 0.01 * (x - 16.0) ** 2))
    >>> round(found.area_mm2, 6), round(found.offset_mm, 6), found.index
    (100.0, 16.0, 1)
    """
    smallest = int(np.argmin(areas_mm2))
    near = _stretch(areas_mm2, smallest, NEAR_MINIMUM_RATIO)
    near &= np.abs(offsets_mm - offsets_mm[smallest]) <= NEAR_MINIMUM_MM
    alone = Minimum(float(areas_mm2[smallest]), float(offsets_mm[smallest]), smallest)
    if near.sum() < FEWEST_FOR_PARABOLA:
        return alone
    x = offsets_mm[near] - offsets_mm[smallest]
    square, slope, level = np.polyfit(x, areas_mm2[near], 2)
    if square <= 0:
        return alone
    at = float(np.clip(-slope / (2 * square), x.min(), x.max()))
    area = float(np.polyval((square, slope, level), at))
    index = int(np.argmin(np.where(near, np.abs(offsets_mm - offsets_mm[smallest] - at), np.inf)))
    return Minimum(area, float(offsets_mm[smallest]) + at, index, float(square / area), int(near.sum()))


def find_stretch(areas_mm2: FloatArray) -> BoolArray:
    """Sections that show the foramen itself: those next to the smallest with less than half as much area again.

    Parameters
    ----------
    areas_mm2 : (M,) float array
        Area on every section, medial to lateral, mm2.

    Returns
    -------
    (M,) bool array
        True on the stretch.
    """
    return _stretch(areas_mm2, int(np.argmin(areas_mm2)), SAME_FORAMEN_RATIO)


def _stretch(areas_mm2: FloatArray, smallest: int, ratio: float) -> BoolArray:
    """The unbroken run of sections around the smallest whose areas are within a factor of it."""
    alike = areas_mm2 <= ratio * areas_mm2[smallest]
    run = np.cumsum(~alike)
    result: BoolArray = alike & (run == run[smallest])
    return result
