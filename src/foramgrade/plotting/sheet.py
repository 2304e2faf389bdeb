"""One page for a study: a row per level, the patient's right on the viewer's left, the worst grade in the heading."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from foramgrade.errors import InputError
from foramgrade.findings import ForamenAssessment, Level, Quantity, Side
from foramgrade.grader.wording import name_grade
from foramgrade.plotting.badge import draw_badge
from foramgrade.plotting.files import new_figure, write_figure
from foramgrade.plotting.lettering import SEPARATOR, shorten, write_block, write_line
from foramgrade.plotting.palette import GREY, HAIRLINE, INK
from foramgrade.plotting.panel import FOOTNOTE
from foramgrade.plotting.section import draw_message, draw_outlines, draw_section, find_view
from foramgrade.plotting.words import lost_words, quality_words, severity_words, why_missing
from foramgrade.tables import StudyAssessment

#: Resolution, dots per inch.
SHEET_DPI = 150.0
#: Edge of the square shown of every foramen, mm.
SHEET_CROP_MM = 36.0
#: A heading names at most this many foramina with the worst grade.
MAX_NAMED = 2
#: Lines below the area in one cell: why there is no grade, then the caveats.
MAX_LINES = 6

#: Width of the page, heights of a row, of the heading and of the foot, edge of a crop, inch.
_WIDTH_IN, _ROW_IN, _HEAD_IN, _FOOT_IN, _CROP_IN = 9.0, 1.98, 1.3, 0.36, 1.82
#: Left edge of the text and of the crop of either side, inch: mirrored about the names of the levels.
_TEXT_IN = {Side.RIGHT: 0.3, Side.LEFT: 6.9}
_CROP_LEFT_IN = {Side.RIGHT: 2.24, Side.LEFT: 4.94}
_TEXT_WIDTH_IN = 1.8


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a foramen stands on the page: left edges of text and crop, lower edge of the row, inch."""

    text_in: float
    crop_in: float
    bottom_in: float


def worst_words(study: StudyAssessment) -> str:
    """Worst grade of a study and where it is, as the heading says it.

    Examples
    --------
    >>> from foramgrade.findings import Grade, Policy, Quality
    >>> two = ForamenAssessment(Level("L4", "L5"), Side.LEFT, Quality(0), (), Grade(2, Policy.FLOOR, True, ""))
    >>> worst_words(StudyAssessment("case-1", (two,), "T1", "spider", "0.1.0"))
    'Worst: L4-L5 left, Lee 2'
    """
    grades = [f.grade.lee for f in study.foramina if f.grade.lee is not None]
    without = len(study.foramina) - len(grades)
    tail = f" ({without} not gradable)" if without else ""
    if not grades:
        return "No foramen gradable"
    worst = max(grades)
    name = name_grade(worst, study.foramina[0].grade.criteria)
    if worst == 0:
        return f"{name} in all {len(grades)} graded foramina{tail}" if len(grades) > 1 else f"{name}{tail}"
    names = [f"{f.level.name} {f.side.value}" for f in study.foramina if f.grade.lee == worst]
    if len(names) > MAX_NAMED:
        names = [", ".join(names[:MAX_NAMED]), f"{len(names) - MAX_NAMED} more"]
    return f"Worst: {' and '.join(names)}, {name}{tail}"


def plot_study(study: StudyAssessment, *, dpi: float = SHEET_DPI) -> Figure:
    """Compose the sheet of a study: levels from top to bottom, the patient's right on the viewer's left.

    Parameters
    ----------
    study : StudyAssessment
        At least one foramen. A level without one of its sides has an empty cell that says so.
    dpi : float
        Resolution, dots per inch. The page is 9 inches wide; every level adds a row of the same height.

    Returns
    -------
    Figure
        Independent of any window; ``write_sheet`` writes it to a file.

    Raises
    ------
    InputError
        If the study has no foramen or the same level and side twice.
    """
    cells = _cells(study)
    levels = list(dict.fromkeys(level for level, _ in cells))
    figure = new_figure(_WIDTH_IN, _HEAD_IN + _ROW_IN * len(levels) + _FOOT_IN, dpi=dpi)
    _write_heading(figure, study)
    graded = [f.grade.lee for f in study.foramina if f.grade.lee]
    worst = max(graded, default=None)
    for row, level in enumerate(levels):
        bottom_in = figure.get_figheight() - _HEAD_IN - (row + 1) * _ROW_IN
        _rule(figure, bottom_in + _ROW_IN)
        name = shorten(level.name, width_in=0.8, size_pt=10, bold=True)
        write_line(figure, _WIDTH_IN / 2, bottom_in + _ROW_IN / 2, name, size_pt=10, bold=True, align="center")
        for side in Side:
            cell = _Cell(_TEXT_IN[side], _CROP_LEFT_IN[side], bottom_in)
            foramen = cells.get((level, side))
            if foramen is None:
                write_line(figure, cell.text_in, bottom_in + _ROW_IN / 2, "not assessed", size_pt=8, color=GREY)
                continue
            _draw_crop(figure, cell, foramen, worst=worst is not None and foramen.grade.lee == worst)
            _write_cell(figure, cell, foramen)
    _write_foot(figure)
    return figure


def write_sheet(study: StudyAssessment, path: str | os.PathLike[str], *, dpi: float = SHEET_DPI) -> Path:
    """Write the sheet of a study as PNG, PDF or SVG, chosen by the ending of the file's name.

    Parameters
    ----------
    study : StudyAssessment
        What is drawn.
    path : path
        Ends in .png, .pdf or .svg; its folder exists.
    dpi : float
        Resolution, dots per inch.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the ending is another one, or the study cannot be laid out.
    """
    return write_figure(plot_study(study, dpi=dpi), path)


