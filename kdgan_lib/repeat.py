"""Repeat a stored run, compare its numbers, and say why they may differ."""

from collections.abc import Mapping
from itertools import islice

import pandas as pd
import torch

from kdgan_lib import runs
from kdgan_lib.execute import train
from kdgan_lib.experiments import from_configuration
from kdgan_lib.loop.device import find_device
from kdgan_lib.loop.divergence import happened
from kdgan_lib.provenance import ROUNDING, provenance
from kdgan_lib.threads import on_threads
from kdgan_lib.train import Diverged


def differences(
    row: dict[str, object], progress: bool = False
) -> dict[str, tuple[object, object]]:
    """Train a stored row's run again; return (stored, now) where they differ.

    Compared are the numbers that the row has or that are made now, and the curve, of
    which the first number that differs is named. On a GPU where it was made on one, and
    on as many threads. The measured time is no result. A run that diverges has its
    status and the reason, less the advice, to compare. Raises ValueError where there is
    no GPU for it.
    """
    device, run = device_of(row), from_configuration(row)
    try:
        with on_threads(threads_of(row)):
            result = train(run, device, progress, share=False)
    except Diverged as error:
        stored = {
            "status": row.get("status"),
            "reason": happened(row.get("reason", "")),
        }
        return _apart(stored, {"status": "diverged", "reason": happened(error)})
    made = {"status": "finished", **result.metrics}
    others = {*run.configuration(), *provenance(device)}
    others |= {"run_id", "contexts", "seconds"}
    numbers = (
        {k: v for k, v in each.items() if k not in others} for each in (row, made)
    )
    curves = map(_evaluations, (_curve(row), result.curve))
    return _apart(*numbers) | dict(islice(_apart(*curves).items(), 1))


def _apart(
    stored: Mapping[str, object], made: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Return what either has and the other has not, or has otherwise.

    A table has NaN where a run has no number: it is as good as missing.
    """
    pairs = {name: (stored.get(name), made.get(name)) for name in [*made, *stored]}
    return {
        name: pair
        for name, pair in pairs.items()
        if pair[0] != pair[1] and not all(map(_missing, pair))
    }


def _missing(value: object) -> bool:
    return value is None or value != value


def _curve(row: Mapping[str, object]) -> pd.DataFrame:
    """Return the stored evaluations of a row's run."""
    curves = runs.curves()
    return curves[curves.run_id == row.get("run_id")].drop(columns="run_id")


def _evaluations(curve: pd.DataFrame) -> dict[str, object]:
    """Return each number of a curve by its place, in the order of training."""
    return {
        f"{name} ({place['stage']}, epoch {place['epoch']})": value
        for place in curve.to_dict("records")
        for name, value in place.items()
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
