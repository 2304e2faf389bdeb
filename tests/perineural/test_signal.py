"""Fat is what is bright beside the same foramen, whatever the scanner's scale, coil and noise."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from foramgrade.perineural.signal import (
    SMALLEST_FAT_MM2,
    USUAL_FAT_TO_MARROW,
    Signal,
    Surroundings,
    estimate_noise,
    fat_fraction,
    find_brightest,
    find_zero,
    fit_signals,
    measure_noise,
    sample_image,
    split_in_two,
)
from foramgrade.volume import Grid, Volume

PIXEL_MM = 0.3
FAT, SOFT, MARROW = 160.0, 60.0, 100.0
#: An oblique, anisotropic grid, stored sagittally, that reaches neither the origin nor the axes.
AFFINE = np.array([[0.3, 0.1, -4.2, 40.0], [0.6, 0.05, 0.9, -30.0], [-0.02, 0.69, 0.4, -20.0], [0.0, 0.0, 0.0, 1.0]])


class Sheet:
    """As much of a section as sampling looks at."""

    def __init__(self, positions_mm):
        self.positions_mm = positions_mm


def surroundings(*, gain=1.0, fat_share=0.4, marrow=MARROW, zero=0.0, seed=0, n=3000):
    """Fat and soft tissue of known intensity; 8 % noise keeps the two populations apart."""
    rng = np.random.default_rng(seed)
    is_fat = np.arange(n) < fat_share * n
    values = np.where(is_fat, rng.normal(FAT, 8.0, n), rng.normal(SOFT, 8.0, n))
    return Surroundings(zero, gain * values, gain * marrow, PIXEL_MM, 8.0 * gain)


@pytest.mark.parametrize("share", [0.15, 0.4, 0.7])
def test_the_split_is_otsus(share):
    one = surroundings(fat_share=share)
    # The histogram is cut at the 99.5th percentile on purpose, as the oracle's input is here; bins are its own.
    values = np.clip(one.unlabelled, None, np.quantile(one.unlabelled, 0.995))
    bin_width = np.ptp(values) / 128
    # skimage names the middle of the last dark bin, we its upper edge.
    assert split_in_two(one.unlabelled) == pytest.approx(threshold_otsu(values, nbins=128) + bin_width / 2, rel=1e-9)


def test_values_that_are_all_the_same_are_all_dark():
    assert split_in_two(np.full(500, 7.0)) == 7.0


def test_an_image_that_is_empty_outside_the_bones_does_not_stop_the_study():
    empty = Surroundings(0.0, np.zeros(500), 100.0, PIXEL_MM, 0.0)
    (signal,) = fit_signals([empty], brightest=200.0)
    assert signal is not None
    assert signal.fat == pytest.approx(USUAL_FAT_TO_MARROW * 100.0)


def test_references_follow_the_coil():
    """A coil that loses 60 % from the first to the last foramen darkens fat, soft tissue and marrow alike."""
    gains = np.linspace(1.0, 0.4, 10)
    signals = fit_signals([surroundings(gain=g, seed=i) for i, g in enumerate(gains)], brightest=FAT)
    for gain, signal in zip(gains, signals, strict=True):
        # The 75th percentile of N(160, 8) lies 0.674 SD above its mean.
        assert signal.fat == pytest.approx(gain * (FAT + 0.674 * 8.0), rel=0.01)
        assert signal.soft == pytest.approx(gain * SOFT, rel=0.02)


@pytest.mark.parametrize("gain", [1.0, 0.4])
def test_a_foramen_without_fat_borrows_it_from_the_others(gain):
    around = [surroundings(seed=i) for i in range(5)] + [surroundings(gain=gain, fat_share=0.0, seed=9)]
    signal = fit_signals(around, brightest=FAT)[-1]
    assert signal.fat == pytest.approx(gain * (FAT + 0.674 * 8.0), rel=0.02)


def test_own_fat_counts_from_its_smallest_area_on():
    """Own fat half as bright again as the others': used when it covers enough, not otherwise."""
    others = [surroundings(seed=i) for i in range(5)]
    enough = SMALLEST_FAT_MM2 / PIXEL_MM**2
    for n_fat, expected in ((enough * 1.05, 240.0), (enough * 0.9, FAT)):
        values = np.full(2000, SOFT)
        values[: int(n_fat)] = 240.0
        own = Surroundings(0.0, values, MARROW, PIXEL_MM, 1.0)
        assert fit_signals([*others, own], brightest=FAT)[-1].fat == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("darkening", [0.35, 0.25, 0.1])
