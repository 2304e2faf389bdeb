"""The smallest section of a foramen, from profiles whose minimum is known."""

import numpy as np
import pytest

from foramgrade.arrays import FloatArray
from foramgrade.geometry.profile import ALIKE_MM, LARGEST_GROWTH_PER_MM2, find_longest_run, find_minimum, find_stretch

AREA = 100.0


def parabola(x: FloatArray, *, at_mm: float, growth: float) -> FloatArray:
    """Areas whose smallest is `AREA` at a place, and grow relatively with the squared distance."""
    areas: FloatArray = AREA * (1 + growth * (x - at_mm) ** 2)
    return areas


@pytest.mark.parametrize("growth", [0.004, 0.01, 0.018])
@pytest.mark.parametrize("shift_mm", [-1.0, 0.0, 0.6])
@pytest.mark.parametrize(("count", "spacing_mm"), [(3, 3.0), (9, 1.0)])
def test_the_vertex_of_exact_sections(growth: float, shift_mm: float, count: int, spacing_mm: float) -> None:
    x = 15.0 + spacing_mm * (np.arange(count) - count // 2)
    found = find_minimum(x, parabola(x, at_mm=15.0 + shift_mm, growth=growth), spacing_mm=spacing_mm)
    # Areas are believed to 1 %: the result may be off by one such standard deviation, and says so.
    assert found.area_mm2 == pytest.approx(AREA, abs=0.01 * AREA)
    assert 0 < found.uncertainty_mm2 <= 0.02 * AREA
    assert found.offset_mm == pytest.approx(15.0 + shift_mm, abs=spacing_mm / 2)
    assert found.index == int(np.argmin(np.abs(x - found.offset_mm)))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("growth", np.linspace(0, LARGEST_GROWTH_PER_MM2, 4))
def test_one_or_two_thick_slices_miss_little(count: int, growth: float) -> None:
    spacing, own = 4.0, 1.0
    places = np.linspace(-0.5, 0.5, 9) * spacing
    errors = []
    for place in places:
        # The nearest slices to the minimum: one within half a spacing, two on either side of it.
        x = spacing * (np.arange(count) - (count - 1) / 2) + place
        areas = parabola(x, at_mm=0.0, growth=growth)
        found = find_minimum(x, areas, spacing_mm=spacing, own_mm2=own)
        # Never more than the smaller slice, and never less than that by more than a slice can miss: a quarter of the
        # squared spacing times the largest growth, 8.4 %.
        excess = LARGEST_GROWTH_PER_MM2 * spacing**2 / 4
        assert areas.min() / (1 + excess) <= found.area_mm2 <= areas.min()
        errors.append(found.area_mm2 - AREA)
        assert abs(errors[-1]) <= 3 * found.uncertainty_mm2
    # On average over the places less wrong than the most that the smaller of the slices misses on average, 2.8 %.
    assert abs(np.mean(errors)) <= LARGEST_GROWTH_PER_MM2 * spacing**2 / 12 * AREA


def test_chance_does_not_choose_the_minimum() -> None:
    rng = np.random.default_rng(0)
    x, noise = np.arange(9.0) - 4.0, 3.0
    profiles = parabola(x, at_mm=0.3, growth=0.01) + rng.normal(0.0, noise, (200, 9))
    found = [find_minimum(x, areas, spacing_mm=1.0, own_mm2=noise) for areas in profiles]
    errors = np.array([minimum.area_mm2 for minimum in found]) - AREA
    lost = profiles.min(axis=1) - AREA
    assert abs(errors.mean()) < 0.5 * abs(lost.mean())
    assert np.sqrt((errors**2).mean()) < 0.6 * np.sqrt((lost**2).mean())
    # The stated uncertainty is that of the errors: a standard deviation of 200 is known to 5 %, the prior adds to it.
    stated = np.sqrt(np.mean([minimum.uncertainty_mm2**2 for minimum in found]))
    assert 0.7 < stated / np.sqrt((errors**2).mean()) < 1.5


def test_a_growth_that_no_foramen_has_is_not_believed() -> None:
    x = np.array([-2.0, 0.0, 2.0])
    # Growth 0.1 per mm2; the vertex of the parabola through the sections lies at 1 mm, at 90 % of the middle one.
    areas = AREA * (1 + 0.1 * (x - 1.0) ** 2) / 1.1
    vertex = AREA / 1.1
    found = find_minimum(x, areas, spacing_mm=2.0, own_mm2=3.0)
    # Over the half spacing to the next section the largest growth takes off 2.1 %, the sections' own errors 1 sigma.
    assert vertex < found.area_mm2 <= areas.min() + 3.0
    assert found.area_mm2 > areas.min() * (1 - LARGEST_GROWTH_PER_MM2) - 3.0


def test_a_section_that_a_faulty_mask_made_small_does_not_decide() -> None:
    x = np.array([13.9, 17.2, 20.5])
    found = find_minimum(x, np.array([42.0, 29.0, 44.0]), spacing_mm=3.3, own_mm2=1.0, alike_mm2=5.0)
    assert 31.0 < found.area_mm2 < 40.0


@pytest.mark.parametrize("spacing", [3.3, 4.4, 5.5])
def test_one_slice_is_a_little_more_than_the_smallest(spacing: float) -> None:
    found = find_minimum(np.array([16.0]), np.array([100.0]), spacing_mm=spacing)
    most = 100.0 * (1 - 1 / (1 + LARGEST_GROWTH_PER_MM2 * spacing**2 / 4))
    assert 0 < 100.0 - found.area_mm2 < most / 2
    assert found.index == 0


def test_ties_go_to_the_smaller_section() -> None:
    found = [
        find_minimum(np.array([15.0, 19.0]), np.array(areas), spacing_mm=4.0)
        for areas in ([90.0, 90.0], [90.0, 89.999])
    ]
    assert [f.index for f in found] == [0, 1]


def test_uncertainty_grows_with_the_distance_of_slices() -> None:
    stated = []
    for spacing in (1.0, 2.0, 3.0, 4.0, 5.0):
        x = np.arange(-20, 21) * spacing
        stated.append(find_minimum(x, np.full(len(x), AREA), spacing_mm=spacing, own_mm2=2.0).uncertainty_mm2)
    assert np.all(np.diff(stated) > 0)


def test_shared_errors_do_not_average_out() -> None:
    x = np.arange(9.0)
    areas = np.full(9, AREA)
    own = find_minimum(x, areas, spacing_mm=1.0, own_mm2=4.0)
    shared = find_minimum(x, areas, spacing_mm=1.0, alike_mm2=4.0)
    assert own.uncertainty_mm2 < shared.uncertainty_mm2
    # The mean over 9 mm of errors that are alike over 4 mm keeps more than half of them.
    assert shared.uncertainty_mm2 > 0.5 * 4.0


@pytest.mark.parametrize("count", [1, 2, 9])
def test_mirrored_and_scaled_profiles_have_mirrored_and_scaled_minima(count: int) -> None:
    x = 14.0 + 1.5 * np.arange(count)
    areas = parabola(x, at_mm=16.0, growth=0.012)
    found = find_minimum(x, areas, spacing_mm=1.5, own_mm2=1.0)
    mirrored = find_minimum(-x, areas, spacing_mm=1.5, own_mm2=1.0)
    assert mirrored.area_mm2 == pytest.approx(found.area_mm2)
    assert mirrored.offset_mm == pytest.approx(-found.offset_mm)
    assert mirrored.index == found.index
    twice = find_minimum(x, 2 * areas, spacing_mm=1.5, own_mm2=2.0)
    assert twice.area_mm2 == pytest.approx(2 * found.area_mm2)
    assert twice.uncertainty_mm2 == pytest.approx(2 * found.uncertainty_mm2)


def test_sections_beside_the_foramen_do_not_count() -> None:
    x = np.arange(10.0, 21.0)
    areas = np.where(x < 13, 400.0, parabola(x, at_mm=16.0, growth=0.01))
    found = find_minimum(x, areas, spacing_mm=1.0, own_mm2=1.0)
    alone = find_minimum(x[3:], areas[3:], spacing_mm=1.0, own_mm2=1.0)
    assert found.area_mm2 == pytest.approx(alone.area_mm2)
    assert found.index == alone.index + 3


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ([100.0], [True]),
        ([100.0, 150.0, 151.0], [True, True, False]),
        ([120.0, 160.0, 110.0, 100.0, 149.0, 200.0], [False, False, True, True, True, False]),
        ([100.0, 160.0, 101.0], [True, False, False]),
        ([160.0, 101.0, 155.0, 100.0], [False, False, False, True]),
    ],
)
def test_the_stretch_ends_at_half_as_much_area_again(areas: list[float], expected: list[bool]) -> None:
    assert find_stretch(np.array(areas)).tolist() == expected


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ([12.0], slice(0, 1)),
        ([10.0, 11.0, 12.0], slice(0, 3)),
        ([10.0, 11.0, 12.0, 15.0, 16.0], slice(0, 3)),
        ([10.0, 11.0, 15.0, 16.0], slice(2, 4)),  # equal: the lateral one
        ([-10.0, -14.0, -15.0, -16.0], slice(1, 4)),
        ([10.0, 11.0, 13.0, 14.0, 15.0], slice(2, 5)),  # one section between them shows nothing
        ([10.0, 11.4, 12.8], slice(0, 3)),  # oblique slices are a little further apart
    ],
)
def test_the_longest_unbroken_run(offsets: list[float], expected: slice) -> None:
    assert find_longest_run(np.array(offsets), 1.0) == expected


def test_errors_that_neighbours_share_do_not_average_out() -> None:
    """Two equal sections whose errors of 5 mm2 are alike by exp(-distance / 4 mm)."""
    found = find_minimum(np.array([-0.5, 0.5]), np.array([AREA, AREA]), spacing_mm=1.0, alike_mm2=5.0)
    # The variance of the mean; that an area grows by up to 1 % over a millimetre adds next to nothing.
    assert found.uncertainty_mm2 == pytest.approx(5.0 * np.sqrt((1 + np.exp(-1.0 / ALIKE_MM)) / 2), rel=0.05)
