from dataclasses import replace

import numpy as np
import pytest

from foramgrade.findings import Side
from foramgrade.plotting.files import new_figure
from foramgrade.plotting.profiles import DIAL_MIN_MM, draw_area_profile, draw_fat_profile


def _dial(evidence, findings=None):
    figure = new_figure(2, 2, dpi=100)
    ax = figure.add_axes((0.15, 0.15, 0.7, 0.7), projection="polar")
    assert draw_fat_profile(ax, evidence, findings) is ax
    figure.canvas.draw()
    return ax


def _areas(evidence, **options):
    ax = new_figure(2, 2, dpi=100).add_axes((0.2, 0.2, 0.7, 0.7))
    assert draw_area_profile(ax, evidence, **options) is ax
    return ax


@pytest.mark.parametrize(("quarter", "way"), [(0, (0, 1)), (1, (1, 0)), (2, (0, -1)), (3, (-1, 0))])
def test_dial_lies_like_the_picture(make_foramen, quarter, way):
    """Superior up, posterior on the viewer's right, inferior down, anterior on the left."""
    profile = np.zeros(72)
    profile[18 * quarter] = 5.0
    ax = _dial(replace(make_foramen(0).evidence, profile_mm=profile))
    (line,) = [line for line in ax.lines if line.get_gid() == "fat profile"]
    theta, radius = line.get_data()
    peak = ax.transData.transform((theta[np.argmax(radius)], radius.max()))
    middle = ax.transData.transform((0.0, 0.0))
    offset = (peak - middle) / np.hypot(*(peak - middle))
    assert offset == pytest.approx(way, abs=1e-9)


def test_dial_letters_lie_like_the_picture(make_foramen):
    ax = _dial(make_foramen(0).evidence)
    renderer = ax.figure.canvas.get_renderer()
    boxes = {label.get_text(): label.get_window_extent(renderer) for label in ax.get_xticklabels()}
    assert boxes["A"].x1 < boxes["S"].x0 < boxes["S"].x1 < boxes["P"].x0
    assert boxes["I"].y1 < boxes["A"].y0 < boxes["A"].y1 < boxes["S"].y0


def test_dial_hatches_lost_sectors_only(make_foramen):
    foramen = make_foramen(1)
    gids = {patch.get_gid() for patch in _dial(foramen.evidence, foramen.findings).patches}
    assert {gid for gid in gids if gid and gid.startswith("lost")} == {"lost S", "lost I"}


def test_dial_closes_and_reaches_a_useful_scale(make_foramen):
    ax = _dial(replace(make_foramen(0).evidence, profile_mm=np.full(8, 0.1)))
    theta, radius = ax.lines[0].get_data()
    assert radius[0] == radius[-1]
    assert theta[-1] - theta[0] == pytest.approx(2 * np.pi)
    assert ax.get_ylim() == (0, DIAL_MIN_MM)


@pytest.mark.parametrize(("side", "offsets"), [(Side.RIGHT, [13.0, 17.0, 22.0]), (Side.LEFT, [-13.0, -17.0, -22.0])])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_medial_sections_are_on_the_left_for_either_side(make_foramen, side, offsets, order):
    evidence = replace(
        make_foramen(0).evidence,
        offsets_mm=np.array(offsets)[order],
        areas_mm2=np.array([150.0, 70.0, 90.0])[order],
        chosen=order.index(1),
    )
    ax = _areas(evidence, side=side)
    (line,) = [line for line in ax.lines if line.get_gid() == "areas"]
    assert line.get_xdata() == pytest.approx([13, 17, 22])
    assert line.get_ydata() == pytest.approx([150, 70, 90])
    (mark,) = [line for line in ax.lines if line.get_gid() == "this section"]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (17, 70)


def test_without_opening_no_section_is_marked(make_foramen):
    evidence = make_foramen(0).evidence
    ax = _areas(replace(evidence, opening=np.zeros_like(evidence.opening)), side=Side.LEFT)
    assert [line.get_gid() for line in ax.lines] == ["areas"]


def test_a_single_section_has_one_tick(make_foramen):
    evidence = replace(make_foramen(0).evidence, offsets_mm=np.array([-15.0]), areas_mm2=np.array([0.0]))
    ax = _areas(evidence, side=Side.LEFT)
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["15"]
    assert ax.get_ylim() == (0, 50)
