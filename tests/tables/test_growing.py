"""The long table, in two formats, row by row: the values of the short one, and the same bytes again."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from foramgrade.errors import InputError
from foramgrade.tables import COLUMNS, growing, read_csv, write_rows
from foramgrade.tables.columns import Cell
from foramgrade.tables.growing import open_table, walk_rows

ROW: dict[str, Cell] = dict.fromkeys(COLUMNS) | {
    "case": "=1+1",
    "level": "L4-L5",
    "side": "left",
    "lee_grade": 2,
    "lee_defined": True,
    "gradable": False,
    "area_mm2": 88.45,
    "reasons": 'a "quoted", sentence',
}
CARRIED = ("site",)


def _write(folder: Path, rows: list[dict[str, Cell]]) -> tuple[Path, Path]:
    paths = folder / "t.csv", folder / "t.parquet"
    with open_table(*paths, columns=(*COLUMNS, *CARRIED)) as table:
        for row in rows:
            table.add(row)
    return paths


def test_both_formats_hold_the_rows(tmp_path: Path) -> None:
    rows = [ROW | {"site": "A, B"}, ROW | {"lee_grade": None, "site": None}]
    text, parquet = _write(tmp_path, rows)
    assert pq.read_table(parquet).to_pylist() == rows
    assert list(walk_rows(text, columns=(*COLUMNS, *CARRIED))) == rows
    frame = pd.read_parquet(parquet)
    assert frame.area_mm2.tolist() == read_csv(text).area_mm2.tolist() == [88.45, 88.45]


def test_groups_are_written_as_they_fill_and_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "GROUP_ROWS", 4)
    rows = [ROW | {"area_mm2": float(n)} for n in range(10)]
    (tmp_path / "again").mkdir()
    first, again = _write(tmp_path, rows), _write(tmp_path / "again", rows)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert pq.ParquetFile(first[1]).num_row_groups == 3
    assert pq.read_table(first[1]).column("area_mm2").to_pylist() == [float(n) for n in range(10)]


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    text, parquet = _write(tmp_path, [])
    assert text.read_text() == ",".join((*COLUMNS, *CARRIED)) + "\n"
    assert pq.read_table(parquet).column_names == [*COLUMNS, *CARRIED]


def test_a_long_table_is_walked_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_AT_ONCE", 100)
    rows = [ROW | {"reasons": f"ä{n} " * (n % 7)} for n in range(50)]
    rows = [row | {"reasons": row["reasons"] or None} for row in rows]
    write_rows(rows, tmp_path / "t.csv")
    assert list(walk_rows(tmp_path / "t.csv")) == rows


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "cannot read t.csv: No such file"),
        ("", "t.csv does not have the columns of this version"),
        ("case,level\na,b\n", "t.csv does not have the columns of this version"),
        (",".join(COLUMNS) + "\na,b\n", "t.csv is damaged"),
        (",".join(COLUMNS) + "\n" + ",".join("x" * len(COLUMNS)) + "\n", "t.csv is damaged: .*'x'"),
        (",".join(COLUMNS) + '\n"a', "t.csv is damaged"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        list(walk_rows(tmp_path / "t.csv"))
