"""Measure what Table 2 shows (T2.73 to T2.79), Figures 3b and 5, and soft labels (X1).

The values of Table 2 itself belong to a choice of photographs that was not published,
so its 72 cells have no measure; its orderings are measured on Open Clip Art.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from kdgan_lib import tables
from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.reports import table2, tag_curves
from kdgan_lib.reports.differences import clear
from kdgan_lib.reports.hyperparameters import AXES as VALUES
from kdgan_lib.reports.table2 import (
    CLASSICAL,
    COMMAND,
    DATA,
    FIXED,
    GRID,
    METRICS,
    PAPER,
)
from kdgan_lib.reports.tag_curves import AXES, CURVES, PLAYED
from kdgan_lib.stats import (
    FEWEST,
    convergence,
    mean_interval,
    paired_difference,
    per_seed,
)
from kdgan_lib.tables import MissingRuns

PROTOCOL = "controlled"
PREDICTIONS = "kdgan predictions"
FEWEST_POINTS = 8
"""Evaluations of a run that a correlation over its training needs at least."""


@measure("table2_rank")
def table2_rank(method: str, rank: int) -> Measured:
    """Return in how many of 12 columns a method has a rank among the paper's six."""
    places = _means(PAPER).rank(axis=1, ascending=False).loc[:, method]
    return {"columns": _counted((places == rank).sum(), method)}


@measure("table2_best_classical")
def table2_best_classical(method: str) -> Measured:
    """Return in how many columns a method is the best of the four classical ones."""
    best = _means(CLASSICAL).idxmax(axis=1)
    return {"columns": _counted((best == method).sum(), method)}


@measure("table2_classical_order")
def table2_classical_order() -> Measured:
    """Return in how many columns KNN, TagProp, TagFeature and RelExample rise so."""
    means = _means(CLASSICAL)
    in_order = (means.diff(axis=1).iloc[:, 1:] > 0).all(axis=1).sum()
    places = range(len(CLASSICAL))
    correlations = [stats.spearmanr(row, places).statistic for row in means.to_numpy()]
    return {
        "columns_in_order": _counted(in_order, CLASSICAL[-1]),
        "mean_rank_correlation": Quantity(
            float(np.mean(correlations)), protocol=PROTOCOL
        ),
    }


@measure("table2_relative_gain")
def table2_relative_gain(first: str, second: str) -> Measured:
    """Return the first's gain on the second in percent, for each vocabulary.

    A gain is the mean over the six metrics of a seed's relative gain; the smallest and
    the largest metric's mean gain are given beside it.
    """
    found: Measured = {}
    for vocabulary in DATA:
        gains = 100 * (_ratios(vocabulary, first, second) - 1)
        whole = Quantity.of(mean_interval(gains.mean(axis=1)), "%")
        found[f"{vocabulary}_gain"] = whole
        metrics = gains.mean()
        ends = {"smallest": metrics.min(), "largest": metrics.max()}
        for name, value in ends.items():
            end = replace(whole, value=float(value), lo=None, hi=None)
            found[f"{vocabulary}_gain_{name}"] = end
    return found


@measure("table2_significance")
def table2_significance() -> Measured:
    """Return in how many columns KDGAN beats each of the other five significantly.

    Paired t-tests over seeds, with Holm's correction inside a column: they speak of
    other initialisations, not of other images.
    """
    count = 0
    for vocabulary in DATA:
        found = _scores(vocabulary, PAPER)
        count += sum(_beats_all(found, metric) for metric in METRICS)
    return {"columns_significant": _counted(count, "kdgan")}


@measure("tag_convergence_epoch")
def tag_convergence_epoch(method: str) -> Measured:
    """Return the outer epoch at which a method's runs converge on popular tags.

    `epochs_declared` is how many outer epochs the runs have at all.
    """
    curves = _curves(method)
    epochs = per_seed(curves, lambda run: convergence(run, "classifier_validation"))
    found = Quantity.of(mean_interval(epochs), "epochs")
    declared = replace(found, value=float(curves.epoch.max()), lo=None, hi=None)
    return {"epochs": found, "epochs_declared": declared}


@measure("tag_lead")
def tag_lead() -> Measured:
    """Return KDGAN's lead in points of P@3 over the better of Figure 3b's other two."""
    by_method = {name: 100 * _runs(name).test_precision for name in PLAYED}
    rival = max(PLAYED[:2], key=lambda name: by_method[name].mean())
    gap = paired_difference(by_method["kdgan"], by_method[rival])
    return {"lead": Quantity.of(gap, "points")}


@measure("tag_share_above")
def tag_share_above() -> Measured:
    """Return the share of KDGAN's converged evaluations that lie above RelExample."""
    bar = tag_curves.bar()
    if bar != bar:
        raise MissingRuns(COMMAND)

    def share(run: pd.DataFrame) -> float:
        start = convergence(run, "classifier_validation")
        tested = run[run.epoch >= start].classifier_test.dropna()
        return float((tested > bar).mean())

    shares = per_seed(_curves("kdgan"), share)
    return {"share_above": Quantity.of(mean_interval(shares))}


@measure("tag_metric_agreement")
def tag_metric_agreement() -> Measured:
    """Return the smallest correlation over training of P@3 with another metric.

    Over the evaluations of the runs of Figure 3b's methods: for every other metric the
    mean of the runs' correlations, and of these the smallest.
    """
    curves = tables.rows("tag_curves", data=DATA["popular"], method=PLAYED)
    if curves.empty:
        raise MissingRuns(PREDICTIONS)
    followed = dict(list(curves.groupby(["method", "seed"])))
    seeds = pd.Series([method for method, _ in followed]).value_counts()
    points = min(len(part) for part in followed.values())
    if seeds.reindex(PLAYED, fill_value=0).min() < FEWEST or points < FEWEST_POINTS:
        raise MissingRuns(PREDICTIONS)
    others = [name for name in METRICS if name != "p_at_3"]
    found = pd.DataFrame(
        {run: part[others].corrwith(part.p_at_3) for run, part in followed.items()}
    )
    means = found.mean(axis=1)
    return {
        "smallest_correlation": Quantity(
            float(means.min()), runs=int(seeds.min()), protocol=PROTOCOL
        )
    }


