"""Reading the perineural fat of one foramen: root, fat around it, borders, shape."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from foramgrade.arrays import FloatArray
from foramgrade.findings import FAT_QUANTITY, Border, BorderState, PerineuralFindings, Quality, Quantity, RootShape
from foramgrade.geometry.foramen import Foramen
from foramgrade.geometry.planes import Part
from foramgrade.perineural.borders import PERINEURAL_REACH_MM, Bounds, FatProfile, describe_borders, measure_profile
from foramgrade.perineural.root import (
    SMALLEST_EVIDENCE_MM2,
    Root,
    find_roots,
    ground_of_click,
    ground_of_opening,
    usual_area,
)
from foramgrade.perineural.seeking import Ground
from foramgrade.perineural.shape import MISTAKEN, MISTAKEN_AROUND_POINT, expected_area, is_assessable, judge_shape
from foramgrade.perineural.signal import Signal, fat_fraction

#: Below this ratio of contrast to noise fat cannot be told reliably from soft tissue.
LOWEST_CONTRAST_TO_NOISE = 5.0

#: A root lies in fat where at least so much of it, mm, is met in this share of all directions; so many such roots tell
#: the brightness of the study's.
IN_FAT_MM, IN_FAT_SHARE, FEWEST_CLEAR = 0.5, 0.5, 3

#: Pixels larger than this in the section can miss a film of fat, mm.
COARSEST_PIXEL_MM = 1.2

#: Below this ratio of contrast to noise, or in pixels larger than this, mm, nothing is decided on any border: a root is
#: two pixels wide then.
LEAST_CONTRAST_TO_NOISE, LARGEST_PIXEL_MM = 2.0, 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What was found inside the opening of one foramen.

    Parameters
    ----------
    signal : Signal
        Reference intensities.
    root : Root
        The nerve root.
    fat : (H, W) float array
        Fraction of fat, 0 to 1, in the opening; 0 outside, in the root and in the canal.
    profile : FatProfile
        Fat around the root.
    usual_mm2 : float
        Usual area of the root of this level, mm2.
    closed : bool
        Whether labels bound where the root was sought.
    """

    signal: Signal
    root: Root
    fat: FloatArray
    profile: FatProfile
    usual_mm2: float
    closed: bool = True


def read_content(
    foramen: Foramen,
    image: FloatArray,
    signal: Signal,
    *,
    image_pixel_mm: float,
    expected: float | None = None,
    click_mm: FloatArray | None = None,
    drawn: Root | None = None,
) -> Content | None:
    """Find root and fat on the reported section of a foramen.

    Parameters
    ----------
    foramen : Foramen
        With a chosen section.
    image : (H, W) float array
        Intensities on that section.
    signal : Signal
        Reference intensities.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    expected : float or None
        Brightness of the study's other roots between no signal (0) and fat (1), where it is known.
    click_mm : (3,) float array or None
        A point in the root that a user gives, patient (RAS+), mm: it wins over the usual place.
    drawn : Root or None
        The root that a user drew on that section: it is taken as it is.

    Returns
    -------
    Content or None
        None where no root was found.
    """
    if foramen.chosen is None:
        return None
    section, opening = foramen.sections[foramen.chosen], foramen.openings[foramen.chosen]
    # On T2 cerebrospinal fluid is as bright as fat: the canal's corner in the opening holds none.
    ground = ground_of_opening(opening.mask, section.pixel_mm, disc=section.parts == Part.DISC)
    if drawn is not None:
        bounds = Bounds(ground.allowed | drawn.mask, section.parts == Part.CANAL, section.parts)
        return surround_root(
            drawn,
            signal.brightness(image),
            bounds,
            signal,
            pixel_mm=section.pixel_mm,
            image_pixel_mm=image_pixel_mm,
            usual_mm2=usual_area(foramen.segment.level),
        )
    if click_mm is not None:
        ground = ground_of_click(ground, section.at(click_mm), section.pixel_mm)
    found = read_section(
        signal.brightness(image),
        ground,
        Bounds(ground.allowed, section.parts == Part.CANAL, section.parts),
        signal,
        pixel_mm=section.pixel_mm,
        image_pixel_mm=image_pixel_mm,
        usual_mm2=usual_area(foramen.segment.level),
        expected=expected,
    )
    return found[0] if found else None


