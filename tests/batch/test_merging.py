"""Shards put together: the bytes of one run, and refusals of what does not belong together."""

import json
import shutil
from pathlib import Path

import pytest

from foramgrade.batch import Choices, Shard, merge_shards
from foramgrade.errors import InputError

from .conftest import LONG, Run, tables


@pytest.fixture
def shards(cohort: Path, tmp_path: Path, run_here: Run) -> list[Path]:
    """Three shards, two of them in one folder."""
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "one"]
    for index, folder in enumerate(folders, start=1):
        run_here(cohort, folder, shard=Shard(index, 3))
    return folders[:2]


def test_merged_shards_are_the_bytes_of_one_run(
    cohort: Path, shards: list[Path], tmp_path: Path, run_here: Run
) -> None:
    seen: list[tuple[int, int]] = []
    merged = merge_shards(shards, tmp_path / "merged", progress=lambda *told: seen.append(told))
    assert merged.shards == 3
    assert seen == [(n + 1, 4) for n in range(4)]
    run_here(cohort, tmp_path / "whole")
    assert tables(tmp_path / "merged") == tables(tmp_path / "whole")
    run = json.loads((tmp_path / "merged" / "run.json").read_bytes())
    assert [told["shard"] for told in run["merged_from"]] == ["1/3", "2/3", "3/3"]


def test_merged_shards_of_a_long_cohort_are_the_bytes_of_one_run(
    long_cohort: Path, long_tables: dict[str, bytes], tmp_path: Path, run_here: Run
) -> None:
    out = tmp_path / "out"
    for index in (2, 1):
        run_here(long_cohort, out, shard=Shard(index, 2))
    merge_shards([out], out)
    assert tables(out) == long_tables
    # the folders of cases are those of a whole run: it has nothing left to do
    assert run_here(long_cohort, out).kept == LONG


def test_what_does_not_belong_together_is_refused(
    cohort: Path, shards: list[Path], tmp_path: Path, run_here: Run
) -> None:
    one, two = shards
    with pytest.raises(InputError, match="found 2 of 3 shards, expected all: missing 2"):
        merge_shards([one], tmp_path / "merged")
    with pytest.raises(InputError, match="found 1 of 3 shards, expected all: missing 1, 3"):
        merge_shards([two], tmp_path / "merged")
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none holds no shard that has ended"):
        merge_shards([one, tmp_path / "none"], tmp_path / "merged")
    with pytest.raises(InputError, match="found no folder to merge"):
        merge_shards([], tmp_path / "merged")
    shutil.copytree(two, tmp_path / "copy")
    with pytest.raises(InputError, match="found shard 2/3 twice"):
        merge_shards([one, two, tmp_path / "copy"], tmp_path / "merged")
    run_here(cohort, tmp_path / "other", shard=Shard(2, 3), choices=Choices(fat_is_bright=True))
    with pytest.raises(InputError, match=r"shards 1/3 and 2/3 differ in their parameters: they are not of one run"):
        merge_shards([one, tmp_path / "other"], tmp_path / "merged")
    run_here(cohort, tmp_path / "halves", shard=Shard(2, 2))
    with pytest.raises(InputError, match="found shards 1/3 and 2/2, expected parts of one division"):
        merge_shards([one, tmp_path / "halves"], tmp_path / "merged")
    cohort.write_text(cohort.read_text(encoding="utf-8").replace("case 3", "case 4"), encoding="utf-8")
    run_here(cohort, tmp_path / "changed", shard=Shard(2, 3))
    with pytest.raises(InputError, match="differ in their cases"):
        merge_shards([one, tmp_path / "changed"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_damaged_shard_is_refused(shards: list[Path], tmp_path: Path) -> None:
    folder = shards[1] / "shards" / "2-of-3"
    table, run = folder / "foramina.csv", folder / "run.json"
    table.write_bytes(table.read_bytes().replace(b"right", b"left", 1))
    with pytest.raises(InputError, match="the tables of shards/2-of-3 are not the ones that its run has written"):
        merge_shards(shards, tmp_path / "merged")
    run.write_text("{")
    with pytest.raises(InputError, match=r"run.json of shards/2-of-3 is damaged: run that shard again"):
        merge_shards(shards, tmp_path / "merged")
    run.write_text('{"format": "foramgrade run 9"}')
    with pytest.raises(InputError, match="was written by another version"):
        merge_shards(shards, tmp_path / "merged")
