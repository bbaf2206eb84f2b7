"""Measure what Figures 4 and 6 show: how little alpha and beta matter, and gamma."""

import numpy as np
import pandas as pd

from kdgan_lib import tables
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.reports import hyperparameters as report
from kdgan_lib.reports.figure4 import LARGE_GAMMA
from kdgan_lib.stats import FEWEST

PROTOCOL = "controlled"
GRIDS = {"mnist": "figure4", "cifar10": "figure4_cifar10"}
RANGES = {"alpha": (0.0, 1.0), "beta": (1e-3, 1e3), "gamma": (1e-4, 1e2)}
"""Where the paper says that the best values lie."""
SMALL_BETA = 1e-4


@measure("hyperparameter_range")
def hyperparameter_range(data: str, name: str) -> Measured:
    """Return the largest minus the least mean accuracy over one hyperparameter.

    The range at n = 100, at every other n whose values were all run, and the largest of
    them, which the rule reads; beside it the last C's range at n = 100. Values of beta
    below the paper's range are left out, as F4.2 says: F4.3 judges them.
    """
    grid = GRIDS[data]
    rows = _axis(grid, name)
    lowest = RANGES[name][0] if name == "beta" else float("-inf")
    rows = rows[rows.value >= lowest]
    found = {n: _range(part) for n, part in rows.groupby("n")}
    known = {n: quantity for n, quantity in found.items() if quantity is not None}
    if rows.n.min() not in known:
        raise tables.MissingRuns(f"kdgan sweep {grid}")
    widest = max(known.values(), key=lambda quantity: quantity.value)
    last = _range(rows[rows.n == rows.n.min()], "last")
    return {
        "accuracy_range": widest,
        **{f"accuracy_range_at_{n}": quantity for n, quantity in known.items()},
        **({"last_accuracy_range": last} if last else {}),
    }


@measure("small_beta_loss")
def small_beta_loss(data: str) -> Measured:
    """Return the tuned setting's accuracy minus that of beta = 1e-4, at n = 100."""
    return _losses(GRIDS[data], "beta", SMALL_BETA)


@measure("large_gamma_loss")
def large_gamma_loss(data: str) -> Measured:
    """Return the tuned setting's accuracy minus that of gamma = 100."""
    return _losses(GRIDS[data], "gamma", LARGE_GAMMA)


@measure("large_gamma_teacher")
def large_gamma_teacher(data: str) -> Measured:
    """Return what T and C lose at gamma = 100, and how C follows T over gamma.

    All of the players at the end of training; at the least n, which the rule reads,
    and under names that hold it at every other one.
    """
    grid = GRIDS[data]
    rows = _axis(grid, "gamma")
    found: Measured = {}
    for n, part in rows.groupby("n"):
        known = _teacher_and_classifier(part)
        if n == rows.n.min():
            if not known:
                raise tables.MissingRuns(f"kdgan sweep {grid}")
            found |= known
        else:
            found |= {f"{name}_at_{n}": each for name, each in known.items()}
    return found


def _teacher_and_classifier(rows: pd.DataFrame) -> Measured:
    """Return both players' losses at one n and their rank correlation over gamma.

    The correlation is Spearman's, of a seed's accuracies of T and C over the values of
    gamma, and their mean over seeds. Empty where fewer than three seeds have all.
    """
    losses = {}
    for player, score in (("teacher", "teacher"), ("classifier", "last")):
        lost = report.loss(rows, "gamma", LARGE_GAMMA, score)
        if lost is None:
            return {}
        losses[f"{player}_loss"] = Quantity.of(lost, "points")
    teacher, classifier = (
        report.complete(rows, score).rank(axis=1) for score in ("teacher", "last")
    )
    # Where T stays as it is, it explains nothing.
    found = teacher.corrwith(classifier, axis=1).fillna(0.0)
    if len(found) < FEWEST:
        return {}
    # Without an interval: Student's would pass 1, which no correlation does.
    mean = Quantity(float(found.mean()), runs=len(found), protocol=PROTOCOL)
    return {**losses, "rank_correlation": mean}


@measure("hyperparameters_on")
def hyperparameters_on(data: str) -> Measured:
    """Return the ranges over alpha and beta, and the losses at gamma = 100.

    The losses are the selected C's, which the rule reads, and the last one's. A range
    whose axis was not run is NaN, which meets no rule.
    """
    found = _losses(GRIDS[data], "gamma", LARGE_GAMMA, "large_gamma_loss")
    for name in ("alpha", "beta"):
        try:
            found[f"{name}_range"] = hyperparameter_range(data, name)["accuracy_range"]
        except tables.MissingRuns:
            found[f"{name}_range"] = Quantity(float("nan"), protocol=PROTOCOL)
    return found


@measure("tuned_ranges")
def tuned_ranges() -> Measured:
    """Return the share of alpha, beta and gamma whose best value the ranges hold.

    The search itself cannot leave them. So the tuned value must also be at least as
    good on validation as the value that was run outside: beta = 0 and gamma = 0.
    """
    outside = {
        "beta": _without("controls", "beta"),
        "gamma": _without("figure6", "gamma"),
    }
    inside = [
        low <= report.tuned()[name] <= high
        and (name not in outside or outside[name].value >= 0)
        for name, (low, high) in RANGES.items()
    ]
    runs = max(quantity.runs for quantity in outside.values())
    share = Quantity(float(np.mean(inside)), runs=runs, protocol=PROTOCOL)
    gains = {f"gain_over_{name}_0": found for name, found in outside.items()}
    return {"share_inside": share, **gains}


def _axis(grid: str, name: str) -> pd.DataFrame:
    rows = report.axis(report.points(grid), name)
    return tables.require(rows, f"kdgan sweep {grid}")


def _losses(
    grid: str, name: str, value: float, quantity: str = "accuracy_loss"
) -> Measured:
    """Return the loss at the least n for the rule, and the others' beside it.

    quantity: what the loss at the least n is called; the others' names hold it.
    """
    found: Measured = {}
    rows = _axis(grid, name)
    for n, part in rows.groupby("n"):
        lost = report.loss(part, name, value, "accuracy")
        if n == rows.n.min():
            if lost is None:
                raise tables.MissingRuns(f"kdgan sweep {grid}")
            found[quantity] = Quantity.of(lost, "points")
            last = report.loss(part, name, value, "last")
            found |= {f"last_{quantity}": Quantity.of(last, "points")} if last else {}
        elif lost is not None:
            found[f"{quantity}_at_{n}"] = Quantity.of(lost, "points")
    return found


def _range(rows: pd.DataFrame, score: str = "accuracy") -> Quantity | None:
    """Return the range of the means over values.

    It has no interval: a bootstrap of so few seeds covers too little, and a range is
    biased upwards. None where fewer than two values are declared, or fewer than three
    seeds have all.
    """
    scores = report.complete(rows, score).to_numpy()
    if len(scores) < FEWEST or scores.shape[1] < 2:
        return None
    value = float(np.ptp(scores.mean(0)))
    return Quantity(value, None, None, "points", len(scores), PROTOCOL)


def _without(grid: str, name: str) -> Quantity:
    """Return the tuned setting's validation accuracy minus that of a weight of zero."""
    rows = report.axis(report.points(grid), name)
    lost = report.loss(rows[rows.n == 100], name, 0.0, "validation")
    if lost is None:
        raise tables.MissingRuns(f"kdgan sweep {grid}")
    return Quantity.of(lost, "points")
