"""Gather what choosing C on the test set adds to Table 1."""

from collections.abc import Sequence

import pandas as pd

from kdgan_lib.names import label_of
from kdgan_lib.reports import cells, controls, table1
from kdgan_lib.reports.cells import COLLAPSE, part_of
from kdgan_lib.reports.table1 import COLUMNS, Column
from kdgan_lib.stats import FEWEST, paired_difference, signed

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
    said = [
        _collapsed(
            f"{label_of(entry.cell.method)} on {entry.column.title(protocol)}",
            entry.finished,
        )
        for entry in found
    ]
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


def controls_collapsed() -> str:
    """Return which controls' runs end far below what they report; empty for none."""
    said = [
        _collapsed(f"*{controls.called(name)}* with n = {n:,}", found)
        for (name, n), found in controls.finished().items()
    ]
    if not any(said):
        return ""
    return (
        "Some rows end in a collapse, which selection hides: "
        f"{'; '.join(filter(None, said))}."
    )


def columns_collapsed(method: str, columns: Sequence[Column]) -> int:
    """Return in how many columns a run of a method collapses under `controlled`."""
    entries = table1.entries("controlled", columns)
    mine = [entry for entry in entries if entry.cell.method == method]
    return sum(len(cells.collapsed(entry.finished)) > 0 for entry in mine)


def _collapsed(of: str, done: pd.DataFrame) -> str:
    """Return how many of some runs collapse, and where their last C ends."""
    lost = cells.collapsed(done)
    if lost.empty:
        return ""
    first, last = lost.selected_epoch.min(), lost.selected_epoch.max()
    epochs = (
        f"epoch {first:.0f}" if first == last else f"epochs {first:.0f} to {last:.0f}"
    )
    average = ", on average," if len(lost) > 1 else ""
    return (
        f"in {part_of(len(lost), len(done))} of {of} the last C is right on "
        f"{100 * lost.last_test_accuracy.mean():.1f}% of the test images{average} "
        f"and the reported one is of {epochs} of {lost.epochs.iloc[0]}"
    )


def _gain(name: str, scores: pd.Series, runs: pd.DataFrame) -> dict[str, object]:
    gap = paired_difference(100 * scores, 100 * runs.test_accuracy)
    return {name: signed(gap).replace(" ", "&nbsp;")}
