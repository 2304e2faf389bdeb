"""Standard uncertainty of area and height: what voxels, ragged masks, sealing, slices and obliquity leave open.

Each source is a standard uncertainty of its own; they are independent and add in squares (JCGM 100:2008, 5.1.2).
"""

from dataclasses import dataclass

import numpy as np

from foramgrade.arrays import BoolArray

#: Standard deviation of a counted area, in units of sqrt(outline / voxel) voxels: lattice points in a smooth curve at a
#: random place.
COUNTING = 0.28

#: Share of it that sections do not average out: neighbours are cut from the same voxels.
SHARED_COUNTING = 0.7

#: Along a border of a mask, errors of the segmentation are alike over about this distance, mm.
ERROR_LENGTH_MM = 6.0

#: Share of the variance of a ragged border that a smooth surface fitted to it follows and hides.
HIDDEN_SHARE = 0.4

#: The border across a gap of width w is anything between its bones' straight connection and arcs that bulge to either
#: side by a fifth of it: area 0.14 w2, taken as the half-width of a uniform distribution.
ARC_SHARE = 0.14

#: A foramen runs forwards or upwards by up to this on each mm sideways; where one section alone shows it, the course is
#: not known, mm/mm.
UNKNOWN_COURSE = 0.3

#: Standard uncertainty of the centre of an opening, in voxels: it decides how well two sections tell the course.
CENTRE_VOXELS = 0.3

#: The rule that the opening is 0.3 mm wide at its ends takes up to this off its height, mm.
END_RULE_MM = 0.3


@dataclass(frozen=True, slots=True)
class Border:
    """What the uncertainty of a measure on one section depends on.

    Parameters
    ----------
    outline_mm : float
        Length of the opening's border, mm.
    seam_mm : float
        Length of the border that is seal, mm.
    voxel_mm : float
        Edge of the label map's voxels in the section, mm.
    raggedness_mm : float
        Standard deviation of the masks' border about a smooth one, mm.
    """

    outline_mm: float
    seam_mm: float
    voxel_mm: float
    raggedness_mm: float

    @property
    def segmentation_mm(self) -> float:
        """Standard deviation of the border, mm, beyond what voxels make of a smooth one."""
        seen = max(self.raggedness_mm**2 - self.voxel_mm**2 / 12, 0.0)
        return float(np.sqrt(seen / (1.0 - HIDDEN_SHARE)))

    @property
    def counting_mm2(self) -> float:
        """Standard uncertainty of an area from counting voxels, mm2."""
        return float(COUNTING * np.sqrt(self.outline_mm / self.voxel_mm) * self.voxel_mm**2)

    @property
    def segmentation_mm2(self) -> float:
        """Standard uncertainty of an area from the segmentation's error along the border, mm2."""
        return float(self.segmentation_mm * np.sqrt(self.outline_mm * ERROR_LENGTH_MM))

    @property
    def sealing_mm2(self) -> float:
        """Standard uncertainty of an area from the border across sealed gaps, mm2."""
        return float(ARC_SHARE * self.seam_mm**2 / np.sqrt(3))


def area_uncertainty(border: Border, *, minimum_mm2: float, obliquity_mm2: float) -> float:
    """Standard uncertainty of a foramen's area.

    Parameters
    ----------
    border : Border
        Of the opening on the reported section.
    minimum_mm2 : float
        Of the smallest section, from the sections' own uncertainties and from where it lies between them
        (`foramgrade.geometry.profile.find_minimum`), mm2.
    obliquity_mm2 : float
        From oblique slices (`obliquity_uncertainty`), mm2.

    Returns
    -------
    float
        mm2.

    Notes
    -----
    *Definition*: square root of the sum of squares of these, of what the sections share of the counting, and of the
    sealing. The segmentation's error is taken from how ragged the endplates of the same masks are.
    *Limits*: a mask that is smooth and wrong (too large all around, or of another structure) has no part in it.
    """
    shared = SHARED_COUNTING * border.counting_mm2
    return float(np.sqrt(minimum_mm2**2 + shared**2 + border.sealing_mm2**2 + obliquity_mm2**2))


def obliquity_uncertainty(
    area_mm2: float, *, obliquity_deg: float, n_sections: int, spacing_mm: float, voxel_mm: float
) -> float:
    """Standard uncertainty of an area from slices that are oblique to the level's sagittal plane.

    Parameters
    ----------
    area_mm2 : float
        The area, mm2.
    obliquity_deg : float
        Angle between slices and plane, degrees; 0 where sections are resampled.
    n_sections : int
        Number of slices that show the foramen.
    spacing_mm, voxel_mm : float
        Distance between slices and edge of their pixels, mm.

    Returns
    -------
    float
        mm2.

    Notes
    -----
    *Definition*: a slice at an angle t shows an area wrong by c tan t for an error c of the foramen's course. The
    course is known as well as two centres tell it, or not at all from one slice.
    *Limits*: a slice that leaves the pedicle above or below within the foramen's height is not told; more than 12
    degrees are flagged.
    """
    told = CENTRE_VOXELS * voxel_mm * np.sqrt(2) / spacing_mm
    course = UNKNOWN_COURSE if n_sections < 2 else min(told, UNKNOWN_COURSE)
    return float(area_mm2 * np.tan(np.radians(obliquity_deg)) * course)


def height_uncertainty(border: Border) -> float:
    """Standard uncertainty of a foramen's height.

    Parameters
    ----------
    border : Border
        Of the opening on the reported section.

    Returns
    -------
    float
        mm.

    Notes
    -----
    *Definition*: square root of the sum of squares of: a voxel's rounding at either end, the segmentation's error at
    either end, and half of what the rule for the opening's ends may take off.
    """
    rounding = border.voxel_mm**2 / 12
    return float(np.sqrt(2 * rounding + 2 * border.segmentation_mm**2 + (END_RULE_MM / 2) ** 2))


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
    >>> round(measure_outline(x**2 + y**2 < 49, 0.3) / (2 * np.pi * 7), 2)
    1.0
    """
    m = np.pad(mask, 1)
    straight = np.count_nonzero(m[1:] != m[:-1]) + np.count_nonzero(m[:, 1:] != m[:, :-1])
    diagonal = np.count_nonzero(m[1:, 1:] != m[:-1, :-1]) + np.count_nonzero(m[1:, :-1] != m[:-1, 1:])
    return float(np.pi / 8 * pixel_mm * (straight + diagonal / np.sqrt(2)))
