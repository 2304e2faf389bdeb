"""Looking for a foramen: which sections of a side show it, and along which course it runs."""

from collections.abc import Sequence

import numpy as np

from foramgrade.anatomy.frame import Frame
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Side
from foramgrade.geometry.opening import Opening, Unclosed, find_opening
from foramgrade.geometry.planes import Raster, Section, Sheet, is_thick, place_sheets
from foramgrade.geometry.profile import SAME_FORAMEN_RATIO, find_longest_run
from foramgrade.geometry.sampling import PartSampler
from foramgrade.volume import Grid

#: With fewer sections than this the smallest one is a matter of luck.
FEWEST_SECTIONS = 2

#: A foramen that seems to run forwards or upwards by more than this on each mm sideways has been misread.
STEEPEST_COURSE = 0.8

#: Foramina are first looked for on every third pixel of a section.
COARSE = 3

#: Room around a foramen that was seen roughly, mm: what tells its pedicles and its ring.
WINDOW_ROOM_MM = 13.0


def find_openings(
    sampler: PartSampler, grid: Grid, raster: Raster, side: Side, *, seal_limit_mm: float
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
    Every sheet is first looked at in pixels three times as large; only those from the first to the last that show a
    foramen there are looked at closely, and their neighbours too where fewer than two are closed. On thick slices that
    look also tells the foramen's course.
    """
    rough = raster.every(COARSE)
    sheets = place_sheets(grid, rough, side)
    seen = _look(sampler, rough, sheets, seal_limit_mm, rough=True)
    closed = keep_closed([found[1:] for found in seen])
    if not closed:  # too fine for a rough look, or not there: every sheet is looked at closely
        return [found[1:] for found in _look(sampler, raster, place_sheets(grid, raster, side), seal_limit_mm)]
    # A single one may lie beside the foramen's own sheet, which rough pixels hide where it is narrow.
    beside = 1 if len(closed) < FEWEST_SECTIONS else 0
    near = range(max(seen[0][0] - beside, 0), min(seen[-1][0] + beside + 1, len(sheets)))
    window = _window(raster, [opening.mask for _, opening in closed])
    courses = [(0.0, 0.0)]
    if is_thick(grid) and any(course := fit_course(closed, raster.frame)):
        courses.insert(0, course)
    found: list[tuple[Section, Opening | Unclosed]] = []
    for course in courses:
        placed = place_sheets(grid, window, side, course=course)
        found = [one[1:] for one in _look(sampler, window, [placed[n] for n in near], seal_limit_mm)]
        if keep_closed(found):
            break
    return found


def keep_closed(found: Sequence[tuple[Section, Opening | Unclosed]]) -> list[tuple[Section, Opening]]:
    """The unbroken run of sections with a closed ring; one that is whole is preferred to one that leaves the map."""
    closed = [(section, opening) for section, opening in found if isinstance(opening, Opening)]
    kept = [pair for pair in closed if not pair[1].cut] or closed
    if not kept:
        return []
    offsets = np.array([section.offset_mm for section, _ in kept])
    return kept[find_longest_run(offsets, kept[0][0].spacing_mm)]


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
    areas = np.array([opening.mask.sum() for _, opening in closed], dtype=float)
    return course_through(frame.to_frame(np.array([s.centre_mm(o.mask) for s, o in closed])), areas)


def course_through(centres_mm: FloatArray, areas: FloatArray) -> tuple[float, float]:
    """Direction of the line through the centres of sections; see `fit_course`.

    Parameters
    ----------
    centres_mm : (M, 3) float array
        Frame coordinates of the centres, mm.
    areas : (M,) float array
        Areas, in any unit.

    Returns
    -------
    tuple of two floats
        Displacement towards anterior and towards superior on each mm to the patient's right.
    """
    same = centres_mm[areas <= SAME_FORAMEN_RATIO * areas.min()]
    across = same[:, 0] - same[:, 0].mean()
    if len(same) < FEWEST_SECTIONS or not across.any():
        return 0.0, 0.0
    forward, upward = across @ same[:, 1:] / (across @ across)
    return (float(forward), float(upward)) if np.hypot(forward, upward) <= STEEPEST_COURSE else (0.0, 0.0)


def widen(section: Section, opening: Opening, sampler: PartSampler, raster: Raster) -> tuple[Section, Opening]:
    """A section and its opening on the whole raster, as stages that look around a foramen need it.

    Parameters
    ----------
    section, opening : Section, Opening
        On a box of the raster.
    sampler, raster : PartSampler, Raster
        The level's.

    Returns
    -------
    Section, Opening
        The same, wider.
    """
    mask, sheet = spread_mask(section, opening.mask, raster)
    return sampler.cut(raster, sheet), Opening(mask, opening.gap_mm, opening.cut, opening.seam_mm)


def spread_mask(section: Section, mask: BoolArray, raster: Raster) -> tuple[BoolArray, Sheet]:
    """A mask of a section on the whole raster.

    Parameters
    ----------
    section : Section
        On a box of the raster, or on all of it.
    mask : (h, w) bool array
        On the section.
    raster : Raster
        The whole raster, H by W.

    Returns
    -------
    (H, W) bool array
        The mask, False outside the section.
    Sheet
        The section's sheet with the whole raster's first pixel.
    """
    row, column = (
        int(np.searchsorted(whole, piece[0] - raster.pixel_mm / 2))
        for whole, piece in ((raster.superior_mm, section.superior_mm), (raster.anterior_mm, section.anterior_mm))
    )
    old = section.sheet
    origin = old.origin_mm - row * old.row_mm - column * old.column_mm
    result = np.zeros((len(raster.superior_mm), len(raster.anterior_mm)), bool)
    result[row : row + mask.shape[0], column : column + mask.shape[1]] = mask
    return result, Sheet(old.offset_mm, old.spacing_mm, origin, old.row_mm, old.column_mm)


def _look(
    sampler: PartSampler, raster: Raster, sheets: Sequence[Sheet], seal_limit_mm: float, *, rough: bool = False
) -> list[tuple[int, Section, Opening | Unclosed]]:
    """Sheets between the two pedicles, by their numbers, with what was found on them."""
    sections = ((n, sampler.cut(raster, sheet)) for n, sheet in enumerate(sheets))
    found = ((n, section, find_opening(section, seal_limit_mm=seal_limit_mm, rough=rough)) for n, section in sections)
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
