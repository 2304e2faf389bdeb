"""Angle, slip and raggedness of levels drawn by arithmetic."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.findings import FloatArray
from foramgrade.geometry.planes import place_raster
from foramgrade.geometry.sampling import PartSampler
from foramgrade.geometry.segment import Midline, measure_midline
from foramgrade.volume import Grid

Plate = Callable[[FloatArray, FloatArray], FloatArray]
THICK, EVEN = (0.6, 0.6, 4.4), (0.9, 0.9, 0.9)
DEPTH_MM, HEIGHT_MM, DISC_MM = 34.0, 26.0, 9.0


def draw(
    *,
    wedge_deg: float = 0.0,
    slip_mm: float = 0.0,
    plate: Plate = lambda r, a: np.zeros(np.broadcast_shapes(r.shape, a.shape)),
    gap_mm: float = 0.0,
    spacing_mm: tuple[float, float, float] = EVEN,
) -> Spine:
    """Two bodies with arches around a wedge, in oblique sagittal slices; `plate` moves the endplates up and down."""
    shape = tuple(int(size / step) for size, step in zip((80.0, 76.0, 66.0), spacing_mm, strict=True))
    turn = Rotation.from_euler("xyz", (-6.0, 4.0, 5.0), degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([[0.0, 0, -1], [-1, 0, 0], [0, -1, 0]]) @ np.diag(spacing_mm)
    affine[:3, 3] = turn @ np.array([0.0, -12.0, 0.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    r, a, s = np.moveaxis(grid.to_world(ijk) @ turn, -1, 0)
    codes = np.zeros(shape, np.uint16)
    half = np.tan(np.radians(wedge_deg / 2))
    for code, sign in ((1, 1.0), (2, -1.0)):
        forward = a - sign * slip_mm / 2
        # Heights above the body's own endplate, which is inclined by half of the wedge about its middle.
        above = sign * s - DISC_MM / 2 - half * forward - plate(r, a) - gap_mm
        lean = forward + half * above  # walls are perpendicular to the endplate
        codes[(np.abs(lean) < DEPTH_MM / 2) & (np.abs(r) < 22) & (above > 0) & (above < HEIGHT_MM)] = code
        codes[(lean < -DEPTH_MM / 2 - 18) & (lean > -DEPTH_MM / 2 - 24) & (np.abs(r) < 12) & (above > 6)] = code
    disc = (np.abs(a) < DEPTH_MM / 2 - slip_mm / 2) & (np.abs(r) < 22)
    inner = np.abs(s) < DISC_MM / 2 + half * a + plate(r, a)
    codes[disc & inner & (codes == 0)] = 101
    codes[(np.abs(r) < 9) & (a < -DEPTH_MM / 2 - 3) & (a > -DEPTH_MM / 2 - 16) & (codes == 0)] = 200
    return find_spine(AnatomicMap(codes, grid, (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))))


def measure(spine: Spine) -> Midline:
    segment = spine.segments[0]
    raster = place_raster(spine, segment, fit_frame(spine, segment))
    return measure_midline(spine, segment, raster, PartSampler(spine, segment, raster))


@pytest.mark.parametrize("spacing_mm", [THICK, EVEN])
@pytest.mark.parametrize("wedge_deg", [0.0, 9.0, 20.0])
def test_angle_between_the_endplates(wedge_deg: float, spacing_mm: tuple[float, float, float]) -> None:
    found = measure(draw(wedge_deg=wedge_deg, spacing_mm=spacing_mm))
    # A line through 27 mm of plate, a voxel off at its end, is off by 2 degrees; fitted to hundreds of columns, by 0.7.
    assert found.angle_deg == pytest.approx(wedge_deg, abs=1.0)


@pytest.mark.parametrize("spacing_mm", [THICK, EVEN])
@pytest.mark.parametrize("slip_mm", [-4.0, 0.0, 6.0])
def test_slip_has_its_sign(slip_mm: float, spacing_mm: tuple[float, float, float]) -> None:
    found = measure(draw(slip_mm=slip_mm, wedge_deg=6.0, spacing_mm=spacing_mm))
    assert found.slip_mm == pytest.approx(slip_mm, abs=spacing_mm[0])


def test_hollow_endplates_have_no_angle() -> None:
    def hollow(r: FloatArray, a: FloatArray) -> FloatArray:
        return 3.0 * (1 - (a / 17.0) ** 2)

    found = measure(draw(plate=hollow, spacing_mm=THICK))
    assert found.angle_deg == pytest.approx(0.0, abs=1.0)
    # The surface that is fitted is hollow too.
    assert found.raggedness_mm == pytest.approx(0.6 / np.sqrt(12), abs=0.1)


@pytest.mark.parametrize("rms_mm", [0.0, 0.5, 0.8])
def test_raggedness_is_the_waves_beyond_the_voxels(rms_mm: float) -> None:
    def waves(r: FloatArray, a: FloatArray) -> FloatArray:
        return rms_mm * np.sqrt(2) * np.sin(2 * np.pi * a / 6.0 + r)

    found = measure(draw(plate=waves, spacing_mm=(0.4, 0.4, 2.0)))
    # Voxels add at most their rounding; where the plate is even, interpolation takes part of it away.
    assert found.raggedness_mm is not None
    assert 0.85 * rms_mm <= found.raggedness_mm <= 1.15 * np.hypot(rms_mm, 0.4 / np.sqrt(12))


def test_unlabelled_endplates_are_looked_across() -> None:
    found = measure(draw(wedge_deg=10.0, gap_mm=1.5, spacing_mm=THICK))
    assert found.angle_deg == pytest.approx(10.0, abs=1.0)
    assert found.slip_mm == pytest.approx(0.0, abs=0.6)


def test_what_is_not_shown_is_missing() -> None:
    spine = draw()
    without = np.where(spine.codes == 101, 0, spine.codes).astype(np.uint16)
    segment = spine.segments[0]
    raster = place_raster(spine, segment, fit_frame(spine, segment))
    bare = Spine(spine.grid, without, spine.segments, spine.canal)
    found = measure_midline(bare, segment, raster, PartSampler(bare, segment, raster))
    assert (found.angle_deg, found.slip_mm, found.raggedness_mm) == (None, None, None)
