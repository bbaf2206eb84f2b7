"""Gather how Table 1's methods stand in each column, and how much each varies."""

import itertools

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.names import label_of
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import BREAK
from kdgan_lib.reports.differences import tabled
from kdgan_lib.reports.orderings import Scores, columns_run
from kdgan_lib.stats import FEWEST, LEVEL, paired_difference, signed

FORMATS = {"order": ".2f"}
"""How the columns of this module's tables are printed."""


def orderings() -> pd.DataFrame:
    """Return what the claims on orderings ask of each column in which all six ran."""
    return pd.DataFrame([_ordering(each) for each in columns_run()])


def _ordering(each: Scores) -> dict[str, object]:
    means = each.means.sort_values(ascending=False)
    return {
        "column": each.column.title("controlled"),
        "our order": " > ".join(label_of(str(name)) for name in means.index),
        "order": each.rank_correlation,
        "best distillation": label_of(each.best_distillation),
        "pairs": _pairs(each),
        "lead": _lead(each),
        "smallest sd": label_of(str(each.spreads.idxmin())),
        "largest sd": label_of(str(each.spreads.idxmax())),
    }


def _lead(each: Scores) -> str:
    gap = paired_difference(each.runs["kdgan"], each.runs["nagan"])
    return signed(gap).replace(" ", "&nbsp;")


def _pairs(each: Scores) -> str:
    """Return how many pairs of methods stand as in the paper, and how many clearly."""
    names = each.paper.sort_values(ascending=False).index
    runs = each.runs
    found = tabled(
        {
            f"{better} {worse}": paired_difference(runs[better], runs[worse])
            for better, worse in itertools.combinations(names, 2)
        }
    )
    ahead, clear = found.difference > 0, found["p (Holm)"] < LEVEL
    return (
        f"{ahead.sum()} of {len(found)} ({(ahead & clear).sum()} clearly; "
        f"{(~ahead & clear).sum()} clearly the other way)"
    )


def spreads() -> pd.DataFrame:
    """Return standard deviations over seeds in points, ours beside the paper's."""
    found = [e for e in table1.entries("controlled") if len(e.finished) >= FEWEST]
    rows: dict[str, dict[str, object]] = {}
    for entry in found:
        name, where = entry.cell.method, entry.column
        row = rows.setdefault(name, {"method": label_of(name)})
        claim = claims.paper_cell("T1", method=name, data=where.data, n=where.n)
        ours = 100 * entry.finished.test_accuracy.std()
        theirs = f"{BREAK}paper {claim.spread:.2f}" if claim and claim.spread else ""
        title = entry.column.title("controlled")
        row[title] = f"{ours:.2f} ({len(entry.finished)} runs){theirs}"
    return pd.DataFrame(list(rows.values())).fillna("–")
