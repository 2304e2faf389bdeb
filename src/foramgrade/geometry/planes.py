"""Sagittal sections of a level, in the level's own frame.

A section is a sheet over the frame's (superior, anterior) plane: a regular raster in these two coordinates whose
points are moved sideways onto a plane of the image. For nearly isotropic labels that plane is
perpendicular to the right axis; for thick slices it is the slice itself, so that nothing is invented between slices,
and what the slice shows is seen along the foramen's course, which undoes the obliquity of the slice.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.spine import Segment, Spine, voxel_positions
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Side
from foramgrade.volume import Grid

#: Edge of a section's pixel, mm. A third of the finest clinical pixel: counting is then exact to below 1 %.
SECTION_PIXEL_MM = 0.3

#: Labels whose slices lie further apart than this many in-plane pixels are read slice by slice.
THICK_SLICE_RATIO = 1.8

#: Distance between resampled sections of nearly isotropic labels, mm, unless the voxels are larger.
SECTION_STEP_MM = 1.0

#: How far from the midline foramina are looked for, mm: from inside the canal to beyond the widest pedicle.
LATERAL_RANGE_MM = (6.0, 34.0)

#: Reach of a section behind and before the posterior margin of the disc, and below and above its centre, mm.
REACH_MM = {"posterior": 34.0, "anterior": 22.0, "inferior": 28.0, "superior": 30.0}

#: Where a foramen lies, about: behind the posterior margin of the disc and above its centre, mm. There the position of
#: an oblique slice along the right axis is told.
FORAMEN_AT_MM = (-4.0, 4.0)

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
class Raster:
    """The raster that the sections of a level share.

    Parameters
    ----------
    frame : Frame
        The level's axes.
    superior_mm, anterior_mm : (H,) and (W,) float arrays
        Frame coordinates of the rows and columns, mm; evenly spaced.
    margin_mm : float
        Frame coordinate, along anterior, of the posterior margin of the disc, mm.
    front_mm : float or None
        The same of its anterior margin, mm; None where it is not known.
    """

    frame: Frame
    superior_mm: FloatArray
    anterior_mm: FloatArray
    margin_mm: float
    front_mm: float | None = None

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel, mm."""
        return float(self.superior_mm[1] - self.superior_mm[0])

    def every(self, step: int) -> "Raster":
        """Every so-manieth row and column of the raster."""
        return replace(self, superior_mm=self.superior_mm[::step], anterior_mm=self.anterior_mm[::step])

    def crop(self, rows: slice, columns: slice) -> "Raster":
        """The part of the raster in a box of rows and columns."""
        return replace(self, superior_mm=self.superior_mm[rows], anterior_mm=self.anterior_mm[columns])


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Where a section lies in the patient.

    Parameters
    ----------
    offset_mm : float
        Where it crosses the level's right axis at the foramen's height, mm, right positive.
    spacing_mm : float
        Distance along the right axis to the next section, mm.
    origin_mm : (3,) float array
        World position (RAS+) of its pixel [0, 0], mm.
    row_mm, column_mm : (3,) float arrays
        Step in the world from a pixel to the next row (superior) and to the next column (anterior), mm.
    """

    offset_mm: float
    spacing_mm: float
    origin_mm: FloatArray
    row_mm: FloatArray
    column_mm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One sagittal section of a level; array axes are (superior, anterior), both growing.

    Parameters
    ----------
    raster : Raster
        Frame coordinates of its pixels.
    sheet : Sheet
        Where they are in the patient.
    parts : (H, W) uint8 array
        Part of every pixel.
    inside : (H, W) bool array
        Whether the pixel lies inside the label map.
    """

    raster: Raster
    sheet: Sheet
    parts: npt.NDArray[np.uint8]
    inside: BoolArray

    @property
    def offset_mm(self) -> float:
        """Where the section crosses the level's right axis at the foramen's height, mm, right positive."""
        return self.sheet.offset_mm

    @property
    def spacing_mm(self) -> float:
        """Distance along the right axis to the next section, mm."""
        return self.sheet.spacing_mm

    @property
    def superior_mm(self) -> FloatArray:
        """Frame coordinates of the rows, mm."""
        return self.raster.superior_mm

    @property
    def anterior_mm(self) -> FloatArray:
        """Frame coordinates of the columns, mm."""
        return self.raster.anterior_mm

    @property
    def pixel_mm(self) -> float:
        """Edge of a pixel, mm."""
        return self.raster.pixel_mm

    @property
    def positions_mm(self) -> FloatArray:
        """World positions (H, W, 3), RAS+, of the pixels, mm; computed at every call."""
        rows, columns = self.parts.shape
        across = np.arange(columns)[:, None] * self.sheet.column_mm
        positions: FloatArray = self.sheet.origin_mm + np.arange(rows)[:, None, None] * self.sheet.row_mm + across[None]
        return positions

    @property
    def solid(self) -> BoolArray:
        """Pixels of the two vertebrae and the disc."""
        result: BoolArray = (self.parts != Part.FREE) & (self.parts != Part.CANAL)
        return result

    def at(self, world_mm: FloatArray) -> tuple[float, float]:
        """Row and column, not rounded, at which a world position (3,), mm, is seen along the section's normal."""
        steps = np.stack([self.sheet.row_mm, self.sheet.column_mm], axis=1)
        row, column = np.linalg.lstsq(steps, np.asarray(world_mm, float) - self.sheet.origin_mm, rcond=None)[0]
        return float(row), float(column)

    def centre_mm(self, mask: BoolArray) -> FloatArray:
        """World position (3,), mm, of the centre of a mask's pixels."""
        row, column = np.argwhere(mask).mean(axis=0)
        centre: FloatArray = self.sheet.origin_mm + row * self.sheet.row_mm + column * self.sheet.column_mm
        return centre


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
    front = None
    if segment.disc is None:
        behind = -17.0  # half the depth of a lumbar body: a place to look, not a measure
    else:
        depth = (voxel_positions(spine, segment.disc.code, segment.disc.box) - frame.origin_mm) @ frame.anterior
        behind, front = (float(q) for q in np.quantile(depth, (0.02, 0.98)))
    anterior = np.arange(behind - REACH_MM["posterior"], behind + REACH_MM["anterior"], pixel_mm)
    superior = np.arange(-REACH_MM["inferior"], REACH_MM["superior"], pixel_mm)
    return Raster(frame, superior, anterior, behind, front)


