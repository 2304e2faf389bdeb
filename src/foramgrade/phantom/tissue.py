"""What is at a point of the body: tissue for the picture, structure for the label map.

The body is cut into cells, one per level, by the mid-planes of the pedicles. Inside a cell everything near the foramen
is drawn in the level's rigid frame, so sections stay exact; surroundings are drawn in a frame that turns smoothly from
vertebra to level to vertebra, so they show no steps.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.phantom.section import borders_at, contents
from foramgrade.phantom.spec import ForamenSpec, Tissue
from foramgrade.phantom.spine import BODY_EXPONENT, Frame, Opening, Spine
from foramgrade.phantom.surroundings import SAC_CENTRE_BEHIND_WALL_MM, SAC_HALF_MM, draw_surroundings, sacral_bow_mm

ByteArray = npt.NDArray[np.uint8]

#: Points that are drawn at once: few enough for what is known of them to stay in the processor's cache.
_AT_ONCE = 1 << 15
#: Distance from the midline between which laminae end and articular processes begin, and where these end, mm.
COLUMN_MM = (10.5, 23.5)
#: Back of the articular processes behind the body's centre, mm.
COLUMN_BACK_MM = 36.0
#: Slope of the facet joint: it runs down and back by this angle from the vertical, degrees.
FACET_SLOPE_DEG = 43.0
#: Height of the tip of the superior articular process as a share of the foramen's height.
FACET_TIP_AT = 0.5


class Region(IntEnum):
    """Part of a vertebra, in the low four bits of a structure code."""

    CORPUS = 1
    """Vertebral body."""
    ARCUS = 2
    """Pedicle, pars and lamina."""
    SPINOUS = 3
    """Spinous process."""
    COSTAL_LEFT = 4
    """Transverse process, left."""
    COSTAL_RIGHT = 5
    """Transverse process, right."""
    SUPERIOR_LEFT = 6
    """Superior articular process, left."""
    SUPERIOR_RIGHT = 7
    """Superior articular process, right."""
    INFERIOR_LEFT = 8
    """Inferior articular process, left."""
    INFERIOR_RIGHT = 9
    """Inferior articular process, right."""


#: Structure codes: 16 x (1 + vertebra) + Region for bone, 128 + level for discs, 160 for the dural sac, 0 for the rest.
DISC_CODE = 128
SAC_CODE = 160


@dataclass(slots=True, eq=False)
class Cell:
    """Points of one level's cell, their coordinates, and what has been drawn so far.

    Parameters
    ----------
    level : int
        Index of the level, 0 for T12-L1.
    local : (3, N) float array
        Right, anterior, superior in the level's frame, mm.
    upper, lower : (3, N) float array
        The same in the frames of the two vertebrae, mm.
    smooth : (2, N) float array
        Right and anterior in the smoothly turning frame, mm.
    below_sacral_plane : (N,) bool array
        Points below the mid-plane of the S1 pedicle.
    tissue, structure : (N,) uint8 array
        The drawing.
    """

    level: int
    local: FloatArray
    upper: FloatArray
    lower: FloatArray
    smooth: FloatArray
    below_sacral_plane: BoolArray
    tissue: ByteArray
    structure: ByteArray

    def draw(self, where: BoolArray, tissue: Tissue, structure: int = 0) -> None:
        """Overwrite points."""
        self.tissue[where] = tissue
        self.structure[where] = structure


def _bone(level: int, *, lower: bool, region: Region) -> int:
    return 16 * (level + lower + 1) + region


def tissue_at(spine: Spine, points_mm: FloatArray) -> tuple[ByteArray, ByteArray]:
    """Tissue and structure at world points, free of noise and partial volume.

    Parameters
    ----------
    spine : Spine
        The skeleton.
    points_mm : (..., 3) float array
        World positions (RAS+), mm.

    Returns
    -------
    tissue : (...) uint8 array
        `Tissue`; cortical bone is not separated from marrow here.
    structure : (...) uint8 array
        Structure codes, see `DISC_CODE` and `SAC_CODE`.
    """
    return _draw(spine, points_mm, surroundings=True)


def structure_at(spine: Spine, points_mm: FloatArray) -> ByteArray:
    """Structure codes (...) at world points (..., 3), mm: what `tissue_at` says of them, without the soft tissue."""
    return _draw(spine, points_mm, surroundings=False)[1]


def _draw(spine: Spine, points_mm: FloatArray, *, surroundings: bool) -> tuple[ByteArray, ByteArray]:
    shape = np.shape(points_mm)[:-1]
    flat = np.asarray(points_mm, dtype=float).reshape(-1, 3)
    tissue, structure = np.empty(len(flat), np.uint8), np.empty(len(flat), np.uint8)
    for first in range(0, len(flat), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        tissue[part], structure[part] = _draw_some(spine, flat[part], surroundings=surroundings)
    return tissue.reshape(shape), structure.reshape(shape)


def _draw_some(spine: Spine, points_mm: FloatArray, *, surroundings: bool) -> tuple[ByteArray, ByteArray]:
    """Tissue and structure of points (N, 3)."""
    points = np.ascontiguousarray(points_mm.T)
    below = np.zeros(points.shape[1], dtype=np.int8)
    for vertebra, up in zip(spine.vertebrae, spine.pedicle_up_mm, strict=True):
        axis = vertebra.axes[:, 2]
        below += axis @ points < float(vertebra.origin_mm @ axis) + up
    level_of = np.clip(below - 1, 0, len(spine.levels) - 1)
    tissue = np.zeros(points.shape[1], dtype=np.uint8)
    structure = np.zeros(points.shape[1], dtype=np.uint8)
    shift = np.array(spine.spec.shift_mm)[:, None]
    for level in range(len(spine.levels)):
        chosen = np.flatnonzero(level_of == level)
        if chosen.size == 0:
            continue
        here = points.take(chosen, axis=1)
        cell = _cell(spine, level, here)
        if surroundings:
            draw_surroundings(spine, cell.smooth, here - shift, cell.tissue)
        r, a = cell.smooth
        near = np.flatnonzero((np.abs(r) < 44) & (a > -72) & (a < 24))
        close = _subset(cell, near)
        _draw_spine(spine, close)
        cell.tissue[near], cell.structure[near] = close.tissue, close.structure
        tissue[chosen], structure[chosen] = cell.tissue, cell.structure
    return tissue, structure


def _into(frame: Frame, points: FloatArray) -> FloatArray:
    """Local coordinates (3, N) of world points (3, N); rows are contiguous, which halves the time of the drawing."""
    local: FloatArray = frame.axes.T @ points - (frame.axes.T @ frame.origin_mm)[:, None]
    return local


def _cell(spine: Spine, level: int, points: FloatArray) -> Cell:
    local = _into(spine.levels[level], points)
    upper, lower = _into(spine.vertebrae[level], points), _into(spine.vertebrae[level + 1], points)
    down = np.maximum(spine.pedicle_up_mm[level] - upper[2], 0.0)
    rise = lower[2] - spine.pedicle_up_mm[level + 1]
    share = down / np.maximum(down + np.maximum(rise, 0.0), 1e-6)
    of_upper, of_lower = np.maximum(1 - 2 * share, 0.0), np.maximum(2 * share - 1, 0.0)
    smooth = of_upper * upper[:2] + of_lower * lower[:2] + (1 - of_upper - of_lower) * local[:2]
    sacral = (rise < 0) & (level == len(spine.levels) - 1)
    smooth[1, sacral] += sacral_bow_mm(spine, lower[2, sacral])
    empty = np.zeros(points.shape[1], dtype=np.uint8)
    return Cell(level, local, upper, lower, smooth, sacral, empty, empty.copy())


def _subset(cell: Cell, chosen: npt.NDArray[np.int64]) -> Cell:
    if chosen.size == cell.tissue.size:
        return cell
    return Cell(
        level=cell.level,
        local=cell.local.take(chosen, axis=1),
        upper=cell.upper.take(chosen, axis=1),
        lower=cell.lower.take(chosen, axis=1),
        smooth=cell.smooth.take(chosen, axis=1),
        below_sacral_plane=cell.below_sacral_plane.take(chosen),
        tissue=cell.tissue.take(chosen),
        structure=cell.structure.take(chosen),
    )


def _draw_spine(spine: Spine, cell: Cell) -> None:
    _draw_canal(spine, cell)
    _draw_laminae(spine, cell)
    _draw_bodies(spine, cell)
    for opening in spine.openings[cell.level]:
        _draw_foramen(spine, cell, opening)
    if cell.below_sacral_plane.any():
        _draw_sacrum(spine, cell)


def _draw_canal(spine: Spine, cell: Cell) -> None:
    r, a = cell.smooth
    wall = -spine.spec.body_mm[1] / 2
    cell.draw((np.abs(r) < 12) & (a < wall + 2) & (a > -37), Tissue.FAT)
    cell.draw((np.abs(r) < 7) & (a < wall) & (a > wall - 1.2), Tissue.LIGAMENT)
    a = a - (wall - SAC_CENTRE_BEHIND_WALL_MM)
    cell.draw((r / SAC_HALF_MM[0]) ** 2 + (a / SAC_HALF_MM[1]) ** 2 < 1, Tissue.CSF, SAC_CODE)
    if cell.level == 0:
        cell.draw((r / 4.5) ** 2 + ((a + 1) / 3.5) ** 2 < 1, Tissue.ROOT, SAC_CODE)
        return
    for side, back in ((-5.5, -2.0), (-3.3, -3.6), (-1.1, -4.2), (1.1, -4.2), (3.3, -3.6), (5.5, -2.0)):
        cell.draw((r - side) ** 2 + (a - back) ** 2 < 0.8**2, Tissue.ROOT, SAC_CODE)


def _draw_laminae(spine: Spine, cell: Cell) -> None:
    r, a = cell.smooth
    apart, s = np.abs(r), cell.local[2]
    front = -34.5 + 0.75 * apart
    between = apart < COLUMN_MM[0]
    cell.draw(between & (a < front + 2.0) & (a > front - 1.5), Tissue.LIGAMENT)
    lamina = between & (a < front) & (a > front - 6.5)
    cell.draw(lamina & (s > -1), Tissue.MARROW, _bone(cell.level, lower=False, region=Region.ARCUS))
    cell.draw(lamina & (s < -10), Tissue.MARROW, _bone(cell.level, lower=True, region=Region.ARCUS))
    midline = (apart < 3.4) & (a < -38) & (a > -64)
    cell.draw(midline, Tissue.MIXED)
    falling = s - 5.0 - 0.25 * (a + 38)
    spinous = midline & (np.abs(falling) < 10.0 + 0.08 * (a + 38))
    cell.draw(spinous, Tissue.MARROW, _bone(cell.level, lower=False, region=Region.SPINOUS))
    for lower, local in ((False, cell.upper), (True, cell.lower)):
        up = local[2] - spine.pedicle_up_mm[cell.level + lower]
        stub = (np.abs(up) < 4.5) & (np.abs(local[1] + 21) < 4.0) & (apart > COLUMN_MM[1] - 3) & (apart < 36)
        cell.draw(stub & (r < 0), Tissue.MARROW, _bone(cell.level, lower=lower, region=Region.COSTAL_LEFT))
        cell.draw(stub & (r > 0), Tissue.MARROW, _bone(cell.level, lower=lower, region=Region.COSTAL_RIGHT))


def _in_body(
    local: FloatArray, size_mm: tuple[float, float, float], among: BoolArray, *, waist: float, grow: float = 1.0
) -> BoolArray:
    """Which of some points lie within the walls of a body; the others do not."""
    width, depth, height = size_mm
    # Powers are dear: they are taken of the points in the body's box alone.
    box = among & (np.abs(local[0]) < grow * width / 2) & (np.abs(local[1]) < grow * depth / 2)
    chosen = np.flatnonzero(box)
    right, anterior, up = local.take(chosen, axis=1)
    q = grow * (1.0 - waist * np.clip(1.0 - (2 * up / height) ** 2, 0.0, 1.0))
    r, a = np.abs(right) / (q * width / 2), np.abs(anterior) / (q * depth / 2)
    inside: BoolArray = box
    inside[chosen] = r**BODY_EXPONENT + a**BODY_EXPONENT < 1.0
    return inside


def _between_endplates(spine: Spine, cell: Cell) -> tuple[BoolArray, BoolArray]:
    """Points above the upper vertebra's lower endplate, and points below the lower vertebra's upper endplate."""
    half = spine.spec.body_mm[2] / 2
    return cell.upper[2] > -half, cell.lower[2] < half


def _draw_bodies(spine: Spine, cell: Cell) -> None:
    size = spine.spec.body_mm
    above, below = _between_endplates(spine, cell)
    disc = _in_body(_sheared(spine, cell), size, ~above & ~below, waist=0.0, grow=1.03)
    cell.draw(disc, Tissue.DISC, DISC_CODE + cell.level)
    upper = _in_body(cell.upper, size, above & (cell.upper[2] < size[2] / 2), waist=0.07)
    cell.draw(upper, Tissue.MARROW, _bone(cell.level, lower=False, region=Region.CORPUS))
    lower = _in_body(cell.lower, size, below & (cell.lower[2] > -size[2] / 2), waist=0.07)
    cell.draw(lower & ~cell.below_sacral_plane, Tissue.MARROW, _bone(cell.level, lower=True, region=Region.CORPUS))


def _sheared(spine: Spine, cell: Cell) -> FloatArray:
    """Local coordinates in which a disc between slipped bodies stands upright; (3, N), mm."""
    slip = spine.slips_mm[cell.level]
    if slip == 0.0:
        return cell.local
    share = np.clip(cell.local[2] / spine.disc_mm[cell.level], -0.5, 0.5)
    return np.stack([cell.local[0], cell.local[1] - slip * share, cell.local[2]])


def _draw_foramen(spine: Spine, cell: Cell, opening: Opening) -> None:
    """Bone and disc around the opening, then the opening itself."""
    medial, lateral = spine.spec.pedicle_mm
    out = cell.local[0] * opening.sign
    chosen = np.flatnonzero((out > 7.0) & (out < 36.0) & (cell.local[1] < 0) & ~cell.below_sacral_plane)
    part = _subset(cell, chosen)
    spec = opening.section.spec
    out = out[chosen]
    off = out - spec.section_mm
    x = part.local[1] - opening.centre_mm[1] - spec.drift[0] * off
    y = part.local[2] - opening.centre_mm[2] - spec.drift[1] * off
    back, front = borders_at(opening.section, y, off_mm=off)
    beyond = np.maximum(medial - out, out - lateral)
    pedicle = beyond <= 0
    column = (out > COLUMN_MM[0]) & (out < COLUMN_MM[1]) & (part.smooth[1] > _column_back(out, part.local[2]))
    middle = (back + front) / 2
    _draw_ring(spine, part, opening, column & (pedicle | (x < middle)), x, y, middle)
    half = np.where(pedicle, 0.0, 0.45 * opening.section.width_mm + 0.8 * beyond)
    free = (x > np.minimum(back, middle - half)) & (x < np.maximum(front, middle + half))
    free &= pedicle | ((beyond < 3.0) & ((out < medial) | (np.abs(y) < spec.height_mm / 2 + 1.0)))
    inner = free & pedicle
    part.structure[free] = 0
    part.tissue[free] = Tissue.FAT
    part.tissue[inner] = contents(opening.section, x[inner], y[inner])
    _draw_root(opening, part, x, y, np.where(out < medial, -1.0, 1.0) * np.maximum(beyond, 0.0))
    cell.tissue[chosen], cell.structure[chosen] = part.tissue, part.structure


def _column_back(out: FloatArray, s: FloatArray) -> FloatArray:
    facet = 2.5 * np.exp(-(((s + 3.0) / 7.0) ** 2))
    back: FloatArray = -COLUMN_BACK_MM - facet + 0.22 * np.clip(out - 19.0, 0.0, None) ** 2
    return back


def _draw_ring(
    spine: Spine, part: Cell, opening: Opening, solid: BoolArray, x: FloatArray, y: FloatArray, middle: FloatArray
) -> None:
    """Fill the ring: bodies and disc in front of the curve's midline, articular processes behind it."""
    above, below = _between_endplates(spine, part)
    height = opening.section.spec.height_mm
    right = opening.sign > 0
    superior, inferior = (
        (Region.SUPERIOR_RIGHT, Region.INFERIOR_RIGHT) if right else (Region.SUPERIOR_LEFT, Region.INFERIOR_LEFT)
    )
    front = solid & (x >= middle) & (part.structure == 0)
    tall = np.abs(y) > height / 2
    for lower, here in ((False, front & above), (True, front & below)):
        for where, region in ((here & tall, Region.ARCUS), (here & ~tall, Region.CORPUS)):
            part.draw(where, Tissue.MARROW, _bone(part.level, lower=lower, region=region))
    part.draw(front & ~above & ~below, Tissue.DISC, DISC_CODE + part.level)

    behind = solid & (x < middle)
    joint, upper = _facet(opening, x, y)
    part.draw(behind & joint, Tissue.JOINT)
    tip = (FACET_TIP_AT - 0.5) * height
    arch, process = behind & upper & (y > tip + 3), behind & upper & (y <= tip + 3)
    part.draw(arch, Tissue.MARROW, _bone(part.level, lower=False, region=Region.ARCUS))
    part.draw(process, Tissue.MARROW, _bone(part.level, lower=False, region=inferior))
    lower_part = behind & ~upper & ~joint
    part.draw(lower_part & (y <= -height / 2), Tissue.MARROW, _bone(part.level, lower=True, region=Region.ARCUS))
    part.draw(lower_part & (y > -height / 2), Tissue.MARROW, _bone(part.level, lower=True, region=superior))


