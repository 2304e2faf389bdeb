"""The foramen of one level and side: its sections, the one that is reported, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.findings import BoolArray, FloatArray, Level, Quality, Quantity, Side
from foramgrade.geometry.measure import (
    find_disc_row,
    measure_area,
    measure_disc_height,
    measure_height,
    measure_volume,
    measure_width,
)
from foramgrade.geometry.opening import CLEFT_MM, SEAL_LIMIT_MM, Opening, Unclosed, find_opening
from foramgrade.geometry.planes import Raster, Section, Sheet, is_thick, place_raster, place_sheets
from foramgrade.geometry.sampling import PartSampler
from foramgrade.volume import Grid

#: Areas outside this range are flagged, mm2.
PLAUSIBLE_AREA_MM2 = (15.0, 300.0)

#: Warning value of the foraminal height, mm (Hasegawa 1995).
LOW_HEIGHT_MM = 15.0

#: With fewer sections than this the smallest one is a matter of luck.
FEWEST_SECTIONS = 2

#: Sections belong to the same stretch of a foramen when their areas differ by less than this factor.
SAME_FORAMEN_RATIO = 1.5

#: A foramen that seems to run forwards or upwards by more than this on each mm sideways has been misread.
STEEPEST_COURSE = 0.8

#: Foramina are first looked for on every third pixel of a section.
COARSE = 3

#: Room around a foramen that was seen roughly, mm: what tells its pedicles and its ring.
WINDOW_ROOM_MM = 15.0

#: Warning value of the posterior disc height, mm (Hasegawa 1995).
LOW_DISC_HEIGHT_MM = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Foramen:
    """Geometry of one foramen.

    Parameters
    ----------
    segment, side, frame
        Which foramen, and the axes of its level.
    quality : Quality
        Caveats.
    sections : tuple of Section
        Sections that show the closed foramen, medial to lateral.
    openings : tuple of Opening
        The opening on each of them.
    chosen : int or None
        Index of the reported section, None when there is none.
    measurements : dict of Quantity to float
        What could be measured.
    """

    segment: Segment
    side: Side
    frame: Frame
    quality: Quality
    sections: tuple[Section, ...] = ()
    openings: tuple[Opening, ...] = ()
    chosen: int | None = None
    measurements: dict[Quantity, float] = field(default_factory=dict)

    @property
    def reported(self) -> tuple[Section, Opening]:
        """The reported section and its opening.

        Raises
        ------
        ValueError
            If no section shows the foramen.
        """
        if self.chosen is None:
            msg = f"no section shows the {self.side} foramen of {self.segment.level}"
            raise ValueError(msg)
        return self.sections[self.chosen], self.openings[self.chosen]

    @property
    def areas_mm2(self) -> FloatArray:
        """Area of the opening on every section, mm2."""
        return np.array([measure_area(o.mask, s.pixel_mm) for s, o in zip(self.sections, self.openings, strict=True)])

    @property
    def offsets_mm(self) -> FloatArray:
        """Position of every section along the level's right axis, mm."""
        return np.array([s.offset_mm for s in self.sections])


def find_foramen(
    spine: Spine, segment: Segment, frame: Frame, side: Side, *, seal_limit_mm: float = SEAL_LIMIT_MM
) -> Foramen:
    """Find and measure the foramen of one level and side.

    Parameters
    ----------
    spine, segment, frame
        The labels, the level and its axes.
    side : Side
        Patient's side.
    seal_limit_mm : float
        Widest gap in the labelled ring that is sealed, mm.

    Returns
    -------
    Foramen
        Without sections, and with flags that say why, where the foramen could not be found.
    """
    return find_foramina(spine, segment, frame, seal_limit_mm=seal_limit_mm, sides=(side,))[0]


def find_foramina(
    spine: Spine,
    segment: Segment,
    frame: Frame,
    *,
    seal_limit_mm: float = SEAL_LIMIT_MM,
    sides: Sequence[Side] = tuple(Side),
) -> tuple[Foramen, ...]:
    """Find and measure the foramina of one level.

    Parameters
    ----------
    spine, segment, frame
        The labels, the level and its axes.
    seal_limit_mm : float
        Widest gap in the labelled ring that is sealed, mm.
    sides : sequence of Side
        Patient's sides.

    Returns
    -------
    tuple of Foramen
        One per side; without sections, and with flags that say why, where the foramen could not be found.
    """
    quality = judge_level(segment.level, verified=segment.verified)
    if frame.from_grid:
        quality |= Quality.FRAME_FROM_GRID
    if segment.disc is None:
        return tuple(Foramen(segment, side, frame, quality | Quality.NO_DISC) for side in sides)
    raster = place_raster(spine, segment, frame)
    sampler = PartSampler(spine, segment, raster)
    foramina = []
    for side in sides:
        found = find_openings(sampler, spine.grid, raster, side, seal_limit_mm)
        closed = _closed(found)
        if closed:
            sections, openings = zip(*closed, strict=True)
            foramina.append(_measured(Foramen(segment, side, frame, quality, sections, openings), sampler, raster))
            continue
        why = Quality.RING_OPEN if found else Quality.NO_SECTION
        if _reaches_edge(spine, segment):
            why |= Quality.CUT_BY_EDGE
        foramina.append(Foramen(segment, side, frame, quality | why))
    return tuple(foramina)


