"""Foramina that are drawn by hand: which level and side each is, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foramgrade.anatomy.frame import Frame, fit_frame
from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import Level, Quality, Quantity, Side
from foramgrade.geometry.drawn_sections import DrawnSection, cut_drawing, cut_slices, grid_frame
from foramgrade.geometry.judging import judge_asymmetry, judge_geometry, judge_level
from foramgrade.geometry.measure import (
    find_disc_row,
    measure_asymmetry,
    measure_disc_height,
    measure_height,
    measure_volume,
    measure_width,
)
from foramgrade.geometry.pieces import Piece, check_slices, find_pieces
from foramgrade.geometry.placing import Place, place_by_grid, place_by_spine
from foramgrade.geometry.planes import SECTION_PIXEL_MM, place_raster, place_sheets
from foramgrade.geometry.sampling import PartSampler
from foramgrade.volume import SOLID_SHARE, LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class DrawnForamen:
    """A foramen that is drawn, and its measures.

    Parameters
    ----------
    called : str
        What messages call it.
    level, side
        Which foramen; a level that nothing tells is called "F1", "F2", ... from the top of the drawing.
    quality : Quality
        Caveats.
    sections : tuple of DrawnSection
        Sections that show it, from the patient's left to the right.
    chosen : int
        Index of the reported section, the one of smallest area.
    measurements : mapping of Quantity to float
        What could be measured.
    """

    called: str
    level: Level
    side: Side
    quality: Quality
    sections: tuple[DrawnSection, ...]
    chosen: int
    measurements: Mapping[Quantity, float] = field(default_factory=dict)

    @property
    def offsets_mm(self) -> FloatArray:
        """Position of every section along the right axis, mm."""
        return np.array([section.offset_mm for section in self.sections])

    @property
    def areas_mm2(self) -> FloatArray:
        """Area on every section, mm2."""
        return np.array([section.area_mm2 for section in self.sections])


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """All foramina of a drawing.

    Parameters
    ----------
    foramina : tuple of DrawnForamen
        Top to bottom, right before left.
    specks : int
        Number of specks that were left out.
    """

    foramina: tuple[DrawnForamen, ...]
    specks: int


def measure_drawn(drawn: LabelMap, spine: Spine | None = None, *, midline_mm: float | None = None) -> Drawing:
    """Measure foramina that are drawn, on one slice or over several.

    Parameters
    ----------
    drawn : LabelMap
        Foramina by value: one value for all or one each, of any numbers; a soft map counts as partial volume.
    spine : Spine or None
        The labelled spine in the same patient space, on any grid. It tells levels and sides, and the axes along which
        heights and widths are measured; without it only area, volume and asymmetry are.
    midline_mm : float or None
        Without a spine, where the midline is: patient's right of the world's origin, mm. None to find it between the
        foramina of the two sides.

    Returns
    -------
    Drawing
        One entry per foramen that is drawn.

    Raises
    ------
    InputError
        If nothing is drawn, the slices are not sagittal, a side cannot be told, a name contradicts the place, or two
        outlines fall on one level and side.

    Notes
    -----
    *Definition*: a foramen is a connected piece (26 neighbours) of one value; pieces of one level and side on different
    slices are one foramen. The reported section is that of smallest area.
    *Limits*: what is drawn is measured, between the ends at which the drawing stops: draw from the medial to the
    lateral border of the pedicles. A level's name in the file is believed where no labels tell it.
    """
    check_slices(drawn.grid)
    pieces, specks = find_pieces(drawn)
    places = place_by_grid(pieces, midline_mm) if spine is None else place_by_spine(pieces, spine)
    foramina = [_measured(piece, place, spine) for piece, place in _joined(pieces, places)]
    heights: dict[Level, list[float]] = {}
    for foramen in foramina:
        heights.setdefault(foramen.level, []).append(float(foramen.sections[foramen.chosen].centre_mm[2]))
    foramina.sort(key=lambda f: (-float(np.mean(heights[f.level])), f.level, list(Side).index(f.side)))
    return Drawing(tuple(_with_asymmetry(foramina)), specks)


def _joined(pieces: Sequence[Piece], places: Sequence[Place]) -> list[tuple[Piece, Place]]:
    """One piece per level and side; two on the same slices are refused."""
    found: dict[tuple[Level, Side], tuple[Piece, Place]] = {}
    for piece, place in zip(pieces, places, strict=True):
        key = (place.level, place.side)
        if key not in found:
            found[key] = (piece, place)
            continue
        other, first = found[key]
        axis = piece.grid.lateral_axis
        shared = set(piece.slices(axis)) & set(other.slices(axis))
        if shared:
            msg = (
                f"{other.called} at {_where(other)} and {piece.called} at {_where(piece)} both lie at {place.level} "
                f"{place.side} on {len(shared)} same slices, expected one outline per level and side: erase one, or "
                "join them"
            )
            raise InputError(msg)
        found[key] = (other.joined(piece), first)
    return list(found.values())


def _where(piece: Piece) -> str:
    r, a, s = piece.centre_mm
    return f"R {r:.0f} A {a:.0f} S {s:.0f} mm"


def _measured(piece: Piece, place: Place, spine: Spine | None) -> DrawnForamen:
    segment = place.segment
    frame = grid_frame(piece) if spine is None or segment is None else fit_frame(spine, segment)
    sections = cut_drawing(piece, frame)
    chosen = int(np.argmin([section.area_mm2 for section in sections]))
    section = sections[chosen]
    measured: dict[Quantity, float | None] = {Quantity.AREA: section.area_mm2}
    slices = cut_slices(piece, frame)  # resampled sections leave the drawing's ends out
    if len(slices) > 1:  # the distance that a single slice stands for is not known
        areas = np.array([s.area_mm2 for s in slices])
        measured[Quantity.VOLUME] = measure_volume(areas, np.array([s.spacing_mm for s in slices]))
    if spine is not None and segment is not None:
        measured |= _measure_outline(section, *_find_disc(spine, segment, frame, place.side, section))
    values = {quantity: value for quantity, value in measured.items() if value is not None}
    quality = judge_level(place.level, verified=place.verified)
    quality |= judge_geometry(values, len(sections), cut=_is_cut(piece))
    if frame.from_grid:
        quality |= Quality.FRAME_FROM_GRID
    return DrawnForamen(piece.called, place.level, place.side, quality, sections, chosen, values)


def _measure_outline(
    section: DrawnSection, disc_at_mm: float | None, disc_height_mm: float | None
) -> dict[Quantity, float | None]:
    """Height and widths of the outline on a section, by the functions that measure derived foramina."""
    mask, pixel = section.shares >= SOLID_SHARE, SECTION_PIXEL_MM
    measured: dict[Quantity, float | None] = {Quantity.HEIGHT: measure_height(mask, pixel)}
    rows = np.flatnonzero(mask.any(axis=1))
    if disc_at_mm is None or not len(rows):
        return measured
    row = round((disc_at_mm - float(section.superior_mm[0])) / pixel)
    measured[Quantity.DISC_HEIGHT] = disc_height_mm
    measured[Quantity.WIDTH_DISC] = measure_width(mask, row, pixel)
    measured[Quantity.WIDTH_INFERIOR] = measure_width(mask, (row + int(rows[0])) // 2, pixel)
    return measured


def _find_disc(
    spine: Spine, segment: Segment, frame: Frame, side: Side, section: DrawnSection
) -> tuple[float | None, float | None]:
    """Height of the disc's mid-plane in the frame, and posterior disc height, mm, on the labels' nearest section."""
    if segment.disc is None:
        return None, None
    raster = place_raster(spine, segment, frame)
    sheets = place_sheets(spine.grid, raster, side)
    if not sheets:
        return None, None
    sheet = min(sheets, key=lambda one: abs(one.offset_mm - section.offset_mm))
    nearest = PartSampler(spine, segment, raster).cut(raster, sheet)
    row = find_disc_row(nearest.parts, nearest.pixel_mm)
    if row is None:
        return None, None
    return float(nearest.superior_mm[row]), measure_disc_height(nearest.parts, nearest.pixel_mm)


def _is_cut(piece: Piece) -> bool:
    """Whether a drawing reaches the edge of its grid in the plane of its sections."""
    across = piece.grid.lateral_axis
    return any(
        piece.first[axis] == 0 or piece.first[axis] + piece.shares.shape[axis] == piece.grid.shape[axis]
        for axis in range(3)
        if axis != across
    )


def _with_asymmetry(foramina: Sequence[DrawnForamen]) -> list[DrawnForamen]:
    areas = {(f.level, f.side): f.measurements[Quantity.AREA] for f in foramina}
    result = []
    for one in foramina:
        right, left = areas.get((one.level, Side.RIGHT)), areas.get((one.level, Side.LEFT))
        if right is not None and left is not None:
            asymmetry = measure_asymmetry(right, left)
            measurements = {**one.measurements, Quantity.ASYMMETRY: asymmetry}
            one = replace(one, quality=one.quality | judge_asymmetry(asymmetry), measurements=measurements)
        result.append(one)
    return result
