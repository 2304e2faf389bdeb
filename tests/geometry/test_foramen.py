"""Foramina from labels: drawn levels with arithmetic truth, phantoms in every storage order, real label maps."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.frame import Frame, fit_frame
from foramgrade.anatomy.labels import load_scheme, relabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Quality, Quantity, Side
from foramgrade.geometry.foramen import Foramen, find_foramen
from foramgrade.geometry.judging import judge_geometry
from foramgrade.geometry.opening import CLEFT_MM, Opening
from foramgrade.geometry.planes import SECTION_PIXEL_MM, Raster, Section, Sheet, place_raster
from foramgrade.geometry.profile import SAME_FORAMEN_RATIO
from foramgrade.geometry.search import FEWEST_SECTIONS, fit_course
from foramgrade.loaders import read_labels
from foramgrade.phantom import Numbering, Phantom
from foramgrade.volume import Grid, LabelMap

Shape = Callable[[FloatArray, FloatArray], BoolArray]
Build = Callable[..., Spine]

THICK, ISOTROPIC = (0.6, 0.7, 4.4), (0.8, 0.8, 0.8)


def ellipse(x: FloatArray, y: FloatArray) -> BoolArray:
    """18 x 9 mm: 127.2 mm2."""
    return np.asarray((x / 4.5) ** 2 + (y / 9.0) ** 2 < 1)


def rectangle(x: FloatArray, y: FloatArray) -> BoolArray:
    """16 x 8 mm: 128 mm2."""
    return (np.abs(x) < 4.0) & (np.abs(y) < 8.0)


def pear(x: FloatArray, y: FloatArray) -> BoolArray:
    """A circle of 5 mm radius with its tangents to a point 10 mm below its centre."""
    circle = x**2 + (y - 4.0) ** 2 < 25
    return np.asarray(circle | ((y > -6.0) & (y < 1.5) & (np.abs(x) < (y + 6.0) * np.tan(np.pi / 6))))


ELLIPSE_MM2, PEAR_MM2 = np.pi * 4.5 * 9, 50 * np.cos(np.pi / 6) + 25 * np.pi * 2 / 3


def area_tolerance(outline_mm: float, pixel_mm: float) -> float:
    """Three standard deviations of a counted area, and what linear interpolation takes off a closed curve, mm2.

    A pixel grid of edge h counts with a standard deviation of 0.28 sqrt(outline / h) h2; interpolating smooths with a
    variance of h2 / 6, which moves a curve by half of it times the curvature, over the whole turn pi h2 / 6.
    """
    return 3 * 0.28 * float(np.sqrt(outline_mm / pixel_mm)) * pixel_mm**2 + np.pi * pixel_mm**2 / 6


def measure(spine: Spine, side: Side = Side.RIGHT, level: str = "L4-L5") -> Foramen:
    segment = next(s for s in spine.segments if s.level.name == level)
    return find_foramen(spine, segment, fit_frame(spine, segment), side)


def assert_same(found: Foramen, expected: Foramen) -> None:
    """The same to two pixels of a section: positions differ in the last bit, and a pixel may tip over."""
    assert found.quality == expected.quality
    assert len(found.sections) == len(expected.sections)
    assert found.measurements.keys() == expected.measurements.keys()
    pixel = SECTION_PIXEL_MM
    for quantity, value in expected.measurements.items():
        slack = {Quantity.AREA: 2 * pixel**2, Quantity.VOLUME: 2 * pixel**2 * 4.4 * 4}.get(quantity, 1.01 * pixel)
        assert found.measurements[quantity] == pytest.approx(value, abs=slack), quantity


class TestDrawnLevels:
    @pytest.mark.parametrize("spacing_mm", [THICK, ISOTROPIC])
    @pytest.mark.parametrize(
        ("hole", "area", "outline", "height"),
        [(ellipse, ELLIPSE_MM2, 43.7, 18.0), (rectangle, 128.0, 48.0, 16.0), (pear, PEAR_MM2, 38.3, 15.0)],
    )
    def test_area_and_heights(
        self,
        build_level: Build,
        hole: Shape,
        area: float,
        outline: float,
        height: float,
        spacing_mm: tuple[float, float, float],
    ) -> None:
        found = measure(build_level(hole, spacing_mm=spacing_mm))
        pixel = max(spacing_mm[:2])
        assert found.measurements[Quantity.AREA] == pytest.approx(area, abs=area_tolerance(outline, pixel))
        # Each end to half a voxel, and to the rule that the opening is 0.6 mm wide there: 0.5 mm on a point of 60 deg.
        slack = pixel + SECTION_PIXEL_MM + (0.6 if hole is pear else 0.0)
        assert found.measurements[Quantity.HEIGHT] == pytest.approx(height, abs=slack)
        if hole is not pear:  # whose lower end cuts the disc's margin off obliquely
            assert found.measurements[Quantity.DISC_HEIGHT] == pytest.approx(8.0, abs=pixel + SECTION_PIXEL_MM)
        assert found.measurements[Quantity.SEAL_GAP] == 0
        assert Quality.RING_SEALED not in found.quality
        assert Quality.CUT_BY_EDGE not in found.quality

    @pytest.mark.parametrize("spacing_mm", [THICK, ISOTROPIC])
    def test_volume_of_a_prism(self, build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
        found = measure(build_level(ellipse, spacing_mm=spacing_mm))
        # A pedicle of 9 mm: one section more or less, and the outermost ones only graze it. An oblique slice lies
        # between the pedicle's borders only where all of the hole does: 18 mm high, 9 mm wide, 9 degrees: 3.2 mm less.
        step = found.sections[0].spacing_mm
        shorter = 3.2 if spacing_mm is THICK else 0.0
        assert (9.0 - shorter) / step - 1 <= len(found.sections) <= 9.0 / step + 1
        inner = found.areas_mm2[1:-1] if len(found.areas_mm2) > 4 else found.areas_mm2
        assert inner == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, max(spacing_mm[:2])))
        assert found.measurements[Quantity.VOLUME] == pytest.approx(found.areas_mm2.sum() * step)

    def test_widths_of_the_rectangle(self, build_level: Build) -> None:
        found = measure(build_level(rectangle))
        for quantity in (Quantity.WIDTH_DISC, Quantity.WIDTH_INFERIOR):
            assert found.measurements[quantity] == pytest.approx(8.0, abs=0.7 + SECTION_PIXEL_MM)

    @pytest.mark.parametrize("turn_deg", [(0, 0, 0), (0, 0, 10), (0, 10, 0), (-15, 12, 15), (5, -14, -14)])
    def test_area_does_not_depend_on_the_obliquity_of_thick_slices(
        self, build_level: Build, turn_deg: tuple[float, float, float]
    ) -> None:
        """Up to 20 degrees between slice and sagittal plane."""
        found = measure(build_level(ellipse, turn_deg=turn_deg, tilt_deg=(0.0, 0.0, 0.0)))
        # Where the slice is oblique its own pixels are up to 1 / cos 20 longer when seen along the right axis.
        assert found.measurements[Quantity.AREA] == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, 0.75))

    @pytest.mark.parametrize("turn_z_deg", [-12.0, 12.0])
    @pytest.mark.parametrize("course", [(0.35, 0.0), (0.3, -0.1)])
    def test_an_oblique_slice_is_seen_along_the_foramen(
        self, build_level: Build, course: tuple[float, float], turn_z_deg: float
    ) -> None:
        """Seen along the right axis, the area would be wrong by the factor 1 / (1 - 0.35 tan 12 deg): 7 %."""
        spine = build_level(ellipse, course=course, turn_deg=(0, 0, turn_z_deg), spacing_mm=(0.5, 0.5, 2.2))
        found = measure(spine)
        # Three sections tell the course to 0.05, a seventh of it.
        slack = area_tolerance(43.7, 0.5) + 0.05 * np.tan(np.radians(12)) * ELLIPSE_MM2
        assert found.measurements[Quantity.AREA] == pytest.approx(ELLIPSE_MM2, abs=slack)
        assert 0.3 * np.tan(np.radians(12)) * ELLIPSE_MM2 > 2 * slack

    @pytest.mark.parametrize("spacing_mm", [THICK, ISOTROPIC])
    @pytest.mark.parametrize("width_mm", [2.9, 4.0, 7.0])
    def test_a_cleft_is_reported_and_leaves_the_area(
        self, build_level: Build, width_mm: float, spacing_mm: tuple[float, float, float]
    ) -> None:
        found = measure(build_level(rectangle, cleft_mm=width_mm, spacing_mm=spacing_mm))
        pixel = max(spacing_mm[:2])
        # An oblique cleft is a staircase of voxels: its narrowest place is up to a voxel narrower than what was drawn.
        gap = found.measurements[Quantity.SEAL_GAP]
        assert width_mm - pixel - SECTION_PIXEL_MM <= gap <= width_mm + pixel / 2
        slack = area_tolerance(48.0, pixel) + width_mm * pixel
        assert found.measurements[Quantity.AREA] == pytest.approx(128.0, abs=slack)
        assert (Quality.RING_SEALED in found.quality) == (gap > CLEFT_MM)

    def test_unlabelled_endplates_are_not_counted(self, build_level: Build) -> None:
        plain, plated = (measure(build_level(rectangle, endplate_mm=e)) for e in (0.0, 1.6))
        # Two mouths of 1.6 mm, each sealed to within a voxel; the lower one beside a right angle of the rectangle,
        # which a disc of 4 mm that touches the mouth's lips cuts off.
        expected = plain.measurements[Quantity.AREA]
        corner = (1 - np.pi / 4) * 4.0**2
        assert plated.measurements[Quantity.AREA] == pytest.approx(expected, abs=2 * 1.6 * 0.7 + corner)
        # The disc itself is then lower by an endplate: by half of one on either side.
        expected = plain.measurements[Quantity.DISC_HEIGHT] - 1.6
        assert plated.measurements[Quantity.DISC_HEIGHT] == pytest.approx(expected, abs=0.7)

    def test_sides_are_the_patients(self, build_level: Build) -> None:
        spine = build_level(ellipse, lambda x, y: (x / 3.0) ** 2 + (y / 8.0) ** 2 < 1)
        areas = {side: measure(spine, side).measurements[Quantity.AREA] for side in Side}
        assert areas[Side.RIGHT] == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, 0.7))
        assert areas[Side.LEFT] == pytest.approx(np.pi * 24, abs=area_tolerance(36.6, 0.7))
        for side, sign in ((Side.RIGHT, 1), (Side.LEFT, -1)):
            section, opening = measure(spine, side).reported
            assert np.sign(section.positions_mm[opening.mask].mean(axis=0)[0]) == sign
            assert np.sign(section.offset_mm) == sign

    def test_sections_run_from_medial_to_lateral(self, build_level: Build) -> None:
        found = measure(build_level(ellipse, spacing_mm=ISOTROPIC), Side.LEFT)
        assert np.all(np.diff(found.offsets_mm) < 0)
        # A prism is equally small everywhere; the outermost section only grazes the pedicle.
        assert found.areas_mm2[found.chosen] <= found.measurements[Quantity.AREA] + area_tolerance(43.7, 0.8)
        assert found.measurements[Quantity.AREA] == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, 0.8))
        # Within the pedicle, 12 to 21 mm from the midline, to half a step and half a voxel.
        assert found.offsets_mm.max() <= -12.0 + 1.0
        assert found.offsets_mm.min() >= -21.0 - 1.0


class TestMissingParts:
    @pytest.mark.parametrize("spacing_mm", [THICK, ISOTROPIC])
    def test_without_disc_the_bodies_are_bridged(
        self, build_level: Build, spacing_mm: tuple[float, float, float]
    ) -> None:
        spine = build_level(ellipse, without=("disc",), spacing_mm=spacing_mm)
        found, known = measure(spine), measure(build_level(ellipse, spacing_mm=spacing_mm))
        assert Quality.DISC_BRIDGED in found.quality
        assert Quality.NO_DISC not in found.quality
        pixel = max(spacing_mm[:2])
        # The bridge ends at the bodies' rims, to a row of voxels along the disc's 8 mm.
        slack = area_tolerance(43.7, pixel) + 8.0 * pixel
        assert found.measurements[Quantity.AREA] == pytest.approx(known.measurements[Quantity.AREA], abs=slack)
        assert found.measurements[Quantity.DISC_HEIGHT] == pytest.approx(8.0, abs=2 * pixel)

    def test_without_disc_and_bodies_there_is_a_row_that_says_so(self, build_level: Build) -> None:
        spine = build_level(ellipse, without=("disc",))
        spine = replace(spine, segments=(replace(spine.segments[0], disc=None, bridged=False),))
        found = measure(spine)
        assert Quality.NO_DISC in found.quality
        assert found.measurements == {}
        with pytest.raises(ValueError, match="no section shows the right foramen of L4-L5"):
            _ = found.reported
        # Stages that look for the neighbourhood of a foramen still get a raster.
        assert place_raster(spine, spine.segments[0], found.frame).anterior_mm.size > 0

    def test_without_posterior_elements_there_is_no_section(self, build_level: Build) -> None:
        found = measure(build_level(ellipse, without=("posterior",)))
        assert found.quality == Quality.NO_SECTION | Quality.NO_POSTERIOR
        assert found.chosen is None

    def test_a_side_without_a_foramen_leaves_the_other_alone(self, build_level: Build) -> None:
        spine = build_level(ellipse, lambda x, y: np.zeros(np.shape(x), bool))
        assert measure(spine, Side.LEFT).quality == Quality.NO_SECTION
        right = measure(spine, Side.RIGHT).measurements[Quantity.AREA]
        assert right == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, 0.7))

    def test_without_canal_the_front_is_found_from_the_vertebrae(self, build_level: Build) -> None:
        found, known = (measure(build_level(ellipse, without=w)) for w in (("canal",), ()))
        assert found.frame.anterior @ known.frame.anterior > np.cos(np.radians(3))
        area = found.measurements[Quantity.AREA]
        assert area == pytest.approx(ELLIPSE_MM2, abs=area_tolerance(43.7, 0.7))

    def test_a_ring_open_beyond_the_limit(self, build_level: Build) -> None:
        found = measure(build_level(lambda x, y: (np.abs(x) < 4) & (np.abs(y) < 9), cleft_mm=12.0))
        assert found.quality == Quality.RING_OPEN
        assert found.measurements.keys() == {Quantity.SLIP, Quantity.SEGMENTAL_ANGLE}


@pytest.fixture(scope="module")
def whole(phantoms: dict[Numbering, Phantom]) -> dict[tuple[str, Side], Foramen]:
    return measure_all(phantoms[Numbering.TOTALSPINESEG].labels)


def measure_all(labels: LabelMap) -> dict[tuple[str, Side], Foramen]:
    spine = find_spine(relabel(labels, load_scheme(labels.scheme)))
    return {(s.level.name, side): measure(spine, side, s.level.name) for s in spine.segments for side in Side}


def stored(labels: LabelMap, axes: tuple[int, ...], flips: tuple[bool, ...]) -> LabelMap:
    """The same labels with their axes permuted and turned around."""
    array = labels.array.transpose(axes)
    affine = labels.grid.affine[:, [*axes, 3]].copy()
    for axis in (a for a, flip in enumerate(flips) if flip):
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
        array = np.flip(array, axis)
    return LabelMap(array, Grid((array.shape[0], array.shape[1], array.shape[2]), affine), labels.scheme)


class TestInvariance:
    def test_phantom_is_near_its_truth(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        measured = [(key, f) for key, f in whole.items() if f.chosen is not None]
        assert {level for (level, _), _ in measured} == {"L2-L3", "L3-L4", "L4-L5"}
        for (level, side), foramen in measured:
            truth = phantoms[Numbering.TOTALSPINESEG].foramen(level, side)
            # An outline of about 45 mm in voxels of 0.8 mm, and slices up to 2.2 mm from the smallest section:
            # the area grows with the square of that distance, by at most 1 % per mm2.
            slack = area_tolerance(45.0, 0.8) + 0.011 * 2.2**2 * truth.area_mm2
            assert foramen.measurements[Quantity.AREA] == pytest.approx(truth.area_mm2, abs=slack)
            # Both ends to a voxel: the slice is not the one of the truth, and averages over 4 mm.
            assert foramen.measurements[Quantity.HEIGHT] == pytest.approx(truth.height_mm, abs=2 * 0.8)
            assert foramen.measurements[Quantity.DISC_HEIGHT] == pytest.approx(truth.disc_height_mm, abs=0.8 + 0.3)
            section, opening = foramen.reported
            centre = section.positions_mm[opening.mask].mean(axis=0)
            assert np.linalg.norm(centre - truth.centre_mm) < 4.4

    @pytest.mark.parametrize("axes", list(permutations(range(3))))
    def test_storage_order_does_not_matter(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen], axes: tuple[int, ...]
    ) -> None:
        labels = phantoms[Numbering.TOTALSPINESEG].labels
        for n, flips in enumerate(product((False, True), repeat=3)):
            spine = find_spine(relabel(stored(labels, axes, flips), load_scheme(labels.scheme)))
            side = list(Side)[n % 2]
            assert_same(measure(spine, side, "L3-L4"), whole["L3-L4", side])

    def test_rigid_motion_does_not_matter(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        labels = phantoms[Numbering.TOTALSPINESEG].labels
        move = np.eye(4)
        move[:3, :3] = Rotation.from_euler("xyz", (14.0, -9.0, 17.0), degrees=True).as_matrix()
        move[:3, 3] = [120.0, -45.0, 800.0]
        moved = measure_all(replace(labels, grid=Grid(labels.grid.shape, move @ labels.grid.affine)))
        assert moved.keys() == whole.keys()
        for key, foramen in whole.items():
            assert_same(moved[key], foramen)

    def test_a_mirrored_patient_has_its_sides_swapped_and_nothing_else(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        labels = phantoms[Numbering.TOTALSPINESEG].labels
        mirrored = measure_all(
            replace(labels, grid=Grid(labels.grid.shape, np.diag([-1.0, 1, 1, 1]) @ labels.grid.affine))
        )
        other = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}
        for (level, side), foramen in whole.items():
            assert_same(mirrored[level, other[side]], foramen)
        assert not np.isclose(
            whole["L3-L4", Side.LEFT].measurements[Quantity.AREA],
            whole["L3-L4", Side.RIGHT].measurements[Quantity.AREA],
            rtol=0.05,
        )

    @pytest.mark.parametrize("numbering", [Numbering.SPIDER, Numbering.SPINEPS])
    def test_numbering_does_not_matter(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen], numbering: Numbering
    ) -> None:
        found = measure_all(phantoms[numbering].labels)
        for key in (k for k, f in whole.items() if f.chosen is not None):
            assert_same(found[key], whole[key])

    def test_finer_sampling_converges(self, build_level: Build) -> None:
        for step in (1.0, 0.5, 0.35):
            found = measure(build_level(pear, spacing_mm=(step, step, 4.4)))
            assert found.chosen is not None
            assert found.areas_mm2[found.chosen] == pytest.approx(PEAR_MM2, abs=area_tolerance(38.3, step))


class TestCutByTheField:
    def test_a_level_cut_above_is_flagged_and_the_others_survive(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        # L1 reaches the top of the phantom's field.
        for side in Side:
            cut = whole["L1-L2", side]
            assert Quality.CUT_BY_EDGE in cut.quality
            assert Quality.NO_SECTION in cut.quality
            assert whole["L3-L4", side].measurements

    def test_crop_through_a_pedicle(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        labels = phantoms[Numbering.TOTALSPINESEG].labels
        grid = labels.grid
        centre = phantoms[Numbering.TOTALSPINESEG].foramen("L2-L3", Side.RIGHT).centre_mm
        # j grows to superior: the field ends a little above the middle of the foramina of L2-L3.
        last = round(float(grid.to_ijk(centre)[1])) + 3
        assert grid.directions[2, 1] > 0.9
        array = labels.array[:, :last]
        cropped = measure_all(LabelMap(array, Grid((array.shape[0], last, array.shape[2]), grid.affine), labels.scheme))
        for side in Side:
            assert Quality.CUT_BY_EDGE in cropped["L2-L3", side].quality
            assert_same(cropped["L4-L5", side], whole["L4-L5", side])

    def test_a_lateral_slab_measures_the_side_it_holds(
        self, phantoms: dict[Numbering, Phantom], whole: dict[tuple[str, Side], Foramen]
    ) -> None:
        """Only the slices from just beyond the canal to the patient's left: the right side is missing, not misnamed."""
        phantom = phantoms[Numbering.TOTALSPINESEG]
        labels, grid = phantom.labels, phantom.labels.grid
        toward_left = -np.sign(grid.directions[0, 2])
        middle = np.mean([phantom.foramen("L3-L4", side).centre_mm for side in Side], axis=0)
        k = round(float(grid.to_ijk(middle)[2]))
        keep = slice(max(k - 2, 0), None) if toward_left > 0 else slice(0, k + 3)
        affine = grid.affine.copy()
        affine[:3, 3] = grid.to_world([0, 0, keep.start])
        array = labels.array[..., keep]
        slab = measure_all(
            LabelMap(array, Grid((array.shape[0], array.shape[1], array.shape[2]), affine), labels.scheme)
        )
        left, right = slab["L3-L4", Side.LEFT], slab["L3-L4", Side.RIGHT]
        assert Quality.FRAME_FROM_GRID in left.quality
        assert right.quality == Quality.FRAME_FROM_GRID | Quality.NO_SECTION | Quality.CUT_BY_EDGE
        # The scanner's axis stands in for the level's: they differ by up to 10 degrees, 1 / cos 10 deg = 1.015, and the
        # foramen's course of 0.4 mm per mm by 0.4 tan 10 deg = 7 %.
        expected = whole["L3-L4", Side.LEFT].measurements[Quantity.AREA]
        assert left.measurements[Quantity.AREA] == pytest.approx(expected, rel=0.085)

    def test_a_ring_at_the_front_of_the_map_is_cut(self, build_level: Build) -> None:
        spine = build_level(ellipse)
        # i grows to posterior; the ring's back ends at -42 mm, the hole at -26.5 mm.
        behind = spine.grid.to_ijk([16.0, -29.0, 3.0])[0]
        keep = int(behind)
        grid = Grid((keep, *spine.grid.shape[1:]), spine.grid.affine)
        cut = replace(spine, grid=grid, codes=np.ascontiguousarray(spine.codes[:keep]))
        found = measure(cut)
        assert Quality.CUT_BY_EDGE in found.quality


