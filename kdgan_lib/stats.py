"""Intervals, paired tests, effect sizes and convergence: pure functions of raw runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10_000
LEVEL = 0.05
"""Adjusted p-value below which a difference is called clear."""
QUIET = 0.1
"""Quantile of stored wall times that estimates go by: most runs shared their core."""
FEWEST = 3
"""Runs that an interval over runs, and a verdict by it, need at least."""
ROUNDING = 1e-12
"""Share of the largest value below which values are equal but for rounding."""
MANY = 10
"""Runs from which on the bootstrap's interval is used."""


class NoPairs(ValueError):
    """Two samples have no seed in common."""


@dataclass(frozen=True)
class Estimate:
    """A mean over runs with its interval."""

    mean: float
    """Mean over the runs."""
    lo: float
    """Lower end of the 95% interval; NaN for fewer than three runs."""
    hi: float
    """Upper end of the 95% interval; NaN for fewer than three runs."""
    runs: int
    """Number of runs."""


@dataclass(frozen=True)
class Difference:
    """A mean difference of paired runs with its interval and test."""

    mean: float
    """Mean of first minus second."""
    lo: float
    """Lower end of the 95% interval; NaN for fewer than three pairs."""
    hi: float
    """Upper end of the 95% interval; NaN for fewer than three pairs."""
    p_value: float
    """Two-sided p-value of the paired t-test; NaN for fewer than three pairs."""
    effect_size: float
    """Mean difference over its standard deviation, corrected for few pairs; NaN for
    fewer than three."""
    runs: int
    """Number of pairs."""


def mean_interval(values: ArrayLike, seed: int = 0) -> Estimate:
    """Return the mean of raw runs and its 95% interval.

    values: (num_runs,). From ten runs on the bias-corrected bootstrap (BCa) of Efron
    (1987). With fewer it is far too narrow, so that those have Student's t-interval;
    `studies.demonstrations.coverage` counts how often either holds the truth.
    """
    sample = np.asarray(values, dtype=float)
    lo, hi = _interval(sample, seed)
    return Estimate(float(sample.mean()), lo, hi, len(sample))


def geometric_mean(values: ArrayLike) -> Estimate:
    """Return the geometric mean of raw ratios and its 95% interval, as above.

    An arithmetic mean of ratios is above 1 even where both sides are alike. Raises
    ValueError for a value that is not above 0.
    """
    ratios = np.asarray(values, dtype=float)
    if not (ratios > 0).all():
        raise ValueError("A geometric mean needs values above 0.")
    found = mean_interval(np.log(ratios))
    mean, lo, hi = np.exp([found.mean, found.lo, found.hi]).tolist()
    return Estimate(mean, lo, hi, found.runs)


