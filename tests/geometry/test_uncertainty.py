"""Uncertainties against placements drawn at random, and in the limits where a source vanishes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ellipe

from foramgrade.arrays import BoolArray
from foramgrade.geometry.uncertainty import (
    END_RULE_MM,
    SHARED_COUNTING,
    Border,
    area_uncertainty,
    height_uncertainty,
    measure_outline,
    obliquity_uncertainty,
)

#: A foramen's ellipse, half-width and half-height, mm, and its circumference.
HALF = (4.5, 9.0)
OUTLINE = float(4 * HALF[1] * ellipe(1 - (HALF[0] / HALF[1]) ** 2))
PLAIN = Border(OUTLINE, 0.0, 0.6, 0.0)


def ellipse(
    pixel_mm: float, *, half: tuple[float, float] = HALF, at_mm: tuple[float, float] = (0.0, 0.0), turn_deg: float = 0.0
) -> BoolArray:
    n = int(np.ceil((max(half) + 1) / pixel_mm))
    y, x = np.mgrid[-n : n + 1, -n : n + 1] * pixel_mm
    turn = np.radians(turn_deg)
    u = (x - at_mm[0]) * np.cos(turn) + (y - at_mm[1]) * np.sin(turn)
    v = (y - at_mm[1]) * np.cos(turn) - (x - at_mm[0]) * np.sin(turn)
    mask: BoolArray = (u / half[0]) ** 2 + (v / half[1]) ** 2 < 1
    return mask


@pytest.mark.parametrize("half", [(10.0, 10.0), (5.0, 5.0), HALF])
def test_the_outline_is_the_circumference(half: tuple[float, float]) -> None:
    truth = 4 * max(half) * float(ellipe(1 - (min(half) / max(half)) ** 2))
    rng = np.random.default_rng(0)
    found = [
        measure_outline(
            ellipse(0.3, half=half, at_mm=tuple(rng.uniform(-0.15, 0.15, 2)), turn_deg=float(rng.uniform(0, 180))), 0.3
        )
        for _ in range(60)
    ]
    # The bias the docstring states, and three standard errors of the mean of sixty.
    assert np.mean(found) == pytest.approx(truth, abs=0.002 * truth + 3 * np.std(found) / np.sqrt(60))
    # One placement: four directions see an ellipse of 2 : 1 to 3 %.
    assert found == pytest.approx([truth] * 60, rel=0.03)


def test_the_outline_scales_and_turns_with_the_mask() -> None:
    mask = ellipse(0.3, at_mm=(0.1, 0.05))
    outline = measure_outline(mask, 0.3)
    assert measure_outline(mask, 0.6) == pytest.approx(2 * outline)
    for turned in (mask.T, mask[::-1], np.rot90(mask), np.pad(mask, 7)):
        assert measure_outline(turned, 0.3) == pytest.approx(outline)
    assert measure_outline(np.zeros((4, 4), bool), 0.3) == 0
    # A mask that fills its array has a border all the same.
    assert measure_outline(np.ones((5, 5), bool), 0.3) == measure_outline(np.pad(np.ones((5, 5), bool), 3), 0.3) > 0


@pytest.mark.parametrize("voxel_mm", [0.5, 0.8, 1.2])
def test_counting_is_the_spread_of_random_placements(voxel_mm: float) -> None:
    rng = np.random.default_rng(1)
    areas = [
        float(
            ellipse(
                voxel_mm, at_mm=tuple(rng.uniform(-0.5, 0.5, 2) * voxel_mm), turn_deg=float(rng.uniform(0, 180))
            ).sum()
        )
        * voxel_mm**2
        for _ in range(400)
    ]
    # A standard deviation of 400 is known to 3.5 %.
    assert replace(PLAIN, voxel_mm=voxel_mm).counting_mm2 == pytest.approx(np.std(areas), rel=0.2)


def test_smooth_borders_of_any_voxel_have_no_error_of_the_segmentation() -> None:
    for raggedness in (0.0, 0.1, 0.6 / np.sqrt(12)):
        border = replace(PLAIN, raggedness_mm=raggedness)
        assert border.segmentation_mm == pytest.approx(0, abs=1e-9)
        assert border.segmentation_mm2 == pytest.approx(0, abs=1e-8)
    # Beyond the voxels' share the variances add; the fit hides two fifths of it.
    border = replace(PLAIN, raggedness_mm=float(np.hypot(0.6 / np.sqrt(12), 0.3)))
    assert border.segmentation_mm == pytest.approx(0.3 / np.sqrt(0.6))


def test_the_error_of_a_sealed_gap_grows_with_its_square() -> None:
    assert PLAIN.sealing_mm2 == 0
    one, two = (replace(PLAIN, seam_mm=width).sealing_mm2 for width in (3.0, 6.0))
    assert two == pytest.approx(4 * one)
    # Half-width of the arcs that bulge by a fifth: two thirds of width times bulge, and a little more.
    assert one * np.sqrt(3) == pytest.approx(2 / 3 * 3.0 * 0.6, rel=0.06)


def test_the_area_has_every_source_in_squares() -> None:
    border = Border(OUTLINE, 5.0, 0.6, 0.5)
    assert area_uncertainty(PLAIN, minimum_mm2=0.0, obliquity_mm2=0.0) == pytest.approx(
        SHARED_COUNTING * PLAIN.counting_mm2
    )
    found = area_uncertainty(border, minimum_mm2=3.0, obliquity_mm2=2.0)
    rest = area_uncertainty(border, minimum_mm2=0.0, obliquity_mm2=0.0)
    assert found**2 - rest**2 == pytest.approx(3.0**2 + 2.0**2)
    # The segmentation's error comes in with the sections, whose errors are alike.
    smooth = replace(border, raggedness_mm=0.0)
    assert area_uncertainty(smooth, minimum_mm2=3.0, obliquity_mm2=2.0) == found
    # Dominated by one source it is that source.
    assert area_uncertainty(PLAIN, minimum_mm2=1000.0, obliquity_mm2=0.0) == pytest.approx(1000.0, rel=1e-4)


@pytest.mark.parametrize("change", [{"outline_mm": 60.0}, {"seam_mm": 9.0}, {"voxel_mm": 0.9}])
def test_the_area_is_the_less_certain_the_worse_its_border(change: dict[str, float]) -> None:
    border = Border(OUTLINE, 3.0, 0.6, 0.3)
    worse = replace(border, **change)
    better, found = (area_uncertainty(b, minimum_mm2=1.0, obliquity_mm2=1.0) for b in (border, worse))
    assert found > better


def test_the_height_of_a_smooth_mask_is_a_matter_of_voxels() -> None:
    tiny = Border(OUTLINE, 0.0, 1e-6, 0.0)
    assert height_uncertainty(tiny) == pytest.approx(END_RULE_MM / 2)
    assert height_uncertainty(PLAIN) ** 2 - height_uncertainty(tiny) ** 2 == pytest.approx(2 * 0.6**2 / 12)
    stated = [height_uncertainty(replace(PLAIN, raggedness_mm=r)) for r in (0.2, 0.4, 0.8)]
    assert np.all(np.diff(stated) > 0)


def oblique(**change: float) -> float:
    values = {"obliquity_deg": 8.0, "n_sections": 2, "spacing_mm": 4.4, "voxel_mm": 0.6, **change}
    return obliquity_uncertainty(
        100.0,
        obliquity_deg=values["obliquity_deg"],
        n_sections=int(values["n_sections"]),
        spacing_mm=values["spacing_mm"],
        voxel_mm=values["voxel_mm"],
    )


def test_oblique_slices_hang_on_the_course() -> None:
    assert oblique(obliquity_deg=0.0) == 0
    # One slice tells no course: 0.3 times tan 8 degrees of 100 mm2; two tell it to a third of a voxel at either end.
    assert oblique(n_sections=1) == pytest.approx(100 * 0.3 * np.tan(np.radians(8)))
    assert oblique() == pytest.approx(100 * np.tan(np.radians(8)) * 0.3 * 0.6 * np.sqrt(2) / 4.4)
    assert oblique(n_sections=2) < oblique(n_sections=1)
    assert oblique(obliquity_deg=12.0) > oblique()
    assert oblique(spacing_mm=2.0) > oblique()
    # However coarse the voxels, not less is known than of one slice.
    assert oblique(voxel_mm=50.0) == oblique(n_sections=1)
