"""Check that a sweep resumes and survives workers that are killed."""

import errno
import multiprocessing
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from kdgan_lib import memory, runs, sweep, workers
from kdgan_lib.commands import train
from kdgan_lib.data import DataMissing
from kdgan_lib.execute import execute
from kdgan_lib.experiments import declare
from kdgan_lib.files import DiskFull
from kdgan_lib.loop.device import GPUFull

ALWAYS, ONCE, BROKEN = 7, 3, 5


def grid(seeds):
    return [declare("supervised", profile="smoke", seed=seed) for seed in seeds]


def tried(run):
    """Note an attempt at a run; return how many there were."""
    folder = Path(os.environ["KDGAN_RUNS"])
    (folder / "marks").mkdir(parents=True, exist_ok=True)
    with open(folder / "marks" / str(run.seed), "a") as file:
        file.write(f"{os.getpid()}\n")
    return attempts(folder, run.seed)


def work(run, device):
    """Record a run without training; some seeds kill their worker or fail."""
    first = tried(run) == 1
    if run.seed == ALWAYS or (run.seed == ONCE and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if run.seed == BROKEN:
        raise ArithmeticError
    runs.record({"run_id": run.id, "status": "finished", "seed": run.seed})


def nap(run, device):
    """Work for a while: those before a poison run are still in flight."""
    time.sleep(0.1)
    work(run, device)


def attempts(folder, seed):
    path = folder / "marks" / str(seed)
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def forked(monkeypatch):
    """Start workers by fork: they need not import torch again."""
    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr(workers, "get_context", lambda _: fork)


def lack(run, device):
    """Find nothing of one data set."""
    if run.data == "cifar10":
        raise DataMissing("CIFAR-10 is not there.")
    work(run, device)


@pytest.mark.usefixtures("forked")
def test_where_data_are_missing_no_other_run_of_them_is_begun(runs_folder):
    lacking = [
        declare("supervised", "cifar10", seed=s, profile="smoke") for s in (1, 2)
    ]
    failures = sweep.sweep([*lacking, *grid([3])], 1, progress=False, work=lack)
    assert failures == {run.id: "CIFAR-10 is not there." for run in lacking}
    assert list(runs.table().seed) == [3]
    told = train._failed("CIFAR-10 is not there.", failures)
    assert told == f"{lacking[0].id} and 1 more failed: CIFAR-10 is not there."


def fill(run, device):
    """Find the disk full."""
    tried(run)
    raise DiskFull("The disk is full: free some space.")


@pytest.mark.usefixtures("forked")
def test_on_a_full_disk_no_further_run_is_begun(runs_folder):
    failures = sweep.sweep(grid(range(4)), 1, progress=False, work=fill)
    assert set(failures.values()) == {"The disk is full: free some space."}
    assert len(failures) == 4
    assert len(list((runs_folder / "marks").iterdir())) == 1


def refuse(run, device):
    """Find the folder of the runs closed."""
    place = Path(os.environ["KDGAN_RUNS"]) / "work" / f"{run.id}.lock"
    (Path(os.environ["KDGAN_RUNS"]) / "marks" / str(run.seed)).touch()
    raise PermissionError(errno.EACCES, "Permission denied", str(place))


@pytest.mark.usefixtures("forked")
def test_where_the_folder_of_the_runs_is_closed_no_further_run_is_begun(runs_folder):
    (runs_folder / "marks").mkdir(parents=True)
    failures = sweep.sweep(grid(range(4)), 1, progress=False, work=refuse)
    assert len(failures) == 4
    (told,) = set(failures.values())
    assert told.endswith(
        ".lock cannot be used (Permission denied): mend that, or set KDGAN_RUNS to "
        "another folder, and run this again."
    )
    assert len(list((runs_folder / "marks").iterdir())) == 1


def hold(run, device):
    """Hold the run's lock for longer than any test waits, and show it."""
    folder = Path(os.environ["KDGAN_RUNS"])
    with FileLock(folder / "lock"):
        (folder / "held").touch()
        time.sleep(60)


@pytest.fixture
def interruptible():
    """Take SIGINT as a program does; a worker of the tests would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("forked", "interruptible")
def test_an_interrupted_sweep_ends_at_once_and_lets_go_of_its_locks(runs_folder):
    runs_folder.mkdir()

    def interrupt():
        while not (runs_folder / "held").exists():
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            sweep.sweep(grid(range(2)), 1, progress=False, work=hold)
    with FileLock(runs_folder / "lock", timeout=5):
        assert runs.table().empty


def test_a_worker_warns_in_one_line(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    sweep._prepare_worker()
    told = warnings.formatwarning("It waits.", UserWarning, "execute.py", 1)
    assert told.lstrip("\r") == "warning: It waits.\n"


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_executes_every_run_once(runs_folder, workers):
    assert sweep.sweep(grid(range(3)), workers, progress=False, work=work) == {}
    assert sorted(runs.table().seed) == [0, 1, 2]
    assert [attempts(runs_folder, seed) for seed in range(3)] == [1, 1, 1]


@pytest.mark.usefixtures("forked")
def test_a_sweep_skips_what_is_finished(runs_folder):
    sweep.sweep(grid(range(2)), progress=False, work=work)
    sweep.sweep(grid([0, 1, 2, 4]), progress=False, work=work)
    assert [attempts(runs_folder, seed) for seed in (0, 1, 2, 4)] == [1, 1, 1, 1]


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_whose_worker_was_killed_once_is_tried_again(runs_folder, workers):
    seeds = [0, ONCE, 1, 2]
    assert sweep.sweep(grid(seeds), workers, progress=False, work=work) == {}
    assert sorted(runs.table().seed) == sorted(seeds)
    assert attempts(runs_folder, ONCE) == 2


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_poison_run_is_given_up_after_three_attempts_and_the_others_finish(
    runs_folder, place
):
    seeds = [0, 1, 2, 4]
    seeds.insert(place, ALWAYS)
    failures = sweep.sweep(grid(seeds), 2, progress=False, work=nap)
    (poison,) = grid([ALWAYS])
    assert failures == {poison.id: "its worker was killed 3 times"}
    assert sorted(runs.table().seed) == [0, 1, 2, 4]
    assert attempts(runs_folder, ALWAYS) == 3


@pytest.mark.usefixtures("forked")
def test_after_a_poison_run_the_sweep_is_parallel_again(runs_folder, monkeypatch):
    sizes, pool = [], sweep.worker_pool

    def spy(workers, *rest):
        sizes.append(workers)
        return pool(workers, *rest)

    monkeypatch.setattr(sweep, "worker_pool", spy)
    sweep.sweep(grid([ALWAYS, 0, 1, 2, 4, 6]), 2, progress=False, work=nap)
    assert sizes in ([2, 2, 1, 2], [2, 2, 1, 1, 2])


@pytest.mark.usefixtures("forked")
def test_a_run_that_fails_is_named_and_the_others_finish(runs_folder):
    failures = sweep.sweep(grid([0, BROKEN, 1]), 2, progress=False, work=work)
    (broken,) = grid([BROKEN])
    assert failures == {broken.id: "ArithmeticError"}
    assert sorted(runs.table().seed) == [0, 1]
    assert attempts(runs_folder, BROKEN) == 1


def crowded(error, run, device):
    """Find a memory full: one run does so always, another where it is not alone."""
    last = tried(run) == sweep.ATTEMPTS
    if run.seed == ALWAYS or (run.seed == ONCE and not last):
        raise error
    runs.record({"run_id": run.id, "status": "finished", "seed": run.seed})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (GPUFull("The memory of the GPU is full."), "The memory of the GPU is full."),
        (MemoryError(), "The memory is full: use fewer workers, or end what else is"),
        (RuntimeError(f"[enforce] {memory.ALLOCATOR}"), "The memory is full: use few"),
    ],
    ids=["gpu", "python", "torch"],
)
@pytest.mark.usefixtures("forked")
def test_a_run_that_finds_a_memory_full_is_tried_again_and_at_last_alone(
    runs_folder, error, told
):
    busy = partial(crowded, error)
    failures = sweep.sweep(grid([0, ALWAYS, ONCE, 1]), 2, progress=False, work=busy)
    (full,) = grid([ALWAYS])
    assert list(failures) == [full.id]
    assert failures[full.id].startswith(told)
    assert sorted(runs.table().seed) == [0, 1, ONCE]
    assert attempts(runs_folder, ALWAYS) == attempts(runs_folder, ONCE) == 3


def lost_gpu(run, device):
    """Lose the GPU for good at the first attempt, as a process does."""
    if tried(run) > 1:
        return {"status": "finished"}
    raise torch.AcceleratorError("CUDA error: an illegal access\nSearch for it.")


def execute_on_lost(run, device):
    sweep.execute = lost_gpu
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sweep._execute(run, device)


@pytest.mark.usefixtures("forked")
def test_a_worker_that_lost_its_gpu_ends_and_another_tries_again(runs_folder):
    work = execute_on_lost
    assert sweep.sweep(grid([0]), 1, progress=False, work=work) == {}


def test_a_spawned_worker_trains_a_real_run_on_one_thread(runs_folder):
    # The one test with a fresh process and real MNIST.
    assert sweep.sweep(grid([0]), 1, progress=False) == {}
    found = runs.table()
    assert list(found.status) == ["finished"]
    assert list(found.threads) == [1]
    assert not list((runs_folder / "work").glob("*/step-*"))


def test_a_sweep_of_nothing_starts_no_worker(runs_folder):
    assert sweep.sweep([], progress=False, work=work) == {}


def test_a_run_that_another_process_trains_is_waited_for_aloud(runs_folder, recwarn):
    run = grid([0])[0]
    work_folder = runs_folder / "work"
    work_folder.mkdir(parents=True)
    row = {"run_id": run.id, "status": "finished", "seed": 0}
    lock = work_folder / f"{run.id}.lock"
    told = f"Another process trains run {run.id} and holds {lock}: waiting for it."
    with ThreadPoolExecutor(1) as pool:
        with FileLock(lock):
            waiting = pool.submit(execute, run, "cpu")
            time.sleep(0.3)
            assert not waiting.done()
            runs.record(row)
        assert waiting.result(timeout=10)["status"] == "finished"
    assert told in [str(warning.message) for warning in recwarn]
    assert "test_accuracy" not in runs.table()
