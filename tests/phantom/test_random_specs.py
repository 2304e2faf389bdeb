"""Random studies: every grade, plausible sizes, truth equal to what was drawn."""

from collections import Counter

import numpy as np
import pytest

from foramgrade.findings import Border, LeeGrade, RootShape, Sequence
from foramgrade.phantom import FINE_2D, LEVELS, random_spec, truth_row
from foramgrade.phantom.spine import make_spine
from foramgrade.phantom.truth import find_truth, grade_floor

SPECS = [random_spec(np.random.default_rng(seed)) for seed in range(8)]
TRUTHS = [truth for spec in SPECS for truth in find_truth(make_spine(spec))]


def test_every_grade_is_about_equally_frequent_in_every_study() -> None:
    for spec in SPECS:
        counts = Counter(truth.lee for truth in find_truth(make_spine(spec)))
        assert set(counts) == set(LeeGrade)
        assert set(counts.values()) <= {2, 3}


def test_undefined_patterns_occur() -> None:
    undefined = {len(t.lost) for t in TRUTHS if not t.lee_defined}
    assert {2, 3} <= undefined
    assert all(t.lee in (LeeGrade.NONE, LeeGrade.MILD) for t in TRUTHS if not t.lee_defined)


def test_drawn_fat_is_the_truth() -> None:
    for spec in SPECS:
        for truth in find_truth(make_spine(spec)):
            foramen = spec.levels[LEVELS.index(truth.level)].foramen(truth.side)
            assert truth.lost == {b for b in Border if foramen.fat_mm[b] == 0}
            assert all(truth.fat_mm[b] >= 0.6 for b in set(Border) - truth.lost)


def test_sizes_are_plausible() -> None:
    areas = {g: np.median([t.area_mm2 for t in TRUTHS if t.lee is g]) for g in LeeGrade}
    assert areas[LeeGrade.NONE] > areas[LeeGrade.MILD] > areas[LeeGrade.MODERATE] > areas[LeeGrade.SEVERE]
    assert all(40 <= t.area_mm2 <= 170 and 11 <= t.height_mm <= 20 for t in TRUTHS)
    # In a side curve a collapsed disc is lower still on the concave side.
    assert all(1 <= t.disc_height_mm <= 12 for t in TRUTHS)


def test_deformed_roots_are_flat_or_small() -> None:
    usual = np.median([t.root_area_mm2 for t in TRUTHS if t.root_shape is RootShape.UNCHANGED])
    for truth in TRUTHS:
        if truth.root_shape is RootShape.CHANGED:
            assert truth.root_aspect >= 2.3 or truth.root_area_mm2 <= 0.7 * usual
        else:
            assert truth.root_aspect < 1.7


def test_same_seed_same_spec() -> None:
    again = random_spec(np.random.default_rng(0), protocol=FINE_2D, sequence=Sequence.T2)
    assert again.levels == SPECS[0].levels
    assert (again.protocol, again.sequence) == (FINE_2D, Sequence.T2)


@pytest.mark.parametrize(
    "lost, shape, grade",
    [("", 0, 0), ("S", 0, 0), ("SP", 0, 0), ("SI", 0, 1), ("AP", 0, 1), ("SPI", 0, 1), ("SPIA", 0, 2), ("", 1, 3)],
)
def test_floor_policy(lost: str, shape: int, grade: int) -> None:
    shapes = (RootShape.UNCHANGED, RootShape.CHANGED)
    assert grade_floor(frozenset(Border(letter) for letter in lost), shapes[shape]) == grade


def test_row_is_flat_and_named() -> None:
    row = truth_row(TRUTHS[0])
    assert row["level"] == "L1-L2"
    assert row["side"] == "right"
    assert row["area_mm2"] == pytest.approx(TRUTHS[0].area_mm2, abs=1e-4)
    assert {"lee_grade", "lost_borders", "fat_superior_mm", "section_x_mm", "disc_height_mm", "root_aspect"} <= set(row)
    assert all(isinstance(value, str | int | float) for value in row.values())