def find_openings(
    sampler: PartSampler, grid: Grid, raster: Raster, side: Side, seal_limit_mm: float
) -> list[tuple[Section, Opening | Unclosed]]:
    """Sections of one side between the two pedicles with what was found on them, medial to lateral.

    Parameters
    ----------
    sampler, grid, raster
        The level's labels, their grid and the level's raster.
    side : Side
        Patient's side.
    seal_limit_mm : float
        Widest gap in the labelled ring that is sealed, mm.

    Returns
    -------
    list of (Section, Opening or Unclosed)
        On a box of the raster around the foramen.

    Notes
    -----
    Every sheet is first looked at in pixels three times as large; what shows no foramen there, nor on the sheet before
    or after it, is left out. On thick slices that look also tells the foramen's course.
    """
    rough = raster.every(COARSE)
    sheets = place_sheets(grid, rough, side)
    seen = [(n, section, opening) for n, section, opening in _look(sampler, rough, sheets, seal_limit_mm)]
    closed = _closed([(section, opening) for _, section, opening in seen])
    if not closed:  # too fine for a rough look, or not there: every sheet is looked at closely
        return [found[1:] for found in _look(sampler, raster, place_sheets(grid, raster, side), seal_limit_mm)]
    near = sorted({m for n, *_ in seen for m in (n - 1, n, n + 1) if 0 <= m < len(sheets)})
    window = _window(raster, [opening.mask for _, opening in closed])
    courses = [(0.0, 0.0)]
    if is_thick(grid) and any(course := fit_course(closed, raster.frame)):
        courses.insert(0, course)
    found: list[tuple[Section, Opening | Unclosed]] = []
    for course in courses:
        placed = place_sheets(grid, window, side, course=course)
        found = [pair[1:] for pair in _look(sampler, window, [placed[n] for n in near], seal_limit_mm)]
        if _closed(found):
            break
    return found


def _look(
    sampler: PartSampler, raster: Raster, sheets: Sequence[Sheet], seal_limit_mm: float
) -> list[tuple[int, Section, Opening | Unclosed]]:
    """Sheets between the two pedicles, by their numbers, with what was found on them."""
    sections = ((n, sampler.cut(raster, sheet)) for n, sheet in enumerate(sheets))
    found = ((n, section, find_opening(section, seal_limit_mm=seal_limit_mm)) for n, section in sections)
    return [(n, section, opening) for n, section, opening in found if opening is not None]


def _window(raster: Raster, masks: Sequence[BoolArray]) -> Raster:
    """The part of a raster around openings that were found on every `COARSE`-th of its pixels."""
    seen = np.any(masks, axis=0)
    room = round(WINDOW_ROOM_MM / raster.pixel_mm)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) * COARSE for axis in (1, 0))
    return raster.crop(
        slice(max(int(rows[0]) - room, 0), int(rows[-1]) + COARSE + room),
        slice(max(int(columns[0]) - room, 0), int(columns[-1]) + COARSE + room),
    )


def _closed(found: Sequence[tuple[Section, Opening | Unclosed]]) -> list[tuple[Section, Opening]]:
    """Sections with a closed ring; one that is whole is preferred to one that leaves the label map."""
    closed = [(section, opening) for section, opening in found if isinstance(opening, Opening)]
    return [pair for pair in closed if not pair[1].cut] or closed


def fit_course(closed: Sequence[tuple[Section, Opening]], frame: Frame) -> tuple[float, float]:
    """Direction in which a foramen runs, from the centres of its openings on neighbouring sections.

    Parameters
    ----------
    closed : sequence of (Section, Opening)
        Sections of one foramen, seen along the level's right axis.
    frame : Frame
        The level's axes.

    Returns
    -------
    tuple of two floats
        Displacement towards anterior and towards superior on each mm to the patient's right; (0, 0) with fewer than two
        sections of similar area, or where the result is steeper than a foramen runs.

    Notes
    -----
    *Definition*: least-squares line through the centres of the openings whose area is at most 1.5 times the smallest.
    """
    areas = np.array([opening.mask.sum() for _, opening in closed])
    centres = np.array([frame.to_frame(section.centre_mm(opening.mask)) for section, opening in closed])
    same = centres[areas <= SAME_FORAMEN_RATIO * areas.min()]
    across = same[:, 0] - same[:, 0].mean()
    if len(same) < FEWEST_SECTIONS or not across.any():
        return 0.0, 0.0
    forward, upward = across @ same[:, 1:] / (across @ across)
    return (float(forward), float(upward)) if np.hypot(forward, upward) <= STEEPEST_COURSE else (0.0, 0.0)


