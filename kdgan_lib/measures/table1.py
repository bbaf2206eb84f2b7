"""Measure the orderings of Table 1 (T1.37 to T1.45).

A claim about all columns may be settled before all columns were run. Columns that lack
runs of a method that the claim speaks of count against it; it is called not reproduced
only if they could not change that. Otherwise its measure raises `MissingRuns`, with
what the quantities would be if those columns all spoke for the claim.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kdgan_lib import claims, tables
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.reports.orderings import (
    DISTILLATION,
    Scores,
    columns_lost,
    columns_run,
    instances_ratio,
)
from kdgan_lib.reports.table1 import COLUMNS, Column
from kdgan_lib.stats import FEWEST, Estimate, geometric_mean, mean_interval
from kdgan_lib.tables import MissingRuns

PROTOCOL = "controlled"
COMMAND = "kdgan sweep table1 --protocol controlled"
Numbers = Mapping[str, float]


@measure("table1_order")
def order() -> Measured:
    """Return in how many columns the six stand in the paper's order (T1.37)."""
    known = columns_run()
    correlations = [each.rank_correlation for each in known]
    lacking = len(COLUMNS) - len(known)
    count = _count(known, lambda each: each.in_order)
    # Missing columns count as the opposite order, or as the paper's own.
    ends = [(sum(correlations) + sign * lacking) / len(COLUMNS) for sign in (-1, 1)]
    worst, best = (
        {"columns_in_order": n, "mean_rank_correlation": end}
        for n, end in zip((count, count + lacking), ends, strict=True)
    )
    mean = float(np.mean(correlations)) if known else 0.0
    return _settled(
        "T1.37", known, {**worst, "mean_rank_correlation": mean}, worst, best
    )


@measure("table1_best")
def best(method: str) -> Measured:
    """Return in how many columns a method is best, and clearly so (T1.38).

    A column in which one rival is ahead is lost before all six methods were run.
    """
    known = columns_run()
    counts = {
        "columns_best": _count(known, lambda each: each.best == method),
        "columns_clearly_best": _count(known, lambda e: e.clearly_best(method)),
    }
    lost = columns_lost(method)
    waiting = len(COLUMNS) - len({each.column for each in known} | set(lost))
    most = {name: count + waiting for name, count in counts.items()}
    measured = counts | {"columns_with_a_rival_ahead": len(lost)}
    return _settled("T1.38", known, measured, counts, most)


@measure("table1_relative_gain")
def relative_gain() -> Measured:
    """Return KDGAN's gain on the next best, in percent of that, at n = 100 (T1.39)."""
    known = columns_run(COLUMNS[:1])
    if not known:
        raise MissingRuns(f"{COMMAND} --data mnist --n 100")
    runs = known[0].runs
    rival = str(runs.drop(columns="kdgan").mean().idxmax())
    found = mean_interval(100 * (runs["kdgan"] / runs[rival] - 1))
    return {"relative_gain": Quantity.of(found, "%")}


@measure("table1_naive_large_n")
def naive_large_n() -> Measured:
    """Return in how many columns of large n NaGAN leads all four others (T1.40)."""
    columns = (Column("mnist", 10_000), Column("cifar10", 50_000))
    known = columns_run(columns, (*DISTILLATION, "nagan"))
    ahead = _count(known, lambda e: all(e.ahead("nagan", m) for m in DISTILLATION))
    return _counted("T1.40", known, {"columns_ahead": ahead}, columns)


@measure("table1_naive_small_n")
def naive_small_n() -> Measured:
    """Return how many of eight times a distillation method leads NaGAN (T1.41)."""
    columns = (Column("mnist", 100), Column("cifar10", 500))
    known = columns_run(columns, (*DISTILLATION, "nagan"))
    ahead = sum(each.ahead(m, "nagan") for each in known for m in DISTILLATION)
    lacking = 4 * (2 - len(known))
    worst, best = {"pairs_ahead": ahead}, {"pairs_ahead": ahead + lacking}
    return _settled("T1.41", known, worst, worst, best, columns)


@measure("table1_best_distillation")
def best_distillation() -> Measured:
    """Return in how many columns CODIS is the best of the four (T1.42)."""
    known = columns_run(methods=DISTILLATION)
    count = _count(known, lambda each: each.best_distillation == "codis")
    return _counted("T1.42", known, {"columns_best": count})


