"""Report how the tag recommenders train: Figures 3b and 5, kinds of teachers, search.

Nothing here imports torch.
"""

from collections.abc import Sequence

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import ADVERSARIAL, CLOCKS, in_order, label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports.cells import seeds_in_words, seeds_of
from kdgan_lib.reports.converged import means, places
from kdgan_lib.reports.differences import clear
from kdgan_lib.reports.search import bests, searched
from kdgan_lib.reports.starts import paths
from kdgan_lib.reports.table2 import DATA, GRID, METRICS, NEURAL
from kdgan_lib.stats import (
    LEVEL,
    Difference,
    shared_difference,
    signed,
)

POPULAR = DATA["popular"]
CURVES, AXES, TEACHERS = (
    "kdgan sweep figure3b",
    "kdgan sweep figure5",
    "kdgan sweep teachers",
)
PLAYED = ADVERSARIAL
"""Methods of Figure 3b."""
WEIGHTS = ("alpha", "beta", "gamma")
VARIANTS = {
    "default": "cross-fitted",
    "single_teacher": "one network, in-sample",
    "concatenation": "cross-fitted, features side by side",
    "text_only": "cross-fitted, text alone",
}
"""Kinds of teachers by the name of their networks."""
KINDS = ("default", "single_teacher")
"""The two that are compared by clear differences."""
TAUGHT = ("mimic", "distn", "kdgan")
"""Methods that learn from each kind of teacher."""


def curves(start: bool = False) -> pd.DataFrame:
    """Return the game's evaluations on popular tags, methods in Figure 3b's order.

    Updates count from the end of the pretraining; scores are P@3. start: with a row at
    epoch 0, the pretrained classifier.
    """
    found = tables.curves(grid=GRID, data=POPULAR, method=PLAYED)
    if found.empty:
        return found
    game = tables.game(found)
    first = found[found.stage == "pretrain classifier"]
    first = first.assign(**dict.fromkeys(CLOCKS, 0))
    kept = pd.concat([first, game]) if start else game
    return in_order(kept, PLAYED, "seed", "epoch")


def bar() -> float:
    """Return RelExample's mean test P@3, the line of Figure 3b; NaN if not fitted."""
    rows = tables.rows("baselines", data=POPULAR, baseline="relexample")
    return float(rows.test_precision.mean()) if len(rows) else float("nan")


def from_start() -> str:
    """Return where C starts the games of Figure 3b and how far from there each ends.

    In P@3 on the test images. Empty where a method, or RelExample, is missing.
    """
    where = {"data": POPULAR, "method": PLAYED, "status": "finished"}
    found, line = paths(tables.curves(grid=GRID, **where)), bar()
    if set(found) != set(PLAYED) or line != line:
        return ""
    start = sum(path.start for path in found.values()) / len(found)
    said = [f"{signed(found[name].change, 4)} in {label_of(name)}" for name in PLAYED]
    seeds = seeds_in_words(path.change.runs for path in found.values())
    above = (
        ": it is above the dotted line before the game begins, and F3b.5 asks only "
        "that the game does not lose this lead"
    )
    side = "more" if start > line else "less"
    return (
        f"Before the game C has P@3 = {start:.4f}, {abs(start - line):.4f} {side} than "
        f"RelExample's mean{above if start > line else ''}. From its start to its end "
        f"the game changes this by {listed(said)} ({seeds}, paired, with 95% "
        "intervals)."
    )


def converged(share: float = 0.99) -> pd.DataFrame:
    """Return where each run first reaches a share of its best validation P@3."""
    found = curves()
    return found if found.empty else places(found, "classifier_validation", share)


def convergence_table() -> pd.DataFrame:
    """Return the mean place of convergence per method on three clocks, and the last."""
    found = converged()
    if found.empty:
        return found
    last = curves().groupby("method").epoch.max()
    return means(found, {"epochs in all": last})


def metric_curves() -> pd.DataFrame:
    """Return every metric over a method's training, mean over the seeds followed."""
    rows = tables.rows("tag_curves", data=POPULAR)
    if rows.empty:
        return rows
    places = rows.groupby(["method", "epoch"], as_index=False)
    return places[list(METRICS)].mean()


def followed() -> str:
    """Return over how many seeds the means of `metric_curves` are, in words."""
    return seeds_of(tables.rows("tag_curves", data=POPULAR))


def trained_again() -> str:
    """Return how many of those runs end in other bits than the stored runs, in words.

    Empty where there are none.
    """
    made = tables.rows("tag_curves", data=POPULAR)
    if made.empty:
        return ""
    made = made.drop_duplicates("run_id").set_index("run_id").weights_digest
    stored = tables.runs(grid=GRID, data=POPULAR).set_index("run_id").weights_digest
    others = int((made != stored.reindex(made.index)).sum())
    if not others:
        return "They end in the same weights as the stored runs of these settings."
    return (
        f"To follow all six, the runs were trained again. {others} of {len(made)} end "
        "in other weights than the stored runs of the same settings (another commit, "
        "and perhaps another kind of processor): they are further runs rather than "
        "the same."
    )


