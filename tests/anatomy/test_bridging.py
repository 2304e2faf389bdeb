"""The space between two drawn vertebrae whose disc is not labelled, voxel by voxel."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from foramgrade.anatomy.bridging import HIGHEST_DISC_MM, SMALLEST_BALL_MM, STEP_MM, bridge_bodies, find_body
from foramgrade.anatomy.labels import DISC_CODE_OFFSET, AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import find_spine, find_structures
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.volume import Grid, SoftCodes

#: Half-width, half-depth and height of a body, mm.
HALF_WIDTH_MM, HALF_DEPTH_MM, HEIGHT_MM = 22.0, 16.0, 26.0

#: Share of a body's section that lies within a step of the columns from its rim: circumference times step by area.
RIM_SHARE = (1 / HALF_WIDTH_MM + 1 / HALF_DEPTH_MM) * STEP_MM

LABELS = (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two labelled vertebrae without disc, and the voxels that truly lie between their bodies."""

    codes: np.ndarray
    grid: Grid
    between: BoolArray
    anterior_mm: FloatArray

    def bridge(self) -> BoolArray:
        """The bridged voxels as a mask."""
        boxes = {code: s.box for code, s in find_structures(self.codes, self.grid).items()}
        voxels = bridge_bodies(self.codes, self.grid, boxes=boxes, upper=1, lower=2)
        mask = np.zeros(self.codes.shape, bool)
        mask[tuple(voxels.T)] = True
        assert mask.sum() == len(voxels)
        return mask


