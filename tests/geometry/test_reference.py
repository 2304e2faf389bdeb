"""Published values beside a measurement."""

import pytest

from foramgrade.findings import Level, Quantity
from foramgrade.geometry.reference import REFERENCES, find_percentile, find_references


@pytest.mark.parametrize(("z", "percent"), [(0.0, 50.0), (-1.0, 15.87), (1.96, 97.5)])
def test_percentiles_are_the_normal_distribution_s(z: float, percent: float) -> None:
    reference = find_references(Quantity.HEIGHT, Level("L4", "L5"))[0]
    assert reference.sd is not None
    assert find_percentile(reference.mean + z * reference.sd, reference) == pytest.approx(percent, abs=0.01)


def test_without_a_spread_there_is_no_percentile() -> None:
    own = [r for r in find_references(Quantity.AREA, Level("L2", "L3")) if r.levels]
    assert [r.mean for r in own] == [167.0, 107.0]
    assert [find_percentile(120.0, r) for r in own] == [None, None]


def test_only_lumbar_levels_have_values() -> None:
    assert find_references(Quantity.AREA, Level("T12", "L1")) == ()
    assert find_references(Quantity.SLIP, Level("L4", "L5")) == ()
    assert all(reference.source for reference in REFERENCES)
