"""A level's own axes: right, anterior and superior from the anatomy, not from the scanner."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from foramgrade.anatomy.spine import Box, Segment, Spine, Structure, voxel_positions
from foramgrade.findings import FloatArray

#: The disc's plane is trusted for the superior axis when its normal is within this angle of the vertebrae's line.
DISC_NORMAL_LIMIT_DEG = 45.0

#: Half-height of the slab around the disc in which the canal is looked at, mm.
CANAL_SLAB_MM = 15.0

#: Half-height of the slab around the disc in which the bodies are looked at, mm.
BODY_SLAB_MM = 15.0

#: Half-width and half-depth of a pair of bodies with room, mm.
BODY_REACH_MM = (34.0, 28.0)

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
    behind = _canal_centre(spine, segment, origin, superior)
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


def _canal_centre(spine: Spine, segment: Segment, origin: FloatArray, superior: FloatArray) -> FloatArray | None:
    if spine.canal is None:
        return None
    positions = voxel_positions(spine, spine.canal.code, _box_between(spine, segment))
    near = positions[np.abs((positions - origin) @ superior) < CANAL_SLAB_MM]
    if len(near) < FEWEST_DISC_VOXELS:
        return None
    centre: FloatArray = near.mean(axis=0)
    return centre


def _bodies_centre(
    spine: Spine, segment: Segment, origin: FloatArray, behind: FloatArray, superior: FloatArray
) -> FloatArray:
    """Centre, mm, of what the two vertebrae and the disc have near the disc and in front of its way to the canal."""
    anterior = _unit(_perpendicular(origin - behind, superior))
    wall = behind @ anterior + (origin - behind) @ anterior / 2
    box = _box_near(spine, origin, superior, anterior)
    structures = [s for s in (segment.upper, segment.lower, segment.disc) if s is not None]
    positions = np.concatenate([voxel_positions(spine, s.code, box) for s in structures])
    near = (np.abs((positions - origin) @ superior) < BODY_SLAB_MM) & (positions @ anterior > wall)
    centre: FloatArray = positions[near].mean(axis=0) if near.sum() >= FEWEST_DISC_VOXELS else origin
    return centre


def _box_near(spine: Spine, origin: FloatArray, superior: FloatArray, anterior: FloatArray) -> Box:
    """Box of voxels around the bodies' slab."""
    sizes = (*BODY_REACH_MM, BODY_SLAB_MM)
    axes = np.stack([np.cross(anterior, superior), anterior, superior])
    signs = np.array(list(product((-1.0, 1.0), repeat=3)))
    corners = spine.grid.to_ijk(origin + (signs * sizes) @ axes)
    shape = np.array(spine.grid.shape)
    first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, shape)
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, first, shape)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return i, j, k


def _box_between(spine: Spine, segment: Segment) -> Box:
    """Box of voxels that holds both vertebrae: the canal behind them lies inside."""
    boxes = (segment.upper.box, segment.lower.box)
    first = [min(b[a].start for b in boxes) for a in range(3)]
    last = [max(b[a].stop for b in boxes) for a in range(3)]
    return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])


def _perpendicular(vector: FloatArray, axis: FloatArray) -> FloatArray:
    result: FloatArray = vector - (vector @ axis) * axis
    return result


def _unit(vector: FloatArray) -> FloatArray:
    result: FloatArray = vector / np.linalg.norm(vector)
    return result
