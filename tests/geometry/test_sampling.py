"""The parts of a section against linear interpolation of every part's own volume."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.labels import AnatomicMap, VertebraLabel
from foramgrade.anatomy.spine import Spine, find_spine
from foramgrade.arrays import BoolArray, FloatArray
from foramgrade.findings import Side
from foramgrade.geometry.planes import Part, Raster, Section, place_raster, place_sheets
from foramgrade.geometry.sampling import PartSampler
from foramgrade.volume import Grid, SoftCodes

Build = Callable[..., Spine]

#: Nearly isotropic, resampled between slices; and thick slices that are read as they are.
SPACINGS = [(0.9, 0.8, 1.1), (0.6, 0.7, 4.4)]

#: How close to a tie rounding may decide, share of a voxel.
TIE = 1e-9


def ellipse(x: FloatArray, y: FloatArray) -> BoolArray:
    return np.asarray((x / 4.5) ** 2 + (y / 9.0) ** 2 < 1)


def cut_all(spine: Spine, raster: Raster, *, course: tuple[float, float] = (0.3, -0.1)) -> list[Section]:
    """Every third section of both sides."""
    sampler = PartSampler(spine, spine.segments[0], raster)
    sheets = [s for side in Side for s in place_sheets(spine.grid, raster, side, course=course)[::3]]
    return [sampler.cut(raster, sheet) for sheet in sheets]


def raster_of(spine: Spine, pixel_mm: float = 0.5) -> Raster:
    segment = spine.segments[0]
    return place_raster(spine, segment, fit_frame(spine, segment), pixel_mm=pixel_mm)


def naive_parts(spine: Spine, section: Section) -> tuple[FloatArray, FloatArray]:
    """Shares (H, W) of the solid parts, stacked, and of the canal."""
    ijk = np.moveaxis(spine.grid.to_ijk(section.positions_mm), -1, 0)
    codes = spine.codes if spine.soft is None else spine.soft.codes
    amount = np.ones(codes.shape) if spine.soft is None else spine.soft.shares.astype(float)
    segment = spine.segments[0]
    assert segment.disc is not None
    structures = (segment.upper.code, segment.lower.code, segment.disc.code, 200)
    shares = [ndimage.map_coordinates(amount * (codes == code), ijk, order=1, mode="nearest") for code in structures]
    return np.stack(shares[:3]), shares[3]


def assert_as_naive(spine: Spine, section: Section) -> None:
    solid, canal = naive_parts(spine, section)
    total = solid.sum(axis=0)
    owner = np.where(canal > 0.5, Part.CANAL, Part.FREE)
    expected = np.where(total >= 0.5, solid.argmax(axis=0) + Part.UPPER, owner)
    first, second = np.sort(solid, axis=0)[:-3:-1]
    told = (np.abs(total - 0.5) > TIE) & ((first - second > TIE) | (total < 0.5)) & (np.abs(canal - 0.5) > TIE)
    assert told.mean() > 0.9
    told &= section.inside
    assert np.array_equal(section.parts[told], expected[told])


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_parts_are_those_of_linear_interpolation(build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
    spine = build_level(ellipse, spacing_mm=spacing_mm)
    sections = cut_all(spine, raster_of(spine))
    assert len(sections) >= 4
    for section in sections:
        assert_as_naive(spine, section)
    assert {int(part) for s in sections for part in np.unique(s.parts)} == set(Part)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_shares_of_a_soft_map_are_interpolated(build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
    spine = build_level(ellipse, spacing_mm=spacing_mm)
    rng = np.random.default_rng(0)
    # Half of the labelled voxels are whole, as in the inside of a soft map; the rest is anything, below one half too.
    shares = np.where(rng.random(spine.codes.shape) < 0.5, 1.0, rng.random(spine.codes.shape)) * (spine.codes > 0)
    hard = cut_all(spine, raster_of(spine))
    soft = replace(spine, soft=SoftCodes(spine.codes, shares.astype(np.float32)))
    sections = cut_all(soft, raster_of(spine))
    for section in sections:
        assert_as_naive(soft, section)
    assert sum(s.solid.sum() for s in sections) < sum(s.solid.sum() for s in hard)


def test_whole_shares_are_a_hard_map(build_level: Build) -> None:
    spine = build_level(ellipse)
    soft = replace(spine, soft=SoftCodes(spine.codes, (spine.codes > 0).astype(np.float32)))
    raster = raster_of(spine)
    for one, other in zip(cut_all(spine, raster), cut_all(soft, raster), strict=True):
        assert np.array_equal(one.parts, other.parts)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_outside_of_the_map_is_not_inside(build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
    whole = build_level(ellipse, spacing_mm=spacing_mm)
    # The field ends within both vertebrae, behind the foramen and through the body.
    first, last = np.array([30.0, 20.0, 12.0]), np.array([72.0, 62.0, 62.0])
    low, high = np.rint(first / spacing_mm).astype(int), np.rint(last / spacing_mm).astype(int)
    affine = whole.grid.affine.copy()
    affine[:3, 3] = whole.grid.to_world(low)
    shape = high - low
    grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    codes = whole.codes[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    spine = find_spine(AnatomicMap(codes, grid, (VertebraLabel(1, "L4", 44), VertebraLabel(2, "L5", 45))))
    outside = 0
    for section in cut_all(spine, raster_of(spine), course=(0.0, 0.0)):
        ijk = grid.to_ijk(section.positions_mm)
        depth = np.minimum(ijk + 0.5, np.array(grid.shape) - 0.5 - ijk).min(axis=-1)
        told = np.abs(depth) > TIE
        assert np.array_equal(section.inside[told], depth[told] > 0)
        assert np.all(section.parts[~section.inside] == Part.FREE)
        outside += int((~section.inside).sum())
        assert_as_naive(spine, section)
    assert outside > 0


def test_far_from_the_map_nothing_is_inside(build_level: Build) -> None:
    spine = build_level(ellipse)
    raster = raster_of(spine)
    away = replace(place_sheets(spine.grid, raster, Side.LEFT)[0], origin_mm=np.array([0.0, 300.0, 0.0]))
    section = PartSampler(spine, spine.segments[0], raster).cut(raster, away)
    assert not section.inside.any()
    assert not section.parts.any()
