"""Fat is measured on the side it is on, to a fraction of a pixel, and its loss is named."""

from dataclasses import replace

import numpy as np
import pytest

from foramgrade.findings import Border, BorderState, Neighbour, PerineuralFindings, RootShape
from foramgrade.geometry.planes import Part
from foramgrade.perineural.borders import (
    PERINEURAL_REACH_MM,
    STRUCTURE_FAT,
    STRUCTURE_MM,
    Bounds,
    FatProfile,
    describe_borders,
    first_structures,
    measure_profile,
    show_sides,
)
from foramgrade.perineural.root import describe_root

from .conftest import FAT, NERVE

PIXEL_MM = 0.3
LIMITS = {
    "minimum_fat_mm": 0.3,
    "thin_fat_mm": 1.0,
    "sector_deg": 90.0,
    "image_pixel_mm": 0.6,
    "relative_noise": 0.05,
}


def profile_of(drawn, parts=None):
    root = describe_root(drawn.root, np.zeros_like(drawn.root), PIXEL_MM, brightness=0.38)
    parts = np.where(drawn.opening, Part.FREE, Part.UPPER).astype(np.uint8) if parts is None else parts
    nowhere = np.zeros_like(drawn.opening)
    return measure_profile(root, drawn.brightness, Bounds(drawn.opening, nowhere, parts), PIXEL_MM)


def findings_of(drawn, parts=None):
    return PerineuralFindings(describe_borders(profile_of(drawn, parts), **LIMITS), RootShape.UNCHANGED)


@pytest.mark.parametrize("lost", ["", "S", "P", "I", "A", "SI", "PA", "SP", "SPI", "SPIA"])
def test_lost_borders_are_the_drawn_ones(draw, lost):
    findings = findings_of(draw(lost=lost))
    assert findings.lost == {Border(letter) for letter in lost}


def test_thickness_is_the_distance_from_root_to_border(draw):
    profile = profile_of(draw(blur_mm=0.0))
    # The opening's semi-axes are 9.0 and 5.5 mm around (0, 0), the root's 2.8 and 2.4 mm around (3, 0).
    across = 5.5 * np.sqrt(1 - (3.0 / 9.0) ** 2) - 2.4
    straight = dict(zip(profile.angles_deg, profile.thickness_mm, strict=True))
    assert straight[0.0] == pytest.approx(9.0 - 3.0 - 2.8, abs=PIXEL_MM)
    assert straight[90.0] == pytest.approx(across, abs=PIXEL_MM)
    assert straight[270.0] == pytest.approx(across, abs=PIXEL_MM)
    assert straight[180.0] == pytest.approx(PERINEURAL_REACH_MM, abs=2 * PIXEL_MM)


def test_posterior_is_towards_smaller_columns(draw):
    findings = findings_of(draw(at=(3.0, 1.5)))
    thickness = {b: findings.borders[b].thickness_mm for b in Border}
    assert thickness[Border.POSTERIOR] > thickness[Border.ANTERIOR] + 2.0


@pytest.mark.parametrize("blur_mm", [0.2, 0.4, 0.6])
def test_blur_takes_nothing_from_a_film_of_fat(draw, blur_mm):
    """A root 1.2 mm below the roof: the film keeps most of its fat although its peak sinks below one."""
    findings = findings_of(draw(at=(5.0, 0.0), blur_mm=blur_mm))
    superior = findings.borders[Border.SUPERIOR]
    assert superior.state is not BorderState.LOST
    assert superior.thickness_mm > 0.6


def test_tissue_a_little_brighter_than_nerve_is_not_fat(draw):
    """A disc of brightness 0.5 fills the lower foramen: over 5 mm it must not add up to fat."""
    findings = findings_of(draw(lost="I", filling=0.5))
    assert findings.borders[Border.INFERIOR].state is BorderState.LOST


def test_a_film_below_the_thin_limit_is_thin(draw):
    findings = findings_of(draw(at=(5.5, 0.0), blur_mm=0.2))
    assert findings.borders[Border.SUPERIOR].state is BorderState.THIN


@pytest.mark.parametrize("part", [Part.DISC, Part.UPPER, Part.LOWER])
def test_what_touches_the_root_is_named(draw, part):
    drawn = draw(at=(0.0, 4.2), semi=(3.6, 2.0), blur_mm=0.0)
    columns = np.indices(drawn.opening.shape)[1]
    parts = np.where(drawn.opening, Part.FREE, np.where(columns > 65, part, Part.LOWER)).astype(np.uint8)
    finding = findings_of(drawn, parts).borders[Border.ANTERIOR]
    assert finding.state is BorderState.LOST
    assert finding.encroached_by is (Neighbour.DISC if part is Part.DISC else Neighbour.VERTEBRA)


def test_ligament_between_root_and_bone_is_soft_tissue(draw):
    finding = findings_of(draw(lost="P")).borders[Border.POSTERIOR]
    assert finding.encroached_by is Neighbour.SOFT_TISSUE
    assert finding.arc_fraction == pytest.approx(0.0, abs=0.15)


