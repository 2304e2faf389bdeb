"""Measures against closed forms."""

import numpy as np
import pytest

from foramgrade.errors import InputError
from foramgrade.geometry.measure import (
    END_WIDTH_MM,
    find_disc_row,
    measure_area,
    measure_asymmetry,
    measure_disc_height,
    measure_height,
    measure_volume,
    measure_width,
)
from foramgrade.geometry.planes import Part


def ellipse_share(pixel_mm: tuple[float, float], centre: tuple[float, float], fine: int = 1) -> np.ndarray:
    """Share of every pixel inside an ellipse of 18 x 9 mm, from fine x fine samples."""
    shape = tuple(int(np.ceil(22 / p)) for p in pixel_mm)
    sub = (np.arange(fine) + 0.5) / fine - 0.5
    s = ((np.arange(shape[0])[:, None] + sub).ravel() - shape[0] / 2) * pixel_mm[0] - centre[0]
    a = ((np.arange(shape[1])[:, None] + sub).ravel() - shape[1] / 2) * pixel_mm[1] - centre[1]
    inside = (s[:, None] / 9) ** 2 + (a[None, :] / 4.5) ** 2 < 1
    share: np.ndarray = inside.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3))
    return share


@pytest.mark.parametrize("pixel_mm", [(0.3, 0.3), (0.5, 0.8), (1.0, 1.0)])
def test_area_of_an_ellipse_is_unbiased_by_its_placement(pixel_mm: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    areas = [measure_area(ellipse_share(pixel_mm, tuple(rng.uniform(-1, 1, 2))) > 0.5, pixel_mm) for _ in range(100)]
    # Standard deviation 0.28 sqrt(outline / pixel) pixels of one placement; a tenth of it for the mean of a hundred.
    mean_pixel = float(np.sqrt(pixel_mm[0] * pixel_mm[1]))
    sigma = 0.28 * np.sqrt(43.7 / mean_pixel) * mean_pixel**2
    assert np.mean(areas) == pytest.approx(np.pi * 4.5 * 9, abs=3 * sigma / 10)
    assert np.abs(np.array(areas) - np.pi * 4.5 * 9).max() < 4 * sigma


def test_a_soft_mask_is_better_than_a_binary_one() -> None:
    soft = [
        measure_area(ellipse_share((1.0, 1.0), (dx, dy), fine=9), 1.0) for dx, dy in ((0, 0), (0.3, 0.4), (0.5, 0.1))
    ]
    # Each boundary pixel is right to a ninth of a pixel.
    assert soft == pytest.approx([np.pi * 4.5 * 9] * 3, abs=3 * 0.28 * np.sqrt(43.7 * 9) / 9**2)


def test_area_scales_with_both_spacings() -> None:
    mask = np.ones((4, 5), bool)
    assert measure_area(mask, 0.5) == pytest.approx(20 * 0.25)
    assert measure_area(mask, (0.5, 0.6)) == pytest.approx(20 * 0.3)
    assert measure_area(np.zeros((3, 3)), 1.0) == 0


@pytest.mark.parametrize(
    ("mask", "spacing", "message"),
    [
        (np.ones((2, 2, 2)), 1.0, r"two axes, found shape \(2, 2, 2\)"),
        (np.full((2, 2), 2), 1.0, "mask values are 0 to 1, found 2 to 2"),
        (np.array([[0.5, -0.1]]), 1.0, "found -0.1 to 0.5"),
        (np.array([[0.5, np.nan]]), 1.0, "mask values are 0 to 1"),
        (np.ones((2, 2)), 0.0, "positive numbers of millimetres, found 0"),
        (np.ones((2, 2)), (1.0, -1.0), "one or two positive numbers"),
        (np.ones((2, 2)), float("inf"), "one or two positive numbers"),
        (np.ones((2, 2)), (1.0, 1.0, 4.0), "one or two positive numbers"),
        (np.full((2, 2), np.nan), 1.0, "mask values are 0 to 1"),
    ],
)
def test_area_refuses(mask: np.ndarray, spacing: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_area(mask, spacing)


def test_height_is_the_extent_where_the_opening_is_0_3_mm_wide() -> None:
    mask = np.zeros((70, 40), bool)
    mask[10:60, 15:25] = True
    mask[60:65, 20] = True  # a spur of one pixel
    assert measure_height(mask, 0.3) == pytest.approx(55 * 0.3)
    assert measure_height(mask, 0.2) == pytest.approx(50 * 0.2)
    assert measure_height(np.zeros((4, 4), bool), 0.3) == 0.0
    assert pytest.approx(0.3) == END_WIDTH_MM


def test_height_of_a_rounded_and_a_pointed_end() -> None:
    pixel = 0.05
    y, x = (np.arange(-10, 10, pixel)[:, None], np.arange(-10, 10, pixel)[None, :])
    circle = x**2 + y**2 < 16
    point = (y > -6) & (y < 6) & (np.abs(x) < (y + 6) * np.tan(np.pi / 6))
    assert measure_height(circle, pixel) == pytest.approx(8.0 - 2 * 0.003, abs=2 * pixel)
    assert measure_height(point, pixel) == pytest.approx(12.0 - 0.15 * np.sqrt(3), abs=2 * pixel)


def test_width_is_read_on_a_row_and_missing_where_there_is_none() -> None:
    mask = np.zeros((5, 6), bool)
    mask[2, 1:4] = True
    assert measure_width(mask, 2, 0.5) == 1.5
    assert [measure_width(mask, row, 0.5) for row in (0, -1, 5)] == [None, None, None]


def test_posterior_disc_height_of_a_wedge() -> None:
    pixel = 0.1
    s, a = np.arange(-8, 8, pixel)[:, None], np.arange(-10, 14, pixel)[None, :]
    # 6 mm high at the posterior margin (a = 0), opening by 0.2 mm per mm; rounded off within the last millimetre.
    wedge = (np.abs(s - 1.0) < 3.0 + 0.1 * a - np.clip(1.0 - a, 0, 1)) & (a >= 0)
    parts = np.where(wedge, Part.DISC, Part.FREE).astype(np.uint8)
    # Median between 1 and 5 mm: the height at 3 mm.
    assert measure_disc_height(parts, pixel) == pytest.approx(6.6, abs=2 * pixel)
    row = find_disc_row(parts, pixel)
    assert row is not None
    assert s[row, 0] == pytest.approx(1.0, abs=pixel)


def test_disc_measures_are_missing_without_a_disc() -> None:
    parts = np.full((20, 20), Part.UPPER, np.uint8)
    assert measure_disc_height(parts, 0.3) is None
    assert find_disc_row(parts, 0.3) is None


def test_disc_measures_are_missing_where_the_disc_is_a_speck() -> None:
    parts = np.zeros((20, 40), np.uint8)
    parts[10, 5] = Part.DISC  # nothing 1 to 5 mm in front of it
    assert measure_disc_height(parts, 0.3) is None
    assert find_disc_row(parts, 0.3) is None


def test_volume_is_the_sum_over_true_spacings() -> None:
    assert measure_volume(np.array([100.0, 80.0, 120.0]), np.array([4.4, 4.4, 4.4])) == pytest.approx(1320.0)
    assert measure_volume(np.array([]), np.array([])) == 0.0


def test_asymmetry_changes_sign_with_the_sides() -> None:
    assert measure_asymmetry(110.0, 90.0) == pytest.approx(0.2)
    assert measure_asymmetry(90.0, 110.0) == pytest.approx(-0.2)
    assert measure_asymmetry(0.0, 0.0) == 0.0
