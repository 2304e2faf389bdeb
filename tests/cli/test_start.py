"""Help and version at once, without the libraries that only the work needs; a bar only where somebody watches."""

import io
import re
import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

from foramgrade.cli import doors, screen
from foramgrade.cli.options import SEAL_LIMIT_MM
from foramgrade.geometry import opening

from .conftest import Call

HEAVY = (
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "SimpleITK",
    "nibabel",
    "pyarrow",
    "distributed",
    "foramgrade.phantom",
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["grade", "--help"],
        ["batch", "--help"],
        ["merge", "--help"],
        ["export", "--help"],
        ["agreement", "--help"],
        ["compare", "--help"],
        ["grade"],
        ["--version"],
        ["grade", "a", "--policy", "x"],
    ],
)
def test_only_the_work_loads_what_is_heavy(arguments: list[str]) -> None:
    program = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from foramgrade.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print('LOADED', *(n for n in {HEAVY!r} if n in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "LOADED"


def test_version_and_help(start: Call, run: Call) -> None:
    assert start("--version").out == f"foramgrade {version('foramgrade')}\n"
    assert run().status == 2
    for arguments in (
        ["--help"],
        ["grade", "--help"],
        ["batch", "--help"],
        ["merge", "--help"],
        ["measure", "--help"],
        ["export", "--help"],
        ["findings", "--help"],
        ["inspect", "--help"],
        ["phantom", "--help"],
    ):
        ended = run(*arguments)
        assert (ended.status, ended.err) == (0, "")
        assert "Usage: foramgrade" in ended.out
    text = " ".join(run("--help").out.split())
    assert "Research and teaching only" in text
    commands = ("grade", "batch", "merge", "measure", "findings", "inspect", "phantom")
    assert [name for name in commands if re.search(rf" {name} ", text) is None] == []
    assert "completion" not in text


def test_the_program_is_installed() -> None:
    (script,) = (entry for entry in entry_points(group="console_scripts") if entry.name == "foramgrade")
    assert script.value == "foramgrade.cli:main"
    assert script.load().__name__ == "main"


def test_the_copied_default_is_the_one_of_the_geometry() -> None:
    assert SEAL_LIMIT_MM == opening.SEAL_LIMIT_MM


def test_every_door_opens() -> None:
    for name in doors.__all__:
        assert getattr(doors, name).__name__.split(".")[0] in ("foramgrade", "numpy")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("patience_s, shown", [(0.0, True), (60.0, False)])
def test_a_bar_is_shown_to_who_waits(monkeypatch: pytest.MonkeyPatch, patience_s: float, shown: bool) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(screen, "PATIENCE_S", patience_s)
    monkeypatch.setenv("TERM", "xterm")
    with screen.show_progress("Foramina") as report:
        report(1, 10)
        report(7, 10)
    assert (" 7/10" in terminal.getvalue()) == shown
    assert bool(terminal.getvalue()) == shown


def test_no_bar_where_nobody_watches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(screen, "PATIENCE_S", 0.0)
    with screen.show_progress("Foramina") as report:
        report(1, 10)
    assert capsys.readouterr().err == ""
