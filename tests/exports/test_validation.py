"""The report of a validation as files."""

import hashlib
from pathlib import Path

import invented_checks
from foramgrade.exports import write_validation


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_report_is_whole_and_the_same_bytes_again(tmp_path) -> None:
    validation = invented_checks.make_validation()
    names = write_validation(validation, tmp_path / "a")
    assert names == ("validation.html", "validation.md", "validation_files/", "foramina.csv")
    write_validation(validation, tmp_path / "b")
    found = digests(tmp_path / "a")
    assert found == digests(tmp_path / "b")
    figures = {name for name in found if name.endswith(".svg")}
    text = (tmp_path / "a" / "validation.md").read_text(encoding="utf-8")
    page = (tmp_path / "a" / "validation.html").read_text(encoding="utf-8")
    assert figures == {
        f"validation_files/{name}.svg"
        for name in (
            "area_clinical_2d",
            "growth_edge_noise",
            "where_it_breaks",
            "lee_confusion",
            "confidence_calibration",
        )
    }
    assert all(f"({name})" in text for name in figures)
    assert page.count("data:image/svg+xml;base64,") == len(figures)
    assert len((tmp_path / "a" / "foramina.csv").read_text().splitlines()) == 1 + len(validation.checks)
