"""Gather what choosing C on the test set adds to Table 1."""

from collections.abc import Sequence

import pandas as pd

from kdgan_lib.names import label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import part_of
from kdgan_lib.reports.table1 import COLUMNS, Column
from kdgan_lib.stats import FEWEST, paired_difference, signed

COLLAPSE = 10.0
"""Points that a last classifier lies below the reported one where training fails."""
FORMATS = dict.fromkeys(("held out", "last classifier"), ".2f")
"""How the columns of this module's tables are printed."""


def largest() -> pd.DataFrame:
    """Return what the largest test evaluation adds to the last one under `code`.

    Both are of the same runs; the difference is in points, paired.
    """
    rows = []
    for entry in _by_column("code"):
        done = entry.finished
        if len(done) >= FEWEST:
            last, best = 100 * done.last_test_accuracy, 100 * done.best_test_accuracy
            row = {"column": entry.column.title("code"), "last classifier": last.mean()}
            row |= {"method": label_of(entry.cell.method)}
            gap = paired_difference(best, last)
            rows.append(row | {"largest minus last": signed(gap), "runs": gap.runs})
    columns = ["column", "method", "last classifier", "largest minus last", "runs"]
    return pd.DataFrame(rows, columns=columns)


def rules(protocol: str = "controlled") -> pd.DataFrame:
    """Return what two other rules of selection would report of the same runs.

    *last* and *largest on the test set* are means of the differences from the accuracy
    that the held-out selection reports, in points. The largest is over the evaluations
    on the test set and the reported classifier's.
    """
    rows = []
    for entry in _by_column(protocol):
        done = entry.finished
        if len(done):
            largest = done[["best_test_accuracy", "test_accuracy"]].max(axis=1)
            rows.append(
                {
                    "column": entry.column.title(protocol),
                    "method": label_of(entry.cell.method),
                    "held out": (100 * done.test_accuracy).mean(),
                    **_gain("last", done.last_test_accuracy, done),
                    **_gain("largest on the test set", largest, done),
                    "runs": len(done),
                }
            )
    return pd.DataFrame(rows)


def _by_column(protocol: str) -> list[table1.Entry]:
    """Return a protocol's cells, column by column."""
    found = table1.entries(protocol)
    return sorted(found, key=lambda each: COLUMNS.index(each.column))


def collapsed(protocol: str = "controlled", columns: Sequence[Column] = COLUMNS) -> str:
    """Return which runs end far below what they report; empty where nothing was run."""
    entries = table1.entries(protocol, columns)
    found = [entry for entry in entries if len(entry.finished)]
    if not found:
        return ""
    said = [_collapsed(entry, protocol) for entry in found]
    if not any(said):
        return (
            f"No run's last classifier lies more than {COLLAPSE:g} points below the "
            "reported one."
        )
    return (
        "Training can collapse after its best classifier, which selection hides: "
        f"{'; '.join(filter(None, said))}. Such a cell tells of the setting as much as "
        "of the method."
    )


def columns_collapsed(method: str, columns: Sequence[Column]) -> int:
    """Return in how many columns a run of a method collapses under `controlled`."""
    entries = table1.entries("controlled", columns)
    return sum(len(_lost(e)) > 0 for e in entries if e.cell.method == method)


def _lost(entry: table1.Entry) -> pd.DataFrame:
    """Return a cell's runs whose last C lies far below the reported one."""
    done = entry.finished
    if done.empty:
        return done
    return done[100 * (done.test_accuracy - done.last_test_accuracy) > COLLAPSE]


def _collapsed(entry: table1.Entry, protocol: str) -> str:
    """Return how many of a cell's runs collapse, and where their last C ends."""
    done, lost = entry.finished, _lost(entry)
    if lost.empty:
        return ""
    epochs = listed(f"{epoch:.0f}" for epoch in sorted(set(lost.selected_epoch)))
    return (
        f"in {part_of(len(lost), len(done))} of {label_of(entry.cell.method)} on "
        f"{entry.column.title(protocol)} the last C is right on "
        f"{100 * lost.last_test_accuracy.mean():.1f}% of the test images, on average, "
        f"and the reported one is that of epoch {epochs} of {lost.epochs.iloc[0]}"
    )


def _gain(name: str, scores: pd.Series, runs: pd.DataFrame) -> dict[str, object]:
    gap = paired_difference(100 * scores, 100 * runs.test_accuracy)
    return {name: signed(gap).replace(" ", "&nbsp;")}
