"""Without labels: fat's envelope follows the coil, bone is told by brightness, the root is sought near the point."""

import numpy as np
import pytest

from foramgrade.findings import ForamenPoint, Level, Side
from foramgrade.geometry.pointed import look_at_points
from foramgrade.perineural.envelope import fat_outshines, fit_envelope
from foramgrade.perineural.marrow import find_bone, find_bulk, measure_marrow
from foramgrade.perineural.pointing import ROOT_ABOVE_MM, SEEK_MM, ground_of_point, read_points
from foramgrade.perineural.seeking import excess_of_one_side
from foramgrade.perineural.signal import Signal
from foramgrade.volume import Grid, Volume

PIXEL_MM = 0.3


def test_the_envelope_is_the_signal_of_fat_under_a_coil():
    """A tenth of all pixels is fat of 1000 under a coil that falls by a factor of 3 over the field."""
    rng = np.random.default_rng(0)
    shape = (180, 180, 5)
    affine = np.array([[0, 0, 4.0, -10], [0.7, 0, 0, -63], [0, 0.7, 0, -63], [0, 0, 0, 1.0]])
    grid = Grid(shape, affine)
    tissue = rng.choice([100.0, 350.0, 600.0, 1000.0], p=[0.2, 0.4, 0.28, 0.12], size=(30, 30, 5))
    tissue = np.kron(tissue, np.ones((6, 6, 1)))
    forward = np.arange(180)[:, None, None] * 0.7 - 63
    image = tissue * 3.0 ** (-forward / 126) + rng.normal(0, 15, shape)
    envelope = fit_envelope(Volume(image.astype(np.float32), grid), np.array([[-2.0, 0, 0], [-2.0, 5, 30]]), zero=0.0)
    for place in ([-2.0, -20.0, 10.0], [-2.0, 0.0, 0.0], [-2.0, 20.0, -10.0]):
        expected = 1000 * 3.0 ** (-place[1] / 126)
        assert envelope.at(np.array(place)) == pytest.approx(expected, rel=0.1)


def test_no_tissue_has_no_envelope():
    grid = Grid((40, 40, 3), np.diag([1.0, 1.0, 1.0, 1.0]))
    empty = Volume(np.zeros((40, 40, 3), np.float32), grid)
    assert fit_envelope(empty, np.array([[20.0, 20.0, 1.0]]), zero=0.0) is None


def test_fat_must_outshine_soft_tissue():
    bright, dark = Signal(0.0, 100.0, 40.0, 1.0), Signal(0.0, 100.0, 80.0, 1.0)
    assert fat_outshines([bright, bright, dark], 1.5)
    assert not fat_outshines([bright, dark, dark], 1.5)
    assert not fat_outshines([], 1.5)


def section():
    """Fat around a root; marrow in front, above and below."""
    image = np.full((120, 120), 0.65)
    rows, columns = np.indices(image.shape)
    image[((rows - 60) / 30) ** 2 + ((columns - 50) / 14) ** 2 < 1.3] = 0.1
    image[((rows - 60) / 30) ** 2 + ((columns - 50) / 14) ** 2 < 1] = 1.0
    image[np.hypot(rows - 70, columns - 50) < 8] = 0.4
    return image


def test_bone_is_the_large_region_of_marrows_brightness():
    image = section()
    marrow = measure_marrow([(image, (60.0, 50.0))], PIXEL_MM)
    assert marrow == pytest.approx(0.65)
    bone = find_bone(image, marrow, 0.4, PIXEL_MM, at=(60.0, 50.0))
    assert bone[10, 100]
    assert not bone[image == 1.0].any()
    assert not bone[image == 0.4].any()


def test_fat_that_is_as_bright_as_marrow_is_parted_from_it_by_the_cortex():
    """A layer of thin fat, dimmed to marrow by the slice, joins the body but for a line of cortex 1 mm wide."""
    image = np.full((120, 120), 0.65)
    image[:, 30:60] = 0.1
    image[30:90, 50:60] = 0.65
    image[:, 60:63] = 0.1
    bone = find_bone(image, 0.65, 0.4, PIXEL_MM, at=(60.0, 40.0))
    assert bone[60, 100]
    assert not bone[30:90, 50:60].any()


