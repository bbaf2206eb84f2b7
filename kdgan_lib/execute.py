"""Execute one declared run: resume, train, record; skip what is finished."""

from collections.abc import Mapping

import torch

from kdgan_lib import runs
from kdgan_lib.checkpoint import Checkpoints
from kdgan_lib.experiments import Run
from kdgan_lib.paths import runs_dir
from kdgan_lib.pretrained import Pretrained
from kdgan_lib.provenance import provenance, resolve_device
from kdgan_lib.train import AfterEpoch, Diverged, Result, fit


def execute(
    run: Run,
    device: str = "auto",
    progress: bool = False,
    force: bool = False,
    checkpoint_seconds: float = 20.0,
) -> dict[str, object]:
    """Train a run unless its record is there, store it, and return its row.

    A run that diverges is recorded with the status `diverged` and its reason.
    """
    if not force and runs.is_finished(run.id):
        return runs.find(run.id)
    found = resolve_device(device)
    checkpoints = Checkpoints(runs_dir() / "work" / run.id)
    try:
        result = train(run, found, progress, checkpoints, checkpoint_seconds)
    except Diverged as error:
        reason = {"status": "diverged", "reason": str(error)}
        row = describe(run, found, reason)
        runs.record(row)
    else:
        row = describe(run, found, {"status": "finished", **result.metrics})
        runs.record(row, result.curve)
    checkpoints.clear()
    return row


def train(
    run: Run,
    device: torch.device,
    progress: bool = False,
    checkpoints: Checkpoints | None = None,
    checkpoint_seconds: float = 20.0,
    share: bool = True,
    after_epoch: AfterEpoch | None = None,
) -> Result:
    """Train a run's players on its split.

    share: read and write the pretrained players that runs share on disk.
    after_epoch: as in `fit`.
    """
    return fit(
        run.method,
        run.players(),
        run.split(),
        run.budget,
        run.seed,
        device=device,
        criterion=run.task.criterion,
        checkpoints=checkpoints,
        checkpoint_seconds=checkpoint_seconds,
        pretrained=_shared(device) if share else None,
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
    """Return the shared players of this device, thread count and build of torch."""
    made_on = provenance(device)
    context = [f"{name}={made_on[name]}" for name in ("device", "threads", "torch")]
    return Pretrained(runs_dir() / "work" / "pretrained", ", ".join(context))
