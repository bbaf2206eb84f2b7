"""Repeat a stored run and compare its numbers."""

import torch

from kdgan_lib.execute import train
from kdgan_lib.experiments import from_configuration
from kdgan_lib.train import Diverged


def differences(
    row: dict[str, object], progress: bool = False
) -> dict[str, tuple[object, object]]:
    """Train a stored row's run on the CPU; return (stored, now) where they differ.

    The measured time is no result. A run that diverges has its status and the reason,
    less the advice, to compare.
    """
    torch.set_num_threads(int(float(str(row.get("threads", 1)))))
    run = from_configuration(row)
    made: dict[str, object] = {"status": "finished"}
    try:
        result = train(run, torch.device("cpu"), progress, share=False)
        made |= {k: v for k, v in result.metrics.items() if k != "seconds"}
    except Diverged as error:
        made = {"status": "diverged", "reason": _happened(error)}
        row = row | {"reason": _happened(row.get("reason", ""))}
    return {
        name: (row.get(name), value)
        for name, value in made.items()
        if value == value and row.get(name) != value
    }


def _happened(reason: object) -> str:
    """Return what a reason says of the numbers, without what to do about it."""
    return str(reason).partition(": lower ")[0]
