"""Say how far Figure 4's verdicts reach: which sizes were run, and what C lost."""

import pandas as pd

from kdgan_lib.prose import about_zero, listed
from kdgan_lib.reports import hyperparameters as report
from kdgan_lib.stats import FEWEST, signed

SIZES = (100, 1_000, 10_000)
"""Labelled images for which the figure is declared on MNIST."""
LARGE_GAMMA = 1e2


def sizes_run(found: pd.DataFrame) -> str:
    """Return in words at which sizes alpha's axis was run, and what the rest can do.

    found: as `hyperparameters.points` gives it. Empty before any size was run.
    """
    rows = report.axis(found, "alpha")
    done = [
        n
        for n, part in rows.groupby("n")
        if len(report.complete(part)) >= FEWEST and part.value.nunique() > 1
    ]
    left = [f"{n:,}" for n in SIZES if n not in done]
    if not done:
        return ""
    text = f"F4.1 to F4.4 are judged at n = {listed(f'{n:,}' for n in done)}"
    if not left:
        return f"{text}."
    return (
        f"{text} only; n = {listed(left)} of the paper's figure "
        f"{'are' if len(left) > 1 else 'is'} not run. Further sizes can only widen the "
        "ranges of F4.1 and F4.2, so that *reproduced* is for what was run."
    )


def late_loss(found: pd.DataFrame) -> str:
    """Return in words what C loses at the end of training with the largest gamma.

    At the least n that was run; empty with fewer than three pairs.
    """
    rows = report.axis(found, "gamma")
    rows = rows[rows.n == rows.n.min()]
    lost = report.loss(rows, "gamma", LARGE_GAMMA, "last") if len(rows) else None
    if lost is None:
        return ""
    return (
        f"At the end of training with γ = {LARGE_GAMMA:g} C has lost {signed(lost)} "
        f"points against the tuned γ over {lost.runs} seeds, an interval that "
        f"{about_zero(lost.lo, lost.hi)}."
    )
