"""The main job reaches no network: it is run where making a socket is an error."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Refuses sockets, whoever makes them: the interpreter tells its audit hooks of every one.
PROGRAM = """
import socket, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise AssertionError(f"{event} while grading")

sys.addaudithook(refuse)
try:
    socket.socket()
except AssertionError:
    pass
else:
    sys.exit("the guard does not work")

from foramgrade.cli import main

sys.argv = ["foramgrade", *sys.argv[1:]]
main()
"""


def run(*arguments: object) -> None:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr


def test_grading_and_reviewing_make_no_socket(tmp_path: Path) -> None:
    sample = ("sample_data/lumbar_T1.nii.gz", "--labels", "sample_data/lumbar_labels.nii.gz")
    run("grade", *sample, "--scheme", "totalspineseg", "--sequence", "T1", "--no-panels", "--out", tmp_path / "out")
    run("report", tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()