def read_section(
    brightness: FloatArray,
    ground: Ground,
    bounds: Bounds,
    signal: Signal,
    *,
    pixel_mm: float,
    image_pixel_mm: float,
    usual_mm2: float,
    expected: float | None = None,
    most: int = 1,
    least_mm2: float = SMALLEST_EVIDENCE_MM2,
) -> list[Content]:
    """Find root and fat on a section.

    Parameters
    ----------
    brightness : (H, W) float array
        Intensity between no signal (0) and fat (1).
    ground : Ground
        Where the root may lie.
    bounds : Bounds
        Where fat may be counted.
    signal : Signal
        Reference intensities.
    pixel_mm, image_pixel_mm : float
        Edge of a pixel of the section, and spacing of the image's own pixels in it, mm.
    usual_mm2 : float
        Usual area of this root, mm2.
    expected : float or None
        Brightness of the study's other roots, where it is known.
    most : int
        Number of candidates for the root at the most.
    least_mm2 : float
        Evidence for a candidate that is worth outlining, mm2.

    Returns
    -------
    list of Content
        One per candidate, most probable first; empty where no root was found.
    """
    roots = find_roots(
        brightness,
        ground,
        pixel_mm,
        noise=signal.noise / (signal.fat - signal.zero),
        image_pixel_mm=image_pixel_mm,
        usual_mm2=usual_mm2,
        expected=expected,
        most=most,
        least_mm2=least_mm2,
    )
    return [
        surround_root(
            root,
            brightness,
            bounds,
            signal,
            pixel_mm=pixel_mm,
            image_pixel_mm=image_pixel_mm,
            usual_mm2=usual_mm2,
        )
        for root in roots
    ]


def surround_root(
    root: Root,
    brightness: FloatArray,
    bounds: Bounds,
    signal: Signal,
    *,
    pixel_mm: float,
    image_pixel_mm: float,
    usual_mm2: float,
) -> Content:
    """Read the fat around a root.

    Parameters
    ----------
    root : Root
        Found or drawn.
    brightness, bounds, signal, pixel_mm, image_pixel_mm, usual_mm2
        As for `read_section`.

    Returns
    -------
    Content
        The root, the fat and its profile.
    """
    profile = measure_profile(root, brightness, bounds, pixel_mm, image_pixel_mm=image_pixel_mm)
    fat = fat_fraction(brightness, root.brightness)
    where = bounds.opening & ~bounds.without & ~root.mask
    if not bounds.closed:
        where &= ndimage.distance_transform_edt(~root.mask) * pixel_mm <= PERINEURAL_REACH_MM
    return Content(signal, root, np.where(where, fat, 0.0), profile, usual_mm2, bounds.closed)


def expected_brightness(contents: Sequence[Content]) -> float | None:
    """Brightness to expect of the roots of a study: the median of those that lie in fat; None of fewer than three.

    Nerve is one tissue: what its brightness is beside fat can be told from the roots about which there is no doubt.
    """
    clear = [c.root.brightness for c in contents if is_assessable(c.root) and _lies_in_fat(c)]
    return float(np.median(clear)) if len(clear) >= FEWEST_CLEAR else None


def _lies_in_fat(content: Content) -> bool:
    return float(np.mean(content.profile.thickness_mm >= IN_FAT_MM)) >= IN_FAT_SHARE