def _cells(study: StudyAssessment) -> Mapping[tuple[Level, Side], ForamenAssessment]:
    if not study.foramina:
        msg = f"a sheet needs at least one foramen, study '{study.case}' has none"
        raise InputError(msg)
    cells = {(foramen.level, foramen.side): foramen for foramen in study.foramina}
    if len(cells) < len(study.foramina):
        msg = (
            f"a sheet shows every level and side once, study '{study.case}' has {len(study.foramina)} foramina "
            f"on {len(cells)} places"
        )
        raise InputError(msg)
    return cells


def _rule(figure: Figure, y_in: float) -> None:
    line = Line2D(
        [0.3, _WIDTH_IN - 0.3],
        [y_in] * 2,
        color=HAIRLINE,
        linewidth=0.8,
        linestyle="solid",
        marker="",
        transform=figure.dpi_scale_trans,
    )
    figure.add_artist(line)


def _write_heading(figure: Figure, study: StudyAssessment) -> None:
    top_in, width_in = figure.get_figheight(), _WIDTH_IN - 0.6
    title = shorten(f"Case {study.case}", width_in=width_in, size_pt=10)
    write_line(figure, 0.3, top_in - 0.32, title, size_pt=10, color=GREY)
    worst = shorten(worst_words(study), width_in=width_in, size_pt=14, bold=True)
    write_line(figure, 0.3, top_in - 0.62, worst, size_pt=14, bold=True).set_gid("worst")
    facts = SEPARATOR.join(
        (f"sequence {study.sequence or 'unknown'}", f"label scheme {study.scheme}", f"foramgrade {study.version}")
    )
    write_line(figure, 0.3, top_in - 0.85, shorten(facts, width_in=width_in, size_pt=8), size_pt=8, color=GREY)
    for side in Side:
        left_in = min(_TEXT_IN[side], _CROP_LEFT_IN[side])
        middle_in = left_in + (_CROP_IN + _TEXT_WIDTH_IN) / 2 + 0.07
        write_line(figure, middle_in, top_in - 1.2, side.value.capitalize(), size_pt=11, bold=True, align="center")


def _write_foot(figure: Figure) -> None:
    edge = f"{SHEET_CROP_MM:.0f}"
    note = f"Crops {edge} x {edge} mm, anterior on the viewer's left. Thick frame: worst grade."
    _rule(figure, _FOOT_IN)
    write_line(figure, 0.3, 0.14, note, size_pt=7, color=GREY)
    write_line(figure, _WIDTH_IN - 0.3, 0.14, FOOTNOTE, size_pt=7, color=GREY, align="right")


def _draw_crop(figure: Figure, cell: _Cell, foramen: ForamenAssessment, *, worst: bool) -> None:
    bottom_in = cell.bottom_in + (_ROW_IN - _CROP_IN) / 2
    height_in = figure.get_figheight()
    ax = figure.add_axes((cell.crop_in / _WIDTH_IN, bottom_in / height_in, _CROP_IN / _WIDTH_IN, _CROP_IN / height_in))
    ax.set_gid(f"crop {foramen.name}")
    if foramen.evidence is None:
        draw_message(ax, [why_missing(foramen)], size_pt=7.5)
    else:
        view = find_view(foramen.evidence, crop_mm=SHEET_CROP_MM)
        draw_section(ax, foramen.evidence, view)
        draw_outlines(ax, foramen.evidence, view, fat=False)
    if worst:
        frame = Rectangle(
            (cell.crop_in, bottom_in),
            _CROP_IN,
            _CROP_IN,
            transform=figure.dpi_scale_trans,
            facecolor="none",
            edgecolor=INK,
            linewidth=3.2,
            linestyle="solid",
        )
        frame.set_gid("worst frame")
        figure.add_artist(frame)


def _write_cell(figure: Figure, cell: _Cell, foramen: ForamenAssessment) -> None:
    """Write grade, area, lost borders and caveats of one foramen beside its crop."""
    grade, edge_in, width_in = foramen.grade, 0.62, _TEXT_WIDTH_IN
    top_in = cell.bottom_in + _ROW_IN - 0.09
    draw_badge(figure, cell.text_in, top_in - edge_in, edge_in=edge_in, grade=grade)
    beside_in = cell.text_in + edge_in + 0.1
    write_line(figure, beside_in, top_in - 0.25, severity_words(grade), size_pt=9.5, bold=True)
    if grade.confidence is not None:
        write_line(figure, beside_in, top_in - 0.43, f"confidence {grade.confidence:.0%}", size_pt=7.5, color=GREY)
    area = foramen.measurements.get(Quantity.AREA)
    size = "no area" if area is None else f"{area:.0f} mm²"
    line = shorten(f"{size}{SEPARATOR}{lost_words(foramen)}", width_in=width_in, size_pt=8)
    write_line(figure, cell.text_in, top_in - edge_in - 0.2, line, size_pt=8)
    below_in = top_in - edge_in - 0.27
    caveats = quality_words(foramen.quality)
    lines = MAX_LINES
    if grade.lee is None and why_missing(foramen) not in caveats:
        why = grade.reason.removeprefix("Not gradable: ")
        below_in = write_block(figure, cell.text_in, below_in, why, width_in=width_in, size_pt=7.5, max_lines=3)
        lines -= 3
    if caveats:
        text = f"⚠ {'; '.join(caveats)}"
        write_block(figure, cell.text_in, below_in, text, width_in=width_in, size_pt=7.5, max_lines=lines)
