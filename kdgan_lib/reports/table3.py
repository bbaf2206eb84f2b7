"""Read Table 3 from the stored runs: what a smaller classifier saves and costs.

Nothing here imports torch unless the networks are to be measured.
"""

from dataclasses import dataclass, field

import pandas as pd

from kdgan_lib import declared, runs, tables
from kdgan_lib.declared import Cell
from kdgan_lib.stats import Difference, Estimate, mean_interval, shared_difference

GRID, SIZES = "table3", "sizes"
COMMAND = "kdgan sweep table3"
MEASURE = "kdgan table 3 --measure"
METHODS = ("supervised", "mimic", "kdgan")
KEYS = ("player", "hidden")


@dataclass(frozen=True, eq=False)
class Entry:
    """A method's classifiers of one width, against the teacher of the same seeds."""

    cell: Cell
    """The declared runs."""
    loss: Difference | None = None
    """T's accuracy minus C's in points; None where no teacher was run beside."""
    runs: tuple[str, ...] = ()
    """Identities of the runs behind it."""
    scores: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    """Test accuracies in percent, by seed."""

    @property
    def accuracy(self) -> Estimate | None:
        """Return the test accuracy in percent; None where nothing was run."""
        return mean_interval(self.scores) if len(self.scores) else None

    @property
    def missing(self) -> int:
        """Return how many declared runs are not stored."""
        return len(set(self.cell.ids) - set(self.runs))

    @property
    def hidden(self) -> int:
        """Return the hidden units of either layer."""
        return int(self.cell.variant.removeprefix("h"))

    @property
    def command(self) -> str:
        """Return the one command that runs the cell."""
        return f"{COMMAND} --method {self.cell.method} --variant {self.cell.variant}"


def entries() -> list[Entry]:
    """Return the cells of Table 3, narrow classifiers first.

    T is MIMIC's teacher, which is pretrained and then fixed: of the same seed it is the
    same for every width and method.
    """
    stored = tables.runs(grid=GRID, status="finished")
    teachers = _teachers(stored)
    found = [_entry(cell, stored, teachers) for cell in declared.cells(GRID)]
    return sorted(found, key=lambda e: (e.hidden, METHODS.index(e.cell.method)))


def sizes() -> pd.DataFrame:
    """Return the stored sizes of T and of C at each width; empty if never measured."""
    return tables.rows(SIZES)


def measure() -> int:
    """Measure the networks on this machine, store the sizes, return how many."""
    import torch

    from kdgan_lib.compression import compression_table
    from kdgan_lib.grids import WIDTHS
    from kdgan_lib.provenance import provenance

    found = compression_table(WIDTHS).assign(**provenance(torch.device("cpu")))
    found["hidden"] = found.hidden.fillna(0).astype(int)
    runs.append_rows(SIZES, found, KEYS)
    return len(found)


def _entry(cell: Cell, stored: pd.DataFrame, teachers: pd.Series) -> Entry:
    mine = stored[stored.run_id.isin(cell.ids)]
    if mine.empty:
        return Entry(cell)
    scores = 100 * mine.set_index("seed").test_accuracy
    loss = shared_difference(teachers, scores, 1)
    return Entry(cell, loss, tuple(mine.run_id), scores)


def _teachers(stored: pd.DataFrame) -> pd.Series:
    """Return the fixed teachers' test accuracies in percent, by seed."""
    if stored.empty:
        return pd.Series(dtype=float)
    fixed = stored[stored.method == "mimic"].dropna(subset="teacher_test_accuracy")
    return 100 * fixed.groupby("seed").teacher_test_accuracy.first()
