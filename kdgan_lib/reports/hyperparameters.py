"""Gather what the chapter on hyperparameters states: tables of runs, never typed."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.experiments import Run, declare
from kdgan_lib.grids import GRIDS, HEAT_MAP, SHORTER
from kdgan_lib.prose import listed
from kdgan_lib.reports import effort
from kdgan_lib.reports.cells import seeds_in_words
from kdgan_lib.reports.points import stored
from kdgan_lib.runs import GAME
from kdgan_lib.stats import Difference, mean_interval, shared_difference
from kdgan_lib.variations import ALPHAS, BETAS, GAMMAS, changed

AXES = {"alpha": ALPHAS, "beta": BETAS, "gamma": GAMMAS}
"""The hyperparameters, and the values that Figure 4 gives them."""
FORMATS = dict.fromkeys(("n", "runs", "declared", "missing"), ",.0f") | {"range": ".2f"}
"""How the columns of this chapter's tables are printed."""


def tuned(data: str = "mnist", variant: str = "default") -> dict[str, float]:
    """Return the alpha, beta and gamma that the search found for a data set."""
    found = declare("kdgan", data, variant=variant).method.hyperparameters()
    return {name: float(str(found[name])) for name in AXES}


def frames(name: str) -> list[float]:
    """Return Figure 4's values of a weight and the tuned one, in order."""
    return sorted({*AXES[name], tuned()[name]})


def points(grid: str = "figure4") -> pd.DataFrame:
    """Return a grid's declared runs, one row each, with what is stored of them.

    Only runs that differ from the tuned KDGAN in nothing but alpha, beta and gamma.
    Columns: run_id, n, seed, alpha, beta, gamma, tuned_alpha, ... (what the search
    found for the data and networks), and those of `points.stored`.
    """
    return stored(pd.DataFrame(_declared(grid)), grid)


