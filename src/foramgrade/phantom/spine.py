"""Where the bones are: a rigid frame for every vertebra and every level, stacked from the specification."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import Side
from foramgrade.phantom.section import Section, borders_at, make_section
from foramgrade.phantom.spec import LEVELS, VERTEBRAE, ForamenSpec, LevelSpec, PhantomSpec

#: Superellipse exponent of the bodies' cross-section.
BODY_EXPONENT = 2.8
#: The lower pedicle's upper border lies this far below the posterior rim of the lower endplate, mm.
PEDICLE_BELOW_RIM_MM = 1.5
#: Bone that must remain of a pedicle above and below its mid-plane, mm.
LEAST_HALF_PEDICLE_MM = 2.5
#: T12-L1 is drawn but has no truth.
_HIDDEN_LEVEL = LevelSpec(
    disc_height_mm=6.0, wedge_deg=3.0, left=ForamenSpec(height_mm=17.0), right=ForamenSpec(height_mm=17.0)
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Axes of a vertebra or a level.

    Parameters
    ----------
    origin_mm : (3,) float array
        Centre of the body or of the disc, world (RAS+), mm.
    axes : (3, 3) float array
        Unit vectors right, anterior, superior as columns.
    """

    origin_mm: FloatArray
    axes: FloatArray

    def to_local(self, points_mm: FloatArray) -> FloatArray:
        """Coordinates (..., 3) right, anterior, superior, mm, of world points (..., 3)."""
        local: FloatArray = (points_mm - self.origin_mm) @ self.axes
        return local

    def to_world(self, local_mm: npt.ArrayLike) -> FloatArray:
        """World points (..., 3) of local coordinates (..., 3), mm."""
        world: FloatArray = np.asarray(local_mm, dtype=float) @ self.axes.T + self.origin_mm
        return world


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A foramen placed in its level: its smallest section and where the centre of that section is.

    Parameters
    ----------
    section : Section
        The curve and its contents.
    side : Side
        Side of the patient.
    centre_mm : tuple of three float
        Centre of the smallest section in the level's frame: right, anterior, superior, mm.
    """

    section: Section
    side: Side
    centre_mm: tuple[float, float, float]

    @property
    def sign(self) -> float:
        """+1 on the patient's right, -1 on the left."""
        return 1.0 if self.side is Side.RIGHT else -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """The whole skeleton.

    Parameters
    ----------
    spec : PhantomSpec
        What it was made from.
    vertebrae : tuple of seven Frame
        T12 to S1.
    levels : tuple of six Frame
        T12-L1 to L5-S1.
    disc_mm : tuple of six float
        Height of each disc at its centre, mm.
    slips_mm : tuple of six float
        Forward translation of each level's upper body on its lower body, mm.
    openings : tuple of six (right Opening, left Opening)
        T12-L1 to L5-S1.
    pedicle_up_mm : tuple of seven float
        Height of each vertebra's pedicle mid-plane above its body's centre, mm.
    disc_signals : tuple of six float
        T2 signal of the discs.
    """

    spec: PhantomSpec
    vertebrae: tuple[Frame, ...]
    levels: tuple[Frame, ...]
    disc_mm: tuple[float, ...]
    slips_mm: tuple[float, ...]
    openings: tuple[tuple[Opening, Opening], ...]
    pedicle_up_mm: tuple[float, ...]
    disc_signals: tuple[float, ...]


def body_wall_mm(spec: PhantomSpec, lateral_mm: float) -> float:
    """Anterior coordinate, mm, of a body's posterior wall at a distance from the midline."""
    width, depth, _ = spec.body_mm
    share = min(lateral_mm / (width / 2), 0.97)
    return float(-(depth / 2) * (1 - share**BODY_EXPONENT) ** (1 / BODY_EXPONENT))


def _stack(spec: PhantomSpec, levels: tuple[LevelSpec, ...]) -> tuple[list[Frame], list[Frame], list[float]]:
    """Vertebra and level frames from T12 down, then moved so that L3 is upright at the given position."""
    _, depth, height = spec.body_mm
    forward, up = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    rotation, centre = Rotation.identity(), np.zeros(3)
    vertebrae, frames, discs = [Frame(centre, rotation.as_matrix())], [], []
    for level in levels:
        disc = level.disc_height_mm + depth * math.tan(math.radians(level.wedge_deg / 2))
        # Forward tilt of the lower body: its superior axis leans forward by the wedge.
        bend = np.radians([-level.wedge_deg, level.side_tilt_deg, level.twist_deg])
        lower, half = rotation * Rotation.from_rotvec(bend), rotation * Rotation.from_rotvec(bend / 2)
        # The level lies midway: either endplate is half a disc and half a slip away from it. The bodies turn by the
        # same angle to either side of the level, so the distance of their corners is that of their endplates' centres.
        apart = half.apply(up) * disc / 2 + half.apply(forward) * level.slip_mm / 2
        origin = centre - rotation.apply(up) * height / 2 - apart
        centre = origin - apart - lower.apply(up) * height / 2
        frames.append(Frame(origin, half.as_matrix()))
        vertebrae.append(Frame(centre, lower.as_matrix()))
        discs.append(disc)
        rotation = lower
    middle = vertebrae[VERTEBRAE.index("L3")]
    # L3 of a supine patient is about horizontal; its twist and tilt are shared between the levels.
    turn = middle.axes.T
    moved = [
        [Frame(turn @ (f.origin_mm - middle.origin_mm) + np.array(spec.shift_mm), turn @ f.axes) for f in group]
        for group in (vertebrae, frames)
    ]
    return moved[0], moved[1], discs


