"""Gather what the chapter on the paper's limits states: KDGAN against its changes."""

from functools import cache
from typing import Any

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.beyond_grids import BEYOND, RATIOS
from kdgan_lib.experiments import Run, declare
from kdgan_lib.grids import GRIDS
from kdgan_lib.names import label_of
from kdgan_lib.prose import about_zero, listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import seeds_in_words
from kdgan_lib.reports.cells import shown as cell
from kdgan_lib.reports.differences import tabled
from kdgan_lib.reports.points import stored
from kdgan_lib.stats import (
    FEWEST,
    LEVEL,
    Difference,
    mean_interval,
    paired_difference,
    shared_difference,
    signed,
)
from kdgan_lib.variations import changed

GRID, COMMAND = "beyond", "kdgan sweep beyond"
TUNED, UNRELAXED = "KDGAN as tuned", "leave-one-out baseline, 5 draws"
RIVALS = ("supervised", "mimic", "distn", "noisy", "codis")
"""Methods in which no game is played."""
PANEL = 5
"""Most variants whose curves share a panel with the tuned KDGAN's."""
FORMATS = {
    **dict.fromkeys(("low", "high", "validation", "T", "difference"), ".2f"),
    **dict.fromkeys(("runs", "missing", "pairs"), ".0f"),
    "effect size": ".2f",
    "player updates": ",.0f",
    "p (Holm)": ".3g",
}
"""How the columns of this module's tables are printed."""
RIVAL_FORMATS = FORMATS | {"C": ".2f"}
"""The same where C's accuracy is a number, not a cell."""


def adaptive(ratio: float) -> str:
    """Return what the adaptive weights of a ratio are called."""
    return f"adaptive weights, ratio {ratio:g}"


def variants() -> list[str]:
    """Return the variants' names in the order of the tables."""
    return [TUNED, *BEYOND, *map(adaptive, RATIOS)]


def panels() -> list[list[str]]:
    """Return the variants of each panel of curves, the tuned KDGAN first in all."""
    names = list(BEYOND)
    parts = [names[at : at + PANEL] for at in range(0, len(names), PANEL)]
    return [[TUNED, *part] for part in (*parts, list(map(adaptive, RATIOS)))]


def changes() -> pd.DataFrame:
    """Return what each variant sets differently from the tuned KDGAN."""
    said = {
        name: ", ".join(
            f"{key} = {value}"
            for settings in change.values()
            for key, value in settings.items()
        )
        for name, change in BEYOND.items()
    }
    said |= {adaptive(ratio): f"kdgan_adaptive, ratio = {ratio:g}" for ratio in RATIOS}
    return pd.DataFrame({"variant": list(said), "what is set": list(said.values())})


def points() -> pd.DataFrame:
    """Return the declared runs, one row each, with what is stored of them.

    Columns: run_id, variant, seed, and those of `points.stored`.
    """
    return stored(pd.DataFrame(declared()), GRID)


def shared_seeds(found: pd.DataFrame) -> tuple[set[str], set[int]]:
    """Return the variants with three runs or more, and the seeds that they share.

    found: columns `variant` and `seed`, any number of rows for each run.
    """
    seeds = found.groupby("variant").seed.agg(set)
    enough = seeds[seeds.map(len) >= FEWEST]
    return set(enough.index), set.intersection(*enough) if len(enough) else set()


def accuracies() -> pd.DataFrame:
    """Return a row per variant: C's test accuracy with interval, validation, T, runs.

    Variants with three runs or more are compared on the seeds that they share; one that
    was not run keeps its row.
    """
    found, rows = points(), []
    enough, shared = shared_seeds(found[found.accuracy.notna()])
    for name in variants():
        part = found[found.variant == name]
        if name in enough:
            part = part[part.seed.isin(shared)]
        known = part.accuracy.dropna()
        row: dict[str, object] = {"variant": name}
        if len(known):
            ids = part.run_id[part.accuracy.notna()]
            row["C"] = cell(mean_interval(known), [], COMMAND, ids)
            row |= {"validation": part.validation.mean(), "T": part.teacher.mean()}
        else:
            row["C"] = table1.not_run(GRID, part.run_id, COMMAND)
        missing = int(found[found.variant == name].status.isna().sum())
        rows.append(row | {"runs": len(known), "missing": missing})
    columns = ["variant", "C", "validation", "T", "runs", "missing"]
    return pd.DataFrame(rows, columns=columns)


def differences() -> pd.DataFrame:
    """Return each variant minus the tuned KDGAN in points, paired, with Holm's p.

    Variants with fewer than three pairs are left out, and an empty frame remains where
    there is none.
    """
    return tabled(_gaps(), "variant")


def pairs() -> list[int]:
    """Return the number of pairs of each of `differences`."""
    return [gap.runs for gap in _gaps().values()]


def unrelaxed() -> str:
    """Return what leave-one-out REINFORCE changes in the tuned KDGAN; empty if unknown.

    In points of test accuracy, paired by seed.
    """
    gap = _gaps().get(UNRELAXED)
    return f"{signed(gap)} points over {seeds_in_words([gap.runs])}" if gap else ""


def _gaps() -> dict[str, Difference]:
    """Return each variant minus the tuned KDGAN, where three pairs are known."""
    found = points().pivot(index="seed", columns="variant", values="accuracy")
    return {
        name: gap
        for name in variants()[1:]
        if (gap := shared_difference(found[name], found[TUNED]))
    }


