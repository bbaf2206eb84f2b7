"""Tell what T knows: beside a C without a teacher, after the game, by pretraining."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kdgan_lib import declared, tables
from kdgan_lib.names import label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import COLLAPSE, linked, part_of
from kdgan_lib.reports.table1 import COLUMNS, Column
from kdgan_lib.stats import more_or_less, shared_difference

if TYPE_CHECKING:
    from kdgan_lib.budget import Budget  # with the methods torch comes

GRID, COMMAND = "cifar10_teachers", "kdgan sweep cifar10_teachers"
SCORES = ["teacher_validation", "teacher_test"]
"""Columns of the curves."""
LEARNING = ("codis", "kdgan_wo_gm", "kdgan")
"""Methods whose T goes on learning."""
FINAL = ["test_accuracy", "teacher_test_accuracy"]
LESSER = (
    " It knows less than the C that it is to teach, so that this column does not show "
    "what a better teacher is worth."
)
"""What is said of a teacher that is clearly below C alone."""


def against_classifiers(
    columns: Sequence[Column] = COLUMNS, protocol: str = "controlled"
) -> str:
    """Return how good T is beside the C that has no teacher, by column, in words.

    T is MIMIC's, which stays as it was pretrained; both are of the same seeds. Columns
    where fewer than three seeds have both are left out.
    """
    runs = _by_seed(columns, protocol)
    said = [
        _teacher(column, protocol, runs[column, "mimic"], runs[column, "supervised"])
        for column in columns
        if {(column, "mimic"), (column, "supervised")} <= runs.keys()
    ]
    return " ".join(filter(None, said))


def lost(columns: Sequence[Column] = COLUMNS) -> str:
    """Return which runs' T ends far below where its pretraining left it, in words.

    MIMIC's T of the same seed stays as it was pretrained. Empty where nothing was run.
    """
    runs = _by_seed(columns)
    said = [
        _lost(column, name, found, runs[column, "mimic"])
        for (column, name), found in runs.items()
        if name in LEARNING and (column, "mimic") in runs
    ]
    if not said:
        return ""
    if not any(said):
        return f"No T ends more than {COLLAPSE:g} points below its pretraining."
    return (
        f"T ends more than {COLLAPSE:g} points below its pretraining "
        f"{listed(filter(None, said))}: what it learns in the game ruins it there."
    )


def _lost(column: Column, name: str, found: pd.DataFrame, kept: pd.DataFrame) -> str:
    """Return in how many runs of a method T is ruined, in words; empty for none."""
    fall = (kept.teacher_test_accuracy - found.teacher_test_accuracy).dropna()
    far = fall[fall > COLLAPSE]
    if far.empty:
        return ""
    average = " on average" if len(far) > 1 else ""
    return (
        f"in {part_of(len(far), len(fall))} of {label_of(name)} on "
        f"{column.title('controlled')}, by {far.mean():.1f} points{average}"
    )


def _by_seed(
    columns: Sequence[Column], protocol: str = "controlled"
) -> dict[tuple[Column, str], pd.DataFrame]:
    """Return the test accuracies of C and T in percent, by column and method."""
    return {
        (entry.column, entry.cell.method): 100 * entry.finished.set_index("seed")[FINAL]
        for entry in table1.entries(protocol, columns)
        if len(entry.finished)
    }


def _teacher(
    column: Column, protocol: str, taught: pd.DataFrame, alone: pd.DataFrame
) -> str:
    """Return the sentence on one column; empty with fewer than three pairs."""
    of_t, of_c = taught.teacher_test_accuracy.dropna(), alone.test_accuracy.dropna()
    gap, shared = shared_difference(of_t, of_c), of_t.index.intersection(of_c.index)
    if gap is None:
        return ""
    return (
        f"On {column.title(protocol)} the pretrained T, a {column.teachers}, is right "
        f"on {of_t[shared].mean():.2f}% of the test images, {more_or_less(gap)} than a "
        f"C without a teacher.{LESSER if gap.hi < 0 else ''}"
    )


def pretrainings() -> pd.DataFrame:
    """Return how good CIFAR-10's small T is by the way to pretrain it, in percent.

    Columns: n, "T's images" and "its rate" of `pretraining`, validation, test, and
    Table 1's way. A way that was not run, or not scored, says so, and has no scores.
    """
    from kdgan_lib.experiments import controlled_base  # it imports torch

    stored = tables.curves(grid=GRID, stage="pretrain teacher").reindex(
        columns=["run_id", *SCORES]
    )
    by_run = stored.drop_duplicates("run_id").set_index("run_id")
    scores = 100 * by_run.dropna().astype(float)
    rows = []
    for name, run in declared.runs(GRID).items():
        way, usual = pretraining(run.budget), controlled_base(run.task, run.n)
        row = {"n": run.n, **way, "validation": "–"}
        if name in scores.index:
            validation, test = scores.loc[name]
            row["validation"] = f"{validation:.2f}"
            row["test"] = linked(f"{test:.2f}", [], COMMAND, [name])
        elif name in by_run.index:
            row["test"] = linked("not scored", [], COMMAND, [name])
        else:
            row["test"] = table1.not_run(GRID, [name], COMMAND)
        rows.append(
            row | {"Table 1's way": "yes" if way == pretraining(usual) else "no"}
        )
    return pd.DataFrame(rows)


def pretraining(budget: "Budget") -> dict[str, str]:
    """Return in words how a budget pretrains T: T's images, and Adam's rate."""
    falls = ", falls" if budget.pretraining_schedule == "cosine" else ""
    return {
        "T's images": budget.augmentation_before("teacher"),
        "its rate": f"{budget.pretraining_lr:g}{falls}",
    }
