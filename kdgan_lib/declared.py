"""Know the declared runs of the printed tables without waiting for torch.

A declaration needs the methods, and they need torch, which takes longer to import than
a table to print. `settings/declared.json` keeps what the grids declare, with a hash of
the sources that declare it; under another hash the grids are asked instead.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdgan_lib.files import digest_of_sources, matching, write_atomically

if TYPE_CHECKING:
    from kdgan_lib.experiments import Run

PACKAGE = Path(__file__).parent
FILE = PACKAGE / "settings" / "declared.json"
TABLES = ("table1", "table2", "table2_yfcc100m", "table3")
"""Grids whose declarations are kept."""
SOURCES = (
    *("grids.py", "tag_grids.py", "beyond_grids.py", "variations.py"),
    *("names.py", "experiments.py"),
    *("tasks.py", "budget.py", "choices.py", "costs.py"),
    *("compression.py", "nets.py", "cifar_nets.py"),
    *("loop/schedule.py", "runs.py", "methods/*.py", "settings/*.json"),
)
"""Files that decide a run's identity or its cost, inside the package."""


@dataclass(frozen=True)
class Cell:
    """The runs of one method on one column of a table: they differ in their seed."""

    method: str
    """The method."""
    data: str
    """Data set."""
    n: int
    """Training examples."""
    protocol: str
    """paper, code or controlled."""
    variant: str
    """Which networks."""
    ids: tuple[str, ...]
    """The runs' identities, seed by seed from 0."""
    multiply_adds: float
    """Multiply-adds of one run; 0 where they are not known."""


def cells(grid: str) -> tuple[Cell, ...]:
    """Return what a table's grid declares under profile `paper`, cell by cell."""
    kept = _kept(FILE)
    if grid in kept.get("grids", {}) and kept["digest"] == digest(PACKAGE):
        return tuple(_cell(entry) for entry in kept["grids"][grid])
    return _declare(grid)


@cache
def identities(grid: str) -> frozenset[str]:
    """Return the identities of all runs that a grid declares under profile `paper`."""
    if grid in TABLES:
        return frozenset(name for cell in cells(grid) for name in cell.ids)
    return frozenset(runs(grid))


@cache
def runs(grid: str) -> dict[str, "Run"]:
    """Return the runs that a grid declares under profile `paper`, by identity."""
    from kdgan_lib.grids import GRIDS  # imports torch

    return {run.id: run for run in GRIDS[grid]("paper")}


def keep(path: Path = FILE) -> None:
    """Write the declarations of the tables down: `python -m kdgan_lib.declared`."""
    lines = {name: [_line(cell) for cell in _declare(name)] for name in TABLES}
    grids = [
        f"{json.dumps(name)}: [\n" + ",\n".join(body) + "\n]"
        for name, body in lines.items()
    ]
    start = f'{{"digest": "{digest(PACKAGE)}", "grids": {{\n'
    write_atomically(path, (start + ",\n".join(grids) + "\n}}\n").encode())


@cache
def digest(package: Path) -> str:
    """Return a hash of the sources that decide what is declared."""
    found = matching(package, SOURCES)
    return digest_of_sources(path for path in found if path != FILE)


@cache
def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}


@cache
def _declare(grid: str) -> tuple[Cell, ...]:
    """Ask the grid itself."""
    from kdgan_lib.grids import GRIDS

    return tuple(_gathered(GRIDS[grid]("paper")))


def _gathered(runs: Iterable["Run"]) -> Iterator[Cell]:
    """Yield one cell per method and column of a table."""
    from kdgan_lib.costs import multiply_adds

    def place(run: "Run") -> tuple[Any, ...]:
        return run.data, run.n, run.protocol, run.variant, run.method.name

    for key, group in groupby(sorted(runs, key=place), place):
        data, n, protocol, variant, name = key
        seeds = sorted(group, key=lambda run: run.seed)
        ids, cost = tuple(run.id for run in seeds), multiply_adds(seeds[0])
        yield Cell(name, data, n, protocol, variant, ids, cost)


def _line(cell: Cell) -> str:
    return json.dumps(asdict(cell))


def _cell(entry: dict[str, Any]) -> Cell:
    return Cell(**{**entry, "ids": tuple(entry["ids"])})


if __name__ == "__main__":
    keep()
