"""Plots of agreement: counted pairs of grades, differences over means, coefficients with their intervals.

All of them take plain numbers and names of readers; none shows a case or a patient.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator

from foramgrade.arrays import FloatArray
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.lettering import font, shorten, text_width_in
from foramgrade.plotting.palette import BLUE, GREY, HAIRLINE, INK, VERMILLION

#: Resolution of the figures, dots per inch.
DPI = 200.0
#: White to the blue of the palette: brightness falls with the share, so that grey print keeps the order.
SHARES = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", BLUE])
#: Sign of a negative number, as wide as a plus.
MINUS = "\N{MINUS SIGN}"
#: Edge of a cell of a confusion matrix, inch.
_CELL_IN = 0.62
#: Share above which the text in a cell is white.
_DARK = 0.55
#: A forest has so many inches per row, and below them.
_ROW_IN, _BELOW_IN = 0.2, 0.48


def draw_confusion(
    ax: Axes,
    counts: npt.NDArray[np.int64],
    categories: Sequence[str],
    *,
    first: str,
    second: str,
    size_pt: float = 8.0,
) -> Axes:
    """Draw the counted pairs of grades of two readers.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    counts : (K, K) int array
        Rows are the grades of the first reader.
    categories : sequence of str
        Names of the K grades.
    first, second : str
        Names of the readers.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        The shade of a cell is its share of the row; count and share stand in it. The diagonal is framed.
    """
    size = len(categories)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(totals > 0, totals, 1)
    ax.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect="equal", origin="upper")
    for row, column in np.ndindex(size, size):
        dark = shares[row, column] > _DARK
        colour = "#FFFFFF" if dark else INK if counts[row, column] else GREY
        share = f"\n{_percent(float(shares[row, column]))}" if counts[row, column] else ""
        ax.text(
            column,
            row,
            f"{counts[row, column]}{share}",
            ha="center",
            va="center",
            color=colour,
            fontproperties=font(size_pt, bold=row == column),
            linespacing=1.25,
        ).set_gid(f"cell {row} {column}")
    for place in range(size):
        ax.add_patch(Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.0))
    ax.set_xticks(range(size), categories)
    ax.set_yticks(range(size), [f"{name}\n(n={int(n)})" for name, n in zip(categories, totals[:, 0], strict=True)])
    _label(ax, f"Grade by {second}", f"Grade by {first}", size_pt)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set(visible=True, color=GREY, linewidth=0.8)
    return ax


def draw_bland_altman(
    ax: Axes,
    first: FloatArray,
    second: FloatArray,
    *,
    lines: Sequence[tuple[float, float, float]],
    names: tuple[str, str],
    unit: str = "mm²",
    size_pt: float = 8.0,
) -> Axes:
    """Draw differences of two readers over their means.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    first, second : (N,) float arrays
        Measurements of the same foramina.
    lines : sequence of three (value, low, high)
        Lower limit, bias and upper limit, each with its interval.
    names : tuple of two str
        Names of the readers.
    unit : str
        Of the measurements.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        Points, the three lines with their intervals as bands, and their values on the right.
    """
    means, differences = (first + second) / 2, second - first
    ax.axhline(0.0, color=HAIRLINE, linewidth=0.8)
    (points,) = ax.plot(means, differences, "o", color=GREY, markersize=2.6, markeredgewidth=0, alpha=0.65)
    points.set_gid("pairs")
    for (value, low, high), dash, colour in zip(
        lines, ("dashed", "solid", "dashed"), (VERMILLION, BLUE, VERMILLION), strict=True
    ):
        ax.axhspan(low, high, facecolor=colour, alpha=0.15, linewidth=0)
        ax.axhline(value, color=colour, linestyle=dash, linewidth=1.1)
    ends = [*differences, 0.0, *(end for line in lines for end in line)]
    margin = 0.06 * max(max(ends) - min(ends), 1e-9)
    ax.set_ylim(min(ends) - margin, max(ends) + margin)
    right = ax.secondary_yaxis("right")
    right.set_yticks([value for value, _, _ in lines], [f"{value:+.1f}".replace("-", MINUS) for value, _, _ in lines])
    right.tick_params(length=0, pad=3)
    for label, colour in zip(right.get_yticklabels(), (VERMILLION, BLUE, VERMILLION), strict=True):
        label.set(color=colour)
        label.set_fontproperties(font(size_pt, bold=True))
    for spine in right.spines.values():
        spine.set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    room_in = 0.7 * ax.figure.get_figure(root=True).get_figheight()
    gap = shorten(f"{names[1]} {MINUS} {names[0]}", width_in=room_in, size_pt=size_pt)
    _label(ax, f"Mean of the two, {unit}", f"{gap}, {unit}", size_pt)
    _open_axes(ax)
    return ax


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One coefficient of a forest plot.

    Parameters
    ----------
    label : str
        What it is of; a row without value is a heading.
    value, low, high : float or None
        The coefficient and its interval.
    note : str
        Words behind the numbers.
    """

    label: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def draw_forest(
    ax: Axes, rows: Sequence[ForestRow], *, name: str, lowest: float | None = None, size_pt: float = 8.0
) -> Axes:
    """Draw coefficients with their intervals below each other.

    Parameters
    ----------
    ax : Axes
        Where to draw; names stand to its left, numbers to its right.
    rows : sequence of ForestRow
        From the top.
    name : str
        Of the coefficient.
    lowest : float or None
        Left end of the axis; by default where the intervals begin.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        Squares on lines; coefficients without interval are squares alone, those that are not defined are left out.
    """
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    left = min([0.8, *ends]) if lowest is None else lowest
    left = math.floor((left - 0.02) * 10) / 10
    for place, row in enumerate(rows):
        heading = row.value is None and not row.note
        ax.text(
            -0.02, place, row.label, transform=ax.get_yaxis_transform(), ha="right", va="center", color=INK,
            fontproperties=font(size_pt, bold=heading), parse_math=False,
        )  # fmt: skip
        if heading:
            continue
        ax.text(
            1.02, place, _numbers(row), transform=ax.get_yaxis_transform(), ha="left", va="center",
            color=INK if row.value is not None else GREY, fontproperties=font(size_pt), parse_math=False,
        )  # fmt: skip
        if row.value is None:
            continue
        if row.low is not None and row.high is not None:
            ax.plot([row.low, row.high], [place, place], color=BLUE, linewidth=1.3, solid_capstyle="butt")
        (mark,) = ax.plot([row.value], [place], "s", color=BLUE, markersize=4.5, markeredgewidth=0)
        mark.set_gid(f"value {place}")
    ax.set_xlim(left, 1.0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.yaxis.set_major_locator(FixedLocator([]))
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.grid(True, axis="x", color=HAIRLINE, linewidth=0.6)
    ax.set_axisbelow(True)
    _label(ax, name, "", size_pt)
    _open_axes(ax)
    ax.spines["left"].set_visible(False)
    return ax


def _numbers(row: ForestRow) -> str:
    if row.value is None:
        return row.note
    between = "" if row.low is None or row.high is None else f" ({row.low:.2f} to {row.high:.2f})"
    return f"{row.value:.2f}{between}  {row.note}".rstrip()


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _label(ax: Axes, x: str, y: str, size_pt: float) -> None:
    ax.set_xlabel(x, fontproperties=font(size_pt), color=INK, labelpad=4, parse_math=False)
    ax.set_ylabel(y, fontproperties=font(size_pt), color=INK, labelpad=4, parse_math=False)
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontproperties(font(size_pt))
        label.set_color(INK)


def _open_axes(ax: Axes) -> None:
    ax.set_facecolor("white")
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=GREY, linewidth=0.8)
    ax.tick_params(length=2.5, width=0.7, color=GREY)


