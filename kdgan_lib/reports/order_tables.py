"""Gather how Table 1's methods stand in each column, and how much each varies."""

import itertools
from collections.abc import Iterable, Sequence

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.names import label_of
from kdgan_lib.reports import sizes, table1
from kdgan_lib.reports.cells import BREAK, linked, on_two_lines
from kdgan_lib.reports.differences import tabled
from kdgan_lib.reports.orderings import Scores, columns_run, stand
from kdgan_lib.reports.table1 import COLUMNS, SMALL, Column
from kdgan_lib.stats import FEWEST, LEVEL, paired_difference, signed


def standings(
    protocol: str = "controlled", columns: Sequence[Column] = (*COLUMNS, *SMALL)
) -> pd.DataFrame:
    """Return where KDGAN stands in each column with enough runs: a row per column."""
    scores = table1.scores(protocol, columns).items()
    found = _standings(
        ({"column": column.title(protocol), "T and D": column.teachers}, runs)
        for column, runs in scores
    )
    # A phone shows the first columns only: the networks can wait.
    return found[sorted(found.columns, key=lambda name: name == "T and D")]


def standings_by_size() -> pd.DataFrame:
    """Return where KDGAN stands at each number of images that has enough runs."""
    runs = sizes.curve()
    if runs.empty:
        return runs
    runs = runs.assign(accuracy=100 * runs.test_accuracy)
    return _standings(
        (
            {"images": _with_runs(f"{n:,}", part)},
            part.pivot(index="seed", columns="method", values="accuracy"),
        )
        for n, part in runs.groupby("n")
    )


def _with_runs(text: str, runs: pd.DataFrame) -> str:
    """Return a cell that folds away the runs of its row and their command."""
    command = f"{sizes.SWEEP} --n {runs.n.iloc[0]:.0f}"
    return linked(text, [], command, runs.run_id)


def _standings(
    parts: Iterable[tuple[dict[str, object], pd.DataFrame]], reference: str = "kdgan"
) -> pd.DataFrame:
    """Return a row for each part: what it is called, and how a method stands in it."""
    rows = []
    for called, runs in parts:
        found = stand(runs, reference)
        if found is not None:
            rows.append(
                called
                | {
                    label_of(reference): f"{found.mean:.2f}",
                    "place": f"{found.place} of {found.methods}",
                    "strongest rival": label_of(found.rival),
                    "KDGAN minus it": on_two_lines(signed(found.gap)),
                    "p (Holm)": f"{found.p_value:.2g}",
                    "seeds": found.gap.runs,
                }
            )
    return pd.DataFrame(rows)


def orderings() -> pd.DataFrame:
    """Return what the claims on orderings ask, by column in which all six ran."""
    found = {each.column.title("controlled"): _ordering(each) for each in columns_run()}
    if not found:
        return pd.DataFrame()
    return pd.DataFrame(found).rename_axis("asked").reset_index()


def _ordering(each: Scores) -> dict[str, object]:
    means, runs = each.means.sort_values(ascending=False), each.runs
    pairs = itertools.combinations(each.paper.sort_values(ascending=False).index, 2)
    gaps = tabled({f"{a} {b}": paired_difference(runs[a], runs[b]) for a, b in pairs})
    ahead, clear = gaps.difference > 0, gaps["p (Holm)"] < LEVEL
    return {
        "our order": ", ".join(label_of(str(name)) for name in means.index),
        "Spearman's correlation with the paper's": f"{each.rank_correlation:.2f}",
        "pairs that stand as in the paper": f"{ahead.sum()} of {len(gaps)}",
        "of them clearly": f"{(ahead & clear).sum()}",
        "clearly the other way": f"{(~ahead & clear).sum()}",
        "best of the four distillation methods": label_of(each.best_distillation),
        "KDGAN minus NaGAN": signed(paired_difference(runs["kdgan"], runs["nagan"])),
        "smallest standard deviation": label_of(str(each.spreads.idxmin())),
        "largest standard deviation": label_of(str(each.spreads.idxmax())),
    }


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
