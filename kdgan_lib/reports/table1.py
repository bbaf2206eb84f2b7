"""Read Table 1 from the stored runs: cells, what they lack, and what that takes.

Nothing here imports torch, so that a table prints at once.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kdgan_lib import claims, declared, tables
from kdgan_lib.declared import Cell
from kdgan_lib.names import COMPARED
from kdgan_lib.names import PROTOCOLS as PROTOCOLS
from kdgan_lib.reports.cells import folded
from kdgan_lib.reports.effort import DAY, estimated, of_runs, on_a_cpu, pace_of, rate_of
from kdgan_lib.stats import QUIET, Estimate, mean_interval

if TYPE_CHECKING:
    from kdgan_lib.experiments import Run

GRID = "table1"
METHODS = ("codis", "distn", "noisy", "mimic", "nagan", "kdgan")
"""The paper's rows, in its order."""
ROWS = COMPARED
"""Ours: with a classifier that has no teacher, and KDGAN without the Gumbel trick."""
HELD_OUT = 2_000


@dataclass(frozen=True)
class Column:
    """A column of Table 1."""

    data: str
    """Data set."""
    n: int
    """Training images, by the paper."""
    variant: str = "default"
    """Which networks; the paper's columns have the default ones."""

    def size(self, protocol: str) -> int:
        """Return the training images that a protocol leaves of n."""
        whole = self.data == "cifar10" and self.n == 50_000
        return self.n - HELD_OUT if whole and protocol == "controlled" else self.n

    @property
    def teachers(self) -> str:
        """Return what T and D are, in words, but for `code`'s ResNet-20."""
        if self.data == "mnist":
            return "LeNet"
        return "ResNet-20" if self.variant == "small" else "ResNet-110"

    def title(self, protocol: str) -> str:
        """Return the column's heading: data set and n."""
        name = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[self.data]
        return f"{name} {self.size(protocol):,}"

    def paper(self, method: str) -> float:
        """Return the paper's accuracy of a method; NaN where it has none."""
        if self.variant != "default":
            return float("nan")
        return claims.paper_value("T1", method=method, data=self.data, n=self.n)


COLUMNS = (
    *(Column("mnist", n) for n in (100, 1_000, 10_000)),
    *(Column("cifar10", n) for n in (500, 5_000, 50_000)),
)
SMALL = tuple(Column("cifar10", n, "small") for n in (500, 5_000))
"""CIFAR-10 with a ResNet-20 as T and D: no columns of the paper."""


@dataclass(frozen=True)
class Entry:
    """A cell of Table 1: what its stored runs give, and what is left to run."""

    column: Column
    """Where it stands."""
    cell: Cell
    """The declared runs."""
    runs: pd.DataFrame
    """The stored ones of them."""
    seconds: float
    """Estimated seconds of one run on a CPU core; NaN where nothing was timed."""

    @property
    def finished(self) -> pd.DataFrame:
        """Return the runs that ended well."""
        return (
            self.runs[self.runs.status == "finished"] if len(self.runs) else self.runs
        )

    @property
    def accuracy(self) -> Estimate | None:
        """Return the mean test accuracy in percent, or None where nothing was run."""
        done = self.finished
        return mean_interval(100 * done.test_accuracy) if len(done) else None

    @property
    def missing(self) -> int:
        """Return the number of declared runs that are not stored."""
        return len(self.cell.ids) - len(self.runs)

    @property
    def paper(self) -> float:
        """Return the paper's accuracy; NaN where it has none."""
        return self.column.paper(self.cell.method)

    @property
    def needs_gpu(self) -> bool:
        """Tell whether T and D, ResNet-110s, or its time are too large for a CPU."""
        large = self.cell.protocol != "code" and self.column.teachers == "ResNet-110"
        return large or self.seconds > DAY

    @property
    def command(self) -> str:
        """Return the one command that runs the cell."""
        return command((self,))


def entries(
    protocol: str = "controlled", columns: Iterable[Column] = COLUMNS
) -> list[Entry]:
    """Return the cells of some columns under a protocol, row by row.

    A run counts only if its settings are those that the grid declares today.
    """
    stored = tables.runs(grid=GRID)
    cells = declared.cells(GRID)
    pace = pace_of(stored, cells)
    found = {_place(cell): cell for cell in cells if cell.protocol == protocol}
    owner = {name: place for place, cell in found.items() for name in cell.ids}
    runs = dict(list(stored.groupby(stored.run_id.map(owner))))
    return [
        _entry(column, found[place], runs.get(place, stored.iloc[:0]), pace)
        for name in ROWS
        for column in columns
        if (place := _wanted(name, column, protocol)) in found
    ]