def draw(
    gap_mm: float,
    *,
    spacing_mm: tuple[float, float, float] = (0.9, 0.8, 1.1),
    tilt_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    has_arches: bool = True,
) -> Pair:
    """Bodies as oval cylinders, in a grid turned in the world; tilted against the grid, or along it."""
    stored = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    turn = Rotation.from_euler("xyz", (-7.0, 4.0, 9.0), degrees=True).as_matrix()
    tilt = turn @ Rotation.from_euler("xyz", tilt_deg, degrees=True).as_matrix()
    shape = [int(np.ceil(size / step)) for size, step in zip((92.0, 90.0, 66.0), spacing_mm, strict=True)]
    affine = np.eye(4)
    affine[:3, :3] = turn @ stored @ np.diag(spacing_mm)
    affine[:3, 3] = turn @ np.array([0.3, -16.0, 0.2]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    r, a, s = np.moveaxis(grid.to_world(ijk) @ tilt, -1, 0)
    half = gap_mm / 2
    column = (r / HALF_WIDTH_MM) ** 2 + (a / HALF_DEPTH_MM) ** 2 < 1
    codes = np.zeros(shape, np.uint16)
    codes[column & (s > half) & (s < half + HEIGHT_MM)] = 1
    codes[column & (s < -half) & (s > -half - HEIGHT_MM)] = 2
    if has_arches:
        apart = np.abs(r)
        # Pedicles, laminae, spinous processes; articular processes that face each other across a joint of 2 mm.
        pedicle = (apart > 10) & (apart < 18) & (a > -30) & (a < -HALF_DEPTH_MM + 2)
        lamina = (apart < 18) & (a > -38) & (a < -30)
        spinous = (apart < 4) & (a > -54) & (a < -38)
        joint = (apart > 10) & (apart < 18) & (a > -38) & (a < -26)
        for code, sign in ((1, 1.0), (2, -1.0)):
            up = sign * s
            codes[(pedicle & (up > half + 10) & (up < half + 22)) | ((lamina | spinous) & (up > 6) & (up < 24))] = code
            codes[joint & (up > 1) & (up < 12)] = code
    return Pair(codes, grid, column & (np.abs(s) < half), a)


def grown(mask: BoolArray) -> BoolArray:
    """The mask and every voxel that touches it."""
    result: BoolArray = ndimage.binary_dilation(mask, np.ones((3, 3, 3)))
    return result


def assert_fills(pair: Pair, found: BoolArray) -> None:
    """The gap is filled but for its outermost voxels, and nothing labelled or behind the posterior wall is touched."""
    assert not np.any(found & (pair.codes > 0))
    inner = ~grown(~pair.between)
    assert inner.any()
    assert np.all(found[inner])
    assert pair.anterior_mm[found].min() > -HALF_DEPTH_MM - max(pair.grid.spacing_mm[:2])


def assert_no_more(pair: Pair, found: BoolArray) -> None:
    """Nothing lies outside the gap by more than a voxel."""
    assert not np.any(found & ~grown(pair.between))


@pytest.mark.parametrize("gap_mm", [4.0, 9.0, 14.0])
@pytest.mark.parametrize("spacing_mm", [(0.9, 0.8, 1.1), (0.8, 0.8, 4.0)])
def test_a_gap_along_the_voxels_is_filled_and_no_more(spacing_mm: tuple[float, float, float], gap_mm: float) -> None:
    pair = draw(gap_mm, spacing_mm=spacing_mm)
    found = pair.bridge()
    assert_fills(pair, found)
    assert_no_more(pair, found)
    assert found.sum() == pytest.approx(pair.between.sum(), rel=RIM_SHARE)


TILTS = [(12.0, -3.0, 4.0), (-20.0, 5.0, -6.0)]
COARSE = [(1.0, 0.9, 1.2), (1.5, 1.5, 1.5), (0.9, 0.9, 4.0)]


@pytest.mark.parametrize("spacing_mm", COARSE)
@pytest.mark.parametrize("tilt_deg", TILTS)
def test_a_tilted_gap_is_filled(spacing_mm: tuple[float, float, float], tilt_deg: tuple[float, float, float]) -> None:
    pair = draw(9.0, spacing_mm=spacing_mm, tilt_deg=tilt_deg)
    assert_fills(pair, pair.bridge())


@pytest.mark.parametrize("spacing_mm", COARSE)
@pytest.mark.parametrize("tilt_deg", TILTS)
def test_a_tilted_gap_is_filled_and_no_more(
    spacing_mm: tuple[float, float, float], tilt_deg: tuple[float, float, float]
) -> None:
    pair = draw(9.0, spacing_mm=spacing_mm, tilt_deg=tilt_deg)
    assert_no_more(pair, pair.bridge())


@pytest.mark.parametrize("spacing_mm", [(0.35, 0.35, 4.0), (0.6, 0.7, 4.4), (0.5, 0.5, 0.9)])
def test_the_gap_has_no_holes_on_fine_voxels(spacing_mm: tuple[float, float, float]) -> None:
    pair = draw(9.0, spacing_mm=spacing_mm)
    assert_fills(pair, pair.bridge())


def resting(pair: Pair) -> BoolArray:
    """Voxels of the upper body that touch the lower one, or touch a voxel that does."""
    result: BoolArray = (pair.codes == 1) & grown(grown(pair.codes == 2))
    return result


@pytest.mark.parametrize("spacing_mm", [(0.9, 0.8, 1.1), (0.8, 0.8, 4.0)])
def test_bodies_that_touch_give_their_lowest_layer(spacing_mm: tuple[float, float, float]) -> None:
    pair = draw(0.0, spacing_mm=spacing_mm, has_arches=False)
    found = pair.bridge()
    # The second axis runs down.
    layer = (pair.codes == 1) & (np.roll(pair.codes, -1, axis=1) == 2)
    assert not np.any(found & ~layer)
    assert found.sum() == pytest.approx(layer.sum(), rel=RIM_SHARE)


@pytest.mark.parametrize("tilt_deg", TILTS)
def test_tilted_bodies_that_touch_give_their_lowest_layer(tilt_deg: tuple[float, float, float]) -> None:
    pair = draw(0.0, tilt_deg=tilt_deg)
    found = pair.bridge()
    assert found.any()
    assert not np.any(found & ~resting(pair))


@pytest.mark.parametrize(("gap_mm", "is_bridged"), [(HIGHEST_DISC_MM - 1.6, True), (HIGHEST_DISC_MM + 1.6, False)])
def test_bodies_far_apart_are_not_bridged(gap_mm: float, *, is_bridged: bool) -> None:
    # Two voxels from the limit on either side.
    assert draw(gap_mm).bridge().any() == is_bridged


@pytest.mark.parametrize("tilt_deg", [(0.0, 0.0, 0.0), (12.0, -3.0, 4.0)])
def test_bodies_without_posterior_elements_are_bridged(tilt_deg: tuple[float, float, float]) -> None:
    pair = draw(9.0, tilt_deg=tilt_deg, has_arches=False)
    assert_fills(pair, pair.bridge())


def test_the_body_of_a_vertebra_leaves_out_its_arch() -> None:
    pair = draw(9.0)
    box = find_structures(pair.codes, pair.grid)[1].box
    body = find_body(pair.codes, pair.grid, 1, box)
    assert body is not None
    middle = np.array([0.0, 0.0, 4.5 + HEIGHT_MM / 2])
    turn = Rotation.from_euler("xyz", (-7.0, 4.0, 9.0), degrees=True).as_matrix()
    # The core is symmetric in the body, but for the pedicles' roots: to a voxel of the coarser grid.
    assert np.linalg.norm(body.centre_mm @ turn - middle) < 1.5 * np.sqrt(3)
    assert body.backwards @ turn[:, 1] < -4
    voxels = np.argwhere(pair.codes == 1).astype(float)
    reached, depth = body.holds(voxels), pair.anterior_mm[pair.codes == 1]
    assert reached[np.abs(depth) < HALF_DEPTH_MM - 4].mean() > 0.9
    # The ball bulges into the roots of the pedicles, no further.
    assert not reached[depth < -HALF_DEPTH_MM - 4].any()


def test_a_cut_vertebra_has_no_body() -> None:
    pair = draw(9.0)
    codes = pair.codes.copy()
    # What is left of the upper one is a slab thinner than the smallest ball.
    rows = np.flatnonzero((codes == 1).any(axis=(0, 2)))
    low = rows[-1] - int(2 * SMALLEST_BALL_MM / 0.8) + 3
    codes[:, :low][codes[:, :low] == 1] = 0
    box = find_structures(codes, pair.grid)[1].box
    assert find_body(codes, pair.grid, 1, box) is None
    assert not Pair(codes, pair.grid, pair.between, pair.anterior_mm).bridge().any()


def test_the_spine_marks_what_it_bridged() -> None:
    pair = draw(9.0)
    spine = find_spine(AnatomicMap(pair.codes, pair.grid, LABELS))
    segment = spine.segments[0]
    assert segment.bridged
    assert segment.disc is not None
    assert segment.disc.code == DISC_CODE_OFFSET + 1
    found = spine.codes == segment.disc.code
    assert np.array_equal(found, pair.bridge())
    assert np.array_equal(spine.codes[~found], pair.codes[~found])
    where = np.argwhere(found)
    assert segment.disc.voxels == len(where)
    assert [(b.start, b.stop) for b in segment.disc.box] == list(
        zip(where.min(axis=0), where.max(axis=0) + 1, strict=True)
    )
    assert segment.disc.centroid_mm == pytest.approx(pair.grid.to_world(where).mean(axis=0))


def test_a_labelled_disc_is_left_as_it_is() -> None:
    pair = draw(9.0)
    # Half of the disc is labelled: the other half is not invented.
    codes = np.where(pair.between & (pair.anterior_mm > 0), np.uint16(101), pair.codes).astype(np.uint16)
    spine = find_spine(AnatomicMap(codes, pair.grid, LABELS))
    assert not spine.segments[0].bridged
    assert np.array_equal(spine.codes, codes)


def test_bodies_too_far_apart_stay_without_disc() -> None:
    pair = draw(HIGHEST_DISC_MM + 2.0)
    segment = find_spine(AnatomicMap(pair.codes, pair.grid, LABELS)).segments[0]
    assert segment.disc is None
    assert not segment.bridged


def test_a_bridge_is_whole_in_a_soft_map() -> None:
    pair = draw(9.0)
    shares = np.where(pair.codes > 0, 0.75, 0.0).astype(np.float32)
    spine = find_spine(AnatomicMap(pair.codes, pair.grid, LABELS, soft=SoftCodes(pair.codes, shares)))
    found = spine.codes == DISC_CODE_OFFSET + 1
    assert found.any()
    assert spine.soft is not None
    assert np.array_equal(spine.soft.codes == DISC_CODE_OFFSET + 1, found)
    assert np.all(spine.soft.shares[found] == 1)
    assert np.array_equal(spine.soft.shares[~found], shares[~found])
