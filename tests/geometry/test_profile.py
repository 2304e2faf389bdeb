"""The smallest section between sections, and the sections that belong to a foramen."""

import numpy as np
import pytest

from foramgrade.findings import FloatArray
from foramgrade.geometry.profile import (
    LARGEST_GROWTH_PER_MM2,
    find_longest_run,
    find_minimum,
    find_stretch,
)


def profile(x: FloatArray, *, at: float, growth: float, area: float = 90.0) -> FloatArray:
    return area * (1 + growth * (x - at) ** 2)


@pytest.mark.parametrize("at", [15.2, 16.0, 17.3])
@pytest.mark.parametrize("growth", [0.004, 0.01, 0.018])
def test_three_exact_sections_give_the_vertex(at: float, growth: float) -> None:
    x = np.array([12.7, 16.0, 19.3])
    found = find_minimum(x, profile(x, at=at, growth=growth), spacing_mm=3.3)
    # A parabola is believed to one per cent, and what three sections leave open is filled in from the usual.
    assert found.area_mm2 == pytest.approx(90.0, rel=0.015)
    assert abs(found.area_mm2 - 90.0) < 2 * found.uncertainty_mm2 + 0.9


def test_many_noisy_sections_are_averaged() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(12.0, 21.0)
    errors = []
    for _ in range(200):
        areas = profile(x, at=16.4, growth=0.008) + rng.normal(0.0, 2.0, len(x))
        found = find_minimum(x, areas, spacing_mm=1.0, own_mm2=2.0)
        errors.append((found.area_mm2 - 90.0, areas.min() - 90.0))
    ours, smallest = np.array(errors).T
    # The smallest of some seven sections lies 1.3 standard deviations too low; what is fitted to them, hardly.
    assert smallest.mean() < -1.5
    assert abs(ours.mean()) < 0.7
    assert ours.std() < 1.2


@pytest.mark.parametrize("spacing", [3.3, 4.4, 5.5])
def test_one_slice_is_a_little_more_than_the_smallest(spacing: float) -> None:
    found = find_minimum(np.array([16.0]), np.array([100.0]), spacing_mm=spacing)
    most = 100.0 * (1 - 1 / (1 + LARGEST_GROWTH_PER_MM2 * spacing**2 / 4))
    assert 0 < 100.0 - found.area_mm2 < most / 2
    assert found.index == 0


def test_the_uncertainty_grows_with_the_distance_of_slices() -> None:
    found = [find_minimum(np.array([16.0]), np.array([100.0]), spacing_mm=s).uncertainty_mm2 for s in (1.0, 3.3, 4.4)]
    assert found == sorted(found)
    assert found[2] > 1.5 * found[0]


def test_a_growth_that_no_foramen_has_is_not_believed() -> None:
    """A section that a faulty mask made small between two others does not take the result with it."""
    x = np.array([13.9, 17.2, 20.5])
    found = find_minimum(x, np.array([42.0, 29.0, 44.0]), spacing_mm=3.3, own_mm2=1.0, alike_mm2=5.0)
    assert 31.0 < found.area_mm2 < 40.0


def test_sections_beside_the_pedicle_have_no_say() -> None:
    x = np.arange(12.0, 20.0)
    areas = profile(x, at=16.0, growth=0.008)
    areas[[0, -1]] = 190.0
    assert find_stretch(areas).tolist() == [False, *[True] * 6, False]
    assert find_minimum(x, areas, spacing_mm=1.0).area_mm2 == pytest.approx(90.0, rel=0.01)


def test_ties_go_to_the_smaller_section() -> None:
    found = [
        find_minimum(np.array([15.0, 19.0]), np.array(areas), spacing_mm=4.0)
        for areas in ([90.0, 90.0], [90.0, 89.999])
    ]
    assert [f.index for f in found] == [0, 1]


def test_the_longest_run_is_kept() -> None:
    assert find_longest_run(np.array([-10.0, -14.0, -15.0, -16.0]), 1.0) == slice(1, 4)
    assert find_longest_run(np.array([12.0, 16.4, 20.8]), 4.4) == slice(0, 3)
    assert find_longest_run(np.array([8.0, 16.8]), 4.4) == slice(1, 2)
