"""Sagittal sections of a level, in the level's own frame.

A section is a sheet over the frame's (superior, anterior) plane: a regular raster in these two coordinates whose
points are moved sideways onto a plane of the image. For nearly isotropic labels that plane is
perpendicular to the right axis; for thick slices it is the slice itself, so that nothing is invented between slices,
and what the slice shows is seen along the foramen's course, which undoes the obliquity of the slice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.labels import ENDPLATE_CODE_OFFSET
from foramgrade.anatomy.spine import Segment, Spine, voxel_positions
from foramgrade.findings import BoolArray, FloatArray, Side
from foramgrade.volume import Grid

#: Edge of a section's pixel, mm. A third of the finest clinical pixel: counting is then exact to below 1 %.
SECTION_PIXEL_MM = 0.3

#: Labels whose slices lie further apart than this many in-plane pixels are read slice by slice.
THICK_SLICE_RATIO = 1.8

#: Distance between resampled sections of nearly isotropic labels, mm, unless the voxels are larger.
SECTION_STEP_MM = 1.0

#: How far from the midline foramina are looked for, mm: from inside the canal to beyond the widest pedicle.
LATERAL_RANGE_MM = (4.0, 36.0)

#: Reach of a section behind and before the posterior margin of the disc, and below and above its centre, mm.
REACH_MM = {"posterior": 34.0, "anterior": 22.0, "inferior": 28.0, "superior": 30.0}

#: A slice inclined to the level's right axis by more than this shows no usable section, degrees.
OBLIQUITY_LIMIT_DEG = 45.0


class Part(IntEnum):
    """What a pixel of a section belongs to."""

    FREE = 0
    """Nothing that bounds a foramen."""
    UPPER = 1
    """The upper vertebra."""
    LOWER = 2
    """The lower vertebra."""
    DISC = 3
    """The disc between them."""
    CANAL = 4
    """The spinal canal; it bounds nothing but tells where the midline is."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One sagittal section of a level; array axes are (superior, anterior), both growing.

    Parameters
    ----------
    offset_mm : float
        Where the section crosses the level's right axis at the foramen's height, mm, right positive.
    spacing_mm : float
        Distance along the right axis to the next section, mm.
    superior_mm, anterior_mm : (H,) and (W,) float arrays
        Frame coordinates of the rows and columns, mm.
    positions_mm : (H, W, 3) float array
        World positions (RAS+) of the pixels, mm.
    parts : (H, W) uint8 array
        Part of every pixel.
    inside : (H, W) bool array
        Whether the pixel lies inside the label map.
    """

    offset_mm: float
    spacing_mm: float
    superior_mm: FloatArray
    anterior_mm: FloatArray
    positions_mm: FloatArray
    parts: npt.NDArray[np.uint8]
    inside: BoolArray

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel, mm."""
        return float(self.superior_mm[1] - self.superior_mm[0])

    @property
    def solid(self) -> BoolArray:
        """Pixels of the two vertebrae and the disc."""
        result: BoolArray = (self.parts != Part.FREE) & (self.parts != Part.CANAL)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """The raster that all sections of a level share.

    Parameters
    ----------
    frame : Frame
        The level's axes.
    superior_mm, anterior_mm : (H,) and (W,) float arrays
        Frame coordinates of the rows and columns, mm.
    """

    frame: Frame
    superior_mm: FloatArray
    anterior_mm: FloatArray

    def flat_mm(self) -> FloatArray:
        """World positions (H, W, 3), mm, of the raster in the plane through the frame's origin."""
        rows = self.superior_mm[:, None, None] * self.frame.superior
        columns = self.anterior_mm[None, :, None] * self.frame.anterior
        result: FloatArray = self.frame.origin_mm + rows + columns
        return result


def place_raster(spine: Spine, segment: Segment, frame: Frame, *, pixel_mm: float = SECTION_PIXEL_MM) -> Raster:
    """Raster around the foramina of a level, placed by the posterior margin of its disc.

    Parameters
    ----------
    spine, segment, frame
        The level and its axes.
    pixel_mm : float
        Edge of a pixel, mm.

    Returns
    -------
    Raster
        Covers the foramina of both sides.
    """
    if segment.disc is None:
        behind = -17.0  # half the depth of a lumbar body: a place to look, not a measure
    else:
        depth = (voxel_positions(spine, segment.disc.code, segment.disc.box) - frame.origin_mm) @ frame.anterior
        behind = float(np.quantile(depth, 0.02))
    anterior = np.arange(behind - REACH_MM["posterior"], behind + REACH_MM["anterior"], pixel_mm)
    superior = np.arange(-REACH_MM["inferior"], REACH_MM["superior"], pixel_mm)
    return Raster(frame, superior, anterior)


def cut_sections(
    spine: Spine, segment: Segment, raster: Raster, side: Side, *, course: tuple[float, float] = (0.0, 0.0)
) -> Iterator[Section]:
    """Sections of one side, from the midline outwards.

    Parameters
    ----------
    spine, segment : Spine, Segment
        The labels.
    raster : Raster
        From `place_raster`.
    side : Side
        Patient's side.
    course : two floats
        How far the foramen runs towards anterior and towards superior on each mm to the patient's right. A foramen that
        runs obliquely through an oblique slice looks too large or small unless the slice is seen along this course.

    Yields
    ------
    Section
        Slices as they are where slices are thick, resampled planes otherwise.

    Notes
    -----
    *Limits*: an oblique slice by an angle t to the level's sagittal plane that is seen along the right axis shows a
    foramen of course c with an area wrong by the factor 1 / (1 - c tan t): 4 % for c = 0.3 and 8 degrees.
    """
    sign = 1.0 if side is Side.RIGHT else -1.0
    lookup = _PartLookup(spine, segment, raster)
    for positions, offset, spacing in _sheets(spine.grid, raster, sign, course):
        parts, inside = lookup.sample(positions)
        yield Section(offset, spacing, raster.superior_mm, raster.anterior_mm, positions, parts, inside)


