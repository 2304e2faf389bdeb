"""What the labels show on a section: every part's share by linear interpolation, and the part that owns a pixel."""

from itertools import product

import numpy as np
import numpy.typing as npt

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.labels import ENDPLATE_CODE_OFFSET
from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.planes import LATERAL_RANGE_MM, REACH_MM, Part, Raster, Section, Sheet

IndexArray = npt.NDArray[np.intp]

#: A sheet lies in a slice when it leaves it by less than this share of a voxel: rounding in the last digits.
_IN_SLICE = 1e-6

#: Room around the raster's reach that is kept of the labels, mm: the course of thick slices shifts their sheets.
_ROOM_MM = 2.0

#: In a table of parts: the endplates, until it is known whose they are.
_PLATE = 255


class PartSampler:
    """Samples the parts of one level on sheets; made once per level, for both sides.

    Parameters
    ----------
    spine, segment : Spine, Segment
        The labels and the level.
    raster : Raster
        The level's raster; sections may be cut on any other raster of its frame.

    Notes
    -----
    *Definition*: the share of a part at a point is the linear interpolation of its labels' shares (1 or 0 in a hard
    map). A point belongs to the part of the largest share where the shares of both vertebrae and the disc sum to at
    least one half, otherwise to the canal where that has more than one half.
    """

    def __init__(self, spine: Spine, segment: Segment, raster: Raster) -> None:
        self._grid = spine.grid
        self._inverse = np.linalg.inv(spine.grid.affine)[:3]
        box = _box_around(spine, raster)
        self._first = np.array([part.start for part in box], dtype=float)
        soft = spine.soft
        self._parts = _parts_in((spine.codes if soft is None else soft.codes)[box], spine, segment, raster.frame, box)
        self._shares = None if soft is None else np.ascontiguousarray(soft.shares[box])
        self._even: dict[tuple[bool, ...], BoolArray] = {}

    def cut(self, raster: Raster, sheet: Sheet) -> Section:
        """The section that a sheet shows.

        Parameters
        ----------
        raster : Raster
            Pixels of the sheet.
        sheet : Sheet
            Where they are.

        Returns
        -------
        Section
            What the labels hold there.
        """
        start = self._inverse[:, :3] @ sheet.origin_mm + self._inverse[:, 3]
        steps = np.asarray(self._inverse[:, :3] @ np.stack([sheet.row_mm, sheet.column_mm], axis=1), dtype=np.float64)
        shape = (len(raster.superior_mm), len(raster.anterior_mm))
        inside = _inside(start, steps, shape, np.array(self._grid.shape))
        if min(self._parts.shape) == 0:
            return Section(raster, sheet, np.zeros(shape, np.uint8), inside)
        low, fractions = zip(
            *(_split(start[a] - self._first[a], steps[a], shape, n) for a, n in enumerate(self._parts.shape)),
            strict=True,
        )
        parts = self._interpolate(low, fractions)
        if not inside.all():
            parts[~inside] = Part.FREE
        return Section(raster, sheet, parts, inside)

    def _interpolate(
        self, low: tuple[IndexArray, ...], fractions: tuple[FloatArray | None, ...]
    ) -> npt.NDArray[np.uint8]:
        """Part of every pixel, from the voxels below and the fractions to the next along each axis."""
        strides = (self._parts.shape[1] * self._parts.shape[2], self._parts.shape[2], 1)
        base = low[0] * strides[0] + low[1] * strides[1] + low[2]
        found: npt.NDArray[np.uint8] = self._parts.ravel()[base]
        between = tuple(fraction is not None for fraction in fractions)
        uneven = np.flatnonzero(~self._even_cells(between).ravel()[base])
        at = base.ravel()[uneven]
        rising = [None if fraction is None else fraction.ravel()[uneven] for fraction in fractions]
        codes, shares = self._parts.ravel(), None if self._shares is None else self._shares.ravel()
        flat = np.zeros(len(Part) * len(at))
        everyone = np.arange(len(at))
        for corner in product(*((0, 1) if along else (0,) for along in between)):
            voxel = at + sum(step * stride for step, stride in zip(corner, strides, strict=True))
            weight = np.ones(len(at)) if shares is None else shares[voxel].astype(float)
            for step, rise in zip(corner, rising, strict=True):
                if rise is not None:
                    weight = weight * (rise if step else 1.0 - rise)
            flat[codes[voxel].astype(np.intp) * len(at) + everyone] += weight
        amounts = flat.reshape(len(Part), len(at))
        solid = amounts[Part.UPPER : Part.DISC + 1]
        owner = np.where(amounts[Part.CANAL] > 0.5, Part.CANAL, Part.FREE)
        found.ravel()[uneven] = np.where(solid.sum(axis=0) >= 0.5, solid.argmax(axis=0) + Part.UPPER, owner)
        return found

    def _even_cells(self, between: tuple[bool, ...]) -> BoolArray:
        """Voxels whose cell, towards the next voxel along the given axes, holds one part throughout."""
        if between not in self._even:
            even = np.ones(self._parts.shape, bool)
            for corner in product(*((0, 1) if along else (0,) for along in between)):
                here = tuple(slice(0, self._parts.shape[axis] - step) for axis, step in enumerate(corner))
                there = tuple(slice(step, None) for step in corner)
                even[here] &= self._parts[there] == self._parts[here]
                if self._shares is not None:
                    even[here] &= (self._shares[there] == 1) | (self._parts[there] == Part.FREE)
            self._even[between] = even
        return self._even[between]


