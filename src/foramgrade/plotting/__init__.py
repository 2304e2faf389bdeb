"""Pictures for review: a page per foramen and a sheet per study.

The lower layer draws on the Axes it is given and returns them; the upper layer composes a page. Nothing here opens a
window or keeps state between calls.
"""

from foramgrade.plotting.panel import foramen_figure, write_panel
from foramgrade.plotting.section import plot_foramen
from foramgrade.plotting.sheet import plot_study, worst_words, write_sheet

__all__ = ["foramen_figure", "plot_foramen", "plot_study", "worst_words", "write_panel", "write_sheet"]
