"""Tables of several readers: every way to write them, how they are put together, and what is refused."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from foramgrade.errors import InputError
from foramgrade.tables import GRADE_SCALES, READ_COLUMNS, Reads, StudyAssessment, read_reads, write_csv

LONG = """case,patient,level,side,reader,session,lee_grade,area_mm2
s1,P1,L4-L5,left,AB,1,2,88.4
s1,P1,L4/5,L,CD,1,1,91
s1,P1,l4-l5,right,AB,1,,
s2,P2,L5-S1,R,AB,2,3,60.5
"""


def write(folder: Path, text: str, name: str = "reads.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(reads: Reads) -> list[tuple]:
    frame = reads.frame.astype(object).where(reads.frame.notna(), None)
    return [tuple(row) for row in frame.to_numpy().tolist()]


def test_a_long_table(tmp_path: Path) -> None:
    reads = read_reads(write(tmp_path, LONG))
    assert tuple(reads.frame.columns) == READ_COLUMNS
    assert rows(reads) == [
        ("s1", "P1", "L4-L5", "left", "AB", "1", 2, 88.4),
        ("s1", "P1", "L4-L5", "left", "CD", "1", 1, 91.0),
        ("s1", "P1", "L4-L5", "right", "AB", "1", None, None),
        ("s2", "P2", "L5-S1", "right", "AB", "2", 3, 60.5),
    ]
    assert (reads.reference, reads.notes) == (None, ())


@pytest.mark.parametrize(
    "text",
    [
        LONG.replace(",", ";"),
        LONG.replace(",", "\t"),
        "\ufeff" + LONG.replace("\n", "\r\n"),
        LONG.replace("case,patient", "Study ID,Patient-Key").replace("reader", "Rater").replace("lee_grade", "Grade"),
        LONG.replace(",2,88.4", ",2.0,88.40").replace(",,\n", ",NA,-\n"),
    ],
)
def test_as_others_write_it(tmp_path: Path, text: str) -> None:
    assert rows(read_reads(write(tmp_path, text))) == rows(read_reads(write(tmp_path, LONG, "plain.csv")))


def test_a_column_per_reader(tmp_path: Path) -> None:
    text = "patient,level,side,grade_AB,grade_C D,area_mm2_AB\n7,L4-L5,left,1,2,90\n7,L4-L5,right,,0,80\n"
    assert rows(read_reads(write(tmp_path, text))) == [
        ("7", "7", "L4-L5", "left", "AB", "1", 1, 90.0),
        ("7", "7", "L4-L5", "left", "C D", "1", 2, None),
        ("7", "7", "L4-L5", "right", "AB", "1", None, 80.0),
        ("7", "7", "L4-L5", "right", "C D", "1", 0, None),
    ]


def test_columns_that_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "case,level,side,Miller,Smith\n1,L4-L5,left,1,2\n")
    found = read_reads(path, columns=["Miller", "smith"])
    assert [(row[4], row[6]) for row in rows(found)] == [("Miller", 1), ("Smith", 2)]


def test_truth_and_prediction_of_one_table(tmp_path: Path) -> None:
    found = read_reads(write(tmp_path, "case,y_true,y_pred\na,0,1\nb,3,3\n", "model.csv"))
    assert found.reference == "reference"
    assert [(row[0], row[2], row[4], row[6]) for row in rows(found)] == [
        ("a", None, "model", 1),
        ("a", None, "reference", 0),
        ("b", None, "model", 3),
        ("b", None, "reference", 3),
    ]


def test_a_truth_that_is_repeated_for_every_system_is_one(tmp_path: Path) -> None:
    found = read_reads(write(tmp_path, "case,system,y_true,y_pred\na,X,0,1\na,Y,0,0\n"))
    assert [(row[4], row[6]) for row in rows(found)] == [("X", 1), ("reference", 0), ("Y", 0)]


def test_several_tables_know_each_others_patients(tmp_path: Path) -> None:
    truth = write(tmp_path, "case_key,patient_key,y_true\na,P1,0\nb,P1,1\n", "truth.csv")
    systems = write(tmp_path, "case_key,system,y_pred\na,X,0\nb,X,2\nc,X,3\n", "systems.csv")
    found = read_reads(truth, systems)
    assert [(row[0], row[1], row[4]) for row in rows(found)] == [
        ("a", "P1", "reference"),
        ("b", "P1", "reference"),
        ("a", "P1", "X"),
        ("b", "P1", "X"),
        ("c", "c", "X"),
    ]
    assert found.notes == ("1 case has no patient in any table and counts as a patient of its own.",)
    assert rows(read_reads(tmp_path)) == rows(read_reads(systems, truth))  # a folder: its tables by name


def test_grades_and_areas_of_one_reader_in_two_tables_meet(tmp_path: Path) -> None:
    grades = write(tmp_path, "case,level,side,reader,grade\na,L4-L5,left,AB,1\n", "grades.csv")
    areas = write(tmp_path, "case,level,side,reader,area\na,L4-L5,left,AB,70\n", "areas.csv")
    assert rows(read_reads(grades, areas)) == [("a", "a", "L4-L5", "left", "AB", "1", 1, 70.0)]


def test_the_table_of_a_study_is_a_reader(tmp_path: Path, study: StudyAssessment) -> None:
    write_csv(study, tmp_path / "foramina.csv")
    found = rows(read_reads(tmp_path / "foramina.csv"))
    assert found[0] == ("case-7", "case-7", "L4-L5", "right", "foramgrade", "1", 1, 88.13)
    assert found[1][6:] == (None, None)  # not gradable, not measured
    named = rows(read_reads(f"version 1={tmp_path / 'foramina.csv'}"))
    assert named[0][4] == "version 1"
    assert rows(read_reads(tmp_path / "foramina.csv", scale=GRADE_SCALES["sartoretti"]))[0][6] == "C"
    assert rows(read_reads(tmp_path / "foramina.csv", scale=GRADE_SCALES["rsna"]))[0][6] == "Normal/Mild"


def test_findings_are_graded(tmp_path: Path) -> None:
    text = (
        "case,level,side,reader,lost_borders,root_shape\n1,L4-L5,left,AB,SI,unchanged\n1,L4-L5,right,AB,SPIA,changed\n"
    )
    path = write(tmp_path, text)
    assert [row[6] for row in rows(read_reads(path))] == [1, 3]
    assert [row[6] for row in rows(read_reads(path, scale=GRADE_SCALES["wildermuth"]))] == [2, 3]


def test_published_values_are_told_from_reads(tmp_path: Path) -> None:
    reads = write(tmp_path, "case,system,y_true,y_pred\na,X,0,1\n", "reads.csv")
    registry = write(tmp_path, "System,Rows,Accuracy,QWK,Note\nX,1,0.80,0.7,best\n", "registry.csv")
    found = read_reads(reads, registry)
    assert found.published == {"X": {"accuracy": Decimal("0.80"), "qwk": Decimal("0.7")}}
    assert found.skipped == {"registry.csv": ("Rows",)}


def test_a_frame_of_ones_own_is_reads_too() -> None:
    frame = pd.DataFrame({column: [] for column in READ_COLUMNS})
    assert Reads(frame).scale.name == "Lee"


HEAD = "case,level,side,reader,grade\n"


@pytest.mark.parametrize(
    "text, match",
    [
        ("", "reads.csv is empty"),
        (HEAD, "the tables hold no reads, expected a row per foramen and reader"),
        ("case,level,side\n1,L4-L5,left\n", "reads.csv holds neither grades nor areas: found the columns case, level"),
        ("level,side,grade\nL4-L5,left,1\n", "does not say what was read: .* expected case or patient"),
        (HEAD + "1,L4-L5,left,AB,4\n", "line 2: the Lee grade is '4', expected one of 0, 1, 2, 3, or nothing"),
        (HEAD + "1,L4-L5,left,AB,1.5\n", "the Lee grade is '1.5', expected one of"),
        (HEAD + "1,L4-L5,middle,AB,1\n", "line 2: side is 'middle', expected left or right"),
        (HEAD + "1,L4-L5,left,,1\n", "line 2: reader is blank, expected a name"),
        (HEAD + ",L4-L5,left,AB,1\n", "line 2: case is blank"),
        (HEAD + "1,L4-L5,left,AB\n", "line 2: found 4 cells, expected 5 as in the header"),
        (
            HEAD + "1,L4-L5,left,AB,1\n1,L4/5,l,AB,2\n",
            "line 3: the same foramen, reader and session as in reads.csv, line 2, with the grade 2 instead of 1",
        ),
        (
            "case,patient,reader,grade\n1,A,X,0\n1,B,Y,0\n",
            "line 3: its case belongs to another patient in reads.csv, line 2",
        ),
        ("case,grade,lee_grade\n1,0,0\n", "has 2 columns for one thing, grade and lee_grade: expected one"),
        ("case,reader,area_mm2\n1,AB,wide\n", "line 2: the area is 'wide', expected mm2 as a number"),
        ("case,reader,area_mm2\n1,AB,-3\n", "the area is '-3', expected mm2"),
        ("case,reader,area_mm2\n1,AB,inf\n", "the area is 'inf', expected mm2"),
        (
            "case,level,side,reader,lost_borders\n1,L4-L5,left,AB,X\n",
            "line 2: lost_borders is 'X', expected letters of S, P, I, A",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=match):
        read_reads(path)


def test_what_is_refused_of_files(tmp_path: Path) -> None:
    path = write(tmp_path, LONG)
    with pytest.raises(InputError, match="has a column of readers and is given the name 'X' too"):
        read_reads(f"X={path}")
    with pytest.raises(InputError, match=r"none.csv: no such file"):
        read_reads(tmp_path / "none.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty is a folder without CSV files"):
        read_reads(tmp_path / "empty")
    with pytest.raises(InputError, match="expected a table of reads, found none"):
        read_reads()
    with pytest.raises(InputError, match="no table has the column Smith of a reader's grades"):
        read_reads(path, columns=["Smith"])
    published = write(tmp_path, "system,accuracy\nX,high\n", "registry.csv")
    with pytest.raises(InputError, match="line 2, column accuracy: found 'high', expected a number"):
        read_reads(path, published)


@pytest.mark.parametrize(
    "scale, cell, grade",
    [
        ("lee", " 3 ", 3),
        ("lee", "0.0", 0),
        ("sartoretti", "a", "A"),
        ("sartoretti", "C24", "C"),
        ("rsna", "normal/mild", "Normal/Mild"),
        ("rsna", "<NA>", None),
        ("wildermuth", "not gradable", None),
    ],
)
def test_cells_of_a_scale(scale: str, cell: str, grade: object) -> None:
    assert GRADE_SCALES[scale].read(cell) == grade


@pytest.mark.parametrize("scale, cell", [("lee", "A"), ("sartoretti", "C9"), ("sartoretti", "G"), ("rsna", "mild")])
def test_cells_of_another_scale(scale: str, cell: str) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        GRADE_SCALES[scale].read(cell)
