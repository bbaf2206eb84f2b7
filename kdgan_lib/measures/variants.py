"""Measure KDGAN against variants of itself: distillation, temperature, gamma."""

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.stats import mean_interval, paired_difference

FORMATS = dict.fromkeys(("C, %", "low", "high", "T, %"), ".2f")
"""How the columns of `arms` are printed."""


@measure("distillation_forms")
def distillation_forms() -> Measured:
    """Return the accuracy with KL minus that with squared distances (M21).

    KL's beta is the best of the grid's on validation, as the squared distance's is
    the best of its trials.
    """
    command = "kdgan sweep distillation_forms"
    runs = _runs("distillation_forms", command)
    with_kl, with_l2 = (runs[runs.distillation == form] for form in ("kl", "l2"))
    tables.require(with_kl, command)
    beta = with_kl.groupby("beta").validation_accuracy.mean().idxmax()
    best = with_kl[with_kl.beta == beta]
    same = with_kl[with_kl.beta.isin(with_l2.beta)]
    return {
        "accuracy_difference": _gap(best, with_l2, "test_accuracy", command),
        "difference_at_equal_beta": _gap(same, with_l2, "test_accuracy", command),
        "beta_of_kl": float(beta),
    }


@measure("temperature_schedule")
def temperature_schedule() -> Measured:
    """Return the falling temperature's accuracy minus the best constant one's (M22)."""
    command = "kdgan sweep temperature"
    runs = _runs("temperature", command)
    falling = runs[(runs.tau_start == 1.0) & (runs.tau_end == 0.1)]
    constant = runs[runs.tau_start == runs.tau_end]
    tables.require(constant, command)
    # The best is chosen on validation, so that the test set picks no rival.
    best = constant.groupby("tau_start").validation_accuracy.mean().idxmax()
    rival = constant[constant.tau_start == best]
    return {
        "difference_from_best_schedule": _gap(falling, rival, "test_accuracy", command),
        "best_constant_temperature": float(best),
    }


@measure("teacher_gain")
def teacher_gain() -> Measured:
    """Return T's accuracy with gamma > 0 minus that with gamma = 0, in points (M23)."""
    command = "kdgan sweep figure6"
    runs = _runs("figure6", command)
    without, strong = runs[runs.gamma == 0], runs[runs.gamma == 1e-2]
    tuned = runs[(runs.gamma > 0) & (runs.gamma != 1e-2)]
    return {
        "teacher_gain": _gap(tuned, without, "teacher_test_accuracy", command),
        "teacher_gain_at_0.01": _gap(strong, without, "teacher_test_accuracy", command),
    }


def arms(grid: str, *columns: str) -> pd.DataFrame:
    """Return a row per variant of a grid: accuracies in per cent, interval, runs.

    columns: the settings that tell the variants apart. Empty where nothing was run.
    """
    runs = tables.runs(grid=grid, status="finished")
    if runs.empty:
        return pd.DataFrame()
    rows = []
    for place, part in runs.groupby([*columns]):
        found = mean_interval(100 * part.test_accuracy)
        row = dict(zip(columns, place, strict=True))
        row |= {"C, %": found.mean, "low": found.lo, "high": found.hi}
        row |= {"T, %": 100 * part.teacher_test_accuracy.mean(), "runs": found.runs}
        rows.append(row)
    return pd.DataFrame(rows)


def _runs(grid: str, command: str) -> pd.DataFrame:
    return tables.require(tables.runs(grid=grid, status="finished"), command)


def _gap(
    first: pd.DataFrame, second: pd.DataFrame, score: str, command: str
) -> Quantity:
    """Return first minus second in points, seed by seed; MissingRuns if one lacks."""
    for part in (first, second):
        tables.require(part, command)
    samples = (100 * part.set_index("seed")[score] for part in (first, second))
    return Quantity.of(paired_difference(*samples), "points")