def _facet(opening: Opening, x: FloatArray, y: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Points in the joint's cleft, and points on the side of the inferior articular process of the upper vertebra."""
    spec: ForamenSpec = opening.section.spec
    tip = np.array([(FACET_TIP_AT - 0.5) * spec.height_mm])
    start = float(borders_at(opening.section, tip)[0][0])
    slope = np.radians(FACET_SLOPE_DEG)
    across = -(x - start) * np.cos(slope) + (y - tip[0]) * np.sin(slope)
    end = y + spec.height_mm / 2 + 3.0
    upper = (across > spec.cleft_mm / 2) & (end > spec.cleft_mm / 2)
    joint = ((np.abs(across) <= spec.cleft_mm / 2) & (end > -spec.cleft_mm / 2)) | (
        (across > 0) & (np.abs(end) <= spec.cleft_mm / 2)
    )
    return joint, upper


def _draw_root(opening: Opening, part: Cell, x: FloatArray, y: FloatArray, outside: FloatArray) -> None:
    """Continue the root to the sac (outside < 0) and into the psoas (outside > 0), regaining its usual size."""
    height, width = opening.section.spec.root_mm
    x0, y0 = opening.section.root_centre_mm
    medial, lateral = np.clip(-outside, 0.0, None), np.clip(outside, 0.0, None)
    is_medial = outside < 0
    dx = x - x0 + np.where(is_medial, 0.6 * medial, -0.5 * lateral)
    dy = y - y0 - np.where(is_medial, 0.9 * medial, -0.8 * lateral)
    relaxed = np.clip((medial + lateral) / 3.0, 0.0, 1.0)
    tall, wide = height + relaxed * max(4.6 - height, 0.0), width + relaxed * max(4.0 - width, 0.0)
    root = (dx / (wide / 2)) ** 2 + (dy / (tall / 2)) ** 2 < 1
    beyond_pedicle = (medial > 0) | (lateral > 0)
    part.draw(root & beyond_pedicle & (part.structure == 0), Tissue.ROOT)


def _draw_sacrum(spine: Spine, cell: Cell) -> None:
    """Body, alae and dorsal wall of the sacrum below the pedicle of S1."""
    width, depth, height = spine.spec.body_mm
    r, s = cell.lower[0], cell.lower[2]
    a = cell.lower[1] + sacral_bow_mm(spine, s)
    apart, down = np.abs(r), height / 2 - s
    here = cell.below_sacral_plane & (down < 85)
    taper = np.clip(1.0 - 0.009 * down, 0.2, 1.0)
    body = (apart / (taper * width / 2)) ** BODY_EXPONENT + (np.abs(a) / (taper * depth / 2)) ** BODY_EXPONENT < 1
    wing = (apart > 11.5) & (apart < 42 * taper) & (a > -COLUMN_BACK_MM) & (a < 4 - 0.3 * (apart - 20))
    wing &= down > 6 + 0.25 * np.clip(apart - 21, 0.0, None)
    dorsal = (apart < 20) & (a > -39) & (a < -33)
    cell.draw(here & (wing | dorsal), Tissue.MARROW, _bone(cell.level, lower=True, region=Region.ARCUS))
    cell.draw(here & body, Tissue.MARROW, _bone(cell.level, lower=True, region=Region.CORPUS))
    remnant = here & body & (np.abs(down - height) < 1.2) & (a < depth / 2 - 5) & (a > 4 - depth / 2)
    cell.tissue[remnant] = Tissue.LIGAMENT
