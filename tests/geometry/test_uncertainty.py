"""Standard uncertainties against what they stand for."""

from dataclasses import replace

import numpy as np
import pytest

from foramgrade.geometry.uncertainty import (
    HIDDEN_SHARE,
    Border,
    area_uncertainty,
    height_uncertainty,
    measure_outline,
    obliquity_uncertainty,
)

BORDER = Border(outline_mm=44.0, seam_mm=0.0, voxel_mm=0.6, raggedness_mm=0.0)


@pytest.mark.parametrize("tilt_deg", [0.0, 17.0, 45.0])
def test_outline_of_an_ellipse(tilt_deg: float) -> None:
    """18 x 9 mm: Ramanujan's circumference is exact to 1e-5 at this eccentricity."""
    pixel, a, b = 0.3, 9.0, 4.5
    y, x = np.mgrid[-12:12:pixel, -12:12:pixel]
    turn = np.radians(tilt_deg)
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    truth = np.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))
    assert measure_outline((u / a) ** 2 + (v / b) ** 2 < 1, pixel) == pytest.approx(truth, rel=0.02)


def test_counting_is_what_random_placements_scatter() -> None:
    rng = np.random.default_rng(1)
    voxel = 0.6
    grid = np.arange(-12.0, 12.0, voxel)
    areas = []
    for _ in range(400):
        dx, dy, turn = *rng.uniform(0, voxel, 2), rng.uniform(0, np.pi)
        x, y = grid[None, :] + dx, grid[:, None] + dy
        u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
        areas.append(np.count_nonzero((u / 9.0) ** 2 + (v / 4.5) ** 2 < 1) * voxel**2)
    assert BORDER.counting_mm2 == pytest.approx(float(np.std(areas)), rel=0.25)


def test_raggedness_below_the_voxels_is_theirs() -> None:
    assert replace(BORDER, raggedness_mm=0.6 / np.sqrt(12)).segmentation_mm == pytest.approx(0.0, abs=1e-6)
    ragged = replace(BORDER, raggedness_mm=np.hypot(0.6 / np.sqrt(12), 0.4))
    assert ragged.segmentation_mm == pytest.approx(0.4 / np.sqrt(1 - HIDDEN_SHARE))
    assert area_uncertainty(ragged, minimum_mm2=1.0, obliquity_mm2=0.0) == area_uncertainty(
        BORDER, minimum_mm2=1.0, obliquity_mm2=0.0
    )  # it comes in with the sections, whose errors are alike
    assert height_uncertainty(ragged) > height_uncertainty(BORDER)


def test_sources_add_in_squares() -> None:
    alone = area_uncertainty(BORDER, minimum_mm2=0.0, obliquity_mm2=0.0)
    assert area_uncertainty(BORDER, minimum_mm2=3.0, obliquity_mm2=4.0) == pytest.approx(np.hypot(alone, 5.0))
    sealed = replace(BORDER, seam_mm=6.0)
    assert area_uncertainty(sealed, minimum_mm2=0.0, obliquity_mm2=0.0) == pytest.approx(
        np.hypot(alone, 0.14 * 36 / np.sqrt(3))
    )


def test_obliquity_counts_where_the_course_is_not_known() -> None:
    at = {"spacing_mm": 4.4, "voxel_mm": 0.6}
    assert obliquity_uncertainty(100.0, obliquity_deg=0.0, n_sections=1, **at) == 0.0
    one, two = (obliquity_uncertainty(100.0, obliquity_deg=10.0, n_sections=n, **at) for n in (1, 2))
    assert one == pytest.approx(100 * 0.3 * np.tan(np.radians(10)))
    assert two == pytest.approx(100 * 0.3 * 0.6 * np.sqrt(2) / 4.4 * np.tan(np.radians(10)))
