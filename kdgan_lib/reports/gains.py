"""Report what the game adds to the C that its pretraining left, over Table 1.

Nothing here imports torch.
"""

from collections.abc import Sequence

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import on_two_lines
from kdgan_lib.reports.starts import BEFORE, SCORE
from kdgan_lib.reports.table1 import COLUMNS, SMALL, Column, Entry
from kdgan_lib.stats import Difference, shared_difference, signed

ALL = (*COLUMNS, *SMALL)


def gains(columns: Sequence[Column] = ALL) -> pd.DataFrame:
    """Return by how many points the game moves C: a row per method, a column each.

    Test accuracy of the reported C minus that of the C before the game, paired by seed,
    under `controlled`. Cells and columns with fewer than three such pairs are a dash or
    not there.
    """
    rows: dict[str, dict[str, str]] = {}
    for entry, gap in _gains(columns):
        row = rows.setdefault(label_of(entry.cell.method), {})
        row[_title(entry.column)] = on_two_lines(signed(gap))
    found = pd.DataFrame([{"method": name, **row} for name, row in rows.items()])
    titles = [_title(column) for column in columns]
    known = [title for title in titles if title in found]
    return found[["method", *known]].fillna("–") if known else found


def lost_by_the_game(columns: Sequence[Column] = ALL) -> str:
    """Return which methods leave C worse than they found it, on average, in words.

    Empty where there is none.
    """
    below = [
        f"{label_of(entry.cell.method)} on {_title(entry.column)} ({signed(gap)})"
        for entry, gap in _gains(columns)
        if gap.mean < 0
    ]
    return f"On average C ends worse than it began: {listed(below)}." if below else ""


def _gains(columns: Sequence[Column]) -> list[tuple[Entry, Difference]]:
    """Return the cells that have three pairs, and what the game adds in points."""
    looks = tables.curves(grid=table1.GRID, protocol="controlled", stage=BEFORE)
    if looks.empty or SCORE not in looks:
        return []
    before = 100 * looks.groupby("run_id")[SCORE].last()
    found = [
        (entry, _gain(entry.finished, before))
        for entry in table1.entries("controlled", columns)
        if len(entry.finished)
    ]
    return [(entry, gap) for entry, gap in found if gap]


def _gain(done: pd.DataFrame, before: pd.Series) -> Difference | None:
    runs = done.set_index("run_id")
    return shared_difference(100 * runs.test_accuracy, before.reindex(runs.index))


def _title(column: Column) -> str:
    title = column.title("controlled")
    return f"{title}, small T" if column in SMALL else title
