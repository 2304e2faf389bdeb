"""The review page as a file."""

import json
import re
from dataclasses import replace

import pytest

from foramgrade.errors import InputError
from foramgrade.review import ReviewStudy, find_studies, write_report


def data_of(page: str) -> dict:
    (packed,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(packed)


@pytest.fixture(scope="module")
def page(results, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    assert write_report(find_studies(results), path) == 10
    return path.read_text(encoding="utf-8")


def test_the_page_holds_every_foramen_with_its_evidence(page, study) -> None:
    (one,) = data_of(page)["studies"]
    assert one["case"] == "sample"
    for shown, foramen in zip(one["foramina"], study.foramina, strict=True):
        assert (shown["level"], shown["side"], shown["lee"]) == (foramen.level.name, foramen.side, foramen.grade.lee)
        assert shown["reasons"] == list(foramen.reasons)
        assert shown["film"]["sections"][shown["film"]["chosen"]]["opening"].startswith("M")
        assert len(shown["film"]["sections"]) == foramen.n_sections + 2


def test_nothing_is_loaded_and_nothing_else_may_run(page) -> None:
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:|//|file:)", page)
    assert "default-src 'none'" in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert "unsafe" not in policy.group(1)
    assert page.count("<script") == 2
    assert len(page) < 1.5e6


def test_two_pages_of_the_same_results_are_the_same(results, page, tmp_path) -> None:
    write_report(find_studies(results), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_a_cohort_is_one_page_and_a_study_without_film_is_kept(cohort, tmp_path) -> None:
    assert write_report(find_studies(cohort), tmp_path / "report.html", blind=True, reader="AB") == 20
    found = data_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert (found["blind"], found["reader"]) == (True, "AB")
    assert [(one["case"], one["foramina"][0]["film"] is None) for one in found["studies"]] == [
        ("one", False),
        ("two", True),
    ]


def test_what_is_no_folder_of_results_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"has no assessment\.json in it, expected a folder that foramgrade grade"):
        list(find_studies(tmp_path))
    with pytest.raises(InputError, match="nowhere is no folder, expected one that foramgrade grade or batch wrote"):
        list(find_studies(tmp_path / "nowhere"))


def test_a_film_of_another_kind_is_refused(results, tmp_path) -> None:
    (tmp_path / "assessment.json").write_bytes((results / "assessment.json").read_bytes())
    (tmp_path / "film.json").write_text('{"format": "reel"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"film\.json is no film: expected the format 'foramgrade film 1'"):
        list(find_studies(tmp_path))


def test_cases_of_one_name_are_refused(study, tmp_path) -> None:
    twice = [ReviewStudy(study, None), ReviewStudy(replace(study, scheme="other"), None)]
    with pytest.raises(InputError, match="1 names of cases twice, such as 'sample', expected studies with names of"):
        write_report(twice, tmp_path / "report.html")