@pytest.mark.parametrize("n_dark", [1, 2, 4])
def test_one_level_with_screws_does_not_set_the_references_of_all_others(darkening, n_dark):
    around = [surroundings(marrow=MARROW * (darkening if i < n_dark else 1.0), seed=i) for i in range(10)]
    for signal in fit_signals(around, brightest=FAT):
        assert signal.fat == pytest.approx(FAT + 0.674 * 8.0, rel=0.02)


def test_dark_marrow_throughout_is_no_exception():
    signals = fit_signals([surroundings(marrow=20.0, seed=i) for i in range(6)], brightest=FAT)
    assert [s.fat for s in signals] == pytest.approx([FAT + 0.674 * 8.0] * 6, rel=0.02)


def test_where_nothing_outshines_marrow_there_is_no_fat():
    around = [surroundings(fat_share=0.0, seed=i) for i in range(4)]
    assert fit_signals(around, brightest=MARROW) == [None] * 4


def test_lost_fat_is_not_missing_fat():
    """Subcutaneous fat outshines the marrow, nothing near the foramina does: fat is taken at its usual brightness."""
    around = [surroundings(fat_share=0.0, seed=i) for i in range(4)]
    for signal in fit_signals(around, brightest=FAT):
        assert signal.fat == pytest.approx(USUAL_FAT_TO_MARROW * MARROW)


def test_unknown_surroundings_have_no_signal():
    black = Surroundings(0.0, np.zeros(200), 0.0, PIXEL_MM, 0.0)
    assert fit_signals([None, black], brightest=1.0) == [None, None]
    assert [s is None for s in fit_signals([None, surroundings(), black], brightest=FAT)] == [True, False, True]


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-6, 0.0), (1e6, 0.0), (3.0, -1000.0), (0.5, 4e4)])
def test_brightness_does_not_depend_on_scale_and_offset(scale, offset):
    rng = np.random.default_rng(3)
    values = rng.gamma(2.0, 50.0, (20, 30, 20))
    grid = Grid(values.shape, AFFINE)
    brightness = []
    for a, b in ((1.0, 0.0), (scale, offset)):
        image = Volume(a * values + b, grid)
        zero = find_zero(image)
        own = Surroundings(zero, (a * values + b - zero).ravel(), a * 50.0, PIXEL_MM, 0.0)
        (signal,) = fit_signals([own], brightest=find_brightest(image, zero))
        brightness.append(signal.brightness(a * values + b))
    np.testing.assert_allclose(brightness[1], brightness[0], rtol=1e-6, atol=1e-7)


def test_brightness_outside_the_image_is_no_signal():
    signal = Signal(zero=-100.0, fat=100.0, soft=0.0, noise=0.0)
    assert signal.brightness(np.array([np.nan, -500.0, -100.0, 0.0, 100.0, 300.0])).tolist() == [0, 0, 0, 0.5, 1, 2]
    assert signal.contrast_to_noise == np.inf
    assert signal.relative_noise == 0.0


def test_contrast_and_noise_are_each_others_inverse():
    signal = Signal(zero=10.0, fat=210.0, soft=60.0, noise=15.0)
    assert signal.contrast_to_noise == pytest.approx(10.0)
    assert signal.relative_noise == pytest.approx(0.1)


