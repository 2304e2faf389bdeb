"""The command line: parses, calls, prints.

Results go to stdout and files, complaints to stderr in one or two plain sentences. Exit status: 0 all done, foramina
that cannot be graded among the results; 1 some case failed and the rest is there; 2 wrong usage or unreadable input. A
traceback means a bug.
"""

from foramgrade.cli import agreeing, cohorts, comparing, exporting, grading, looking, phantoms, reporting
from foramgrade.cli.program import app, main

__all__ = [
    "agreeing",
    "app",
    "cohorts",
    "comparing",
    "exporting",
    "grading",
    "looking",
    "main",
    "phantoms",
    "reporting",
]
