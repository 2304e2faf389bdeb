"""What a perfect measurement of the phantom would find."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.findings import Border, LeeGrade, Level, RootShape, Side
from foramgrade.phantom.section import borders_at, centroid_mm, fat_per_border
from foramgrade.phantom.spec import LEVELS, ForamenSpec
from foramgrade.phantom.spine import Opening, Spine, body_wall_mm

#: Range in front of the disc's posterior margin in which its height is read, mm, as the measured quantity is defined.
DISC_MARGIN_MM = (1.0, 5.0)
#: Step along and across the disc at which its posterior part is walked, mm.
_STEP_MM = 0.02
#: The disc's posterior margin on a section lies within this of the bodies' posterior wall there, mm.
_SEARCH_MM = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class ForamenTruth:
    """Truth of one foramen.

    Parameters
    ----------
    level, side
        Which foramen.
    area_mm2 : float
        Area of the smallest section between the pedicle borders, perpendicular to the level's right axis, mm2.
    height_mm : float
        Extent of that section along the level's superior axis, mm.
    width_superior_mm : float
        Antero-posterior extent of that section at the height of the root's centre, mm.
    width_disc_mm, width_inferior_mm : float or None
        The same at the mid-plane of the disc, and half-way from there to the lower end of the section, mm; None where
        the mid-plane passes above or below the opening.
    disc_height_mm : float
        Height of the disc along the level's superior axis, median over the range from 1 to 5 mm in front of its
        posterior margin on that section, mm.
    slip_mm : float
        Translation of the upper body on the lower one along the level's anterior axis, between their facing posterior
        corners in the midline, forward positive, mm.
    segmental_angle_deg : float
        Angle between the facing endplates in the level's sagittal plane, open anteriorly positive, degrees.
    volume_mm3 : float
        Integral of the section areas between the pedicle borders, mm3.
    fat_mm : mapping of Border to float
        Median over the border's 90 degree sector, seen from the root's centre, of the fat on the way to it, mm.
    lost : frozenset of Border
        Borders without any fat: the median is zero.
    root_shape : RootShape
        Unchanged or changed, as specified.
    lee : LeeGrade
        Grade by the floor policy.
    lee_defined : bool
        Whether Lee defines this pattern of lost borders.
    root_area_mm2, root_aspect : float
        Area, mm2, and major / minor axis of the root's ellipse.
    centre_mm : tuple of three float
        Centroid of the smallest section, world (RAS+), mm.
    right_axis : tuple of three float
        Unit vector of the level's right axis, world (RAS+).
    """

    level: Level
    side: Side
    area_mm2: float
    height_mm: float
    width_superior_mm: float
    width_disc_mm: float | None
    width_inferior_mm: float | None
    disc_height_mm: float
    volume_mm3: float
    slip_mm: float
    segmental_angle_deg: float
    fat_mm: Mapping[Border, float]
    lost: frozenset[Border]
    root_shape: RootShape
    lee: LeeGrade
    lee_defined: bool
    root_area_mm2: float
    root_aspect: float
    centre_mm: tuple[float, float, float]
    right_axis: tuple[float, float, float]


def grade_floor(lost: frozenset[Border], root_shape: RootShape) -> LeeGrade:
    """Lee grade of a pattern by the floor policy: the highest grade whose condition is fully met.

    Written out here apart from the grader, so that the two can be held against each other.

    Examples
    --------
    >>> grade_floor(frozenset({Border.SUPERIOR, Border.INFERIOR}), RootShape.UNCHANGED)
    <LeeGrade.MILD: 1>
    """
    if root_shape is RootShape.CHANGED:
        return LeeGrade.SEVERE
    if len(lost) == 4:
        return LeeGrade.MODERATE
    if {Border.SUPERIOR, Border.INFERIOR} <= lost or {Border.ANTERIOR, Border.POSTERIOR} <= lost:
        return LeeGrade.MILD
    return LeeGrade.NONE


def _lee_defines(lost: frozenset[Border], root_shape: RootShape) -> bool:
    opposing = ({Border.SUPERIOR, Border.INFERIOR}, {Border.ANTERIOR, Border.POSTERIOR})
    return root_shape is RootShape.CHANGED or len(lost) in (0, 4) or lost in opposing


def _volume(spec: ForamenSpec, pedicle_mm: tuple[float, float]) -> float:
    """Integral of area (1 + a u^2)(1 + b u^2) over the distance u from the smallest section."""
    a, b = spec.widening

    def primitive(u: float) -> float:
        return u + (a + b) * u**3 / 3 + a * b * u**5 / 5

    return spec.area_mm2 * (primitive(pedicle_mm[1] - spec.section_mm) - primitive(pedicle_mm[0] - spec.section_mm))


def _endplates_at(spine: Spine, index: int, right_mm: float, forward_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Height of the upper and of the lower endplate plane at places of the level's frame, mm."""
    frame, half = spine.levels[index], spine.spec.body_mm[2] / 2
    start = frame.to_world(
        np.stack([np.full_like(forward_mm, right_mm), forward_mm, np.zeros_like(forward_mm)], axis=-1)
    )
    up = frame.axes[:, 2]
    met = []
    for vertebra, level in ((spine.vertebrae[index], -half), (spine.vertebrae[index + 1], half)):
        normal = vertebra.axes[:, 2]
        met.append((level - (start - vertebra.origin_mm) @ normal) / (up @ normal))
    return met[0], met[1]