def describe_content(
    content: Content,
    *,
    near: Sequence[Content],
    image_pixel_mm: float,
    minimum_fat_mm: float,
    thin_fat_mm: float,
    sector_deg: float,
    flattened_aspect: float,
    collapsed_area_fraction: float,
) -> tuple[PerineuralFindings, Quality]:
    """Findings of one foramen and the caveats that come with them.

    Parameters
    ----------
    content : Content
        Root and fat.
    near : sequence of Content
        Of the other foramen of the level and those of the neighbouring levels.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.
    minimum_fat_mm, thin_fat_mm, sector_deg, flattened_aspect, collapsed_area_fraction : float
        Thresholds, as in the grading criteria.

    Returns
    -------
    PerineuralFindings, Quality
        Findings on the four borders and the root's shape, with flags.
    """
    borders = describe_borders(
        content.profile,
        minimum_fat_mm=minimum_fat_mm,
        thin_fat_mm=thin_fat_mm,
        sector_deg=sector_deg,
        image_pixel_mm=image_pixel_mm,
        relative_noise=content.signal.relative_noise,
    )
    shape = judge_shape(
        content.root,
        expected_mm2=expected_area(content.usual_mm2, [(other.root, other.usual_mm2) for other in near]),
        flattened_aspect=flattened_aspect,
        collapsed_area_fraction=collapsed_area_fraction,
        mistaken=MISTAKEN if content.closed else MISTAKEN_AROUND_POINT,
        n_lost=sum(finding.state is BorderState.LOST for finding in borders.values()),
    )
    findings = PerineuralFindings(borders, shape.shape, shape.probability)
    quality = Quality(0)
    if shape.probability is None:
        quality |= Quality.ROOT_INDISTINCT
    if content.signal.contrast_to_noise < LOWEST_CONTRAST_TO_NOISE:
        quality |= Quality.LOW_CONTRAST
    if image_pixel_mm > COARSEST_PIXEL_MM:
        quality |= Quality.COARSE_PIXELS
    return findings, quality


def find_undecidable(content: Content, image_pixel_mm: float) -> str | None:
    """Why contrast or resolution cannot carry a decision on the borders, with the number; None where they can.

    Parameters
    ----------
    content : Content
        Root and fat.
    image_pixel_mm : float
        Spacing of the image's own pixels in the section, mm.

    Returns
    -------
    str or None
        A clause.
    """
    ratio = content.signal.contrast_to_noise
    if ratio < LEAST_CONTRAST_TO_NOISE:
        return f"fat stands out from soft tissue by {ratio:.1f} times the noise, expected {LEAST_CONTRAST_TO_NOISE:g}"
    if image_pixel_mm > LARGEST_PIXEL_MM:
        return f"pixels of {image_pixel_mm:.1f} mm cannot show perineural fat, expected {LARGEST_PIXEL_MM:g} at most"
    return None


def leave_undecided(findings: PerineuralFindings) -> PerineuralFindings:
    """The findings with every border unknown and the root's shape not assessable; what was measured stays."""
    borders = {
        border: replace(finding, state=BorderState.UNKNOWN, encroached_by=None)
        for border, finding in findings.borders.items()
    }
    return PerineuralFindings(borders, RootShape.NOT_ASSESSABLE)


def measure_content(
    content: Content, findings: PerineuralFindings, opening_mm2: float, pixel_mm: float
) -> dict[Quantity, float]:
    """Measures of root and fat.

    Parameters
    ----------
    content : Content
        Root and fat.
    findings : PerineuralFindings
        Fat per border.
    opening_mm2 : float
        Area of the opening, mm2.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    dict of Quantity to float
        Nerve area, aspect and occupancy; fat area and fraction; fat per border.
    """
    root, fat_mm2 = content.root, float(content.fat.sum() * pixel_mm**2)
    measured = {
        Quantity.NERVE_AREA: root.area_mm2,
        Quantity.NERVE_ASPECT: root.aspect,
        Quantity.NERVE_OCCUPANCY: root.area_mm2 / opening_mm2,
        Quantity.FAT_AREA: fat_mm2,
    }
    if opening_mm2 > root.area_mm2:
        measured[Quantity.FAT_FRACTION] = fat_mm2 / (opening_mm2 - root.area_mm2)
    for border in Border:
        thickness = findings.borders[border].thickness_mm
        if thickness is not None:
            measured[FAT_QUANTITY[border]] = thickness
    return measured
