"""What a perfect measurement of the phantom would find."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np

from foramgrade.findings import Border, LeeGrade, Level, RootShape, Side
from foramgrade.phantom.section import centroid_mm, fat_per_border
from foramgrade.phantom.spec import LEVELS, ForamenSpec
from foramgrade.phantom.spine import Opening, Spine, body_wall_mm

#: Depth from the posterior margin over which disc height is averaged, mm, as the measured quantity is defined.
DISC_MARGIN_MM = 5.0


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
    disc_height_mm : float
        Height of the disc along the level's superior axis, mean over the 5 mm in front of the body's posterior wall on
        that section, mm.
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
    disc_height_mm: float
    volume_mm3: float
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


def _disc_height(spine: Spine, index: int, opening: Opening) -> float:
    """Distance between the two endplate planes along the level's superior axis, at the middle of the posterior margin.

    The planes are flat, so the height there is also the mean over the margin.
    """
    frame, half = spine.levels[index], spine.spec.body_mm[2] / 2
    wall = body_wall_mm(spine.spec, opening.section.spec.section_mm)
    start = frame.to_world([opening.centre_mm[0], wall + DISC_MARGIN_MM / 2, 0.0])
    up = frame.axes[:, 2]
    met = []
    for vertebra, level in ((spine.vertebrae[index], -half), (spine.vertebrae[index + 1], half)):
        normal = vertebra.axes[:, 2]
        met.append((level - float((start - vertebra.origin_mm) @ normal)) / float(up @ normal))
    return met[0] - met[1]


def _of_opening(spine: Spine, index: int, opening: Opening) -> ForamenTruth:
    spec, frame = opening.section.spec, spine.levels[index]
    fat = fat_per_border(opening.section)
    lost = frozenset(border for border, thickness in fat.items() if thickness == 0.0)
    x, y = centroid_mm(opening.section)
    right, forward, up = opening.centre_mm
    centre = frame.to_world([right, forward + x, up + y])
    axis = frame.axes[:, 0]
    return ForamenTruth(
        level=LEVELS[index - 1],
        side=opening.side,
        area_mm2=spec.area_mm2,
        height_mm=spec.height_mm,
        disc_height_mm=_disc_height(spine, index, opening),
        volume_mm3=_volume(spec, spine.spec.pedicle_mm),
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


def truth_row(truth: ForamenTruth) -> dict[str, str | int | float]:
    """Truth as a flat row, with units in the column names, ready for a CSV file.

    Parameters
    ----------
    truth : ForamenTruth
        Truth of one foramen.

    Returns
    -------
    dict
        Column name to value; lost borders as letters in the order S, P, I, A.
    """
    row: dict[str, str | int | float] = {"level": truth.level.name, "side": truth.side.value}
    row |= {"lee_grade": int(truth.lee), "lee_defined": str(truth.lee_defined).lower()}
    row |= {"lost_borders": "".join(b.value for b in Border if b in truth.lost), "root_shape": truth.root_shape.value}
    plain = [f.name for f in fields(truth) if f.type is float or f.type == "float"]
    row |= {name: round(float(getattr(truth, name)), 4) for name in plain}
    row |= {f"fat_{b.name.lower()}_mm": round(truth.fat_mm[b], 4) for b in Border}
    row |= {f"section_{c}_mm": round(v, 4) for c, v in zip("xyz", truth.centre_mm, strict=True)}
    return row
