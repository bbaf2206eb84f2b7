"""Measure what Figure 3a shows: convergence, accuracy, stability (F3a.1 to F3a.7)."""

from collections.abc import Callable

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.stats import (
    FEWEST,
    Estimate,
    convergence,
    geometric_mean,
    mean_interval,
    paired_difference,
    per_seed,
    spread_after_convergence,
)

COMMAND = "kdgan sweep figure3a"
SCORE = "classifier_validation"


@measure("convergence_epoch")
def convergence_epoch(
    method: str, grid: str = "figure3a", protocol: str = "controlled"
) -> Measured:
    """Return the outer epoch at which a method's runs converge."""
    places = per_seed(_curves(method, grid, protocol), _converged("epoch"))
    return {"epochs": _quantity(places, "epochs", protocol)}


@measure("accuracy_difference")
def accuracy_difference(
    first: str, second: str, grid: str = "figure3a", protocol: str = "controlled"
) -> Measured:
    """Return the difference of two methods' test accuracies in points, seed by seed."""
    gap = paired_difference(
        100 * _accuracies(first, grid, protocol),
        100 * _accuracies(second, grid, protocol),
    )
    return {"accuracy_difference": Quantity.of(gap, "points", protocol)}


@measure("relative_gain")
def relative_gain(
    first: str, second: str, grid: str = "figure3a", protocol: str = "controlled"
) -> Measured:
    """Return the gain of the first method in percent of the second's accuracy."""
    ratio = _accuracies(first, grid, protocol) / _accuracies(second, grid, protocol)
    return {"relative_gain": _quantity(100 * (ratio.dropna() - 1), "%", protocol)}


@measure("stability")
def stability(
    first: str, second: str, grid: str = "figure3a", protocol: str = "controlled"
) -> Measured:
    """Return how many times as far the second's curve swings once it has converged."""
    spreads = [
        100 * per_seed(_curves(name, grid, protocol), _spread)
        for name in (first, second)
    ]
    # A floor keeps the ratio finite for a curve that does not move at all.
    ratio = (spreads[1].clip(lower=0.01) / spreads[0].clip(lower=0.01)).dropna()
    return {"spread_ratio": _quantity(ratio, "", protocol, geometric_mean)}


@measure("speed_up")
def speed_up(
    first: str, second: str, grid: str = "figure3a", protocol: str = "controlled"
) -> Measured:
    """Return the epochs that the first method saves, in percent of the second's.

    By the geometric mean over seeds of the two methods' ratio: their order would decide
    the sign of an arithmetic one.
    """
    at = _converged("epoch")
    fast = per_seed(_curves(first, grid, protocol), at)
    slow = per_seed(_curves(second, grid, protocol), at)
    return {"speed_up": _quantity((fast / slow).dropna(), "%", protocol, _saved)}


def _curves(method: str, grid: str, protocol: str) -> pd.DataFrame:
    """Return the game's evaluations of a method's finished runs."""
    where = {"grid": grid, "protocol": protocol, "method": method}
    curves = tables.curves(**where, stage="game", status="finished")
    return tables.require(curves, COMMAND)


def _accuracies(method: str, grid: str, protocol: str) -> pd.Series:
    """Return the test accuracy of each seed."""
    runs = tables.runs(grid=grid, protocol=protocol, method=method, status="finished")
    return tables.require(runs, COMMAND).set_index("seed").test_accuracy


def _converged(column: str) -> Callable[[pd.DataFrame], float]:
    return lambda run: convergence(run, _score(run), at=column)


def _spread(run: pd.DataFrame) -> float:
    return spread_after_convergence(run, _score(run))


def _score(run: pd.DataFrame) -> str:
    """Return the validation score, or the test score where nothing is held out."""
    return SCORE if run[SCORE].notna().any() else "classifier_test"


def _saved(ratios: pd.Series) -> Estimate:
    """Return by how many percent ratios lie below 1, on a logarithmic scale."""
    mean = geometric_mean(ratios)
    saved, lo, hi = (100 * (1 - end) for end in (mean.mean, mean.hi, mean.lo))
    return Estimate(saved, lo, hi, mean.runs)


def _quantity(
    values: pd.Series,
    unit: str,
    protocol: str,
    average: Callable[[pd.Series], Estimate] = mean_interval,
) -> Quantity:
    if len(values) < FEWEST:
        raise tables.MissingRuns(COMMAND)
    return Quantity.of(average(values), unit, protocol)
