"""A root is deformed when it is flat or much smaller than its neighbours, and only if its outline can be seen."""

from dataclasses import replace

import numpy as np
import pytest

from foramgrade.findings import RootShape
from foramgrade.perineural.root import Root
from foramgrade.perineural.shape import LARGEST_DEPARTURE, expected_area, judge_shape


def root_of(area, aspect, indistinct=0.0, solidity=0.95):
    return Root(np.ones((1, 1), bool), (0.0, 0.0), area, aspect, indistinct, 0.4, solidity)


@pytest.mark.parametrize(
    ("area", "aspect", "shape"),
    [
        (20.0, 1.2, RootShape.UNCHANGED),
        (20.0, 1.75, RootShape.UNCHANGED),  # 7 x 4 mm, the flattest usual oval
        (20.0, 2.5, RootShape.CHANGED),
        (8.0, 1.2, RootShape.CHANGED),
        (14.0, 1.2, RootShape.UNCHANGED),
    ],
)
def test_flat_or_small_is_changed(area, aspect, shape):
    found = judge_shape(
        root_of(area, aspect), expected_mm2=20.0, flattened_aspect=2.0, collapsed_area_fraction=0.55, n_lost=4
    )
    assert found.shape is shape


def test_on_the_limit_the_odds_are_even():
    found = judge_shape(
        root_of(80.0, 2.0), expected_mm2=20.0, flattened_aspect=2.0, collapsed_area_fraction=0.55, n_lost=4
    )
    assert found.probability == pytest.approx(0.5, abs=1e-6)


def test_an_outline_that_cannot_be_seen_is_not_assessed():
    found = judge_shape(
        root_of(5.0, 3.0, indistinct=0.7),
        expected_mm2=20.0,
        flattened_aspect=2.0,
        collapsed_area_fraction=0.55,
        n_lost=4,
    )
    assert found.shape is RootShape.NOT_ASSESSABLE
    assert found.probability is None


def test_an_outline_that_is_not_convex_is_not_assessed():
    found = judge_shape(
        root_of(20.0, 2.5, solidity=0.7),
        expected_mm2=20.0,
        flattened_aspect=2.0,
        collapsed_area_fraction=0.55,
        n_lost=4,
    )
    assert found.shape is RootShape.NOT_ASSESSABLE


def near(*areas, usual=20.0, **outline):
    return [(root_of(area, 1.2, **outline), usual) for area in areas]


def test_expected_area_is_the_usual_one_without_neighbours():
    assert expected_area(20.0, []) == 20.0


def test_two_of_five_neighbours_may_be_collapsed_or_misread():
    assert expected_area(20.0, near(8.0, 8.0, 20.0, 20.0, 20.0)) == pytest.approx(20.0)
    assert expected_area(20.0, near(36.0, 36.0, 20.0, 20.0, 20.0)) == pytest.approx(20.0)


def test_one_small_neighbour_counts_as_much_as_what_is_usual():
    assert expected_area(20.0, near(16.0)) == pytest.approx(20.0 * 0.8**0.5)


def test_neighbours_of_other_levels_are_compared_with_what_is_usual_there():
    """All roots of a patient are a fifth larger than usual: so is the one to expect."""
    others = [(root_of(1.2 * usual, 1.2), usual) for usual in (13.0, 13.0, 18.0, 22.0, 22.0)]
    assert expected_area(18.0, others) == pytest.approx(18.0 * 1.2 ** (5 / 6))


def test_neighbours_without_a_clear_outline_do_not_count():
    clear, blurred = near(20.0, 20.0, 20.0), near(36.0, 36.0, indistinct=0.7)
    assert expected_area(20.0, [*clear, *blurred]) == pytest.approx(20.0)
    assert expected_area(20.0, near(36.0, solidity=0.7)) == 20.0


def test_expected_area_stays_near_the_usual_one():
    assert expected_area(20.0, near(*[200.0] * 9)) == pytest.approx(20.0 * LARGEST_DEPARTURE)
    assert expected_area(20.0, near(*[1.0] * 9)) == pytest.approx(20.0 / LARGEST_DEPARTURE)


def test_an_uncertain_outline_leaves_the_shape_undecided_or_unsaid():
    limits = {"expected_mm2": 20.0, "flattened_aspect": 1.85, "collapsed_area_fraction": 0.55, "n_lost": 4}
    sure = judge_shape(root_of(20.0, 2.6), **limits)
    unsure = judge_shape(replace(root_of(20.0, 2.6), aspect_u=0.4), **limits)
    assert sure.probability > 0.94
    assert 0.5 < unsure.probability < 0.85
    assert judge_shape(replace(root_of(20.0, 2.6), aspect_u=0.6), **limits).shape is RootShape.NOT_ASSESSABLE


def test_the_fewer_borders_touch_a_root_the_more_it_takes_to_call_it_deformed():
    limits = {"expected_mm2": 20.0, "flattened_aspect": 1.85, "collapsed_area_fraction": 0.55}
    found = [judge_shape(root_of(20.0, 2.0), n_lost=n, **limits).probability for n in range(5)]
    assert found == sorted(found)
    assert found[0] < 0.1
    assert found[4] > 0.5
    # In untouched fat an odd outline is rather not the root's, and never beyond doubt.
    assert judge_shape(root_of(20.0, 3.5), n_lost=0, **limits).shape is RootShape.UNCHANGED
    assert judge_shape(root_of(20.0, 9.0), n_lost=4, **limits).probability == pytest.approx(1 / 1.05, abs=0.01)
    around = judge_shape(root_of(20.0, 9.0), n_lost=4, mistaken=0.15, **limits)
    assert around.probability == pytest.approx(1 / 1.15, abs=0.02)
