"""Discs that are not labelled: the space between two vertebral bodies, bridged by straight lines.

CT label maps and some MR tools hold vertebrae without discs, and a collapsed disc may have no label of its own. The
front of a foramen is then closed by what the bodies enclose.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.volume import Grid

Box = tuple[slice, slice, slice]

#: Bodies further apart than this, mm, are not bridged: no lumbar disc is as high.
HIGHEST_DISC_MM = 18.0

#: A body is what a ball of this share of the largest that fits into the vertebra can reach: pedicles are too thin.
BALL_SHARE = 0.6

#: A vertebra into which no ball of this radius fits, mm, shows no whole body; half the height of a low one is 10 mm.
SMALLEST_BALL_MM = 7.0

#: Bodies are found on voxels of about this size, mm.
BODY_VOXEL_MM = 1.5

#: The space between two bodies is looked at in steps of this, mm.
STEP_MM = 0.75

#: Endplates do not rise or fall by more than this within two steps, mm; where they seem to, it is a wall.
LEAP_MM = 2.0

#: Less space between two bodies than this, mm3, is chance: they touch.
SMALLEST_GAP_MM3 = 300.0

#: Half-width, half-depth of a pair of bodies with room, mm.
REACH_MM = (32.0, 28.0)

#: Of a sacrum, what lies further than this from the centre of the vertebra above is not its first segment, mm.
SACRAL_REACH_MM = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A vertebral body within its vertebra.

    Parameters
    ----------
    centre_mm : (3,) float array
        Centre of its core, patient (RAS+), mm.
    backwards : (3,) float array
        From that centre to the centre of the vertebra, mm: posterior elements draw it backwards.
    reached : (I, J, K) bool array
        What the ball reaches: it touches the walls and stays out of the pedicles.
    first, spread : (3,) float arrays
        First voxel of that array in the label map, and its voxels' edges, both in voxels of the map.
    """

    centre_mm: FloatArray
    backwards: FloatArray
    reached: BoolArray
    first: FloatArray
    spread: FloatArray

    def holds(self, ijk: FloatArray) -> BoolArray:
        """Whether the ball reaches voxel positions (..., 3) of the label map."""
        at = np.rint((ijk - self.first + 0.5) / self.spread - 0.5).astype(np.intp)
        inside = np.all((at >= 0) & (at < self.reached.shape), axis=-1)
        at = np.clip(at, 0, np.array(self.reached.shape) - 1)
        result: BoolArray = inside & self.reached[tuple(np.moveaxis(at, -1, 0))]
        return result


def find_body(
    codes: npt.NDArray[np.unsignedinteger], grid: Grid, code: int, box: Box, *, near_mm: FloatArray | None = None
) -> Body | None:
    """The body of a vertebra: where the largest ball fits, and what a smaller one reaches from there.

    Parameters
    ----------
    codes : (I, J, K) unsigned integer array
        Anatomic codes.
    grid : Grid
        Where the voxels are.
    code, box
        The vertebra.
    near_mm : (3,) float array or None
        Only what lies within `SACRAL_REACH_MM` of it is looked at.

    Returns
    -------
    Body or None
        None for a vertebra that is cut, or too thin for a body.
    """
    mask, spread = _even_voxels(codes[box] == code, grid.spacing_mm)
    first = np.array([part.start for part in box], dtype=float)

    def place(voxels: npt.NDArray[np.floating | np.integer]) -> FloatArray:
        return grid.to_world((voxels + 0.5) * spread - 0.5 + first)

    if near_mm is not None:
        voxels = np.argwhere(mask)
        far = np.linalg.norm(place(voxels) - near_mm, axis=1) > SACRAL_REACH_MM
        mask[tuple(voxels[far].T)] = False
    edges = np.array(grid.spacing_mm) * spread
    depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=edges)[1:-1, 1:-1, 1:-1]
    largest = float(depth.max(initial=0.0))
    if largest < SMALLEST_BALL_MM:
        return None
    radius = BALL_SHARE * largest
    pieces, _ = ndimage.label(depth > radius)
    core = pieces == pieces[np.unravel_index(depth.argmax(), depth.shape)]
    away = ndimage.distance_transform_edt(~core, sampling=edges)
    centre, whole = place(np.argwhere(core).mean(axis=0)), place(np.argwhere(mask).mean(axis=0))
    return Body(centre, whole - centre, mask & (away <= radius), first, spread)


