"""The review page in a real browser: looking, grading by keyboard, verdicts out and in again, and blind reading."""

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest

from foramgrade.review import find_studies, write_report


def press(browser, *keys: str) -> None:
    for key in keys:
        browser.find_element("tag name", "body").send_keys(key)


def text(browser, css: str) -> str:
    return browser.find_element("css selector", css).text


def count(browser, css: str) -> int:
    return len(browser.find_elements("css selector", css))


def fill(browser, name: str, words: str) -> None:
    box = browser.find_element("id", name)
    box.clear()
    box.send_keys(words)
    browser.execute_script("document.activeElement.blur()")


def download(browser, downloads: Path, name: str) -> Path:
    path = downloads / name
    path.unlink(missing_ok=True)
    press(browser, "e")
    for _ in range(100):
        if path.is_file() and path.stat().st_size:
            return path
        time.sleep(0.05)
    pytest.fail(f"no {name} was downloaded: {text(browser, '#message')}")


def run(*arguments: object) -> str:
    command = [sys.executable, "-m", "foramgrade", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def select(browser, name: str, words: str) -> None:
    """Choose in a list as a user does, by its words."""
    chosen = browser.find_element("id", name)
    chosen.send_keys(words)
    browser.execute_script("arguments[0].blur()", chosen)
    assert browser.execute_script("return arguments[0].selectedOptions[0].textContent", chosen) == words


@pytest.fixture
def open_page(browser, results, tmp_path):
    def open_page(folder: Path = results, **options):
        path = tmp_path / f"report-{time.monotonic_ns()}.html"
        write_report(find_studies(folder), path, **options)
        browser.get(path.as_uri())
        browser.execute_script("localStorage.clear()")
        browser.refresh()
        return browser

    yield open_page
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    assert complaints == []


def test_looking_by_keyboard(open_page, study) -> None:
    browser = open_page()
    assert text(browser, "#title") == "L1-L2 right · sample"
    assert count(browser, "#picture path.opening") == count(browser, "#picture path.root") == 1
    press(browser, "j")
    assert text(browser, "#title") == "L1-L2 left · sample"
    box = browser.find_element("css selector", "#picture svg").get_dom_attribute("viewBox")
    press(browser, "+")
    assert browser.find_element("css selector", "#picture svg").get_dom_attribute("viewBox") != box
    press(browser, "o")
    assert count(browser, "#picture path") == 0
    press(browser, "o", "]")
    style = browser.find_element("css selector", "#picture image").get_attribute("style")
    assert "contrast(0.8" in style
    before = text(browser, "#section-name")
    press(browser, "\ue012")  # arrow to the left
    assert text(browser, "#section-name") != before
    assert count(browser, "#picture path.root") == 0  # the root is outlined where it was read


def test_what_a_file_says_stays_text(open_page) -> None:
    browser = open_page()
    assert "</script><script>document.title='run'</script>" in text(browser, "#machine")
    assert browser.title == "Review of one study - foramgrade"
    assert count(browser, "#machine img") == 0


def test_verdicts_go_out_come_back_and_are_read_by_the_commands(open_page, downloads, tmp_path) -> None:
    browser = open_page()
    fill(browser, "reader", "Dr A")
    press(browser, "a", "j", "2", "j", "n")
    fill(browser, "comment", '=HYPERLINK("x"), dark')
    assert text(browser, "#progress") == "3 of 10 read"
    path = download(browser, downloads, "verdicts_Dr-A.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["level"], row["side"], row["grade"], row["verdict"]) for row in rows] == [
        ("L1-L2", "right", "0", "accept"),
        ("L1-L2", "left", "2", "change"),
        ("L2-L3", "right", "", "not-gradable"),
    ]
    assert {row["reader"] for row in rows} == {"Dr A"}
    assert rows[2]["comment"] == '\'=HYPERLINK("x"), dark'
    assert rows[0]["superior"] == "preserved"
    assert rows[1]["superior"] == "unknown"
    # A fresh browser takes them back.
    browser = open_page()
    assert text(browser, "#progress") == "0 of 10 read"
    browser.find_element("id", "import").send_keys(str(path))
    assert text(browser, "#message") == "Imported 3 verdicts."
    assert text(browser, "#progress") == "3 of 10 read"
    press(browser, "j", "j")
    assert browser.find_element("id", "comment").get_attribute("value") == '=HYPERLINK("x"), dark'
    other = tmp_path / "other.csv"
    other.write_text(path.read_text(encoding="utf-8").replace("Dr A", "Dr B"), encoding="utf-8")
    assert "Dr B" in run("agreement", path, other)
    run("findings", path, "--out", tmp_path / "graded.csv")
    graded = (tmp_path / "graded.csv").read_text(encoding="utf-8").splitlines()
    assert len(graded) == 4
    assert "Lee 0" in graded[1]


def test_a_blind_reader_sees_nothing_before_the_answer(open_page) -> None:
    browser = open_page(blind=True, reader="B")
    assert "Lee" not in text(browser, "#machine")
    assert count(browser, "#picture path") == 0
    assert not browser.find_element("id", "measures").is_displayed()
    cells = [cell.text for cell in browser.find_elements("css selector", "#list tbody td:nth-child(4)")]
    assert set(cells) == {"·"}
    press(browser, "a")  # there is nothing to accept yet
    assert text(browser, "#progress") == "0 of 10 read · blind"
    press(browser, "1")
    assert "Lee 0" in text(browser, "#machine")
    assert count(browser, "#picture path.opening") == 1
    assert [cell.text for cell in browser.find_elements("css selector", "#list tbody td:nth-child(4)")][:2] == [
        "0",
        "·",
    ]


def test_a_cohort_is_filtered_and_sorted(open_page, cohort) -> None:
    browser = open_page(cohort)
    assert count(browser, "#list tbody tr") == 20
    select(browser, "f-level", "L2-L3")
    select(browser, "f-side", "left")
    assert count(browser, "#list tbody tr") == 2
    select(browser, "f-level", "all")
    select(browser, "f-side", "both")
    for _ in range(2):
        browser.find_element("css selector", "[data-sort=lee]").click()
    grades = [cell.text for cell in browser.find_elements("css selector", "#list tbody td:nth-child(4)")]
    assert grades == sorted(grades, reverse=True)
    browser.find_element("css selector", "#list tbody tr button").click()
    press(browser, "3")
    select(browser, "f-verdict", "done")
    assert count(browser, "#list tbody tr") == 1


def test_every_control_has_a_name(open_page) -> None:
    browser = open_page()
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('input, select, button')].filter(e => !(e.labels?.length || "
        "e.textContent.trim() || e.getAttribute('aria-label'))).map(e => e.outerHTML)"
    )
    assert nameless == []
