"""Who runs the units of grading: processes of this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import multiprocessing.util
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from autograder import unit
from autograder.kernel import KernelError

_TRIES = 3  # of a submission whose worker was lost
_GRACE = 5.0  # seconds that a worker has to end its warm process
_AHEAD = 2  # submissions that wait for each worker
_LOST = (
    "The worker that graded it was lost three times. Grade it alone, and watch the memory of this "
    "machine."
)

_STRANGE = (
    "The scheduler or its workers cannot load this course ({}). Start them with python -m dask, in "
    "copies of this folder."
)


@dataclass
class Work:
    """One submission on its way.

    Attributes
    ----------
    student : str
    handed : dict
        Who handed it in, as in ``HandedIn``, without the content.
    task : unit.Task
    key : str
        Of its result, as in ``store.key_of``.
    tries : int
        How often its worker was lost.
    alone : bool
        Whether it runs alone: it was there when a worker was lost, and may be why.
    """

    student: str
    handed: dict[str, Any]
    task: unit.Task
    key: str
    tries: int = 0
    alone: bool = False


class Workers:
    """Workers for the time of a ``with`` block; they are started when there is work.

    Parameters
    ----------
    count : int
        On this machine.
    scheduler : str
        Address of a Dask scheduler whose workers are used in their place; each has its own copy
        of the course and of the pictures.
    """

    def __init__(self, count: int, scheduler: str = ""):
        self._count, self._scheduler = count, scheduler
        self._executor: Executor | None = None
        self._running: dict[Future, Work] = {}
        self._given_up: list[Work] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type | None, *_: Any) -> None:
        if self._executor is not None and kind is None:
            self._executor.shutdown()
        else:
            self._end()

    def begin(self, works: Sequence[Work]) -> Iterator[tuple[Work, unit.Outcome]]:
        """Begin at once; yield each work with its outcome, in the order in which they end.

        Raises
        ------
        KernelError
            If there are no workers, or they cannot run notebooks.
        """
        known = [work for work in works if work.handed["reason"]]
        waiting = [work for work in works if not work.handed["reason"]][::-1]
        if waiting and self._executor is None:
            self._start()
        self._fill(waiting)
        return self._outcomes(known, waiting)

    def _outcomes(
        self, known: list[Work], waiting: list[Work]
    ) -> Iterator[tuple[Work, unit.Outcome]]:
        for work in known:
            yield work, unit.Outcome()
        while waiting or self._running or self._given_up:
            self._fill(waiting)
            while self._given_up:
                yield self._given_up.pop(), unit.Outcome(_LOST, failed=True)
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in finished:
                work = self._running.pop(future, None)
                if work is None:  # it was begun again with all others
                    continue
                try:
                    outcome = future.result()
                except _lost_worker() as error:
                    self._again(work, waiting, error)
                except Exception as error:
                    if not self._scheduler or isinstance(error, KernelError):
                        raise
                    said = str(error).strip().partition("\n")[0] or type(error).__name__
                    raise KernelError(_STRANGE.format(said)) from error
                else:
                    yield work, outcome

    def _fill(self, waiting: list[Work]) -> None:
        while waiting and len(self._running) < self._count * _AHEAD:
            alone = waiting[-1].alone or any(work.alone for work in self._running.values())
            if alone and self._running:
                return
            work = waiting.pop()
            try:
                self._running[self._executor.submit(unit.grade, work.task)] = work
            except BrokenProcessPool as error:
                self._again(work, waiting, error)

    def _again(self, work: Work, waiting: list[Work], error: BaseException) -> None:
        """Put the work of a lost worker back, or give it up."""
        lost = [work]
        if isinstance(error, BrokenProcessPool):  # then all of them are lost
            lost += self._running.values()
            self._running.clear()
            self._end()
            self._start()
        if len(lost) == 1:  # else nobody knows whose fault it was, and each is tried alone
            work.tries += 1
            if work.tries == _TRIES:
                self._given_up.append(work)
                return
        for one in lost:
            one.alone = not self._scheduler
        waiting += lost

    def _start(self) -> None:
        if self._scheduler:
            self._executor, self._count = _cluster(self._scheduler)
            return
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            context.set_forkserver_preload([unit.__name__])  # loaded once for all workers
        self._executor = ProcessPoolExecutor(self._count, context, _begin_worker)

    def _end(self) -> None:
        """Stop at once; what is running will be run again."""
        if self._executor is None:
            return
        if self._scheduler:  # its executor cancels what it does not wait for
            self._executor.shutdown(wait=False)
        else:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = None
        children = multiprocessing.active_children()
        for process in children:
            process.terminate()
        for process in children:
            process.join(10)


def _cluster(address: str) -> tuple[Executor, int]:
    """The workers of a Dask scheduler, and how many units they run at the same time."""
    try:
        from distributed import Client
    except ImportError as error:
        raise KernelError("--scheduler needs Dask: pip install distributed") from error
    try:
        client = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise KernelError(f"There is no scheduler at {address}.") from error
    workers = sum(client.nthreads().values())
    if not workers:
        raise KernelError(f"The scheduler at {address} has no workers yet.")
    return client.get_executor(pure=False, retries=_TRIES), workers


def _lost_worker() -> tuple[type[BaseException], ...]:
    """What is raised for a unit whose worker was lost."""
    try:
        from distributed import KilledWorker
    except ImportError:
        return (BrokenProcessPool,)
    return (BrokenProcessPool, KilledWorker)


# --- A worker of this machine --------------------------------------------------------------------


def _begin_worker() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when that is gone."""
    gc.freeze()  # what is loaded stays, and need not be looked at again and again
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    # A worker ends without the functions of atexit; only these are called.
    multiprocessing.util.Finalize(None, unit.close_all, exitpriority=1)

    def look() -> None:
        # Not os.getppid: the server that forked this worker lives as long as its workers.
        multiprocessing.parent_process().join()
        _leave()

    threading.Thread(target=look, daemon=True).start()


def _leave() -> None:
    # Whatever a warm process may be waiting for: what it started ends with this process.
    threading.Timer(_GRACE, os._exit, (1,)).start()
    with contextlib.suppress(Exception):
        unit.close_all()
    os._exit(1)


class InThisProcess(Executor):
    """An executor without workers, for debugging: everything happens here, at once."""

    def submit(self, function: Callable, /, *arguments: Any, **named: Any) -> Future:
        """Call the function now."""
        future: Future = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future
