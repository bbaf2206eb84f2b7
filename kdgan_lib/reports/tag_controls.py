"""Report the controls on the popular tags: KDGAN with one thing changed."""

from collections.abc import Mapping, Sequence
from functools import cache

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.prose import about_zero, listed
from kdgan_lib.reports.differences import clear
from kdgan_lib.stats import (
    FEWEST,
    LEVEL,
    Difference,
    mean_interval,
    shared_difference,
    signed,
)

GRID, COMMAND = "tag_controls", "kdgan sweep tag_controls"
ALONE, TUNED = "C alone, from the labels", "KDGAN as tuned"
SCORE, CHOSEN_BY = "test_precision", "validation_precision"
SUSPECTED = {
    "T is one network, as in the paper": "one network for T",
    "three times the updates": "three times the updates",
    "with the labels' cross-entropy": "the labels' cross-entropy",
    "D cross-fitted, as T is": "a cross-fitted D",
}
"""The suspicions that are tested one at a time, and what the sentence calls them."""
TOGETHER = "one network, cross-entropy, three times the updates"
"""The change that combines three of them."""


def scores() -> pd.DataFrame:
    """Return the stored runs: variant, seed, P@3 of C on test and on validation."""
    runs = tables.runs(grid=GRID, status="finished")
    if runs.empty:
        return pd.DataFrame(columns=["variant", "seed", SCORE, CHOSEN_BY])
    found = runs.assign(variant=runs.run_id.map(_names()))
    return found[["variant", "seed", SCORE, CHOSEN_BY]]


def table() -> pd.DataFrame:
    """Return a row per variant: P@3, and how far it is from tuned KDGAN and C alone.

    `validation` is P@3 there. Distances are paired by seed, with 95% intervals; a
    variant that was not run keeps its row. Empty where nothing was run.
    """
    found = scores()
    if found.empty:
        return pd.DataFrame()
    by_seed = _by_seed()
    held_out = found.groupby("variant")[CHOSEN_BY].mean()
    rows = [_row(name, by_seed) for name in dict.fromkeys(_names().values())]
    chosen_by = [_digits(held_out.get(str(row["variant"]))) for row in rows]
    table = pd.DataFrame(rows)
    table.insert(1, "validation", chosen_by)
    return table


def _digits(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _row(name: str, by_seed: pd.DataFrame) -> dict[str, object]:
    if name not in by_seed:
        return {"variant": name, "runs": "0"}
    own = by_seed[name].dropna()
    mean = mean_interval(own)
    return {
        "variant": name,
        "P@3": _digits(mean.mean),
        "minus KDGAN as tuned": _distance(by_seed, name, TUNED),
        "minus C alone": _distance(by_seed, name, ALONE),
        "runs": str(len(own)),
    }


def gap(by_seed: pd.DataFrame, first: str, second: str) -> Difference | None:
    """Return first minus second by seed; None without a common seed, or for one."""
    if first == second or not {first, second} <= set(by_seed):
        return None
    return shared_difference(by_seed[first], by_seed[second], 1)


def _distance(by_seed: pd.DataFrame, name: str, other: str) -> str | None:
    """Return the gap in words, a dash for a variant's own; None where it is unknown."""
    found = gap(by_seed, name, other)
    if found is None:
        return "–" if name == other else None
    return signed(found, 4)


def best() -> str | None:
    """Return the change with the best mean P@3 on validation, of those with 3 runs."""
    found = scores()
    changed = found[~found.variant.isin([ALONE, TUNED])].groupby("variant")[CHOSEN_BY]
    means = changed.mean()[changed.size() >= FEWEST]
    return None if means.empty else str(means.idxmax())


def summary() -> str:
    """Return sentences on the best change; empty where there are too few runs."""
    chosen = best()
    if chosen is None:
        return ""
    by_seed = _by_seed()
    text = f"On validation the best of the changes is *{chosen}*."
    for other, title in ((TUNED, "the tuned KDGAN"), (ALONE, "C alone")):
        found = gap(by_seed, chosen, other)
        if found is not None and found.lo == found.lo:
            text += (
                f" Its P@3 on test minus that of {title} is {found.mean:+.4f}, 95% "
                f"interval over {found.runs} seeds [{found.lo:+.4f}, {found.hi:+.4f}]."
            )
    return text


def suspicions() -> str:
    """Return which suspicions the runs bear out; empty where one has too few runs.

    Each is a change of the tuned KDGAN, paired by seed; Holm's correction is over them.
    """
    by_seed = _by_seed()
    gaps = {
        name: found
        for variant, name in SUSPECTED.items()
        if (found := gap(by_seed, variant, TUNED)) and found.runs >= FEWEST
    }
    if len(gaps) < len(SUSPECTED):
        return ""
    helps, harms = clear(gaps)
    rest = [name for name in gaps if name not in (*helps, *harms)]
    return (
        f"The {len(gaps)} suspicions were tested one at a time, by P@3 on test and at "
        f"a Holm-adjusted level of {LEVEL:g}. Changes that clearly help the tuned "
        f"KDGAN: {_listed(helps, gaps)}. Changes that clearly harm it: "
        f"{_listed(harms, gaps)}. Changes of which the runs leave it open: "
        f"{_listed(rest, gaps)}."
    )


def together() -> str:
    """Return how near to C alone three changes together come; empty if unknown."""
    found = gap(_by_seed(), TOGETHER, ALONE)
    if found is None or found.runs < FEWEST:
        return ""
    return (
        f"With three changes together ({TOGETHER}) the P@3 of KDGAN minus that of C "
        f"alone is {signed(found, 4)} ({found.runs} seeds), an interval that "
        f"{about_zero(found.lo, found.hi)}."
    )


def _listed(names: Sequence[str], gaps: Mapping[str, Difference]) -> str:
    return listed(f"{n} {signed(gaps[n], 4)}" for n in names) if names else "none"


def _by_seed() -> pd.DataFrame:
    """Return P@3 of C on test, a row per seed and a column per variant."""
    return scores().pivot(index="seed", columns="variant", values=SCORE)


@cache
def _names() -> dict[str, str]:
    """Return what the declared runs are called here, by identity, in order."""
    from kdgan_lib.experiments import declare
    from kdgan_lib.grids import GRIDS
    from kdgan_lib.tag_grids import TAG_CONTROLS, tag_control

    seeds = sorted({run.seed for run in GRIDS[GRID]("paper")})
    named = {declare("supervised", data="openclipart", seed=s).id: ALONE for s in seeds}
    named |= {declare("kdgan", data="openclipart", seed=s).id: TUNED for s in seeds}
    return named | {tag_control(n, s).id: n for n in TAG_CONTROLS for s in seeds}
