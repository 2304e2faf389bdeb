"""The section's arithmetic against closed forms and naive counting."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import beta

from foramgrade.errors import InputError
from foramgrade.findings import Border
from foramgrade.phantom.section import (
    area_at,
    borders_at,
    centroid_mm,
    contents,
    fat_along_rays,
    fat_per_border,
    inside,
    make_section,
    outline,
    sector_of,
)
from foramgrade.phantom.spec import ForamenSpec, Tissue

DENTED = ForamenSpec(area_mm2=95.0, height_mm=16.0, bulge=0.4, facet=0.3, lean_deg=6.0, root_mm=(4.6, 3.9))


def _polygon_area(points: np.ndarray) -> float:
    x, y = points.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


@pytest.mark.parametrize("spec", [ForamenSpec(), DENTED, ForamenSpec(area_mm2=160.0, pear=(0.8, 0.4))])
def test_polygon_on_the_curve_has_the_stated_area(spec: ForamenSpec) -> None:
    section = make_section(spec)
    # The deficit of an inscribed polygon falls with 1/n^2, a little slower at the blunt ends.
    assert _polygon_area(outline(section, 4000)) == pytest.approx(spec.area_mm2, rel=1e-4)


def test_width_without_dents_is_the_beta_function() -> None:
    p, q = 0.7, 0.45
    section = make_section(ForamenSpec(area_mm2=120.0, height_mm=18.5, pear=(p, q)))
    top = p / (p + q)
    integral = beta(p + 1, q + 1) / (top**p * (1 - top) ** q)
    assert section.width_mm == pytest.approx(120.0 / (18.5 * integral), rel=1e-5)


def test_half_circle_ends_make_an_ellipse() -> None:
    section = make_section(ForamenSpec(area_mm2=math.pi * 9 * 5, height_mm=18.0, pear=(0.5, 0.5), root_at=(0.6, 0.0)))
    assert section.width_mm == pytest.approx(10.0, rel=1e-5)
    assert centroid_mm(section) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_neighbouring_sections_grow_as_stated() -> None:
    section = make_section(DENTED)
    step = 0.01
    x, y = np.meshgrid(np.arange(-8, 8, step), np.arange(-10, 10, step))
    counted = inside(section, x, y, off_mm=4.0).sum() * step**2
    # A count at 0.01 mm errs by far less than the outline's length times the pixel, 45 * 0.01 mm2.
    assert counted == pytest.approx(area_at(section, 4.0), abs=0.1)
    assert area_at(section, 4.0) > area_at(section, 1.0) > area_at(section, 0.0) == DENTED.area_mm2


def test_borders_meet_beyond_the_ends() -> None:
    back, front = borders_at(make_section(DENTED), np.array([-9.0, 9.0]))
    np.testing.assert_array_equal(back, front)


def test_sectors_turn_backward() -> None:
    section = make_section(ForamenSpec())
    x0, y0 = section.root_centre_mm
    fat = dict.fromkeys(Border, math.inf) | {Border.POSTERIOR: 0.0}
    one_lost = make_section(ForamenSpec(fat_mm=fat))
    behind, before = np.array([x0 - 2.6]), np.array([x0 + 2.6])
    level = np.array([y0])
    assert contents(one_lost, behind, level)[0] == Tissue.LIGAMENT
    assert contents(one_lost, before, level)[0] == Tissue.FAT
    assert contents(section, behind, level)[0] == Tissue.FAT
    assert sector_of(np.array([0.0, 90.0, 180.0, 270.0])).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("border", list(Border))
def test_a_lost_border_is_lost_over_its_whole_sector_and_alone(border: Border) -> None:
    spec = ForamenSpec(fat_mm=dict.fromkeys(Border, math.inf) | {border: 0.0})
    angle, fat = fat_along_rays(make_section(spec))
    here = sector_of(angle) == [Border.SUPERIOR, Border.POSTERIOR, Border.INFERIOR, Border.ANTERIOR].index(border)
    # The taper is tabulated in whole degrees: half a degree inside the sector's edges it is exactly zero.
    assert fat[here].max() <= 0.25
    medians = fat_per_border(make_section(spec))
    assert [b for b in Border if medians[b] == 0.0] == [border]


def test_thin_layer_has_the_stated_thickness() -> None:
    spec = ForamenSpec(fat_mm=dict.fromkeys(Border, 0.8))
    assert fat_per_border(make_section(spec)) == pytest.approx(dict.fromkeys(Border, 0.8), abs=1e-9)


def test_ellipse_in_ellipse_has_arithmetic_fat() -> None:
    # Foramen 18 x 10 mm, root 5.4 x 4.6 mm at its centre: 6.3 mm of fat upward and downward, 2.7 mm to front and back.
    spec = ForamenSpec(area_mm2=math.pi * 45, height_mm=18.0, pear=(0.5, 0.5), root_at=(0.5, 0.0))
    angle, fat = fat_along_rays(make_section(spec))
    for degrees, expected in ((0, 6.3), (90, 2.7), (180, 6.3), (270, 2.7)):
        nearest = np.abs((angle - degrees + 180) % 360 - 180).argmin()
        assert fat[nearest] == pytest.approx(expected, abs=5e-3)  # a quarter of a degree beside the axis


def test_vessel_takes_its_chord_from_the_fat() -> None:
    spec = ForamenSpec(area_mm2=math.pi * 45, height_mm=18.0, pear=(0.5, 0.5), root_at=(0.6, 0.0))
    with_vessel = replace(spec, vessels=((0.2, 0.0, 0.9),))
    angle, plain = fat_along_rays(make_section(spec))
    _, crossed = fat_along_rays(make_section(with_vessel))
    down = np.abs(angle - 180).argmin()
    assert plain[down] - crossed[down] == pytest.approx(1.8, abs=1e-2)
    assert np.count_nonzero(plain != crossed) < 60


def test_root_outside_of_the_curve_is_refused() -> None:
    with pytest.raises(InputError, match=r"a root of 5.4 x 4.6 mm does not fit into a foramen of 45 mm2"):
        make_section(ForamenSpec(area_mm2=45.0, height_mm=14.0))
