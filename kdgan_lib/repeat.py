"""Repeat a stored run and compare its numbers."""

import torch

from kdgan_lib.execute import train
from kdgan_lib.experiments import from_configuration


def differences(
    row: dict[str, object], progress: bool = False
) -> dict[str, tuple[object, object]]:
    """Train a stored row's run on the CPU; return (stored, now) where they differ.

    The measured time is no result.
    """
    torch.set_num_threads(int(float(str(row.get("threads", 1)))))
    run = from_configuration(row)
    result = train(run, torch.device("cpu"), progress, share=False)
    made = {name: value for name, value in result.metrics.items() if name != "seconds"}
    return {
        name: (row.get(name), value)
        for name, value in made.items()
        if value == value and row.get(name) != value
    }