@measure("table1_gap")
def gap() -> Measured:
    """Return whether KDGAN's lead over NaGAN falls from column to column (T1.43)."""
    known = columns_run(methods=("kdgan", "nagan"))
    worst, best, unknown = {}, {}, []
    for name, data in (("mnist_shrinks", "mnist"), ("cifar_shrinks", "cifar10")):
        leads = {e.column.n: e.lead for e in known if e.column.data == data}
        unknown += [] if len(leads) > 1 else [name]  # one tells of no change
        falls = bool(np.all(np.diff([leads[n] for n in sorted(leads)]) < 0))
        worst[name] = int(falls and len(leads) == 3)
        best[name] = int(falls)
    return _settled("T1.43", known, worst, worst, best, unknown=unknown)


@measure("table1_instances")
def instances() -> Measured:
    """Return NaGAN's labelled images over KDGAN's for the same accuracy (T1.44).

    Beside it those of MIMIC and of a C without a teacher, each over KDGAN's.
    """
    runs = tables.runs(grid="sample_size", status="finished")
    found = _images_over_kdgans(runs, "nagan")
    if found is None:
        raise MissingRuns("kdgan sweep sample_size --method nagan kdgan")
    others = {
        f"{name}_instances_ratio": Quantity.of(ratio)
        for name in ("mimic", "supervised")
        if (ratio := _images_over_kdgans(runs, name)) is not None
    }
    sizes = set(runs[runs.method == "nagan"].n) & set(runs[runs.method == "kdgan"].n)
    return {
        "instances_ratio": Quantity.of(found),
        **others,
        "least_n": min(sizes),
        "largest_n": max(sizes),
    }


def _images_over_kdgans(runs: pd.DataFrame, name: str) -> Estimate | None:
    """Return a method's images over KDGAN's; None where fewer than three seeds have it.

    The geometric mean over seeds of `instances_ratio`.
    """
    by_seed = runs.groupby("seed") if len(runs) else ()
    ratios = [instances_ratio(part, name, "kdgan") for _, part in by_seed]
    known = [ratio for ratio in ratios if ratio is not None]
    return geometric_mean(known) if len(known) >= FEWEST else None


@measure("table1_spread")
def spread() -> Measured:
    """Return in how many columns KDGAN varies least and NaGAN most (T1.45)."""
    known = columns_run()
    kdgan = _count(known, lambda each: each.spreads.idxmin() == "kdgan")
    nagan = _count(known, lambda each: each.spreads.idxmax() == "nagan")
    counts = {"columns_kdgan_smallest": kdgan, "columns_nagan_largest": nagan}
    return _counted("T1.45", known, counts)


def _count(known: Sequence[Scores], holds: Callable[[Scores], bool]) -> int:
    return sum(holds(each) for each in known)


def _counted(
    claim: str,
    known: Sequence[Scores],
    counts: Numbers,
    columns: Sequence[Column] = COLUMNS,
) -> Measured:
    """Return counts of columns, if those that were not run could not change more."""
    lacking = len(columns) - len(known)
    most = {name: count + lacking for name, count in counts.items()}
    return _settled(claim, known, counts, counts, most, columns)


def _settled(
    claim: str,
    known: Sequence[Scores],
    measured: Numbers,
    worst: Numbers,
    best: Numbers,
    columns: Sequence[Column] = COLUMNS,
    unknown: Sequence[str] = (),
) -> Measured:
    """Return what was measured if the columns that were not run leave a verdict.

    worst, best: the quantities if those columns spoke against the claim, or for it.
    unknown: those of which no run tells anything.
    """
    rule = claims.ledger()[claim].rule
    doubtful = _verdict(rule, worst) == "not reproduced"
    runs = [len(each.runs) for each in known] or [0]
    counts = {**measured, "columns_run": len(known), "columns": len(columns)}
    found: Measured = {
        # The box says the fewest runs of a column, and, by the columns run, the most.
        name: Quantity(
            float(value),
            runs=max(runs) if name == "columns_run" else min(runs),
            protocol=PROTOCOL,
        )
        for name, value in counts.items()
    }
    if doubtful and _verdict(rule, best) != "not reproduced":
        so_far = found | dict.fromkeys(unknown, float("nan"))
        raise MissingRuns(COMMAND, so_far=so_far if known else None, at_best=best)
    return found


def _verdict(rule: Mapping[str, Any], numbers: Numbers) -> str:
    rows = [{"quantity": name, "value": value} for name, value in numbers.items()]
    return claims.apply_rule(rule, pd.DataFrame(rows))
