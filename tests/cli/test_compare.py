"""``foramgrade compare``: two tables in, changes out, or one sentence."""

import csv
import json

import pytest

HEADER = "patient,level,side,area_mm2,area_u_mm2,segmental_angle_deg,lee_grade\n"


@pytest.fixture
def states(tmp_path):
    """Six patients whose L2-L3 falls from 167 to 107 and L5-S1 from 135 to 106 mm2, and one who is there once."""
    tables = {}
    for name, areas, angle in (("flexion", (167, 135), 2), ("extension", (107, 106), 12)):
        lines = [
            f"P{n},{level},{side},{area + 3 * n},5,{angle},{grade}"
            for n in range(6)
            for level, area, grade in zip(("L2-L3", "L5-S1"), areas, (0, 1 if angle > 5 else 0), strict=True)
            for side in ("left", "right")
        ]
        extra = "P9,L3-L4,left,100,5,3,0" if name == "flexion" else ""
        tables[name] = tmp_path / f"{name}.csv"
        tables[name].write_text(HEADER + "\n".join([*lines, extra]) + "\n", encoding="utf-8")
    return tables


def test_changes_are_printed_and_written(run, states, tmp_path):
    out = tmp_path / "out"
    done = run("compare", f"bent={states['flexion']}", f"stretched={states['extension']}", "--out", out)
    assert done.status == 0, done.err
    assert "24 foramina of 6 patients in both" in done.out
    assert "In bent only: L3-L4 left of P9." in done.out
    assert "-60.0" in done.out
    assert "-29.0" in done.out
    assert "12 same, 12 higher" in done.out
    rows = list(csv.DictReader((out / "changes.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 25
    assert {row["reliable_change"] for row in rows if row["paired"] == "both"} == {"smaller"}
    document = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert document["states"] == ["bent", "stretched"]
    assert [one["sha256"] != "" for one in document["inputs"]] == [True, True]
    assert (out / "paired_areas.png").stat().st_size > 10_000
    assert "P0" not in (out / "comparison.json").read_text(encoding="utf-8")


def test_the_same_seed_gives_the_same_bytes(run, states, tmp_path):
    for name in ("one", "two"):
        assert run("compare", states["flexion"], states["extension"], "--out", tmp_path / name).status == 0
    for file in ("changes.csv", "summary.csv", "comparison.json", "paired_areas.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_study_before_and_after_is_one_patient(run, tmp_path):
    """Two single studies have pseudonyms of their own."""
    for name, case, area in (("before", "case-1", 58.6), ("after", "case-2", 88.4)):
        (tmp_path / name).mkdir()
        text = f"case,level,side,area_mm2\n{case},L4-L5,left,{area}\n"
        (tmp_path / name / "foramina.csv").write_text(text, encoding="utf-8")
    done = run("compare", tmp_path / "before", tmp_path / "after")
    assert done.status == 0
    assert "+29.8" in done.out
    assert "taken for the same patient" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,level,side\nA,L4-L5,left\n", "lacks the columns area_mm2 or lee_grade"),
        (HEADER + "P0,L4-L5,middle,100,5,2,0\n", "side is 'middle', expected left or right"),
        (HEADER + "P0,L4-L5,left,wide,5,2,0\n", "area_mm2 is 'wide', expected a number"),
        (HEADER + "P0,L4-L5,left,100,5,2,7\n", "the grade is 7, expected 0, 1, 2, 3"),
        (HEADER + "P0,L4-L5,left,100,5,2,0\nP0,L4-L5,left,90,5,2,0\n", "is there already"),
        (HEADER + "Q0,L4-L5,left,100,5,2,0\n", "no foramen of the 25 and 1 is in both states"),
        (HEADER, "holds no foramen"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(run, states, tmp_path, text, words):
    other = tmp_path / "other.csv"
    other.write_text(text, encoding="utf-8")
    done = run("compare", states["flexion"], other)
    assert done.status == 2
    assert words in " ".join(done.err.split())
