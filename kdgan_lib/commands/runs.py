"""Command `kdgan runs`: list the stored runs, show one, or repeat one."""

import sys
from dataclasses import dataclass
from typing import Annotated

import pandas as pd
import tyro

from kdgan_lib import runs

LISTED = [
    "run_id",
    "method",
    "data",
    "n",
    "protocol",
    "profile",
    "seed",
    "status",
    "test_score",
    "seconds",
]


@dataclass(frozen=True)
class List:
    """List the stored runs, one a line."""

    method: str | None = None
    """Only this method."""
    protocol: str | None = None
    """Only this protocol."""
    profile: str | None = None
    """Only this profile."""
    data: str | None = None
    """Only this data set."""
    n: int | None = None
    """Only this number of training examples."""
    seed: int | None = None
    """Only this seed."""
    grid: str | None = None
    """Only what this figure or table declares, such as table1 or figure4."""

    def __call__(self) -> int:
        """Print the table."""
        stored = runs.table()
        if stored.empty:
            print("no runs yet: `kdgan train --method mimic` makes one")
            return 0
        rows = self._chosen(stored)
        if rows.empty:
            print("no stored run has all of these options")
            return 0
        # Accuracy, or P@3 on the tasks with many labels: a run has one of them.
        accuracy, precision = (
            rows.reindex(columns=[f"test_{name}"])[f"test_{name}"]
            for name in ("accuracy", "precision")
        )
        rows = rows.assign(test_score=accuracy.fillna(precision))
        shown = rows.reindex(columns=LISTED).sort_values(LISTED[1:7])
        with pd.option_context("display.width", 200, "display.max_columns", None):
            print(shown.to_string(index=False, float_format="{:.4f}".format))
        return 0

    def _chosen(self, stored: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with all options; raise ValueError for one no row has."""
        rows = stored
        for name in ("method", "protocol", "profile", "data", "n", "seed"):
            wanted = getattr(self, name)
            if wanted is None:
                continue
            known = sorted(stored[name].dropna().unique())
            if wanted not in known:
                raise ValueError(
                    f"no stored run has the {name} {wanted}; stored are "
                    f"{', '.join(map(str, known))}."
                )
            rows = rows[rows[name] == wanted]
        return rows if self.grid is None else rows[rows.run_id.isin(_of(self.grid))]


def _of(grid: str) -> frozenset[str]:
    """Return the ids that a grid declares; raise ValueError for an unknown one."""
    from kdgan_lib.declared import identities
    from kdgan_lib.grids import GRIDS  # lists of all runs need no torch

    if grid not in GRIDS:
        raise ValueError(f"no grid {grid}; choose from {', '.join(GRIDS)}.")
    return identities(grid)


@dataclass(frozen=True)
class Show:
    """Show everything that is known of runs."""

    run_ids: tyro.conf.Positional[tuple[str, ...]]
    """The runs' ids, or their first characters."""

    def __post_init__(self) -> None:
        """Refuse an empty list, which would print nothing."""
        if not self.run_ids:
            raise ValueError("Name at least one run: `kdgan runs list` has their ids.")

    def __call__(self) -> int:
        """Print one value a line, an empty line between runs."""
        found = [runs.find(name) for name in self.run_ids]
        texts = [
            "\n".join(f"{name:<28}{value}" for name, value in row.items())
            for row in found
        ]
        print("\n\n".join(texts))
        return 0


@dataclass(frozen=True)
class Repeat:
    """Train a stored run again and compare; nothing is stored."""

    run_id: tyro.conf.Positional[str]
    """The run's id, or its first characters."""

    def __call__(self) -> int:
        """Print what differs and why it may; return 1 if anything does."""
        from kdgan_lib.repeat import differences, explanation  # lists need no torch

        row = runs.find(self.run_id)
        different = differences(row, progress=sys.stderr.isatty())
        for name, (stored, now) in different.items():
            print(f"{name}: stored {stored}, now {now}")
        if different:
            print(explanation(row))
        else:
            same = "every number and the curve are the stored ones, to the bit"
            if row.get("status") == "diverged":
                same = f"it diverged as stored: {row['reason']}"
            print(f"{row['run_id']}: {same}")
        return 1 if different else 0


Action = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Repeat, tyro.conf.subcommand("repeat")]
)


def main(arguments: list[str]) -> int:
    """Run `kdgan runs`; return the exit code."""
    action = tyro.cli(Action, prog="kdgan runs", args=arguments)  # type: ignore[arg-type]
    return action()
