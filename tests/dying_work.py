"""Work for the engines' tests, in a module that other processes can import."""

import os
import signal
import time
from pathlib import Path

from foramgrade.batch.cases import BatchCase
from foramgrade.batch.outcome import Outcome, State
from foramgrade.errors import StoppedError


def note_threads(case: BatchCase) -> Outcome:
    """Say how many threads libraries may use, and which process this is."""
    return Outcome(case.case, State.DONE, problem=os.environ["OMP_NUM_THREADS"], foramina=os.getpid())


def die_once(case: BatchCase, folder: Path) -> Outcome:
    """Be killed the first time that a case "dies once" comes, and every time for "dies"."""
    mark = folder / f"tried-{case.case}"
    first = not mark.exists()
    mark.touch()
    if case.case == "dies" or (case.case == "dies once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return Outcome(case.case, State.DONE)


def die(_: BatchCase) -> Outcome:
    """Be killed whatever comes."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def linger(case: BatchCase) -> Outcome:
    """Take a minute; "a" finds the disk full."""
    if case.case == "a":
        return stop(case)
    time.sleep(60)
    return Outcome(case.case, State.DONE)


def stop(case: BatchCase) -> Outcome:
    """Find the disk full."""
    msg = "cannot write"
    raise StoppedError(msg)