class TestFlags:
    @pytest.mark.parametrize(
        ("area", "height", "disc", "flag"),
        [
            (14.9, 16.0, 5.0, Quality.AREA_IMPLAUSIBLE),
            (300.1, 16.0, 5.0, Quality.AREA_IMPLAUSIBLE),
            (100.0, 15.0, 5.0, Quality.HEIGHT_LOW),
            (100.0, 16.0, 4.0, Quality.DISC_HEIGHT_LOW),
            (15.0, 15.1, 4.1, Quality(0)),
            (300.0, 16.0, None, Quality(0)),
        ],
    )
    def test_warning_values(self, area: float, height: float, disc: float | None, flag: Quality) -> None:
        measured = {Quantity.AREA: area, Quantity.HEIGHT: height}
        if disc is not None:
            measured[Quantity.DISC_HEIGHT] = disc
        assert judge_geometry(measured, 3, cut=False) == flag

    def test_sealed_cut_and_few(self) -> None:
        measured = {Quantity.AREA: 100.0, Quantity.HEIGHT: 16.0}
        assert judge_geometry(measured, FEWEST_SECTIONS, cut=False, gap_mm=CLEFT_MM) == Quality(0)
        found = judge_geometry(measured, 1, cut=True, gap_mm=3.1)
        assert found == Quality.RING_SEALED | Quality.CUT_BY_EDGE | Quality.FEW_SECTIONS


