"""One sagittal section of a foramen as arithmetic: a closed curve, the root in it, and the fat between the two.

Section coordinates are millimetres forward (x) and upward (y) from the centre of the curve, in the level's own frame.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import Border
from foramgrade.phantom.spec import ForamenSpec, Tissue

TissueArray = npt.NDArray[np.uint8]

#: Width, as a share of the foramen's height, of the dents that disc and facet make.
DENT_WIDTH = 0.13
#: Where on the height the facet dents the posterior wall.
FACET_AT = 0.45
#: Fat tapers towards a narrower sector by at most this much per degree, mm: anatomy has no radial steps.
TAPER_MM_PER_DEG = 0.25
#: Outer fibres of a protruding disc are dark over this depth, mm.
ANNULUS_MM = 0.6
#: Rays per turn on which the fat is walked.
N_RAYS = 720

_ORDER = (Border.SUPERIOR, Border.POSTERIOR, Border.INFERIOR, Border.ANTERIOR)


def sector_of(angle_deg: FloatArray) -> npt.NDArray[np.int64]:
    """Sector (0 superior, 1 posterior, 2 inferior, 3 anterior) of directions in degrees from superior, backward turn.

    Examples
    --------
    >>> sector_of(np.array([0.0, 44.0, 46.0, 180.0, -90.0])).tolist()
    [0, 0, 1, 2, 3]
    """
    return (np.floor((np.asarray(angle_deg) + 45.0) / 90.0) % 4).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """The smallest section of one foramen.

    Parameters
    ----------
    spec : ForamenSpec
        Its dimensions.
    disc_at : float
        Height of the disc's mid-plane as a share of the curve's height.
    width_mm : float
        Full width of the undented curve where it is widest, mm; follows from the area.
    fat_profile_mm : (360,) float array
        Largest thickness of fat in each whole degree from superior, turning backward, mm.
    """

    spec: ForamenSpec
    disc_at: float
    width_mm: float
    fat_profile_mm: FloatArray

    @property
    def root_centre_mm(self) -> tuple[float, float]:
        """Centre (x, y) of the root, mm."""
        share, forward = self.spec.root_at
        y = (share - 0.5) * self.spec.height_mm
        return y * math.tan(math.radians(self.spec.lean_deg)) + forward, y


def _pear(t: FloatArray, pear: tuple[float, float]) -> FloatArray:
    p, q = pear
    top = p / (p + q)
    inside = np.clip(t, 0.0, 1.0)
    shape: FloatArray = inside**p * (1.0 - inside) ** q / (top**p * (1.0 - top) ** q)
    return shape


def _dent(t: FloatArray, at: float, depth: float) -> FloatArray:
    if depth == 0.0:
        return np.ones_like(t)
    dent: FloatArray = 1.0 - depth * np.exp(-(((t - at) / DENT_WIDTH) ** 2))
    return dent


def _half_widths(spec: ForamenSpec, disc_at: float, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Posterior and anterior half-width at heights t, for a widest full width of 1 before dents."""
    pear = _pear(t, spec.pear) / 2.0
    return pear * _dent(t, FACET_AT, spec.facet), pear * _dent(t, disc_at, spec.bulge)


def _taper(fat_mm: FloatArray) -> FloatArray:
    """Largest profile of 360 degrees below the four given thicknesses whose slope is at most the taper."""
    degrees = np.arange(360.0)
    finite = np.minimum(fat_mm, 60.0)[sector_of(degrees)]
    apart = np.abs(degrees[:, None] - degrees[None, :])
    apart = np.minimum(apart, 360.0 - apart)
    profile: FloatArray = (finite[None, :] + TAPER_MM_PER_DEG * apart).min(axis=1)
    return profile


