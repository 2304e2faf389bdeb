"""Two small plots beside the section: the fat around the root and the area along the foramen."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import FixedLocator

from foramgrade.findings import Border, BorderState, Evidence, PerineuralFindings, Side
from foramgrade.plotting.lettering import font
from foramgrade.plotting.palette import BLUE, GREEN, GREY, HAIRLINE, INK, VERMILLION

#: Direction of every border on the dial, degrees clockwise from the top.
DIAL_DEG = {Border.SUPERIOR: 0.0, Border.POSTERIOR: 90.0, Border.INFERIOR: 180.0, Border.ANTERIOR: 270.0}
#: The dial reaches at least this far, mm, so that a film of fat does not look like plenty.
DIAL_MIN_MM = 2.0


def draw_fat_profile(
    ax: PolarAxes, evidence: Evidence, findings: PerineuralFindings | None, *, size_pt: float = 7.0
) -> PolarAxes:
    """Draw the fat met in every direction from the root, as a dial that lies like the picture: S up, A on the left.

    Parameters
    ----------
    ax : PolarAxes
        Where to draw.
    evidence : Evidence
        With a profile.
    findings : PerineuralFindings or None
        Sectors of lost borders are hatched.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    PolarAxes
        The Axes; radius in mm.
    """
    profile = evidence.profile_mm
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_facecolor("white")
    top = DIAL_MIN_MM
    if profile is not None and profile.size:
        top = max(top, float(math.ceil(profile.max())))
        theta = np.linspace(0.0, 2 * np.pi, profile.size + 1)
        closed = np.append(profile, profile[0])
        ax.fill(theta, closed, facecolor=GREEN, alpha=0.35, edgecolor="none", linewidth=0)
        (line,) = ax.plot(theta, closed, color=GREEN, linewidth=1.2, linestyle="solid", marker="")
        line.set_gid("fat profile")
    for border, direction_deg in DIAL_DEG.items():
        if findings is not None and findings.borders[border].state is BorderState.LOST:
            (sector,) = ax.bar(
                math.radians(direction_deg),
                top,
                width=math.pi / 2,
                facecolor="none",
                edgecolor=VERMILLION,
                hatch="////",
                linewidth=0.8,
            )
            sector.set_gid(f"lost {border.value}")
    _dial_ticks(ax, top, size_pt)
    return ax


def _dial_ticks(ax: PolarAxes, top: float, size_pt: float) -> None:
    ax.set_ylim(0, top)
    ax.set_xticks([math.radians(degrees) for degrees in DIAL_DEG.values()], [border.value for border in DIAL_DEG])
    ax.set_yticks([top / 2, top], ["", ""])
    ax.tick_params(axis="x", pad=-2, colors=INK, length=0)
    ax.grid(True, color=HAIRLINE, linewidth=0.6, linestyle="solid")
    ax.spines["polar"].set(visible=True, color=GREY, linewidth=0.8)
    for label in ax.get_xticklabels():
        label.set_fontproperties(font(size_pt + 1, bold=True))
    # On a diagonal between two sectors, outside the dial: there it meets neither a border's letter nor the curve.
    ax.text(
        math.radians(45),
        top * 1.06,
        f"{top:.0f} mm",
        fontproperties=font(size_pt),
        color=GREY,
        ha="left",
        va="bottom",
        parse_math=False,
    )


def draw_area_profile(ax: Axes, evidence: Evidence, *, side: Side, size_pt: float = 7.0) -> Axes:
    """Draw the area of the opening on every section, medial on the left, with the section shown marked.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    evidence : Evidence
        With the area of at least one section.
    side : Side
        Decides which end is medial.
    size_pt : float
        Size of the font, pt.

    Returns
    -------
    Axes
        Position from the level's centre towards lateral, mm, and area, mm2.
    """
    lateral = evidence.offsets_mm if side is Side.RIGHT else -evidence.offsets_mm
    order = np.argsort(lateral, kind="stable")
    x, y = lateral[order], evidence.areas_mm2[order]
    ax.set_facecolor("white")
    (line,) = ax.plot(x, y, color=GREY, linewidth=1.0, linestyle="solid", marker="o", markersize=3.2)
    line.set_gid("areas")
    if evidence.opening.any() and evidence.chosen < y.size:
        here = lateral[evidence.chosen], evidence.areas_mm2[evidence.chosen]
        (mark,) = ax.plot(*here, color=BLUE, marker="D", markersize=6.5, linestyle="none", markeredgecolor="white")
        mark.set_gid("this section")
    _area_ticks(ax, x, float(y.max()), size_pt)
    return ax


def _area_ticks(ax: Axes, x: np.ndarray[tuple[int, ...], np.dtype[np.float64]], highest: float, size_pt: float) -> None:
    top = 50.0 * max(1, math.ceil(highest * 1.08 / 50))
    first, last = float(x.min()), float(x.max())
    margin = max(1.0, 0.08 * (last - first))
    ax.set_xlim(first - margin, last + margin)
    ax.set_ylim(0, top)
    ticks = [first] if last - first < 1.0 else [first, last]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_locator(FixedLocator([0.0, top / 2, top]))
    ax.set_xticklabels([f"{tick:.0f}" for tick in ticks])
    ax.set_yticklabels([f"{tick:.0f}" for tick in (0.0, top / 2, top)])
    ax.tick_params(
        axis="both", which="major", length=2.5, width=0.7, color=GREY, labelcolor=INK, pad=2, direction="out"
    )
    ax.grid(False)
    for name, spine in ax.spines.items():
        spine.set(visible=name in ("left", "bottom"), color=GREY, linewidth=0.8)
    for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        label.set_fontproperties(font(size_pt))