class TestCourse:
    def pairs(
        self, frame: Frame, centres: list[tuple[float, float, float]], sizes: list[int]
    ) -> list[tuple[Section, Opening]]:
        result = []
        for centre, size in zip(centres, sizes, strict=True):
            mask = np.zeros((9, 9), bool)
            mask.flat[:size] = True
            nowhere = np.zeros(3)  # every pixel lies at the centre
            sheet = Sheet(centre[0], 4.4, np.array(centre), nowhere, nowhere)
            raster = Raster(frame, np.arange(9.0), np.arange(9.0), 0.0)
            section = Section(raster, sheet, mask.astype(np.uint8), mask)
            result.append((section, Opening(mask, 0.0, False)))
        return result

    def test_line_through_the_centres(self, build_level: Build) -> None:
        spine = build_level(ellipse)
        frame = fit_frame(spine, spine.segments[0])
        local = [(12.0, -20.0, 3.0), (16.0, -18.8, 2.6), (20.0, -17.6, 2.2)]
        world = [tuple(frame.to_world(np.array(c))) for c in local]
        assert fit_course(self.pairs(frame, world, [50, 50, 50]), frame) == pytest.approx((0.3, -0.1))
        # A section that is half as large again shows something else, one section no direction, a steep one an error.
        beyond = [*world[:2], tuple(frame.to_world(np.array([20.0, 5.0, 2.2])))]
        assert fit_course(self.pairs(frame, beyond, [40, 40, 70]), frame) == pytest.approx((0.3, -0.1))
        assert fit_course(self.pairs(frame, world[:1], [50]), frame) == (0.0, 0.0)
        assert fit_course(self.pairs(frame, [world[0], beyond[2]], [50, 50]), frame) == (0.0, 0.0)
        assert SAME_FORAMEN_RATIO == 1.5


