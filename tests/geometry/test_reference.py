"""Published values: the rows themselves, which level they are for, and the percentile of the normal distribution."""

import pytest
from scipy import stats

from foramgrade.findings import Level, Quantity
from foramgrade.geometry.reference import REFERENCES, Reference, find_percentile, find_references


def test_rows_are_sourced_and_plausible() -> None:
    assert all(r.source and r.mean > 0 for r in REFERENCES)
    assert all(r.sd is None or 0 < r.sd < r.mean for r in REFERENCES)
    # One source is one row of a quantity and level: none is typed twice.
    keys = [(r.quantity, r.levels, r.source) for r in REFERENCES]
    assert len(set(keys)) == len(keys)
    # A foramen's area is less than its height times twice its upper width.
    area, height, width = (
        find_references(quantity, Level("L3", "L4"))[0].mean
        for quantity in (Quantity.AREA, Quantity.HEIGHT, Quantity.WIDTH_SUPERIOR)
    )
    assert height * width / 2 < area < height * width


def test_a_levels_own_values_come_first() -> None:
    found = find_references(Quantity.AREA, Level("L2", "L3"))
    assert [r.levels for r in found] == [("L2-L3",), ("L2-L3",), ()]
    assert {r.quantity for r in found} == {Quantity.AREA}
    # Bending forward opens the foramen.
    assert [(r.mean, r.source.split(";")[0]) for r in found[:2]] == [(167.0, "flexion"), (107.0, "extension")]
    assert [r.levels for r in find_references(Quantity.AREA, Level("L3", "L4"))] == [()]
    assert [r.levels for r in find_references(Quantity.HEIGHT, Level("L2", "L3"))] == [()]


@pytest.mark.parametrize("level", [Level("T11", "T12"), Level("T12", "L1"), Level("V6", "V7"), Level("F1", "")])
def test_other_levels_have_none(level: Level) -> None:
    assert find_references(Quantity.AREA, level) == ()


def test_quantities_without_publication_have_none() -> None:
    assert find_references(Quantity.VOLUME, Level("L4", "L5")) == ()


@pytest.mark.parametrize("reference", [r for r in REFERENCES if r.sd is not None])
@pytest.mark.parametrize("z", [-3.0, -1.0, 0.0, 0.7, 2.5])
def test_the_percentile_is_the_normal_distributions(reference: Reference, z: float) -> None:
    assert reference.sd is not None
    value = reference.mean + z * reference.sd
    assert find_percentile(value, reference) == pytest.approx(100 * stats.norm.cdf(z))


def test_means_without_spread_tell_no_percentile() -> None:
    spreadless = [r for r in REFERENCES if r.sd is None]
    assert spreadless
    assert [find_percentile(100.0, r) for r in spreadless] == [None] * len(spreadless)
