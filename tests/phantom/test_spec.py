"""Refusals of impossible specifications."""

import math

import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Border, Side
from foramgrade.phantom.spec import LEVELS, ForamenSpec, LevelSpec, PhantomSpec, Protocol
from foramgrade.phantom.spine import level_index, make_spine


def test_levels_are_those_of_the_lumbar_spine() -> None:
    assert [level.name for level in LEVELS] == ["L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"]


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"area_mm2": -1.0}, "area_mm2 must be a positive number, found -1.0"),
        ({"height_mm": math.nan}, "height_mm must be a positive number, found nan"),
        ({"bulge": 1.0}, "bulge must be a share from 0 to below 1, found 1.0"),
        ({"fat_mm": {Border.SUPERIOR: 1.0}}, "fat_mm and filling need a value of 0 or more for each border"),
        ({"fat_mm": dict.fromkeys(Border, -0.1)}, "fat_mm and filling need a value of 0 or more for each border"),
        ({"cleft_mm": -0.5}, "widening and cleft_mm must not be negative"),
    ],
)
def test_impossible_foramen(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ForamenSpec(**wrong)  # type: ignore[arg-type]


def test_impossible_protocol() -> None:
    with pytest.raises(InputError, match="positive sizes and at least one slice"):
        Protocol(pixel_mm=0.0, thickness_mm=4.0, spacing_mm=4.4, n_slices=17)


def test_number_of_levels() -> None:
    with pytest.raises(InputError, match="has the 5 levels L1-L2 to L5-S1, found 1"):
        PhantomSpec(levels=(LevelSpec(),))


def test_smallest_section_lies_between_the_pedicle_borders() -> None:
    levels = (LevelSpec(left=ForamenSpec(section_mm=25.0)), *(LevelSpec() for _ in range(4)))
    with pytest.raises(InputError, match=r"L1-L2 left: the smallest section at 25.0 mm must lie between"):
        PhantomSpec(levels=levels)


def test_noise_needs_a_positive_ratio() -> None:
    with pytest.raises(InputError, match="snr and scale must be positive"):
        PhantomSpec(snr=0.0)


def test_no_pedicle_is_left() -> None:
    tall = LevelSpec(disc_height_mm=4.0, left=ForamenSpec(height_mm=30.0))
    with pytest.raises(InputError, match=r"the openings above and below leave a pedicle of -?\d"):
        make_spine(PhantomSpec(levels=(tall,) * 5))


def test_unknown_level() -> None:
    with pytest.raises(InputError, match="found 'L6-S1'"):
        level_index("L6-S1")


def test_sides_are_kept_apart() -> None:
    level = LevelSpec(left=ForamenSpec(area_mm2=70.0, root_mm=(4.0, 3.6)))
    assert level.foramen(Side.LEFT).area_mm2 == 70.0
    assert level.foramen(Side.RIGHT).area_mm2 == 120.0
