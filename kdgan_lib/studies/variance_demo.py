"""Live demonstrations of the chapter on gradient variance."""

import math
import time

import pandas as pd
import torch

from kdgan_lib import prose, tables
from kdgan_lib.nets import MLP
from kdgan_lib.randomness import derive, module_randomness
from kdgan_lib.reports import variance_tables
from kdgan_lib.studies.variance_study import watch
from kdgan_lib.variance import (
    logit_grams,
    looped_gradients,
    mapped_gradients,
    mapped_grams,
    per_sample_gradients,
)
from kdgan_lib.variance_plan import Probe, Study

WAYS = {
    "loop": "gradient, loop",
    "mapped": "gradient, mapped",
    "gradients": "gradient, factors",
    "mapped_gram": "Gram matrix, mapped",
    "gram": "Gram matrix, factors",
}
SPEED_FORMATS = {
    f"{hidden} units, {what}": spec
    for hidden in (32, 800)
    for what, spec in (("ms", ".3f"), ("times", ".1f"))
}
"""How the columns of `speed_table` are printed."""
EPOCHS = {"smoke": 2, "book": 4, "paper": 4}


def live(profile: str, seed: int = 0, name: str = "kdgan") -> pd.DataFrame:
    """Play a short game and return the rows of its two probes; nothing is stored."""
    small = Probe(
        batches=6, examples=10, draws=128, masks=2, temperatures=(0.1, 1.0, 10.0)
    )
    cut = "smoke" if profile == "smoke" else "book"
    plan = Study(epochs=EPOCHS[profile], probes=2, profile=cut, probe=small)
    return watch(plan, name, seed)


def live_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the last probe's adversarial variances by estimator and source."""
    wide = variance_tables.by_estimator(rows)
    last = wide[wide.epoch == wide.epoch.max()]
    shown = last[["estimator", "sampling", "minibatch", "total", "squared_norm"]]
    ratio = shown.squared_norm / shown.total
    shown = shown.assign(**{"signal to noise": ratio}).drop(columns="squared_norm")
    shown = shown.sort_values("total", ascending=False).reset_index(drop=True)
    return shown.assign(estimator=shown.estimator.str.replace("_", " "))


def speeds(hidden: int, repeats: int = 3, examples: int = 50) -> dict[str, float]:
    """Return the CPU seconds per example of each way to gradients and Gram matrices.

    loop, mapped and gradients make the same numbers, mapped_gram and gram likewise;
    gradients and mapped write into memory that is there.
    """
    with module_randomness(0, "speed", hidden):
        net = MLP(hidden=hidden).eval()
    inputs = torch.rand(examples, 784, generator=derive(0, "inputs"))
    slopes = torch.randn(examples, 10, generator=derive(0, "slopes"))
    rows = looped_gradients(net, inputs, slopes)
    work = {
        "loop": lambda: looped_gradients(net, inputs, slopes),
        "mapped": lambda: mapped_gradients(net, inputs, slopes, rows),
        "gradients": lambda: per_sample_gradients(net, inputs, slopes, rows),
        "mapped_gram": lambda: mapped_grams(net, inputs),
        "gram": lambda: logit_grams(net, inputs),
    }
    found = dict.fromkeys(work, math.inf)
    # The ways take turns, so that what runs beside them slows none of them alone.
    for _ in range(repeats):
        for name, function in work.items():
            begun = time.process_time()
            function()
            found[name] = min(found[name], time.process_time() - begun)
    return {name: seconds / examples for name, seconds in found.items()}


def speed_table(found: dict[int, dict[str, float]]) -> pd.DataFrame:
    """Return a row per way to gradients, two columns per number of hidden units.

    found: `speeds` by hidden units.
    """
    table: dict[str, list] = {"way": list(WAYS.values())}
    for hidden, seconds in found.items():
        table[f"{hidden} units, ms"] = [1e3 * seconds[way] for way in WAYS]
        table[f"{hidden} units, times"] = [seconds["loop"] / seconds[w] for w in WAYS]
    return pd.DataFrame(table)


def factor(claim: str, quantity: str, digits: int = 2) -> str:
    """Return a log10 ratio of the evidence as a factor with its interval."""
    rows = tables.rows("evidence", claim=claim, quantity=quantity)
    if rows.empty:
        return "not run"
    row = rows.iloc[-1]
    lo, hi = (None if pd.isna(end) else 10.0**end for end in (row.lo, row.hi))
    return prose.interval(10.0**row.value, lo, hi, digits)


def direction(claim: str, quantity: str) -> str:
    """Return `more than`, `less than` or `not clearly other than` for a log ratio."""
    rows = tables.rows("evidence", claim=claim, quantity=quantity)
    if rows.empty:
        return "not run"
    row = rows.iloc[-1]
    if row.lo > 0:
        return "more than"
    return "less than" if row.hi < 0 else "not clearly other than"
