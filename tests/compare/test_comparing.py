"""Two states: nothing is lost in pairing, means and intervals respect patients, a change is told against its error."""

import numpy as np
import pytest

from foramgrade.compare import Direction, change_rows, compare_states, comparison_document, pair_states
from foramgrade.errors import InputError
from foramgrade.tables import StateForamen


def foramen(patient, level="L4-L5", side="left", **values):
    return StateForamen(patient, level, side, **values)


def compare(before, after, n_resamples=2000):
    return compare_states(before, after, rng=np.random.default_rng(1), n_resamples=n_resamples)


def test_what_has_no_partner_is_kept_and_named():
    before = [foramen("A"), foramen("B"), foramen("B", side="right")]
    after = [foramen("B"), foramen("C")]
    paired = pair_states(before, after)
    assert [(pair.patient, pair.side) for pair in paired.pairs] == [("B", "left")]
    assert [one.patient for one in paired.only_before] == ["A", "B"]
    assert [one.patient for one in paired.only_after] == ["C"]
    rows = change_rows(compare(before, after))
    assert sorted(row["paired"] for row in rows) == ["after only", "before only", "before only", "both"]


def test_nothing_in_common_is_refused():
    with pytest.raises(InputError, match="no foramen of the 1 and 1 is in both states"):
        compare([foramen("A")], [foramen("B")])


def test_means_are_those_of_the_numbers():
    before = [foramen("A", area_mm2=100.0), foramen("B", area_mm2=200.0)]
    after = [foramen("A", area_mm2=50.0), foramen("B", area_mm2=180.0)]
    found = compare(before, after).pooled()
    assert found.before_mm2.value == 150
    assert found.after_mm2.value == 115
    assert found.change_mm2.value == -35
    assert found.relative_change.value == pytest.approx(-100 * 35 / 150)
    assert found.mean_percent.value == pytest.approx((-50 - 10) / 2)


def test_foramina_of_a_patient_are_one_draw():
    """Ten alike foramina of each patient tell no more than one: the interval is as wide."""
    rng = np.random.default_rng(0)
    change = rng.normal(-30, 10, 25)

    def states(copies):
        names = [(f"P{n}", f"L{k}") for n in range(25) for k in range(copies)]
        before = [foramen(patient, level, area_mm2=150.0) for patient, level in names]
        after = [foramen(patient, level, area_mm2=150.0 + change[int(patient[1:])]) for patient, level in names]
        return compare(before, after, n_resamples=8000).pooled().change_mm2.interval

    one, ten = states(1), states(10)
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.05)
    assert one.high - one.low == pytest.approx(2 * 1.96 * change.std(ddof=1) / 5, rel=0.15)


@pytest.mark.parametrize(
    ("after", "uncertainty", "direction"),
    [
        (90.2, 5.0, Direction.WITHIN),
        (89.9, 4.0, Direction.WITHIN),
        (85.9, 5.0, Direction.SMALLER),
        (114.1, 5.0, Direction.LARGER),
        (50.0, None, Direction.UNKNOWN),
        (None, 5.0, None),
    ],
)
def test_a_change_is_reliable_beyond_its_own_uncertainty(after, uncertainty, direction):
    """Both areas have the same uncertainty u: the limit is 1.96 x 1.414 u."""
    before = foramen("A", area_mm2=100.0, area_u_mm2=uncertainty)
    later = foramen("A", area_mm2=after, area_u_mm2=uncertainty)
    assert pair_states([before], [later]).pairs[0].direction is direction


def test_grades_move_in_the_table():
    grades = [(0, 1), (1, 1), (3, 2), (None, 2), (2, None)]
    before = [foramen(f"P{n}", grade=one) for n, (one, _) in enumerate(grades)]
    after = [foramen(f"P{n}", grade=two) for n, (_, two) in enumerate(grades)]
    moves = compare(before, after).transitions
    assert moves.table[0, 1] == moves.table[1, 1] == moves.table[3, 2] == 1
    assert (moves.n_lower, moves.n_same, moves.n_higher, moves.n_missing) == (1, 1, 1, 2)


def test_motion_is_classed_as_in_the_literature_and_its_slope_is_found():
    motions = np.array([2.0, 4.9, 5.0, 10.0, 15.0, 15.1, 22.0])
    before = [foramen(f"P{n}", area_mm2=150.0, angle_deg=5.0) for n in range(len(motions))]
    after = [
        foramen(f"P{n}", area_mm2=150.0 - 3.0 * motion, angle_deg=5.0 + motion) for n, motion in enumerate(motions)
    ]
    before.append(foramen("Q", area_mm2=1.0))
    after.append(foramen("Q", area_mm2=2.0))
    motion = compare(before, after).motion
    assert [one.summary.n for one in motion.classes] == [2, 3, 2]
    assert motion.slope.value == pytest.approx(-3.0)
    assert motion.correlation.value == pytest.approx(-1.0)
    assert motion.n_without == 1


def test_states_without_areas_say_why_there_is_no_mean():
    found = compare([foramen("A", grade=1)], [foramen("A", grade=2)])
    assert found.pooled().change_mm2.value is None
    assert "no foramen was measured in both states" in found.pooled().change_mm2.reason
    assert found.motion is None


def test_the_document_names_no_patient():
    before, after = [foramen("Ann Example", area_mm2=100.0)], [foramen("Ann Example", area_mm2=90.0)]
    document = comparison_document(compare(before, after), version="1", seed=1)
    assert "Ann" not in str(document)
    assert document["n_pairs"] == 1
