"""The foramen of one level and side: its sections, the one that is reported, and its measures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.spine import Segment, Spine
from foramgrade.findings import FloatArray, Level, Quality, Quantity, Side
from foramgrade.geometry.measure import (
    find_disc_row,
    measure_area,
    measure_disc_height,
    measure_height,
    measure_volume,
    measure_width,
)
from foramgrade.geometry.opening import CLEFT_MM, SEAL_LIMIT_MM, Opening, Unclosed, find_opening
from foramgrade.geometry.planes import Section, cut_sections, is_thick, place_raster

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
    quality = judge_level(segment.level, verified=segment.verified)
    if frame.from_grid:
        quality |= Quality.FRAME_FROM_GRID
    if segment.disc is None:
        return Foramen(segment, side, frame, quality | Quality.NO_DISC)
    raster = place_raster(spine, segment, frame)
    found = _find_openings(cut_sections(spine, segment, raster, side), seal_limit_mm)
    closed = _closed(found)
    if not closed:
        quality |= Quality.RING_OPEN if found else Quality.NO_SECTION
        if _reaches_edge(spine, segment):
            quality |= Quality.CUT_BY_EDGE
        return Foramen(segment, side, frame, quality)
    course = fit_course(closed, frame)
    if is_thick(spine.grid) and any(course):
        seen = _find_openings(cut_sections(spine, segment, raster, side, course=course), seal_limit_mm)
        closed = _closed(seen) or closed
    sections, openings = zip(*closed, strict=True)
    return _measured(Foramen(segment, side, frame, quality, sections, openings))


def _find_openings(sections: Iterable[Section], seal_limit_mm: float) -> list[tuple[Section, Opening | Unclosed]]:
    """Sections between the two pedicles with what was found on them."""
    found = ((section, find_opening(section, seal_limit_mm=seal_limit_mm)) for section in sections)
    return [(section, opening) for section, opening in found if opening is not None]


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
    centres = np.array([frame.to_frame(section.positions_mm[opening.mask].mean(axis=0)) for section, opening in closed])
    same = centres[areas <= SAME_FORAMEN_RATIO * areas.min()]
    across = same[:, 0] - same[:, 0].mean()
    if len(same) < FEWEST_SECTIONS or not across.any():
        return 0.0, 0.0
    forward, upward = across @ same[:, 1:] / (across @ across)
    return (float(forward), float(upward)) if np.hypot(forward, upward) <= STEEPEST_COURSE else (0.0, 0.0)


def _reaches_edge(spine: Spine, segment: Segment) -> bool:
    structures = (segment.upper, segment.lower)
    return any(s.touches_edge(spine.grid, axis) for s in structures for axis in range(3))


def _measured(foramen: Foramen) -> Foramen:
    """The foramen with its reported section, measures and flags."""
    areas = foramen.areas_mm2
    chosen = int(np.argmin(areas))
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