def test_the_fat_of_a_wide_foramen_is_no_bone():
    """The marrow of the aged is nearly as bright as fat; the opening has 21 x 9.6 mm."""
    image = np.full((120, 120), 0.85)
    rows, columns = np.indices(image.shape)
    away = ((rows - 60) / 35) ** 2 + ((columns - 50) / 16) ** 2
    image[away < 1.25] = 0.1
    image[away < 1] = 1.0
    bone = find_bone(image, 0.85, 0.4, PIXEL_MM, at=(60.0, 50.0))
    assert bone[10, 100]
    assert not bone[away < 1].any()


@pytest.mark.parametrize("marrow", [None, 0.42, 0.95])
def test_marrow_like_nerve_or_fat_is_not_told_by_brightness(marrow):
    assert not find_bone(section(), marrow, 0.4, PIXEL_MM, at=(60.0, 50.0)).any()


def test_a_structure_larger_than_a_root_is_bulk_and_a_root_is_not():
    image = section()
    image[:, 90:] = 0.4
    bulk = find_bulk(image, 0.4, PIXEL_MM)
    assert bulk[60, 110]
    assert not bulk[70, 50]


def test_the_root_is_sought_a_little_above_the_point():
    free = np.ones((120, 120), bool)
    ground = ground_of_point((60.0, 60.0), free, PIXEL_MM, bulk=np.zeros_like(free))
    row, column = np.unravel_index(int(np.argmin(ground.cost_mm2)), free.shape)
    assert (row - 60) * PIXEL_MM == pytest.approx(ROOT_ABOVE_MM, abs=PIXEL_MM)
    assert column == 60
    assert not ground.allowed[0, 0]
    assert ground.allowed.sum() * PIXEL_MM**2 == pytest.approx(np.pi * SEEK_MM**2, rel=0.02)
    assert not ground.closed


def test_a_root_in_fat_outweighs_the_nearer_border_of_a_bulge():
    """Fat of 26 x 20 mm; a bulge as bright as nerve fills its front, a root of 4 mm lies in the fat behind."""
    up, forward = (np.indices((160, 160)) - 80) * 0.5
    opening = np.hypot(up / 13, forward / 10)
    drawn = np.select([opening < 1, opening < 1.08], [1.0, 0.1], 0.6)
    drawn[(opening < 1) & (forward > 1)] = 0.4
    drawn[np.hypot(up - 5, forward + 5) < 2] = 0.4
    drawn[:, :6] = 1.0  # under the skin
    noise = np.random.default_rng(0).normal(0, 0.02, (5, 160, 160))
    affine = np.array([[4.5, 0, 0, -9], [0, 0, 0.5, -40], [0, 0.5, 0, -40], [0, 0, 0, 1.0]])
    image = Volume((1000 * (drawn + noise)).astype(np.float32), Grid((5, 160, 160), affine))
    point = ForamenPoint(Level("L4", "L5"), Side.RIGHT, (0.0, 0.0, 0.0))
    (sighting,) = read_points(look_at_points([point], image.grid), image, image_pixel_mm=0.5)
    likeliest = sighting.candidates[0]
    away = np.array(likeliest.content.root.centre) - sighting.pointed.at
    assert away * likeliest.section.pixel_mm == pytest.approx([5.0, -5.0], abs=0.3)
    assert likeliest.weight > 0.5


@pytest.mark.parametrize("sides", [(1, 1, 1, 1), (0, 0, 0, 0), (1, 1, 0, 0), (0.4, 0, 0.4, 0), (0.2, 0.9, 0.9, 0.9)])
def test_what_two_sides_show_counts_in_full(sides):
    assert excess_of_one_side(sides, 12.0, 22.0) == 0


def test_what_one_side_shows_more_than_the_others_speaks_for_a_border():
    whole = excess_of_one_side((0, 0, 0, 1), 22.0, 22.0)
    assert whole == pytest.approx(0.6 / 4 * 22.0), (
        "the weight of the band, a quarter of it, the evidence of a usual root"
    )
    assert excess_of_one_side((0.5, 0, 1, 0.25), 22.0, 22.0) == pytest.approx(whole / 2)
    assert excess_of_one_side((0, 1, 0, 0), 11.0, 22.0) == pytest.approx(whole * 0.5**0.35)
