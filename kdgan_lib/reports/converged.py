"""Put the places where runs converge into tables, on every clock of training."""

from collections.abc import Mapping

import pandas as pd

from kdgan_lib.names import CLOCKS, label_of
from kdgan_lib.stats import convergence


def places(curves: pd.DataFrame, score: str, share: float) -> pd.DataFrame:
    """Return where each run first reaches a share of its best score, by clock.

    curves: evaluations in order, with columns `method` and `seed`.
    """
    rows = [
        {"method": name, "seed": seed}
        | {clock: convergence(run, score, clock, share) for clock in CLOCKS}
        for (name, seed), run in curves.groupby(["method", "seed"], sort=False)
    ]
    return pd.DataFrame(rows)


def means(found: pd.DataFrame, more: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return the mean place per method, further columns, and the number of runs.

    found: as `places` returns it. more: columns by method.
    """
    groups = found.groupby("method", sort=False)
    shown = groups[list(CLOCKS)].mean().assign(**more, runs=groups.size())
    shown = shown.reset_index()
    shown["method"] = shown.method.map(label_of)
    return shown.rename(columns=lambda name: str(name).replace("_", " "))
