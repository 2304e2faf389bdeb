"""Readers' findings as tables: every way to write them, and what cannot be read beside what can."""

import csv
import itertools
import time
from pathlib import Path

import pytest

from foramgrade.errors import InputError
from foramgrade.findings import Border, BorderFinding, BorderState, PerineuralFindings, Policy, RootShape
from foramgrade.grader import LEE_2010, grade
from foramgrade.tables import GRADE_COLUMNS, GradedReads, grade_reads, write_sheet

HEADER = "level,side,superior,posterior,inferior,anterior,root_shape"


def graded(folder: Path, *lines: str, policy: Policy = Policy.FLOOR) -> GradedReads:
    (folder / "reads.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return grade_reads(folder / "reads.csv", LEE_2010.with_policy(policy))


def added(result: GradedReads) -> list[dict[str, str]]:
    """The columns that were added, by row."""
    start = result.sheet.header.index("lee_grade")
    return [dict(zip(GRADE_COLUMNS, row[start:], strict=False)) for row in result.sheet.rows]


@pytest.mark.parametrize("policy", list(Policy))
def test_every_combination_of_findings_is_graded_as_by_the_grader(tmp_path: Path, policy: Policy) -> None:
    every = list(itertools.product(*[list(BorderState)] * 4, list(RootShape)))
    lines = [f"L4-L5,left,{','.join(states)},{shape}" for *states, shape in every]
    result = graded(tmp_path, HEADER, *lines, policy=policy)
    assert result.problems == {}
    for (*states, shape), given, row in zip(every, result.grades, added(result), strict=True):
        borders = {border: BorderFinding(BorderState(state)) for border, state in zip(Border, states, strict=True)}
        expected = grade(PerineuralFindings(borders, RootShape(shape)), LEE_2010.with_policy(policy))
        assert given == expected
        assert row == {
            "lee_grade": "" if expected.lee is None else str(expected.lee),
            "lee_policy": policy.value,
            "lee_defined": {True: "true", False: "false", None: ""}[expected.defined],
            "sartoretti": expected.sartoretti or "",
            "wildermuth": "" if expected.wildermuth is None else str(expected.wildermuth),
            "rsna": expected.rsna or "",
            "gradable": str(expected.lee is not None).lower(),
            "reasons": expected.reason,
        }


@pytest.mark.parametrize(
    "header, row",
    [
        (HEADER, "L4-L5,left,lost,thin,lost,preserved,unchanged"),
        (HEADER.upper(), "L4-L5,LEFT, Lost ,THIN,lost,Preserved,Unchanged"),
        (
            "Side,Level,Fat superior,fat-posterior,FAT_INFERIOR,anterior,Root Shape",
            "l,L4/5,lost,thin,lost,preserved,unchanged",
        ),
        ("level,side,lost_borders,thin_borders,root_shape", "L4-L5,R,SI,P,unchanged"),
        ("level,side,lost borders,thin borders,root shape", "L4-L5,right,i+s,p,unchanged"),
        ("level,side,Lost-Borders,root_shape,Thin-Borders", "L4-L5,right,I S I,unchanged,P"),
    ],
)  # fmt: skip
def test_the_same_findings_can_be_written_in_many_ways(tmp_path: Path, header: str, row: str) -> None:
    (given,) = graded(tmp_path, header, row).grades
    assert given is not None
    assert given.reason == (
        "Fat lost superiorly and inferiorly (vertical), thin posteriorly, preserved anteriorly; "
        "root shape unchanged: Lee 1, mild."
    )


@pytest.mark.parametrize("lost, letters", [("", ""), ("none", ""), ("None", ""), ("SPIA", "SPIA"), ("P|A", "PA")])
def test_letters_name_the_lost_borders_and_nothing_named_means_none(tmp_path: Path, lost: str, letters: str) -> None:
    (given,) = graded(tmp_path, "level,side,lost_borders,root_shape", f"L4-L5,left,{lost},unchanged").grades
    assert given == grade(PerineuralFindings.from_lost(letters))


def test_unknown_says_that_no_border_could_be_assessed(tmp_path: Path) -> None:
    result = graded(tmp_path, "level,side,lost_borders,root_shape", "L4-L5,left,unknown,unchanged")
    assert result.problems == {}
    assert added(result)[0]["gradable"] == "false"
    assert "not assessable on all four borders" in added(result)[0]["reasons"]


@pytest.mark.parametrize("shape", ["", "not-assessable", "not assessable", "Not_Assessable"])
def test_a_root_of_which_nothing_is_said_is_not_assessable(tmp_path: Path, shape: str) -> None:
    lost = "L4-L5,left,lost,lost,lost,lost"
    with_column = graded(tmp_path, HEADER, f"{lost},{shape}").grades
    without = graded(tmp_path, HEADER.removesuffix(",root_shape"), lost).grades
    assert with_column == without
    assert with_column[0] is not None
    assert with_column[0].reason.endswith("Lee 2, moderate (grade 3 not assessable).")


STATES = "preserved, thin, lost or unknown"
BAD_ROWS = [
    ("L4-L5,left,gone,lost,lost,lost,", "superior is 'gone', expected preserved, thin, lost or unknown"),
    ("L4-L5,left,lost,,lost,lost,", "posterior is blank, expected preserved, thin, lost or unknown"),
    ("L4-L5,left,lost,lost,lost,lost,flat", "root_shape is 'flat', expected unchanged, changed or not-assessable"),
    ("L4-L5,middle,lost,lost,lost,lost,", "side is 'middle', expected left or right"),
    ("L4-L5,,lost,lost,lost,lost,", "side is blank, expected left or right"),
    (" ,left,lost,lost,lost,lost,", "level is blank, expected a name such as L4-L5"),
    ("L4-L5,left,lost,lost,lost", "found 5 cells, expected 7 as in the header"),
    ("L4-L5,left,lost,lost,lost,lost,,more", "found 8 cells, expected 7 as in the header"),
    (f"L4-L5,left,{'x' * 90},lost,lost,lost,", f"superior is '{'x' * 40}...', expected {STATES}"),
]  # fmt: skip


@pytest.mark.parametrize("row, reason", BAD_ROWS)
def test_a_bad_row_is_kept_without_grade_and_with_its_reason(tmp_path: Path, row: str, reason: str) -> None:
    good = "L4-L5,right,lost,preserved,lost,preserved,unchanged"
    result = graded(tmp_path, HEADER, good, row, good)
    assert result.problems == {1: reason}
    assert result.grades[0] == result.grades[2] == grade(PerineuralFindings.from_lost("SI"))
    assert result.grades[1] is None
    blank = dict.fromkeys(GRADE_COLUMNS, "") | {"gradable": "false", "reasons": f"Not read: {reason}."}
    assert added(result)[1] == blank
    cells = row.split(",")
    kept = result.sheet.rows[1]
    assert kept[:7] == (*cells[:7], *[""] * (7 - len(cells)))
    assert kept[15:] == tuple(cells[7:])  # what stands beyond the header is not lost either


@pytest.mark.parametrize(
    "row, reason",
    [
        (
            "L4-L5,left,SX,",
            "lost_borders is 'SX', expected letters of S, P, I, A, or none, or unknown for lost_borders",
        ),
        ("L4-L5,left,,1", "thin_borders is '1', expected letters of S, P, I, A, or none"),
        ("L4-L5,left,SI,IA", "thin_borders is 'IA' and lost_borders 'SI', expected no border in both"),
        ("L4-L5,left,unknown,S", "lost_borders is 'unknown' and thin_borders 'S', expected thin_borders to be blank"),
    ],
)
def test_bad_letters_are_said(tmp_path: Path, row: str, reason: str) -> None:
    result = graded(tmp_path, "level,side,lost_borders,thin_borders", row)
    assert result.problems[0].startswith(reason)


def test_a_row_without_anything_is_kept_and_is_no_problem(tmp_path: Path) -> None:
    result = graded(tmp_path, HEADER, ",,,, ,,", "L4-L5,left,lost,lost,lost,lost,changed")
    assert result.problems == {}
    assert result.sheet.rows[0] == ("", "", "", "", " ", "", "", *[""] * 8)
    assert result.grades[0] is None


def test_everything_else_is_carried_through_in_its_order(tmp_path: Path) -> None:
    header = ("note", "Case", "level", "side", "lost_borders", "reader", "note", "")
    rows = [("=1+1", "007", f"L{n}", "left", "", "A, B", "two\nlines", "'") for n in (5, 3, 4, 3)]
    with (tmp_path / "reads.tsv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([header, *rows])
    result = grade_reads(tmp_path / "reads.tsv")
    write_sheet(result.sheet, tmp_path / "graded.tsv")
    with (tmp_path / "graded.tsv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.reader(file, delimiter="\t"))
    assert written[0] == [*header, *GRADE_COLUMNS]
    assert [tuple(row[: len(header)]) for row in written[1:]] == rows
    assert {row[len(header)] for row in written[1:]} == {"0"}


BAD_HEADERS = [
    ("level,side,superior,posterior,inferior", "lacks the columns anterior: found 'level', 'side', 'superior',"),
    ("level,side", "lacks the columns lost_borders: found 'level', 'side', expected level, side, and superior,"),
    ("level,side,thin_borders", "lacks the columns lost_borders: found"),
    ("side,lost_borders", "lacks the columns level: found"),
    ("level,lost_borders", "lacks the columns side: found"),
    ("a,b,c,d,e,f,g,h,i,j,k,l,m,n", "lacks the columns level, side, lost_borders: found 'a', .*, 'l' and 2 more,"),
    (f"{HEADER},lost_borders", "has a column per border and lost_borders or thin_borders too: expected one of the two"),
    (f"{HEADER},thin_borders", "has a column per border and lost_borders or thin_borders too: expected one of the two"),
    (f"{HEADER},fat_superior", "has the column superior 2 times, expected it once"),
    (f"{HEADER},Root Shape", "has the column root_shape 2 times, expected it once"),
    (f"{HEADER},Lee grade", "already has the column lee_grade, which is to be added: expected it under another name"),
]


@pytest.mark.parametrize("header, message", BAD_HEADERS)
def test_a_table_without_the_columns_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^reads.csv {message}"):
        graded(tmp_path, header)


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    result = graded(tmp_path, HEADER)
    assert result.sheet.header == (*HEADER.split(","), *GRADE_COLUMNS)
    assert (result.sheet.rows, result.grades, result.problems) == ((), (), {})


def test_a_hundred_thousand_rows_take_seconds(tmp_path: Path) -> None:
    states = itertools.cycle(itertools.product(*[list(BorderState)] * 4))
    lines = [f"L4-L5,left,{','.join(next(states))}," for _ in range(100_000)]
    started = time.perf_counter()
    result = graded(tmp_path, HEADER, *lines)
    assert len(result.grades) == 100_000
    assert time.perf_counter() - started < 20  # takes 2 s; a grade for every row would take minutes
