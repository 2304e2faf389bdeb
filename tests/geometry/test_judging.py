"""Each caveat at its limit and just beyond it, alone and with the others."""

import pytest

from foramgrade.findings import Level, Quality, Quantity
from foramgrade.geometry.judging import (
    LARGEST_ASYMMETRY,
    LOW_DISC_HEIGHT_MM,
    LOW_HEIGHT_MM,
    OBLIQUE_DEG,
    PLAUSIBLE_AREA_MM2,
    judge_asymmetry,
    judge_geometry,
    judge_level,
)
from foramgrade.geometry.sealing import CLEFT_MM
from foramgrade.geometry.search import FEWEST_SECTIONS

#: A foramen without any caveat.
SOUND = {Quantity.AREA: 120.0, Quantity.HEIGHT: 18.0, Quantity.DISC_HEIGHT: 8.0}


@pytest.mark.parametrize(
    ("level", "verified", "expected"),
    [
        (Level("L4", "L5"), True, Quality(0)),
        (Level("L5", "S1"), True, Quality(0)),
        (Level("L6", "S1"), True, Quality(0)),
        (Level("T12", "L1"), True, Quality.NOT_LUMBAR),
        (Level("T11", "L1"), True, Quality.NOT_LUMBAR),
        # What is not known to be lumbar is not called not lumbar either.
        (Level("L4", "L5"), False, Quality.LEVEL_UNVERIFIED),
        (Level("V6", "V7"), False, Quality.LEVEL_UNVERIFIED),
    ],
)
def test_the_name_of_a_level(level: Level, *, verified: bool, expected: Quality) -> None:
    assert judge_level(level, verified=verified) == expected


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        (Quantity.AREA, PLAUSIBLE_AREA_MM2[0], Quality(0)),
        (Quantity.AREA, PLAUSIBLE_AREA_MM2[0] - 0.1, Quality.AREA_IMPLAUSIBLE),
        (Quantity.AREA, PLAUSIBLE_AREA_MM2[1], Quality(0)),
        (Quantity.AREA, PLAUSIBLE_AREA_MM2[1] + 0.1, Quality.AREA_IMPLAUSIBLE),
        (Quantity.AREA, float("nan"), Quality.AREA_IMPLAUSIBLE),
        # Hasegawa's warning values are "15 mm or less" and "4 mm or less".
        (Quantity.HEIGHT, LOW_HEIGHT_MM, Quality.HEIGHT_LOW),
        (Quantity.HEIGHT, LOW_HEIGHT_MM + 0.1, Quality(0)),
        (Quantity.DISC_HEIGHT, LOW_DISC_HEIGHT_MM, Quality.DISC_HEIGHT_LOW),
        (Quantity.DISC_HEIGHT, LOW_DISC_HEIGHT_MM + 0.1, Quality(0)),
    ],
)
def test_measures_at_their_limits(quantity: Quantity, value: float, expected: Quality) -> None:
    assert judge_geometry({**SOUND, quantity: value}, 9, cut=False) == expected


def test_what_is_not_measured_is_not_low() -> None:
    assert judge_geometry({Quantity.AREA: 120.0}, 9, cut=False) == Quality(0)


def test_how_a_foramen_was_seen() -> None:
    assert judge_geometry(SOUND, FEWEST_SECTIONS, cut=False) == Quality(0)
    assert judge_geometry(SOUND, FEWEST_SECTIONS - 1, cut=False) == Quality.FEW_SECTIONS
    assert judge_geometry(SOUND, 9, cut=True) == Quality.CUT_BY_EDGE
    # A facet's cleft is no hole in the ring; what is wider is.
    assert judge_geometry(SOUND, 9, cut=False, gap_mm=CLEFT_MM) == Quality(0)
    assert judge_geometry(SOUND, 9, cut=False, gap_mm=CLEFT_MM + 0.1) == Quality.RING_SEALED
    assert judge_geometry(SOUND, 9, cut=False, obliquity_deg=OBLIQUE_DEG) == Quality(0)
    assert judge_geometry(SOUND, 9, cut=False, obliquity_deg=OBLIQUE_DEG + 0.1) == Quality.OBLIQUE_SLICES


def test_caveats_do_not_hide_each_other() -> None:
    worst = {Quantity.AREA: 5.0, Quantity.HEIGHT: 8.0, Quantity.DISC_HEIGHT: 2.0}
    assert judge_geometry(worst, 1, cut=True, gap_mm=9.0, obliquity_deg=20.0) == (
        Quality.RING_SEALED
        | Quality.CUT_BY_EDGE
        | Quality.AREA_IMPLAUSIBLE
        | Quality.HEIGHT_LOW
        | Quality.DISC_HEIGHT_LOW
        | Quality.FEW_SECTIONS
        | Quality.OBLIQUE_SLICES
    )


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_sides_that_differ(sign: float) -> None:
    assert judge_asymmetry(sign * LARGEST_ASYMMETRY) == Quality(0)
    assert judge_asymmetry(sign * (LARGEST_ASYMMETRY + 0.01)) == Quality.ASYMMETRIC
    # The share is of the mean: two thirds is twice the other side.
    assert judge_asymmetry(sign * (2.0 - 1.0) / 1.5) == Quality(0)