def rival() -> str | None:
    """Return the method that no game is played in and that is best on validation.

    At n = 100 under `controlled`, by the mean over all stored seeds; None without runs.
    """
    found = _prescribed()
    known = found[found.method.isin(RIVALS)] if len(found) else found
    if known.empty:
        return None
    return str(known.groupby("method").validation_accuracy.mean().idxmax())


def against_rival() -> pd.DataFrame:
    """Return each variant minus the strongest rival in points, paired by seed.

    All on the seeds that all share; Holm's correction is over the variants. Empty where
    the rival was not run; variants with fewer than three runs are left out.
    """
    name, found = rival(), points()
    if name is None:
        return pd.DataFrame()
    runs = _prescribed()
    scores = 100 * runs[runs.method == name].set_index("seed").test_accuracy
    scored = found.pivot(index="seed", columns="variant", values="accuracy")
    scored = scored.dropna(axis=1, thresh=FEWEST).dropna()
    if len(scored.index.intersection(scores.index)) < FEWEST:
        return pd.DataFrame()
    held_out = found.pivot(index="seed", columns="variant", values="validation")
    known = [variant for variant in variants() if variant in scored]
    gaps = {each: paired_difference(scored[each], scores) for each in known}
    found = tabled(gaps, "variant")
    found.insert(1, "C", scored[known].mean().to_numpy())
    found.insert(2, "validation", held_out.loc[scored.index, known].mean().to_numpy())
    return found


def standing() -> str:
    """Return where the variant that is best on validation stands to the rival.

    Empty where nothing can be compared.
    """
    found, name = against_rival(), rival()
    if found.empty or name is None:
        return ""
    best = found.loc[int(found.validation.idxmax())]
    return (
        f"The form that is best on validation, *{best.variant}*, has {best.C:.2f}% on "
        f"test. That minus the accuracy of {label_of(name)}, which of the methods "
        f"without a game is best on validation, is {best.difference:+.2f} "
        f"[{best.low:+.2f}, {best.high:+.2f}] points, an interval over {best.pairs} "
        f"seeds that {about_zero(best.low, best.high)}."
    )


def _prescribed() -> pd.DataFrame:
    """Return the finished runs of Table 1's methods at n = 100 under `controlled`."""
    where = {"data": "mnist", "n": 100, "protocol": "controlled"}
    return tables.runs(grid="table1", status="finished", **where)


def best_ratio() -> float | None:
    """Return the ratio whose C is best on validation, or None where none was run."""
    found = accuracies().set_index("variant").validation
    known = pd.Series({ratio: found[adaptive(ratio)] for ratio in RATIOS}).dropna()
    return None if known.empty else float(str(known.idxmax()))


def changes_in_short() -> str:
    """Return which changes help or harm clearly; empty where nothing can be compared.

    Clearly: at a Holm-adjusted p-value below `LEVEL`.
    """
    found = differences()
    if found.empty:
        return ""
    clear = found[found["p (Holm)"] < LEVEL]
    said = []
    for what, rows in (
        ("help", clear[clear.difference > 0]),
        ("harm", clear[clear.difference < 0]),
    ):
        names = [
            f"{row['variant']}, {row['difference']:+.2f} points"
            for row in rows.to_dict("records")
        ]
        does = what if len(names) > 1 else f"{what}s"
        said.append(f"{len(names) or 'none'} {does} clearly{_bracketed(names)}")
    declared = len(variants()) - 1
    tried = f"{len(found)}" if len(found) == declared else f"{len(found)} of {declared}"
    return f"of {tried} changes to the tuned KDGAN {listed(said)}."


def _bracketed(names: list[str]) -> str:
    return f" ({'; '.join(names)})" if names else ""


def _unclear(found: pd.DataFrame) -> str:
    """Return what the unadjusted intervals of the changes that are not clear say.

    found: rows of `differences`.
    """
    rest = found[found["p (Holm)"] >= LEVEL]
    away = [row.variant for row in rest.itertuples() if row.low > 0 or row.high < 0]
    if away:
        return (
            "Of the rest the interval alone, which is not adjusted, excludes zero for "
            f"{listed(away)}."
        )
    return "The intervals of the rest include zero."


def summary() -> str:
    """Return sentences on which changes help; empty where nothing can be compared."""
    found, short = differences(), changes_in_short()
    if not short:
        return ""
    text = f"{short[0].upper()}{short[1:]} {_unclear(found)}"
    ratio = best_ratio()
    if ratio is None or adaptive(ratio) not in set(found.variant):
        return text
    row = found.set_index("variant").loc[adaptive(ratio)]
    return (
        f"{text} On validation, the best of the adaptive ratios is {ratio:g}; its test "
        f"accuracy differs from the tuned KDGAN's by {row.difference:+.2f} points "
        f"[{row.low:.2f}, {row.high:.2f}]."
    )


@cache
def declared() -> list[dict[str, object]]:
    """Return the declared runs: run_id, variant and seed."""
    runs = GRIDS[GRID]("paper")
    settings: dict[str, dict[str, Any]] = {TUNED: {}} | BEYOND
    named = {
        changed(tuned, change).id: name
        for tuned in (declare("kdgan", seed=seed) for seed in {r.seed for r in runs})
        for name, change in settings.items()
    }
    return [
        {
            "run_id": run.id,
            "variant": named.get(run.id) or _ratio(run),
            "seed": run.seed,
        }
        for run in runs
    ]


def _ratio(run: Run) -> str:
    return adaptive(float(str(run.method.hyperparameters()["ratio"])))
