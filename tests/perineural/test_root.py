"""The root is found where it was drawn, in fat and in contact, and nowhere else."""

import numpy as np
import pytest

from foramgrade.perineural.root import describe_root, ground_of_opening
from foramgrade.perineural.root import find_root as find_in_ground

PIXEL_MM = 0.3


def find_root(brightness, opening, pixel_mm, **known):
    return find_in_ground(brightness, ground_of_opening(opening, pixel_mm), pixel_mm, **known)


def overlap(one, other):
    """Dice coefficient."""
    return 2 * np.sum(one & other) / (one.sum() + other.sum())


@pytest.mark.parametrize(
    ("semi", "at", "tilt"),
    [
        ((2.8, 2.4), (3.0, 0.0), 0.0),
        ((3.2, 2.6), (2.0, 1.0), 30.0),
        ((2.2, 2.0), (4.0, -1.0), 0.0),
        ((3.6, 1.4), (3.0, 0.0), 60.0),
    ],
)
def test_a_root_in_fat_is_outlined_to_a_pixel(draw, semi, at, tilt):
    drawn = draw(semi=semi, at=at, tilt=tilt)
    root = find_root(drawn.brightness, drawn.opening, PIXEL_MM)
    assert root is not None
    true_mm2 = np.pi * semi[0] * semi[1]
    # Half a pixel of 0.3 mm along the whole outline.
    circumference = 2 * np.pi * np.sqrt((semi[0] ** 2 + semi[1] ** 2) / 2)
    assert root.area_mm2 == pytest.approx(true_mm2, abs=0.15 * circumference)
    assert overlap(root.mask, drawn.root) > 0.9
    assert root.indistinct < 0.2


@pytest.mark.parametrize("lost", ["S", "P", "I", "A", "SI", "PA", "SPA", "SPIA"])
def test_contact_with_ligament_does_not_make_it_grow(draw, lost):
    drawn = draw(lost=lost)
    root = find_root(drawn.brightness, drawn.opening, PIXEL_MM)
    assert root is not None
    assert root.area_mm2 == pytest.approx(np.pi * 2.8 * 2.4, rel=0.2)
    assert overlap(root.mask, drawn.root) > 0.85


def test_contact_with_tissue_of_its_own_brightness_stays_within_root_size(draw):
    drawn = draw(lost="SPIA", filling=0.38)
    root = find_root(drawn.brightness, drawn.opening, PIXEL_MM)
    assert root is not None
    assert root.area_mm2 < 1.8 * np.pi * 2.8 * 2.4
    assert root.indistinct > 0.6


@pytest.mark.parametrize("seed", range(4))
def test_noise_of_a_clinical_series_moves_the_outline_little(draw, seed):
    drawn = draw(noise=0.06, seed=seed)
    root = find_root(drawn.brightness, drawn.opening, PIXEL_MM, noise=0.06)
    assert root is not None
    assert overlap(root.mask, drawn.root) > 0.85


def test_a_vessel_in_the_lower_foramen_is_not_the_root(draw):
    drawn = draw()
    rows, columns = np.indices(drawn.opening.shape)
    vessel = np.hypot(rows - 52, columns - 65) * PIXEL_MM <= 1.0
    brightness = np.where(vessel, 0.06, drawn.brightness)
    root = find_root(brightness, drawn.opening, PIXEL_MM)
    assert root is not None
    assert not np.any(root.mask & vessel)


def test_an_opening_full_of_fat_has_no_root(draw):
    drawn = draw()
    assert find_root(np.where(drawn.opening, 1.0, 0.1), drawn.opening, PIXEL_MM) is None


def test_a_flattened_root_has_the_aspect_it_was_drawn_with(draw):
    drawn = draw(semi=(3.6, 1.4), blur_mm=0.2)
    root = find_root(drawn.brightness, drawn.opening, PIXEL_MM)
    assert root is not None
    assert root.aspect == pytest.approx(3.6 / 1.4, rel=0.15)


def test_axes_of_a_drawn_outline_are_those_of_the_ellipse(draw):
    drawn = draw(semi=(4.0, 2.0))
    root = describe_root(drawn.root, np.zeros_like(drawn.root), PIXEL_MM, brightness=0.4)
    assert root.aspect == pytest.approx(2.0, rel=0.03)
    assert root.area_mm2 == pytest.approx(np.pi * 8.0, rel=0.02)
    assert root.indistinct == 0.0
    assert root.solidity == pytest.approx(1.0, abs=0.05)


def test_solidity_of_an_l_is_its_share_of_the_hull():
    mask = np.zeros((12, 12), bool)
    mask[:10, :2] = mask[:2, :10] = True
    root = describe_root(mask, mask, PIXEL_MM, brightness=0.4)
    # 36 pixels; hull of their centres: the square of 9 less the triangle of 8, grown by half a pixel.
    circumference = 2 * 9 + 2 * 1 + np.hypot(8, 8)
    assert root.solidity == pytest.approx(36 / (81 - 32 + circumference / 2 + np.pi / 4))


def test_one_pixel_is_round():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    root = describe_root(mask, np.ones_like(mask), PIXEL_MM, brightness=0.4)
    assert root.aspect == pytest.approx(1.0)
    assert root.indistinct == 1.0


def test_superior_and_anterior_scale_together(draw):
    """The same section seen on a raster twice as fine gives the same root within a coarse pixel."""
    drawn = draw()
    fine = [np.kron(a, np.ones((2, 2), a.dtype)) for a in (drawn.brightness, drawn.opening)]
    one = find_root(drawn.brightness, drawn.opening, PIXEL_MM)
    two = find_root(fine[0], fine[1], PIXEL_MM / 2)
    assert one is not None
    assert two is not None
    assert two.area_mm2 == pytest.approx(one.area_mm2, rel=0.1)


def test_a_place_costs_by_height_and_depth_in_the_opening_and_tissue_beside_the_disc_counts_less():
    opening = np.zeros((161, 121), bool)
    opening[30:131, 10:111] = True  # 100 pixels from the first to the last centre either way
    disc = np.zeros_like(opening)
    disc[40:71, 90:] = True
    ground = ground_of_opening(opening, 0.2, disc=disc)
    # Usual: 0.7 of the way up and 0.55 of the way forward; a spread away (0.15 and 0.2) costs 2.5 and 1 mm2.
    assert ground.cost_mm2[100, 65] == pytest.approx(0.0, abs=1e-12)
    assert ground.cost_mm2[[85, 115], 65] == pytest.approx([2.5, 2.5])
    assert ground.cost_mm2[100, [45, 85]] == pytest.approx([1.0, 1.0])
    assert ground.cost_mm2[115, 85] == pytest.approx(3.5)
    # The disc's top is nine tenths up its 30 rows; from there the credit rises from 0.4 to 1 over 4 mm.
    top = 40 + 27
    assert ground.credit[[40, top, top + 10, top + 20, 160], 20] == pytest.approx([0.4, 0.4, 0.7, 1.0, 1.0])
    assert ground_of_opening(opening, 0.2).credit.min() == 1.0
