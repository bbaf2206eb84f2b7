"""Follow KDGAN's changes over training: curves, convergence, the weights they took."""

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.reports.beyond import GRID, TUNED, declared, shared_seeds, variants
from kdgan_lib.stats import convergence, paired_difference, signed


def curves() -> pd.DataFrame:
    """Return the game's evaluations with `variant`, updates from the game's start."""
    found = tables.curves(grid=GRID)
    if found.empty:
        return found
    names = {row["run_id"]: row["variant"] for row in declared()}
    found["variant"] = found.run_id.map(names)
    return tables.game(found).sort_values(["run_id", "epoch"])


def shared_curves() -> pd.DataFrame:
    """Return `curves` of the variants with three runs, on the seeds that they share."""
    found = curves()
    if found.empty:
        return found
    enough, shared = shared_seeds(found)
    return found[found.variant.isin(enough) & found.seed.isin(shared)]


def converged() -> pd.DataFrame:
    """Return the mean player updates to convergence, and the change from KDGAN's.

    Convergence: the first evaluation at 99% of a run's best validation accuracy. On the
    seeds of `shared_curves`.
    """
    found = shared_curves()
    if found.empty:
        return found
    at = pd.Series(
        {
            key: convergence(run, "classifier_validation", "player_updates")
            for key, run in found.groupby(["variant", "seed"])
        }
    )
    shown = []
    for name in variants():
        if name not in at.index.get_level_values(0):
            continue
        row: dict[str, object] = {"variant": name, "player updates": at[name].mean()}
        change = "–"
        if name != TUNED and TUNED in at.index.get_level_values(0):
            change = signed(paired_difference(at[name], at[TUNED]), 0)
        row["change from as tuned"] = change
        shown.append(row | {"runs": len(at[name])})
    return pd.DataFrame(shown)


def weights() -> pd.DataFrame:
    """Return the adaptive weights over the game: ratio, player_updates and weights.

    The columns alpha, beta and gamma are means over the last epoch before an
    evaluation.
    """
    found = curves()
    if found.empty:
        return found
    mine = found[found.method == "kdgan_adaptive"]
    if mine.empty:
        return mine
    known = {
        "classifier_share": "alpha",
        "classifier_distillation_weight": "beta",
        "teacher_distillation_weight": "gamma",
    }
    kept = ["run_id", "ratio", "player_updates", *known]
    # The fixed settings have columns alpha, beta and gamma too, which are not read.
    return mine[kept].rename(columns=known)
