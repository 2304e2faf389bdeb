"""The four borders around the root: labels with fat and state, and the lines between their sectors."""

import math

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from scipy import ndimage

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Border, BorderState, Evidence, PerineuralFindings
from foramgrade.plotting.lettering import font
from foramgrade.plotting.palette import CHIPS
from foramgrade.plotting.words import border_lines

#: Directions between two sectors of 90 degrees, counted from superior.
SECTOR_EDGES_DEG = (45.0, 135.0, 225.0, 315.0)
#: Distance of a label from the opening, mm, and at least from the centre of the root, mm.
LABEL_GAP_MM, LABEL_MIN_MM = 2.0, 5.0
#: Where no opening is known, labels keep this far from the root, mm.
NEAR_ROOT_MM = 4.0
#: The lines between sectors begin this far outside the root and have this length, mm.
SECTOR_GAP_MM, SECTOR_LENGTH_MM = 1.0, 3.5

#: Towards each border, (anterior, superior).
DIRECTIONS = {
    Border.SUPERIOR: (0.0, 1.0),
    Border.POSTERIOR: (-1.0, 0.0),
    Border.INFERIOR: (0.0, -1.0),
    Border.ANTERIOR: (1.0, 0.0),
}
#: How a label stands at its anchor, (horizontal, vertical), on the canvas: anterior is on the viewer's left.
_ANCHORS = {
    Border.SUPERIOR: ("center", "bottom"),
    Border.POSTERIOR: ("left", "center"),
    Border.INFERIOR: ("center", "top"),
    Border.ANTERIOR: ("right", "center"),
}


def _centre(mask: BoolArray, anterior: FloatArray, superior: FloatArray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(anterior[columns].mean()), float(superior[rows].mean())


def _exit_mm(
    mask: BoolArray, anterior: FloatArray, superior: FloatArray, start: tuple[float, float], way: tuple[float, float]
) -> float:
    """Distance from `start` at which a ray leaves a mask for the last time, mm; 0 where it never enters."""
    step = abs(float(anterior[1] - anterior[0])) if anterior.size > 1 else 1.0
    reach = np.arange(0.0, math.hypot(np.ptp(anterior), np.ptp(superior)) + step, step / 2)
    columns = np.round((start[0] + reach * way[0] - anterior[0]) / step).astype(int)
    rows = np.round((start[1] + reach * way[1] - superior[0]) / step).astype(int)
    inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    inside[inside] = mask[rows[inside], columns[inside]]
    return float(reach[inside].max()) if inside.any() else 0.0


def draw_sectors(ax: Axes, evidence: Evidence, anterior: FloatArray, superior: FloatArray) -> None:
    """Draw short, faint lines around the root where one border's sector ends and the next begins."""
    if evidence.root is None or not evidence.root.any():
        return
    centre = _centre(evidence.root, anterior, superior)
    for edge_deg in SECTOR_EDGES_DEG:
        # From superior (+90 degrees) through posterior: towards smaller anterior coordinates.
        angle = math.radians(edge_deg)
        way = (-math.sin(angle), math.cos(angle))
        first = _exit_mm(evidence.root, anterior, superior, centre, way) + SECTOR_GAP_MM
        ends = [(centre[0] + r * way[0], centre[1] + r * way[1]) for r in (first, first + SECTOR_LENGTH_MM)]
        (line,) = ax.plot(
            [x for x, _ in ends],
            [y for _, y in ends],
            color="white",
            linewidth=0.7,
            linestyle="solid",
            marker="",
            alpha=0.55,
            scalex=False,
            scaley=False,
        )
        line.set_gid("sector")


def draw_border_labels(
    ax: Axes,
    evidence: Evidence,
    findings: PerineuralFindings | None,
    anterior: FloatArray,
    superior: FloatArray,
    *,
    size_pt: float,
) -> None:
    """Label the borders around the root with fat and state, each with a line to the opening.

    Labels stand outside the opening, so that they hide nothing that is measured. A lost border is black on white in
    a thick frame with a thick line; the others are white on black.
    """
    around = _surroundings(evidence)
    if findings is None or not around.any():
        return
    known_root = evidence.root is not None and evidence.root.any()
    centre = _centre(evidence.root if known_root and evidence.root is not None else around, anterior, superior)
    rows, columns = np.nonzero(around)
    far = {
        Border.SUPERIOR: float(superior[rows].max()) - centre[1],
        Border.POSTERIOR: centre[0] - float(anterior[columns].min()),
        Border.INFERIOR: centre[1] - float(superior[rows].min()),
        Border.ANTERIOR: float(anterior[columns].max()) - centre[0],
    }
    for border, way in DIRECTIONS.items():
        away = max(far[border] + LABEL_GAP_MM, LABEL_MIN_MM)
        edge = _exit_mm(around, anterior, superior, centre, way)
        anchor = (centre[0] + away * way[0], centre[1] + away * way[1])
        tip = (centre[0] + edge * way[0], centre[1] + edge * way[1])
        finding = findings.borders[border]
        _leader(ax, anchor, tip, finding.state)
        _label(ax, anchor, "\n".join(border_lines(border, finding)), border, finding.state, size_pt=size_pt)


def _surroundings(evidence: Evidence) -> BoolArray:
    """The opening, or what lies near the root where the opening is not known."""
    if evidence.opening.any() or evidence.root is None or not evidence.root.any():
        return evidence.opening
    near: BoolArray = ndimage.distance_transform_edt(~evidence.root) * evidence.pixel_mm <= NEAR_ROOT_MM
    return near


def _leader(ax: Axes, anchor: tuple[float, float], tip: tuple[float, float], state: BorderState) -> None:
    chip = CHIPS[state]
    (line,) = ax.plot(
        [anchor[0], tip[0]],
        [anchor[1], tip[1]],
        color=chip.edge,
        linewidth=max(chip.width_pt, 0.9),
        linestyle=chip.dash,
        marker="",
        scalex=False,
        scaley=False,
        path_effects=[effects.withStroke(linewidth=chip.width_pt + 1.6, foreground="black")],
    )
    line.set_gid(f"leader {state.value}")


def _label(
    ax: Axes, anchor: tuple[float, float], words: str, border: Border, state: BorderState, *, size_pt: float
) -> None:
    chip = CHIPS[state]
    ha, va = _ANCHORS[border]
    text = ax.text(
        *anchor,
        words,
        fontproperties=font(size_pt, bold=chip.bold),
        color=chip.ink,
        ha=ha,
        va=va,
        multialignment="center",
        linespacing=1.1,
        parse_math=False,
        bbox={
            "boxstyle": "round,pad=0.4",
            "facecolor": chip.fill,
            "edgecolor": chip.edge,
            "linestyle": chip.dash,
            "linewidth": chip.width_pt,
            "alpha": None if state is BorderState.LOST else 0.8,
        },
        zorder=5,
    )
    text.set_gid(f"border {border.value}")
