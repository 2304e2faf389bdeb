"""Angle, slip and raggedness of a motion segment drawn by arithmetic, on aligned, oblique, fine and thick grids."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.arrays import FloatArray
from foramgrade.geometry.planes import place_raster
from foramgrade.geometry.sampling import PartSampler
from foramgrade.geometry.segment import (
    FEWEST_POINTS,
    PLATE_GAP_MM,
    Midline,
    measure_midline,
    measure_raggedness,
    measure_segmental_angle,
)
from foramgrade.volume import Grid

#: Half of the disc's height and depth, mm.
DISC_HALF_MM, DEPTH_HALF_MM = 5.0, 17.0


@dataclass(frozen=True, slots=True)
class Field:
    """A grid, how it is turned in the patient, and the patient in it."""

    spacing_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tilt_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)


OBLIQUE = Field((0.6, 0.7, 4.4), (-7.0, 4.0, 9.0), (5.0, -3.0, 0.0))
FIELDS = [
    Field((0.8, 0.8, 0.8)),
    Field((0.8, 0.8, 0.8), (20.0, -8.0, 12.0)),
    Field((0.6, 0.6, 4.0)),
    OBLIQUE,
    Field((1.0, 0.9, 1.2), (3.0, 10.0, -6.0), (12.0, 2.0, -4.0)),
]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A disc open to the front by an angle, an upper body slipped forward, and ragged, bare or hollow endplates."""

    wedge_deg: float = 0.0
    slip_mm: float = 0.0
    sawtooth_mm: float = 0.0
    bare_mm: float = 0.0
    disc_from_mm: float = 0.0
    hollow_mm: float = 0.0


