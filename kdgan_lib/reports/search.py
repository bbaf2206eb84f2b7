"""Gather what the search for settings tried and found: tables of trials."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import COMPARED, SYMBOLS, in_order, label_of
from kdgan_lib.prose import listed
from kdgan_lib.search_spaces import space

WEIGHTS = tuple(SYMBOLS)
EDGE = 0.1
"""Share of a searched range, in logarithms, that counts as its end."""
FORMATS = {
    **dict.fromkeys(("trials", "settings searched", "found in trial"), ".0f"),
    "best validation": ".2f",
}
"""How the columns of this module's tables are printed."""


@dataclass(frozen=True)
class Searched:
    """What the search for a method's setting found."""

    method: str
    """The method."""
    trials: int
    """Settings that were tried."""
    score: float
    """The best score on validation."""
    trial: int
    """The trial that has it, from 0."""
    setting: dict[str, Any]
    """What it tried, by name."""

    def written(self) -> str:
        """Return the setting in words, numbers with two digits."""
        return ", ".join(
            f"{key} {_short(value)}" for key, value in self.setting.items()
        )


def searched(trials: pd.DataFrame, methods: Iterable[str]) -> Iterator[Searched]:
    """Yield what rows of the table `trials` found for each method that has some."""
    for name in methods if len(trials) else ():
        done = trials[trials.method == name]
        if len(done):
            best = done.loc[done.score.idxmax()]
            setting = json.loads(best.parameters)
            yield Searched(name, len(done), best.score, int(best.trial), setting)


def bests(found: Iterable[Searched], title: str, scale: float = 1.0) -> pd.DataFrame:
    """Return each method's trials, its best score, headed by a title, its setting.

    scale: 100 for a score in percent.
    """
    return pd.DataFrame(
        [
            {
                "method": label_of(best.method),
                "trials": best.trials,
                title: scale * best.score,
                "setting": best.written(),
            }
            for best in found
        ]
    )


def _short(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def trials() -> pd.DataFrame:
    """Return the trials of every method's search on MNIST, in order, one row each.

    Columns: method, trial, score and the best score so far (both in percent of the
    validation images), and the setting tried.
    """
    found = tables.rows("trials", data="mnist", n=100)
    if found.empty:
        return found
    found = found.assign(score=100 * found.score)
    found = in_order(found, COMPARED, "trial").reset_index(drop=True)
    found["best"] = found.groupby("method").score.cummax()
    return found[["method", "trial", "score", "best", "parameters"]]


def efforts() -> pd.DataFrame:
    """Return what was spent on each method's search, and when its best was found."""
    return pd.DataFrame(
        [
            {
                "method": label_of(best.method),
                "trials": best.trials,
                "settings searched": len(best.setting),
                "best validation": best.score,
                "found in trial": best.trial + 1,
            }
            for best in searched(trials(), COMPARED)
        ]
    )


def ties() -> str:
    """Return which methods' best score several trials share; empty for none."""
    found = trials()
    if found.empty:
        return ""
    best = found[found.score == found.groupby("method").score.transform("max")]
    said = [
        f"{label_of(name)}'s in trials {listed(str(trial + 1) for trial in part.trial)}"
        for name, part in in_order(best, COMPARED, "trial").groupby(
            "method", sort=False
        )
        if len(part) > 1
    ]
    if not said:
        return ""
    return (
        f"Some best scores were reached more than once, {'; '.join(said)}: the first "
        "trial was taken, and the search did not tell them apart."
    )


def spaces() -> pd.DataFrame:
    """Return which values of which settings were searched for each method, and found.

    An asterisk marks a found number within a tenth of its range, in logarithms, of an
    end: there a wider range might have held a better one.
    """
    return spaces_and_found(trials(), {name: space(name) for name in COMPARED})


def spaces_and_found(
    tried: pd.DataFrame, spaces: Mapping[str, Mapping[str, tuple]]
) -> pd.DataFrame:
    """Return a row per method: the values that were searched, and what was found.

    tried: rows of a table of trials. spaces: of each method the settings, as in
    `search_spaces.space`.
    """
    best = {found.method: found.setting for found in searched(tried, spaces)}
    rows = []
    for name, searched_for in spaces.items():
        setting = best.get(name, {})
        said = [
            f"`{key}` {_values(spec)}{_found(spec, setting.get(key))}"
            for key, spec in searched_for.items()
        ]
        rows.append({"method": label_of(name), "searched": "; ".join(said)})
    return pd.DataFrame(rows)


def _found(spec: tuple, value: Any) -> str:
    """Return what was found for a setting in words, marked if it is near an end."""
    if value is None:
        return ""
    kind, *ends = spec
    mark = ""
    if kind == "float":
        low, high = (math.log(end) for end in ends)
        place = (math.log(value) - low) / (high - low)
        mark = "\\*" if min(place, 1 - place) < EDGE else ""
    return f": **{_short(value)}{mark}**"


def weights_searched() -> str:
    """Return in words where KDGAN's three weights were searched."""
    values = space("kdgan")
    return listed(f"{SYMBOLS[name]} {_values(values[name])}" for name in WEIGHTS)


def least_searched(name: str) -> float:
    """Return the least value of a weight that the search could take."""
    return float(min(space("kdgan")[name][1:]))


def _values(spec: tuple) -> str:
    """Return a range or a choice of `search_spaces.space` in words."""
    kind, *values = spec
    said = [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
    if kind == "float":
        return f"from {' to '.join(said)}"
    return listed(said, "or")


def kdgan_trials() -> pd.DataFrame:
    """Return alpha, beta, gamma and the score of KDGAN's trials."""
    found = trials()
    if found.empty:
        return found
    mine = found[found.method == "kdgan"].reset_index(drop=True)
    tried = pd.DataFrame([json.loads(text) for text in mine.parameters])
    return mine[["trial", "score"]].join(tried[list(WEIGHTS)])