class TestRealMaps:
    def test_tptbox(self, shared_data: Path) -> None:
        folder = shared_data / "tptbox_mri"
        labels = read_labels(
            folder / "sub-mri_seg-subreg_label-6_msk.nii.gz",
            scheme="spineps",
            instances=folder / "sub-mri_seg-vert_label-6_msk.nii.gz",
        )
        found = measure_all(labels)
        assert {level for level, _ in found} == {"V5-V6", "V6-V7"}
        for side in Side:
            whole, cut = found["V6-V7", side], found["V5-V6", side]
            assert 120 <= whole.measurements[Quantity.AREA] <= 260
            assert Quality.LEVEL_UNVERIFIED in whole.quality
            assert Quality.CUT_BY_EDGE not in whole.quality
            assert cut.measurements == {}
            assert Quality.CUT_BY_EDGE in cut.quality

    def test_spider(self, shared_data: Path) -> None:
        found = measure_all(read_labels(shared_data / "spider_11" / "11_t2_SPACE_mask.mha", scheme="spider"))
        for level in ("L2-L3", "L3-L4", "L4-L5"):
            right, left = found[level, Side.RIGHT], found[level, Side.LEFT]
            # Masks that leave the joints out: sealed, and plausible or flagged.
            assert 60 <= right.measurements[Quantity.AREA] <= 330
            assert Quality.RING_SEALED in right.quality
            assert Quality.FRAME_FROM_GRID in right.quality
            assert left.measurements == {}
            assert Quality.NO_SECTION in left.quality
            assert Quality.CUT_BY_EDGE in left.quality
        # The slab holds one foramen per level at most: no pit in a body is taken for the other one.
        assert all(f.measurements.get(Quantity.HEIGHT, 99.0) > 10.0 for f in found.values())
