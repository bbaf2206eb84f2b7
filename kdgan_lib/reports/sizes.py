"""Gather what size costs: labelled images (T1.43, T1.44) and hidden units (Table 3)."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kdgan_lib import grids, tables
from kdgan_lib.loop.result import Result
from kdgan_lib.names import in_order, label_of
from kdgan_lib.reports import table1, table3
from kdgan_lib.reports.cells import (
    BREAK,
    counted,
    folded,
    linked,
    on_two_lines,
    seeds_in_words,
    shown,
)
from kdgan_lib.reports.orderings import FEWEST_SIZES, by_size, images_needed
from kdgan_lib.reports.table1 import ROWS, Column
from kdgan_lib.stats import FEWEST, Difference, mean_interval, shared_difference, signed

LEVELS = (85, 90, 95, 98)
"""Accuracies in percent at which the images needed are compared."""
TABLED = (100, 1_000, 10_000)
GRID, SWEEP = "sample_size", "kdgan sweep sample_size"
EQUAL_GRID, EQUAL = "table3_controls", "kdgan sweep table3_controls"
EQUAL_MIMIC = "equal"
RIVALS = {
    "supervised": "supervised",
    "mimic": "MIMIC",
    EQUAL_MIMIC: "MIMIC with KDGAN's rate and updates of C",
}
"""What Table 3's KDGAN is compared with, and what that is called."""
RATIOS = {
    "T ÷ C": "parameters",
    "adds T ÷ C": "multiply_adds",
    "time T ÷ C": "latency",
}
SIZE_FORMATS = {
    **dict.fromkeys(("parameters", "bytes", "multiply-adds"), ",.0f"),
    **dict.fromkeys(RATIOS, ".1f"),
}


def curve() -> pd.DataFrame:
    """Return the runs of the sample-size curve, methods in the book's order."""
    runs = tables.runs(grid=GRID, status="finished")
    return in_order(runs, ROWS, "n", "seed")


def seeds() -> str:
    """Return in words how many seeds the points of the curve have."""
    found = curve()
    if found.empty:
        return seeds_in_words([])
    return seeds_in_words(found.groupby(["method", "n"]).seed.nunique())


def images() -> pd.DataFrame:
    """Return how many images each method needs for some accuracies.

    The geometric mean over the seeds with every size that at least three have,
    interpolated over log n; an accuracy that one of them misses is above those sizes.
    """
    runs = curve()
    if runs.empty:
        return runs
    return pd.DataFrame(
        [
            {"method": label_of(str(name)), **_needed(str(name), part)}
            for name, part in runs.groupby("method", sort=False)
        ]
    )


def _needed(method: str, runs: pd.DataFrame) -> dict[str, str]:
    seeds = runs.groupby("n").seed.nunique()
    sizes = seeds.index[seeds >= FEWEST]
    runs = runs[runs.n.isin(sizes)]
    whole = [part for _, part in runs.groupby("seed") if set(part.n) == set(sizes)]
    if len(sizes) < FEWEST_SIZES or len(whole) < FEWEST:
        missing = _missing(method)
        return {f"{level}%": missing for level in LEVELS}
    by_seed = [images_needed(by_size(part), np.array(LEVELS) / 100) for part in whole]
    cells = {
        f"{level}%": _images(values, min(sizes), max(sizes))
        for level, values in zip(LEVELS, np.transpose(by_seed), strict=True)
    }
    return {**cells, "seeds": str(len(whole))}


def _missing(method: str) -> str:
    """Return the cell of a method without a row: the cheapest command that fills it.

    It takes the least sizes that are enough to compare.
    """
    sizes = grids.SIZES[:FEWEST_SIZES]
    declared = table1.left(GRID, method=method)
    left = {name: run.n for name, run in declared.items() if run.n in sizes}
    numbers = " ".join(map(str, sorted(set(left.values()))))
    return table1.not_run(GRID, left, f"{SWEEP} --method {method} --n {numbers}")


def _images(values: np.ndarray, least: int, most: int) -> str:
    """Return the seeds' geometric mean; a bound if some start above or stay below."""
    if np.isnan(values).any():
        return f"more than {most:,}"
    bound = "at most " if np.isclose(values, least).any() else ""
    return f"{bound}{math.exp(np.log(values).mean()):,.0f}"


