"""The documentation says what the code does: pages that follow from it are current, and no page is lost."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_pages_that_follow_from_the_code_are_current() -> None:
    command = [sys.executable, "scripts/make_reference.py", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_every_page_is_in_the_menu_and_every_link_leads_somewhere() -> None:
    menu = set(re.findall(r":\s(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert menu == pages
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_way_to_a_checked_grade_is_short() -> None:
    lines = (ROOT / "docs" / "start.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith(("python -m pip", "foramgrade "))]
    assert len(commands) <= 5
    assert len(lines) <= 25
