"""``foramgrade findings``: readers' tables graded on the command line."""

import re
from pathlib import Path

import pytest

from .conftest import Call

READS = """Case;Level;Side;Reader;Superior;Posterior;Inferior;Anterior;Root shape;Note
1;L4-L5;left;AB;lost;preserved;LOST;thin;unchanged;=SUM(1)
1;L4-L5;right;AB;lost;preserved;preserved;preserved;unchanged;"x;y"
2;L5-S1;left;CD;lost;lost;lost;lost;changed;ä
2;L5-S1;right;CD;lost;unknown;unknown;lost;;
"""
HEADER, *ROWS = READS.splitlines()
ADDED = "lee_grade;lee_policy;lee_defined;sartoretti;wildermuth;rsna;gradable;reasons"
GRADES = (
    '1;floor;true;C13;2;Normal/Mild;true;"Fat lost superiorly and inferiorly (vertical), thin anteriorly, '
    'preserved posteriorly; root shape unchanged: Lee 1, mild."',
    '0;floor;false;B1;2;Normal/Mild;true;"Fat lost superiorly, preserved inferiorly, anteriorly and posteriorly; '
    'root shape unchanged; Lee does not define one lost border, policy floor gives 0, no stenosis."',
    '3;floor;true;F1234;3;Severe;true;"Fat lost on all four borders (vertical and transverse); '
    'root collapsed or deformed: Lee 3, severe."',
    # two borders are lost, two may be: Wildermuth 2 or 3
    ';floor;;;;;false;"Not gradable: fat lost superiorly and anteriorly, not assessable inferiorly and posteriorly; '
    'root shape not assessable; the grade depends on the inferior and posterior borders."',
)
GRADED = "".join(f"{row};{grades}\n" for row, grades in zip((HEADER, *ROWS), (ADDED, *GRADES), strict=True))


@pytest.fixture
def reads(tmp_path: Path) -> Path:
    """A table as a German Excel saves it."""
    path = tmp_path / "reads.csv"
    path.write_bytes(READS.replace("\n", "\r\n").encode("utf-8-sig"))
    return path


def test_reads_are_graded_behind_their_cells(reads: Path, tmp_path: Path, run: Call) -> None:
    ended = run("findings", reads, "--out", tmp_path / "graded.csv")
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / "graded.csv").read_bytes().decode("utf-8-sig") == GRADED.replace("\n", "\r\n")
    assert (tmp_path / "graded.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert reads.read_bytes().decode("utf-8-sig") == READS.replace("\n", "\r\n")
    counts = re.findall(r"^ *(\S) +(no stenosis|mild|moderate|severe|not gradable|not read) +(\d+)$", ended.out, re.M)
    assert counts == [
        ("0", "no stenosis", "1"),
        ("1", "mild", "1"),
        ("2", "moderate", "0"),
        ("3", "severe", "1"),
        ("-", "not gradable", "1"),
    ]
    assert "Graded by Lee 2010, policy floor." in ended.out
    assert "1 row shows a pattern that Lee 2010 does not define: the policy decides." in ended.out
    assert f"Written to {tmp_path / 'graded.csv'}: 4 rows." in ended.out
    assert "Research and teaching only" in ended.out


def test_the_policy_and_the_criteria_are_chosen(reads: Path, tmp_path: Path, run: Call) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "criteria.md").read_text(encoding="utf-8")
    text = documented.split("```toml\n")[1].split("```")[0].replace('"Lee 2010"', '"Ours 2024"')
    (tmp_path / "ours.toml").write_text(text.replace('"floor"', '"strict"'), encoding="utf-8")
    for options, named in (
        ((), "Lee 2010, policy floor"),
        (("--policy", "ceil"), "Lee 2010, policy ceil"),
        (("--criteria", tmp_path / "ours.toml"), "Ours 2024, policy strict"),
        (("--criteria", tmp_path / "ours.toml", "--policy", "ceil"), "Ours 2024, policy ceil"),
    ):
        ended = run("findings", reads, "--out", tmp_path / "graded.csv", *options)
        assert ended.status == 0
        assert f"Graded by {named}." in ended.out
        text = (tmp_path / "graded.csv").read_text(encoding="utf-8-sig")
        assert f"{named.split()[0]} " in text
        assert f";{named.split()[-1]};" in text


def test_bad_rows_do_not_stop_the_rest_and_are_counted(reads: Path, tmp_path: Path, run: Call) -> None:
    reads.write_text(READS.replace("LOST", "gone").replace("CD;lost;unknown", "CD;lost;"), encoding="utf-8")
    ended = run("findings", reads, "--out", tmp_path / "graded.csv")
    assert ended.status == 1
    assert ended.err == (
        "foramgrade: reads.csv: 2 of 4 rows could not be read and stand without grade, the first in line 2: "
        "inferior is 'gone', expected preserved, thin, lost or unknown.\n"
    )
    assert re.search(r"- +not read +2\n", ended.out)
    lines = (tmp_path / "graded.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    assert lines[1].endswith(
        "=SUM(1);;;;;;;false;Not read: inferior is 'gone', expected preserved, thin, lost or unknown."
    )
    assert lines[3].startswith("2;L5-S1;left;CD;lost;lost;lost;lost;changed;ä;3;floor;")


@pytest.mark.parametrize(
    "content, sentence",
    [
        (
            "level,side\n",
            "reads.csv lacks the columns lost_borders: found 'level', 'side', expected level, side, and .*",
        ),
        ("", "reads.csv is empty, expected the names of columns in its first line"),
        ("level,side,lost_borders,gradable\n", "reads.csv already has the column gradable, which is to be added: .*"),
    ],
)
def test_a_file_that_holds_no_reads_is_refused(tmp_path: Path, run: Call, content: str, sentence: str) -> None:
    (tmp_path / "reads.csv").write_text(content, encoding="utf-8")
    ended = run("findings", tmp_path / "reads.csv", "--out", tmp_path / "graded.csv")
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(f"foramgrade: {sentence}\n", ended.err)
    assert not (tmp_path / "graded.csv").exists()


def test_the_reads_themselves_are_never_replaced(reads: Path, tmp_path: Path, run: Call) -> None:
    before = reads.read_bytes()
    (tmp_path / "link.csv").symlink_to(reads)
    (tmp_path / "twin.csv").hardlink_to(reads)
    for out in (reads, tmp_path / "x" / ".." / "reads.csv", tmp_path / "link.csv", tmp_path / "twin.csv"):
        (tmp_path / "x").mkdir(exist_ok=True)
        ended = run("findings", reads, "--out", out)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err == (
            "foramgrade: the results would replace the reads in reads.csv, expected another file for --out\n"
        )
    assert reads.read_bytes() == before


def test_a_place_that_cannot_be_written_is_said(reads: Path, tmp_path: Path, run: Call) -> None:
    ended = run("findings", reads, "--out", tmp_path / "nowhere" / "graded.csv")
    assert (ended.status, ended.err) == (2, "foramgrade: cannot write graded.csv: No such file or directory\n")
    missing = run("findings", tmp_path / "none.csv", "--out", tmp_path / "graded.csv")
    assert (missing.status, missing.err) == (2, "foramgrade: none.csv: no such file\n")
    usage = run("findings", reads)
    assert usage.status == 2
    assert "Missing option '--out'" in usage.err


def test_a_program_of_its_own_grades_likewise(reads: Path, tmp_path: Path, start: Call) -> None:
    ended = start("findings", reads, "--out", tmp_path / "graded.csv")
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / "graded.csv").read_bytes().decode("utf-8-sig") == GRADED.replace("\n", "\r\n")
