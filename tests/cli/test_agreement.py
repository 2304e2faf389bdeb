"""``foramgrade agreement``: readers compared on the command line."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from foramgrade.agreement import KAPPA_VOCABULARIES
from foramgrade.cli import agreeing
from foramgrade.tables import GRADE_SCALES

from .conftest import Call

FAST = ("--resamples", "100", "--permutations", "20")


@pytest.fixture
def reads(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = ["case;patient;level;side;reader;session;lee_grade;area_mm2"]
    for patient in range(10):
        for level in ("L4-L5", "L5-S1"):
            for side in ("left", "right"):
                severity = rng.normal(0.5, 1)
                for reader, session in (("AB", 1), ("AB", 2), ("=CD", 1)):
                    grade = int(np.searchsorted([0.5, 1.1, 1.6], severity + rng.normal(0, 0.3)))
                    area = 100 - 15 * severity + rng.normal(0, 5)
                    rows.append(f"s{patient};Jane {patient};{level};{side};{reader};{session};{grade};{area:.1f}")
    path = tmp_path / "reads.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_tables_and_figures(reads: Path, tmp_path: Path, run: Call) -> None:
    ended = run("agreement", reads, "--out", tmp_path / "out", "--seed", "4", *FAST, columns=200)
    assert (ended.status, ended.err) == (0, "")
    for words in (
        "40 foramina of 10 patients",
        "seed 4",
        "AB | =CD",
        "AB | AB, session 2",
        "L5-S1",
        "Landis",
        "ICC(2,1)",
    ):
        assert words in ended.out
    assert "Jane" not in ended.out
    assert "Written to" in ended.out
    figures = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert figures == {
        "bland_altman_AB_AB-session-2.png",
        "bland_altman_AB_CD.png",
        "confusion_AB_AB-session-2.png",
        "confusion_AB_CD.png",
        "kappa_forest.png",
    }
    with (tmp_path / "out" / "agreement.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["reader_2"] for row in rows} >= {"'=CD"}  # a spreadsheet will not run it
    document = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert (document["seed"], document["n_resamples"], document["n_patients"]) == (4, 100, 10)
    assert [set(entry) for entry in document["inputs"]] == [{"name", "sha256"}]
    assert "Jane" not in json.dumps(document)


def test_the_same_seed_gives_the_same_files(reads: Path, tmp_path: Path, run: Call) -> None:
    for name in ("a", "b"):
        run("agreement", reads, "--out", tmp_path / name, *FAST)
    for name in ("agreement.csv", "agreement.json", "figures/kappa_forest.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_figures_of_an_earlier_run_go(reads: Path, tmp_path: Path, run: Call) -> None:
    figures = tmp_path / "out" / "figures"
    figures.mkdir(parents=True)
    (figures / "confusion_old_pair.png").write_bytes(b"")
    (figures / "mine.png").write_bytes(b"")
    run("agreement", reads, "--out", tmp_path / "out", *FAST)
    assert not (figures / "confusion_old_pair.png").exists()
    assert (figures / "mine.png").exists()


def test_the_published_table_is_reproduced(shared_data: Path, run: Call) -> None:
    files = sorted((shared_data / "agreement").glob("*.csv"))
    ended = run("agreement", *files, "--against", "Original DeiT", *FAST, columns=200)
    assert (ended.status, ended.err) == (0, "")
    assert "2978 foramina of 468 patients" in ended.out
    assert "Published values: 42 of 42 reproduced" in ended.out
    assert "Not compared, since not computed here, in System_Registry.csv: Rows, Balanced_Accuracy" in ended.out
    best = next(line for line in ended.out.splitlines() if line.startswith("CORAL-MSaux + fixed DeiT   "))
    assert "0.749" in ended.out
    assert re.search(r"1948\s+488\s+321\s+221", best)


def test_what_differs_from_what_was_published_is_named(tmp_path: Path, run: Call) -> None:
    (tmp_path / "reads.csv").write_text(
        "case,system,y_true,y_pred\n" + "".join(f"{n},X,{n % 4},{min(n % 5, 3)}\n" for n in range(20)), encoding="utf-8"
    )
    (tmp_path / "table.csv").write_text("System,Accuracy,QWK,F1\nX,0.25,0.99,0.5\nY,0.9,,\n", encoding="utf-8")
    ended = run("agreement", tmp_path, *FAST, columns=200)
    assert ended.status == 0
    assert "Published values: 1 of 3 reproduced" in ended.out
    assert "Differs: quadratic kappa of X, published 0.99, found " in ended.out
    assert "Without a value here: Y." in ended.out
    assert "in table.csv: F1" in ended.out


def test_undefined_values_say_why(tmp_path: Path, run: Call) -> None:
    (tmp_path / "reads.csv").write_text("case,grade_A,grade_B\n1,0,0\n2,0,0\n3,0,0\n", encoding="utf-8")
    ended = run("agreement", tmp_path / "reads.csv", *FAST)
    assert ended.status == 0
    assert "both readers used one and the same grade only" in " ".join(ended.out.split())
    assert "nan" not in ended.out.lower()


@pytest.mark.parametrize(
    "content, options, sentence",
    [
        ("case,grade\n1,0\n", (), "agreement needs two readers, or one in two sessions, found reads alone"),
        (
            "case,grade_A,grade_B\n1,0,9\n",
            (),
            "reads.csv, line 2: the Lee grade is '9', expected one of 0, 1, 2, 3, .*",
        ),
        ("case,grade_A,grade_B\n1,0,1\n", ("--reference", "X"), "no reader is called 'X': found A, B"),
        ("case,grade_A,grade_B\n1,0,1\n", ("--columns", "X"), "no table has the column X of a reader's grades"),
        ("level\nL4-L5\n", (), "reads.csv holds neither grades nor areas: found the columns level, expected .*"),
    ],
)
def test_what_is_refused(tmp_path: Path, run: Call, content: str, options: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "reads.csv").write_text(content, encoding="utf-8")
    ended = run("agreement", tmp_path / "reads.csv", *options, "--out", tmp_path / "out", *FAST)
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(f"foramgrade: {sentence}\n", ended.err)
    assert not (tmp_path / "out").exists()


def test_wrong_usage(tmp_path: Path, run: Call) -> None:
    for options in (("--scale", "pfirrmann"), ("--words", "fleiss"), ("--resamples", "1"), ()):
        assert run("agreement", *([] if not options else [tmp_path / "x.csv"]), *options).status == 2


def test_the_copied_names_are_those_of_the_rooms() -> None:
    assert tuple(GRADE_SCALES) == agreeing.SCALES
    assert (*KAPPA_VOCABULARIES, "none") == agreeing.WORDS