@measure("tag_hyperparameter_range")
def tag_hyperparameter_range(name: str) -> Measured:
    """Return how much P@3 changes over a weight's values, in percent of the best."""
    axis = _axis(name)
    means = axis.groupby("value").classifier.mean()
    runs = int(axis.groupby("value").seed.nunique().min())
    spread = 100 * (means.max() - means.min()) / means.max()
    return {
        "relative_range": Quantity(float(spread), None, None, "%", runs, PROTOCOL),
        "worst_at": Quantity(float(means.idxmin()), runs=runs, protocol=PROTOCOL),
        "best_at": Quantity(float(means.idxmax()), runs=runs, protocol=PROTOCOL),
    }


@measure("tag_large_gamma_loss")
def tag_large_gamma_loss() -> Measured:
    """Return what the largest gamma costs against the tuned one, in percent of P@3."""
    axis = _axis("gamma")
    large = axis[axis.value == axis.value.max()].set_index("seed").classifier
    tuned = axis[axis.tuned].drop_duplicates("seed").set_index("seed").classifier
    lost = mean_interval(100 * (1 - large / tuned).dropna())
    return {"relative_loss": Quantity.of(lost, "%")}


@measure("soft_label_similarity")
def soft_label_similarity() -> Measured:
    """Return how T's soft labels agree with the similarity of the tags' names (X1).

    For a tag, the other tags are ranked by T's mean log-probability over the test
    images that have the tag and lack the other, less its mean over all that lack it,
    and by the cosine of the names' word vectors; the quantity is Spearman's
    correlation, its mean over tags, with their bootstrap. T's text encoder starts from
    these vectors; the classifiers beside it, taught by T and alone, never saw them.
    """
    found = tables.rows("soft_labels", data=DATA["popular"])
    by_player = tables.require(found, PREDICTIONS).groupby("player").similarity
    correlations = {
        name: replace(Quantity.of(mean_interval(values.dropna())), runs=1)
        for name, values in by_player
    }
    return {
        "rank_correlation": correlations["teacher"],
        "classifier_taught_by_it": correlations["mimic"],
        "classifier_alone": correlations["supervised"],
    }


def _scores(vocabulary: str, methods: Sequence[str]) -> pd.DataFrame:
    """Return the methods' rows on a vocabulary; MissingRuns if one has too few."""
    found = table2.scores(DATA[vocabulary])
    counts = found.method.value_counts()
    needed = {name: 1 if name in FIXED else FEWEST for name in methods}
    if any(counts.get(name, 0) < least for name, least in needed.items()):
        raise MissingRuns(COMMAND)
    return found[found.method.isin(methods)]


def _means(methods: Sequence[str]) -> pd.DataFrame:
    """Return the means of each method in the 12 columns of Table 2, a row each."""
    parts = [
        _scores(vocabulary, methods).groupby("method")[list(METRICS)].mean().T
        for vocabulary in DATA
    ]
    return pd.concat(parts, keys=list(DATA))[list(methods)]


def _ratios(vocabulary: str, first: str, second: str) -> pd.DataFrame:
    """Return first over second, seed by seed and metric by metric."""
    found = _scores(vocabulary, (first, second))
    one, two = (
        found[found.method == name].set_index("seed")[list(METRICS)]
        for name in (first, second)
    )
    return (one / two).dropna()


def _beats_all(found: pd.DataFrame, metric: str) -> bool:
    """Tell whether KDGAN is above each rival with p below the level after Holm."""
    rivals = [name for name in PAPER if name != "kdgan"]
    gaps = {name: table2.gap(found, "kdgan", name, metric) for name in rivals}
    above, _ = clear({name: gap for name, gap in gaps.items() if gap is not None})
    return len(above) == len(rivals)


def _curves(method: str) -> pd.DataFrame:
    """Return the game's evaluations of a method on popular tags."""
    where = {"grid": GRID, "data": DATA["popular"], "method": method, "stage": "game"}
    return _enough(tables.curves(**where), CURVES)


def _runs(method: str) -> pd.DataFrame:
    where = {"grid": GRID, "data": DATA["popular"], "status": "finished"}
    runs = tables.runs(**where, method=method)
    return _enough(runs, CURVES).set_index("seed")


def _enough(rows: pd.DataFrame, command: str) -> pd.DataFrame:
    """Return the rows, or raise MissingRuns where they have fewer than three seeds."""
    seeds = rows.seed.nunique() if len(rows) else 0
    return tables.require(rows if seeds >= FEWEST else rows.iloc[:0], command)


def _axis(name: str) -> pd.DataFrame:
    """Return Figure 5's runs over a weight; MissingRuns before all values were run."""
    axis = tag_curves.axis(name)
    declared = VALUES[name]
    seeds = axis.groupby("value").seed.nunique()
    run = set(seeds.index[seeds >= FEWEST])
    whole = set(declared) <= run and axis.tuned.any()
    return tables.require(axis if whole else axis.iloc[:0], AXES)


def _counted(count: int, method: str) -> Quantity:
    """Return a count of columns with the runs of a method behind each."""
    runs = min(
        int((_scores(vocabulary, (method,)).method == method).sum())
        for vocabulary in DATA
    )
    return Quantity(float(count), None, None, "of 12 columns", runs, PROTOCOL)
