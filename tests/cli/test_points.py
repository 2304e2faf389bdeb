"""``foramgrade grade --points``: no masks, a point per foramen."""

import csv
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"
POINTS = "level,side,x,y,z\n"


@pytest.fixture
def points(tmp_path):
    """The centres of the sample's foramina, from its truth."""
    rows = read_rows(SAMPLE / "truth.csv")
    lines = [
        ",".join(row[n] for n in ("level", "side", "section_x_mm", "section_y_mm", "section_z_mm")) for row in rows
    ]
    path = tmp_path / "points.csv"
    path.write_text(POINTS + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_points_give_a_row_and_a_page_per_foramen(run, points, tmp_path):
    out = tmp_path / "out"
    done = run("grade", SAMPLE / "lumbar_T1.nii.gz", "--points", points, "--sequence", "T1", "--out", out)
    assert done.status == 0, done.err
    rows = read_rows(out / "foramina.csv")
    assert len(rows) == 10
    assert all(row["area_mm2"] == "" and row["height_mm"] == "" for row in rows)
    assert all("from-point" in row["quality"] and row["scheme"] == "points" for row in rows)
    assert {row["lee_grade"] for row in rows} >= {"0", "2"}
    assert len(list((out / "panels").glob("*.png"))) == 10
    assert "points.csv" not in (out / "assessment.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "expected --labels or --points, found neither"),
        (["--points", "POINTS", "--scheme", "spider"], "--scheme belongs to labels"),
    ],
)
def test_one_source_is_asked_for(run, points, tmp_path, options, words):
    given = [points if option == "POINTS" else option for option in options]
    done = run("grade", SAMPLE / "lumbar_T1.nii.gz", *given, "--out", tmp_path / "out")
    assert done.status == 2
    assert words in done.err


def test_real_healthy_foramina_are_free(shared_data, run, tmp_path):
    """Six thoracolumbar foramina that look free to the eye; the roots there are 3 mm thin, the voxels 1 mm.

    At T11-T12 fat stands behind the root alone, and marrow is as bright as nerve: there the row may say uncertain.
    """
    out = tmp_path / "out"
    sct = shared_data / "sct_t2_lumbar"
    done = run("grade", sct / "t2_lumbar.nii.gz", "--points", sct / "points.csv", "--sequence", "T2", "--out", out)
    assert done.status == 0, done.err
    rows = read_rows(out / "foramina.csv")
    assert [row["lee_grade"] for row in rows if not row["level"].startswith("T11")] == ["0"] * 4
    assert all(row["lee_grade"] == "0" or "uncertain" in row["quality"].split("|") for row in rows)
    assert all(int(row["lee_grade"]) <= 1 for row in rows)
    assert sum(row["lost_borders"] == "" for row in rows) >= 4
    assert all(3.0 < float(row["nerve_area_mm2"]) < 30.0 for row in rows)
