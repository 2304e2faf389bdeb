"""The area profile along a foramen: its smallest value with its uncertainty, and the sections that show the foramen."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from foramgrade.arrays import BoolArray, FloatArray

#: Sections belong to the same stretch of a foramen when their areas differ by less than this factor: beside the
#: pedicles the opening is half as large again at once.
SAME_FORAMEN_RATIO = 1.5

#: Sections up to this distance from the smallest one tell the minimum, mm: half the width of a pedicle.
NEAR_MINIMUM_MM = 5.0

#: Largest relative growth of the area with the squared distance from the smallest section, 1/mm2: the largest of 4 mm
#: slices misses the extreme by 2.8 % on average and 8.4 % at worst, which is this growth times a twelfth and a quarter
#: of the squared spacing. It may be anything from none to this.
LARGEST_GROWTH_PER_MM2 = 0.021

#: Errors of a segmentation on two sections are alike over about this distance, mm.
ALIKE_MM = 4.0

#: A parabola fits a foramen's profile to about this share of the area.
MODEL_SHARE = 0.01

_GROWTHS, _PLACES = 8, 25  # points of the integration


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest section of a foramen.

    Parameters
    ----------
    area_mm2 : float
        Its area, mm2.
    uncertainty_mm2 : float
        Standard uncertainty of the area, mm2: of the sections' areas, and of where between them the minimum lies.
    offset_mm : float
        Where it probably lies along the level's right axis, mm.
    index : int
        The section at hand that is nearest to it.
    """

    area_mm2: float
    uncertainty_mm2: float
    offset_mm: float
    index: int


def find_minimum(
    offsets_mm: FloatArray, areas_mm2: FloatArray, *, spacing_mm: float, own_mm2: float = 0.0, alike_mm2: float = 0.0
) -> Minimum:
    """Smallest area along a foramen, between the sections too.

    Parameters
    ----------
    offsets_mm, areas_mm2 : (M,) float arrays
        Position of every section along the level's right axis, mm, and its area, mm2; M at least 1.
    spacing_mm : float
        Distance between sections, mm.
    own_mm2 : float
        Standard uncertainty of a section's area of its own (voxels), mm2.
    alike_mm2 : float
        Standard uncertainty that neighbouring sections share the more the nearer they are (segmentation), mm2.

    Returns
    -------
    Minimum
        From the sections within 5 mm of the smallest that belong to the same stretch.

    Notes
    -----
    *Definition*: the area is taken to grow from its minimum with the square of the distance, by a relative growth
    between none and 0.021 per mm2, and the minimum to lie anywhere between the outermost of the sections or half a
    spacing beyond. The result is the mean, and its uncertainty the standard deviation, of the minimum over all such
    profiles, each weighted by how well it explains the areas given their uncertainties (Bayes with uniform priors,
    integrated on a grid). Three exact sections thus give the vertex of the parabola through them; many averaged ones do
    not let the one that lost most by chance decide; one or two thick slices give a little less than the smaller, since
    the smallest place is hardly ever in its middle. *Deviation* from the usual three-point parabola: sections
    count by their uncertainty, and a growth that no foramen has is not believed.
    *Limits*: a waist that is shorter than the distance between slices is missed.

    Examples
    --------
    >>> x = np.array([12.0, 15.0, 18.0])
    >>> found = find_minimum(x, 100 * (1 + 0.01 * (x - 16.0) ** 2), spacing_mm=3.0)
    >>> round(found.area_mm2), round(found.offset_mm), found.index
    (100, 16, 1)
    """
    smallest = int(np.argmin(areas_mm2))
    near = find_stretch(areas_mm2) & (np.abs(offsets_mm - offsets_mm[smallest]) <= NEAR_MINIMUM_MM)
    x, areas = offsets_mm[near], areas_mm2[near]
    apart = np.abs(x[:, None] - x[None, :])
    own = own_mm2**2 + (MODEL_SHARE * areas_mm2[smallest]) ** 2
    covariance = own * np.eye(len(x)) + alike_mm2**2 * np.exp(-apart / ALIKE_MM)
    weights = np.linalg.inv(covariance)
    places = np.linspace(x.min() - spacing_mm / 2, x.max() + spacing_mm / 2, _PLACES)
    growths = np.linspace(0.0, LARGEST_GROWTH_PER_MM2, _GROWTHS)
    # For each growth and place the best minimum, its variance, and how well it explains the areas.
    shapes = 1.0 + growths[:, None, None] * (x - places[:, None]) ** 2
    information = np.einsum("gpi,ij,gpj->gp", shapes, weights, shapes)
    minima = np.einsum("gpi,ij,j->gp", shapes, weights, areas) / information
    misfits = areas - minima[..., None] * shapes
    squares = np.einsum("gpi,ij,gpj->gp", misfits, weights, misfits)
    likely = np.exp(-0.5 * (squares - squares.min())) / np.sqrt(information)
    likely /= likely.sum()
    area = float((likely * minima).sum())
    variance = float((likely * (minima**2 + 1.0 / information)).sum()) - area**2
    offset = float((likely.sum(axis=0) * places).sum())
    # Of two sections that are equally near, to the thousandth of a millimetre, the smaller; of equal ones the first.
    distances = np.round(np.where(near, np.abs(offsets_mm - offset), np.inf), 3)
    index = int(np.lexsort((areas_mm2, distances))[0])
    return Minimum(area, float(np.sqrt(max(variance, 0.0))), offset, index)


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
    smallest = int(np.argmin(areas_mm2))
    alike = areas_mm2 <= SAME_FORAMEN_RATIO * areas_mm2[smallest]
    run = np.cumsum(~alike)
    result: BoolArray = alike & (run == run[smallest])
    return result


def find_longest_run(offsets_mm: FloatArray, spacing_mm: float) -> slice:
    """The longest unbroken run of sections: a foramen is a channel, and what shows apart from it is something else.

    Parameters
    ----------
    offsets_mm : (M,) float array
        Position of every section along the level's right axis, medial to lateral, mm.
    spacing_mm : float
        Distance between neighbouring sections, mm.

    Returns
    -------
    slice
        Of the sections; the more lateral one of two equal runs, since pedicles lie lateral to the canal.

    Examples
    --------
    >>> find_longest_run(np.array([10.0, 14.0, 15.0, 16.0]), 1.0)
    slice(1, 4, None)
    """
    breaks = np.flatnonzero(np.abs(np.diff(offsets_mm)) > 1.5 * spacing_mm) + 1
    edges = [0, *breaks.tolist(), len(offsets_mm)]
    runs = [slice(first, last) for first, last in pairwise(edges)]
    return max(reversed(runs), key=lambda run: run.stop - run.start)
