"""Foramina drawn by hand: ellipses of known size on oblique grids, their places, and drawings that say too little."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.spine import Spine
from foramgrade.errors import InputError
from foramgrade.findings import Level, Quality, Quantity, Side
from foramgrade.geometry.drawn import DrawnForamen, measure_drawn
from foramgrade.geometry.pieces import SPECK_MM2
from foramgrade.geometry.planes import SECTION_PIXEL_MM
from foramgrade.volume import Grid, LabelMap

from .conftest import HOLE_AT_MM, oblique_grid

THICK, FINE = (0.6, 0.7, 4.4), (1.0, 1.1, 1.0)
TURN, TILT = (-7.0, 4.0, 9.0), (5.0, -3.0, 0.0)
#: Height and width of the ellipses, mm.
RIGHT_MM, LEFT_MM = (18.0, 9.0), (16.0, 7.0)

Build = Callable[..., Spine]


def ellipse(size_mm: tuple[float, float]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    height, width = size_mm
    return lambda x, y: (2 * x / width) ** 2 + (2 * y / height) ** 2 <= 1


def area_of(size_mm: tuple[float, float]) -> float:
    return float(np.pi / 4 * size_mm[0] * size_mm[1])


def counting_error_mm2(size_mm: tuple[float, float], spacing_mm: tuple[float, ...]) -> float:
    """Three standard deviations of counted pixels whose outline falls at random: sqrt(pixels of the outline) / 2."""
    pixel = np.sqrt(spacing_mm[0] * spacing_mm[1])
    around = np.pi * np.sqrt((size_mm[0] ** 2 + size_mm[1] ** 2) / 2) / pixel
    return float(1.5 * np.sqrt(around) * pixel**2)


def local_mm(grid: Grid, tilt: tuple[float, float, float] = TILT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right, and anterior and superior from the middle of the hole, of every voxel, in the level's own axes."""
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    r, a, s = np.moveaxis(grid.to_world(ijk) @ Rotation.from_euler("xyz", tilt, degrees=True).as_matrix(), -1, 0)
    return r, a - HOLE_AT_MM[0], s - HOLE_AT_MM[1]


def draw(grid: Grid, *, right: int = 1, left: int = 1, reach_mm: tuple[float, float] = (12.0, 21.0)) -> np.ndarray:
    """Both foramina of the level of `build_level`, as prisms along its right axis."""
    r, x, y = local_mm(grid)
    across = np.abs(r)
    if grid.spacing_mm[2] > 2 * grid.spacing_mm[0]:  # by hand: a slice is drawn whole or not at all
        middle = ellipse((2.0, 2.0))(x, y)
        for k in range(grid.shape[2]):
            for side in (r[..., k] > 0, r[..., k] < 0):
                here = side & middle[..., k]
                across[..., k][side] = across[..., k][here].mean() if here.any() else 0.0
    between = (across > reach_mm[0]) & (across < reach_mm[1])
    drawn = np.zeros(grid.shape, np.uint8)
    drawn[between & (r > 0) & ellipse(RIGHT_MM)(x, y)] = right
    drawn[between & (r < 0) & ellipse(LEFT_MM)(x, y)] = left
    return drawn


def by_side(foramina: tuple[DrawnForamen, ...]) -> dict[Side, DrawnForamen]:
    assert len(foramina) == 2
    return {foramen.side: foramen for foramen in foramina}


