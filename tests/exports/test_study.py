"""The folder of a study: complete, the same bytes again, without the leavings of an earlier run."""

from dataclasses import replace
from pathlib import Path

from foramgrade.exports import write_study

from .conftest import Case

TABLES = ("foramina.csv", "assessment.json", "sheet.png", "foramina.nii.gz", "foramina.json")


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_everything_is_written_and_the_same_again(case: Case, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    pages = [f"panels/{f.name}.png" for f in case.study.foramina if f.evidence is not None]
    names = write_study(
        case.study, case.phantom.labels.grid, tmp_path / "a", progress=lambda done, total: steps.append((done, total))
    )
    assert names == (*TABLES, *pages)
    assert steps == [(n + 1, len(pages)) for n in range(len(pages))]
    assert 0 < len(pages) < len(case.study.foramina)
    write_study(case.study, case.phantom.labels.grid, tmp_path / "b")
    first = _files(tmp_path / "a")
    assert set(first) == set(names)
    assert _files(tmp_path / "b") == first


def test_pages_of_an_earlier_run_go(case: Case, tmp_path: Path) -> None:
    panels = tmp_path / "panels"
    panels.mkdir()
    kept = ("notes.txt", "my L4-L5_left.png", "L4-L5_left.txt")
    for name in (*kept, "V6-V7_left.png", "L4-L5_right.png", "L4-L5_left.svg", "L4-L5_left.pdf"):
        (panels / name).write_text("earlier")
    assert write_study(case.study, case.phantom.labels.grid, tmp_path, panels=False) == TABLES
    assert sorted(path.name for path in panels.iterdir()) == sorted(kept)
    for name in kept:
        (panels / name).unlink()
    write_study(case.study, case.phantom.labels.grid, tmp_path, panels=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TABLES)


def test_the_film_is_kept_with_the_image_and_goes_with_another_run(case: Case, tmp_path: Path) -> None:
    grid, image = case.phantom.labels.grid, case.phantom.image
    names = write_study(case.study, grid, tmp_path, image=image, sheet=False, panels=False)
    assert "film.json" in names
    assert set(_files(tmp_path)) == set(names)
    write_study(case.study, grid, tmp_path, sheet=False, panels=False)
    assert "film.json" not in _files(tmp_path)


def test_pages_may_be_vectors(case: Case, tmp_path: Path) -> None:
    one = replace(case.study, foramina=tuple(f for f in case.study.foramina if f.evidence is not None)[:1])
    *_, page = write_study(one, case.phantom.labels.grid, tmp_path, sheet=False, panel_format="svg")
    assert (tmp_path / page).read_text(encoding="utf-8").lstrip().startswith("<?xml")