def draw(drawing: Drawing, field: Field) -> Spine:
    stored = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    turn = Rotation.from_euler("xyz", field.turn_deg, degrees=True).as_matrix()
    tilt = Rotation.from_euler("xyz", field.tilt_deg, degrees=True).as_matrix()
    shape = [int(np.ceil(size / step)) for size, step in zip((78.0, 70.0, 62.0), field.spacing_mm, strict=True)]
    affine = np.eye(4)
    affine[:3, :3] = turn @ stored @ np.diag(field.spacing_mm)
    affine[:3, 3] = turn @ np.array([0.7, -8.0, 0.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    r, a, s = np.moveaxis(grid.to_world(ijk) @ (turn @ tilt), -1, 0)
    codes = np.zeros(shape, np.uint16)
    codes[(np.abs(r) < 9) & (a < -24) & (a > -38)] = 200
    # Triangular waves of 8 mm, out of phase on the two endplates.
    waves = [drawing.sawtooth_mm * (4 * np.abs((a / 8 + phase) % 1 - 0.5) - 1) for phase in (0.0, 0.3)]
    rise = a * np.tan(np.radians(drawing.wedge_deg / 2))
    rise = rise + drawing.hollow_mm * (1 - (a / DEPTH_HALF_MM) ** 2)
    roof, floor = DISC_HALF_MM + rise + waves[0], -DISC_HALF_MM - rise + waves[1]
    # Pedicles and laminae around the canal, well above and below the disc.
    arch = (np.abs(r) < 20) & (a > -43) & (a < -10) & ((np.abs(r) > 11) | (a < -38))
    codes[arch & (np.abs(s - 18) < 6)] = 1
    codes[arch & (np.abs(s + 18) < 6)] = 2
    wide = np.abs(r) < 22
    # Walls are perpendicular to the endplates.
    half = np.tan(np.radians(drawing.wedge_deg / 2))
    forward = np.abs(a - drawing.slip_mm + half * (s - roof)) < DEPTH_HALF_MM
    backward = np.abs(a - half * (s - floor)) < DEPTH_HALF_MM
    codes[wide & forward & (s > roof + drawing.bare_mm) & (s < 27)] = 1
    codes[wide & backward & (s < floor - drawing.bare_mm) & (s > -27)] = 2
    between = (
        wide & (np.abs(a - drawing.slip_mm) < DEPTH_HALF_MM) & (np.abs(a) < DEPTH_HALF_MM) & (s < roof) & (s > floor)
    )
    codes[between & (np.abs(r) >= drawing.disc_from_mm)] = 101
    return find_spine(AnatomicMap(codes, grid, (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))))


def measure(drawing: Drawing, field: Field = OBLIQUE) -> Midline:
    spine = draw(drawing, field)
    segment = spine.segments[0]
    raster = place_raster(spine, segment, fit_frame(spine, segment))
    return measure_midline(spine, segment, raster, PartSampler(spine, segment, raster))


def shown(midline: Midline) -> tuple[float | None, float | None, float | None]:
    return midline.angle_deg, midline.slip_mm, midline.raggedness_mm


def voxel_of(field: Field) -> float:
    """Larger edge in the slice, mm."""
    return max(field.spacing_mm[:2])


@pytest.mark.parametrize("field", FIELDS[2:])
@pytest.mark.parametrize("wedge_deg", [-4.0, 0.0, 7.0, 14.0])
def test_the_angle_of_a_wedge(field: Field, wedge_deg: float) -> None:
    found = measure(Drawing(wedge_deg=wedge_deg), field)
    # A quarter of a voxel up in front and down behind, at both plates of 27 mm.
    tolerance = 2 * np.degrees(0.5 * voxel_of(field) / (0.8 * 2 * DEPTH_HALF_MM))
    assert found.angle_deg == pytest.approx(wedge_deg, abs=tolerance)
    # A wedge is no slip: half a voxel at either wall.
    assert found.slip_mm == pytest.approx(0.0, abs=voxel_of(field))


@pytest.mark.parametrize("wedge_deg", [-4.0, 4.0, 5.0])
def test_the_angle_of_a_wedge_along_the_voxels(wedge_deg: float) -> None:
    # Steps do not average out where voxels lie along the plate: a quarter of a voxel at both ends of both plates.
    found = measure(Drawing(wedge_deg=wedge_deg), FIELDS[0])
    assert found.angle_deg == pytest.approx(wedge_deg, abs=2 * np.degrees(0.5 * 0.8 / (0.8 * 2 * DEPTH_HALF_MM)))


@pytest.mark.parametrize("hollow_mm", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("wedge_deg", [0.0, 7.0])
def test_hollow_plates_have_the_angle_of_their_rims(hollow_mm: float, wedge_deg: float) -> None:
    found = measure(Drawing(wedge_deg=wedge_deg, hollow_mm=hollow_mm))
    # The surface that is fitted is hollow too.
    assert found.raggedness_mm is not None
    assert found.raggedness_mm <= np.sqrt(0.7**2 / 12 + 0.3**2 / 12) * 1.1
    # Symmetric about the middle of the disc: a line through four fifths of the plate is not turned.
    assert found.angle_deg == pytest.approx(wedge_deg, abs=2 * np.degrees(0.5 * 0.7 / (0.8 * 2 * DEPTH_HALF_MM)))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("slip_mm", [-6.0, -2.5, 3.0, 7.0])
def test_the_slip_of_either_sign(field: Field, slip_mm: float) -> None:
    found = measure(Drawing(slip_mm=slip_mm), field)
    # Half a voxel at either wall.
    assert found.slip_mm == pytest.approx(slip_mm, abs=voxel_of(field))
    wedge = measure(Drawing(slip_mm=slip_mm, wedge_deg=6.0), field)
    # Walls that lean are read over 7 mm and carried on by 5.5 mm: an error of a voxel over them tilts the line.
    assert wedge.slip_mm == pytest.approx(slip_mm, abs=1.5 * voxel_of(field))
    tolerance = 2 * np.degrees(0.5 * voxel_of(field) / (0.8 * 2 * (DEPTH_HALF_MM - abs(slip_mm) / 2)))
    assert found.angle_deg == pytest.approx(0.0, abs=tolerance)


@pytest.mark.parametrize("field", FIELDS)
def test_smooth_plates_are_as_ragged_as_their_voxels(field: Field) -> None:
    found = measure(Drawing(wedge_deg=7.0), field)
    assert found.raggedness_mm is not None
    # Steps of one voxel are uniform errors; a section's pixel of 0.3 mm adds to them.
    assert found.raggedness_mm <= np.sqrt(voxel_of(field) ** 2 / 12 + 0.3**2 / 12) * 1.1


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("sawtooth_mm", [0.8, 1.6])
def test_sawtooth_endplates_have_the_waves_deviation(field: Field, sawtooth_mm: float) -> None:
    found = measure(Drawing(sawtooth_mm=sawtooth_mm), field)
    rms = sawtooth_mm / np.sqrt(3)
    # Voxels and pixels add in squares at most; voxels cut the tips of the waves by up to half a voxel of 8 mm waves.
    most = np.sqrt(rms**2 + voxel_of(field) ** 2 / 12 + 0.3**2 / 12)
    assert found.raggedness_mm is not None
    assert 0.8 * rms < found.raggedness_mm < 1.1 * most


def test_unlabelled_endplates_change_nothing_but_their_thickness() -> None:
    labelled, bare = measure(Drawing(wedge_deg=7.0)), measure(Drawing(wedge_deg=7.0, bare_mm=2.0))
    assert labelled.angle_deg is not None
    assert bare.angle_deg == pytest.approx(labelled.angle_deg, abs=np.degrees(0.7 / 27))
    assert bare.slip_mm == pytest.approx(0.0, abs=0.7)
    # Bone that begins further away is not looked for.
    assert shown(measure(Drawing(bare_mm=PLATE_GAP_MM + 2 * 0.7))) == (None, None, None)


@pytest.mark.parametrize("field", [FIELDS[0], OBLIQUE])
def test_without_disc_on_its_sections_the_midline_shows_nothing(field: Field) -> None:
    # Half the width of the canal and a slice: a disc that is labelled at its sides only.
    assert shown(measure(Drawing(disc_from_mm=14.0), field)) == (None, None, None)


def test_a_spur_does_not_turn_a_plate() -> None:
    depth = np.linspace(-13.0, 13.0, 90)
    flat = np.stack([np.zeros(90), depth, np.full(90, -4.0)], axis=1)
    noise = np.random.default_rng(0).normal(0.0, 0.1, 90)
    upper = np.stack([np.zeros(90), depth, 4.0 + depth * np.tan(np.radians(6.0)) + noise], axis=1)
    clean = measure_segmental_angle(upper, flat)
    upper[-8:, 2] -= 4.0
    spur = measure_segmental_angle(upper, flat)
    # Slope of ninety points of 0.1 mm: 0.1 / (sqrt(90) 7.6 mm), 0.08 degrees; without eight of them hardly more.
    assert clean == pytest.approx(6.0, abs=3 * 0.08)
    assert spur == pytest.approx(6.0, abs=4 * 0.08)
    ragged = measure_raggedness(upper, flat)
    # Half of the points are flat; outliers count in neither.
    assert ragged == pytest.approx(0.1 / np.sqrt(2), rel=0.2)


def test_too_few_points_tell_no_plate() -> None:
    points: FloatArray = np.random.default_rng(0).normal(size=(FEWEST_POINTS - 1, 3))
    assert measure_segmental_angle(points, points) is None
    assert measure_raggedness(points, points) is None
