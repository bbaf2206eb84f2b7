"""Tell what the wider search tried, what it found, and what that changed on test."""

import json

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import COMPARED, label_of
from kdgan_lib.reports.orderings import standing
from kdgan_lib.stats import mean_interval, paired_difference, signed
from kdgan_lib.tuning import WIDER, WIDER_TRIALS, prescribed

SEARCH = "kdgan tune --wider --freeze"
COMMAND = "kdgan sweep wider"
N = 100
WHERE = {"data": "mnist", "n": N}
FORMATS = {
    **dict.fromkeys(("trials", "found in trial"), ".0f"),
    **dict.fromkeys(("validation, prescribed", "validation, best"), ".2f"),
}
"""How the columns of this module's tables are printed."""


def searched() -> pd.DataFrame:
    """Return each method's trials, the prescribed setting's score, and the best's.

    Scores are in percent of the validation images; the first trial is the prescribed
    setting. The last column has what the best changes.
    """
    trials = tables.rows(WIDER_TRIALS, **WHERE)
    if trials.empty:
        return pd.DataFrame()
    rows = []
    for name in COMPARED:
        done = trials[trials.method == name].sort_values("trial")
        if len(done):
            best = done.loc[done.score.idxmax()]
            rows.append(
                {
                    "method": label_of(name),
                    "trials": len(done),
                    "validation, prescribed": 100 * done.score.iloc[0],
                    "validation, best": 100 * best.score,
                    "found in trial": best.trial + 1,
                    "changed": _changed(name, json.loads(best.parameters)),
                }
            )
    return pd.DataFrame(rows)


def _changed(name: str, found: dict[str, object]) -> str:
    """Return what a setting changes of the prescribed one, numbers with two digits."""
    usual = prescribed(name, N)
    said = [
        f"`{key}` {value:.2g}" if isinstance(value, float) else f"`{key}` {value}"
        for key, value in found.items()
        if value != usual[key]
    ]
    return ", ".join(said) or "nothing"


def scores() -> pd.DataFrame:
    """Return the found settings' test accuracies in percent, by seed and method."""
    runs = tables.runs(grid=WIDER, status="finished")
    if runs.empty:
        return pd.DataFrame()
    return 100 * runs.pivot(index="seed", columns="method", values="test_accuracy")


def accuracies() -> pd.DataFrame:
    """Return each method's test accuracy with the found setting, and the change.

    The change is from the prescribed setting, in points, paired by seed.
    """
    found = scores()
    usual = tables.runs(
        grid="table1", protocol="controlled", status="finished", **WHERE
    )
    rows = []
    for name in COMPARED if len(found) else ():
        if name in found:
            mine = found[name].dropna()
            mean = mean_interval(mine)
            before = 100 * usual[usual.method == name].set_index("seed").test_accuracy
            shared = before.index.intersection(mine.index)
            change = _change(mine[shared], before[shared])
            ends = "" if pd.isna(mean.lo) else f" [{mean.lo:.2f}, {mean.hi:.2f}]"
            row = {"method": label_of(name), "test accuracy": f"{mean.mean:.2f}{ends}"}
            rows.append(row | {"change": change, "runs": mean.runs})
    return pd.DataFrame(rows)


def _change(mine: pd.Series, before: pd.Series) -> str:
    if mine.empty:
        return "–"
    if mine.equals(before):
        return "the same runs"
    return signed(paired_difference(mine, before))


def sentence() -> str:
    """Return where KDGAN stands with the found settings; empty with too few runs."""
    found = scores()
    if found.empty:
        return ""
    return standing(found, "kdgan", "With what the wider search found")