def _even_voxels(mask: BoolArray, spacing_mm: tuple[float, float, float]) -> tuple[BoolArray, FloatArray]:
    """A mask on voxels of about `BODY_VOXEL_MM`, and their edges in voxels of the original.

    Fine axes are thinned, thick slices repeated: a ball must feel where a slice ends, not where its centre lies.
    """
    spread = np.ones(3)
    for axis, spacing in enumerate(spacing_mm):
        thinned, repeated = int(BODY_VOXEL_MM / spacing), round(spacing / BODY_VOXEL_MM)
        if thinned > 1:
            mask = np.take(mask, np.arange(thinned // 2, mask.shape[axis], thinned), axis=axis)
            spread[axis] = thinned
        elif repeated > 1:
            mask = np.repeat(mask, repeated, axis=axis)
            spread[axis] = 1.0 / repeated
    return mask, spread


def bridge_bodies(
    codes: npt.NDArray[np.unsignedinteger], grid: Grid, *, boxes: Mapping[int, Box], upper: int, lower: int
) -> npt.NDArray[np.intp]:
    """Voxels between two vertebral bodies, where a disc would be.

    Parameters
    ----------
    codes : (I, J, K) unsigned integer array
        Anatomic codes.
    grid : Grid
        Where the voxels are.
    boxes : mapping of int to three slices
        Box of voxels of either vertebra.
    upper, lower : int
        Codes of the vertebrae.

    Returns
    -------
    (N, 3) int array
        Unlabelled voxels that have the upper body straight above and the lower body straight below them, along the line
        through the bodies' centres, where these are at most 18 mm apart. Where the bodies touch, the lowest layer of
        the upper one stands for the disc. Empty where no bodies are found.

    Notes
    -----
    *Limits*: the posterior margin is the straight line between the posterior rims; a bulging disc reaches further. In
    slices of 4 mm the margin is uncertain by a millimetre or two, and with it the area of the foramen.
    """
    nothing = np.zeros((0, 3), np.intp)
    above = find_body(codes, grid, upper, boxes[upper])
    below = None if above is None else find_body(codes, grid, lower, boxes[lower], near_mm=above.centre_mm)
    if above is None or below is None:
        return nothing
    axes = _axes(above, below)
    middle = (above.centre_mm + below.centre_mm) / 2
    half = float(np.linalg.norm(above.centre_mm - below.centre_mm)) / 2
    steps = _positions(axes, middle, half)
    at, inside = _nearest(grid, steps)
    found = np.where(inside, codes[tuple(np.moveaxis(at, -1, 0))], 0)
    ijk = grid.to_ijk(steps)
    # A column belongs to a body where the ball comes near it anywhere: into the corners of its rims no ball reaches.
    bodies = [
        (found == code) & body.holds(ijk).any(axis=-1, keepdims=True) for code, body in ((upper, above), (lower, below))
    ]
    gap, wanted = _between(*bodies), 0
    if gap.sum() * STEP_MM**3 < SMALLEST_GAP_MM3:
        gap, wanted = _lowest_layer(bodies[0], bodies[1]), upper
    if not gap.any():
        return nothing
    # Back to voxels: those of the box around the gap whose own place on the raster lies in it.
    first, last = at[gap].min(axis=0), at[gap].max(axis=0) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    voxels = np.argwhere(codes[box] == wanted) + first
    local = (grid.to_world(voxels) - middle) @ axes.T
    places = np.rint((local + np.array([*REACH_MM, half])) / STEP_MM).astype(np.intp)
    known = np.all((places >= 0) & (places < gap.shape), axis=1)
    result: npt.NDArray[np.intp] = voxels[known][gap[tuple(places[known].T)]]
    return result


def _axes(above: Body, below: Body) -> FloatArray:
    """Right, anterior and superior of a pair of bodies, as rows."""
    superior = _unit(above.centre_mm - below.centre_mm)
    backwards = above.backwards + below.backwards
    backwards = backwards - (backwards @ superior) * superior
    if np.linalg.norm(backwards) < 1.0:  # bodies without posterior elements: nothing but the patient's axes is left
        backwards = np.array([0.0, -1.0, 0.0]) + superior[1] * superior
    anterior = -_unit(backwards)
    return np.stack([np.cross(anterior, superior), anterior, superior])


def _positions(axes: FloatArray, middle: FloatArray, half: float) -> FloatArray:
    """World positions (X, Y, Z, 3) of a raster along right, anterior and superior around the middle."""
    x, y, z = (np.arange(-reach, reach + STEP_MM, STEP_MM) for reach in (*REACH_MM, half))
    across = x[:, None, None, None] * axes[0] + y[:, None, None] * axes[1]
    positions: FloatArray = middle + across + z[:, None] * axes[2]
    return positions


def _nearest(grid: Grid, positions: FloatArray) -> tuple[npt.NDArray[np.intp], BoolArray]:
    at = np.rint(grid.to_ijk(positions)).astype(np.intp)
    inside: BoolArray = np.all((at >= 0) & (at < np.array(grid.shape)), axis=-1)
    return np.clip(at, 0, np.array(grid.shape) - 1), inside


def _between(upper: BoolArray, lower: BoolArray) -> BoolArray:
    """Places of the columns along the last axis that lie between the lower and the upper body."""
    count = upper.shape[-1]
    place = np.arange(count)
    roof = np.where(upper.any(axis=-1), upper.argmax(axis=-1), -1)[..., None]
    floor = np.where(lower.any(axis=-1), count - 1 - lower[..., ::-1].argmax(axis=-1), count)[..., None]
    # Beside the wall of a tilted body a column meets it far from its rim: there the surfaces leap.
    leap = LEAP_MM / STEP_MM
    roof_leaps = roof - ndimage.minimum_filter(np.where(roof < 0, count, roof), size=(5, 5, 1)) > leap
    floor_leaps = ndimage.maximum_filter(np.where(floor == count, -1, floor), size=(5, 5, 1)) - floor > leap
    near = ((roof - floor) * STEP_MM <= HIGHEST_DISC_MM) & ~roof_leaps & ~floor_leaps
    result: BoolArray = (place > floor) & (place < roof) & near
    return result


def _lowest_layer(upper: BoolArray, lower: BoolArray) -> BoolArray:
    """Places of the upper body that rest on the lower one."""
    result = np.zeros_like(upper)
    result[..., 1:] = upper[..., 1:] & lower[..., :-1]
    return result


def _unit(vector: FloatArray) -> FloatArray:
    result: FloatArray = vector / np.linalg.norm(vector)
    return result
