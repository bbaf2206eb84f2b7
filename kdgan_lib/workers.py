"""Start worker processes that end with the process that started them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import current_process, get_context, parent_process
from typing import Any, ParamSpec, TypeVar

from tqdm.std import tqdm

UNGUARDED = (
    "Workers read the script that starts them: put its work under `if __name__ == "
    '"__main__":`, which they skip.'
)

MOST = 256
"""Workers of a pool; each is a process, whose libraries alone take half a gigabyte."""

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool(ProcessPoolExecutor):
    """A pool whose processes leave an interruption to the one that started them.

    Left by a KeyboardInterrupt, as a context, it ends them in the middle of their work.
    """

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Schedule a call; start a process for it where that is needed."""
        with _interrupts_held():
            return super().submit(fn, *args, **kwargs)

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool | None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            for process in list(self._processes.values()):
                process.terminate()
        return super().__exit__(kind, *rest)


def worker_pool(
    workers: int, prepare: Callable[[], None] | None = None
) -> ProcessPoolExecutor:
    """Return a pool of new processes; each is prepared by `prepare` when it starts.

    A process that is killed cannot tell its workers: they would finish what they do,
    then wait for more forever. These end when it does, in the middle of their work.
    Raises ValueError for fewer than one, or more than `MOST`, and SystemExit, with a
    sentence, in a worker that reads a script whose call is not guarded.
    """
    if getattr(current_process(), "_inheriting", False):  # as multiprocessing asks
        raise SystemExit(UNGUARDED)
    if not 1 <= workers <= MOST:
        raise ValueError(f"workers must be from 1 to {MOST}, not {workers}.")
    return WorkerPool(workers, get_context("spawn"), _begin, (prepare,))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C waiting, for a process that starts inside too.

    A new process imports torch for seconds before it can ignore anything itself.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(prepare: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # a notebook's kernel would inherit the mask
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Its own bars need no lock between processes, which would be missed at its end.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
