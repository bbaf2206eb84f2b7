"""Measure cells of Table 1 and how they were made (T1.1 to T1.36, S7, S9, S11)."""

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.experiments import declare, settings
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.stats import mean_interval
from kdgan_lib.tables import MissingRuns

METHODS = ("codis", "distn", "noisy", "mimic", "nagan", "kdgan")
COLUMNS = tuple(
    (data, n)
    for data, sizes in (
        ("mnist", (100, 1_000, 10_000)),
        ("cifar10", (500, 5_000, 50_000)),
    )
    for n in sizes
)
RANGES = {"alpha": (0, 1), "beta": (0.001, 1000), "gamma": (0.0001, 100)}
COMMAND = "kdgan sweep table1"


@measure("accuracy")
def accuracy(
    method: str, data: str, n: int, paper: float, protocol: str = "controlled"
) -> Measured:
    """Return a cell's mean test accuracy in percent and its distance from the paper."""
    runs = tables.require(prescribed(method, data, n, protocol), COMMAND)
    found = mean_interval(100 * runs.test_accuracy)
    value, lo, hi = found.mean, found.lo, found.hi
    return {
        "accuracy": Quantity(value, lo, hi, "%", found.runs, protocol),
        "difference": Quantity(
            value - paper, lo - paper, hi - paper, "points", found.runs, protocol
        ),
    }


@measure("runs_per_cell")
def runs_per_cell() -> Measured:
    """Return the smallest number of finished runs over the cells of Table 1."""
    counts = [
        len(prescribed(method, data, n, "controlled"))
        for method in METHODS
        for data, n in COLUMNS
    ]
    if not min(counts):
        raise MissingRuns(COMMAND)
    fewest = Quantity(min(counts), runs=min(counts), protocol="controlled")
    return {"fewest_runs": fewest}


@measure("tuned_ranges")
def tuned_ranges() -> Measured:
    """Return the share of KDGAN's tuned weights that lie in the paper's ranges."""
    tuned = settings("controlled").get("kdgan", {}).get("hyperparameters", {})
    inside = [
        low <= tuned[k] <= high for k, (low, high) in RANGES.items() if k in tuned
    ]
    if not inside:
        raise MissingRuns("kdgan tune --method kdgan")
    share = sum(inside) / len(inside)
    return {"share_inside": Quantity(share, protocol="controlled")}


def prescribed(method: str, data: str, n: int, protocol: str) -> pd.DataFrame:
    """Return the finished runs of a cell that have the protocol's own settings."""
    where = {"method": method, "data": data, "n": n, "protocol": protocol}
    runs = tables.runs(**where, profile="paper", status="finished")
    if runs.empty:
        return runs
    wanted = {
        declare(method, data, n, protocol, seed=int(seed)).id for seed in runs.seed
    }
    return runs[runs.run_id.isin(wanted)]
