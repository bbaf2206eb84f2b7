"""Execute a grid of runs on local processes; resumes, survives killed workers."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import torch
from tqdm.auto import tqdm

from kdgan_lib import runs
from kdgan_lib.console import one_line
from kdgan_lib.data import DataCorrupt, DataMissing
from kdgan_lib.execute import execute
from kdgan_lib.experiments import Run
from kdgan_lib.files import DiskFull
from kdgan_lib.loop.device import GPUFull
from kdgan_lib.memory import is_full, keep_freed_memory
from kdgan_lib.paths import advice, variable_of
from kdgan_lib.workers import worker_pool

ATTEMPTS = 3
KILLED = f"its worker was killed {ATTEMPTS} times"


def sweep(
    grid: Iterable[Run],
    workers: int = 1,
    device: str = "cpu",
    progress: bool = True,
    work: Callable[[Run, str], object] | None = None,
) -> dict[str, str]:
    """Execute the runs that have no record yet; return the failures by run id.

    Each worker is a process with one thread. When one is killed, those in flight are
    tried again, alone after the second time, and given up after the third; so is a run
    for which the memory, or that of the GPU, had no room. Where data
    are missing or damaged, no further run of that data set is begun; where the disk is
    full or the folder of the runs cannot be used, none at all. Every finished run is on
    disk at once, every other one has checkpoints: interrupt, which ends the workers,
    and call again at any time.
    """
    finished = set(runs.table().run_id)
    waiting = {run.id: run for run in grid if run.id not in finished}
    with tqdm(total=len(waiting), unit="run", disable=not progress) as bar:
        left = _Left(waiting, device, work or _execute, bar)
        while left.waiting:
            left.pass_through(workers)
    return left.failures


class _Left:
    """The runs that are left of a sweep, how often each was lost, and what failed."""

    def __init__(
        self,
        waiting: dict[str, Run],
        device: str,
        work: Callable[[Run, str], object],
        bar: tqdm,
    ) -> None:
        self.waiting = waiting
        self.failures: dict[str, str] = {}
        self.losses: Counter[str] = Counter()
        self.device = device
        self.work = work
        self.bar = bar

    def pass_through(self, workers: int) -> None:
        """Run what is left on a fresh pool, to its end or until a worker is killed."""
        # Alone, the run that kills its worker cannot take another one along.
        suspects = [i for i in self.waiting if self.losses[i] >= ATTEMPTS - 1]
        queue = [self.waiting[i] for i in suspects or self.waiting]
        size = 1 if suspects else workers
        flying: dict[Future, Run] = {}
        with worker_pool(size, _prepare_worker) as pool:
            try:
                while queue or flying:
                    while queue and len(flying) < size:
                        run = queue.pop(0)
                        flying[pool.submit(self.work, run, self.device)] = run
                    for future in wait(flying, return_when=FIRST_COMPLETED).done:
                        error = future.exception()
                        if isinstance(error, BrokenProcessPool):
                            raise error
                        self.settle(flying.pop(future), error, queue)
            except BrokenProcessPool:
                self.lose(flying.values(), KILLED)

    def settle(self, run: Run, error: BaseException | None, queue: list[Run]) -> None:
        """Note how a run ended; take out of the queue what would end likewise."""
        if error is not None and _crowded(error):
            self.lose([run], _told(error))
            return
        alike = _doomed(error, run, queue)
        queue[:] = [other for other in queue if other not in alike]
        for ended in (run, *alike):
            self.end(ended, _told(error) if error else None)

    def lose(self, lost: Iterable[Run], reason: str) -> None:
        """Leave runs for another attempt, or give them up after the last."""
        for run in lost:
            self.losses[run.id] += 1
            if self.losses[run.id] >= ATTEMPTS:
                self.end(run, reason)

    def end(self, run: Run, failure: str | None) -> None:
        """Count a run as done, or as failed for a reason."""
        if failure:
            self.failures[run.id] = failure
        del self.waiting[run.id]
        self.bar.update()


def _crowded(error: BaseException) -> bool:
    """Tell whether a run found no room, which it may find when it is alone."""
    return isinstance(error, GPUFull) or is_full(error)


def _told(error: BaseException) -> str:
    if is_full(error):
        return "The memory is full: use fewer workers, or end what else is running."
    sentence = advice(error) if isinstance(error, OSError) else str(error)
    return sentence or type(error).__name__


def _doomed(error: BaseException | None, run: Run, queue: list[Run]) -> list[Run]:
    """Return the runs of the queue that would fail as this one did."""
    if isinstance(error, DiskFull | runs.TableDamaged):
        return list(queue)
    if isinstance(error, OSError) and _is_of_runs(error.filename):
        return list(queue)
    if isinstance(error, DataMissing | DataCorrupt):
        return [other for other in queue if other.data == run.data]
    return []


def _is_of_runs(name: object) -> bool:
    return isinstance(name, str) and variable_of(Path(name)) == "KDGAN_RUNS"


def _execute(run: Run, device: str) -> object:
    """Execute a run in a worker, which ends where its GPU has failed for good."""
    try:
        return execute(run, device)["status"]
    except torch.AcceleratorError as error:  # each further call would fail likewise
        warnings.warn(f"run {run.id}: {str(error).splitlines()[0]}", stacklevel=2)
        os._exit(1)
    finally:
        if torch.cuda.is_initialized():  # what it keeps, other workers lack
            torch.cuda.empty_cache()


def _prepare_worker() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    warnings.formatwarning = one_line
