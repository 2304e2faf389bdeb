"""Areas of foramina in two states."""

import numpy as np

from foramgrade.plotting import LevelStates, states_figure
from foramgrade.plotting.palette import BLUE, VERMILLION


def test_a_field_per_level_and_dashes_for_what_grew() -> None:
    levels = [
        LevelStates("L4-L5", np.array([100.0, 90.0]), np.array([80.0, 95.0]), -8.0, -12.0, -4.0),
        LevelStates("L5-S1", np.array([60.0]), np.array([50.0])),
    ]
    figure = states_figure(levels, names=("before", "after"))
    first, second = figure.axes[:2]
    drawn = {
        (round(float(line.get_ydata()[0])), round(float(line.get_ydata()[-1]))): line
        for line in first.lines
        if len(line.get_ydata()) == 2
    }
    fell, rose = drawn[(100, 80)], drawn[(90, 95)]
    assert (fell.get_color(), fell.get_linestyle()) == (VERMILLION, "-")
    assert rose.get_color() == BLUE
    assert rose.get_linestyle() != "-"
    assert any(list(line.get_ydata()) == [60.0, 50.0] for line in second.lines)
    shown = " ".join(text.get_text() for ax in figure.axes for text in (*ax.texts, ax.title))
    assert "L4-L5" in shown
    assert "L5-S1" in shown
