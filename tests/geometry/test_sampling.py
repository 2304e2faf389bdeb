"""Parts on a sheet, against plain interpolation of every part's indicator."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from foramgrade.anatomy.frame import fit_frame
from foramgrade.anatomy.spine import Spine
from foramgrade.findings import BoolArray, FloatArray, Side
from foramgrade.geometry.planes import Part, Section, place_raster, place_sheets
from foramgrade.geometry.sampling import PartSampler
from foramgrade.volume import SoftCodes

Build = Callable[..., Spine]
PARTS = {1: Part.UPPER, 2: Part.LOWER, 101: Part.DISC, 200: Part.CANAL}


def ellipse(x: FloatArray, y: FloatArray) -> BoolArray:
    return np.asarray((x / 4.5) ** 2 + (y / 9.0) ** 2 < 1)


def plainly(spine: Spine, section: Section) -> tuple[FloatArray, BoolArray]:
    """Shares of upper, lower, disc and canal at the section's pixels, and whether they lie inside the map."""
    at = np.moveaxis(spine.grid.to_ijk(section.positions_mm), -1, 0)
    last = np.array(spine.grid.shape)[:, None, None] - 1
    inside = np.all((at >= -0.5) & (at <= last + 0.5), axis=0)
    codes, shares = (spine.codes, 1.0) if spine.soft is None else (spine.soft.codes, spine.soft.shares)
    volumes = ((codes == code) * shares for code in PARTS)
    return np.stack([ndimage.map_coordinates(v.astype(float), at, order=1, mode="nearest") for v in volumes]), inside


def assert_equal(spine: Spine) -> None:
    segment = spine.segments[0]
    raster = place_raster(spine, segment, fit_frame(spine, segment))
    sampler = PartSampler(spine, segment, raster)
    sheets = place_sheets(spine.grid, raster, Side.RIGHT, course=(0.3, -0.1))
    assert len(sheets) > 3
    seen: set[int] = set()
    for sheet in sheets[::3]:
        section = sampler.cut(raster, sheet)
        shares, inside = plainly(spine, section)
        solid = shares[:3].sum(axis=0)
        expected = np.where(shares[3] > 0.5, Part.CANAL, Part.FREE)
        expected = np.where(solid >= 0.5, shares[:3].argmax(axis=0) + Part.UPPER, expected)
        expected = np.where(inside, expected, Part.FREE)
        # Where two sums differ in their last digits only, either part may win.
        ranked = np.sort(shares[:3], axis=0)
        tie = (np.abs(solid - 0.5) < 1e-9) | (np.abs(shares[3] - 0.5) < 1e-9) | (np.abs(ranked[2] - ranked[1]) < 1e-9)
        wrong = (section.parts != expected) & ~tie
        assert not wrong.any()
        np.testing.assert_array_equal(section.inside, inside)
        seen |= set(np.unique(section.parts).tolist())
    assert seen == set(Part)


@pytest.mark.parametrize("spacing_mm", [(0.6, 0.7, 4.4), (0.8, 0.8, 0.8), (0.5, 0.9, 1.4)])
def test_every_part_where_interpolation_puts_it(build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
    assert_equal(build_level(ellipse, spacing_mm=spacing_mm))


@pytest.mark.parametrize("spacing_mm", [(0.6, 0.7, 4.4), (0.8, 0.8, 0.8)])
def test_soft_shares_are_interpolated(build_level: Build, spacing_mm: tuple[float, float, float]) -> None:
    spine = build_level(ellipse, spacing_mm=spacing_mm)
    rng = np.random.default_rng(0)
    shares = np.where(spine.codes > 0, rng.uniform(0.3, 1.0, spine.codes.shape), 0.0)
    assert_equal(replace(spine, soft=SoftCodes(spine.codes, shares.astype(np.float32))))


def test_outside_of_the_map_nothing_is_free_of_doubt(build_level: Build) -> None:
    spine = build_level(ellipse)
    segment = spine.segments[0]
    raster = place_raster(spine, segment, fit_frame(spine, segment))
    away = replace(place_sheets(spine.grid, raster, Side.LEFT)[0], origin_mm=np.array([0.0, 300.0, 0.0]))
    section = PartSampler(spine, segment, raster).cut(raster, away)
    assert not section.inside.any()
    assert not section.parts.any()
