"""Measure cells of Table 1 and how they were made (T1.1 to T1.36, S7, S9)."""

from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.reports import table1
from kdgan_lib.reports.table1 import COLUMNS, METHODS, Column, Entry
from kdgan_lib.stats import FEWEST
from kdgan_lib.tables import MissingRuns


@measure("accuracy")
def accuracy(
    method: str, data: str, n: int, paper: float, protocol: str = "controlled"
) -> Measured:
    """Return a cell's mean test accuracy in percent and its distance from the paper.

    Fewer than three runs are shown in tables and judge nothing.
    """
    entry = _entry(method, Column(data, n), protocol)
    found = entry.accuracy
    if found is None or found.runs < FEWEST:
        raise MissingRuns(entry.command)
    gaps = (found.mean - paper, found.lo - paper, found.hi - paper)
    return {
        "accuracy": Quantity.of(found, "%", protocol),
        "difference": Quantity(*gaps, "points", found.runs, protocol),
    }


@measure("runs_per_cell")
def runs_per_cell() -> Measured:
    """Return the smallest number of finished runs over the cells that have any."""
    counts = [
        len(entry.finished)
        for entry in table1.entries("controlled", COLUMNS)
        if entry.cell.method in METHODS and len(entry.finished)
    ]
    if not counts:
        raise MissingRuns("kdgan sweep table1 --protocol controlled")
    fewest = Quantity(min(counts), runs=min(counts), protocol="controlled")
    return {"fewest_runs": fewest}


def _entry(method: str, column: Column, protocol: str) -> Entry:
    """Return a cell of Table 1; raise ValueError if the table has no such cell."""
    for entry in table1.entries(protocol, (column,)):
        if entry.cell.method == method:
            return entry
    raise ValueError(f"Table 1 has no cell {method}, {column.title(protocol)}.")
