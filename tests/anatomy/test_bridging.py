"""The space between two bodies, on bodies of boxes with pedicles and arches."""

import numpy as np
import pytest

from foramgrade.anatomy.bridging import HIGHEST_DISC_MM, SMALLEST_BALL_MM, bridge_bodies, find_body
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import find_spine, find_structures
from foramgrade.findings import Level
from foramgrade.volume import Grid

LABELS = (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))


def draw(
    *, gap_mm: float = 8.0, height_mm: float = 25.0, arch: bool = True, spacing_mm: tuple[float, float, float]
) -> tuple[np.ndarray, Grid]:
    """Bodies 40 x 32 mm, i to the right, j forward, k up; the disc's centre at the world's origin."""
    extent = np.array([60.0, 80.0, 90.0])
    shape = np.ceil(extent / spacing_mm).astype(int)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = -(shape - 1) / 2 * spacing_mm + [0.0, -14.0, 0.0]
    grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(grid.to_world(ijk), -1, 0)
    codes = np.zeros(tuple(shape), np.uint16)
    for code, up in ((1, z), (2, -z)):
        above = up - gap_mm / 2
        codes[(np.abs(x) < 20) & (np.abs(y) < 16) & (above > 0) & (above < height_mm)] = code
        if arch:
            rising = (z - np.sign(z) * gap_mm / 2) if code == 1 else -above
            upper_half = (rising > 11) & (rising < 21) if code == 1 else (above > 4) & (above < 14)
            codes[(np.abs(np.abs(x) - 15) < 4) & (y < -15) & (y > -28) & upper_half] = code
            codes[(np.abs(x) < 22) & (y <= -28) & (y > -38) & upper_half] = code
    return codes, grid


def bridge(codes: np.ndarray, grid: Grid) -> np.ndarray:
    boxes = {code: s.box for code, s in find_structures(codes, grid).items()}
    return bridge_bodies(codes, grid, boxes=boxes, upper=1, lower=2)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (4.4, 0.6, 0.6), (0.8, 1.2, 1.0)])
@pytest.mark.parametrize("gap_mm", [4.0, 8.0, 14.0])
def test_the_gap_is_filled_from_rim_to_rim(gap_mm: float, spacing_mm: tuple[float, float, float]) -> None:
    codes, grid = draw(gap_mm=gap_mm, spacing_mm=spacing_mm)
    found = grid.to_world(bridge(codes, grid))
    # To a voxel, and to the step of 0.75 mm in which columns are looked at.
    slack = np.array(spacing_mm) + 0.75
    low, high = found.min(axis=0), found.max(axis=0)
    assert np.all(np.abs(np.array([20.0, 16.0, gap_mm / 2]) - high) <= slack)
    assert np.all(np.abs(np.array([-20.0, -16.0, -gap_mm / 2]) - low) <= slack)
    volume = len(found) * grid.voxel_volume_mm3
    assert volume == pytest.approx(40.0 * 32.0 * gap_mm, rel=float((slack / [40.0, 32.0, gap_mm]).sum()))
    # Nothing behind the bodies, where pedicles lie above and below each other too.
    assert not (found[:, 1] < -16.0 - slack[1]).any()


def test_bodies_that_touch_have_their_lowest_layer() -> None:
    codes, grid = draw(gap_mm=0.0, spacing_mm=(1.0, 1.0, 1.0))
    voxels = bridge(codes, grid)
    assert len(voxels) > 0.8 * 40 * 32
    assert np.all(codes[tuple(voxels.T)] == 1)


def test_bodies_too_far_apart_are_left_alone() -> None:
    codes, grid = draw(gap_mm=HIGHEST_DISC_MM + 3.0, spacing_mm=(1.0, 1.0, 1.0))
    assert len(bridge(codes, grid)) == 0


def test_a_cut_vertebra_has_no_body() -> None:
    codes, grid = draw(height_mm=2 * SMALLEST_BALL_MM - 4.0, spacing_mm=(1.0, 1.0, 1.0))
    box = find_structures(codes, grid)[1].box
    assert find_body(codes, grid, 1, box) is None
    assert len(bridge(codes, grid)) == 0


def test_bodies_alone_are_bridged_along_the_patient_s_axes() -> None:
    codes, grid = draw(arch=False, spacing_mm=(1.0, 1.0, 1.0))
    found = grid.to_world(bridge(codes, grid))
    assert found.mean(axis=0) == pytest.approx([0.0, 0.0, 0.0], abs=1.0)


def test_the_spine_says_what_is_bridged() -> None:
    codes, grid = draw(spacing_mm=(1.0, 1.0, 1.0))
    spine = find_spine(AnatomicMap(codes, grid, LABELS))
    (segment,) = spine.segments
    assert segment.level == Level("L4", "L5")
    assert segment.bridged
    assert segment.disc is not None
    assert segment.disc.centroid_mm == pytest.approx([0.0, 0.0, 0.0], abs=1.0)
    assert not (codes == 101).any()  # the caller's own map is left alone
