"""Execute one declared run: resume, train, record; skip what is finished."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch
from filelock import AcquireReturnProxy, FileLock, Timeout

from kdgan_lib import runs
from kdgan_lib.experiments import Run
from kdgan_lib.files import digest_of_sources, matching
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.device import find_device
from kdgan_lib.loop.pretrained import Pretrained
from kdgan_lib.paths import ROOT, runs_dir
from kdgan_lib.provenance import provenance, rounding
from kdgan_lib.train import AfterEpoch, Diverged, Result, fit

TRAINING = (
    *("train.py", "losses.py", "augment.py", "randomness.py", "concrete.py"),
    *("budget.py", "choices.py", "data.py", "estimators.py", "*nets.py"),
    *("metrics.py", "tasks.py"),
    *("loop/*.py", "methods/*.py"),
)
"""Sources whose change leaves no shared pretrained player valid."""


def execute(
    run: Run,
    device: str = "cpu",
    progress: bool = False,
    force: bool = False,
    checkpoint_seconds: float = 20.0,
) -> dict[str, object]:
    """Train a run unless its record is there, store it, and return its row.

    A run that diverges is recorded with the status `diverged` and its reason. Where
    another process trains the same run, this waits for its record. device: `auto`,
    `cpu` or `cuda`; a GPU draws other noise, and the row names it. force: train it
    again from the beginning, pretraining included; broken off, it goes on without
    `force`, and until it ends the old record stays.
    """
    if not force and is_stored(run.id):
        return runs.find(run.id)
    work = runs_dir() / "work"
    work.mkdir(parents=True, exist_ok=True)
    lock = work / f"{run.id}.lock"
    with _alone(lock):
        if not force and is_stored(run.id):
            return runs.find(run.id)
        row = _execute(run, device, progress, force, checkpoint_seconds)
    with suppress(OSError):  # who still waits for it finds the record
        lock.unlink()
    return row


def is_stored(identity: str) -> bool:
    """Tell whether a run's record is there and no training anew was broken off."""
    return runs.has_record(identity) and not _anew(identity).exists()


def _anew(identity: str) -> Path:
    """Return the mark of a run that is trained again beside its old record."""
    return runs_dir() / "work" / f"{identity}.anew"


def _alone(path: Path) -> AcquireReturnProxy:
    """Return the lock at a path, once it is held; warn where that takes a wait."""
    lock = FileLock(path)
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        warnings.warn(
            f"Another process trains run {path.stem} and holds {path}: waiting for it.",
            stacklevel=3,
        )
        return lock.acquire()


def _execute(
    run: Run, device: str, progress: bool, force: bool, checkpoint_seconds: float
) -> dict[str, object]:
    found = find_device(device)
    folder, anew = runs_dir() / "work" / run.id, _anew(run.id)
    checkpoints = Checkpoints(folder, _context(found))
    if force:
        anew.touch()
        checkpoints.clear()
    share = not anew.exists()
    outcome: dict[str, object]
    try:
        result = train(run, found, progress, checkpoints, checkpoint_seconds, share)
    except Diverged as error:
        outcome, curve = {"status": "diverged", "reason": str(error)}, None
    else:
        outcome, curve = {"status": "finished", **result.metrics}, result.curve
    if len(checkpoints.contexts) > 1:
        outcome["contexts"] = "; then ".join(checkpoints.contexts)
    row = describe(run, found, outcome)
    runs.record(row, curve)
    anew.unlink(missing_ok=True)
    checkpoints.clear()
    return row


def train(
    run: Run,
    device: str | torch.device,
    progress: bool = False,
    checkpoints: Checkpoints | None = None,
    checkpoint_seconds: float = 20.0,
    share: bool = True,
    after_epoch: AfterEpoch | None = None,
) -> Result:
    """Train a run's players on its split.

    share: read and write the pretrained players that runs share on disk.
    device, after_epoch: as in `fit`.
    """
    found = find_device(device)
    return fit(
        run.method,
        run.players(),
        run.split(),
        run.budget,
        run.seed,
        device=found,
        criterion=run.task.criterion,
        checkpoints=checkpoints,
        checkpoint_seconds=checkpoint_seconds,
        pretrained=_shared(found) if share else None,
        progress=progress,
        after_epoch=after_epoch,
    )


def describe(
    run: Run, device: torch.device, outcome: Mapping[str, object]
) -> dict[str, object]:
    """Return a run's row: identity, configuration, outcome, provenance."""
    identity = {"run_id": run.id}
    return {**identity, **run.configuration(), **outcome, **provenance(device)}


def _shared(device: torch.device) -> Pretrained:
    """Return the shared players of this processor, thread count and build of torch."""
    return Pretrained(runs_dir() / "work" / "pretrained", _context(device))


def _context(device: torch.device) -> str:
    """Return what a run's bits depend on here, beside its settings."""
    return f"{rounding(device)}, {_training_code()}"


@cache
def _training_code() -> str:
    """Return a hash of the sources that decide how a player is pretrained."""
    return digest_of_sources(training_sources())


def training_sources() -> list[Path]:
    """Return the files of `TRAINING`."""
    return matching(ROOT / "kdgan_lib", TRAINING)
