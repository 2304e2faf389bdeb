"""The graded section of one foramen, drawn on the Axes it is given.

Data coordinates of the Axes are millimetres in the level's own frame, (anterior, superior), from the crop's centre.
The horizontal axis is reversed: anterior is on the viewer's left, superior on top, as sagittal images are read.
"""

from dataclasses import dataclass

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from foramgrade.arrays import FloatArray
from foramgrade.errors import InputError
from foramgrade.findings import Evidence, ForamenAssessment, Side
from foramgrade.plotting.borders import draw_border_labels, draw_sectors
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.lettering import font, line_height_in, wrap
from foramgrade.plotting.palette import FAT, GREY, GROUND, OPENING, ROOT, Stroke
from foramgrade.plotting.words import why_missing

#: Edge of the crop around the opening, mm.
CROP_MM = 45.0
#: Room for the labels of the borders around the opening, both sides together, mm: a taller opening enlarges the crop.
LABEL_ROOM_MM = 17.0
#: Length of the scale bar, mm.
SCALE_BAR_MM = 10.0
#: Percentiles of the crop that are shown black and white.
WINDOW_PERCENT = (1.0, 99.5)
#: Greys of the label map where there is no image: unlabelled, upper vertebra, lower vertebra, disc, canal.
_PART_GREYS = ListedColormap(["#262626", "#A8A8A8", "#8A8A8A", "#6C6C6C", "#404040"])


@dataclass(frozen=True, slots=True)
class View:
    """A square window on a section.

    Parameters
    ----------
    superior_px, anterior_px : float
        Centre of the window, pixel index along the two axes of the evidence.
    half_mm : float
        Half the edge of the window, mm.
    """

    superior_px: float
    anterior_px: float
    half_mm: float


def find_view(evidence: Evidence, *, crop_mm: float = CROP_MM, room_mm: float = 0.0) -> View:
    """Window centred on the opening, or on the section where there is no opening.

    Parameters
    ----------
    evidence : Evidence
        The section.
    crop_mm : float
        Edge of the window, mm.
    room_mm : float
        The window grows where the opening and this much more, mm, do not fit into it.

    Raises
    ------
    InputError
        If `crop_mm` is not positive.
    """
    if not crop_mm > 0:
        msg = f"the edge of the crop must be a positive length in mm, found {crop_mm}"
        raise InputError(msg)
    rows, columns = np.nonzero(evidence.opening)
    if rows.size == 0:
        height, width = evidence.opening.shape
        return View((height - 1) / 2, (width - 1) / 2, crop_mm / 2)
    longest_mm = (max(np.ptp(rows), np.ptp(columns)) + 1) * evidence.pixel_mm
    return View(
        float(rows.min() + rows.max()) / 2,
        float(columns.min() + columns.max()) / 2,
        max(crop_mm, float(longest_mm) + room_mm) / 2,
    )


def axes_mm(evidence: Evidence, view: View) -> tuple[FloatArray, FloatArray]:
    """Positions of the pixel columns (anterior) and rows (superior) from the centre of the window, mm."""
    height, width = evidence.opening.shape
    anterior = (np.arange(width, dtype=float) - view.anterior_px) * evidence.pixel_mm
    superior = (np.arange(height, dtype=float) - view.superior_px) * evidence.pixel_mm
    return anterior, superior


