"""A folder of results: whole or as it was."""

from pathlib import Path

import pytest

from foramgrade.errors import InputError
from foramgrade.exports.folder import fill_folder, replace_file

BUG = "a bug in the middle of writing"


def test_files_arrive_together(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    with fill_folder(out) as part:
        (part / "panels").mkdir()
        (part / "panels" / "one.png").write_text("1")
        (part / "table.csv").write_text("2")
        assert [path.name for path in out.iterdir()] == [part.name]
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*")) == [
        "panels",
        "panels/one.png",
        "table.csv",
    ]


def _fill(folder: Path, *, fail: bool = False) -> None:
    with fill_folder(folder) as part:
        (part / "table.csv").write_text("new")
        if fail:
            raise ZeroDivisionError(BUG)


def _replace(path: Path, *, fail: bool = False) -> None:
    with replace_file(path) as part:
        assert part.name.endswith(".nii.gz")
        part.write_text("new")
        if fail:
            raise ZeroDivisionError(BUG)


def test_a_failure_keeps_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("old")
    with pytest.raises(ZeroDivisionError, match=BUG):
        _fill(tmp_path, fail=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("table.csv", "old")]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "panels").mkdir()
    (tmp_path / "panels" / "mine.txt").write_text("mine")
    with fill_folder(tmp_path) as part:
        (part / "panels").mkdir()
        (part / "panels" / "one.png").write_text("1")
    assert sorted(path.name for path in (tmp_path / "panels").iterdir()) == ["mine.txt", "one.png"]


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write results: file is a file, expected a folder"):
        _fill(tmp_path / "file")
    with pytest.raises(InputError, match="cannot write results to out: Not a directory"):
        _fill(tmp_path / "file" / "out")
    (tmp_path / "out" / "table.csv").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot write results to out: Is a directory"):
        _fill(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["table.csv"]


def test_one_file_is_replaced_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError, match=BUG):
        _replace(path, fail=True)
    assert path.read_text() == "old"
    _replace(path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("map.nii.gz", "new")]
    with pytest.raises(InputError, match=r"cannot write map.nii.gz: No such file"):
        _replace(tmp_path / "nowhere" / "map.nii.gz")
