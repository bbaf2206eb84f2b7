"""Report how the classical taggers were chosen, and how long they take."""

import json

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import label_of
from kdgan_lib.reports.table2 import BASELINES, CLASSICAL, DATA

TRIALS, COMMAND = "baseline_trials", "kdgan classical"
TOGETHER = "KNN and TagProp together"
FORMATS = {
    **dict.fromkeys((*map(label_of, CLASSICAL), TOGETHER), ".1f"),
    "trials": ".0f",
    **dict.fromkeys(("P@3 on validation", "its mean over fits"), ".4f"),
    "fits": ".0f",
}
"""How the columns of this module's tables are printed."""
TAGS = {data: f"{vocabulary} tags" for vocabulary, data in DATA.items()}
"""What the tasks are called in tables and figures."""


def trials() -> pd.DataFrame:
    """Return the settings tried for each baseline, with columns k and distance."""
    rows = tables.rows(TRIALS)
    if rows.empty:
        return rows
    tried = pd.DataFrame([json.loads(text) for text in rows.settings])
    return rows.join(tried).replace({"data": TAGS})


def timings() -> pd.DataFrame:
    """Return processor seconds of fitting and rating the training images, by tagger."""
    rows = tables.rows(BASELINES)
    if rows.empty:
        return rows
    means = rows.groupby(["data", "baseline"]).cpu_seconds.mean().reset_index()
    wide = means.pivot(index="data", columns="baseline", values="cpu_seconds")
    wide = wide.reindex(columns=list(CLASSICAL))
    wide[TOGETHER] = wide.knn + wide.tagprop
    return wide.rename(columns=label_of, index=TAGS).reset_index()


def chosen_settings() -> pd.DataFrame:
    """Return each baseline's chosen settings, number of trials and validation P@3.

    The mean of the latter over the reported fits, by which the best is named; NaN where
    there is none.
    """
    trials = tables.rows(TRIALS)
    if trials.empty:
        return trials
    best = trials.loc[
        trials.groupby(["data", "baseline"]).validation_precision.idxmax()
    ]
    counts = trials.groupby(["data", "baseline"]).size().rename("trials")
    shown = best.join(counts, on=["data", "baseline"])
    shown["tagger"] = shown.baseline.map(label_of)
    shown["settings"] = shown.settings.str.strip("{}").str.replace('"', "")
    ordered = shown.sort_values("baseline", key=lambda c: c.map(CLASSICAL.index))
    named = ordered.rename(columns={"validation_precision": "P@3 on validation"})
    fits = _fits(named)
    columns = ["data", "tagger", "trials", "P@3 on validation", *fits, "settings"]
    shown = named.assign(**fits).sort_values("data", kind="stable")[columns]
    return shown.replace({"data": TAGS})


def _fits(chosen: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the mean validation P@3 and the number of each chosen tagger's fits."""
    keys = ["data", "baseline"]
    rows = tables.rows(BASELINES).reindex(columns=[*keys, "validation_precision"])
    scores = rows.groupby(keys).validation_precision
    return {
        "its mean over fits": chosen[keys].join(scores.mean(), on=keys).iloc[:, -1],
        "fits": chosen[keys].join(scores.count(), on=keys).iloc[:, -1],
    }
