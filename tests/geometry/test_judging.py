"""Caveats that follow from measures alone."""

import pytest

from foramgrade.findings import Quality, Quantity
from foramgrade.geometry.judging import judge_asymmetry, judge_geometry


@pytest.mark.parametrize(("deg", "flag"), [(12.0, Quality(0)), (12.1, Quality.OBLIQUE_SLICES)])
def test_oblique_slices(deg: float, flag: Quality) -> None:
    assert judge_geometry({Quantity.AREA: 90.0}, 2, cut=False, obliquity_deg=deg) == flag


@pytest.mark.parametrize(
    ("asymmetry", "flag"), [(0.6, Quality(0)), (-0.7, Quality.ASYMMETRIC), (0.7, Quality.ASYMMETRIC)]
)
def test_unequal_sides(asymmetry: float, flag: Quality) -> None:
    assert judge_asymmetry(asymmetry) == flag