def means_along(frame: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Return the mean over runs of y at every x with its 95% interval: mean, lo, hi.

    frame: one row per run and x; missing y are left out. Student's t for any number of
    runs, so that a band has one rule along its length. The ends are NaN where an x has
    fewer than three runs.
    """
    groups = frame.groupby(x)[y]
    mean, count = groups.mean(), groups.count()
    runs = count.where(count >= FEWEST)
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, runs - 1)
    half = quantile * groups.std() / np.sqrt(runs)
    return pd.DataFrame({"mean": mean, "lo": mean - half, "hi": mean + half})


def paired_difference(first: pd.Series, second: pd.Series, seed: int = 0) -> Difference:
    """Return first minus second over the pairs that share an index, such as the seed.

    The interval is that of `mean_interval`, the effect size Cohen's d of paired runs
    with the correction of Hedges (1981). Pairs with a missing number are left out.
    Raises NoPairs when no pair is left.
    """
    both = pd.concat([first, second], axis=1, join="inner", keys=["first", "second"])
    pairs = both.dropna()
    if pairs.empty:
        raise NoPairs("The two samples share no seed, so nothing can be paired.")
    gaps = (pairs["first"] - pairs["second"]).to_numpy(float)
    lo, hi = _interval(gaps, seed)
    spread = gaps.std(ddof=1) if len(gaps) > 1 else float("nan")
    tested = len(gaps) >= FEWEST and not _alike(gaps)
    p_value = stats.ttest_1samp(gaps, 0).pvalue if tested else float("nan")
    unbiased = 1 - 3 / (4 * (len(gaps) - 1) - 1)
    effect = unbiased * gaps.mean() / spread if tested else float("nan")
    return Difference(
        float(gaps.mean()), lo, hi, float(p_value), float(effect), len(gaps)
    )


def shared_difference(
    first: pd.Series, second: pd.Series, fewest: int = FEWEST
) -> Difference | None:
    """Return `paired_difference`; None where fewer than `fewest` pairs are known."""
    if first.dropna().index.intersection(second.dropna().index).size < fewest:
        return None
    return paired_difference(first, second)


def signed(gap: Difference, digits: int = 2) -> str:
    """Return a difference with its sign and, where there is one, its interval."""
    mean, lo, hi = (f"{value:+.{digits}f}" for value in (gap.mean, gap.lo, gap.hi))
    return mean if np.isnan(gap.lo) else f"{mean} [{lo}, {hi}]"


def more_or_less(gap: Difference, digits: int = 2, unit: str = "points") -> str:
    """Return a difference in words, `3.30 [2.59, 4.13] points more`, or `less`.

    A negative one is turned round with its interval, so that the mean has no sign.
    """
    less = gap.mean < 0
    ends = (-gap.mean, -gap.hi, -gap.lo) if less else (gap.mean, gap.lo, gap.hi)
    mean, lo, hi = (f"{value:.{digits}f}" for value in ends)
    text = mean if np.isnan(gap.lo) else f"{mean} [{lo}, {hi}]"
    return f"{text} {unit} {'less' if less else 'more'}"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given. Source: Holm (1979).

    NaN, of a test that could not be made, stays NaN and counts for nothing.
    """
    given = np.asarray(p_values, dtype=float)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known])]
    raised = (len(order) - np.arange(len(order))) * given[order]
    adjusted = np.full_like(given, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted.tolist()


def convergence(
    curve: pd.DataFrame, score: str, at: str = "epoch", share: float = 0.99
) -> float:
    """Return where a curve first reaches a share of its largest score.

    curve: one run's evaluations in order, with columns `score` and `at`. The share of
    0.99 is the book's definition of convergence; the paper gives none. NaN where no
    score is known. Raises ValueError for a largest score that is not above 0.
    """
    known = curve.dropna(subset=score)
    if known.empty:
        return float("nan")
    largest = known[score].max()
    if largest <= 0:
        raise ValueError(
            f"A share of the largest {score} needs one above 0, not {largest:g}."
        )
    return float(known.loc[known[score] >= share * largest, at].iloc[0])


def spread_after_convergence(
    curve: pd.DataFrame, score: str, share: float = 0.99
) -> float:
    """Return the standard deviation of a curve's scores from its convergence on.

    NaN and ValueError as of `convergence`.
    """
    known = curve.dropna(subset=score)
    start = convergence(known, score, share=share)
    return float(known.loc[known.epoch >= start, score].std(ddof=0))


def per_seed(curves: pd.DataFrame, of: Callable[[pd.DataFrame], float]) -> pd.Series:
    """Return one number per seed, of its evaluations in order of the epoch.

    curves: evaluations with columns `seed` and `epoch`. Seeds whose number is NaN are
    left out.
    """
    found = {seed: of(run.sort_values("epoch")) for seed, run in curves.groupby("seed")}
    return pd.Series(found, dtype=float).dropna()


def _alike(sample: np.ndarray) -> bool:
    """Tell whether values differ by no more than rounding."""
    return bool(np.ptp(sample) <= ROUNDING * max(1.0, np.abs(sample).max()))


def _interval(sample: np.ndarray, seed: int) -> tuple[float, float]:
    if len(sample) < FEWEST:
        return float("nan"), float("nan")
    if _alike(sample):
        return float(sample[0]), float(sample[0])
    if len(sample) < MANY:
        half = stats.sem(sample) * stats.t.ppf((1 + CONFIDENCE) / 2, len(sample) - 1)
        return float(sample.mean() - half), float(sample.mean() + half)
    found = stats.bootstrap(
        (sample,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
