import itertools

import pytest
from matplotlib.colors import to_rgb

from foramgrade.findings import BorderState, LeeGrade
from foramgrade.plotting.palette import BADGES, CHIPS, FAT, NO_GRADE, OPENING, ROOT


def _luminance(color):
    """Relative luminance by WCAG 2: 0 black, 1 white."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(first, second):
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_grades_darken_step_by_step_in_grey():
    shades = [_luminance(BADGES[grade].fill) for grade in LeeGrade]
    assert all(lighter - darker > 0.12 for lighter, darker in itertools.pairwise(shades))


@pytest.mark.parametrize("pair", [*BADGES.values(), NO_GRADE, *CHIPS.values()])
def test_text_has_readable_contrast(pair):
    assert _contrast(pair.fill, pair.ink) >= 4.5


def test_outlines_differ_in_colour_and_in_dash():
    strokes = (OPENING, ROOT, FAT)
    assert len({stroke.dash for stroke in strokes}) == len({stroke.color for stroke in strokes}) == 3


def test_a_lost_border_is_obvious_without_colour():
    lost = CHIPS[BorderState.LOST]
    for state, chip in CHIPS.items():
        if state is not BorderState.LOST:
            assert _luminance(lost.fill) - _luminance(chip.fill) > 0.8
            assert lost.width_pt > 1.5 * chip.width_pt
            assert not chip.bold