def plot_foramen(
    assessment: ForamenAssessment,
    ax: Axes | None = None,
    *,
    crop_mm: float = CROP_MM,
    borders: bool = True,
    size_pt: float = 8.0,
) -> Axes:
    """Draw the graded section of one foramen with its outlines and what is left of the fat at each border.

    Parameters
    ----------
    assessment : ForamenAssessment
        With evidence; without, the Axes say why there is nothing to show.
    ax : Axes or None
        Where to draw; None makes a figure of its own, reachable as ``ax.figure``.
    crop_mm : float
        Edge of the shown square, mm; a taller opening enlarges it.
    borders : bool
        Whether to label the four borders with fat and state, and to draw the lines between their sectors.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        In mm, (anterior, superior), reversed along anterior.

    Raises
    ------
    InputError
        If `crop_mm` is not positive.

    Examples
    --------
    >>> from foramgrade.findings import Grade, Level, Policy, Quality
    >>> grade = Grade(None, Policy.FLOOR, None, "No section shows this foramen.")
    >>> bare = ForamenAssessment(Level("L4", "L5"), Side.LEFT, Quality.NO_SECTION, (), grade)
    >>> [text.get_text() for text in plot_foramen(bare).texts]
    ['No section to show:', 'no section between the pedicles']
    """
    if ax is None:
        ax = new_figure(5.6, 5.6, dpi=160).add_axes((0.0, 0.0, 1.0, 1.0))
    evidence = assessment.evidence
    if evidence is None:
        draw_message(ax, ["No section to show:", why_missing(assessment)], size_pt=size_pt + 1)
        return ax
    view = find_view(evidence, crop_mm=crop_mm, room_mm=LABEL_ROOM_MM if borders else 0.0)
    draw_section(ax, evidence, view)
    draw_outlines(ax, evidence, view)
    draw_orientation(ax, assessment.side, size_pt=size_pt + 1)
    draw_scale_bar(ax, view, size_pt=size_pt)
    if borders:
        anterior, superior = axes_mm(evidence, view)
        draw_sectors(ax, evidence, anterior, superior)
        draw_border_labels(ax, evidence, assessment.findings, anterior, superior, size_pt=size_pt)
    notes = _notes(assessment, evidence)
    if notes:
        _note(ax, notes, size_pt=size_pt)
    return ax


def draw_section(ax: Axes, evidence: Evidence, view: View) -> None:
    """Show the image, or the labels in greys where there is none, in a window of robust brightness."""
    _bare(ax)
    ax.set_xlim(view.half_mm, -view.half_mm)
    ax.set_ylim(-view.half_mm, view.half_mm)
    ax.set_aspect("equal", adjustable="box")
    anterior, superior = axes_mm(evidence, view)
    half_px = evidence.pixel_mm / 2
    extent = (anterior[0] - half_px, anterior[-1] + half_px, superior[0] - half_px, superior[-1] + half_px)
    # imshow() would reset limits and aspect of the Axes to its own; the limits above are what the reader is told.
    if evidence.image is None:
        shown = ax.imshow(
            evidence.parts, origin="lower", extent=extent, cmap=_PART_GREYS, vmin=0, vmax=4, interpolation="nearest"
        )
    else:
        rows = np.abs(superior) <= view.half_mm + evidence.pixel_mm
        columns = np.abs(anterior) <= view.half_mm + evidence.pixel_mm
        black, white = find_window(evidence.image[np.ix_(rows, columns)])
        shown = ax.imshow(
            evidence.image, origin="lower", extent=extent, cmap="gray", vmin=black, vmax=white, interpolation="bilinear"
        )
    shown.set_gid("section")
    ax.set_xlim(view.half_mm, -view.half_mm)
    ax.set_ylim(-view.half_mm, view.half_mm)


def find_window(image: FloatArray) -> tuple[float, float]:
    """Intensities shown black and white: percentiles of the finite pixels, never equal.

    Examples
    --------
    >>> find_window(np.full((4, 4), 7.0))
    (6.5, 7.5)
    """
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 1.0
    black, white = (float(value) for value in np.percentile(finite, WINDOW_PERCENT))
    return (black, white) if white > black else (black - 0.5, white + 0.5)


def draw_outlines(ax: Axes, evidence: Evidence, view: View, *, fat: bool = True) -> None:
    """Draw opening, root and fat as thin lines of their own colour and dash."""
    anterior, superior = axes_mm(evidence, view)
    if fat and evidence.fat is not None:
        _outline(ax, anterior, superior, evidence.fat, FAT)
    _outline(ax, anterior, superior, evidence.opening.astype(float), OPENING)
    if evidence.root is not None:
        _outline(ax, anterior, superior, evidence.root.astype(float), ROOT)


def _outline(ax: Axes, anterior: FloatArray, superior: FloatArray, mask: FloatArray, stroke: Stroke) -> None:
    """Outline where a mask or fraction passes one half; closed also where it reaches the edge of the array."""
    if not (mask >= 0.5).any():
        return
    step = anterior[1] - anterior[0] if anterior.size > 1 else 1.0
    lines = ax.contour(
        np.concatenate([anterior[:1] - step, anterior, anterior[-1:] + step]),
        np.concatenate([superior[:1] - step, superior, superior[-1:] + step]),
        np.pad(mask, 1),
        levels=[0.5],
        colors=[stroke.color],
        linewidths=[stroke.width_pt],
        linestyles=[stroke.dash],
    )
    lines.set_gid(stroke.name)
    lines.set_path_effects([effects.withStroke(linewidth=stroke.width_pt + 0.9, foreground=(0.0, 0.0, 0.0, 0.55))])


