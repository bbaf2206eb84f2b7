"""Let one process at a time work on a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data_prep.errors import PrepError


@contextmanager
def only_one(folder: Path, title: str, wait: float = 1800.0) -> Iterator[None]:
    """Make `folder` and hold its lock; another process waits up to `wait` seconds.

    The system lets go of the lock of a process that was killed. Raises PrepError when
    the wait is over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise PrepError(
            f"Another process has been preparing {title} for {wait:.0f} s: "
            "wait for it, or end it, and run this again."
        ) from None
    try:
        yield
    finally:
        lock.release()
