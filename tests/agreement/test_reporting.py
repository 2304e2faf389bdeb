"""Reports of tables whose numbers are known: who is compared with whom, on which foramina, and what is left out."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from foramgrade.agreement import (
    LANDIS_KOCH,
    ROW_COLUMNS,
    IccForm,
    Kind,
    Measure,
    agreement_document,
    agreement_rows,
    cohen_kappa,
    compare_readers,
    find_limits,
    icc,
    report_reads,
)
from foramgrade.agreement.matrix import Reading, make_matrix
from foramgrade.errors import InputError
from foramgrade.tables import READ_COLUMNS, Reads

LEVELS = ("L3-L4", "L4-L5", "L5-S1")


def make_reads(readers=("AB", "CD"), *, n_patients: int = 12, seed: int = 1, areas: bool = True) -> pd.DataFrame:
    """Reads of all foramina by all readers; names of patients sort otherwise than they appear."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(n_patients):
        of_patient = rng.normal(0, 0.7)
        for level in LEVELS:
            for side in ("right", "left"):
                severity = of_patient + rng.normal(0, 0.7)
                for name in readers:
                    reader, _, session = name.partition("/")
                    grade = int(np.searchsorted([0.5, 1.1, 1.6], severity + rng.normal(0, 0.4)))
                    area = 110 - 15 * severity + rng.normal(0, 4) if areas else None
                    case = f"study {99 - patient}"
                    rows.append((case, f"patient {patient}", level, side, reader, session or "1", grade, area))
    frame = pd.DataFrame(rows, columns=list(READ_COLUMNS))
    frame["area_mm2"] = frame["area_mm2"].astype("Float64")
    frame["grade"] = frame["grade"].astype(object)
    return frame


def report(frame: pd.DataFrame, **options):
    return report_reads(Reads(frame), rng=np.random.default_rng(1), n_resamples=200, n_permutations=50, **options)


def grades_of(frame: pd.DataFrame, reader: str, session: str = "1") -> np.ndarray:
    chosen = frame[(frame.reader == reader) & (frame.session == session)]
    return chosen.sort_values(["case", "level", "side"])["grade"].to_numpy()


def test_every_stratum_is_that_of_the_rows_themselves() -> None:
    frame = make_reads()
    found = report(frame)
    assert [(p.stratum.by, p.stratum.name) for p in found.pairs] == [
        ("all", "all"),
        *(("level", level) for level in LEVELS),
        ("side", "left"),
        ("side", "right"),
    ]
    for pair in found.pairs:
        rows = frame if pair.stratum.by == "all" else frame[frame[pair.stratum.by] == pair.stratum.value]
        expected = cohen_kappa(grades_of(rows, "AB"), grades_of(rows, "CD"), "quadratic")
        one = pair.coefficients[Measure.QUADRATIC_KAPPA]
        assert one.value == pytest.approx(expected.value, abs=1e-14)
        assert (one.n, one.n_patients) == (expected.n, 12)
        assert pair.table.sum() == expected.n


def test_areas_are_those_of_the_functions() -> None:
    frame = make_reads()
    (pooled,) = report(frame).pooled()
    areas = [
        frame[frame.reader == name].sort_values(["case", "level", "side"])["area_mm2"].to_numpy(float)
        for name in ("AB", "CD")
    ]
    assert pooled.areas is not None
    expected = icc(np.column_stack(areas))[IccForm.TWO_WAY_AGREEMENT]
    assert pooled.areas.icc[IccForm.TWO_WAY_AGREEMENT].value == pytest.approx(expected.value, abs=1e-12)
    limits = find_limits(areas[1], areas[0])
    assert (pooled.areas.limits.bias, pooled.areas.limits.upper) == pytest.approx((limits.bias, limits.upper))


def test_inter_readers_meet_in_first_sessions_and_intra_in_all() -> None:
    frame = make_reads(("AB/1", "AB/2", "AB/10", "CD/2"))
    pairs = [(p.kind, p.first.name, p.second.name) for p in report(frame).pooled()]
    assert pairs == [
        (Kind.INTER, "AB", "CD, session 2"),
        (Kind.INTRA, "AB", "AB, session 2"),
        (Kind.INTRA, "AB", "AB, session 10"),
        (Kind.INTRA, "AB, session 2", "AB, session 10"),
    ]


def test_many_readers_are_compared_with_the_reference_only() -> None:
    frame = make_reads(tuple("ABCDEFG"), n_patients=4, areas=False)
    assert len(report(frame).pooled()) == 21  # nobody is the reference: each with each
    found = report(frame, reference="C")
    assert [(p.first.reader, p.second.reader) for p in found.pooled()] == [("C", other) for other in "ABDEFG"]
    assert {reading.reader for reading in found.groups[0].readings} == set("ABDEFG")


def test_missing_reads_are_counted_where_they_are() -> None:
    frame = make_reads()
    frame.loc[frame.index[[0, 3]], "grade"] = None  # AB's first, CD's second foramen
    frame = frame.drop(frame.index[5])  # CD's third is not there at all
    found = report(frame)
    (pooled,) = found.pooled()
    assert pooled.coefficients[Measure.KAPPA].n == 72 - 3
    assert pooled.n_one_only == 3
    assert {one.reading.reader: one.n_missing for one in found.readers} == {"AB": 1, "CD": 2}


