"""Order Table 1's methods in each column that was run, as the paper orders them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kdgan_lib.names import label_of
from kdgan_lib.prose import about_zero
from kdgan_lib.reports import table1
from kdgan_lib.reports.differences import clear
from kdgan_lib.reports.table1 import COLUMNS, METHODS, Column
from kdgan_lib.stats import FEWEST, Difference, holm, paired_difference

DISTILLATION = ("codis", "distn", "noisy", "mimic")
FEWEST_SIZES = 5
"""Sizes that two methods must share before the images they need are compared."""
STEPS = 21
"""Accuracies at which the images needed are compared."""


@dataclass(frozen=True)
class Scores:
    """The accuracies of the methods that are compared in one column, in percent."""

    column: Column
    """The column."""
    runs: pd.DataFrame
    """A row per seed, a column per method."""

    @property
    def means(self) -> pd.Series:
        """Return each method's mean."""
        return self.runs.mean()

    @property
    def spreads(self) -> pd.Series:
        """Return each method's standard deviation over seeds."""
        return self.runs.std()

    @property
    def best(self) -> str:
        """Return the method with the highest mean."""
        return str(self.means.idxmax())

    @property
    def best_distillation(self) -> str:
        """Return the distillation method with the highest mean."""
        return str(self.means[list(DISTILLATION)].idxmax())

    @property
    def lead(self) -> float:
        """Return KDGAN's mean minus NaGAN's, in points."""
        return float(self.means["kdgan"] - self.means["nagan"])

    @property
    def rank_correlation(self) -> float:
        """Return Spearman's correlation of our means with the paper's."""
        return float(stats.spearmanr(self.means, self.paper).statistic)

    @property
    def in_order(self) -> bool:
        """Tell whether our means stand in the paper's order."""
        return list(self.means.sort_values().index) == list(
            self.paper.sort_values().index
        )

    @property
    def paper(self) -> pd.Series:
        """Return the paper's accuracies of the same methods."""
        return pd.Series({name: self.column.paper(str(name)) for name in self.runs})

    def ahead(self, first: str, second: str) -> bool:
        """Tell whether the first method's mean is above the second's."""
        return bool(self.means[first] > self.means[second])

    def clearly_best(self, name: str) -> bool:
        """Tell whether a method beats every other by paired tests, after Holm."""
        rivals = [str(other) for other in self.runs if other != name]
        gaps = {o: paired_difference(self.runs[name], self.runs[o]) for o in rivals}
        above, _ = clear(gaps)
        return len(above) == len(rivals)


def columns_run(
    columns: Sequence[Column] = COLUMNS, methods: Sequence[str] = METHODS
) -> list[Scores]:
    """Return the columns in which all these methods were run on the same 3 seeds."""
    shared = {
        column: runs.reindex(columns=list(methods)).dropna()
        for column, runs in table1.scores("controlled", columns).items()
    }
    return [Scores(column, r) for column, r in shared.items() if len(r) >= FEWEST]


def columns_lost(name: str, columns: Sequence[Column] = COLUMNS) -> list[Column]:
    """Return the columns in which another of the six methods has a higher mean.

    Pair by pair, on at least three common seeds: it need not be known how all six stand
    to see that a method is not the best.
    """
    lost = []
    for column, runs in table1.scores("controlled", columns).items():
        rivals = [m for m in METHODS if name in runs and m in runs and m != name]
        pairs = [runs[[name, rival]].dropna() for rival in rivals]
        known = [pair.mean() for pair in pairs if len(pair) >= FEWEST]
        if any(means.iloc[1] > means.iloc[0] for means in known):
            lost.append(column)
    return lost


@dataclass(frozen=True)
class Standing:
    """Where a method stands among those that were run on the same seeds."""

    mean: float
    """Its mean accuracy in percent."""
    place: int
    """Its place by means, from 1."""
    methods: int
    """How many there are."""
    rival: str
    """The strongest of the others."""
    gap: Difference
    """How far it is from that one, in points."""
    p_value: float
    """Of that distance, after Holm's correction over all rivals."""