def _reaches_edge(spine: Spine, segment: Segment) -> bool:
    structures = (segment.upper, segment.lower)
    return any(s.touches_edge(spine.grid, axis) for s in structures for axis in range(3))


def _measured(foramen: Foramen, sampler: PartSampler, raster: Raster) -> Foramen:
    """The foramen with its reported section on the whole raster, measures and flags."""
    areas = foramen.areas_mm2
    chosen = int(np.argmin(areas))
    foramen = _widen(foramen, chosen, sampler, raster)
    section, opening = foramen.sections[chosen], foramen.openings[chosen]
    pixel = section.pixel_mm
    spacings = np.array([s.spacing_mm for s in foramen.sections])
    measured: dict[Quantity, float | None] = {
        Quantity.AREA: float(areas[chosen]),
        Quantity.HEIGHT: measure_height(opening.mask, pixel),
        Quantity.DISC_HEIGHT: measure_disc_height(section.parts, pixel),
        Quantity.VOLUME: measure_volume(areas, spacings),
        Quantity.SEAL_GAP: opening.gap_mm,
    }
    disc_row = find_disc_row(section.parts, pixel)
    if disc_row is not None:
        lowest = int(np.flatnonzero(opening.mask.any(axis=1))[0])
        measured[Quantity.WIDTH_DISC] = measure_width(opening.mask, disc_row, pixel)
        measured[Quantity.WIDTH_INFERIOR] = measure_width(opening.mask, (disc_row + lowest) // 2, pixel)
    values = {quantity: value for quantity, value in measured.items() if value is not None}
    quality = foramen.quality | judge_geometry(values, opening, len(foramen.sections))
    return replace(foramen, quality=quality, chosen=chosen, measurements=values)


def _widen(foramen: Foramen, chosen: int, sampler: PartSampler, raster: Raster) -> Foramen:
    """The foramen with one of its sections on the whole raster, as stages that look around need it."""
    part, opening = foramen.sections[chosen], foramen.openings[chosen]
    row, column = (
        int(np.searchsorted(whole, piece[0] - raster.pixel_mm / 2))
        for whole, piece in ((raster.superior_mm, part.superior_mm), (raster.anterior_mm, part.anterior_mm))
    )
    sheet = replace(
        part.sheet, origin_mm=part.sheet.origin_mm - row * part.sheet.row_mm - column * part.sheet.column_mm
    )
    section = sampler.cut(raster, sheet)
    mask = np.zeros(section.parts.shape, bool)
    mask[row : row + opening.mask.shape[0], column : column + opening.mask.shape[1]] = opening.mask
    sections, openings = list(foramen.sections), list(foramen.openings)
    sections[chosen], openings[chosen] = section, replace(opening, mask=mask)
    return replace(foramen, sections=tuple(sections), openings=tuple(openings))


def judge_level(level: Level, *, verified: bool) -> Quality:
    """Flags that follow from the name of a level: not anatomical, or not lumbar."""
    if not verified:
        return Quality.LEVEL_UNVERIFIED
    return Quality(0) if level.upper.startswith("L") else Quality.NOT_LUMBAR


def judge_geometry(measurements: Mapping[Quantity, float], opening: Opening, n_sections: int) -> Quality:
    """Flags that follow from the measures of a foramen: sealed, cut, implausible, low, few sections."""
    area, height = measurements[Quantity.AREA], measurements[Quantity.HEIGHT]
    disc_height = measurements.get(Quantity.DISC_HEIGHT)
    raised = {
        Quality.RING_SEALED: opening.gap_mm > CLEFT_MM,
        Quality.CUT_BY_EDGE: opening.cut,
        Quality.AREA_IMPLAUSIBLE: not PLAUSIBLE_AREA_MM2[0] <= area <= PLAUSIBLE_AREA_MM2[1],
        Quality.HEIGHT_LOW: height <= LOW_HEIGHT_MM,
        Quality.DISC_HEIGHT_LOW: disc_height is not None and disc_height <= LOW_DISC_HEIGHT_MM,
        Quality.FEW_SECTIONS: n_sections < FEWEST_SECTIONS,
    }
    quality = Quality(0)
    for flag, is_raised in raised.items():
        quality |= flag if is_raised else Quality(0)
    return quality