def make_section(spec: ForamenSpec, *, disc_at: float = 0.25) -> Section:
    """Scale the curve of a foramen to its stated area and check that the root lies inside.

    Parameters
    ----------
    spec : ForamenSpec
        Dimensions.
    disc_at : float
        Height of the disc's mid-plane as a share of the curve's height.

    Returns
    -------
    Section
        The section.

    Raises
    ------
    InputError
        If the root's ellipse crosses the curve.

    Notes
    -----
    *Definition*: half-widths w/2 t^p (1 - t)^q / max, each with a Gaussian dent; the widest width w is the area
    divided by the height and by the integral of the shape. Without dents that integral is
    B(p + 1, q + 1) / (m^p (1 - m)^q) with m = p / (p + q); it is computed by the midpoint rule
    after t = sin^2, which removes the endpoint singularities.

    Examples
    --------
    >>> round(make_section(ForamenSpec(area_mm2=130.0, height_mm=18.0)).width_mm, 2)
    9.59
    """
    n = 2000
    phi = (np.arange(n) + 0.5) * (math.pi / 2 / n)
    t = np.sin(phi) ** 2
    posterior, anterior = _half_widths(spec, disc_at, t)
    integral = float(((posterior + anterior) * np.sin(2 * phi)).sum() * (math.pi / 2 / n))
    width = spec.area_mm2 / (spec.height_mm * integral)
    section = Section(spec, disc_at, width, _taper(np.array([spec.fat_mm[b] for b in _ORDER])))
    if not root_fits(section):
        msg = (
            f"a root of {spec.root_mm[0]:.1f} x {spec.root_mm[1]:.1f} mm does not fit into a foramen of "
            f"{spec.area_mm2:.0f} mm2 and {spec.height_mm:.1f} mm height at {spec.root_at[0]:.2f} of its height"
        )
        raise InputError(msg)
    return section