def stand(scores: pd.DataFrame, reference: str) -> Standing | None:
    """Return a method's place and its distance from the strongest rival.

    scores: accuracies in percent, a row per seed and a column per method; those with
    fewer than three runs are left out, the others compared on the seeds that they
    share. None where nothing is left to compare.
    """
    scores = scores.dropna(axis=1, thresh=FEWEST).dropna()
    if reference not in scores or len(scores.columns) < 2 or len(scores) < FEWEST:
        return None
    means = scores.mean().sort_values(ascending=False)
    place = list(means.index).index(reference) + 1
    others = [str(name) for name in means.index if name != reference]
    gaps = [paired_difference(scores[reference], scores[name]) for name in others]
    adjusted = holm([gap.p_value for gap in gaps])
    mean, rival = float(means[reference]), others[0]
    return Standing(mean, place, len(means), rival, gaps[0], adjusted[0])


def standing(scores: pd.DataFrame, reference: str, where: str) -> str:
    """Return `stand` as a sentence that begins with `where`; empty where it is None."""
    found = stand(scores, reference)
    if found is None:
        return ""
    gap, rivals = found.gap, found.methods - 1
    ahead = "above" if gap.mean > 0 else "below"
    corrected = (
        f", p = {found.p_value:.2g} after Holm's correction over {rivals} rivals"
    )
    return (
        f"{where} {label_of(reference)} reaches {found.mean:.2f}% and is "
        f"number {found.place} of {found.methods}, {abs(gap.mean):.2f} points {ahead} "
        f"{label_of(found.rival)}, its strongest rival; the 95% interval of the paired "
        f"difference, [{gap.lo:.2f}, {gap.hi:.2f}], {about_zero(gap.lo, gap.hi)} "
        f"({gap.runs} seeds{corrected if rivals > 1 else ''})."
    )


def instances_ratio(runs: pd.DataFrame, many: str, few: str) -> float | None:
    """Return how many times more images one method needs for the same accuracy.

    runs: of one seed, with columns `method`, `n` and `test_accuracy`. Accuracy is taken
    as a rising function of log n, straight between the sizes that both were run at; the
    ratio is the geometric mean over the accuracies that both methods reach. None where
    they share fewer than five sizes, or no accuracy.
    """
    both = [by_size(runs[runs.method == name]) for name in (many, few)]
    shared = both[0].index.intersection(both[1].index)
    if len(shared) < FEWEST_SIZES:
        return None
    curves = [curve[shared] for curve in both]
    low = max(curve.min() for curve in curves)
    high = min(curve.max() for curve in curves)
    if high <= low:
        return None
    levels = np.linspace(low, high, STEPS)
    needed = [images_needed(curve, levels) for curve in curves]
    return float(np.exp(np.mean(np.log(needed[0]) - np.log(needed[1]))))


def images_needed(curve: pd.Series, levels: np.ndarray) -> np.ndarray:
    """Return the n at which a curve reaches each accuracy; NaN where it never does.

    curve: accuracy by n; its largest value so far counts, straight over log n. An
    accuracy that the least n has passed already is given that n.
    """
    risen = np.maximum.accumulate(curve.to_numpy())
    places = np.log(curve.index.to_numpy(float))
    return np.exp([_reached(risen, places, level) for level in levels])


def _reached(risen: np.ndarray, places: np.ndarray, level: float) -> float:
    """Return where a curve that never falls first has a level; NaN if nowhere."""
    at = int(np.searchsorted(risen, level))
    if at == len(risen):
        return float("nan")
    if at == 0:
        return float(places[0])
    share = (level - risen[at - 1]) / (risen[at] - risen[at - 1])
    return float(places[at - 1] + share * (places[at] - places[at - 1]))


def by_size(runs: pd.DataFrame) -> pd.Series:
    """Return the mean test accuracy of runs at each n, in order."""
    return runs.groupby("n").test_accuracy.mean().sort_index()
