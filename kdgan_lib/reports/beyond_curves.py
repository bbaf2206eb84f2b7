"""Follow KDGAN's changes over training: curves, convergence, the weights they took."""

import pandas as pd

from kdgan_lib import tables
from kdgan_lib.prose import listed
from kdgan_lib.reports.beyond import GRID, TUNED, declared, shared_seeds, variants
from kdgan_lib.stats import Difference, convergence, paired_difference, signed

NEAR_HALF = 0.1
"""Distance from a half within which alpha is said to stay there."""


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


def _converged_at() -> dict[str, pd.Series]:
    """Return the player updates to convergence per seed, of every variant in order."""
    found = shared_curves()
    if found.empty:
        return {}
    at = {
        key: convergence(run, "classifier_validation", "player_updates")
        for key, run in found.groupby(["variant", "seed"])
    }
    reached = pd.Series(at)
    known = reached.index.get_level_values(0)
    return {name: reached[name] for name in variants() if name in known}


def _changes(at: dict[str, pd.Series]) -> dict[str, Difference]:
    """Return each variant's updates to convergence minus the tuned KDGAN's, paired."""
    if TUNED not in at:
        return {}
    return {
        name: paired_difference(own, at[TUNED])
        for name, own in at.items()
        if name != TUNED
    }


def sooner() -> str:
    """Return in words how many changes converge at other updates than the tuned KDGAN.

    By the intervals of `converged`; empty where nothing can be compared.
    """
    gaps = _changes(_converged_at())
    if not gaps:
        return ""
    sooner = [name for name, gap in gaps.items() if gap.hi < 0]
    later = [name for name, gap in gaps.items() if gap.lo > 0]
    told = [f"Sooner: {listed(sooner)}."] if sooner else []
    told += [f"Later: {listed(later)}."] if later else []
    rest = len(gaps) - len(sooner) - len(later)
    if told:
        return f"{' '.join(told)} The intervals of {rest} changes include zero."
    pairs = max(gap.runs for gap in gaps.values())
    return (
        f"None of the {len(gaps)} changes converges at a number of updates that "
        f"{pairs} seeds tell from the tuned KDGAN's: all intervals include zero."
    )


def converged() -> pd.DataFrame:
    """Return the mean player updates to convergence, and the change from KDGAN's.

    Convergence: the first evaluation at 99% of a run's best validation accuracy. On the
    seeds of `shared_curves`.
    """
    at = _converged_at()
    gaps = _changes(at)
    return pd.DataFrame(
        [
            {
                "variant": name,
                "player updates": own.mean(),
                "change from as tuned": signed(gaps[name], 0) if name in gaps else "–",
                "runs": len(own),
            }
            for name, own in at.items()
        ]
    )


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


def adapted_alpha() -> str:
    """Return between which values alpha stays, on average over the runs of a ratio.

    Empty where none was run.
    """
    found = weights()
    found = found if found.empty else found.dropna(subset="alpha")
    if found.empty:
        return ""
    means = found.groupby(["ratio", "player_updates"]).alpha.mean()
    low, high = means.min(), means.max()
    said = f"On average over runs α stays between {low:.2f} and {high:.2f}"
    if max(abs(low - 0.5), abs(high - 0.5)) > NEAR_HALF:
        return f"{said}."
    return (
        f"{said}: D doubts C's labels about as much as T's, which leaves "
        "{eq}`eq-beyond-alpha` little to act on, and a fixed α would do."
    )
