"""Gather what the chapter on training curves states: tables of runs, never typed."""

import math

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.experiments import declare
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.names import ADVERSARIAL, COMPARED, PROTOCOLS, in_order, label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import table1, table3
from kdgan_lib.reports.cells import seeds_in_words, seeds_of
from kdgan_lib.reports.converged import means, places
from kdgan_lib.reports.differences import tabled
from kdgan_lib.reports.orderings import standing
from kdgan_lib.reports.search import bests, searched
from kdgan_lib.reports.starts import Path, paths
from kdgan_lib.runs import GAME
from kdgan_lib.stats import mean_interval, more_or_less, paired_difference

GRID = "figure3a"
FORMATS = {
    **dict.fromkeys(("ours", "low", "high", "last", "best on test"), ".2f"),
    **dict.fromkeys(("sd", "worst run", "difference", "effect size"), ".2f"),
    **dict.fromkeys(("runs", "diverged", "pairs"), ".0f"),
    "p (Holm)": ".3g",
}
"""How the columns of this module's tables are printed."""


def curves(protocol: str, **where: object) -> pd.DataFrame:
    """Return the game's evaluations of Figure 3a's runs, methods in the book's order.

    Updates count from the end of the pretraining.
    """
    found = tables.curves(grid=GRID, protocol=protocol, **where)
    return in_order(tables.game(found), COMPARED, "seed", "epoch")


def adversarial_curves() -> pd.DataFrame:
    """Return the evaluations of the arms `paper` and `code` together."""
    arms = [curves(protocol) for protocol in ("paper", "code")]
    known = [arm for arm in arms if len(arm)]
    return pd.concat(known) if known else arms[0]


def accuracies(protocol: str) -> pd.DataFrame:
    """Return a row per method: the paper's accuracy, ours with interval, runs, spread.

    ours: the accuracy by the protocol's selection rule; last and best beside it.
    """
    runs = tables.runs(grid=GRID, protocol=protocol)
    present = [name for name in COMPARED if len(runs) and (runs.method == name).any()]
    return pd.DataFrame(
        [_accuracy(name, runs[runs.method == name]) for name in present]
    )


def _accuracy(name: str, runs: pd.DataFrame) -> dict[str, object]:
    done = runs[runs.status == "finished"]
    row: dict[str, object] = {
        "method": label_of(name),
        "paper": _paper(name),
    }
    if len(done):
        found = mean_interval(100 * done.test_accuracy)
        row |= {"ours": found.mean, "low": found.lo, "high": found.hi}
        row |= {
            "sd": 100 * done.test_accuracy.std(ddof=1),
            "worst run": 100 * done.test_accuracy.min(),
            "last": 100 * done.last_test_accuracy.mean(),
            "best on test": 100 * done.best_test_accuracy.mean(),
        }
    diverged = int((runs.status == "diverged").sum())
    return row | {"runs": len(done), "diverged": diverged}


def _paper(name: str) -> str:
    value = table1.COLUMNS[0].paper(name)
    return "–" if math.isnan(value) else f"{value:.2f}"


def differences(reference: str = "kdgan", protocol: str = "controlled") -> pd.DataFrame:
    """Return KDGAN minus each method in points, by seed, with Holm's p-values."""
    runs = tables.runs(grid=GRID, protocol=protocol, status="finished")
    if runs.empty or not (runs.method == reference).any():
        return pd.DataFrame()
    scores = runs.pivot(index="seed", columns="method", values="test_accuracy") * 100
    rivals = [name for name in COMPARED if name in scores and name != reference]
    gaps = {
        label_of(name): paired_difference(scores[reference], scores[name])
        for name in rivals
    }
    return tabled(gaps)


def summary(reference: str = "kdgan", protocol: str = "controlled") -> str:
    """Return a sentence on where KDGAN stands; empty where it was not run."""
    runs = tables.runs(grid=GRID, protocol=protocol, status="finished")
    if runs.empty:
        return ""
    scores = runs.pivot(index="seed", columns="method", values="test_accuracy") * 100
    return standing(scores, reference, f"Under `{protocol}`")


