"""A page for one foramen: the section with its findings, the grade with its reasons, and the numbers behind it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes

from foramgrade.findings import Evidence, ForamenAssessment, Quality, Quantity
from foramgrade.plotting.badge import draw_badge
from foramgrade.plotting.files import new_figure, write_figure
from foramgrade.plotting.lettering import (
    SEPARATOR,
    line_height_in,
    shorten,
    text_width_in,
    wrap,
    write_block,
    write_line,
)
from foramgrade.plotting.palette import BLUE, FAT, GREY, HAIRLINE, INK, OPENING, ROOT, Stroke
from foramgrade.plotting.profiles import draw_area_profile, draw_fat_profile
from foramgrade.plotting.section import draw_message, draw_section, find_view, plot_foramen
from foramgrade.plotting.words import SHAPE_WORDS, grade_words, pattern_words, quality_words

#: Size of the page, inch, and its resolution, dots per inch.
PANEL_SIZE_IN = (13.7, 7.0)
PANEL_DPI = 160.0
#: Said on every page.
FOOTNOTE = "Research and teaching only. Not for diagnosis or treatment."

#: Left edge, width and top of the picture and of the column of text beside it, inch.
_PICTURE_IN, _PICTURE_EDGE_IN, _BODY_TOP_IN = 0.3, 5.7, 6.4
_COLUMN_IN, _COLUMN_WIDTH_IN = 8.1, 5.3
#: Base line of the first row of numbers; reasons and caveats end above it, inch.
_NUMBERS_TOP_IN = 3.28
#: Edge and lower end of the two small plots, inch.
_SMALL_EDGE_IN, _SMALL_BOTTOM_IN = 1.45, 0.7
#: Left edge of the column of sections without marks, the edge of each, inch, and how much they show, mm.
_STRIP_IN, _STRIP_EDGE_IN, _STRIP_CROP_MM = 6.2, 1.62, 32.0
#: Sizes of reasons and caveats, pt, the indent behind their titles and the gap between them, inch.
_REASON_PT, _CAVEAT_PT, _INDENT_IN, _PARAGRAPH_IN = 8.5, 7.5, 0.72, 0.08

#: The numbers on the page, in three columns: name, quantity, format with unit.
_NUMBERS = (
    (
        ("Area", Quantity.AREA, "{:.0f} mm²"),
        ("Height", Quantity.HEIGHT, "{:.1f} mm"),
        ("Posterior disc", Quantity.DISC_HEIGHT, "{:.1f} mm"),
        ("Volume", Quantity.VOLUME, "{:.0f} mm³"),
        ("Asymmetry", Quantity.ASYMMETRY, "{:+.2f}"),
    ),
    (
        ("Width superior", Quantity.WIDTH_SUPERIOR, "{:.1f} mm"),
        ("Width at disc", Quantity.WIDTH_DISC, "{:.1f} mm"),
        ("Width inferior", Quantity.WIDTH_INFERIOR, "{:.1f} mm"),
        ("Fat area", Quantity.FAT_AREA, "{:.0f} mm²"),
        ("Fat fraction", Quantity.FAT_FRACTION, "{:.0%}"),
    ),
    (
        ("Root area", Quantity.NERVE_AREA, "{:.1f} mm²"),
        ("Root aspect", Quantity.NERVE_ASPECT, "{:.2f}"),
        ("Root / opening", Quantity.NERVE_OCCUPANCY, "{:.0%}"),
        ("Sealed gap", Quantity.SEAL_GAP, "{:.1f} mm"),
    ),
)


def foramen_figure(assessment: ForamenAssessment, *, case: str = "", dpi: float = PANEL_DPI) -> Figure:
    """Compose the page of one foramen.

    Parameters
    ----------
    assessment : ForamenAssessment
        Whatever is missing in it is said on the page.
    case : str
        Pseudonymous name of the study, for the heading.
    dpi : float
        Resolution, dots per inch; the size in inches is fixed.

    Returns
    -------
    Figure
        Independent of any window; ``write_panel`` writes it to a file.

    Examples
    --------
    >>> from foramgrade.findings import Grade, Level, Policy, Quality, Side
    >>> grade = Grade(None, Policy.FLOOR, None, "No section shows this foramen.")
    >>> figure = foramen_figure(ForamenAssessment(Level("L4", "L5"), Side.LEFT, Quality.NO_SECTION, (), grade))
    >>> [text.get_text() for text in figure.texts][0]
    'L4-L5 left'
    """
    figure = new_figure(*PANEL_SIZE_IN, dpi=dpi)
    _write_heading(figure, assessment, case)
    picture = _axes(figure, _PICTURE_IN, _BODY_TOP_IN - _PICTURE_EDGE_IN, _PICTURE_EDGE_IN)
    plot_foramen(assessment, picture)
    _write_key(figure, picture)
    top = _write_grade(figure, assessment)
    _write_reasons(figure, assessment, top)
    _write_numbers(figure, assessment)
    _draw_strip(figure, assessment)
    _draw_small_plots(figure, assessment)
    write_line(figure, PANEL_SIZE_IN[0] - 0.3, 0.12, FOOTNOTE, size_pt=7, color=GREY, align="right")
    return figure


def write_panel(
    assessment: ForamenAssessment, path: str | os.PathLike[str], *, case: str = "", dpi: float = PANEL_DPI
) -> Path:
    """Write the page of one foramen as PNG, PDF or SVG, chosen by the ending of the file's name.

    Parameters
    ----------
    assessment : ForamenAssessment
        What is drawn.
    path : path
        Ends in .png, .pdf or .svg; its folder exists.
    case : str
        Pseudonymous name of the study.
    dpi : float
        Resolution, dots per inch.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the ending is another one.
    """
    return write_figure(foramen_figure(assessment, case=case, dpi=dpi), path)


def _axes(figure: Figure, x_in: float, y_in: float, edge_in: float, *, polar: bool = False) -> Axes:
    width_in, height_in = PANEL_SIZE_IN
    box = (x_in / width_in, y_in / height_in, edge_in / width_in, edge_in / height_in)
    return figure.add_axes(box, projection="polar" if polar else "rectilinear")


def _write_heading(figure: Figure, assessment: ForamenAssessment, case: str) -> None:
    title = f"{assessment.level.name} {assessment.side.value}"
    top_in = PANEL_SIZE_IN[1] - 0.4
    write_line(figure, _PICTURE_IN, top_in, shorten(title, width_in=5.5, size_pt=17, bold=True), size_pt=17, bold=True)
    if case:
        words = shorten(f"Case {case}", width_in=_COLUMN_WIDTH_IN, size_pt=10)
        write_line(figure, PANEL_SIZE_IN[0] - 0.3, top_in, words, size_pt=10, color=GREY, align="right")


def _write_key(figure: Figure, picture: Axes) -> None:
    """Name the outlines that are drawn, in one line under the picture."""
    shown = {artist.get_gid() for artist in picture.collections}
    x_in, y_in = _PICTURE_IN, _BODY_TOP_IN - _PICTURE_EDGE_IN - 0.22
    for stroke in (stroke for stroke in (OPENING, ROOT, FAT) if stroke.name in shown):
        # On white the pale lines need the dark rim that they have on the image.
        rim = Stroke("", INK, "solid", stroke.width_pt + 1.6)
        for drawn in (rim, stroke):
            line = Line2D(
                [x_in, x_in + 0.42],
                [y_in + 0.045] * 2,
                color=drawn.color,
                linewidth=drawn.width_pt,
                linestyle=drawn.dash,
                marker="",
                solid_capstyle="butt",
                transform=figure.dpi_scale_trans,
            )
            figure.add_artist(line)
        write_line(figure, x_in + 0.5, y_in, stroke.name, size_pt=8)
        x_in += 0.5 + text_width_in(stroke.name, 8) + 0.28


def _write_grade(figure: Figure, assessment: ForamenAssessment) -> float:
    """Write the grade, how sure it is and its sister scales; return where the text below may begin, inch."""
    grade = assessment.grade
    edge_in = 1.0
    draw_badge(figure, _COLUMN_IN, _BODY_TOP_IN - edge_in, edge_in=edge_in, grade=grade)
    x_in = _COLUMN_IN + edge_in + 0.18
    confidence = "" if grade.confidence is None else f"{SEPARATOR}confidence {grade.confidence:.0%}"
    width_in = _COLUMN_WIDTH_IN - edge_in - 0.18
    title = shorten(grade_words(grade), width_in=width_in, size_pt=15, bold=True)
    write_line(figure, x_in, _BODY_TOP_IN - 0.23, title, size_pt=15, bold=True)
    sisters = [
        f"{name} {value}"
        for name, value in (("Sartoretti", grade.sartoretti), ("Wildermuth", grade.wildermuth), ("RSNA", grade.rsna))
        if value is not None
    ]
    shape = ""
    if assessment.findings is not None:
        probability = assessment.findings.root_shape_probability
        shape = SHAPE_WORDS[assessment.findings.root_shape]
        shape += "" if probability is None else f" (probability of a deformed root {probability:.0%})"
    lines = [pattern_words(grade) + confidence, SEPARATOR.join(sisters), shape]
    y_in = _BODY_TOP_IN - 0.47
    for line in (line for line in lines if line):
        words = shorten(line, width_in=width_in, size_pt=8.5)
        write_line(figure, x_in, y_in, words, size_pt=8.5)
        y_in -= 0.19
    return _BODY_TOP_IN - edge_in - 0.16


def _write_reasons(figure: Figure, assessment: ForamenAssessment, top_in: float) -> None:
    """Write reasons and caveats above the numbers: all of the caveats, and as much of the reasons as is left room."""
    sentences = dict.fromkeys(s.strip() for s in (assessment.grade.reason, *assessment.reasons) if s.strip())
    reasons = " ".join(s if s.endswith((".", "!", "?")) else f"{s}." for s in sentences) or "none given"
    caveats = "; ".join(quality_words(assessment.quality)) or "none"
    width_in = _COLUMN_WIDTH_IN - _INDENT_IN
    # There are as many caveats as flags: their full length is bounded, that of the reasons is not.
    lines = len(wrap(caveats, width_in=width_in, size_pt=_CAVEAT_PT, max_lines=len(Quality)))
    room_in = top_in - _PARAGRAPH_IN - lines * line_height_in(_CAVEAT_PT) - (_NUMBERS_TOP_IN + 0.22)
    fit = max(1, int(room_in / line_height_in(_REASON_PT)))
    x_in = _COLUMN_IN + _INDENT_IN
    write_line(figure, _COLUMN_IN, top_in - line_height_in(_REASON_PT), "Reasons", size_pt=7.5, bold=True, color=GREY)
    top_in = write_block(figure, x_in, top_in, reasons, width_in=width_in, size_pt=_REASON_PT, max_lines=fit)
    top_in -= _PARAGRAPH_IN
    write_line(figure, _COLUMN_IN, top_in - line_height_in(_CAVEAT_PT), "Caveats", size_pt=7.5, bold=True, color=GREY)
    write_block(figure, x_in, top_in, caveats, width_in=width_in, size_pt=_CAVEAT_PT, max_lines=lines)


def _write_numbers(figure: Figure, assessment: ForamenAssessment) -> None:
    """Write the measured values in three columns; a missing one is a dash."""
    top_in, step_in, gap_in = _NUMBERS_TOP_IN, 0.165, 0.18
    width_in = (_COLUMN_WIDTH_IN - 2 * gap_in) / 3
    rule = Line2D(
        [_COLUMN_IN, _COLUMN_IN + _COLUMN_WIDTH_IN],
        [top_in + 0.17] * 2,
        color=HAIRLINE,
        linewidth=0.8,
        linestyle="solid",
        marker="",
        transform=figure.dpi_scale_trans,
    )
    figure.add_artist(rule)
    for column, rows in enumerate(_NUMBERS):
        x_in = _COLUMN_IN + column * (width_in + gap_in)
        cells = [(name, _number(assessment, quantity, form)) for name, quantity, form in rows]
        if len(cells) < 5:
            cells.append(("Sections", str(assessment.n_sections)))
        for row, (name, text) in enumerate(cells):
            y_in = top_in - row * step_in
            write_line(figure, x_in, y_in, name, size_pt=8, color=GREY)
            write_line(figure, x_in + width_in, y_in, text, size_pt=8, align="right")


def _number(assessment: ForamenAssessment, quantity: Quantity, form: str) -> str:
    """A measured value in words, with its standard uncertainty where it has one."""
    value = assessment.measurements.get(quantity)
    if value is None:
        return "–"
    number, *unit = form.split(" ")
    uncertain = assessment.uncertainties.get(quantity)
    known = [number.format(value)] if uncertain is None else [number.format(value), "±", number.format(uncertain)]
    return " ".join([*known, *unit]).replace("-", "−")


def _draw_strip(figure: Figure, assessment: ForamenAssessment) -> None:
    """Draw the sections beside this one, and this one, without marks, medial above and lateral below."""
    evidence = assessment.evidence
    pictures: list[tuple[str, Evidence | None]] = [("Medial", None), ("Without marks", evidence), ("Lateral", None)]
    if evidence is not None:
        beside = [None if image is None else replace(evidence, image=image) for image in evidence.beside]
        spacing = "" if not evidence.outlines else f", {evidence.outlines[evidence.chosen].spacing_mm:.1f} mm away"
        pictures = [(f"Medial{spacing}", beside[0]), pictures[1], (f"Lateral{spacing}", beside[1])]
    step_in = (_PICTURE_EDGE_IN - _STRIP_EDGE_IN) / (len(pictures) - 1)
    for number, (title, shown) in enumerate(pictures):
        bottom_in = _BODY_TOP_IN - _STRIP_EDGE_IN - number * step_in
        middle_in = _STRIP_IN + _STRIP_EDGE_IN / 2
        write_line(figure, middle_in, bottom_in + _STRIP_EDGE_IN + 0.06, title, size_pt=7, color=GREY, align="center")
        ax = _axes(figure, _STRIP_IN, bottom_in, _STRIP_EDGE_IN)
        if evidence is None:
            draw_message(ax, ["no section"], size_pt=7.5)
        elif shown is None or shown.image is None:
            draw_message(ax, ["no image"] if evidence.image is None else ["not sampled"], size_pt=7.5)
        else:
            draw_section(ax, shown, find_view(evidence, crop_mm=_STRIP_CROP_MM, room_mm=4.0))


def _draw_small_plots(figure: Figure, assessment: ForamenAssessment) -> None:
    """Draw the fat around the root and the area along the foramen, side by side."""
    edge_in, bottom_in = _SMALL_EDGE_IN, _SMALL_BOTTOM_IN
    dial_in, area_in = _COLUMN_IN + 0.55, _COLUMN_IN + _COLUMN_WIDTH_IN - edge_in - 0.4
    titles = ("Fat around the root, mm", "Area by section, mm²")
    for x_in, title in zip((dial_in, area_in), titles, strict=True):
        write_line(figure, x_in + edge_in / 2, bottom_in + edge_in + 0.24, title, size_pt=7, color=GREY, align="center")
    evidence = assessment.evidence
    if evidence is None:
        for x_in in (dial_in, area_in):
            draw_message(_axes(figure, x_in, bottom_in, edge_in), ["no section"], size_pt=7.5)
        return
    if evidence.profile_mm is None or evidence.profile_mm.size == 0:
        draw_message(_axes(figure, dial_in, bottom_in, edge_in), ["not read"], size_pt=7.5)
    else:
        dial = _axes(figure, dial_in, bottom_in, edge_in, polar=True)
        draw_fat_profile(cast(PolarAxes, dial), evidence, assessment.findings)
    areas = _axes(figure, area_in, bottom_in, edge_in)
    if evidence.areas_mm2.size == 0:
        draw_message(areas, ["not measured"], size_pt=7.5)
        return
    draw_area_profile(areas, evidence, side=assessment.side)
    x_in, y_in = area_in + edge_in / 2, bottom_in - 0.33
    write_line(figure, x_in, y_in, "mm, medial → lateral", size_pt=7, color=GREY, align="center")
    if any(line.get_gid() == "this section" for line in areas.lines):
        y_in = bottom_in + edge_in + 0.04
        write_line(figure, area_in + edge_in, y_in, "◆ this section", size_pt=7, color=BLUE, align="right")