def run_sizes() -> list[int]:
    """Return the sizes at which some method was run; all where none was."""
    return [n for n in grids.SIZES if len(at_size(n))] or list(grids.SIZES)


def at_size(n: int) -> pd.DataFrame:
    """Return the methods' accuracies in percent at one n, best first, with intervals.

    Sizes of Table 1 have its runs; others those of the sample-size curve. `paper` is
    NaN where the paper has no number, `runs` how many there are.
    """
    if n in TABLED:
        column = Column("mnist", n)
        scores = table1.scores("controlled", (column,))[column]
    else:
        runs = tables.runs(grid=GRID, n=n, status="finished")
        scores = pd.DataFrame()
        if len(runs):
            scores = 100 * runs.pivot(
                index="seed", columns="method", values="test_accuracy"
            )
    found = [_point(str(name), scores[name].dropna(), n) for name in scores]
    frame = pd.DataFrame(found)
    return frame.sort_values("accuracy", ascending=False) if len(frame) else frame


def _point(name: str, scores: pd.Series, n: int) -> dict[str, object]:
    found = mean_interval(scores)
    ends = {"low": found.lo, "high": found.hi, "paper": Column("mnist", n).paper(name)}
    return {"method": name, "accuracy": found.mean, **ends, "runs": found.runs}


def sizes() -> pd.DataFrame:
    """Return Table 3's sizes: T first, then C from wide to narrow.

    The last columns say how many times T has C's parameters and multiply-adds, and how
    many times as long it takes.
    """
    found = table3.sizes()
    if found.empty:
        return found
    ordered = found.sort_values("parameters", ascending=False)
    return pd.DataFrame([_size(row) for row in ordered.to_dict("records")])


def _size(row: dict) -> dict[str, object]:
    ends = f"[{row['latency_q1_ms']:.3f},&nbsp;{row['latency_q3_ms']:.3f}]"
    return {
        "network": _network(row),
        "parameters": row["parameters"],
        "bytes": row["bytes"],
        "multiply-adds": row["multiply_adds"],
        "milliseconds": f"{row['latency_ms']:.3f}{BREAK}{ends}",
        **{title: row[f"{name}_ratio"] for title, name in RATIOS.items()},
    }


def machine() -> str:
    """Return where the sizes were measured, in words; "no machine yet" if nowhere."""
    found = table3.sizes()
    if found.empty:
        return "no machine yet"
    row = found.iloc[0]
    return f"{row.platform}, torch {row.torch}"


def _network(row: dict) -> str:
    if row["player"] == "teacher":
        return "T, LeNet"
    return f"C, {row['hidden']:.0f} units"


def losses() -> pd.DataFrame:
    """Return Table 3's accuracies: a row per width, a column per method.

    The last columns have KDGAN minus the others in points, paired by seed.
    """
    rows: dict[int, dict[str, object]] = {}
    scores: dict[int, dict[str, pd.Series]] = {}
    for entry in table3.entries():
        row = rows.setdefault(entry.hidden, {"hidden units": entry.hidden})
        row[label_of(entry.cell.method)] = _loss(entry)
        scores.setdefault(entry.hidden, {})[entry.cell.method] = entry.scores
    for hidden, row in rows.items():
        scores[hidden][EQUAL_MIMIC] = _equal(hidden)
        for name, title in RIVALS.items():
            gap = _gap(scores[hidden]["kdgan"], scores[hidden][name])
            if name == EQUAL_MIMIC:
                command = f"{EQUAL} --variant h{hidden}"
                gap = linked(gap, [], command, _equal_runs(hidden).run_id)
            row[f"KDGAN minus {title}"] = gap
    return pd.DataFrame(list(rows.values()))


def _equal(hidden: int) -> pd.Series:
    """Return the accuracies, by seed, of MIMIC with KDGAN's rate and updates of C."""
    found = _equal_runs(hidden).set_index("seed")
    return 100 * found.test_accuracy.sort_index().astype(float)


