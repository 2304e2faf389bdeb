"""Where the frames of a DICOM segmentation lie: the spacing that highdicom is to stack them with, and the image."""

import lazy_loader as lazy
import numpy as np

from foramgrade.arrays import FloatArray
from foramgrade.errors import GridMismatchError, InputError
from foramgrade.volume import Grid

highdicom = lazy.load("highdicom")  # takes longer to import than a segmentation to read

#: A frame lies on a plane of the grid when no further from it than this, mm: the positions in headers are rounded, and
#: 0.05 mm is a hundredth of a clinical slice and a tenth of its pixels.
ON_PLANE_MM = 0.05

#: Directions are the same when the cosines differ by no more than this: 0.05 mm over a 500 mm field.
SAME_DIRECTION = 1e-4

#: Direction cosines of three decimals miss unit length and right angles by no more than this; highdicom checks closer.
COSINE_ROUNDING = 2e-3

#: A stated slice spacing is rounded by no more than this share.
STEP_ROUNDING = 1e-3

_NAMED_POSITIONS = 12

Part = tuple[tuple[int, int, int], tuple[slice, slice, slice]]


def find_step(
    positions_mm: FloatArray,
    cosines: FloatArray,
    *,
    depths_mm: tuple[float | None, float | None],
    name: str,
    grid: Grid | None = None,
) -> float:
    """Find the slice spacing of which every distance between frames is a multiple.

    Parameters
    ----------
    positions_mm : (N, 3) float array
        Centre of the first pixel of each frame, as DICOM has it (LPS), mm; several frames may share a place.
    cosines : (6,) float array
        Directions along a row and along a column, as DICOM has them (LPS).
    depths_mm : tuple of two float or None
        Spacing between slices and slice thickness as the header states them, mm.
    name : str
        The file's name, for messages.
    grid : Grid or None
        Grid of the source image, which the frames are to lie on.

    Returns
    -------
    float
        The spacing, mm.

    Raises
    ------
    InputError
        If there is none.
    GridMismatchError
        If that of `grid` is none.

    Notes
    -----
    Definition: the slice spacing is that of `grid`; else the stated spacing between slices when every gap is a multiple
    of it, else the smallest gap when every other is a multiple of that; a single slice takes the stated spacing, else
    its thickness. It is then refined from the outermost positions, which are more exact than the stated number.

    Limits: where every second slice is empty and no spacing is stated, the slices come back twice as thick; give the
    grid of the image.
    """
    normal = np.cross(cosines[:3], cosines[3:])
    normal /= np.linalg.norm(normal)
    along = np.sort(positions_mm @ normal)
    places = along[np.concatenate([[True], np.diff(along) > ON_PLANE_MM])]
    gaps, span = np.diff(places), float(places[-1] - places[0])
    candidates: list[float | None]
    if grid is not None:
        across = int(np.abs(grid.directions.T @ (normal * [-1, -1, 1])).argmax())
        candidates = [grid.spacing_mm[across]]
    elif gaps.size:
        candidates = [depths_mm[0], float(gaps[gaps <= gaps.min() + ON_PLANE_MM].mean())]
    elif depths_mm[0] or depths_mm[1]:
        candidates = [depths_mm[0] or depths_mm[1]]
    else:
        msg = f"{name}: holds a single slice without spacing or thickness: give the grid of the source image"
        raise InputError(msg)
    for step in (abs(c) for c in candidates if c and abs(c) > ON_PLANE_MM):
        n_steps = round(span / step)
        refined = span / n_steps if n_steps else step
        _, slots = highdicom.spatial.get_volume_positions(
            positions_mm,
            cosines,
            allow_missing_positions=True,
            allow_duplicate_positions=True,
            spacing_hint=refined,
            atol=ON_PLANE_MM,
        )
        if slots is not None and abs(n_steps * step - span) <= ON_PLANE_MM + STEP_ROUNDING * span:
            return refined
    shown = ", ".join(f"{p - places[0]:.4g}" for p in places[:_NAMED_POSITIONS])
    shown += ", ..." if len(places) > _NAMED_POSITIONS else ""
    if grid is not None:
        msg = f"{name}: its slices at {shown} mm lie beside the voxels of the image: was another image segmented?"
        raise GridMismatchError(msg)
    msg = (
        f"{name}: its slices lie at {shown} mm, expected multiples of one slice spacing: give the grid of the "
        "source image"
    )
    raise InputError(msg)


def part_of(grid: Grid, frames: Grid, *, name: str) -> Part:
    """Find the part of the grid of an image that the grid of the frames covers, voxel on voxel.

    Parameters
    ----------
    grid : Grid
        Grid of the image.
    frames : Grid
        Grid that spans the frames.
    name : str
        The file's name, for messages.

    Returns
    -------
    tuple of three int
        Axes of the image that run along the axes of the frames.
    tuple of three slice
        Along these axes, the part that the frames cover; with a negative step where they run the other way.

    Raises
    ------
    GridMismatchError
        If the frames do not lie on voxels of the image.

    Examples
    --------
    >>> image = Grid((4, 9, 9), np.diag([4.4, 0.6, 0.6, 1.0]))
    >>> frames = Grid((9, 9, 2), [[0, 0, -4.4, 8.8], [0.6, 0, 0, 0], [0, 0.6, 0, 0], [0, 0, 0, 1]])
    >>> axes, part = part_of(image, frames, name="seg.dcm")
    >>> axes, part[2]
    ((1, 2, 0), slice(2, 0, -1))
    """
    turn = np.abs(np.rint(grid.directions.T @ frames.directions))
    if np.any(turn.sum(axis=0) != 1) or np.any(turn.sum(axis=1) != 1):
        msg = f"{name}: its frames are turned against the axes of the image, expected frames on the image's planes"
        raise GridMismatchError(msg)
    corners = frames.corners_mm()
    nearest = np.rint(grid.to_ijk(corners))
    apart = float(np.linalg.norm(grid.to_world(nearest) - corners, axis=-1).max())
    if apart > ON_PLANE_MM:
        msg = (
            f"{name}: its frames lie up to {apart:.3g} mm beside the voxels of the image, expected at most "
            f"{ON_PLANE_MM:g} mm: was another image segmented?"
        )
        raise GridMismatchError(msg)
    if nearest.min() < 0 or np.any(nearest >= grid.shape):
        msg = f"{name}: its frames reach outside the image (shape {grid.shape}), expected frames inside it"
        raise GridMismatchError(msg)
    a, b, c = (int(axis) for axis in turn.argmax(axis=0))
    starts, stops = nearest[0, [a, b, c]].astype(int), nearest[-1, [a, b, c]].astype(int)
    if not np.array_equal(np.abs(stops - starts) + 1, frames.shape):
        spacing = " x ".join(f"{mm:.4g}" for mm in frames.spacing_mm[:2])
        msg = f"{name}: its pixels of {spacing} mm are not those of the image, expected frames on the image's planes"
        raise GridMismatchError(msg)
    x, y, z = (
        slice(int(p), int(q) + 1) if q >= p else slice(int(p), int(q) - 1 if q else None, -1)
        for p, q in zip(starts, stops, strict=True)
    )
    return (a, b, c), (x, y, z)