def test_fat_fraction_undoes_a_mixture():
    shares = np.linspace(0, 1, 11)
    np.testing.assert_allclose(fat_fraction(shares * 1.0 + (1 - shares) * 0.35, 0.35), shares, atol=1e-12)
    # Nerve is neither as dark as cortical bone nor nearly as bright as fat.
    assert fat_fraction(np.array([0.55]), 0.0) == pytest.approx(0.5)
    assert fat_fraction(np.array([0.825]), 0.9) == pytest.approx(0.5)


def test_noise_is_what_was_added():
    """On a smooth ramp with a bright block; 1.4826 medians of 30,000 differences scatter by about 1 %."""
    rng = np.random.default_rng(1)
    image = np.linspace(0, 300, 200)[:, None] + rng.normal(0.0, 5.0, (200, 160))
    image[50:100, 40:80] += 500.0
    assert estimate_noise(image) == pytest.approx(5.0, rel=0.04)


def test_noise_needs_enough_voxels():
    assert estimate_noise(np.ones((4, 4))) == 0.0
    assert estimate_noise(np.ones((50, 50))) == 0.0


@pytest.mark.parametrize("turn_deg", [0.0, 10.0])
def test_noise_is_read_from_the_voxels_not_from_the_interpolated_section(turn_deg):
    turn = np.radians(turn_deg)
    affine = np.diag([4.4, 0.6, 0.6, 1.0])
    affine[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]] @ affine[:3, :3]
    values = np.random.default_rng(2).normal(200.0, 5.0, (5, 120, 120))
    image = Volume(values, Grid(values.shape, affine))
    at = np.stack(np.meshgrid([9.0], np.arange(10, 50, 0.3), np.arange(10, 50, 0.3), indexing="ij"), axis=-1)[0]
    section = SimpleNamespace(positions_mm=at)
    assert measure_noise(image, section) == pytest.approx(5.0, rel=0.04)


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.0, 4.0, -5.0)])
def test_a_crop_gives_what_the_whole_image_gives(shift):
    rng = np.random.default_rng(4)
    image = Volume(rng.normal(100.0, 30.0, (25, 30, 9)).astype(np.float32), Grid((25, 30, 9), AFFINE))
    middle = image.grid.to_world([12.0, 15.0, 4.0]) + shift
    rows, columns = np.indices((40, 30))
    positions = middle + (rows[..., None] - 20) * [0.0, 0.02, 0.3] + (columns[..., None] - 15) * [0.01, 0.3, 0.0]
    values = sample_image(image, Sheet(positions))
    ijk = np.moveaxis(image.grid.to_ijk(positions), -1, 0)
    whole = ndimage.map_coordinates(image.array.astype(float), ijk, order=1, mode="nearest")
    outside = np.any((ijk < -0.5) | (ijk > np.array(image.grid.shape)[:, None, None] - 0.5), axis=0)
    np.testing.assert_array_equal(np.isnan(values), outside)
    np.testing.assert_allclose(values[~outside], whole[~outside], rtol=1e-10)


def test_a_section_mostly_outside_the_image_is_not_sampled():
    image = Volume(np.ones((25, 30, 9), np.uint8), Grid((25, 30, 9), AFFINE))
    away = np.full((10, 10, 3), 1000.0)
    assert sample_image(image, Sheet(away)) is None
    half = away.copy()
    half[5:] = image.grid.to_world([12.0, 15.0, 4.0])
    values = sample_image(image, Sheet(half))
    assert np.isnan(values[:5]).all()
    assert (values[5:] == 1.0).all()


def test_saturated_small_integers_do_not_overflow():
    values = np.full((10, 10, 10), 255, np.uint8)
    values[::2] = 3
    image = Volume(values, Grid(values.shape, AFFINE))
    assert find_zero(image) == 3.0
    odd = Volume(np.where(np.arange(1000).reshape(10, 10, 10) % 4 == 0, 255, -30).astype(np.int16), image.grid)
    assert find_brightest(odd, find_zero(odd)) == 285.0
