"""Standard uncertainty of area and height: what voxels, ragged masks, sealing, slices and obliquity leave open.

Each source is a standard uncertainty of its own; they are independent and add in squares (JCGM 100:2008, 5.1.2).
"""

from dataclasses import dataclass

import numpy as np

from foramgrade.findings import BoolArray

#: Standard deviation of a counted area, in units of sqrt(outline / voxel) voxels: lattice points in a smooth curve at a
#: random place.
COUNTING = 0.28

#: Along a border of a mask, errors of the segmentation are alike over about this distance, mm.
ERROR_LENGTH_MM = 6.0

#: Largest relative growth of the area with the squared distance from the smallest section, 1/mm2: the largest of 4 mm
#: slices misses the extreme by 2.8 % on average and 8.4 % at worst, which is this growth times a twelfth and a quarter of
#: the squared spacing. It may be anything from none to this.
GROWTH_PER_MM2 = 0.021

#: The border across a gap of width w is anything between its bones' straight connection and arcs that bulge to either
#: side by a fifth of it: area 0.14 w2, taken as the half-width of a uniform distribution.
ARC_SHARE = 0.14

#: A foramen runs forwards or upwards by up to this on each mm sideways; where one section alone shows it, the course is
#: not known, mm/mm.
UNKNOWN_COURSE = 0.3

#: Standard uncertainty of the centre of an opening, in voxels: it decides how well two sections tell the course.
CENTRE_VOXELS = 0.3

#: The rule that the opening is 0.6 mm wide at its ends takes up to this off its height, mm.
END_RULE_MM = 0.3


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the uncertainty of a foramen's area and height depends on.

    Parameters
    ----------
    area_mm2 : float
        The area, mm2.
    outline_mm : float
        Length of the opening's border on the reported section, mm.
    voxel_mm : float
        Edge of the label map's voxels in the section, mm.
    raggedness_mm : float
        Standard deviation of the masks' border about a smooth one, mm.
    spacing_mm : float
        Distance between sections, mm.
    n_sections : int
        Number of sections that show the foramen.
    n_fitted : int
        Number of sections behind the area; 1 where it is that of the smallest section.
    seam_mm : float
        Length of the border that is seal, mm.
    obliquity_deg : float
        Angle between the slices and the level's sagittal plane, degrees; 0 where sections are resampled.
    """

    area_mm2: float
    outline_mm: float
    voxel_mm: float
    raggedness_mm: float
    spacing_mm: float
    n_sections: int
    n_fitted: int
    seam_mm: float
    obliquity_deg: float

    @property
    def segmentation_mm(self) -> float:
        """Standard deviation of the border, mm, beyond what voxels make of a smooth one."""
        voxels = self.voxel_mm**2 / 12
        return float(np.sqrt(max(self.raggedness_mm**2 - voxels, 0.0)))


def area_uncertainty(at: Circumstances) -> float:
    """Standard uncertainty of a foramen's area.

    Parameters
    ----------
    at : Circumstances
        Of the measurement.

    Returns
    -------
    float
        mm2.

    Notes
    -----
    *Definition*: square root of the sum of squares of: counting voxels; the segmentation's error along the border, from
    how ragged the endplates of the same masks are; the border across sealed gaps; the smallest section that lies between
    slices; the foramen's course seen through oblique slices.
    *Limits*: a mask that is smooth and wrong (too large all around, or of another structure) has no part in it.
    """
    counting = COUNTING * np.sqrt(at.outline_mm / at.voxel_mm) * at.voxel_mm**2
    counting *= np.sqrt(3.0 / max(at.n_fitted, 3))
    segmentation = at.segmentation_mm * np.sqrt(at.outline_mm * ERROR_LENGTH_MM)
    sealing = ARC_SHARE * at.seam_mm**2 / np.sqrt(3)
    # A growth between none and the largest, a minimum anywhere within half a spacing: root mean square excess.
    sampling = 0.0 if at.n_fitted > 1 else at.area_mm2 * GROWTH_PER_MM2 / np.sqrt(3) * at.spacing_mm**2 / np.sqrt(80)
    told = CENTRE_VOXELS * at.voxel_mm * np.sqrt(2) / at.spacing_mm
    course = UNKNOWN_COURSE if at.n_sections < 2 else min(told, UNKNOWN_COURSE)
    obliquity = at.area_mm2 * np.tan(np.radians(at.obliquity_deg)) * course
    return float(np.sqrt(counting**2 + segmentation**2 + sealing**2 + sampling**2 + obliquity**2))


def height_uncertainty(at: Circumstances) -> float:
    """Standard uncertainty of a foramen's height.

    Parameters
    ----------
    at : Circumstances
        Of the measurement.

    Returns
    -------
    float
        mm.

    Notes
    -----
    *Definition*: square root of the sum of squares of: a voxel's rounding at either end, the segmentation's error at
    either end, and half of what the rule for the opening's ends may take off.
    """
    rounding = at.voxel_mm**2 / 12
    return float(np.sqrt(2 * rounding + 2 * at.segmentation_mm**2 + (END_RULE_MM / 2) ** 2))


def measure_outline(mask: BoolArray, pixel_mm: float) -> float:
    """Length of the border of an opening.

    Parameters
    ----------
    mask : (H, W) bool array
        The opening.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    float
        Length, mm.

    Notes
    -----
    *Definition*: Crofton's formula with four directions; its bias is below 0.2 % on ellipses of a foramen's size, where
    the length of the pixels' edges is 27 % too long.

    Examples
    --------
    >>> y, x = np.mgrid[-40:41, -40:41] * 0.3
    >>> round(measure_outline(x**2 + y**2 < 100, 0.3) / (2 * np.pi * 10), 2)
    1.0
    """
    m = np.pad(mask, 1)
    straight = np.count_nonzero(m[1:] != m[:-1]) + np.count_nonzero(m[:, 1:] != m[:, :-1])
    diagonal = np.count_nonzero(m[1:, 1:] != m[:-1, :-1]) + np.count_nonzero(m[1:, :-1] != m[:-1, 1:])
    return float(np.pi / 8 * pixel_mm * (straight + diagonal / np.sqrt(2)))
