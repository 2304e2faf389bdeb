"""Plot of two states: the areas of every foramen joined by a line, a field per level."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from foramgrade.arrays import FloatArray
from foramgrade.plotting.agreement import DPI, MINUS
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.lettering import font, shorten
from foramgrade.plotting.palette import BLUE, GREY, HAIRLINE, INK, VERMILLION

#: A field is so wide and high, inch; so much room is left of all, right of all, above and below.
_FIELD_IN, _HEIGHT_IN = 1.45, 2.3
_LEFT_IN, _RIGHT_IN, _ABOVE_IN, _BELOW_IN = 0.62, 0.15, 0.72, 0.62
_GAP_IN = 0.12
#: Where the two states stand in a field.
_PLACES = (0.0, 1.0)
#: Lines of many foramina are thinner.
_MANY = 60


@dataclass(frozen=True, slots=True, eq=False)
class LevelStates:
    """Areas of the foramina of one level in two states.

    Parameters
    ----------
    name : str
        The level.
    before, after : (N,) float arrays
        Areas, mm2.
    change_percent, low, high : float or None
        Change of the mean in percent of the mean before, and its interval.
    """

    name: str
    before: FloatArray
    after: FloatArray
    change_percent: float | None = None
    low: float | None = None
    high: float | None = None


def draw_states(ax: Axes, level: LevelStates, *, names: tuple[str, str], size_pt: float = 8.0) -> Axes:
    """Draw the foramina of one level in two states.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    level : LevelStates
        At least one foramen.
    names : tuple of two str
        Of the states.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        Foramina that became smaller are solid vermillion lines, the others dashed blue ones, the mean is a thick line.
    """
    width = 0.5 if len(level.before) > _MANY else 0.8
    for before, after in zip(level.before, level.after, strict=True):
        smaller = after < before
        ax.plot(
            _PLACES, (before, after), color=VERMILLION if smaller else BLUE, linewidth=width, alpha=0.55,
            linestyle="solid" if smaller else (0, (3, 1.5)),
        )  # fmt: skip
    means = (float(level.before.mean()), float(level.after.mean()))
    (mean,) = ax.plot(_PLACES, means, "o-", color=INK, linewidth=2.2, markersize=5)
    mean.set_gid(f"mean {level.name}")
    for place, value in zip(_PLACES, means, strict=True):
        ax.annotate(
            f"{value:.0f}", (place, value), xytext=(-5 if place == 0 else 5, 0), textcoords="offset points",
            ha="right" if place == 0 else "left", va="center", color=INK, fontproperties=font(size_pt, bold=True),
        )  # fmt: skip
    ax.set_xlim(-0.55, 1.55)
    room_in = 0.5 * _FIELD_IN
    ax.set_xticks(_PLACES, [shorten(name, width_in=room_in, size_pt=size_pt) for name in names])
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.grid(True, axis="y", color=HAIRLINE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_title(
        f"{level.name}\n{_change(level)}\nn = {len(level.before)}", fontproperties=font(size_pt), color=INK,
        parse_math=False, linespacing=1.3, pad=4,
    )  # fmt: skip
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontproperties(font(size_pt))
        label.set_color(INK)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _change(level: LevelStates) -> str:
    if level.change_percent is None:
        return ""
    told = f"{level.change_percent:+.0f} %"
    if level.low is not None and level.high is not None:
        told += f" ({level.low:+.0f} to {level.high:+.0f})"
    return told.replace("-", MINUS)


def states_figure(levels: Sequence[LevelStates], *, names: tuple[str, str]) -> Figure:
    """Compose a page of paired areas by level.

    Parameters
    ----------
    levels : sequence of LevelStates
        From left to right, at least one.
    names : tuple of two str
        Of the states.

    Returns
    -------
    Figure
        All fields share their axis of areas; the size follows from their number.
    """
    width_in = _LEFT_IN + len(levels) * _FIELD_IN + (len(levels) - 1) * _GAP_IN + _RIGHT_IN
    height_in = _ABOVE_IN + _HEIGHT_IN + _BELOW_IN
    figure = new_figure(width_in, height_in, dpi=DPI)
    largest = max(float(max(level.before.max(), level.after.max())) for level in levels)
    for place, level in enumerate(levels):
        left_in = _LEFT_IN + place * (_FIELD_IN + _GAP_IN)
        box = (left_in / width_in, _BELOW_IN / height_in, _FIELD_IN / width_in, _HEIGHT_IN / height_in)
        ax = draw_states(figure.add_axes(box), level, names=names)
        ax.set_ylim(0.0, 1.05 * largest)
        if place:
            ax.set_yticklabels([])
        else:
            ax.set_ylabel("Foraminal area, mm²", fontproperties=font(8.0), color=INK, labelpad=4)
    figure.text(
        _LEFT_IN / width_in, 0.12 / height_in,
        "Thick: mean. Solid: smaller, dashed: not smaller. In brackets 95 % interval over patients.",
        fontproperties=font(6.5), color=GREY,
    )  # fmt: skip
    return figure