def is_thick(grid: Grid) -> bool:
    """Whether the grid's left-right spacing is so coarse that its slices are used as they are."""
    axis = int(np.argmax(np.abs(grid.directions[0])))
    spacing = list(grid.spacing_mm)
    across = spacing.pop(axis)
    return bool(across > THICK_SLICE_RATIO * max(spacing))


def _sheets(
    grid: Grid, raster: Raster, sign: float, course: tuple[float, float]
) -> Iterator[tuple[FloatArray, float, float]]:
    """World positions (H, W, 3), offset and spacing of every sheet of one side, medial to lateral."""
    nearest, farthest = LATERAL_RANGE_MM
    flat, frame = raster.flat_mm(), raster.frame
    axis = int(np.argmax(np.abs(grid.directions[0])))
    if not is_thick(grid):
        step = max(SECTION_STEP_MM, grid.spacing_mm[axis])
        for offset in np.arange(nearest, farthest, step):
            yield flat + sign * offset * frame.right, float(sign * offset), float(step)
        return
    gradient = np.linalg.inv(grid.affine)[axis, :3]
    rate = float(gradient @ frame.right)
    if abs(rate) * grid.spacing_mm[axis] < np.cos(np.radians(OBLIQUITY_LIMIT_DEG)):
        return
    along = frame.right + course[0] * frame.anterior + course[1] * frame.superior
    base = grid.to_ijk(flat)[..., axis]
    slices = np.arange(grid.shape[axis])
    # The foramen's own height and depth: behind the disc, a little above its centre.
    row, column = np.searchsorted(raster.superior_mm, 4.0), len(raster.anterior_mm) * 2 // 3
    offsets = (slices - base[row, column]) / rate
    chosen = slices[(sign * offsets >= nearest) & (sign * offsets <= farthest)]
    for k in sorted(chosen, key=lambda k: abs(offsets[k])):
        remaining = (k - base - offsets[k] * rate) / (gradient @ along)
        yield (
            flat + offsets[k] * frame.right + remaining[..., None] * along,
            float(offsets[k]),
            1.0 / abs(float(gradient @ along)),
        )


class _PartLookup:
    """Samples the parts of one segment at world positions by linear interpolation of each part's indicator."""

    def __init__(self, spine: Spine, segment: Segment, raster: Raster) -> None:
        frame = raster.frame
        far = LATERAL_RANGE_MM[1] + 2.0
        ends = np.array(
            [[x, y, z] for x in (-far, far) for y in raster.anterior_mm[[0, -1]] for z in raster.superior_mm[[0, -1]]]
        )
        corners = spine.grid.to_ijk(frame.to_world(ends))
        first = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, spine.grid.shape)
        last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 0, spine.grid.shape)
        self.first, self.last, self.grid = first, last, spine.grid
        crop = spine.codes[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
        upper, lower = crop == segment.upper.code, crop == segment.lower.code
        for above, vertebra in zip(_endplates(spine, segment, frame, crop, first), (upper, lower), strict=True):
            vertebra[tuple(above.T)] = True
        disc = np.zeros_like(upper) if segment.disc is None else crop == segment.disc.code
        self.indicators = [mask.astype(np.float32) for mask in (upper, lower, disc)]
        self.canal = None if spine.canal is None else (crop == spine.canal.code).astype(np.float32)

    def sample(self, positions_mm: FloatArray) -> tuple[npt.NDArray[np.uint8], BoolArray]:
        ijk = self.grid.to_ijk(positions_mm)
        inside: BoolArray = np.all((ijk >= -0.5) & (ijk <= np.array(self.grid.shape) - 0.5), axis=-1)
        if min(self.last - self.first) < 1:
            return np.zeros(inside.shape, np.uint8), inside
        at = np.moveaxis(ijk - self.first, -1, 0)
        shares = np.stack([ndimage.map_coordinates(m, at, order=1, mode="nearest") for m in self.indicators])
        parts = np.where(shares.sum(axis=0) >= 0.5, shares.argmax(axis=0) + 1, Part.FREE)
        if self.canal is not None:
            canal = ndimage.map_coordinates(self.canal, at, order=1, mode="nearest") > 0.5
            parts = np.where((parts == Part.FREE) & canal, Part.CANAL, parts)
        return np.where(inside, parts, Part.FREE).astype(np.uint8), inside


def _endplates(
    spine: Spine, segment: Segment, frame: Frame, crop: npt.NDArray[np.uint16], first: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Voxels (N, 3) of the crop that are endplate of the upper and of the lower vertebra: above and below the disc."""
    voxels = np.argwhere(crop == ENDPLATE_CODE_OFFSET + segment.upper.code)
    above = (spine.grid.to_world(voxels + first) - frame.origin_mm) @ frame.superior > 0
    return voxels[above], voxels[~above]