def _parts_in(
    codes: npt.NDArray[np.uint16], spine: Spine, segment: Segment, frame: Frame, box: tuple[slice, slice, slice]
) -> npt.NDArray[np.uint8]:
    """Part of every voxel of a box of codes; the endplates above and below the disc go to the two vertebrae."""
    table = np.zeros(np.iinfo(codes.dtype).max + 1, np.uint8)
    known = [(segment.upper, Part.UPPER), (segment.lower, Part.LOWER), (segment.disc, Part.DISC)]
    for structure, part in [*known, (spine.canal, Part.CANAL)]:
        if structure is not None:
            table[structure.code] = part
    table[ENDPLATE_CODE_OFFSET + segment.upper.code] = _PLATE
    parts = np.ascontiguousarray(table[codes])
    plates = np.argwhere(parts == _PLATE)
    if len(plates):
        first = [part.start for part in box]
        above = (spine.grid.to_world(plates + first) - frame.origin_mm) @ frame.superior > 0
        parts[tuple(plates.T)] = np.where(above, Part.UPPER, Part.LOWER)
    return parts


def _box_around(spine: Spine, raster: Raster) -> tuple[slice, slice, slice]:
    """Box of voxels that holds whatever a section of the level can show."""
    far = LATERAL_RANGE_MM[1] + _ROOM_MM
    behind, before = raster.margin_mm - REACH_MM["posterior"], raster.margin_mm + REACH_MM["anterior"]
    if raster.front_mm is not None:
        before = max(before, raster.front_mm + _ROOM_MM)
    ends = product((-far, far), (behind, before), (-REACH_MM["inferior"], REACH_MM["superior"]))
    corners = spine.grid.to_ijk(raster.frame.to_world(np.array(list(ends))))
    first = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, spine.grid.shape)
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 0, spine.grid.shape)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return i, j, k


def _split(start: float, steps: FloatArray, shape: tuple[int, int], count: int) -> tuple[IndexArray, FloatArray | None]:
    """Voxel below every pixel of a sheet along one voxel axis, and the fraction to the next; None in a slice."""
    rows, columns = (np.arange(n) * step for n, step in zip(shape, steps, strict=True))
    slice_number = np.rint(start)
    drift = abs(start - slice_number) + abs(rows[-1]) + abs(columns[-1])
    if drift < _IN_SLICE or count == 1:
        there = int(np.clip(slice_number, 0, count - 1))
        return np.full(shape, there, np.intp), None
    at = np.clip(start + rows[:, None] + columns[None, :], 0.0, count - 1.0)
    low = np.minimum(at.astype(np.intp), count - 2)
    fraction: FloatArray = at - low
    return low, fraction


def _inside(start: FloatArray, steps: FloatArray, shape: tuple[int, int], size: IndexArray) -> BoolArray:
    """Whether the pixels of a sheet lie inside a grid."""
    corners = start + np.array([[i, j] for i in (0, shape[0] - 1) for j in (0, shape[1] - 1)]) @ steps.T
    result = np.ones(shape, bool)
    if np.all((corners >= -0.5) & (corners <= size - 0.5)):
        return result
    for a in range(3):
        at = start[a] + np.arange(shape[0])[:, None] * steps[a, 0] + np.arange(shape[1])[None, :] * steps[a, 1]
        result &= (at >= -0.5) & (at <= size[a] - 0.5)
    return result