def _posterior_disc(spine: Spine, index: int, opening: Opening) -> tuple[float, float]:
    """Height of the disc 1 to 5 mm in front of its posterior margin on the smallest section, and its mid-plane there.

    The disc fills what lies between the two endplate planes in front of the curve; both come as columns, from which the
    medians are taken. The mid-plane is a height in the level's frame, mm.
    """
    right, forward, up = opening.centre_mm
    wall = body_wall_mm(spine.spec, opening.section.spec.section_mm)
    columns = wall + np.arange(-_SEARCH_MM, _SEARCH_MM, _STEP_MM)
    above, below = _endplates_at(spine, index, right, columns)
    rows = np.arange(below.min(), above.max(), _STEP_MM) + _STEP_MM / 2
    front = forward + borders_at(opening.section, rows - up)[1]
    disc = (rows > below[:, None]) & (rows < above[:, None]) & (front <= columns[:, None])
    margin = columns[int(disc.any(axis=1).argmax())]
    low, high = DISC_MARGIN_MM
    chosen = (columns >= margin + low) & (columns <= margin + high)
    middle = (above[chosen] + below[chosen]) / 2
    return float(np.median(disc[chosen].sum(axis=1)) * _STEP_MM), float(np.median(middle))


def _width(opening: Opening, y: float) -> float | None:
    """Extent of the smallest section at a height from its centre, mm; None beyond its ends."""
    if abs(y) >= opening.section.spec.height_mm / 2:
        return None
    back, front = borders_at(opening.section, np.array([y]))
    return float(front[0] - back[0])


def _slip(spine: Spine, index: int) -> float:
    """Forward distance between the facing posterior corners of the two bodies in the midline, mm."""
    _, depth, height = spine.spec.body_mm
    upper, lower = spine.vertebrae[index], spine.vertebrae[index + 1]
    apart = upper.to_world([0.0, -depth / 2, -height / 2]) - lower.to_world([0.0, -depth / 2, height / 2])
    return float(apart @ spine.levels[index].axes[:, 1])


def _segmental_angle(spine: Spine, index: int) -> float:
    """Angle from the upper to the lower endplate's normal, each seen in the level's sagittal plane, degrees."""
    normals = [spine.vertebrae[n].axes[:, 2] @ spine.levels[index].axes for n in (index, index + 1)]
    upper, lower = (math.degrees(math.atan2(normal[1], normal[2])) for normal in normals)
    return lower - upper


def _of_opening(spine: Spine, index: int, opening: Opening) -> ForamenTruth:
    spec, frame = opening.section.spec, spine.levels[index]
    fat = fat_per_border(opening.section)
    lost = frozenset(border for border, thickness in fat.items() if thickness == 0.0)
    x, y = centroid_mm(opening.section)
    right, forward, up = opening.centre_mm
    centre = frame.to_world([right, forward + x, up + y])
    axis = frame.axes[:, 0]
    back, front = borders_at(opening.section, np.array([opening.section.root_centre_mm[1]]))
    disc_height, middle = _posterior_disc(spine, index, opening)
    at_disc = _width(opening, middle - up)
    half_way = (middle - up - spec.height_mm / 2) / 2
    return ForamenTruth(
        level=LEVELS[index - 1],
        side=opening.side,
        area_mm2=spec.area_mm2,
        height_mm=spec.height_mm,
        width_superior_mm=float(front[0] - back[0]),
        width_disc_mm=at_disc,
        width_inferior_mm=None if at_disc is None else _width(opening, half_way),
        disc_height_mm=disc_height,
        volume_mm3=_volume(spec, spine.spec.pedicle_mm),
        slip_mm=_slip(spine, index),
        segmental_angle_deg=_segmental_angle(spine, index),
        fat_mm=MappingProxyType(fat),
        lost=lost,
        root_shape=spec.root_shape,
        lee=grade_floor(lost, spec.root_shape),
        lee_defined=_lee_defines(lost, spec.root_shape),
        root_area_mm2=float(np.pi / 4 * spec.root_mm[0] * spec.root_mm[1]),
        root_aspect=max(spec.root_mm) / min(spec.root_mm),
        centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        right_axis=(float(axis[0]), float(axis[1]), float(axis[2])),
    )


def find_truth(spine: Spine) -> tuple[ForamenTruth, ...]:
    """Truth of the ten foramina, L1-L2 to L5-S1, right before left.

    Parameters
    ----------
    spine : Spine
        The skeleton.

    Returns
    -------
    tuple of ForamenTruth
        One per foramen.
    """
    found = []
    for index in range(1, len(spine.levels)):
        found += [_of_opening(spine, index, opening) for opening in spine.openings[index]]
    return tuple(found)


def truth_row(truth: ForamenTruth) -> dict[str, str | int | float | None]:
    """Truth as a flat row, with units in the column names, ready for a CSV file.

    Parameters
    ----------
    truth : ForamenTruth
        Truth of one foramen.

    Returns
    -------
    dict
        Column name to value, None where there is none; lost borders as letters in the order S, P, I, A.
    """
    row: dict[str, str | int | float | None] = {"level": truth.level.name, "side": truth.side.value}
    row |= {"lee_grade": int(truth.lee), "lee_defined": str(truth.lee_defined).lower()}
    row |= {"lost_borders": "".join(b.value for b in Border if b in truth.lost), "root_shape": truth.root_shape.value}
    plain = [f.name for f in fields(truth) if f.type in (float, float | None)]
    values = {name: getattr(truth, name) for name in plain}
    row |= {name: None if value is None else round(float(value), 4) + 0.0 for name, value in values.items()}
    row |= {f"fat_{b.name.lower()}_mm": round(truth.fat_mm[b], 4) for b in Border}
    row |= {f"section_{c}_mm": round(v, 4) for c, v in zip("xyz", truth.centre_mm, strict=True)}
    return row