@pytest.mark.parametrize("spacing", [THICK, FINE], ids=["thick", "isotropic"])
@pytest.mark.parametrize("values", [(1, 1), (7, 3)], ids=["one value", "two values"])
def test_ellipses_are_measured_and_placed_by_the_labels(
    build_level: Build, spacing: tuple[float, float, float], values: tuple[int, int]
) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM), spacing_mm=spacing)
    drawn = draw(spine.grid, right=values[0], left=values[1])
    found = measure_drawn(LabelMap(drawn, spine.grid, "foramina"), spine)
    assert found.specks == 0
    assert [f.side for f in found.foramina] == [Side.RIGHT, Side.LEFT]
    for side, size in ((Side.RIGHT, RIGHT_MM), (Side.LEFT, LEFT_MM)):
        foramen = by_side(found.foramina)[side]
        assert foramen.level == Level("L4", "L5")
        measured = foramen.measurements
        error = counting_error_mm2(size, spacing)
        assert measured[Quantity.AREA] == pytest.approx(area_of(size), abs=error)
        np.testing.assert_allclose(foramen.areas_mm2, area_of(size), atol=error)
        # one voxel at either end, and the raster
        voxel = max(spacing[:2])
        assert measured[Quantity.HEIGHT] == pytest.approx(size[0], abs=voxel + SECTION_PIXEL_MM)
        # the disc's mid-plane crosses the ellipse this far below its middle
        low = HOLE_AT_MM[1] / (size[0] / 2)
        width = size[1] * np.sqrt(1 - low**2)
        assert measured[Quantity.WIDTH_DISC] == pytest.approx(width, abs=voxel + SECTION_PIXEL_MM)
        # the disc's 8 mm, by whole voxels
        assert measured[Quantity.DISC_HEIGHT] == pytest.approx(8.0, abs=voxel + SECTION_PIXEL_MM)
        assert not foramen.quality & (Quality.LEVEL_UNVERIFIED | Quality.FRAME_FROM_GRID | Quality.CUT_BY_EDGE)
    right, left = (by_side(found.foramina)[side].measurements[Quantity.AREA] for side in (Side.RIGHT, Side.LEFT))
    for foramen in found.foramina:
        assert foramen.measurements[Quantity.ASYMMETRY] == pytest.approx((right - left) / ((right + left) / 2))


@pytest.mark.parametrize("spacing", [THICK, FINE], ids=["thick", "isotropic"])
def test_the_volume_is_that_of_the_drawn_voxels(build_level: Build, spacing: tuple[float, float, float]) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM), spacing_mm=spacing)
    drawn = draw(spine.grid, right=2)
    right = by_side(measure_drawn(LabelMap(drawn, spine.grid, "foramina"), spine).foramina)[Side.RIGHT]
    voxels = int(np.count_nonzero(drawn == 2))
    # area and spacing are both seen along the course: their product is the slice's own. A slice at either end of an
    # oblique prism may show a corner of less than a speck, which is no section.
    specks = 0.0 if spacing == THICK else 2 * SPECK_MM2 * spacing[2]
    assert right.measurements[Quantity.VOLUME] == pytest.approx(voxels * spine.grid.voxel_volume_mm3, abs=specks + 1e-6)


def test_labels_on_another_grid(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM), spacing_mm=FINE)
    grid = oblique_grid(THICK, (3.0, -6.0, -8.0))
    right = by_side(measure_drawn(LabelMap(draw(grid), grid, "foramina"), spine).foramina)[Side.RIGHT]
    error = counting_error_mm2(RIGHT_MM, THICK)
    assert right.measurements[Quantity.AREA] == pytest.approx(area_of(RIGHT_MM), abs=error)


def test_without_labels_levels_are_numbered_and_sides_found_between_two_groups() -> None:
    grid = oblique_grid(THICK, (0.0, 0.0, 0.0))
    drawn = np.zeros(grid.shape, np.uint8)
    r, x, y = local_mm(grid, (0.0, 0.0, 0.0))
    for up, sides in ((16.0, (1, -1)), (-14.0, (1,))):
        for side in sides:
            drawn[(np.abs(r - 16 * side) < 4.5) & ellipse((10.0, 6.0))(x, y - up)] = 5
    found = measure_drawn(LabelMap(drawn, grid, "foramina"))
    names = [(f.level.name, f.side.value) for f in found.foramina]
    assert names == [("F1", "right"), ("F1", "left"), ("F2", "right")]
    for foramen in found.foramina:
        assert Quality.LEVEL_UNVERIFIED in foramen.quality
        assert Quality.FRAME_FROM_GRID in foramen.quality
        error = counting_error_mm2((10.0, 6.0), THICK)
        assert foramen.measurements[Quantity.AREA] == pytest.approx(area_of((10.0, 6.0)), abs=error)
        assert Quantity.HEIGHT not in foramen.measurements  # along an axis that nothing tells
    assert Quantity.ASYMMETRY not in found.foramina[2].measurements


