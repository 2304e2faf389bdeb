"""Tables on disk: free text survives, spreadsheets run nothing, and bad files are named."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from foramgrade.errors import InputError
from foramgrade.tables import COLUMNS, StudyAssessment, read_csv, rows, write_atomically, write_csv, write_rows


@pytest.fixture
def table(study: StudyAssessment, tmp_path: Path) -> Path:
    """Path of a written table."""
    write_csv(study, tmp_path / "foramina.csv")
    return tmp_path / "foramina.csv"


@pytest.mark.parametrize(
    "case", ["=1+1", "+49", "-x", "@sum", "\tx", "＝1", "'quoted", "''", "007", "NA", "null", "1e3"]
)
def test_free_text_round_trips_and_never_starts_a_formula(study: StudyAssessment, tmp_path: Path, case: str) -> None:
    write_csv(replace(study, case=case), tmp_path / "foramina.csv")
    first = (tmp_path / "foramina.csv").read_text(encoding="utf-8").splitlines()[1]
    assert not first.startswith(("=", "+", "-", "@", "\t", "＝"))
    frame = read_csv(tmp_path / "foramina.csv")
    assert list(frame["case"]) == [case, case]


def test_numbers_below_zero_are_left_alone(table: Path) -> None:
    assert ",-21.25," in table.read_text(encoding="utf-8")
    assert read_csv(table)["section_x_mm"].iloc[0] == -21.25


@pytest.mark.parametrize("case", ['a "b", c', "Größe 3", "first\r\nsecond", "日本"])
def test_quotes_commas_line_ends_and_other_scripts(study: StudyAssessment, tmp_path: Path, case: str) -> None:
    write_csv(replace(study, case=case), tmp_path / "foramina.csv")
    assert len((tmp_path / "foramina.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert read_csv(tmp_path / "foramina.csv")["case"].iloc[0] == " ".join(case.splitlines())


def test_rows_of_several_studies_make_one_table(study: StudyAssessment, tmp_path: Path) -> None:
    write_rows([*rows(study), *rows(replace(study, case="case-8"))], tmp_path / "all.csv")
    assert list(read_csv(tmp_path / "all.csv")["case"]) == ["case-7", "case-7", "case-8", "case-8"]


def test_a_table_that_went_through_a_spreadsheet_is_the_same_table(table: Path, study: StudyAssessment) -> None:
    text = table.read_text(encoding="utf-8").replace(",true,", ",TRUE,").replace(",false,", ",FALSE,")
    text = text.replace(",17.00,", ",17,").replace("\n", "\r\n")
    table.write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    pd.testing.assert_frame_equal(read_csv(table), study.to_frame())


def test_further_and_moved_columns_are_kept_as_text_behind_ours(table: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(f"{extra},{line}" for extra, line in zip(("note", "1", ""), lines, strict=True)))
    frame = read_csv(table)
    assert tuple(frame.columns) == (*COLUMNS, "note")
    assert frame["note"].dtype == "string"
    assert frame["note"].iloc[0] == "1"
    assert frame["note"].iloc[1] is pd.NA


def edit(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


BAD_TABLES = [
    (edit(",1,floor", ",mild,floor"), r"foramina.csv, line 2, column lee_grade: found 'mild', expected a whole number"),
    (edit(",1,floor", ",1.5,floor"), r"foramina.csv, line 2, column lee_grade: found '1.5', expected a whole number"),
    (edit("88.13", "88;13"), r"foramina.csv, line 2, column area_mm2: found '88;13', expected a number or nothing"),
    (edit("88.13", "inf"), r"foramina.csv, line 2, column area_mm2: found 'inf', expected a number or nothing"),
    (edit("88.13", "nan"), r"foramina.csv, line 2, column area_mm2: found 'nan', expected a number or nothing"),
    (edit(",false,", ",no,"), r"foramina.csv, line 3, column gradable: found 'no', expected true or false or nothing"),
    (edit("lee_grade", "grade"), r"foramina.csv lacks the columns lee_grade: expected those of foramina.csv"),
    (lambda text: text.replace(",", ";"), r"foramina.csv lacks the columns case, level, .* separated by commas"),
    (edit(",right,", ",right,right,"), r"foramina.csv, line 2: found 44 cells, expected 43 as in the header"),
    (edit('"Fat', '"Fat" lost'), r"foramina.csv is not a table in UTF-8, separated by commas: "),
    (lambda text: "", r"foramina.csv is empty, expected the columns of foramina.csv in its first line"),
]


@pytest.mark.parametrize("change, message", BAD_TABLES)
def test_a_bad_table_is_refused_with_its_place(table: Path, change: Callable[[str], str], message: str) -> None:
    text = table.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    table.write_text(changed, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_csv(table)


def test_another_encoding_is_refused(table: Path) -> None:
    table.write_bytes(table.read_text(encoding="utf-8").replace("case-7", "Größe").encode("latin-1"))
    with pytest.raises(InputError, match=r"foramina.csv is not a table in UTF-8, separated by commas: "):
        read_csv(table)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^cannot read none.csv: No such file or directory$"):
        read_csv(tmp_path / "none.csv")


def test_a_missing_folder_is_an_error_and_leaves_nothing(study: StudyAssessment, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^cannot write foramina.csv: No such file or directory$"):
        write_csv(study, tmp_path / "absent" / "foramina.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_or_not_at_all(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = table.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"cannot write foramina.csv: No space left on device"):
        write_atomically("half", table)
    assert table.read_bytes() == before
    assert [path.name for path in table.parent.iterdir()] == ["foramina.csv"]


def test_a_new_file_has_the_permissions_of_any_new_file(table: Path, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert table.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_name_that_is_not_text_on_disk_is_written_escaped(tmp_path: Path) -> None:
    write_atomically(os.fsdecode(b"caf\xe9") + "\n", tmp_path / "name.txt")
    assert (tmp_path / "name.txt").read_bytes() == b"caf\\udce9\n"
