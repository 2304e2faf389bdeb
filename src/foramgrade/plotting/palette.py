"""Colours and line styles: distinct for colour-blind eyes and, by brightness or dash, in grey print.

References
----------
M. Okabe and K. Ito, "Color Universal Design" (2008): the eight named colours.
"""

from dataclasses import dataclass
from typing import Literal

from foramgrade.findings import BorderState

Dash = Literal["solid", "dashed", "dotted"]

#: Okabe-Ito colours used here.
SKY_BLUE, YELLOW, GREEN, VERMILLION, BLUE = "#56B4E9", "#F0E442", "#009E73", "#D55E00", "#0072B2"
#: Text, secondary text, hairlines and the ground behind a picture.
INK, GREY, HAIRLINE, GROUND = "#111111", "#555555", "#C8C8C8", "#1A1A1A"


@dataclass(frozen=True, slots=True)
class Stroke:
    """How one outline is drawn.

    Parameters
    ----------
    name : str
        What the outline is, as the key names it.
    color : str
        Okabe-Ito colour.
    dash : {"solid", "dashed", "dotted"}
        Tells the outlines apart without colour.
    width_pt : float
        Width of the line, pt.
    """

    name: str
    color: str
    dash: Dash
    width_pt: float


OPENING = Stroke("opening", SKY_BLUE, "solid", 1.1)
ROOT = Stroke("nerve root", YELLOW, "dashed", 1.3)
FAT = Stroke("fat", GREEN, "dotted", 1.3)


@dataclass(frozen=True, slots=True)
class Chip:
    """How the label of one border is drawn: fill, text and edge.

    Parameters
    ----------
    fill, ink, edge : str
        Colours of the ground, the text and the frame.
    dash : {"solid", "dashed", "dotted"}
        Line style of the frame.
    width_pt : float
        Width of the frame, pt.
    bold : bool
        Whether the text is bold.
    """

    fill: str
    ink: str
    edge: str
    dash: Dash
    width_pt: float
    bold: bool = False


#: Labels of the borders. A lost border is black on white in a thick frame, every other one white on black.
CHIPS = {
    BorderState.PRESERVED: Chip("#000000", "#FFFFFF", "#FFFFFF", "solid", 0.5),
    BorderState.THIN: Chip("#000000", "#FFFFFF", "#FFFFFF", "dashed", 1.3),
    BorderState.LOST: Chip("#FFFFFF", "#000000", VERMILLION, "solid", 2.4, bold=True),
    BorderState.UNKNOWN: Chip("#555555", "#FFFFFF", "#BBBBBB", "dotted", 1.0),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """Fill and text colour behind a grade."""

    fill: str
    ink: str


#: Lee grades: a ramp of one hue whose brightness falls with every grade (ColorBrewer OrRd, colour-blind safe).
BADGES = {
    0: Badge("#FEF0D9", "#111111"),
    1: Badge("#FDCC8A", "#111111"),
    2: Badge("#FC8D59", "#111111"),
    3: Badge("#B30000", "#FFFFFF"),
}
#: Not gradable: no colour at all.
NO_GRADE = Badge("#FFFFFF", "#111111")
