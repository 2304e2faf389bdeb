"""Dask distributed as an engine: the same cases and the same work, on workers that share the file system."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from foramgrade.batch.cases import BatchCase
from foramgrade.batch.engines import Result, Work
from foramgrade.batch.outcome import Outcome
from foramgrade.errors import ForamgradeError, InputError, StoppedError

#: What mends the absence of Dask.
INSTALL = "pip install 'foramgrade[dask]'"
#: Cases at the scheduler per thread of the workers: enough that none waits for the next, few enough to keep in memory.
AHEAD = 3
#: How long to look for the scheduler, seconds.
PATIENCE_S = 20
#: How often the engine looks whether it is to stop, seconds.
_LOOK_S = 0.5


def run_on_cluster(
    cases: Iterable[BatchCase], work: Work, *, address: str, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Result]:
    """Run cases on the workers of a Dask scheduler.

    Parameters
    ----------
    cases : iterable of BatchCase
        Taken one by one as workers are free.
    work : callable
        Runs a case.
    address : str
        Of the scheduler, such as "tcp://10.0.0.1:8786".
    stopped : callable
        Whether to take no further case; those in hand are finished.

    Yields
    ------
    BatchCase, Outcome or None
        As they are finished; None for a case whose workers died, as often as Dask allows
        (``distributed.scheduler.allowed-failures``).

    Raises
    ------
    InputError
        If Dask is not installed or the scheduler cannot be reached.
    StoppedError
        As `work` does; or if the scheduler is lost.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        msg = f"a scheduler needs Dask distributed: {INSTALL}"
        raise InputError(msg) from error
    try:
        client = distributed.Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        msg = f"found no Dask scheduler at {address}, expected one such as tcp://10.0.0.1:8786"
        raise InputError(msg) from error
    try:
        yield from _run(distributed, client, iter(cases), work, stopped)
    finally:
        client.close()


def _run(
    distributed: Any, client: Any, cases: Iterator[BatchCase], work: Work, stopped: Callable[[], bool]
) -> Iterator[Result]:
    at_work: dict[Any, BatchCase] = {}
    lost = (distributed.CancelledError, distributed.comm.CommClosedError, OSError)
    try:
        while True:
            room = max(1, AHEAD * sum(client.nthreads().values())) - len(at_work)
            while room > 0 and not stopped() and (case := next(cases, None)) is not None:
                at_work[client.submit(work, case, pure=False)] = case
                room -= 1
            if not at_work:
                return
            if stopped():
                _take_back(client, at_work)
            try:
                with client.as_current():
                    done, _ = distributed.wait(list(at_work), timeout=_LOOK_S, return_when="FIRST_COMPLETED")
            except TimeoutError:
                continue
            for future in done:
                case = at_work.pop(future)
                yield case, _take(distributed, future, lost)
    except lost as error:
        msg = f"the Dask scheduler is lost ({type(error).__name__}); what is done is kept, the same command goes on"
        raise StoppedError(msg) from error


def _take(distributed: Any, future: Any, lost: tuple[type[Exception], ...]) -> Outcome | None:
    try:
        outcome: Outcome = future.result()
    except distributed.KilledWorker:
        return None
    except lost:
        raise
    except ForamgradeError:
        raise
    except Exception as error:  # the work itself lets nothing else out
        msg = f"a worker could not take up a case ({type(error).__name__}): expected the same environment there as here"
        raise StoppedError(msg) from error
    return outcome


def _take_back(client: Any, at_work: dict[Any, BatchCase]) -> None:
    """Take back the cases that no worker has begun."""
    begun = {key for keys in client.processing().values() for key in keys}
    for future in [one for one in at_work if not one.done() and one.key not in begun]:
        del at_work[future]
        future.cancel()
