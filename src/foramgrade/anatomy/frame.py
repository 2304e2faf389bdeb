"""A level's own axes: right, anterior and superior from the anatomy, not from the scanner."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from foramgrade.anatomy.spine import Box, Segment, Spine, Structure, mask_centre, voxel_positions
from foramgrade.arrays import FloatArray

#: The disc's plane is trusted for the superior axis when its normal is within this angle of the vertebrae's line.
DISC_NORMAL_LIMIT_DEG = 45.0

#: Half-height of the slab around the disc in which the canal is looked at, mm.
CANAL_SLAB_MM = 15.0

#: ... and how far from the disc's centre across that slab, mm: half a body and a wide canal, askew.
CANAL_REACH_MM = 60.0

#: Half-height of the slab around the disc in which the bodies are looked at, mm.
BODY_SLAB_MM = 15.0

#: Half-depth and half-width of a pair of bodies with room, mm.
BODY_REACH_MM = (28.0, 34.0)

#: A plane fitted to fewer voxels than this is not trusted.
FEWEST_DISC_VOXELS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Axes of one level.

    Parameters
    ----------
    origin_mm : (3,) float array
        Centre of the disc, or midway between the vertebrae where no disc is labelled; patient (RAS+), mm. Where the
        labels are cut laterally it is moved to the canal's midline.
    right, anterior, superior : (3,) float arrays
        Unit vectors, mutually perpendicular, ``right = anterior x superior``.
    from_grid : bool
        Whether the right axis had to be taken from the scanner's axes.
    """

    origin_mm: FloatArray
    right: FloatArray
    anterior: FloatArray
    superior: FloatArray
    from_grid: bool = False

    def __post_init__(self) -> None:
        for name in ("origin_mm", "right", "anterior", "superior"):
            vector = np.array(getattr(self, name), dtype=float)
            vector.flags.writeable = False
            object.__setattr__(self, name, vector)

    @property
    def axes(self) -> FloatArray:
        """Right, anterior and superior as the rows of a (3, 3) array."""
        return np.stack([self.right, self.anterior, self.superior])

    def to_frame(self, world_mm: FloatArray) -> FloatArray:
        """Coordinates (..., 3) along right, anterior and superior, mm, of world positions (..., 3)."""
        local: FloatArray = (np.asarray(world_mm, dtype=float) - self.origin_mm) @ self.axes.T
        return local

    def to_world(self, local_mm: FloatArray) -> FloatArray:
        """World positions (..., 3), mm, of frame coordinates (..., 3)."""
        world: FloatArray = np.asarray(local_mm, dtype=float) @ self.axes + self.origin_mm
        return world


def fit_frame(spine: Spine, segment: Segment) -> Frame:
    """Axes of a level from its disc, its vertebrae and the canal.

    Parameters
    ----------
    spine : Spine
        The labelled spine.
    segment : Segment
        One of its segments.

    Returns
    -------
    Frame
        Origin at the disc's centre.

    Notes
    -----
    *Definition*: superior is the normal of the disc's principal plane, pointing from the lower to the upper vertebra;
    anterior points from the canal (without a canal label: from the centre of the two vertebrae, which their posterior
    elements draw backwards) to the centre of bodies and disc, perpendicular to superior; right completes them. The
    disc alone would not do: in a side curve it may be left on one side only.
    *Limits*: where the labels are cut laterally by the edge of the image the centres are biased to one side; the right
    axis is then the scanner's, made perpendicular to superior, the midline is the canal's, and ``from_grid`` is set.
    Without a canal label the midline is then the disc's centre, and left and right are uncertain.
    """
    between = (segment.upper.centroid_mm + segment.lower.centroid_mm) / 2
    line = _unit(segment.upper.centroid_mm - segment.lower.centroid_mm)
    origin = between if segment.disc is None else segment.disc.centroid_mm
    superior = _superior(spine, segment, line)
    behind = _canal_centre(spine, origin, superior)
    cut = any(s.touches_edge(spine.grid, spine.grid.lateral_axis) for s in _bodies(segment))
    if cut:
        axis = spine.grid.directions[:, spine.grid.lateral_axis]
        right = _unit(_perpendicular(axis * np.sign(axis[0]), superior))
        if behind is not None:
            origin = origin + ((behind - origin) @ right) * right
        return Frame(origin, right, np.cross(superior, right), superior, from_grid=True)
    if behind is None:
        behind = between
        if segment.disc is None:
            # Nothing tells front from back except the patient axes themselves.
            behind = origin - np.array([0.0, 1.0, 0.0])
    front = _bodies_centre(spine, segment, origin, behind, superior)
    anterior = _unit(_perpendicular(front - behind, superior))
    right = np.cross(anterior, superior)
    return Frame(origin + ((front - origin) @ right) * right, right, anterior, superior)


