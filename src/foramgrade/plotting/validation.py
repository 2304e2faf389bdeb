"""Plots of a validation: how far confidence is right, and how answers change with a property of the study."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from foramgrade.plotting.agreement import DPI, MINUS
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.lettering import font
from foramgrade.plotting.palette import BLUE, GREY, HAIRLINE, INK, VERMILLION

#: Colour, dash and mark of the lines of one plot, told apart in grey too.
_LINES = ((BLUE, "solid", "o"), (VERMILLION, "dashed", "s"), (INK, "dotted", "^"))
_SIZE_PT = 8.0


@dataclass(frozen=True, slots=True)
class Line:
    """Values over a property, with intervals.

    Parameters
    ----------
    name : str
        What the values are.
    places : tuple of float
        Values of the property.
    values : tuple of float
        One per place.
    lows, highs : tuple of float
        Ends of their intervals; the value itself where there is none.
    """

    name: str
    places: tuple[float, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


def draw_lines(ax: Axes, lines: Sequence[Line], *, x: str, y: str, level: float | None = None) -> Axes:
    """Draw values over a property of the study.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    lines : sequence of Line
        At most three.
    x, y : str
        Names of the axes.
    level : float or None
        A level to compare with, drawn as a hairline.

    Returns
    -------
    Axes
        Every line with its marks, its intervals as bars, and its name in the key.
    """
    if level is not None:
        ax.axhline(level, color=GREY, linewidth=0.8, linestyle=(0, (1, 2))).set_gid("level")
    # Bars of several lines at one place stand side by side.
    spread = max((max(line.places) - min(line.places) for line in lines), default=0.0)
    for number, (line, (colour, dash, mark)) in enumerate(zip(lines, _LINES, strict=False)):
        shift = (number - (len(lines) - 1) / 2) * 0.012 * spread
        places = [place + shift for place in line.places]
        ax.vlines(places, line.lows, line.highs, color=colour, linewidth=1.0, alpha=0.7)
        ax.plot(places, line.values, linestyle=dash, marker=mark, color=colour, linewidth=1.2, markersize=4)
        ax.lines[-1].set_gid(line.name)
    handles = [one for one in ax.lines if one.get_gid() in {line.name for line in lines}]
    if len(lines) > 1:
        ax.legend(
            handles, [line.name for line in lines], prop=font(_SIZE_PT), frameon=False, loc="best", handlelength=2.6
        )
    ax.grid(True, axis="y", color=HAIRLINE, linewidth=0.6)
    ax.set_axisbelow(True)
    _dress(ax, x, y)
    return ax


def draw_calibration(ax: Axes, bins: Sequence[tuple[int, float, float]]) -> Axes:
    """Draw the share of right grades over their confidence.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    bins : sequence of (n, confidence, right)
        Grades of about the same confidence: how many, their mean confidence, the share of right ones.

    Returns
    -------
    Axes
        A mark per bin, as large as it has grades, with its number; on the dashed line confidence is the share of right
        grades, above it the grader is better than it says.
    """
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="dashed", linewidth=0.9)
    most = max((n for n, _, _ in bins), default=1)
    for n, confidence, right in bins:
        ax.scatter([confidence], [right], s=12 + 110 * n / most, color=BLUE, alpha=0.8, linewidths=0, zorder=3)
        at_end = confidence > 0.9
        place = (confidence + (-0.03 if at_end else 0.02), right - 0.085 if right > 0.1 else right + 0.05)
        side: Literal["left", "right"] = "right" if at_end else "left"
        ax.text(*place, str(n), fontproperties=font(_SIZE_PT - 1), color=INK, ha=side, va="center")
    ax.set(xlim=(0, 1.04), ylim=(0, 1.04), aspect="equal")
    _dress(ax, "Confidence", "Share of right grades")
    return ax


def lines_figure(panels: Sequence[tuple[Sequence[Line], str, str, float | None]]) -> Figure:
    """Plots of lines side by side; see :func:`draw_lines` for (lines, x, y, level) of each."""
    wide = 3.5 * len(panels)
    figure = new_figure(wide, 2.7, dpi=DPI)
    for number, (lines, x, y, level) in enumerate(panels):
        ax = figure.add_axes(((number * 3.5 + 0.62) / wide, 0.19, 2.75 / wide, 0.75))
        draw_lines(ax, lines, x=x, y=y, level=level)
    return figure


def calibration_figure(bins: Sequence[tuple[int, float, float]]) -> Figure:
    """Reliability diagram as a figure; see :func:`draw_calibration`."""
    figure = new_figure(3.3, 3.2, dpi=DPI)
    draw_calibration(figure.add_axes((0.17, 0.15, 0.79, 0.81)), bins)
    return figure


def _dress(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x, fontproperties=font(_SIZE_PT), color=INK, labelpad=4, parse_math=False)
    ax.set_ylabel(y, fontproperties=font(_SIZE_PT), color=INK, labelpad=4, parse_math=False)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", MINUS))
        for label in axis.get_ticklabels():
            label.set_fontproperties(font(_SIZE_PT))
            label.set_color(INK)
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=GREY, linewidth=0.8)
    ax.tick_params(length=2.5, width=0.7, color=GREY)
