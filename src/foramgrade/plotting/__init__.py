"""Pictures for review: a page per foramen, a sheet per study, and plots of agreement.

The lower layer draws on the Axes it is given and returns them; the upper layer composes a page. Nothing here opens a
window or keeps state between calls.
"""

from foramgrade.plotting.agreement import (
    ForestRow,
    bland_altman_figure,
    confusion_figure,
    draw_bland_altman,
    draw_confusion,
    draw_forest,
    forest_figure,
)
from foramgrade.plotting.files import write_figure
from foramgrade.plotting.panel import foramen_figure, write_panel
from foramgrade.plotting.section import plot_foramen
from foramgrade.plotting.sheet import plot_study, worst_words, write_sheet
from foramgrade.plotting.states import LevelStates, draw_states, states_figure

__all__ = [
    "ForestRow",
    "LevelStates",
    "bland_altman_figure",
    "confusion_figure",
    "draw_bland_altman",
    "draw_confusion",
    "draw_forest",
    "draw_states",
    "foramen_figure",
    "forest_figure",
    "plot_foramen",
    "plot_study",
    "states_figure",
    "worst_words",
    "write_figure",
    "write_panel",
    "write_sheet",
]