def test_one_side_alone_needs_a_midline_or_a_name() -> None:
    grid = oblique_grid(THICK, (0.0, 0.0, 0.0))
    drawn = draw(grid, left=0)
    with pytest.raises(InputError, match=r"nothing tells the side of the outline with the value 1: .* give the labels"):
        measure_drawn(LabelMap(drawn, grid, "foramina"))
    for midline, side in ((0.0, Side.RIGHT), (40.0, Side.LEFT)):
        (found,) = measure_drawn(LabelMap(drawn, grid, "foramina"), midline_mm=midline).foramina
        assert found.side is side
    (found,) = measure_drawn(LabelMap(drawn, grid, "foramina", names={1: "Foramen L4/5 rt"})).foramina
    assert (found.level, found.side) == (Level("L4", "L5"), Side.RIGHT)
    assert Quality.LEVEL_UNVERIFIED not in found.quality
    with pytest.raises(InputError, match=r"the outline 'left' lies at right, expected its name to say so"):
        measure_drawn(LabelMap(drawn, grid, "foramina", names={1: "left"}), midline_mm=0.0)


def test_a_single_slice_is_a_section() -> None:
    whole = oblique_grid(THICK, TURN)
    drawn = draw(whole, left=0)
    k = int(np.argmax((drawn > 0).sum(axis=(0, 1))))
    affine = whole.affine.copy()
    affine[:3, 3] = whole.to_world([0, 0, k])
    affine[:3, 2] /= 4.4  # the distance of a single slice to its neighbours is anybody's guess
    grid = Grid((*whole.shape[:2], 1), affine)
    (found,) = measure_drawn(LabelMap(drawn[..., k : k + 1], grid, "foramina"), midline_mm=0.0).foramina
    assert found.measurements[Quantity.AREA] == pytest.approx(np.count_nonzero(drawn[..., k]) * 0.6 * 0.7)
    assert Quality.FEW_SECTIONS in found.quality
    assert Quantity.VOLUME not in found.measurements


def test_a_mirrored_drawing_swaps_the_sides_and_nothing_else(build_level: Build) -> None:
    no_tilt = {"tilt_deg": (0.0, 0.0, 0.0), "turn_deg": (0.0, 0.0, 0.0)}
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM), **no_tilt)
    grid = spine.grid
    r, x, y = local_mm(grid, (0.0, 0.0, 0.0))
    drawn = np.where((np.abs(r) > 12) & (np.abs(r) < 21) & ellipse(RIGHT_MM)(x, y), np.where(r > 0, 2, 1), 0)
    drawn[(drawn == 1) & ~ellipse(LEFT_MM)(x, y)] = 0
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    one = by_side(measure_drawn(LabelMap(drawn.astype(np.uint8), grid, "foramina"), midline_mm=0.0).foramina)
    turned = LabelMap(drawn.astype(np.uint8), Grid(grid.shape, mirror @ grid.affine), "foramina")
    other = by_side(measure_drawn(turned, midline_mm=0.0).foramina)
    for side, opposite in ((Side.RIGHT, Side.LEFT), (Side.LEFT, Side.RIGHT)):
        for quantity in (Quantity.AREA, Quantity.VOLUME):
            assert one[side].measurements[quantity] == pytest.approx(other[opposite].measurements[quantity])


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1)])
def test_the_order_of_storage_does_not_matter(
    build_level: Build, axes: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    drawn = draw(spine.grid)
    expected = by_side(measure_drawn(LabelMap(drawn, spine.grid, "foramina"), spine).foramina)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
        turn[old, new] = flip
        turn[old, 3] = 0 if flip > 0 else drawn.shape[old] - 1
    stored = drawn.transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]
    grid = Grid(stored.shape, spine.grid.affine @ turn)
    found = by_side(measure_drawn(LabelMap(stored, grid, "foramina"), spine).foramina)
    for side in Side:
        assert dict(found[side].measurements) == pytest.approx(dict(expected[side].measurements))


