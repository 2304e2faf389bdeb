"""Root and fat of one foramen, read from a section in scanner units: findings, measures and caveats."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from foramgrade.findings import FAT_QUANTITY, Border, Level, Quality, Quantity, RootShape, Side
from foramgrade.geometry.foramen import Foramen
from foramgrade.geometry.opening import Opening
from foramgrade.geometry.planes import Part, Raster, Section, Sheet
from foramgrade.perineural.reading import (
    describe_content,
    expected_brightness,
    find_undecidable,
    leave_undecided,
    measure_content,
    read_content,
)
from foramgrade.perineural.root import USUAL_ROOT_MM2, find_root, ground_of_opening
from foramgrade.perineural.seeking import find_window
from foramgrade.perineural.signal import CANAL_MARGIN_MM, REFERENCE_REACH_MM, Signal, fit_signals, look_around

PIXEL_MM = 0.3
SCANNER = Signal(zero=0.0, fat=200.0, soft=60.0, noise=4.0)
LIMITS = {
    "minimum_fat_mm": 0.3,
    "thin_fat_mm": 1.0,
    "sector_deg": 90.0,
    "flattened_aspect": 2.0,
    "collapsed_area_fraction": 0.55,
}


def foramen_of(opening, parts=None):
    """A foramen with one section around an opening: disc and lower half of the bone in front of and below it."""
    rows, _ = np.indices(opening.shape)
    if parts is None:
        parts = np.where(opening, Part.FREE, np.where(rows < opening.shape[0] // 2, Part.LOWER, Part.UPPER))
    up, forward = (np.arange(n) * PIXEL_MM for n in opening.shape)
    frame, segment = SimpleNamespace(), SimpleNamespace(level=Level("V1", "V2"))
    _, anterior, superior = np.eye(3) * PIXEL_MM
    sheet = Sheet(20.0, 4.0, np.zeros(3), row_mm=superior, column_mm=anterior)
    raster = Raster(frame, up, forward, forward[-1])
    section = Section(raster, sheet, parts.astype(np.uint8), np.ones(opening.shape, bool))
    found = Opening(opening, 0.0, False)
    return Foramen(segment, Side.LEFT, frame, Quality(0), (section,), (found,), 0)


def read(drawn, *, signal=SCANNER, parts=None, image=None, image_pixel_mm=0.6):
    image = drawn.brightness * SCANNER.fat if image is None else image
    return read_content(foramen_of(drawn.opening, parts), image, signal, image_pixel_mm=image_pixel_mm)


def describe(content, *, image_pixel_mm=0.6):
    return describe_content(content, near=(), image_pixel_mm=image_pixel_mm, **LIMITS)


def measure(content, opening_mm2):
    return measure_content(content, describe(content)[0], opening_mm2, PIXEL_MM)


def area_mm2(mask):
    return float(mask.sum() * PIXEL_MM**2)


@pytest.mark.parametrize("lost", ["", "P", "SI", "SPIA"])
def test_a_section_in_scanner_units_gives_the_drawn_borders(draw, lost):
    content = read(draw(lost=lost))
    findings, quality = describe(content)
    assert findings.lost == {Border(letter) for letter in lost}
    assert findings.root_shape is RootShape.UNCHANGED
    assert quality == Quality(0)


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e6, 0.0), (3.0, -1000.0)])
def test_findings_do_not_depend_on_scale_and_offset(draw, scale, offset):
    drawn = draw(lost="P", noise=0.02)
    signal = Signal(offset, scale * SCANNER.fat + offset, scale * SCANNER.soft + offset, scale * SCANNER.noise)
    one, two = read(drawn), read(drawn, signal=signal, image=scale * drawn.brightness * SCANNER.fat + offset)
    np.testing.assert_array_equal(two.root.mask, one.root.mask)
    np.testing.assert_allclose(two.profile.thickness_mm, one.profile.thickness_mm, atol=1e-6)
    assert describe(two)[1] == describe(one)[1]


def test_root_and_fat_fill_the_opening(draw):
    drawn = draw(blur_mm=0.0)
    opening_mm2 = area_mm2(drawn.opening)
    measured = measure(read(drawn), opening_mm2)
    # Half a pixel of 0.3 mm along a root's outline of 16.4 mm.
    assert measured[Quantity.NERVE_AREA] == pytest.approx(np.pi * 2.8 * 2.4, abs=0.15 * 16.4)
    assert measured[Quantity.FAT_AREA] + measured[Quantity.NERVE_AREA] == pytest.approx(opening_mm2, abs=0.15 * 16.4)
    assert measured[Quantity.NERVE_OCCUPANCY] == measured[Quantity.NERVE_AREA] / opening_mm2
    assert 0.95 < measured[Quantity.FAT_FRACTION] <= 1.0
    assert {FAT_QUANTITY[border] for border in Border} <= measured.keys()


def test_an_opening_no_larger_than_its_root_has_no_fat_fraction(draw):
    content = read(draw())
    assert Quantity.FAT_FRACTION not in measure(content, content.root.area_mm2)


def test_cerebrospinal_fluid_in_the_opening_is_not_fat(draw):
    """The posterior fifth of the opening belongs to the canal and is as bright as fat, as on T2."""
    drawn = draw()
    columns = np.indices(drawn.opening.shape)[1]
    canal = drawn.opening & (columns < 54)
    parts = np.where(canal, Part.CANAL, np.where(drawn.opening, Part.FREE, Part.UPPER))
    with_canal, without = read(drawn, parts=parts), read(drawn)
    assert area_mm2(canal) > 10.0
    assert not with_canal.fat[canal].any()
    np.testing.assert_array_equal(with_canal.fat[~canal], without.fat[~canal])
    posterior = [describe(c)[0].borders[Border.POSTERIOR].thickness_mm for c in (with_canal, without)]
    assert posterior[0] < posterior[1] - 1.0


def test_caveats_of_noise_and_pixels(draw):
    drawn = draw()
    noisy = Signal(0.0, 200.0, 60.0, 30.0)
    assert describe(read(drawn, signal=noisy))[1] == Quality.LOW_CONTRAST
    assert describe(read(drawn), image_pixel_mm=1.3)[1] == Quality.COARSE_PIXELS
    like = read(draw(lost="SPIA", filling=0.38))
    findings, quality = describe(like)
    assert Quality.ROOT_INDISTINCT in quality
    assert findings.root_shape is RootShape.NOT_ASSESSABLE


def test_nothing_is_decided_where_contrast_or_pixels_cannot_carry_it(draw):
    drawn = draw()
    fine = read(drawn)
    assert find_undecidable(fine, 0.6) is None
    assert find_undecidable(fine, 2.4) == "pixels of 2.4 mm cannot show perineural fat, expected 2 at most"
    noisy = read(drawn, signal=Signal(0.0, 200.0, 60.0, 100.0))
    assert find_undecidable(noisy, 0.6) == "fat stands out from soft tissue by 1.4 times the noise, expected 2"
    open_ = leave_undecided(describe(fine)[0])
    assert open_.unknown == set(Border)
    assert open_.root_shape is RootShape.NOT_ASSESSABLE
    assert open_.borders[Border.SUPERIOR].thickness_mm == describe(fine)[0].borders[Border.SUPERIOR].thickness_mm


@pytest.mark.parametrize("value", [0.0, 200.0, -50.0, 1e30, np.nan])
def test_a_section_without_contrast_has_no_root(draw, value):
    drawn = draw()
    assert read(drawn, image=np.full(drawn.opening.shape, value)) is None


def test_without_a_section_there_is_no_content(draw):
    drawn = draw()
    nowhere = Foramen(SimpleNamespace(), Side.LEFT, SimpleNamespace(), Quality.NO_SECTION)
    assert read_content(nowhere, drawn.brightness, SCANNER, image_pixel_mm=0.6) is None
    assert look_around(nowhere, drawn.brightness, zero=0.0, noise=1.0) is None


@pytest.mark.parametrize("corner", [(0, 0), (0, 126), (144, 0), (144, 126), (70, 60)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4), (6, 4)])
def test_tiny_openings_anywhere_on_the_raster_do_not_crash(corner, size):
    opening = np.zeros((150, 130), bool)
    opening[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]] = True
    rng = np.random.default_rng(0)
    for image in (np.full(opening.shape, 76.0), rng.uniform(0.0, 300.0, opening.shape)):
        content = read_content(foramen_of(opening), image, SCANNER, image_pixel_mm=0.6)
        if content is not None:
            findings, _ = describe(content)
            assert not np.any(content.root.mask & ~opening)
            assert all(np.isfinite(f.thickness_mm) for f in findings.borders.values())


@pytest.mark.parametrize("corner", [(0, 0), (0, 102), (100, 0), (100, 102)])
def test_a_root_that_fills_an_opening_at_the_rasters_edge_loses_every_border(corner):
    opening = np.zeros((150, 130), bool)
    rows, columns = np.indices((18, 16))
    oval = ((rows - 8.5) / 9.0) ** 2 + ((columns - 7.5) / 8.0) ** 2 <= 1
    opening[corner[0] : corner[0] + 18, corner[1] : corner[1] + 16] = oval
    image = np.where(opening, 76.0, 10.0)
    content = read_content(foramen_of(opening), image, SCANNER, image_pixel_mm=0.6)
    assert content is not None
    assert not np.any(content.root.mask & ~opening)
    # Smoothing takes up to two rows and two columns of the 18 x 16 at the very edge of the raster.
    assert content.root.area_mm2 > 16 * 14 / (18 * 16) * area_mm2(opening)
    assert describe(content)[0].lost == set(Border)


def test_surroundings_leave_out_the_canal_and_what_is_outside_the_image(draw):
    drawn = draw()
    columns = np.indices(drawn.opening.shape)[1]
    far = (columns < 20) | (columns > 115)
    parts = np.where(drawn.opening, Part.FREE, Part.UPPER)
    parts = np.where(columns < 20, Part.CANAL, parts)
    image = np.where(far, 1e6, np.where(drawn.opening, 200.0, 100.0))
    image[columns > 115] = np.nan
    found = look_around(foramen_of(drawn.opening, parts), image + 30.0, zero=30.0, noise=1.0)
    assert found.marrow == 100.0
    assert set(found.unlabelled) == {200.0}
    (signal,) = fit_signals([found], brightest=200.0)
    assert signal is None or signal.zero == 30.0


def test_too_little_of_the_vertebrae_in_the_image_is_unknown(draw):
    drawn = draw()
    image = np.where(drawn.opening, 200.0, np.nan)
    assert look_around(foramen_of(drawn.opening), image, zero=0.0, noise=1.0) is None


@pytest.mark.parametrize("width_mm", [5.1, 6.3, 7.2, 9.0, 15.9])
def test_the_cyclic_search_has_room_for_the_longest_ellipse(width_mm):
    """Else an ellipse that sticks out of one end of a narrow opening is credited with what is at the other end."""
    rows, columns = np.indices((150, 130))
    opening = (np.abs(rows - 75) * PIXEL_MM <= 9.0) & (np.abs(columns - 65) * PIXEL_MM <= width_mm / 2)
    longest_mm = np.sqrt(1.5 * USUAL_ROOT_MM2 * 3.0 / np.pi)  # semi-axis of the largest area and aspect that are tried
    for part, used in zip(
        find_window(opening, PIXEL_MM, USUAL_ROOT_MM2), (opening.any(axis=1), opening.any(axis=0)), strict=True
    ):
        assert (part.stop - part.start - used.sum()) * PIXEL_MM >= longest_mm


def test_the_last_digit_of_a_pixel_does_not_matter(draw):
    """A section's pixel is the difference of two row positions: 0.3 mm but for rounding."""
    rounded = float(np.diff(np.arange(-28.0, -27.0, PIXEL_MM))[0])
    assert rounded != PIXEL_MM
    for lost in ("", "SPA", "SPIA"):
        drawn = draw(lost=lost, filling=0.3, noise=0.05)
        one, two = (
            find_root(drawn.brightness, ground_of_opening(drawn.opening, pixel), pixel) for pixel in (PIXEL_MM, rounded)
        )
        np.testing.assert_array_equal(two.mask, one.mask)


