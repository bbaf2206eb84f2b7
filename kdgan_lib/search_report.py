"""Gather what the search for settings tried and found: tables of trials."""

import json

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.grids import COMPARED
from kdgan_lib.names import label_of

WEIGHTS = ("alpha", "beta", "gamma")
FORMATS = {
    **dict.fromkeys(("trials", "settings searched", "found in trial"), ".0f"),
    "best validation": ".2f",
}
"""How the columns of this module's tables are printed."""


def trials() -> pd.DataFrame:
    """Return the trials of every method's search on MNIST, in order, one row each.

    Columns: method, trial, score and the best score so far (both in percent of the
    validation images), and the setting tried.
    """
    found = tables.rows("trials", data="mnist", n=100)
    if found.empty:
        return found
    order = {name: place for place, name in enumerate(COMPARED)}
    found = found.assign(rank=found.method.map(order), score=100 * found.score)
    found = found.sort_values(["rank", "trial"]).reset_index(drop=True)
    found["best"] = found.groupby("method").score.cummax()
    return found[["method", "trial", "score", "best", "parameters"]]


def efforts() -> pd.DataFrame:
    """Return what was spent on each method's search, and when its best was found."""
    found, shown = trials(), []
    for name, part in found.groupby("method", sort=False) if len(found) else ():
        best = part.loc[part.score.idxmax()]
        row = {"method": label_of(str(name)), "trials": len(part)}
        row |= {"settings searched": len(json.loads(best.parameters))}
        row |= {"best validation": best.score, "found in trial": best.trial + 1}
        shown.append(row)
    return pd.DataFrame(shown)


def kdgan_trials() -> pd.DataFrame:
    """Return alpha, beta, gamma and the score of KDGAN's trials."""
    found = trials()
    if found.empty:
        return found
    mine = found[found.method == "kdgan"].reset_index(drop=True)
    tried = pd.DataFrame([json.loads(text) for text in mine.parameters])
    return mine[["trial", "score"]].join(tried[list(WEIGHTS)])
