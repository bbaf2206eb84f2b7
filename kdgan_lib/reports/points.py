"""Put a grid's declared runs beside what is stored of them, in percent."""

import pandas as pd

from kdgan_lib import tables

CHANCE = 10.0
"""Accuracy in percent that a diverged run's C counts as: one guess of ten labels."""
SCORES = {
    "test_accuracy": "accuracy",
    "last_test_accuracy": "last",
    "teacher_test_accuracy": "teacher",
    "validation_accuracy": "validation",
}
"""Columns of the run table that are percentages here, and what they are called."""
OF_C = ["accuracy", "last", "validation"]


def stored(planned: pd.DataFrame, grid: str) -> pd.DataFrame:
    """Return declared runs, one row each, with what is stored of them.

    planned: a row per run with its `run_id`. Columns are added: status (NaN: not run),
    and in percent `accuracy` (of C as selected, on the test set), `last` (of C
    at the end), `teacher` (of T at the end, on the test set) and `validation` (of C as
    selected). C of a run that diverged counts as chance in all of them, so that neither
    a mean nor a selection passes over it.
    """
    wanted = ["run_id", "status", *SCORES]
    known = tables.runs(grid=grid).reindex(columns=wanted)
    found = planned.merge(known, on="run_id", how="left").rename(columns=SCORES)
    scores = list(SCORES.values())
    found[scores] = 100 * found[scores].astype(float)
    found.loc[found.status == "diverged", OF_C] = CHANCE
    return found