def test_what_nerve_is_like_is_told_by_roots_about_which_there_is_no_doubt(draw):
    free = read(draw())
    assert free is not None

    def content(brightness, *, in_fat=1.0, indistinct=0.0):
        """Fat of 0.5 mm on a share of all sides of a root."""
        root = replace(free.root, brightness=brightness, indistinct=indistinct, area_u=0.05, aspect_u=0.05)
        sides = len(free.profile.angles_deg)
        thickness = np.where(np.arange(sides) < in_fat * sides, 0.5, 0.49)
        return replace(free, root=root, profile=replace(free.profile, thickness_mm=thickness))

    clear = [content(b) for b in (0.30, 0.34, 0.44)]
    assert expected_brightness(clear) == pytest.approx(0.34)
    assert expected_brightness(clear[:2]) is None
    # Half of all sides will do, one less will not; nor does a root that cannot be told from its surroundings count.
    doubtful = [content(0.9, in_fat=0.48), content(0.9, indistinct=1.0)]
    assert expected_brightness([*clear, *doubtful]) == pytest.approx(0.34)
    assert expected_brightness([*clear[:2], *doubtful]) is None
    assert expected_brightness([*clear[:2], content(0.44, in_fat=0.5)]) == pytest.approx(0.34)


def test_references_are_taken_near_the_foramen_and_not_beside_the_canal(draw):
    """Soft tissue near the opening; what is brighter lies in the canal, in a rim of partial volume round it, or far."""
    drawn = draw()
    rows, columns = np.indices(drawn.opening.shape)
    parts = np.full(drawn.opening.shape, Part.FREE)
    parts[:, 95:] = np.where(rows[:, 95:] < 75, Part.LOWER, Part.UPPER)
    parts[60:90, 10:20] = Part.CANAL
    image = np.full(drawn.opening.shape, 60.0)
    fluid = (rows > 56) & (rows < 94) & (columns > 6) & (columns < 24)  # a millimetre more than the canal
    image[fluid] = 300.0
    # The opening's semi-axes are 9.0 and 5.5 mm around pixel (75, 65): nothing there is farther from it than this.
    far = np.hypot((rows - 75) * PIXEL_MM, (columns - 65) * PIXEL_MM) > 9.0 + REFERENCE_REACH_MM
    image[far] = 300.0
    assert CANAL_MARGIN_MM > 1.3
    around = look_around(foramen_of(drawn.opening, parts), image, zero=10.0, noise=1.0)
    assert around is not None
    assert np.unique(around.unlabelled).tolist() == [50.0]
    assert far.any()
    # Within the reach: more than twice the opening, which has pi x 9.0 x 5.5 = 156 mm2.
    assert around.unlabelled.size * PIXEL_MM**2 > 2 * 156
