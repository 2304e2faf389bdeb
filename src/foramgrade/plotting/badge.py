"""The grade as a badge: the number large, its severity by brightness, and words beside it for a screen in grey."""

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from foramgrade.findings import Grade
from foramgrade.plotting.lettering import write_line
from foramgrade.plotting.palette import BADGES, GREY, INK, NO_GRADE

#: Written in place of the number where there is no grade.
NO_GRADE_MARK = "\u2013"


def draw_badge(figure: Figure, x_in: float, y_in: float, *, edge_in: float, grade: Grade) -> None:
    """Draw a grade as a square badge with its lower left corner at the given point, inch.

    A grade that is not given has a dashed frame and no fill.
    """
    badge = NO_GRADE if grade.lee is None else BADGES[grade.lee]
    pad = 0.04
    square = FancyBboxPatch(
        (x_in + pad, y_in + pad),
        edge_in - 2 * pad,
        edge_in - 2 * pad,
        boxstyle=f"round,pad={pad},rounding_size={2 * pad}",
        transform=figure.dpi_scale_trans,
        facecolor=badge.fill,
        edgecolor=GREY if grade.lee is None else INK,
        linestyle="dashed" if grade.lee is None else "solid",
        linewidth=0.9,
        hatch="",
    )
    square.set_gid("badge")
    figure.add_artist(square)
    mark = NO_GRADE_MARK if grade.lee is None else str(grade.lee)
    size_pt = 0.62 * edge_in * 72
    # Digits of DejaVu Sans Bold are 0.73 em tall: this base line centres them.
    base_in = y_in + edge_in / 2 - 0.365 * size_pt / 72
    text = write_line(
        figure, x_in + edge_in / 2, base_in, mark, size_pt=size_pt, bold=True, color=badge.ink, align="center"
    )
    text.set_gid("grade")
