"""Tell how far Figure 5's weights move C and T on the popular tags."""

from dataclasses import dataclass

import pandas as pd

from kdgan_lib.names import SYMBOLS
from kdgan_lib.reports.cells import seeds_of
from kdgan_lib.reports.hyperparameters import short
from kdgan_lib.reports.tag_curves import WEIGHTS, axis
from kdgan_lib.stats import FEWEST

PLAYERS = ["classifier", "teacher"]
FEWEST_VALUES = 2
"""Values of a weight between which there is a range."""


@dataclass(frozen=True)
class Range:
    """A player's least and largest mean P@3 over the values of one weight."""

    least: float
    """Least mean."""
    most: float
    """Largest mean."""
    worst: float
    """Value of the weight with the least mean."""
    best: float
    """Value of the weight with the largest mean."""

    @property
    def width(self) -> float:
        """Return the largest mean minus the least."""
        return self.most - self.least


def ranges(name: str) -> tuple[Range, Range] | None:
    """Return C's and T's range over a weight; None with fewer than two values.

    Values with fewer than three seeds are left out.
    """
    groups = axis(name).groupby("value")[PLAYERS]
    means = groups.mean()[(groups.count() >= FEWEST).all(axis=1)]
    if len(means) < FEWEST_VALUES:
        return None
    return _range(means.classifier), _range(means.teacher)


def _range(means: pd.Series) -> Range:
    worst, best = float(str(means.idxmin())), float(str(means.idxmax()))
    return Range(float(means.min()), float(means.max()), worst, best)


def summary() -> str:
    """Return how far each weight moves C and T; empty where one was not run."""
    found = {name: ranges(name) for name in WEIGHTS}
    known = {name: pair for name, pair in found.items() if pair is not None}
    if len(known) < len(WEIGHTS):
        return ""
    said = [_said(SYMBOLS[name], *pair) for name, pair in known.items()]
    narrower = sum(mine.width < its.width for mine, its in known.values())
    return (
        f"In mean P@3, {'; '.join(said)}. C's range is narrower than T's for "
        f"{narrower} of the {len(known)} weights."
    )


def _said(symbol: str, mine: Range, its: Range) -> str:
    """Return C's range, with its best value, and T's, with its worst."""
    return (
        f"over {symbol} C goes from {mine.least:.4f} to {mine.most:.4f} (best at "
        f"{symbol} = {short(mine.best)}) and T from {its.least:.4f} (at {symbol} = "
        f"{short(its.worst)}) to {its.most:.4f}"
    )


def seeds() -> str:
    """Return over how many seeds Figure 5's points are, in words."""
    drawn = {name: axis(name).assign(weight=name) for name in WEIGHTS}
    known = [rows for rows in drawn.values() if len(rows)]
    return seeds_of(pd.concat(known) if known else pd.DataFrame(), "weight", "value")
