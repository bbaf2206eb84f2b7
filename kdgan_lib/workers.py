"""Start worker processes that end with the process that started them."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def worker_pool(
    workers: int, prepare: Callable[[], None] | None = None
) -> ProcessPoolExecutor:
    """Return a pool of new processes; each is prepared by `prepare` when it starts.

    A process that is killed cannot tell its workers: they would finish what they do,
    then wait for more forever. These end when it does, in the middle of their work.
    """
    return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (prepare,))


def _begin(prepare: Callable[[], None] | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
