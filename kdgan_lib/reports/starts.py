"""Report how far the game takes C from where its pretraining left it.

Nothing here imports torch.
"""

from dataclasses import dataclass

import pandas as pd

from kdgan_lib.runs import GAME
from kdgan_lib.stats import FEWEST, Difference, paired_difference

BEFORE, SCORE = "pretrain classifier", "classifier_test"


@dataclass(frozen=True)
class Path:
    """A method's mean test score of C before, during and after the game."""

    start: float
    """Mean before the game."""
    best: float
    """Largest mean at a look of the game."""
    best_at: int
    """Outer epoch of that look."""
    end: float
    """Mean at the last look."""
    epochs: int
    """Outer epoch of the last look."""
    change: Difference
    """End minus start, paired by seed."""


def paths(found: pd.DataFrame, scale: float = 1.0) -> dict[str, Path]:
    """Return each method's path, on the seeds whose pretrained C was scored on test.

    found: evaluations as `tables.curves` gives them. scale: 100 for percent. Methods
    with fewer than three such seeds are left out.
    """
    if found.empty:
        return {}
    scored = found.dropna(subset=SCORE).sort_values("epoch")
    scored = scored.assign(score=scale * scored[SCORE])
    known = {str(name): _path(part) for name, part in scored.groupby("method")}
    return {name: path for name, path in known.items() if path is not None}


def _path(scored: pd.DataFrame) -> Path | None:
    """Return the path of one method's runs; None with fewer than three seeds."""
    before = scored[scored.stage == BEFORE].groupby("seed").score.last()
    game = scored[(scored.stage == GAME) & scored.seed.isin(before.index)]
    after = game.groupby("seed").score.last()
    if len(after) < FEWEST:
        return None
    before, means = before[after.index], game.groupby("epoch").score.mean()
    return Path(
        start=float(before.mean()),
        best=float(means.max()),
        best_at=int(str(means.idxmax())),
        end=float(after.mean()),
        epochs=int(game.epoch.max()),
        change=paired_difference(after, before),
    )