def axis(found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of `points` in which nothing but one hyperparameter varies.

    The column `value` is that hyperparameter's; rows are ordered by it.
    """
    as_tuned = [found[key] == found[f"tuned_{key}"] for key in AXES if key != name]
    kept = found[pd.concat(as_tuned, axis=1).all(axis=1)]
    return kept.assign(value=kept[name]).sort_values(["n", "value", "seed"])


def means(rows: pd.DataFrame, score: str = "accuracy") -> pd.DataFrame:
    """Return mean, 95% interval and runs for every n and value of an axis's rows.

    Over the seeds of an n that all its values share which were run: a mean over other
    seeds would differ by their images. A value without a run has NaN and 0 runs.
    """
    shown = []
    kept = shared(rows, score)
    for (n, value), part in rows.groupby(["n", "value"]):
        known = part[part.index.isin(kept.index)][score].dropna()
        row = {"n": n, "value": value, "runs": len(known)}
        if len(known):
            found = mean_interval(known)
            row |= {"mean": found.mean, "lo": found.lo, "hi": found.hi}
        shown.append(row)
    return pd.DataFrame(shown, columns=["n", "value", "runs", "mean", "lo", "hi"])


def shared(rows: pd.DataFrame, score: str = "accuracy") -> pd.DataFrame:
    """Return the rows of the seeds that all values share which were run at their n."""
    parts = []
    for _, part in rows.groupby("n"):
        every = part.pivot(index="seed", columns="value", values=score)
        seeds = every.dropna(axis=1, how="all").dropna().index
        parts.append(part[part.seed.isin(seeds)])
    return pd.concat(parts)


def sensitivity(
    found: pd.DataFrame, names: Iterable[str] = tuple(AXES)
) -> pd.DataFrame:
    """Return Figure 4's points: means and paired gaps for every axis, n and value.

    Columns of `means`, and `varied`, `tuned`, `gap`, `gap_lo`, `gap_hi`.
    """
    parts = []
    for name in names:
        rows = axis(found, name)
        renamed = {"mean": "gap", "lo": "gap_lo", "hi": "gap_hi"}
        paired = gaps(rows, name).rename(columns=renamed).drop(columns="runs")
        part = means(rows).merge(paired, on=["n", "value"], how="left")
        usual = rows.groupby("n")[f"tuned_{name}"].first()
        parts.append(part.assign(varied=name, tuned=part["value"] == part.n.map(usual)))
    return pd.concat(parts, ignore_index=True)


def seeds(found: pd.DataFrame) -> str:
    """Return over how many seeds the means of `sensitivity` are, at each n drawn.

    An n of which one value was run, the tuned one, is no line of the figure.
    """
    run = found[found.runs > 0]
    if not run.empty:
        run = run[run.groupby(["varied", "n"])["value"].transform("size") > 1]
    if run.empty:
        return seeds_in_words([])
    return listed(
        f"{seeds_in_words(part.runs)} at n = {n:,}" for n, part in run.groupby("n")
    )


def gaps(rows: pd.DataFrame, name: str, score: str = "accuracy") -> pd.DataFrame:
    """Return each value's score minus the tuned value's in points, paired by seed.

    Columns as in `means`; a value that shares no seed with the tuned one has NaN.
    """
    shown = []
    for n, part in rows.groupby("n"):
        start = _by_seed(part, part[f"tuned_{name}"].iloc[0], score)
        for value in part.value.unique():
            row = {"n": n, "value": value, "runs": 0}
            here = _by_seed(part, value, score)
            if gap := shared_difference(here, start, 1):
                row |= {"mean": gap.mean, "lo": gap.lo, "hi": gap.hi, "runs": gap.runs}
            shown.append(row)
    return pd.DataFrame(shown, columns=["n", "value", "runs", "mean", "lo", "hi"])


def loss(rows: pd.DataFrame, name: str, value: float, score: str) -> Difference | None:
    """Return the tuned value's score minus another value's, paired by seed.

    rows: an axis's rows of one n. None where fewer than three seeds have both.
    """
    return _minus(rows, rows[f"tuned_{name}"].iloc[0], value, score)


def change(
    rows: pd.DataFrame, name: str, value: float, score: str
) -> Difference | None:
    """Return a value's score minus the tuned value's: `loss` the other way round."""
    return _minus(rows, value, rows[f"tuned_{name}"].iloc[0], score)


def _minus(
    rows: pd.DataFrame, first: float, second: float, score: str
) -> Difference | None:
    return shared_difference(*(_by_seed(rows, v, score) for v in (first, second)))


def complete(rows: pd.DataFrame, score: str = "accuracy") -> pd.DataFrame:
    """Return scores by seed (rows) and value (columns), of seeds that have them all."""
    table = rows.pivot(index="seed", columns="value", values=score)
    return table.dropna()


def cells(found: pd.DataFrame) -> pd.DataFrame:
    """Return the mean accuracy for each alpha (rows) and beta (columns) at n = 100.

    Over the seeds that all cells share which were run: seeds differ by more than cells.
    NaN where no run is stored; an empty frame where none at all is, or none in common.
    """
    runs = crossed(found)
    if runs.empty:
        return pd.DataFrame()
    return (
        runs.groupby(["alpha", "beta"])
        .accuracy.mean()
        .unstack()
        .reindex(index=list(HEAT_MAP[0]), columns=list(HEAT_MAP[1]))
    )


def cell_seeds(found: pd.DataFrame) -> int:
    """Return over how many seeds the means of `cells` are taken."""
    return crossed(found).seed.nunique()


def crossed(found: pd.DataFrame) -> pd.DataFrame:
    """Return the points where alpha and beta are crossed, on the seeds all share."""
    at = found[(found.n == 100) & (found.gamma == tuned()["gamma"])]
    inside = at.alpha.isin(HEAT_MAP[0]) & at.beta.isin(HEAT_MAP[1])
    known = at[inside].dropna(subset="accuracy")
    runs = known.pivot(index="seed", columns=["alpha", "beta"], values="accuracy")
    return known[known.seed.isin(runs.dropna().index)]


def rounding() -> Difference | None:
    """Return C's accuracy at the tuned setting in bfloat16 minus that in float32.

    In points, n = 100, paired by seed; None with fewer than three pairs.
    """
    exact = tables.runs(
        grid="figure3a", method="kdgan", protocol="controlled", status="finished"
    )
    found = points("figure4")
    chosen = (found[list(AXES)] == pd.Series(tuned())).all(axis=1) & (found.n == 100)
    rounded = found[chosen].set_index("seed").accuracy.dropna()
    if exact.empty or rounded.empty:
        return None
    return shared_difference(rounded, 100 * exact.set_index("seed").test_accuracy)


def curves(
    grid: str = "figure4", n: int = 100, start: bool = False, **where: object
) -> pd.DataFrame:
    """Return the game's evaluations of a grid's runs at one n, updates from its start.

    C and T are in percent: classifier_validation, classifier_test, teacher_validation.
    start: with the pretrained T, at 0 updates.
    """
    found = tables.curves(grid=grid, n=n, **where)
    if found.empty:
        return found
    scores = ["classifier_validation", "classifier_test", "teacher_validation"]
    found[scores] *= 100
    played = tables.game(found)
    if start:
        before = found[found.stage == "pretrain teacher"]
        before = before.assign(epoch=0, player_updates=0, stage=GAME)
        played = pd.concat([before, played])
    return played.sort_values(["run_id", "epoch"])


def coverage(*grids: str) -> pd.DataFrame:
    """Return, for each grid and n, the declared and missing runs and their command."""
    shown = []
    for grid in grids:
        for n, part in points(grid).groupby("n"):
            missing = part[part.status.isna()]
            row: dict[str, object] = {"runs of": f"`{grid}`", "n": n}
            row |= {"declared": len(part), "missing": len(missing)}
            row |= {"command": "–", "time": "–"}
            if len(missing):
                row |= {"command": f"`kdgan sweep {grid} --n {n}`"}
                row |= {"time": effort.of_runs(grid, missing.run_id)}
            shown.append(row)
    return pd.DataFrame(shown)


def short(value: float) -> str:
    """Return a weight with two digits: 0.00015, 0.21, 100."""
    return f"{float(f'{value:.2g}'):g}"


def gamma_label(value: float) -> str:
    """Return how a value of gamma is named in Figure 6."""
    if value == 0:
        return "0: T does not learn from C"
    return short(value) + (" (tuned)" if value == tuned()["gamma"] else "")


def _only_weights_differ(run: Run) -> bool:
    if run.method.name != "kdgan":
        return False
    plain = declare("kdgan", run.data, run.n, seed=run.seed, variant=run.variant)
    weights: dict = {name: plain.method.hyperparameters()[name] for name in AXES}
    budget = run.budget.but(precision=plain.budget.precision)
    tuned_run = replace(run, method=replace(run.method, **weights), budget=budget)
    return tuned_run in (plain, changed(plain, SHORTER))


@cache
def _declared(grid: str) -> list[dict[str, object]]:
    runs = filter(_only_weights_differ, GRIDS[grid]("paper"))
    return [_described(run) for run in runs]


def _described(run: Run) -> dict[str, object]:
    method = run.method.hyperparameters()
    known = {"run_id": run.id, "n": run.n, "seed": run.seed}
    weights = {name: method[name] for name in AXES}
    usual = tuned(run.data, run.variant)
    weights |= {f"tuned_{name}": value for name, value in usual.items()}
    return known | weights


def _by_seed(rows: pd.DataFrame, value: float, score: str) -> pd.Series:
    return rows[rows.value == value].set_index("seed")[score].dropna()
