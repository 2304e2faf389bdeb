"""The foramen of one level and side: its sections, the one that is reported, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foramgrade.anatomy.frame import Frame
from foramgrade.anatomy.spine import Segment, Spine, Structure, voxel_positions
from foramgrade.arrays import FloatArray
from foramgrade.findings import Quality, Quantity, Side
from foramgrade.geometry.judging import judge_geometry, judge_level
from foramgrade.geometry.measure import (
    find_disc_row,
    measure_area,
    measure_disc_height,
    measure_height,
    measure_volume,
    measure_width,
)
from foramgrade.geometry.opening import SEAL_LIMIT_MM, Opening
from foramgrade.geometry.planes import Raster, Section, is_thick, obliquity_deg, place_raster
from foramgrade.geometry.profile import find_minimum, find_stretch
from foramgrade.geometry.sampling import PartSampler
from foramgrade.geometry.search import find_openings, keep_closed, widen
from foramgrade.geometry.segment import Midline, measure_midline
from foramgrade.geometry.uncertainty import (
    Border,
    area_uncertainty,
    height_uncertainty,
    measure_outline,
    obliquity_uncertainty,
)
from foramgrade.volume import Grid

#: A vertebra with less than this share of its voxels behind its body has no posterior elements; half is usual.
POSTERIOR_SHARE = 0.05

#: What lies further than this behind the posterior margin of the disc is not body, mm.
BEHIND_BODY_MM = 6.0


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
        Index of the reported section, None when there is none. It is on the level's whole raster, the others are on a
        box of it.
    measurements : mapping of Quantity to float
        What could be measured.
    uncertainties : mapping of Quantity to float
        Standard uncertainties of some of them, in the same units.
    obliquity_deg : float
        Angle between the slices and the level's sagittal plane, degrees; 0 where sections are resampled.
    """

    segment: Segment
    side: Side
    frame: Frame
    quality: Quality
    sections: tuple[Section, ...] = ()
    openings: tuple[Opening, ...] = ()
    chosen: int | None = None
    measurements: Mapping[Quantity, float] = field(default_factory=dict)
    uncertainties: Mapping[Quantity, float] = field(default_factory=dict)
    obliquity_deg: float = 0.0

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
    """Find and measure the foramen of one level and side; see :func:`find_foramina`."""
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
        One per side; without sections, and with flags that say why, where the foramen could not be found. Slip and
        segmental angle belong to the level and are there all the same, unless its vertebrae are cut.
    """
    quality = judge_level(segment.level, verified=segment.verified)
    if frame.from_grid:
        quality |= Quality.FRAME_FROM_GRID
    if segment.disc is None:
        return tuple(Foramen(segment, side, frame, quality | Quality.NO_DISC) for side in sides)
    if segment.bridged:
        quality |= Quality.DISC_BRIDGED
    raster = place_raster(spine, segment, frame)
    sampler = PartSampler(spine, segment, raster)
    # Where the labels are cut laterally their midline may be missing, and is uncertain.
    midline = Midline() if frame.from_grid else measure_midline(spine, segment, raster, sampler)
    shared = {Quantity.SLIP: midline.slip_mm, Quantity.SEGMENTAL_ANGLE: midline.angle_deg}
    level = {quantity: value for quantity, value in shared.items() if value is not None}
    foramina = []
    for side in sides:
        found = find_openings(sampler, spine.grid, raster, side, seal_limit_mm=seal_limit_mm)
        closed = keep_closed(found)
        if closed:
            sections, openings = zip(*closed, strict=True)
            foramen = Foramen(segment, side, frame, quality, sections, openings, measurements=level)
            foramina.append(_measured(foramen, midline, spine.grid, sampler, raster))
            continue
        why = Quality.RING_OPEN if found else Quality.NO_SECTION
        if _reaches_edge(spine, segment):
            why |= Quality.CUT_BY_EDGE
        if not found and not _has_posterior_elements(spine, segment, raster):
            why |= Quality.NO_POSTERIOR
        whole = Quality.CUT_BY_EDGE not in why
        foramina.append(Foramen(segment, side, frame, quality | why, measurements=level if whole else {}))
    return tuple(foramina)


def turn_to(foramen: Foramen, spine: Spine, index: int) -> Foramen:
    """The foramen with another of its sections chosen, for stages that look around it; its measures stay.

    Parameters
    ----------
    foramen : Foramen
        With a chosen section.
    spine : Spine
        The labels.
    index : int
        Which of its sections.

    Returns
    -------
    Foramen
        With that section on the level's whole raster.

    Raises
    ------
    ValueError
        If no section shows the foramen.
    """
    raster = foramen.reported[0].raster
    sections, openings = list(foramen.sections), list(foramen.openings)
    sampler = PartSampler(spine, foramen.segment, raster)
    sections[index], openings[index] = widen(sections[index], openings[index], sampler, raster)
    return replace(foramen, sections=tuple(sections), openings=tuple(openings), chosen=index)


def _reaches_edge(spine: Spine, segment: Segment) -> bool:
    structures = (segment.upper, segment.lower)
    return any(s.touches_edge(spine.grid, axis) for s in structures for axis in range(3))


def _has_posterior_elements(spine: Spine, segment: Segment, raster: Raster) -> bool:
    """Whether both vertebrae reach behind their bodies."""

    def reaches_back(vertebra: Structure) -> bool:
        depth = (voxel_positions(spine, vertebra.code, vertebra.box) - raster.frame.origin_mm) @ raster.frame.anterior
        return bool(np.mean(depth < raster.margin_mm - BEHIND_BODY_MM) >= POSTERIOR_SHARE)

    return reaches_back(segment.upper) and reaches_back(segment.lower)


def _measured(foramen: Foramen, midline: Midline, grid: Grid, sampler: PartSampler, raster: Raster) -> Foramen:
    """The foramen with its reported section on the whole raster, measures, uncertainties and flags."""
    areas, spacing = foramen.areas_mm2, foramen.sections[0].spacing_mm
    border = _border(foramen, int(np.argmin(areas)), grid, midline)
    smallest = find_minimum(
        foramen.offsets_mm,
        areas,
        spacing_mm=spacing,
        own_mm2=border.counting_mm2,
        alike_mm2=border.segmentation_mm2,
    )
    chosen = smallest.index
    whole, wide = widen(foramen.sections[chosen], foramen.openings[chosen], sampler, raster)
    sections, openings = list(foramen.sections), list(foramen.openings)
    sections[chosen], openings[chosen] = whole, wide
    values = {**foramen.measurements, Quantity.AREA: smallest.area_mm2, **_measure_section(whole, wide)}
    stretch = find_stretch(areas)
    values[Quantity.VOLUME] = measure_volume(areas[stretch], np.full(stretch.sum(), spacing))
    oblique = obliquity_deg(grid, foramen.frame) if is_thick(grid) else 0.0
    obliquity = obliquity_uncertainty(
        smallest.area_mm2,
        obliquity_deg=oblique,
        n_sections=int(stretch.sum()),
        spacing_mm=spacing,
        voxel_mm=border.voxel_mm,
    )
    area_u = area_uncertainty(border, minimum_mm2=smallest.uncertainty_mm2, obliquity_mm2=obliquity)
    values[Quantity.AREA_UNCERTAINTY] = area_u
    return replace(
        foramen,
        quality=foramen.quality
        | judge_geometry(values, len(sections), cut=wide.cut, gap_mm=wide.gap_mm, obliquity_deg=oblique),
        sections=tuple(sections),
        openings=tuple(openings),
        chosen=chosen,
        measurements=values,
        uncertainties={Quantity.AREA: area_u, Quantity.HEIGHT: height_uncertainty(border)},
        obliquity_deg=oblique,
    )


def _border(foramen: Foramen, index: int, grid: Grid, midline: Midline) -> Border:
    """What the uncertainty of the opening on a section depends on."""
    section, opening = foramen.sections[index], foramen.openings[index]
    # A bridged disc is seal too: where its margin bulges to is not labelled.
    bridge = measure_disc_height(section.parts, section.pixel_mm) if foramen.segment.bridged else None
    in_plane = [s for axis, s in enumerate(grid.spacing_mm) if axis != grid.lateral_axis]
    return Border(
        outline_mm=measure_outline(opening.mask, section.pixel_mm),
        seam_mm=opening.seam_mm + (bridge or 0.0),
        voxel_mm=max(in_plane),
        raggedness_mm=0.0 if midline.raggedness_mm is None else midline.raggedness_mm,
    )


def _measure_section(section: Section, opening: Opening) -> dict[Quantity, float]:
    """Measures of the reported section."""
    mask, pixel = opening.mask, section.pixel_mm
    measured: dict[Quantity, float | None] = {
        Quantity.HEIGHT: measure_height(mask, pixel),
        Quantity.DISC_HEIGHT: measure_disc_height(section.parts, pixel),
        Quantity.SEAL_GAP: opening.gap_mm,
    }
    disc_row = find_disc_row(section.parts, pixel)
    if disc_row is not None:
        lowest = int(np.flatnonzero(mask.any(axis=1))[0])
        measured[Quantity.WIDTH_DISC] = measure_width(mask, disc_row, pixel)
        measured[Quantity.WIDTH_INFERIOR] = measure_width(mask, (disc_row + lowest) // 2, pixel)
    return {quantity: value for quantity, value in measured.items() if value is not None}