def _place(spec: PhantomSpec, level: LevelSpec, disc_mm: float, side: Side) -> Opening:
    foramen = level.foramen(side)
    bottom = -level.disc_height_mm / 2 - PEDICLE_BELOW_RIM_MM
    up = bottom + foramen.height_mm / 2
    section = make_section(foramen, disc_at=min(max(0.5 - up / foramen.height_mm, 0.0), 1.0))
    # The curve's anterior border meets the body's wall at the height of the root.
    _, front = borders_at(section, np.array([section.root_centre_mm[1]]))
    forward = body_wall_mm(spec, foramen.section_mm) - float(front[0])
    lateral = foramen.section_mm * (1.0 if side is Side.RIGHT else -1.0)
    return Opening(section, side, (lateral, forward, up))


def _pedicle_planes(spec: PhantomSpec, frames: list[Frame], levels: list[Frame], holes: list[Opening]) -> list[float]:
    """Mid-plane of every pedicle, in its vertebra, between the openings above and below; checks that bone is left."""
    edges: list[tuple[float, float]] = []
    for n, vertebra in enumerate(frames):
        above, below = math.inf, -math.inf
        for number, hole in enumerate(holes):
            level = number // 2
            if level not in (n - 1, n):
                continue
            reach = hole.section.spec.height_mm / 2 * (1 + hole.section.spec.widening[1] * 16)
            ends = np.array([hole.centre_mm, hole.centre_mm]) + np.array([[0, 0, -reach], [0, 0, reach]])
            low, high = vertebra.to_local(levels[level].to_world(ends))[:, 2]
            above, below = (min(above, float(low)), below) if level < n else (above, max(below, float(high)))
        edges.append((below, above))
    planes = []
    for n, (below, above) in enumerate(edges):
        if n in (0, len(edges) - 1):
            known = below if math.isfinite(below) else above
            planes.append(known + (8.0 if math.isfinite(below) else -8.0))
            continue
        if above - below < 2 * LEAST_HALF_PEDICLE_MM:
            msg = (
                f"{VERTEBRAE[n]}: the openings above and below leave a pedicle of {above - below:.1f} mm, "
                f"at least {2 * LEAST_HALF_PEDICLE_MM:.0f} mm are needed: lower the foramina or raise the discs"
            )
            raise InputError(msg)
        planes.append((above + below) / 2)
    return planes


def make_spine(spec: PhantomSpec) -> Spine:
    """Place every bone, disc and opening of a specification.

    Parameters
    ----------
    spec : PhantomSpec
        The study.

    Returns
    -------
    Spine
        Frames and openings, world (RAS+), mm.

    Raises
    ------
    InputError
        If a root does not fit into its foramen, or two openings leave no pedicle between them.
    """
    levels = (_HIDDEN_LEVEL, *spec.levels)
    vertebrae, frames, discs = _stack(spec, levels)
    openings = tuple(
        (_place(spec, level, disc, Side.RIGHT), _place(spec, level, disc, Side.LEFT))
        for level, disc in zip(levels, discs, strict=True)
    )
    flat = [hole for pair in openings for hole in pair]
    planes = _pedicle_planes(spec, vertebrae, frames, flat)
    return Spine(
        spec=spec,
        vertebrae=tuple(vertebrae),
        levels=tuple(frames),
        disc_mm=tuple(discs),
        slips_mm=tuple(level.slip_mm for level in levels),
        openings=openings,
        pedicle_up_mm=tuple(planes),
        disc_signals=tuple(level.disc_signal for level in levels),
    )


def level_index(name: str) -> int:
    """Index into `Spine.levels` of a level by name, e.g. "L4-L5".

    Raises
    ------
    InputError
        If the phantom has no such level.
    """
    names = [level.name for level in LEVELS]
    if name not in names:
        msg = f"the phantom has the levels {', '.join(names)}, found {name!r}"
        raise InputError(msg)
    return names.index(name) + 1
