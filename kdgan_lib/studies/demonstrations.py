"""Invent small examples for the chapter on reading: evidence, runs, intervals."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from kdgan_lib import tables
from kdgan_lib.figures import colour_of, figure

TRUTH = 80.0


def evidence(**quantities: tuple[float, float, float]) -> pd.DataFrame:
    """Return evidence rows from `name=(value, lo, hi)`."""
    rows = [
        {"quantity": name, "value": value, "lo": lo, "hi": hi}
        for name, (value, lo, hi) in quantities.items()
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "lo", "hi"])


@contextmanager
def empty_runs() -> Iterator[None]:
    """Let the library read from an empty folder of runs inside a `with` block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {"KDGAN_RUNS": folder}),
        tables.unrecorded(),
    ):
        yield


def invented_intervals(
    experiments: int, runs: int, spread: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the half width of the 95% interval of invented experiments.

    Each experiment has `runs` normal draws around 80 with deviation `spread`.
    """
    generator = np.random.default_rng([seed, runs])
    draws = generator.normal(TRUTH, spread, size=(experiments, runs))
    quantile = stats.t.ppf(0.975, runs - 1)
    half = quantile * draws.std(axis=1, ddof=1) / np.sqrt(runs)
    return draws.mean(axis=1), half


def coverage(experiments: int, spread: float, seed: int) -> pd.DataFrame:
    """Return, per number of runs, the mean half width and the share that covers."""
    rows = []
    for runs in (2, 3, 5, 10, 20, 50):
        mean, half = invented_intervals(experiments, runs, spread, seed)
        covered = float((abs(mean - TRUTH) <= half).mean())
        rows.append({"runs": runs, "half width": half.mean(), "covered": covered})
    return pd.DataFrame(rows)


def intervals_figure(runs: int, spread: float, seed: int) -> Figure:
    """Draw twenty invented experiments as intervals around the truth."""
    mean, half = invented_intervals(20, runs, spread, seed)
    fig, axes = figure(height=3.6)
    missed = abs(mean - TRUTH) > half
    for place in range(len(mean)):
        colour = colour_of("kdgan" if missed[place] else "teacher")
        ends = [mean[place] - half[place], mean[place] + half[place]]
        axes.plot(ends, [place, place], color=colour, lw=2)
        axes.plot(mean[place], place, "o", ms=4, color=colour)
    axes.axvline(TRUTH, color="black", ls="--", lw=1)
    axes.set(xlabel="accuracy (%)", ylabel="experiment", yticks=[])
    axes.set_xlim(TRUTH - 5 * spread, TRUTH + 5 * spread)
    return fig
