"""Parallel frames laid onto a regular grid: the slices that a DICOM segmentation leaves out come back empty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foramgrade.errors import GridMismatchError, InputError
from foramgrade.loaders.placement import LARGEST_POSITION_MM, place_grid
from foramgrade.loaders.segmentation.voxels import Label
from foramgrade.volume import FloatArray, Grid

#: A frame lies on a plane of the grid when no further from it than this, mm: the positions in headers are rounded, and
#: 0.05 mm is a hundredth of a clinical slice and a tenth of its pixels.
ON_PLANE_MM = 0.05

#: Directions are the same when the unit vectors differ by no more than this: 0.05 mm over a 500 mm field.
SAME_DIRECTION = 1e-4

#: Pixel spacings are the same when they differ by no more than this share: 0.05 mm over a 500 mm field.
SAME_SPACING = 1e-4

#: A stated slice spacing is rounded by no more than this share.
STEP_ROUNDING = 1e-3

#: No volume has more voxels than this; a damaged header may ask for any number.
MOST_VOXELS = 2**31

_NAMED_POSITIONS = 12


@dataclass(frozen=True, slots=True, eq=False)
class FramePlane:
    """Where one frame lies.

    Parameters
    ----------
    position_mm : (3,) float array
        Centre of its first pixel (RAS+), mm.
    row, column : (3,) float array
        Unit vectors along a row (growing column index x) and along a column (growing row index y), RAS+.
    spacing_mm : tuple of two float
        Distance between pixels along a row, and along a column, mm.
    """

    position_mm: FloatArray
    row: FloatArray
    column: FloatArray
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the pixels of each frame belong in an array.

    Parameters
    ----------
    grid : Grid
        Grid of the array.
    axes : tuple of three int
        Axes of the array that run along a frame's x, y and across the frames.
    flips : tuple of three bool
        Whether they run the other way.
    starts : (N, 3) int array
        For each frame x, y and slice of its first pixel along those axes, counted in the frames' direction.
    size : tuple of two int
        Columns and rows of a frame.
    """

    grid: Grid
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    starts: npt.NDArray[np.intp]
    size: tuple[int, int]

    def window(self, array: npt.NDArray[Label], frame: int) -> npt.NDArray[Label]:
        """The part of an array on the grid that a frame covers: a view of shape (rows, columns)."""
        view = array.transpose(self.axes)[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]
        x, y, k = self.starts[frame]
        columns, rows = self.size
        return view[x : x + columns, y : y + rows, k].T


def lay_frames(
    planes: Sequence[FramePlane],
    size: tuple[int, int],
    *,
    depths_mm: tuple[float | None, float | None],
    name: str,
    grid: Grid | None = None,
) -> Layout:
    """Lay parallel frames onto a regular grid.

    Parameters
    ----------
    planes : sequence of FramePlane
        Where the frames lie; several may share a place.
    size : tuple of two int
        Columns and rows of a frame.
    depths_mm : tuple of two float or None
        Spacing between slices and slice thickness as the header states them, mm.
    name : str
        The file's name, for messages.
    grid : Grid or None
        Grid of the source image, onto which to restore the frames; None to find one from the frames.

    Returns
    -------
    Layout
        Without `grid`, on a grid that spans the frames: i along a row, j along a column, k across the frames.

    Raises
    ------
    InputError
        If the frames are not parallel, not of one spacing, shifted in their plane, or their distances are no multiples
        of one slice spacing.
    GridMismatchError
        If the frames do not lie on the planes of `grid`.

    Notes
    -----
    Definition: the slice spacing is the stated spacing between slices when every gap is a multiple of it, else the
    smallest gap when every other is a multiple of that; a single slice takes the stated spacing, else its thickness. It
    is then refined from the outermost positions, which are more exact than the stated number.

    Limits: where every second slice is empty and no spacing is stated, the slices come back twice as thick; give the
    grid of the image.
    """
    first = planes[0]
    _check_parallel(planes, name)
    if max(float(np.abs(plane.position_mm).max()) for plane in planes) > LARGEST_POSITION_MM:
        msg = f"{name}: its frames do not lie within {LARGEST_POSITION_MM:g} mm of the origin: is its header damaged?"
        raise InputError(msg)
    offsets = np.array([plane.position_mm for plane in planes]) - first.position_mm
    normal = np.cross(first.row, first.column)
    if grid is not None:
        return _onto(grid, planes, size, normal, name)
    shift = float(np.abs(offsets @ np.array([first.row, first.column]).T).max())
    if shift > ON_PLANE_MM:
        msg = (
            f"{name}: its frames are shifted by up to {shift:.3g} mm in their plane, expected one field of view: give "
            "the grid of the source image"
        )
        raise InputError(msg)
    along = offsets @ normal
    step = _find_step(along, depths_mm, name)
    slots = np.rint((along - along.min()) / step).astype(np.intp)
    lowest = int(along.argmin())
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.row * first.spacing_mm[0], first.column * first.spacing_mm[1]
    affine[:3, 2], affine[:3, 3] = normal * step, planes[lowest].position_mm
    shape = (*size, int(slots.max()) + 1)
    _check_size(shape, name)
    starts = np.zeros((len(planes), 3), np.intp)
    starts[:, 2] = slots
    return Layout(place_grid(shape, affine, name=name), (0, 1, 2), (False, False, False), starts, size)