def test_a_soft_drawing_is_summed(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    fine = np.zeros(spine.grid.shape)
    offsets = (np.arange(4) - 1.5) / 4
    for di in offsets:
        for dj in offsets:
            affine = spine.grid.affine.copy()
            affine[:3, 3] = spine.grid.to_world([di, dj, 0])
            fine += draw(Grid(spine.grid.shape, affine)) / 16
    soft = LabelMap((fine > 0).astype(np.uint8), spine.grid, "foramina", shares=fine)
    found = by_side(measure_drawn(soft, spine).foramina)
    for side, size in ((Side.RIGHT, RIGHT_MM), (Side.LEFT, LEFT_MM)):
        # sixteen samples a pixel count like pixels of a quarter
        error = counting_error_mm2(size, (0.15, 0.175))
        frame_error = 0.01 * area_of(size)  # the axes are fitted to the labels: cos of 8 degrees
        whole = [area for area in found[side].areas_mm2 if area > 0.9 * area_of(size)]
        assert whole
        np.testing.assert_allclose(whole, area_of(size), atol=error + frame_error)


def test_pieces_on_different_slices_are_one_foramen_and_on_the_same_are_refused(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    drawn = draw(spine.grid, right=2, left=0, reach_mm=(8.0, 25.0))
    slices = np.flatnonzero(drawn.any(axis=(0, 1)))
    assert len(slices) >= 3
    apart = drawn.copy()
    apart[..., slices[1]] = 0
    (found,) = measure_drawn(LabelMap(apart, spine.grid, "foramina"), spine).foramina
    assert len(found.sections) == len(slices) - 1
    again = drawn.copy()
    i, j = (int(np.median(n)) for n in np.nonzero(drawn[..., slices[1]]))
    again[i + 9 : i + 14, j - 3 : j + 3, slices[1]] = 3
    again[i - 2 : i + 9, :, :] = np.where(again[i - 2 : i + 9, :, :] == 2, 2, 0)
    again[i + 7 : i + 9] = 0
    message = r"the outline with the value 2 at R .* and the outline with the value 3 at R .* both lie at L4-L5 right"
    with pytest.raises(InputError, match=message):
        measure_drawn(LabelMap(again, spine.grid, "foramina"), spine)


def test_names_are_checked_against_the_place(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    drawn = draw(spine.grid, right=1, left=2)
    names = {1: "L4-L5 right", 2: "a stroke of mine"}
    assert len(measure_drawn(LabelMap(drawn, spine.grid, "foramina", names=names), spine).foramina) == 2
    for name in ("L4-L5 left", "L3-L4 right", "left"):
        with pytest.raises(InputError, match=rf"the outline '{name}' lies at L4-L5 right, expected its name to say so"):
            measure_drawn(LabelMap(drawn, spine.grid, "foramina", names=names | {1: name}), spine)


def test_an_outline_far_from_every_level_has_no_level(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    r, x, y = local_mm(spine.grid)
    drawn = ((np.abs(r - 16) < 4.5) & ellipse((10.0, 6.0))(x, y - 26)).astype(np.uint8)
    (found,) = measure_drawn(LabelMap(drawn, spine.grid, "foramina"), spine).foramina
    assert (found.level.name, found.side) == ("F1", Side.RIGHT)
    assert Quality.LEVEL_UNVERIFIED in found.quality


def test_specks_are_left_out_and_counted(build_level: Build) -> None:
    spine = build_level(ellipse(RIGHT_MM), ellipse(LEFT_MM))
    drawn = draw(spine.grid)
    drawn[2:5, 2:5, 3] = 1  # 9 pixels of 0.42 mm2: 3.8 mm2
    found = measure_drawn(LabelMap(drawn, spine.grid, "foramina"), spine)
    assert (len(found.foramina), found.specks) == (2, 1)
    only = np.zeros_like(drawn)
    only[2:5, 2:5, 3] = 1
    with pytest.raises(InputError, match=r"no outline of at least 5 mm2 is drawn, found 1 smaller specks"):
        measure_drawn(LabelMap(only, spine.grid, "foramina"), spine)


@pytest.mark.parametrize(
    "affine, shape, plane",
    [
        (np.diag([0.6, 0.6, 4.0, 1.0]), (40, 40, 9), "axial"),
        (np.diag([0.6, 4.0, 0.6, 1.0]), (40, 9, 40), "coronal"),
        (np.diag([0.6, 0.6, 1.0, 1.0]), (40, 40, 1), "axial"),
    ],
)
def test_thick_slices_that_are_not_sagittal_are_refused(
    affine: np.ndarray, shape: tuple[int, int, int], plane: str
) -> None:
    drawn = np.ones(shape, np.uint8)
    with pytest.raises(InputError, match=rf"the foramina are drawn on {plane} slices .* expected sagittal ones"):
        measure_drawn(LabelMap(drawn, Grid(shape, affine), "foramina"))
