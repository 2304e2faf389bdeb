"""The opening on one section, against closed forms; sections are drawn on the raster, so a pixel is 0.3 mm."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.geometry.chord import SHORTEST_CHORD_MM, find_chord
from foramgrade.geometry.opening import CLEFT_MM, Opening, Unclosed, find_opening
from foramgrade.geometry.planes import Part, Section

Shape = Callable[[FloatArray, FloatArray], BoolArray]
Draw = Callable[..., Section]
PIXEL = 0.3


def ellipse(x: FloatArray, y: FloatArray) -> BoolArray:
    """18 x 9 mm."""
    return np.asarray((x / 4.5) ** 2 + (y / 9.0) ** 2 < 1)


def rectangle(x: FloatArray, y: FloatArray) -> BoolArray:
    """16 x 8 mm."""
    return (np.abs(x) < 4.0) & (np.abs(y) < 8.0)


def pear(x: FloatArray, y: FloatArray) -> BoolArray:
    """A circle of 5 mm radius with its tangents to a point 10 mm below its centre: a corner of 60 degrees."""
    circle = x**2 + (y - 4.0) ** 2 < 25
    cone = (y > -6.0) & (y < 1.5) & (np.abs(x) < (y + 6.0) * np.tan(np.pi / 6))
    return np.asarray(circle | cone)


#: Tangents of length 10 cos 30 reach the circle at 60 degrees from the axis: kite minus sector plus disc.
PEAR_MM2 = 5 * 10 * np.cos(np.pi / 6) + 25 * np.pi * (1 - 120 / 360)
TRUTHS = [(ellipse, np.pi * 4.5 * 9, 43.7), (rectangle, 128.0, 48.0), (pear, PEAR_MM2, 38.3)]


def three_sigma(outline_mm: float, pixel_mm: float) -> float:
    """Three standard deviations of a counted area, mm2: 0.28 sqrt(outline / pixel) pixels each."""
    return 3 * 0.28 * float(np.sqrt(outline_mm / pixel_mm)) * pixel_mm**2


def area_of(found: Opening | Unclosed | None) -> float:
    assert isinstance(found, Opening)
    return float(found.mask.sum()) * PIXEL**2


@pytest.mark.parametrize(("hole", "area", "outline"), TRUTHS)
@pytest.mark.parametrize("shift_mm", [0.0, 0.11, 0.23])
def test_a_closed_ring(draw_section: Draw, hole: Shape, area: float, outline: float, shift_mm: float) -> None:
    section = draw_section(hole, shift_mm=shift_mm)
    found = find_opening(section)
    assert isinstance(found, Opening)
    assert found.gap_mm == 0
    assert not found.cut
    # Not a pixel is lost on walls, in corners of 90 or in the point of 60 degrees.
    s, a = np.meshgrid(section.superior_mm, section.anterior_mm, indexing="ij")
    assert np.array_equal(found.mask, hole(a + 22.0, s - 3.0))
    # Edges along the raster move by a whole pixel at once: half a pixel around a rectangle.
    slack = outline * PIXEL / 2 if hole is rectangle else 0.0
    assert area_of(found) == pytest.approx(area, abs=three_sigma(outline, PIXEL) + slack)


@pytest.mark.parametrize("width_mm", [1.0, 2.0, 2.9, 4.0, 7.0])
@pytest.mark.parametrize("hole", [ellipse, rectangle])
def test_a_cleft_is_reported_and_does_not_change_the_area(draw_section: Draw, hole: Shape, width_mm: float) -> None:
    closed = find_opening(draw_section(hole))
    found = find_opening(draw_section(hole, cleft_mm=width_mm))
    assert isinstance(found, Opening)
    assert isinstance(closed, Opening)
    # Width in whole pixels, centre of the path off the axis by half a pixel at either side.
    assert found.gap_mm == pytest.approx(width_mm, abs=1.5 * PIXEL)
    # The seal is a straight line between the lips: the ellipse bulges behind it by the circular segment.
    bulge = 4.5 * (1 - np.sqrt(1 - (width_mm / 2 / 9.0) ** 2)) * width_mm if hole is ellipse else 0.0
    # One pixel along the seal and one at each lip.
    assert area_of(found) == pytest.approx(area_of(closed), abs=bulge + 2 * PIXEL * (width_mm + PIXEL))


def test_an_oblique_cleft_is_sealed_between_its_lips(draw_section: Draw) -> None:
    def notched(x: FloatArray, y: FloatArray) -> BoolArray:
        across = (x + 4.5) * np.sin(np.pi / 4) - (y + 2.0) * np.cos(np.pi / 4)
        return np.asarray(ellipse(x, y) | ((np.abs(across) < 1.0) & (x < -1)))

    found = find_opening(draw_section(notched))
    closed = find_opening(draw_section(ellipse))
    assert isinstance(found, Opening)
    # A staircase is narrower than what it draws, by up to a pixel on either wall.
    assert 2.0 - 2 * PIXEL <= found.gap_mm <= 2.0 + 0.1
    # The mouth is 2 / cos 45 long; a disc of 1.5 mm radius sinks into it by less than 1 mm before it is cut straight.
    assert -1.0 <= area_of(found) - area_of(closed) <= 2.0


@pytest.mark.parametrize("endplate_mm", [1.0, 1.5, 2.0])
def test_unlabelled_endplates_are_not_foramen(draw_section: Draw, endplate_mm: float) -> None:
    section = draw_section(ellipse, endplate_mm=endplate_mm)
    found = find_opening(section)
    assert isinstance(found, Opening)
    closed = find_opening(draw_section(ellipse))
    # Two mouths in a wall that slopes by at most 45 degrees; each adds less than half the square on its width.
    assert area_of(found) == pytest.approx(area_of(closed), abs=2 * endplate_mm**2 / 2 + three_sigma(43.7, PIXEL))
    assert found.gap_mm <= endplate_mm + PIXEL


def test_a_blind_pit_is_not_foramen_but_a_shallow_one_is(draw_section: Draw) -> None:
    def pitted(depth_mm: float) -> Shape:
        return lambda x, y: rectangle(x, y) | ((np.abs(y - 3.0) < 1.0) & (x < 0) & (x > -4.0 - depth_mm))

    closed = area_of(find_opening(draw_section(rectangle)))
    # The disc of 1.5 mm radius sinks into the mouth of 2 mm by 0.4 mm; up to 1.5 mm deeper it is the foramen's corner.
    deep, shallow, just = (area_of(find_opening(draw_section(pitted(d)))) for d in (5.0, 1.0, 1.7))
    assert deep == pytest.approx(closed, abs=2 * PIXEL * 2)
    assert shallow == pytest.approx(closed + 2.0, abs=2 * PIXEL * 2)
    assert just == pytest.approx(closed + 3.4, abs=2 * PIXEL * 2)


def test_a_cleft_whose_lips_are_rounded_off_is_sealed_where_it_would_begin(draw_section: Draw) -> None:
    """A mouth of 2 mm that widens at 45 degrees to 5 mm over its last 1.5 mm: 5.3 mm2 lie between the lips."""

    def flared(x: FloatArray, y: FloatArray) -> BoolArray:
        half = 1.0 + np.clip(x + 5.5, 0.0, None)
        return rectangle(x, y) | ((x < 0) & (np.abs(y + 2.0) < half))

    closed, found = (find_opening(draw_section(hole)) for hole in (rectangle, flared))
    # A disc of 4 mm radius that touches lips 5 mm apart sinks between them by 4 - sqrt(16 - 2.5^2) = 0.9 mm, over less
    # than its chord: 2/3 of the product.
    assert 0 <= area_of(found) - area_of(closed) <= 2 / 3 * 0.9 * 5.0


@pytest.mark.parametrize(("edge_mm", "free"), [(1.8, True), (2.4, False)])
def test_a_labelled_speck_in_the_opening_is_an_error_and_a_larger_piece_is_bone(
    draw_section: Draw, edge_mm: float, free: bool
) -> None:
    section = draw_section(rectangle)
    s, a = np.meshgrid(section.superior_mm, section.anterior_mm, indexing="ij")
    # Beside the chord, which runs through the middle of the hole.
    inside = (np.abs(a + 24.5) < edge_mm / 2) & (np.abs(s - 3.0) < edge_mm / 2)
    found = find_opening(replace(section, parts=np.where(inside, Part.UPPER, section.parts).astype(np.uint8)))
    closed = area_of(find_opening(section))
    lost = 0.0 if free else edge_mm**2
    assert area_of(found) == pytest.approx(closed - lost, abs=0.0 if free else 2 * PIXEL * edge_mm)


def test_an_island_in_the_cleft_stays_outside(draw_section: Draw) -> None:
    """The tip of an articular process that floats in a wide cleft: the seal runs to the island and on from it."""
    section = draw_section(rectangle, cleft_mm=9.0)
    s, a = np.meshgrid(section.superior_mm, section.anterior_mm, indexing="ij")
    island = (np.abs(s - 1.0) < 2.0) & (a > -31.0) & (a < -26.0)
    found = find_opening(replace(section, parts=np.where(island, Part.UPPER, section.parts).astype(np.uint8)))
    assert isinstance(found, Opening)
    assert found.gap_mm == pytest.approx(2.5, abs=1.5 * PIXEL)
    assert area_of(found) == pytest.approx(128.0, abs=48.0 * PIXEL / 2 + 2 * PIXEL * 5.0)


def test_a_ring_open_beyond_the_limit_is_not_closed(draw_section: Draw) -> None:
    tall = draw_section(lambda x, y: (np.abs(x) < 5.0) & (np.abs(y) < 9.0), cleft_mm=12.0)
    found = find_opening(tall)
    assert isinstance(found, Unclosed)
    assert found.gap_mm is None
    assert isinstance(find_opening(tall, seal_limit_mm=14.0), Opening)
    assert isinstance(find_opening(draw_section(ellipse, cleft_mm=5.0), seal_limit_mm=4.0), Unclosed)


@pytest.mark.parametrize("width_mm", [0.0, 2.0])
def test_a_foramen_narrower_than_a_cleft_may_be(draw_section: Draw, width_mm: float) -> None:
    """A slit of 2.4 x 16 mm is still the foramen, also where the ring is open."""
    slit = draw_section(lambda x, y: (np.abs(x) < 1.2) & (np.abs(y) < 8.0), cleft_mm=width_mm)
    # Both walls move by up to half a pixel; and the mouth.
    assert area_of(find_opening(slit)) == pytest.approx(38.4, abs=16 * PIXEL + 2 * PIXEL * width_mm)
    assert CLEFT_MM > 2.4


def test_a_foramen_narrower_than_its_gap_keeps_its_area(draw_section: Draw) -> None:
    slit = draw_section(lambda x, y: (np.abs(x) < 1.2) & (np.abs(y) < 8.0), cleft_mm=6.0)
    found = find_opening(slit)
    assert isinstance(found, Opening)
    assert found.gap_mm == pytest.approx(6.0, abs=1.5 * PIXEL)
    assert area_of(found) == pytest.approx(38.4, abs=16 * PIXEL + 2 * PIXEL * 6.0)


def test_a_foramen_lower_than_its_gap_is_refused(draw_section: Draw) -> None:
    flat = draw_section(lambda x, y: (np.abs(x) < 5.0) & (np.abs(y + 2.0) < 4.0), cleft_mm=8.2)
    found = find_opening(flat)
    assert isinstance(found, Unclosed)
    assert found.gap_mm == pytest.approx(8.0, abs=1.5 * PIXEL)


def test_the_chord_is_the_longest_line_between_the_pedicles(draw_section: Draw) -> None:
    section = draw_section(ellipse)
    chord = find_chord(section)
    assert chord is not None
    assert (chord.top - chord.bottom + 1) * PIXEL == pytest.approx(18.0, abs=2 * PIXEL)
    assert section.anterior_mm[chord.column] == pytest.approx(-22.0, abs=3 * PIXEL)


def test_no_foramen_beside_the_pedicles(draw_section: Draw) -> None:
    section = draw_section(ellipse)
    behind = section.anterior_mm < -17.5
    bodies_only = np.where(behind[None, :], Part.FREE, section.parts).astype(np.uint8)
    assert find_opening(replace(section, parts=bodies_only)) is None


def test_a_pit_in_a_sloping_body_wall_is_no_foramen(draw_section: Draw) -> None:
    """A lordotic level seen medial to its pedicles: both walls slope backwards by 8 degrees, the rim has a pit."""
    section = draw_section(ellipse)
    s, a = np.meshgrid(section.superior_mm, section.anterior_mm, indexing="ij")
    wall = -17.0 - np.abs(s) * np.tan(np.radians(8.0))
    pit = (np.abs(s) < 3.5) & (a < -16.0)
    parts = np.where((a > wall) & ~pit, np.where(s > 0, Part.UPPER, Part.LOWER), Part.FREE)
    lip = (a > -18.5) & (a < -17.5) & (np.abs(np.abs(s) - 5.0) < 2.0)
    parts = np.where(lip, np.where(s > 0, Part.UPPER, Part.LOWER), parts)
    assert find_opening(replace(section, parts=parts.astype(np.uint8))) is None


def test_a_slit_lower_than_any_foramen_is_not_looked_at(draw_section: Draw) -> None:
    low = draw_section(lambda x, y: (np.abs(x) < 6.0) & (np.abs(y) < SHORTEST_CHORD_MM / 2 - 0.6))
    assert find_opening(low) is None


def test_inside_the_canal_there_is_no_foramen(draw_section: Draw) -> None:
    section = draw_section(ellipse)
    s, a = np.meshgrid(section.superior_mm, section.anterior_mm, indexing="ij")
    canal = (section.parts == Part.FREE) & ellipse(a + 22.0, s - 3.0) & (a < -22.0)
    assert find_opening(replace(section, parts=np.where(canal, Part.CANAL, section.parts).astype(np.uint8))) is None


def test_a_ring_at_the_edge_of_the_map_is_cut(draw_section: Draw) -> None:
    section = draw_section(ellipse)
    near = np.broadcast_to(section.superior_mm[:, None] < 14.0, section.parts.shape)
    far = np.broadcast_to(section.superior_mm[:, None] < 19.0, section.parts.shape)
    found = [find_opening(replace(section, inside=inside)) for inside in (near, far)]
    assert [f.cut for f in found if isinstance(f, Opening)] == [True, False]