def is_thick(grid: Grid) -> bool:
    """Whether the grid's left-right spacing is so coarse that its slices are used as they are."""
    spacing = list(grid.spacing_mm)
    across = spacing.pop(grid.lateral_axis)
    return bool(across > THICK_SLICE_RATIO * max(spacing))


def obliquity_deg(grid: Grid, frame: Frame) -> float:
    """Angle between the slices of a grid and the level's sagittal plane, degrees.

    Parameters
    ----------
    grid : Grid
        The label map's.
    frame : Frame
        The level's axes.

    Returns
    -------
    float
        0 for slices perpendicular to the level's right axis.
    """
    gradient = np.linalg.inv(grid.affine)[grid.lateral_axis, :3]
    cosine = abs(float(gradient @ frame.right)) / float(np.linalg.norm(gradient))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def place_sheets(grid: Grid, raster: Raster, side: Side, *, course: tuple[float, float] = (0.0, 0.0)) -> list[Sheet]:
    """Where the sections of one side lie, from the midline outwards.

    Parameters
    ----------
    grid : Grid
        The label map's.
    raster : Raster
        Pixels of the sections.
    side : Side
        Patient's side.
    course : two floats
        How far the foramen runs towards anterior and towards superior on each mm to the patient's right. A foramen that
        runs obliquely through an oblique slice looks too large or small unless the slice is seen along this course.

    Returns
    -------
    list of Sheet
        Slices as they are where slices are thick, planes perpendicular to the right axis otherwise.

    Notes
    -----
    *Limits*: an oblique slice by an angle t to the level's sagittal plane that is seen along the right axis shows a
    foramen of course c with an area wrong by the factor 1 / (1 - c tan t): 4 % for c = 0.3 and 8 degrees.
    """
    sign = 1.0 if side is Side.RIGHT else -1.0
    return list(_native(grid, raster, sign, course) if is_thick(grid) else _resampled(grid, raster, sign))