def _equal_runs(hidden: int) -> pd.DataFrame:
    where = {"variant": f"h{hidden}", "status": "finished"}
    return tables.runs(grid=EQUAL_GRID, **where)


def narrow_and_wide(rival: str = "mimic", method: str = "kdgan") -> str:
    """Return a method minus a rival at the least and the largest width that were run.

    rival: a method, or `EQUAL_MIMIC`. Empty with fewer than two widths that have three
    pairs.
    """
    gaps = _gaps(rival, method)
    if len(gaps) < 2:
        return ""
    least, most = min(gaps), max(gaps)
    return (
        f"{label_of(method)} minus {RIVALS[rival]} is {signed(gaps[least])} points "
        f"with {least} hidden units and {signed(gaps[most])} with {most}."
    )


def smallest() -> str:
    """Return KDGAN minus MIMIC at the least width, at equal updates of all and of C.

    Empty where one of the two lacks three pairs there.
    """
    players, alone = _gaps("mimic"), _gaps(EQUAL_MIMIC)
    if not players or not alone or min(players) != min(alone):
        return ""
    least = min(players)
    return (
        f"With {least} hidden units in C and n = 100 KDGAN minus MIMIC is "
        f"{signed(players[least])} points where the players of either make as many "
        f"updates together, and {signed(alone[least])} points where MIMIC's C has the "
        "learning rate and the number of updates of KDGAN's C."
    )


def _gaps(rival: str, method: str = "kdgan") -> dict[int, Difference]:
    """Return a method minus a rival at each width that has three pairs."""
    scores = {(e.hidden, e.cell.method): e.scores for e in table3.entries()}
    pairs = {
        hidden: (
            mine,
            _equal(hidden) if rival == EQUAL_MIMIC else scores[hidden, rival],
        )
        for (hidden, name), mine in sorted(scores.items(), key=lambda each: each[0])
        if name == method
    }
    return {
        hidden: gap
        for hidden, pair in pairs.items()
        if (gap := shared_difference(*pair))
    }


def _gap(first: pd.Series, second: pd.Series) -> str:
    """Return a paired difference, or a dash where nothing is paired."""
    gap = shared_difference(first, second, 1)
    return on_two_lines(signed(gap)) if gap else "–"


def _loss(entry: table3.Entry) -> str:
    if entry.accuracy is None:
        return folded("not run", [], entry.command, table1.effort_of((entry.cell,)))
    lost = entry.loss
    lines = [counted(len(entry.runs), len(entry.cell.ids) if entry.missing else 0)]
    if lost is not None:
        lines.append(f"{lost.mean:.2f} below T")
        if not math.isnan(lost.lo):
            lines.append(f"[{lost.lo:.2f}, {lost.hi:.2f}]")
    return shown(entry.accuracy, lines, entry.command, entry.runs)


def widths() -> pd.DataFrame:
    """Return a row per width and method that were run: accuracy and its interval."""
    known = [entry for entry in table3.entries() if entry.accuracy is not None]
    rows = []
    for entry in known:
        found = entry.accuracy
        assert found is not None
        ends = {"low": found.lo, "high": found.hi}
        row = {"method": entry.cell.method, "hidden": entry.hidden}
        rows.append({**row, "accuracy": found.mean, **ends})
    return pd.DataFrame(rows)


def live_words(result: Result, hidden: int, parameters: Sequence[int]) -> str:
    """Return what the live classifier saved and lost against its teacher.

    parameters: of the teacher and of the classifier.
    """
    teacher, classifier = parameters
    accuracy = 100 * float(result.metrics["test_accuracy"])
    beside = teacher_accuracy(result)
    text = (
        f"With {hidden:,} hidden units C has {classifier:,} parameters, "
        f"{teacher / classifier:.1f} times fewer than T, and labels "
        f"{accuracy:.2f}% of the test images correctly"
    )
    if math.isnan(beside):
        return f"{text}."
    gap = accuracy - beside
    side = "more" if gap > 0 else "less"
    return f"{text}: {abs(gap):.2f} points {side} than T."


def teacher_accuracy(result: Result) -> float:
    """Return T's test accuracy in percent; NaN for a method without a teacher."""
    return 100 * float(result.metrics.get("teacher_test_accuracy", math.nan))
