"""Command `kdgan table`: print a table of the paper from the stored runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import tyro

TABLES = {
    "1": "reports.table_text:table1",
    "2": "reports.table2:table2_text",
    "3": "reports.table_text:table3",
}
"""Where each table's text comes from: a function of the protocols to print."""
Protocol = Literal["controlled", "paper", "code"]


@dataclass(frozen=True)
class Table:
    """Print a table of the paper, ours beside it, from the stored runs."""

    number: tyro.conf.Positional[str]
    """Number of the table in the paper."""
    protocol: tuple[Protocol, ...] = ("controlled", "paper", "code")
    """Only these protocols, where a table has several."""
    measure: bool = False
    """Measure the networks of Table 3 on this machine and store their sizes first."""

    def __call__(self) -> int:
        """Print the table."""
        if self.number not in TABLES:
            known = ", ".join(TABLES)
            raise ValueError(f"No table '{self.number}'; choose from {known}.")
        if self.measure and self.number != "3":
            raise ValueError("--measure belongs to table 3.")
        if not self.protocol:
            raise ValueError("Name a protocol after --protocol, or leave it out.")
        if self.measure:
            from kdgan_lib.reports import table3

            table3.measure()
        print(text(self.number, self.protocol))
        return 0


def text(number: str, protocols: Sequence[str]) -> str:
    """Return a table as the command prints it."""
    module, function = TABLES[number].split(":")
    return str(getattr(import_module(f"kdgan_lib.{module}"), function)(protocols))


def main(arguments: list[str]) -> int:
    """Run `kdgan table`; return the exit code."""
    return tyro.cli(Table, prog="kdgan table", args=arguments)()