def place_midline_sheets(grid: Grid, raster: Raster, half_mm: float) -> list[Sheet]:
    """Sections within a distance of the midline, from left to right; at least the nearest one.

    Parameters
    ----------
    grid : Grid
        The label map's.
    raster : Raster
        Pixels of the sections.
    half_mm : float
        Distance from the midline, mm.

    Returns
    -------
    list of Sheet
        Slices as they are where slices are thick, planes perpendicular to the right axis otherwise.
    """
    if not is_thick(grid):
        step = max(2 * SECTION_STEP_MM, grid.spacing_mm[grid.lateral_axis])
        count = int(half_mm // step)
        return [_flat_sheet(raster, n * step, step) for n in range(-count, count + 1)]
    sheets = sorted(_slices(grid, raster, (0.0, 0.0)), key=lambda sheet: sheet.offset_mm)
    near = [sheet for sheet in sheets if abs(sheet.offset_mm) <= half_mm]
    return near or sorted(sheets, key=lambda sheet: abs(sheet.offset_mm))[:1]


def _flat_sheet(raster: Raster, offset: float, spacing: float) -> Sheet:
    frame, pixel = raster.frame, raster.pixel_mm
    origin = (
        frame.origin_mm
        + raster.superior_mm[0] * frame.superior
        + raster.anterior_mm[0] * frame.anterior
        + offset * frame.right
    )
    return Sheet(float(offset), float(spacing), origin, pixel * frame.superior, pixel * frame.anterior)


def _resampled(grid: Grid, raster: Raster, sign: float) -> Iterator[Sheet]:
    step = max(SECTION_STEP_MM, grid.spacing_mm[grid.lateral_axis])
    for offset in np.arange(*LATERAL_RANGE_MM, step):
        yield _flat_sheet(raster, sign * offset, step)


def _native(grid: Grid, raster: Raster, sign: float, course: tuple[float, float]) -> Iterator[Sheet]:
    nearest, farthest = LATERAL_RANGE_MM
    sheets = [s for s in _slices(grid, raster, course) if nearest <= sign * s.offset_mm <= farthest]
    yield from sorted(sheets, key=lambda sheet: abs(sheet.offset_mm))


def _slices(grid: Grid, raster: Raster, course: tuple[float, float]) -> Iterator[Sheet]:
    """Every slice of the grid as a sheet over the raster, seen along the course."""
    frame, axis = raster.frame, grid.lateral_axis
    inverse = np.linalg.inv(grid.affine)
    gradient, shift = inverse[axis, :3], float(inverse[axis, 3])
    if obliquity_deg(grid, frame) > OBLIQUITY_LIMIT_DEG:
        return
    rate = float(gradient @ frame.right)
    along = frame.right + course[0] * frame.anterior + course[1] * frame.superior
    per_mm = float(gradient @ along)
    flat = _flat_sheet(raster, 0.0, 1.0 / abs(per_mm))
    behind, above = FORAMEN_AT_MM
    there = frame.origin_mm + (raster.margin_mm + behind) * frame.anterior + above * frame.superior
    base = float(gradient @ there) + shift
    for k in range(grid.shape[axis]):
        offset = (k - base) / rate
        remaining = (k - float(gradient @ flat.origin_mm) - shift - offset * rate) / per_mm
        yield Sheet(
            offset,
            flat.spacing_mm,
            flat.origin_mm + offset * frame.right + remaining * along,
            flat.row_mm - float(gradient @ flat.row_mm) / per_mm * along,
            flat.column_mm - float(gradient @ flat.column_mm) / per_mm * along,
        )