def _check_parallel(planes: Sequence[FramePlane], name: str) -> None:
    first = planes[0]
    if abs(float(first.row @ first.column)) > SAME_DIRECTION:
        msg = f"{name}: rows and columns of its frames are not at right angles"
        raise InputError(msg)
    for n, plane in enumerate(planes, start=1):
        turn = max(float(np.abs(plane.row - first.row).max()), float(np.abs(plane.column - first.column).max()))
        if turn > SAME_DIRECTION:
            degrees = np.rad2deg(turn)
            msg = f"{name}: frame {n} is turned against the first by {degrees:.2g} degrees, expected one stack"
            raise InputError(msg)
        if not np.allclose(plane.spacing_mm, first.spacing_mm, rtol=SAME_SPACING, atol=0):
            msg = f"{name}: frame {n} has pixels of {plane.spacing_mm} mm, the first of {first.spacing_mm} mm"
            raise InputError(msg)


def _check_size(shape: tuple[int, int, int], name: str) -> None:
    if shape[0] * shape[1] * shape[2] > MOST_VOXELS:
        msg = f"{name}: its frames span a volume of {shape} voxels: is its header damaged?"
        raise InputError(msg)


def _find_step(along: FloatArray, depths_mm: tuple[float | None, float | None], name: str) -> float:
    """Slice spacing, by the rule in `lay_frames`."""
    ordered = np.sort(along)
    places = ordered[np.concatenate([[True], np.diff(ordered) > ON_PLANE_MM])]
    stated = [abs(depth) if depth else None for depth in depths_mm]
    if len(places) == 1:
        depth = stated[0] or stated[1]
        if depth is None:
            msg = f"{name}: holds a single slice without spacing or thickness: give the grid of the source image"
            raise InputError(msg)
        return depth
    span = float(places[-1] - places[0])
    gaps = np.diff(places)
    smallest = float(gaps[gaps <= gaps.min() + ON_PLANE_MM].mean())
    for step in (stated[0], smallest):
        n_steps = round(span / step) if step and step > ON_PLANE_MM else 0
        if not n_steps or not step or abs(n_steps * step - span) > ON_PLANE_MM + STEP_ROUNDING * span:
            continue
        refined = span / n_steps
        apart = (places - places[0]) / refined
        if np.all(np.abs(apart - np.rint(apart)) * refined <= ON_PLANE_MM):
            return refined
    shown = ", ".join(f"{p - places[0]:.4g}" for p in places[:_NAMED_POSITIONS])
    more = ", ..." if len(places) > _NAMED_POSITIONS else ""
    msg = (
        f"{name}: its slices lie at {shown}{more} mm, expected multiples of one slice spacing: give the grid of the "
        "source image"
    )
    raise InputError(msg)


def _onto(grid: Grid, planes: Sequence[FramePlane], size: tuple[int, int], normal: FloatArray, name: str) -> Layout:
    """Layout on a grid that is given, where the frames lie on its voxels."""
    own = np.stack([planes[0].row, planes[0].column, normal], axis=1)
    turn = np.rint(grid.directions.T @ own)
    axes = np.abs(turn).argmax(axis=0)
    if sorted(axes.tolist()) != [0, 1, 2] or np.abs(np.abs(turn).sum(axis=0) - 1).max() > 0:
        msg = f"{name}: its frames are turned against the axes of the image, expected frames on the image's planes"
        raise GridMismatchError(msg)
    columns, rows = size
    corners = np.array([[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]]) * planes[0].spacing_mm
    reach = corners @ own[:, :2].T
    world = np.array([plane.position_mm for plane in planes])[:, None] + reach
    ijk = grid.to_ijk(world)
    nearest = np.rint(ijk)
    apart = float(np.linalg.norm(grid.to_world(nearest) - world, axis=-1).max())
    if apart > ON_PLANE_MM:
        msg = (
            f"{name}: its frames lie up to {apart:.3g} mm beside the voxels of the image, expected at most "
            f"{ON_PLANE_MM:g} mm: was another image segmented?"
        )
        raise GridMismatchError(msg)
    last = np.array(grid.shape) - 1
    if nearest.min() < 0 or np.any(nearest > last):
        msg = f"{name}: its frames reach outside the image (shape {grid.shape}), expected frames inside it"
        raise GridMismatchError(msg)
    spread = np.abs(nearest[0, 3] - nearest[0, 0])[axes[:2]]
    if not np.array_equal(spread, [columns - 1, rows - 1]):
        spacing = " x ".join(f"{mm:.4g}" for mm in planes[0].spacing_mm)
        msg = f"{name}: its pixels of {spacing} mm are not those of the image, expected frames on the image's planes"
        raise GridMismatchError(msg)
    flips = turn[axes, [0, 1, 2]] < 0
    starts = nearest[:, 0][:, axes]
    starts = np.where(flips, last[axes] - starts, starts).astype(np.intp)
    a, b, c = (int(n) for n in axes)
    x, y, z = (bool(flip) for flip in flips)
    return Layout(grid, (a, b, c), (x, y, z), starts, size)
