"""The fitted ellipse is the drawn one, finer than a pixel of the image, and its uncertainty is honest."""

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.perineural.ellipse import Ellipse, cover, fill_ellipse, measure_nearness
from foramgrade.perineural.fitting import BLUR_PIXELS, fit_ellipse
from foramgrade.perineural.outline import draw_outline

PIXEL_MM = 0.3
SHAPE = (70, 60)
NERVE = 0.38


def image_of(ellipse, image_pixel_mm, *, around=1.0, noise=0.0, seed=0):
    """A section of an image with its own pixels: drawn ten times finer, averaged, and sampled again."""
    fine = 10
    rows, columns = (np.arange(n * fine) / fine - (fine - 1) / (2 * fine) for n in SHAPE)
    near = measure_nearness(ellipse, rows[:, None], columns[None, :], PIXEL_MM).distance_mm
    drawn = np.where(near < 0, NERVE, around)
    scale = image_pixel_mm / PIXEL_MM * fine
    drawn = ndimage.uniform_filter(ndimage.gaussian_filter(drawn, 0.42 * scale), round(scale))
    count = [int(n * PIXEL_MM / image_pixel_mm) for n in SHAPE]
    places = [(np.arange(n) + 0.5) * scale - 0.5 for n in count]
    image = ndimage.map_coordinates(drawn, np.meshgrid(*places, indexing="ij"), order=1)
    image = image + np.random.default_rng(seed).normal(0.0, noise, image.shape)
    back = [(np.arange(n) + 0.5) * PIXEL_MM / image_pixel_mm - 0.5 for n in SHAPE]
    return ndimage.map_coordinates(image, np.meshgrid(*back, indexing="ij"), order=1, mode="nearest")


def fit(image, start, image_pixel_mm, *, noise=0.02, allowed=None, usual_mm2=20.0):
    allowed = np.ones(SHAPE, bool) if allowed is None else allowed
    return fit_ellipse(
        image, allowed, start, PIXEL_MM, image_pixel_mm=image_pixel_mm, noise=noise, expected=NERVE, usual_mm2=usual_mm2
    )


@pytest.mark.parametrize("image_pixel_mm", [0.45, 0.6, 0.9])
@pytest.mark.parametrize("around", [1.0, 0.08])
@pytest.mark.parametrize(("major", "minor"), [(2.6, 2.2), (3.4, 1.3), (1.5, 1.3)])
def test_area_and_aspect_are_found_below_the_pixel(image_pixel_mm, around, major, minor):
    true = Ellipse(34.3, 29.6, major, minor, 0.4)
    found = fit(image_of(true, image_pixel_mm, around=around), Ellipse(35.0, 29.0, 2.2, 2.0, 0.0), image_pixel_mm)
    # A tenth of an image pixel along the outline.
    outline_mm = 2 * np.pi * np.sqrt((major**2 + minor**2) / 2)
    assert found.ellipse.area_mm2 == pytest.approx(true.area_mm2, abs=0.15 * image_pixel_mm * outline_mm)
    assert found.ellipse.aspect == pytest.approx(true.aspect, rel=0.15)
    assert np.hypot(found.ellipse.row - true.row, found.ellipse.column - true.column) * PIXEL_MM < 0.2
    assert found.brightness == pytest.approx(NERVE, abs=0.08)


def test_noise_scatters_the_area_by_about_what_is_stated():
    true = Ellipse(34.3, 29.6, 2.6, 2.2, 0.4)
    found = [fit(image_of(true, 0.6, noise=0.08, seed=n), true, 0.6, noise=0.08) for n in range(24)]
    seen = np.std([np.log(one.ellipse.area_mm2) for one in found])
    stated = np.mean([one.area_u for one in found])
    # The stated uncertainty also covers texture that this image does not have.
    assert 0.3 * stated < seen < 1.3 * stated


def test_what_lies_outside_the_ground_does_not_draw_the_ellipse():
    """Bone as bright as nerve beside the root, known by its label."""
    true = Ellipse(34.3, 29.6, 2.6, 2.2, 0.0)
    image = image_of(true, 0.6)
    allowed = np.ones(SHAPE, bool)
    allowed[:, 40:] = False
    image[:, 38:] = NERVE
    found = fit(image, true, 0.6, allowed=allowed)
    assert found.ellipse.area_mm2 == pytest.approx(true.area_mm2, rel=0.2)


def test_coverage_of_a_blurred_disc_sums_to_its_area():
    """A blurred convex edge moves inwards: the correction by curvature keeps the area to 2 %."""
    disc = Ellipse(34.0, 29.0, 2.2, 2.2, 0.0)
    rows, columns = np.arange(SHAPE[0], dtype=float)[:, None], np.arange(SHAPE[1], dtype=float)[None, :]
    for blur_mm in (0.2, 0.4):
        covered = cover(disc, measure_nearness(disc, rows, columns, PIXEL_MM), blur_mm)
        assert covered.sum() * PIXEL_MM**2 == pytest.approx(disc.area_mm2, rel=0.02)


def test_the_outline_follows_the_image_where_it_leaves_the_ellipse():
    """A root with a dent of fat: the ellipse cannot show it, the outline does."""
    true = Ellipse(34.0, 29.0, 2.8, 2.4, 0.0)
    image = image_of(true, 0.45)
    rows, columns = np.indices(SHAPE)
    dent = np.hypot(rows - 34, columns - 38.5) * PIXEL_MM < 1.3
    image = np.where(dent, 1.0, image)
    found = fit(image, true, 0.45)
    drawn = draw_outline(found, image, PIXEL_MM, noise=0.02)
    plain = fill_ellipse(found.ellipse, SHAPE, PIXEL_MM) >= 0.5
    assert np.sum(drawn & dent) < np.sum(plain & dent) or not np.any(plain & dent)
    assert np.sum(drawn & plain) / np.sum(plain) > 0.85


def test_blur_is_more_than_the_pixel_itself():
    """A box of one pixel alone has a standard deviation of 0.29 pixels."""
    assert BLUR_PIXELS > 12**-0.5
