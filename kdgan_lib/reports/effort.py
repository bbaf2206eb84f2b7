"""Estimate how long runs would take, from the times of those that are stored."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from kdgan_lib import declared, tables
from kdgan_lib.declared import Cell
from kdgan_lib.stats import QUIET

if TYPE_CHECKING:
    from kdgan_lib.experiments import Run

TIMED = "table1"
"""Grid by whose runs a multiply-add is timed."""
LIKE = {"method", "data", "n", "variant", "epochs", "classifier_passes", "batch_size"}
"""What runs share that take the same time."""
DAY = 86_400
"""Seconds; a run that takes longer on a CPU is advised to a GPU."""


def of_runs(grid: str, identities: Iterable[str]) -> str:
    """Return an estimate of the time of some declared runs of a grid.

    The fastest tenth of the stored runs that are alike (`LIKE`) counts, of the grid's
    own if there are any; without such, multiply-adds at the pace of Table 1's runs.
    """
    from kdgan_lib.costs import multiply_adds  # with the methods it imports torch

    pools, pace = (tables.runs(grid=grid), tables.runs()), stored_pace()
    seconds = 0.0
    for run in map(declared.runs(grid).__getitem__, identities):
        known = next(filter(len, (_times_of_like(run, pool) for pool in pools)), None)
        if known is None:
            seconds += multiply_adds(run) * rate_of(pace, run.data)
        else:
            seconds += float(known.quantile(QUIET))
    return estimated(seconds)


def _times_of_like(run: "Run", stored: pd.DataFrame) -> pd.Series:
    """Return the seconds that runs like this one took."""
    if stored.empty or "seconds" not in stored:
        return pd.Series(dtype=float)
    same = {"variant": run.variant} | run.configuration()
    known = on_a_cpu(stored)
    like = known.fillna({"variant": "default"})  # a row has only others than that
    for key in LIKE & {*same} & {*stored}:
        like = like[like[key] == same[key]]
    return like.seconds.dropna()


def on_a_cpu(stored: pd.DataFrame) -> pd.DataFrame:
    """Return the runs whose seconds are a processor's; a GPU's tell nothing of it."""
    if "device" not in stored:
        return stored
    return stored[~stored.device.fillna("cpu").str.startswith("cuda")]


def estimated(seconds: float, about: str = "about") -> str:
    """Return an estimate in words, or that there is none."""
    if math.isnan(seconds):
        return "time unknown, since no run is stored to judge by"
    return f"{about} {duration(seconds)} on one CPU core, an estimate"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("days", DAY), ("h", 3_600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def rate_of(pace: dict[str, float], data: str) -> float:
    """Return a data set's pace, or else that of all; NaN where nothing was timed."""
    return pace.get(data, pace.get("", float("nan")))


def stored_pace() -> dict[str, float]:
    """Return `pace_of` the table's stored runs."""
    return pace_of(tables.runs(grid=TIMED), declared.cells(TIMED))


def pace_of(stored: pd.DataFrame, cells: Iterable[Cell]) -> dict[str, float]:
    """Return seconds per multiply-add, of each data set and of all.

    They are those of a run that had its core for itself (`QUIET`). A run's time is
    taken to be in proportion to its multiply-adds.
    """
    cost = {name: cell.multiply_adds for cell in cells for name in cell.ids}
    if stored.empty or "seconds" not in stored:
        return {}
    timed = on_a_cpu(stored)
    paces = timed.seconds / timed.run_id.map(cost)
    by_data = paces.groupby(timed.data).quantile(QUIET).to_dict()
    return {"": float(paces.quantile(QUIET)), **by_data}
