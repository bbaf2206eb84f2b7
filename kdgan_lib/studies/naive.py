"""Look at the two-player game (Eq. 1): C's field, alone or beside a teacher."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from kdgan_lib.dynamics import Logits, Play, Trajectory, gradient, play
from kdgan_lib.game import Game


def field(
    game: Game, logits: Tensor, saturating: bool = True, teacher: Tensor | None = None
) -> Tensor:
    """Return C's gradient at logits [S, K] when D answers at its best.

    teacher: logits [K] of a T that stays where it is; without one T is C.
    """
    other = logits if teacher is None else teacher.expand_as(logits)
    best = game.optimal_discriminator(logits.softmax(-1), other.softmax(-1)).logit()
    state = Logits(logits, other, best)
    return gradient(game, "classifier", state, Play(saturating=saturating))


def alone(path: Trajectory) -> Trajectory:
    """Return the path with T's logits replaced by C's: the naive game has no T."""
    h, _, g = path.logits
    return replace(path, logits=Logits(h, h, g))


def escape_times(
    game: Game, gaps: Sequence[float], rules: Play, budget: int, within: float = 0.1
) -> pd.DataFrame:
    """Return the rounds until C is near p_u, for starts wrong by a logit gap.

    The label with the least true mass leads by `gap`. Inf (drawn as a missing point)
    when `budget` rounds are not enough; one column per reward.
    """
    h = torch.zeros((len(gaps), game.p_u.shape[-1]), dtype=torch.float64)
    h[:, int(game.p_u.argmin())] = torch.tensor(list(gaps), dtype=torch.float64)
    starts = Logits(h, h, torch.zeros_like(h))
    columns = {}
    for name, saturating in {"log(1 - D)": True, "-log D": False}.items():
        played = replace(rules, steps=budget, saturating=saturating)
        columns[name] = alone(play(game, starts, played)).steps_to(within).numpy()
    index = pd.Index(list(gaps), name="gap")
    return pd.DataFrame(columns, index=index)
