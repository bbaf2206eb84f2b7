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
from kdgan_lib.stats import CONFIDENCE, MANY, mean_interval

TRUTH = 80.0
TABLED = "covered, as in tables"
"""Column of `coverage` for the interval that tables and verdicts have."""


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


def invented_runs(experiments: int, runs: int, spread: float, seed: int) -> np.ndarray:
    """Return normal draws around 80 with deviation `spread`, [experiments, runs]."""
    generator = np.random.default_rng([seed, runs])
    return generator.normal(TRUTH, spread, size=(experiments, runs))


def student_intervals(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of experiments and the half widths of Student's 95% intervals.

    draws: [experiments, runs]; both results [experiments].
    """
    runs = draws.shape[1]
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, runs - 1)
    return draws.mean(axis=1), quantile * draws.std(axis=1, ddof=1) / np.sqrt(runs)


def coverage(
    experiments: int, spread: float, seed: int, tabled: int = 100
) -> pd.DataFrame:
    """Return, per number of runs, how wide intervals are and the share that covers.

    Student's, and in the column `TABLED` that of `mean_interval`, which is a bootstrap
    from ten runs on: slow, so that it is formed of the first `tabled` experiments.
    """
    rows = []
    for runs in (3, 5, 10, 20, 50):
        draws = invented_runs(experiments, runs, spread, seed)
        mean, half = student_intervals(draws)
        some = draws if runs < MANY else draws[:tabled]
        found = [mean_interval(draw) for draw in some]
        rows.append(
            {
                "runs": runs,
                "half width": half.mean(),
                "covered": float((abs(mean - TRUTH) <= half).mean()),
                TABLED: float(np.mean([e.lo <= TRUTH <= e.hi for e in found])),
            }
        )
    return pd.DataFrame(rows)


def intervals_figure(runs: int, spread: float, seed: int) -> Figure:
    """Draw Student's intervals of twenty invented experiments around the truth."""
    mean, half = student_intervals(invented_runs(20, runs, spread, seed))
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
