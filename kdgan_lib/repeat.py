"""Repeat a stored run, compare its numbers, and say why they may differ."""

from collections.abc import Mapping

import torch

from kdgan_lib.execute import train
from kdgan_lib.experiments import from_configuration
from kdgan_lib.loop.device import find_device
from kdgan_lib.provenance import provenance
from kdgan_lib.threads import on_threads
from kdgan_lib.train import Diverged

ROUNDING = ("processor", "instructions", "platform", "device", "torch", "threads")
"""What of a run's provenance decides how its sums are rounded."""


def differences(
    row: dict[str, object], progress: bool = False
) -> dict[str, tuple[object, object]]:
    """Train a stored row's run again; return (stored, now) where they differ.

    On a GPU where it was made on one, and on as many threads. The measured time is no
    result. A run that diverges has its status and the reason, less the advice, to
    compare. Raises ValueError where there is no GPU for it.
    """
    device, run = device_of(row), from_configuration(row)
    made: dict[str, object] = {"status": "finished"}
    try:
        with on_threads(threads_of(row)):
            result = train(run, device, progress, share=False)
        made |= {k: v for k, v in result.metrics.items() if k != "seconds"}
    except Diverged as error:
        made = {"status": "diverged", "reason": _happened(error)}
        row = row | {"reason": _happened(row.get("reason", ""))}
    return {
        name: (row.get(name), value)
        for name, value in made.items()
        if value == value and row.get(name) != value
    }


def device_of(row: Mapping[str, object]) -> torch.device:
    """Return the kind of device that a row was made on.

    Raises ValueError where this machine has none.
    """
    made_on = str(row.get("device") or "cpu")
    if not made_on.startswith("cuda"):
        return find_device("cpu")
    if not torch.cuda.is_available():
        raise ValueError(
            f"The run was made on a GPU ({made_on}), which this machine or this build "
            "of torch has not: a CPU draws other noise, so nothing can be compared."
        )
    return find_device("cuda")


def threads_of(row: Mapping[str, object]) -> int:
    """Return the number of threads that a row was made on; 1 if it does not say."""
    return int(float(str(row.get("threads", 1))))


def explanation(row: Mapping[str, object]) -> str:
    """Return a sentence on whether a row's other numbers here are a fault.

    It is none where something of `ROUNDING` differs, or may differ: older rows do not
    name their processor. Nor is it where the stored run did not have one all along.
    """
    if isinstance(row.get("contexts"), str):
        return (
            "The stored run was stopped and went on otherwise, so its last digits are "
            f"those of no other run: {row['contexts']}."
        )
    with on_threads(threads_of(row)):  # as it was repeated
        here = provenance(device_of(row))
    apart = [
        f"{name} {row.get(name) or 'not recorded'}, here {here[name] or 'unknown'}"
        for name in ROUNDING
        if not row.get(name) or row[name] != here[name]
    ]
    if apart:
        return (
            "Another processor, version or number of threads rounds otherwise, so this "
            f"need be no fault: {'; '.join(apart)}."
        )
    return (
        "The processor, torch and the number of threads are the stored run's: since "
        f"commit {row.get('commit', 'unknown')} the library computes something else."
    )


def _happened(reason: object) -> str:
    """Return what a reason says of the numbers, without what to do about it."""
    return str(reason).partition(": lower ")[0]