def from_start(protocol: str) -> str:
    """Return where C starts the game of the adversarial methods, and where each ends.

    On the test set, with the best look between. Empty where a method is missing.
    """
    where = {"protocol": protocol, "method": ADVERSARIAL, "status": "finished"}
    found = paths(tables.curves(grid=GRID, **where), scale=100)
    if set(found) != set(ADVERSARIAL):
        return ""
    starts = sorted({round(path.start, 2) for path in found.values()})
    said = [f"{label_of(name)} {_ended(found[name])}" for name in ADVERSARIAL]
    seeds = seeds_in_words(path.change.runs for path in found.values())
    return (
        f"Under `{protocol}` the pretrained C has "
        f"{listed(f'{start:.2f}%' for start in starts)} on the test set, before any "
        f"game. Compared with that, {'; '.join(said)} ({seeds}, paired)."
    )


def _ended(path: Path) -> str:
    """Return a method's end, and its best look where that is another."""
    end = f"ends at {path.end:.2f}%, {more_or_less(path.change)}"
    if path.best_at == path.epochs:
        return end
    best = f"{path.best:.2f}% at outer epoch {path.best_at} of {path.epochs}"
    return f"{end} (its best look: {best})"


def discrimination(protocol: str) -> str:
    """Return D's loss at the end of the adversarial methods' games; empty if unknown.

    Where D is given exact expectations, as under `controlled` and `paper`.
    """
    where = {"protocol": protocol, "method": ADVERSARIAL, "positive_draws": 0}
    found = tables.curves(grid=GRID, stage=GAME, status="finished", **where)
    if found.empty or set(found.method) != set(ADVERSARIAL):
        return ""
    last = found.sort_values("epoch").groupby(["method", "seed"]).discriminator_loss
    means = last.last().groupby("method").mean()
    said = [f"{means[name]:.3f} in {label_of(name)}" for name in ADVERSARIAL]
    return f"{listed(said)} under `{protocol}` ({seeds_of(found)})"


def chance() -> str:
    """Return the loss of a D that cannot tell proposed labels from true ones."""
    return f"{2 * math.log(2):.3f}"


def forward_passes() -> str:
    """Return what a forward pass of a LeNet costs beside C's; empty if not measured.

    C is the widest of Table 3's, which is the one of this chapter.
    """
    found = table3.sizes()
    if found.empty:
        return ""
    row = found.loc[found.hidden.idxmax()]
    return (
        f"Over one image, a forward pass of the LeNet takes {row.latency_ratio:.1f} "
        f"times as long as one of the perceptron with {row.hidden} units a layer, for "
        f"{row.multiply_adds_ratio:.1f} times the multiply-adds"
    )


def converged(protocol: str = "controlled", share: float = 0.99) -> pd.DataFrame:
    """Return where each run first reaches a share of its best validation accuracy."""
    found = curves(protocol)
    if found.empty:
        return found
    held_out = found.classifier_validation.notna().any()
    score = "classifier_validation" if held_out else "classifier_test"
    return places(found, score, share)


def convergence_table(protocol: str = "controlled") -> pd.DataFrame:
    """Return the mean place of convergence per method, on three clocks."""
    found = converged(protocol)
    return found if found.empty else means(found, {})


def budgets() -> pd.DataFrame:
    """Return each protocol's declared amounts of training at n = 100, by method."""
    rows = []
    for protocol in PROTOCOLS:
        for name in COMPARED if protocol == "controlled" else ADVERSARIAL:
            run = declare(name, protocol=protocol)
            rows.append(
                {
                    "protocol": protocol,
                    "method": label_of(name),
                    "outer epochs": run.budget.epochs,
                    "player updates": game_updates(run.method, run.budget, run.n),
                    "batch": run.budget.batch_size,
                    "augmentation": run.budget.augmentation,
                    "reported": run.budget.selection.replace("_", " "),
                }
            )
    return pd.DataFrame(rows)


def settings() -> pd.DataFrame:
    """Return the setting that each method's search found, and the search's size."""
    trials = tables.rows("trials", data="mnist", n=100)
    return bests(searched(trials, COMPARED), "validation", 100)