def _superior(spine: Spine, segment: Segment, line: FloatArray) -> FloatArray:
    if segment.disc is None or segment.disc.voxels < FEWEST_DISC_VOXELS:
        return line
    positions = voxel_positions(spine, segment.disc.code, segment.disc.box)
    _, vectors = np.linalg.eigh(np.cov(positions.T))
    normal: FloatArray = vectors[:, 0] * np.sign(vectors[:, 0] @ line)
    if normal @ line < np.cos(np.radians(DISC_NORMAL_LIMIT_DEG)):
        return line
    return normal


def _bodies(segment: Segment) -> tuple[Structure, ...]:
    return (segment.disc,) if segment.disc is not None else (segment.upper, segment.lower)


def _canal_centre(spine: Spine, origin: FloatArray, superior: FloatArray) -> FloatArray | None:
    if spine.canal is None:
        return None
    slab = (superior, origin, CANAL_SLAB_MM)
    # What lies across superior is not known yet: a block that is as deep as it is wide.
    across = _unit(_perpendicular(np.eye(3)[int(np.argmin(np.abs(superior)))], superior))
    axes = np.stack([superior, across, np.cross(superior, across)])
    block = _box_around(spine, origin, axes, (CANAL_SLAB_MM, CANAL_REACH_MM, CANAL_REACH_MM))
    box = _shared(block, spine.canal.box)
    return _centre_within(spine, (spine.canal.code,), box, slab)


def _bodies_centre(
    spine: Spine, segment: Segment, origin: FloatArray, behind: FloatArray, superior: FloatArray
) -> FloatArray:
    """Centre, mm, of what the two vertebrae and the disc have near the disc and in front of its way to the canal."""
    anterior = _unit(_perpendicular(origin - behind, superior))
    halfway = (behind + origin) / 2
    codes = [s.code for s in (segment.upper, segment.lower, segment.disc) if s is not None]
    axes = np.stack([superior, anterior, np.cross(anterior, superior)])
    box = _box_around(spine, origin, axes, (BODY_SLAB_MM, *BODY_REACH_MM))
    centre = _centre_within(spine, codes, box, (superior, origin, BODY_SLAB_MM), front=(anterior, halfway))
    return origin if centre is None else centre


def _centre_within(
    spine: Spine,
    codes: Sequence[int],
    box: Box,
    slab: tuple[FloatArray, FloatArray, float],
    *,
    front: tuple[FloatArray, FloatArray] | None = None,
) -> FloatArray | None:
    """Centre, mm, of the voxels of some codes in a box, within a slab and before a plane; None of hardly any.

    The slab is given by its normal, a point in its middle and its half-height, mm, the plane by its normal and a point.
    """
    here = spine.codes[box]
    normal, middle, half = slab
    mask = np.logical_or.reduce([here == code for code in codes])
    mask &= np.abs(_along(spine, box, normal, middle)) < half
    if front is not None:
        mask &= _along(spine, box, *front) > 0
    centre, voxels = mask_centre(mask, box)
    return spine.grid.to_world(centre) if voxels >= FEWEST_DISC_VOXELS else None


def _along(spine: Spine, box: Box, direction: FloatArray, point: FloatArray) -> FloatArray:
    """Distance, mm, of the voxels of a box from a point along a direction."""
    matrix, shift = spine.grid.affine[:3, :3], spine.grid.affine[:3, 3]
    i, j, k = (np.arange(part.start, part.stop) * step for part, step in zip(box, direction @ matrix, strict=True))
    distance: FloatArray = i[:, None, None] + j[:, None] + k + float((shift - point) @ direction)
    return distance


def _box_around(spine: Spine, origin: FloatArray, axes: FloatArray, reach_mm: tuple[float, float, float]) -> Box:
    """Box of voxels that holds a block: its centre, its axes as rows and its half-lengths along them, mm."""
    signs = np.array(list(product((-1.0, 1.0), repeat=3)))
    corners = spine.grid.to_ijk(origin + (signs * reach_mm) @ axes)
    shape = np.array(spine.grid.shape)
    first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, shape)
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, first, shape)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return i, j, k


def _shared(one: Box, other: Box) -> Box:
    """The part of a box that lies in another too; empty where there is none."""
    first = [max(a.start, b.start) for a, b in zip(one, other, strict=True)]
    last = [max(low, min(a.stop, b.stop)) for low, a, b in zip(first, one, other, strict=True)]
    return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])


def _perpendicular(vector: FloatArray, axis: FloatArray) -> FloatArray:
    result: FloatArray = vector - (vector @ axis) * axis
    return result


def _unit(vector: FloatArray) -> FloatArray:
    result: FloatArray = vector / np.linalg.norm(vector)
    return result