def test_a_test_against_one_reader_is_adjusted_for_all() -> None:
    frame = make_reads(("truth", "A", "B", "C"), areas=False)
    found = report(frame, reference="truth", against="C")
    assert [(t.first.reader, t.second.reader) for t in found.differences[:2]] == [("A", "C"), ("B", "C")]
    (a,) = [
        t.difference for t in found.differences if t.difference.measure is Measure.AGREEMENT and t.first == Reading("A")
    ]
    patients = frame[frame.reader == "A"].sort_values(["case", "level", "side"])["patient"].to_numpy()
    expected = compare_readers(
        *(grades_of(frame, name) for name in ("truth", "A", "C")),
        Measure.AGREEMENT,
        patients=patients,
        rng=np.random.default_rng(1),
        n_resamples=10,
    )
    assert (a.value, a.p_value) == pytest.approx((expected.value, expected.p_value))
    of_measure = [t for t in found.differences if t.difference.measure is Measure.AGREEMENT]
    smallest = min(t.difference.p_value for t in of_measure)
    assert min(t.p_holm for t in of_measure) == pytest.approx(min(1.0, 2 * smallest))


def test_two_readers_and_a_reference_are_tested_without_asking() -> None:
    frame = make_reads(("truth", "A", "B"), areas=False)
    assert len(report(frame, reference="truth").differences) == 3
    assert report(frame).differences == ()


def test_published_values_are_set_beside_those_found() -> None:
    frame = make_reads(("truth", "A"), areas=False)
    kappa = cohen_kappa(grades_of(frame, "truth"), grades_of(frame, "A"), "quadratic").value
    published = {
        "A": {"qwk": Decimal(f"{kappa:.3f}"), "accuracy": Decimal("0.123")},
        "Z": {"mae": Decimal("0.5")},
    }
    found = report_reads(
        Reads(frame, reference="truth", published=published), rng=np.random.default_rng(1), n_resamples=100
    )
    assert [(v.reader, v.measure, v.same) for v in found.published] == [
        ("A", Measure.QUADRATIC_KAPPA, True),
        ("A", Measure.AGREEMENT, False),
        ("Z", Measure.MEAN_DISTANCE, False),
    ]
    assert found.published[2].found is None


def test_rows_hold_everything_and_name_no_case() -> None:
    found = report(make_reads(("AB", "CD", "EF")), reference="AB")
    rows = agreement_rows(found, vocabulary=LANDIS_KOCH)
    assert {tuple(row) for row in rows} == {ROW_COLUMNS}
    coefficients = {row["coefficient"] for row in rows}
    assert {measure.value for measure in Measure} <= coefficients
    assert {form.value for form in IccForm} <= coefficients
    assert {"sensitivity", "AUC", "PABAK", "area bias, mm2", "proportional bias", "Fleiss kappa"} <= coefficients
    assert not any("study" in str(cell) or "patient " in str(cell) for row in rows for cell in row.values())
    quadratic = next(row for row in rows if row["coefficient"] == "quadratic kappa")
    assert quadratic["words"] == LANDIS_KOCH.word(quadratic["value"])
    assert quadratic["ci_low"] < quadratic["value"] < quadratic["ci_high"] <= 1
    text = json.dumps(agreement_document(found, version="1", seed=3), allow_nan=False)
    assert not any(word in text for word in ("study", "patient 1"))


def test_sensitivity_needs_a_reference() -> None:
    rows = agreement_rows(report(make_reads()))
    assert not {"sensitivity", "specificity", "AUC"} & {row["coefficient"] for row in rows}


def test_areas_alone_are_enough() -> None:
    frame = make_reads()
    frame["grade"] = None
    found = report(frame)
    assert {row["coefficient"] for row in agreement_rows(found)} >= {"ICC(2,1)", "area bias, mm2"}
    assert found.groups[0].coefficients == ()
    assert not found.pooled()[0].table.any()


def test_the_matrix_keeps_reads_apart_that_differ_by_level_only() -> None:
    frame = make_reads(n_patients=2)
    shuffled = frame.sample(frac=1, random_state=1)
    one, other = (make_matrix(Reads(each)) for each in (frame, shuffled))
    assert one.grades.shape == other.grades.shape == (12, 2)
    assert {reading.reader for reading in other.readings} == {"AB", "CD"}


@pytest.mark.parametrize(
    "change, options, match",
    [
        (lambda f: f[f.reader == "AB"], {}, "needs two readers, or one in two sessions, found AB alone"),
        (lambda f: f, {"reference": "XY"}, "no reader is called 'XY': found AB, CD"),
        (lambda f: f, {"against": "AB"}, "held against each other by a reference, found none"),
        (lambda f: f, {"reference": "AB", "against": "AB"}, "no reader beside the reference is called 'AB': found CD"),
        (lambda f: f.drop(columns="grade"), {}, "the table of reads lacks the columns grade"),
        (lambda f: pd.concat([f, f[:1]]), {}, "1 reads of the same foramen, reader and session are there twice"),
        (lambda f: f.assign(grade=7), {}, "grades are not on the scale: found 7"),
    ],
)
def test_what_is_refused(change, options: dict[str, str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        report(change(make_reads(n_patients=2)), **options)