def borders_at(section: Section, y: FloatArray, *, off_mm: FloatArray | float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Posterior and anterior border x, mm, of the curve at heights y, mm; they meet beyond the ends of the curve.

    Parameters
    ----------
    section : Section
        The smallest section.
    y : float array
        Heights, mm.
    off_mm : float array
        Distance of the wanted section from the smallest one, mm.

    Returns
    -------
    tuple of two float arrays
        Posterior and anterior border, mm.
    """
    spec = section.spec
    square = np.asarray(off_mm, dtype=float) ** 2
    wide, high = 1.0 + spec.widening[0] * square, 1.0 + spec.widening[1] * square
    t = y / (spec.height_mm * high) + 0.5
    posterior, anterior = _half_widths(spec, section.disc_at, t)
    middle = y * math.tan(math.radians(spec.lean_deg))
    return middle - section.width_mm * wide * posterior, middle + section.width_mm * wide * anterior


def inside(section: Section, x: FloatArray, y: FloatArray, *, off_mm: FloatArray | float = 0.0) -> BoolArray:
    """Whether points lie inside the curve (see `borders_at`)."""
    posterior, anterior = borders_at(section, y, off_mm=off_mm)
    within: BoolArray = (x > posterior) & (x < anterior)
    return within


def area_at(section: Section, off_mm: float) -> float:
    """Area, mm2, of the section `off_mm` away from the smallest one: both extents grow, so the areas multiply."""
    spec = section.spec
    return spec.area_mm2 * (1 + spec.widening[0] * off_mm**2) * (1 + spec.widening[1] * off_mm**2)


def outline(section: Section, n: int = 400) -> FloatArray:
    """Closed polygon (2n, 2) of (x, y), mm, on the curve: up the anterior, down the posterior border."""
    y = -np.cos(np.linspace(0.0, math.pi, n)) * section.spec.height_mm / 2
    posterior, anterior = borders_at(section, y)
    up, down = np.column_stack([anterior, y]), np.column_stack([posterior, y])[::-1]
    return np.concatenate([up, down])


def root_radius(section: Section, angle_deg: FloatArray) -> FloatArray:
    """Distance, mm, from the root's centre to its outline in directions from superior, turning backward."""
    height, width = section.spec.root_mm
    turn = np.radians(angle_deg + section.spec.root_tilt_deg)
    radius: FloatArray = 1.0 / np.hypot(np.cos(turn) / (height / 2), np.sin(turn) / (width / 2))
    return radius


def root_fits(section: Section) -> bool:
    """Whether the root's ellipse lies inside the curve."""
    angles = np.arange(360.0)
    radius = root_radius(section, angles)
    x0, y0 = section.root_centre_mm
    x, y = x0 - radius * np.sin(np.radians(angles)), y0 + radius * np.cos(np.radians(angles))
    return bool(inside(section, x, y).all())


def contents(section: Section, x: FloatArray, y: FloatArray) -> TissueArray:
    """Tissue at points inside the curve: root, fat, what fills a lost border, vessels.

    Parameters
    ----------
    section : Section
        The smallest section.
    x, y : (N,) float arrays
        Section coordinates, mm.

    Returns
    -------
    (N,) uint8 array
        `Tissue` of every point.
    """
    x0, y0 = section.root_centre_mm
    radius = np.hypot(x - x0, y - y0)
    angle = np.degrees(np.arctan2(-(x - x0), y - y0))
    beyond = radius - root_radius(section, angle)
    fat = np.interp(angle, np.arange(360.0), section.fat_profile_mm, period=360.0)
    filling = np.array([section.spec.filling[b] for b in _ORDER], dtype=np.uint8)[sector_of(angle)]
    filling[(filling == Tissue.DISC) & (beyond < fat + ANNULUS_MM)] = Tissue.LIGAMENT
    tissue = np.where(beyond < fat, np.uint8(Tissue.FAT), filling)
    for vessel_x, vessel_y, vessel_radius in vessels_mm(section):
        tissue[(np.hypot(x - vessel_x, y - vessel_y) < vessel_radius) & (tissue == Tissue.FAT)] = Tissue.VESSEL
    tissue[beyond < 0] = Tissue.ROOT
    return tissue


def vessels_mm(section: Section) -> list[tuple[float, float, float]]:
    """Centre (x, y) and radius, mm, of every vessel."""
    found = []
    for share, across, radius in section.spec.vessels:
        y = np.array([(share - 0.5) * section.spec.height_mm])
        posterior, anterior = borders_at(section, y)
        x = (posterior + anterior) / 2 + across * (anterior - posterior) / 2
        found.append((float(x[0]), float(y[0]), radius))
    return found


def _wall_distance(section: Section, sin: FloatArray, cos: FloatArray) -> FloatArray:
    """Distance from the root's centre to the curve along each ray: a march, then bisection."""
    x0, y0 = section.root_centre_mm

    def within(r: FloatArray) -> BoolArray:
        return inside(section, x0 - r * sin, y0 + r * cos)

    low = np.zeros_like(sin)
    step, running = 0.1, np.ones(sin.shape, dtype=bool)
    while running.any():
        running &= within(low + step)
        low[running] += step
    high = low + step
    for _ in range(30):
        middle = (low + high) / 2
        ahead = within(middle)
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    return low


def fat_along_rays(section: Section) -> tuple[FloatArray, FloatArray]:
    """Fat met from the root outwards to the border, in every direction.

    Parameters
    ----------
    section : Section
        The smallest section.

    Returns
    -------
    angle_deg : (720,) float array
        Directions from superior, turning through posterior, inferior and anterior, degrees.
    fat_mm : (720,) float array
        Length of fat on the ray from the root's centre, between the root's outline and the curve, without vessels, mm.
    """
    angle: FloatArray = (np.arange(float(N_RAYS)) + 0.5) * (360.0 / N_RAYS)
    sin, cos = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    start = root_radius(section, angle)
    limit = np.interp(angle, np.arange(360.0), section.fat_profile_mm, period=360.0)
    end = np.minimum(start + limit, np.maximum(_wall_distance(section, sin, cos), start))
    fat = end - start
    x0, y0 = section.root_centre_mm
    for x, y, radius in vessels_mm(section):
        along = -(x - x0) * sin + (y - y0) * cos
        chord = np.sqrt(np.maximum(radius**2 - ((x - x0) ** 2 + (y - y0) ** 2 - along**2), 0.0))
        fat -= np.maximum(np.minimum(end, along + chord) - np.maximum(start, along - chord), 0.0)
    return angle, fat


def fat_per_border(section: Section) -> dict[Border, float]:
    """Median over each border's 90 degree sector of the fat met on the way from the root to it, mm."""
    angle, fat = fat_along_rays(section)
    sector = sector_of(angle)
    return {border: float(np.median(fat[sector == n])) for n, border in enumerate(_ORDER)}


def centroid_mm(section: Section) -> tuple[float, float]:
    """Centroid (x, y) of the area inside the curve, mm."""
    points = outline(section)
    following = np.roll(points, -1, axis=0)
    cross = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    centre = ((points + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return float(centre[0]), float(centre[1])
