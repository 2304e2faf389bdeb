"""Caveats that follow from the geometry of a foramen: each is a flag, none a verdict."""

from collections.abc import Mapping

from foramgrade.findings import Level, Quality, Quantity
from foramgrade.geometry.sealing import CLEFT_MM
from foramgrade.geometry.search import FEWEST_SECTIONS

#: Areas outside this range are flagged, mm2.
PLAUSIBLE_AREA_MM2 = (15.0, 300.0)

#: Warning value of the foraminal height, mm (Hasegawa 1995).
LOW_HEIGHT_MM = 15.0

#: Warning value of the posterior disc height, mm (Hasegawa 1995).
LOW_DISC_HEIGHT_MM = 4.0

#: Sides whose areas differ by more than this share of their mean are flagged; no source, the product's own: one side is
#: then about twice the other, which a faulty mask explains as often as the patient.
LARGEST_ASYMMETRY = 0.67

#: Slices inclined to the level's sagittal plane by more than this are flagged, degrees: corrected areas then hang on
#: the foramen's course, which few slices tell, and a slice may leave the pedicle above or below.
OBLIQUE_DEG = 12.0


def judge_level(level: Level, *, verified: bool) -> Quality:
    """Flags that follow from the name of a level: not anatomical, or not lumbar."""
    if not verified:
        return Quality.LEVEL_UNVERIFIED
    return Quality(0) if level.upper.startswith("L") else Quality.NOT_LUMBAR


def judge_geometry(
    measurements: Mapping[Quantity, float],
    n_sections: int,
    *,
    cut: bool,
    gap_mm: float = 0.0,
    obliquity_deg: float = 0.0,
) -> Quality:
    """Flags that follow from the measures of a foramen.

    Parameters
    ----------
    measurements : mapping of Quantity to float
        At least the area.
    n_sections : int
        Number of sections that show the foramen.
    cut : bool
        Whether it reaches the edge of the label map.
    gap_mm : float
        Widest gap that was sealed, mm.
    obliquity_deg : float
        Angle between thick slices and the level's sagittal plane, degrees.

    Returns
    -------
    Quality
        Sealed, cut, implausible, low, few or oblique sections.
    """
    area, height = measurements[Quantity.AREA], measurements.get(Quantity.HEIGHT)
    disc_height = measurements.get(Quantity.DISC_HEIGHT)
    raised = {
        Quality.RING_SEALED: gap_mm > CLEFT_MM,
        Quality.CUT_BY_EDGE: cut,
        Quality.AREA_IMPLAUSIBLE: not PLAUSIBLE_AREA_MM2[0] <= area <= PLAUSIBLE_AREA_MM2[1],
        Quality.HEIGHT_LOW: height is not None and height <= LOW_HEIGHT_MM,
        Quality.DISC_HEIGHT_LOW: disc_height is not None and disc_height <= LOW_DISC_HEIGHT_MM,
        Quality.FEW_SECTIONS: n_sections < FEWEST_SECTIONS,
        Quality.OBLIQUE_SLICES: obliquity_deg > OBLIQUE_DEG,
    }
    quality = Quality(0)
    for flag, is_raised in raised.items():
        quality |= flag if is_raised else Quality(0)
    return quality


def judge_asymmetry(asymmetry: float) -> Quality:
    """The flag for sides whose areas differ implausibly."""
    return Quality.ASYMMETRIC if abs(asymmetry) > LARGEST_ASYMMETRY else Quality(0)
