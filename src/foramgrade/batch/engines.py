"""Local processes that run cases; a process that dies takes the case in hand with it, and nothing else.

The pool of the standard library is broken as a whole when one of its processes is killed, and does not tell which task
that process had. So every process is a pool of its own, with one case at a time.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from signal import SIG_IGN, SIGINT, SIGTERM, signal

from foramgrade.batch.cases import BatchCase
from foramgrade.batch.outcome import Outcome
from foramgrade.errors import StoppedError

#: What an engine yields: a case, and what became of it; None where its process died, twice.
Result = tuple[BatchCase, Outcome | None]
#: Runs one case; can be sent to another process.
Work = Callable[[BatchCase], Outcome]

#: A process makes room for a fresh one after so many cases: what libraries leak does not add up.
CASES_PER_PROCESS = 500
#: Cases that wait for their second try; further ones count as lost at once.
MOST_WAITING = 1_000
#: So many deaths without a finished case in between are no matter of single cases.
MOST_DEATHS = 12
#: How often the engine looks whether it is to stop, seconds.
_LOOK_S = 0.2
#: One thread per process for what computes in C: processes are what makes use of the processors.
ONE_THREAD: Mapping[str, str] = dict.fromkeys(
    (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
        *("NUMEXPR_NUM_THREADS", "BLIS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"),
    ),
    "1",
)


def run_locally(
    cases: Iterable[BatchCase], work: Work, *, jobs: int, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Result]:
    """Run cases in processes of this computer.

    Parameters
    ----------
    cases : iterable of BatchCase
        Taken one by one as processes are free.
    work : callable
        Runs a case.
    jobs : int
        Number of processes.
    stopped : callable
        Whether to take no further case; those in hand are finished.

    Yields
    ------
    BatchCase, Outcome or None
        As they are finished. A case whose process dies is run again at the end, alone, when no other needs the memory.

    Raises
    ------
    StoppedError
        As `work` does; or if processes die one after the other without finishing a case.
    """
    again: deque[BatchCase] = deque()
    deaths = 0
    with _one_thread():
        for case, outcome, died in _run(iter(cases), work, jobs, stopped):
            deaths = deaths + 1 if died else 0
            _check_deaths(deaths)
            if died and len(again) < MOST_WAITING:
                again.append(case)
            else:
                yield case, outcome
        # no list is made of them: one is taken as the process is free
        for case, outcome, died in _run(iter(again), work, 1, stopped):
            deaths = deaths + 1 if died else 0
            _check_deaths(deaths)
            yield case, outcome


def _run(
    cases: Iterator[BatchCase], work: Work, jobs: int, stopped: Callable[[], bool]
) -> Iterator[tuple[BatchCase, Outcome | None, bool]]:
    free = [_Process() for _ in range(jobs)]
    busy: dict[Future[Outcome], tuple[_Process, BatchCase]] = {}
    try:
        while True:
            while free and not stopped() and (case := next(cases, None)) is not None:
                process = free.pop()
                busy[process.start(work, case)] = process, case
            if not busy:
                return
            done, _ = wait(busy, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                process, case = busy[future]
                try:
                    outcome, died = future.result(), False
                except BrokenProcessPool:
                    outcome, died = None, True
                del busy[future]  # only now: what stops the run is raised above, and every process must be found below
                free.append(process.renewed() if died or process.is_worn else process)
                yield case, outcome, died
    finally:
        for process, _ in busy.values():  # none, unless the run is broken off: what they do is half done and counts not
            process.kill()
        for process in (*free, *(process for process, _ in busy.values())):
            process.end()


class _Process:
    """One process, started with its first case."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
        self._cases = 0
        self._children: set[multiprocessing.process.BaseProcess] = set()

    @property
    def is_worn(self) -> bool:
        return self._cases >= CASES_PER_PROCESS

    def start(self, work: Work, case: BatchCase) -> "Future[Outcome]":
        before = set(multiprocessing.active_children())
        self._cases += 1
        future = self._pool.submit(work, case)
        self._children |= set(multiprocessing.active_children()) - before
        return future

    def renewed(self) -> "_Process":
        self.end()
        return _Process()

    def kill(self) -> None:
        for child in self._children:
            child.kill()

    def end(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Set up a process: signals to stop are the parent's matter, and without the parent there is nothing to do."""
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_IGN)  # SLURM sends it to every process of a job that comes to its limit
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: "multiprocessing.process.BaseProcess") -> None:
    parent.join()
    os._exit(1)


def _check_deaths(deaths: int) -> None:
    if deaths >= MOST_DEATHS:
        msg = (
            f"{deaths} processes in a row ended without finishing a case: too little memory for so many jobs, or a "
            "damaged installation; what is done is kept"
        )
        raise StoppedError(msg)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes started from here compute with one thread, unless the user has said otherwise."""
    new = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
