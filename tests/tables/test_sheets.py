"""Tables of anyone's: what a spreadsheet saved comes back as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from foramgrade.errors import InputError
from foramgrade.tables import Sheet, read_sheet, write_sheet

KNOWN = ("level", "side", "root_shape")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_table_is_written_as_it_was_read(tmp_path: Path, separator: str, mark: bool, line_end: str) -> None:
    rows = (("L4-L5", 'a "b", c; d', "two\nlines"), ("", "=1+1", "\ttab"), ("0042", "ä", "carriage\rreturn"))
    sheet = Sheet(("level", "Root shape", "x,y;z"), rows, (3, 4, 5), separator, mark, line_end)
    write_sheet(sheet, tmp_path / "a.csv")
    again = read_sheet(tmp_path / "a.csv", known=KNOWN)
    assert replace(again, lines=sheet.lines) == sheet
    write_sheet(again, tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf") == mark


@pytest.mark.parametrize(
    "header, separator",
    [
        ("level;side", ";"),
        ("level;side;a,b,c,d", ";"),  # more commas, but fewer known names
        ('"level";"side"', ";"),
        ('"level"\t"side"', "\t"),
        ("x;y;z", ";"),  # nothing known: the most columns
        ("level", ","),
    ],
)
def test_the_separator_is_told_by_the_names_it_gives(tmp_path: Path, header: str, separator: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n", encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv", known=KNOWN)
    assert sheet.separator == separator
    assert sheet.rows == ()


def test_lines_are_those_of_the_file_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\nlevel,side\na,"b\nc"\n\n,\nd\n')
    sheet = read_sheet(tmp_path / "a.csv", known=KNOWN)
    assert sheet.rows == (("a", "b\nc"), ("", ""), ("d",))
    assert sheet.lines == (4, 6, 7)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "a.csv is empty, expected the names of columns in its first line"),
        (b"\xef\xbb\xbf\n\n", "a.csv is empty, expected the names of columns in its first line"),
        ("level,side\nä".encode("cp1252"), "a.csv is not text in UTF-8: .* at byte 11; save it as CSV UTF-8"),
        (b"\xff\xfel\x00", "a.csv is not text in UTF-8: invalid start byte at byte 0"),
        (
            b'level,side\n"a,b\nc,d\n',
            "a.csv cannot be read as a table: unexpected end of data in line 3, expected cells",
        ),
        (b'level,side\n"a"b,c\n', "a.csv cannot be read as a table: ',' expected after '\"' in line 2, expected cells"),
        (b"level,side\n" + b"a" * 200_000, "a.csv cannot be read as a table: field larger than field limit"),
        (b"a" * 200_000, "a.csv cannot be read as a table: field larger than field limit"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=f"^{message}"):
        read_sheet(tmp_path / "a.csv", known=KNOWN)


def test_a_table_that_cannot_be_opened_or_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^none.csv: no such file$"):
        read_sheet(tmp_path / "none.csv", known=KNOWN)
    with pytest.raises(InputError, match=r"^cannot read .*: Is a directory$"):
        read_sheet(tmp_path, known=KNOWN)
    with pytest.raises(InputError, match=r"^cannot write a.csv: No such file or directory$"):
        write_sheet(Sheet(("level",), (), ()), tmp_path / "nowhere" / "a.csv")