def test_uncertainty_grows_with_pixel_and_noise(draw):
    profile = profile_of(draw())
    coarse = describe_borders(profile, **{**LIMITS, "image_pixel_mm": 1.0})
    noisy = describe_borders(profile, **{**LIMITS, "relative_noise": 0.3})
    usual = describe_borders(profile, **LIMITS)
    for border in Border:
        assert coarse[border].uncertainty_mm > usual[border].uncertainty_mm
        assert noisy[border].uncertainty_mm > usual[border].uncertainty_mm


def test_marrow_behind_a_dark_cortex_is_no_fat_where_nothing_is_labelled(draw):
    """Nothing is labelled; bone was told by brightness and ends two pixels too late, inside the marrow."""
    drawn = draw(lost="A", filling=0.6)
    rows, columns = np.indices(drawn.opening.shape)
    root_end = np.flatnonzero(drawn.root.any(axis=0))[-1]
    image = drawn.brightness.copy()
    band = (np.abs(rows - np.argwhere(drawn.root).mean(axis=0)[0]) < 8) & drawn.opening
    image[band & (columns > root_end)] = 0.1
    image[(columns > root_end + 4)] = 0.65
    free = columns <= root_end + 6
    root = describe_root(drawn.root, np.zeros_like(drawn.root), PIXEL_MM, brightness=0.38)
    parts = np.where(free, Part.FREE, Part.UPPER).astype(np.uint8)
    profile = measure_profile(root, image, Bounds(free, np.zeros_like(free), parts, closed=False), PIXEL_MM)
    findings = describe_borders(profile, **LIMITS)
    assert findings[Border.ANTERIOR].state is BorderState.LOST


def test_a_side_shows_fat_by_its_mean_up_to_what_counts():
    angles = np.arange(0.0, 360.0, 5.0)
    thickness = np.zeros(72)
    thickness[:10] = 3.0  # superior, from 0 to 45 degrees: 10 of 19 directions; at 45 it is posterior's too
    thickness[27:46] = 0.6  # 135 to 225 degrees, all of inferior
    profile = FatProfile(angles, thickness, np.zeros(72), np.zeros(72, np.uint8))
    shown = [10 / 19, (1.0 + 0.5) / 19, 0.5, 0.5 / 19]
    assert show_sides(profile, 1.2) == pytest.approx(shown)


def test_a_structure_begins_where_a_millimetre_without_fat_does():
    step = STRUCTURE_MM / 4
    fat = np.ones((6, 30))
    fat[0, 10:14] = 0.0  # just a structure
    fat[1, 10:13] = 0.0  # too thin: a septum
    fat[2, [*range(6, 9), *range(12, 20)]] = 0.0  # a septum, then a structure
    fat[3, 2:9] = 0.0  # begins before the ray leaves the root, and goes on for a structure behind it
    fat[4, 10:14] = STRUCTURE_FAT  # half-way between fat and none is fat
    fat[5, 21:30] = 0.0  # begins behind where it may
    found = first_structures(fat, np.full(6, 5), np.full(6, 20), step)
    assert found.tolist() == [10, 20, 12, 5, 20, 20]
    # What begins before the end may reach beyond it, but not beyond the ray.
    assert first_structures(fat[5:], np.array([5]), np.array([25]), step).tolist() == [21]
    assert first_structures(fat[5:, :24], np.array([5]), np.array([24]), step).tolist() == [24]
    assert first_structures(fat[:1, :3], np.array([0]), np.array([2]), step).tolist() == [2]


@pytest.mark.parametrize(("share", "counts"), [(0.4, False), (0.6, True)])
def test_a_broad_stretch_is_fat_only_where_it_is_as_bright_as_fat_would_be(draw, share, counts):
    """Disc and marrow are broad and dim: after any blur the middle of millimetres of fat would be brighter."""
    drawn = draw(blur_mm=0.0)
    dim = NERVE + share * (FAT - NERVE)
    brightness = np.where(drawn.opening & ~drawn.root, dim, drawn.brightness)
    profile = profile_of(replace(drawn, brightness=brightness))
    assert (profile.thickness_mm > 0).any() == counts


@pytest.mark.parametrize(("cortex", "fat_mm"), [(0.1, 2.5), (FAT, 1.9)])
def test_without_labels_fat_that_is_as_bright_as_marrow_goes_on_to_the_dark_line(cortex, fat_mm):
    """A root of 2.5 mm radius in 2.5 mm of fat and a line of cortex before marrow; the last 0.6 mm seem to be bone."""
    rows, columns = np.indices((161, 161))
    away = np.hypot(rows - 80, columns - 80) * PIXEL_MM
    layers = [away <= 2.5, away <= 5.0, away <= 5.6, away <= 9.0]
    brightness = np.select(layers, [NERVE, FAT, cortex, 0.85], 0.0)
    root = describe_root(layers[0], np.zeros(away.shape, bool), PIXEL_MM, brightness=NERVE)
    bone = away > 4.4
    parts = np.where(bone, Part.UPPER, Part.FREE).astype(np.uint8)
    bounds = Bounds(~bone, np.zeros(away.shape, bool), parts, closed=False)
    profile = measure_profile(root, brightness, bounds, PIXEL_MM)
    assert np.median(profile.thickness_mm) == pytest.approx(fat_mm, abs=PIXEL_MM / 2)