def confusion_figure(
    counts: npt.NDArray[np.int64], categories: Sequence[str], *, first: str, second: str, title: str = ""
) -> Figure:
    """Counted pairs of grades of two readers as a figure; see :func:`draw_confusion`."""
    widest = max(text_width_in(name, 8.0) for name in categories)
    cell_in = max(_CELL_IN, widest + 0.12)
    span = cell_in * len(categories)
    left, below, above = max(widest, text_width_in("(n=2000)", 8.0)) + 0.42, 0.52, 0.42 if title else 0.12
    wide, high = left + span + 0.15, below + span + above
    figure = new_figure(wide, high, dpi=DPI)
    ax = figure.add_axes((left / wide, below / high, span / wide, span / high))
    shown = [shorten(name, width_in=span - text_width_in("Grade by ", 8.0), size_pt=8.0) for name in (first, second)]
    draw_confusion(ax, counts, categories, first=shown[0], second=shown[1])
    _title(figure, title)
    return figure


def bland_altman_figure(
    first: FloatArray,
    second: FloatArray,
    *,
    lines: Sequence[tuple[float, float, float]],
    names: tuple[str, str],
    title: str = "",
) -> Figure:
    """Differences of two readers over their means as a figure; see :func:`draw_bland_altman`."""
    figure = new_figure(4.6, 3.4, dpi=DPI)
    draw_bland_altman(figure.add_axes((0.14, 0.145, 0.74, 0.75)), first, second, lines=lines, names=names)
    _title(figure, title)
    return figure


def forest_figure(rows: Sequence[ForestRow], *, name: str, title: str = "", lowest: float | None = None) -> Figure:
    """Coefficients with their intervals as a figure; see :func:`draw_forest`."""
    names_in = max(text_width_in(row.label, 8.0, bold=row.value is None) for row in rows) + 0.15
    numbers_in = max(text_width_in(_numbers(row), 8.0) for row in rows) + 0.2
    width_in, height_in = names_in + 2.9 + numbers_in, _ROW_IN * len(rows) + _BELOW_IN + (0.32 if title else 0.1)
    figure = new_figure(width_in, height_in, dpi=DPI)
    ax = figure.add_axes((names_in / width_in, _BELOW_IN / height_in, 2.9 / width_in, _ROW_IN * len(rows) / height_in))
    draw_forest(ax, rows, name=name, lowest=lowest)
    _title(figure, title)
    return figure


def _title(figure: Figure, title: str) -> None:
    if title:
        shown = shorten(title, width_in=figure.get_figwidth() - 0.2, size_pt=8.5, bold=True)
        figure.text(
            0.1 / figure.get_figwidth(),
            1 - 0.1 / figure.get_figheight(),
            shown,
            fontproperties=font(8.5, bold=True),
            color=INK,
            ha="left",
            va="top",
            parse_math=False,
        )