def axis(name: str) -> pd.DataFrame:
    """Return Figure 5's runs in which one weight alone differs from the tuned ones.

    Columns: value, seed, P@3 of C and of T. A run that diverged recommends nothing: 0.
    """
    runs = tables.runs(grid="figure5")
    tuned = tables.runs(grid=GRID, data=POPULAR, method="kdgan")
    if runs.empty or tuned.empty:
        return pd.DataFrame(columns=["value", "seed", "classifier", "teacher", "tuned"])
    usual = tuned[list(WEIGHTS)].iloc[0]
    fixed = [other for other in WEIGHTS if other != name]
    kept = runs[(runs[fixed] == usual[fixed]).all(axis=1)]
    scores = kept.rename(
        columns={
            name: "value",
            "test_precision": "classifier",
            "teacher_test_precision": "teacher",
        }
    )
    scores = scores.assign(tuned=scores.value == usual[name])
    lost = scores.status == "diverged"
    scores.loc[lost, ["classifier", "teacher"]] = 0.0
    columns = ["value", "seed", "classifier", "teacher", "tuned"]
    return scores[columns].sort_values(["value", "seed"]).reset_index(drop=True)


def teachers() -> pd.DataFrame:
    """Return the kinds of teachers: T's P@3, and that of the C that learns from it.

    A cell is C's mean with, in brackets, its gain over C without a teacher on the same
    seeds and the gain's interval. Last, how many seeds the methods have.
    """
    runs, alone = (
        tables.runs(grid="teachers", status="finished"),
        _by_seed("supervised"),
    )
    if runs.empty or alone.empty:
        return pd.DataFrame()
    runs["variant"] = _variants(runs)
    kinds = [kind for kind in VARIANTS if (runs.variant == kind).any()]
    return pd.DataFrame(
        [_taught(kind, runs[runs.variant == kind], alone) for kind in kinds]
    )


def cross_fitting() -> str:
    """Return what a cross-fitted T changes for C, beside one network; empty if unknown.

    Paired by seed; methods with fewer than three common seeds are left out.
    """
    found = _honest_minus_single()
    return ", ".join(f"{label_of(n)} {signed(gap, 4)}" for n, gap in found.items())


def expectation() -> str:
    """Return whether cross-fitting T helps C, by clear differences; empty if unknown.

    And whether either kind of T brings C clearly above C without a teacher.
    """
    changes, gains = _honest_minus_single(), _gains()
    if not changes or not gains:
        return ""
    (helps, harms), (above, below) = clear(changes), clear(gains)
    met = "not met" if not helps else "met in part" if harms else "met"
    return (
        f"The expectation that cross-fitting helps C was {met}: at a Holm-adjusted "
        f"level of {LEVEL:g}, of {len(changes)} methods, it helps {_named(helps)} and "
        f"harms {_named(harms)}. In {len(gains)} comparisons with C without a teacher, "
        f"a method with either kind of T is clearly above it {len(above)} times and "
        f"clearly below {len(below)} times."
    )


def _named(methods: Sequence[str]) -> str:
    return listed(map(label_of, methods)) if methods else "none"


def _honest_minus_single() -> dict[str, Difference]:
    """Return P@3 of C taught by a cross-fitted T minus by one network, by method."""
    return {
        name: gap
        for name in TAUGHT
        if (gap := shared_difference(*(_by_kind(name)[kind] for kind in KINDS)))
    }


def _gains() -> dict[str, Difference]:
    """Return P@3 of C with either kind of T minus that of C without a teacher."""
    alone = _by_seed("supervised")
    return {
        f"{name}, {VARIANTS[kind]}": gap
        for name in TAUGHT
        for kind in KINDS
        if (gap := shared_difference(_by_kind(name)[kind], alone))
    }


def lead_by_teacher() -> dict[str, str]:
    """Return KDGAN minus NaGAN in P@3 on popular tags, by the kind of KDGAN's teacher.

    Paired by seed; kinds with fewer than three common seeds are empty.
    """
    nagan, kdgan = _by_seed("nagan"), _by_kind("kdgan")
    gaps = {kind: shared_difference(kdgan[kind], nagan) for kind in KINDS}
    return {kind: signed(gap, 4) if gap else "" for kind, gap in gaps.items()}


def _by_seed(method: str) -> pd.Series:
    """Return the test P@3 of a method's C on popular tags, by seed."""
    runs = tables.runs(grid=GRID, data=POPULAR, method=method, status="finished")
    scores = runs.reindex(columns=["seed", "test_precision"])
    return scores.set_index("seed").test_precision


def _by_kind(method: str) -> dict[str, pd.Series]:
    """Return the test P@3 of a method's C by seed, for each kind of its teacher."""
    runs = tables.runs(grid="teachers", method=method, status="finished")
    if runs.empty:
        return dict.fromkeys(VARIANTS, pd.Series(dtype=float))
    kinds = _variants(runs)
    scores = runs.set_index("seed").test_precision
    return {kind: scores[(kinds == kind).to_numpy()] for kind in VARIANTS}


def _variants(runs: pd.DataFrame) -> pd.Series:
    if "variant" not in runs:
        return pd.Series("default", runs.index)
    return runs.variant.fillna("default")


def _taught(kind: str, runs: pd.DataFrame, alone: pd.Series) -> dict[str, object]:
    fixed = runs[runs.method == "mimic"].teacher_test_precision
    row: dict[str, object] = {"T": VARIANTS[kind]}
    row["P@3 of T"] = f"{fixed.mean():.3f}" if len(fixed) else None
    for name in TAUGHT:
        own = runs[runs.method == name].set_index("seed").test_precision
        row[f"C by {label_of(name)}"] = _gain(own, alone)
    return row | {"over": seeds_of(runs)}


def _gain(own: pd.Series, alone: pd.Series) -> str | None:
    gap = shared_difference(own, alone, 1)
    return f"{own.mean():.3f} ({signed(gap, 3)})" if gap else None


def settings() -> pd.DataFrame:
    """Return each method's search on popular tags: trials, best P@3, its setting."""
    trials = tables.rows("trials", data=POPULAR)
    return bests(searched(trials, NEURAL), "P@3 on validation")