def draw_orientation(ax: Axes, side: Side, *, size_pt: float) -> None:
    """Write A left, P right, S on top, I at the bottom, and the patient's side in words."""
    places = {"A": (0.018, 0.5), "P": (0.982, 0.5), "S": (0.5, 0.978), "I": (0.5, 0.022)}
    for letter, (x, y) in places.items():
        ha = "left" if x < 0.1 else "right" if x > 0.9 else "center"
        va = "bottom" if y < 0.1 else "top" if y > 0.9 else "center"
        _mark(ax, x, y, letter, ha=ha, va=va, size_pt=size_pt)
    words = f"{side.value[0].upper()}: patient's {side.value} side"
    _mark(ax, 0.018, 0.978, words, ha="left", va="top", size_pt=size_pt)


def draw_scale_bar(ax: Axes, view: View, *, size_pt: float) -> None:
    """Draw a bar of 10 mm in the lower right corner, on the posterior side."""
    edge, thick = 0.04 * 2 * view.half_mm, 0.008 * 2 * view.half_mm
    x, y = -view.half_mm + edge, -view.half_mm + edge
    bar = Rectangle((x, y), SCALE_BAR_MM, thick, facecolor="white", edgecolor="black", linewidth=0.6)
    bar.set_gid("scale bar")
    ax.add_patch(bar)
    fraction = 1 - (edge + SCALE_BAR_MM / 2) / (2 * view.half_mm)
    _mark(ax, fraction, 0.06, f"{SCALE_BAR_MM:.0f} mm", ha="center", va="bottom", size_pt=size_pt)


def draw_message(ax: Axes, sentences: list[str], *, size_pt: float, max_lines: int = 4) -> None:
    """Say in the middle of empty Axes why there is nothing to see."""
    _bare(ax, ground="#F2F2F2")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    width_in, height_in = _size_in(ax)
    lines = [
        line
        for sentence in sentences
        for line in wrap(sentence, width_in=width_in - 0.2, size_pt=size_pt, max_lines=max_lines)
    ]
    step = line_height_in(size_pt) / height_in
    for number, line in enumerate(lines):
        y = 0.5 + (len(lines) / 2 - number - 0.5) * step
        ax.text(0.5, y, line, fontproperties=font(size_pt), color=GREY, ha="center", va="center", parse_math=False)


def _notes(assessment: ForamenAssessment, evidence: Evidence) -> str:
    """Say in one sentence what is missing in the picture; empty when nothing is."""
    if evidence.image is None:
        return "No image here: the labels are shown in grey."
    if not evidence.opening.any():
        return f"Opening not measured: {why_missing(assessment)}"
    if assessment.findings is None:
        return f"Perineural fat not read: {why_missing(assessment)}"
    return ""


def _note(ax: Axes, sentence: str, *, size_pt: float) -> None:
    width_in, height_in = _size_in(ax)
    lines = wrap(sentence, width_in=0.34 * width_in, size_pt=size_pt, max_lines=5, bold=True)
    step = line_height_in(size_pt) / height_in
    for number, line in enumerate(lines, start=1):
        _mark(ax, 0.018, 0.022 + (len(lines) - number) * step, line, ha="left", va="bottom", size_pt=size_pt)


def _mark(ax: Axes, x: float, y: float, words: str, *, ha: str, va: str, size_pt: float) -> None:
    """White text with a dark rim, placed in fractions of the Axes."""
    ax.text(
        x,
        y,
        words,
        transform=ax.transAxes,
        fontproperties=font(size_pt, bold=True),
        color="white",
        ha=ha,
        va=va,
        parse_math=False,
        path_effects=[effects.withStroke(linewidth=1.8, foreground="black")],
    )


def _size_in(ax: Axes) -> tuple[float, float]:
    """Width and height of the Axes, inch."""
    box = ax.get_window_extent()
    dpi = ax.figure.dpi
    return box.width / dpi, box.height / dpi


def _bare(ax: Axes, *, ground: str = GROUND) -> None:
    """Axes without ticks, frame or margins, whatever the user's own style says."""
    ax.set_facecolor(ground)
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