def scores(protocol: str, columns: Iterable[Column]) -> dict[Column, pd.DataFrame]:
    """Return each column's test accuracies in percent: a row per seed, by method."""
    found: dict[Column, dict[str, pd.Series]] = {column: {} for column in columns}
    for entry in entries(protocol, found):
        if len(entry.finished):
            known = 100 * entry.finished.set_index("seed").test_accuracy
            found[entry.column][entry.cell.method] = known
    return {column: pd.DataFrame(known) for column, known in found.items()}


def command(chosen: Iterable[Entry]) -> str:
    """Return the one command that runs some cells of a protocol."""
    wanted = list(chosen)
    cells = [entry.cell for entry in wanted]
    parts = ["kdgan sweep table1"]
    for option, values in (
        ("--data", [cell.data for cell in cells]),
        ("--n", [cell.n for cell in cells]),
        ("--protocol", [cell.protocol for cell in cells]),
        ("--method", [cell.method for cell in cells]),
    ):
        known = list(dict.fromkeys(values))
        if option != "--method" or set(known) < set(ROWS):
            parts += [option, *map(str, known)]
    variants = list(dict.fromkeys(cell.variant for cell in cells))
    if any(cell.data == "cifar10" for cell in cells):
        parts += ["--variant", *variants]
    if any(entry.needs_gpu for entry in wanted):
        parts += ["--device", "cuda"]
    return " ".join(parts)


def effort(chosen: Iterable[Entry]) -> str:
    """Return on what the missing runs are made, and an estimate of their time."""
    left = [entry for entry in chosen if entry.missing]
    gpu = any(entry.needs_gpu for entry in left)
    advice = "a GPU, on which nothing was timed; " if gpu else ""
    seconds = sum(entry.missing * entry.seconds for entry in left)
    return advice + estimated(seconds)


def effort_of(cells: Iterable[Cell]) -> str:
    """Return a bound on the time of all runs of some cells of narrower classifiers.

    A run takes at most as long as the same method's on the first column.
    """
    usual = times(COLUMNS[0])
    seconds = sum(len(cell.ids) * usual[cell.method] for cell in cells)
    return estimated(seconds, "at most about")


def not_run(grid: str, identities: Iterable[str], command: str) -> str:
    """Return the cell of declared runs none of which is stored."""
    return folded("not run", [], command, of_runs(grid, identities))


def left(grid: str, **of: object) -> dict[str, "Run"]:
    """Return a grid's declared runs that are not stored, by their identities.

    of: what they share of their configuration, such as `method` and `n`.
    """
    stored = set(tables.runs(grid=grid).run_id)
    return {
        name: run
        for name, run in declared.runs(grid).items()
        if name not in stored and of.items() <= run.configuration().items()
    }


def times(column: Column) -> dict[str, float]:
    """Return the seconds of a run of each method in a column under `controlled`."""
    return {e.cell.method: e.seconds for e in entries("controlled", (column,))}


def missing(found: Iterable[Entry]) -> list[list[Entry]]:
    """Return the cells that lack runs, a list for each column that has such."""
    by_column: dict[Column, list[Entry]] = {}
    for entry in found:
        if entry.missing:
            by_column.setdefault(entry.column, []).append(entry)
    return list(by_column.values())


def _place(cell: Cell) -> tuple[str, str, int, str]:
    return cell.method, cell.data, cell.n, cell.variant


def _wanted(name: str, column: Column, protocol: str) -> tuple[str, str, int, str]:
    return name, column.data, column.size(protocol), column.variant


def _entry(
    column: Column, cell: Cell, runs: pd.DataFrame, pace: dict[str, float]
) -> Entry:
    timed = on_a_cpu(runs)
    own = timed.seconds.quantile(QUIET) if len(timed) else float("nan")
    guess = cell.multiply_adds * rate_of(pace, cell.data)
    return Entry(column, cell, runs, guess if math.isnan(own) else float(own))
