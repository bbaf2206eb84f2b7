"""Stop a run that has stopped learning, and say which rate to lower."""

import torch
from torch import Tensor

from kdgan_lib.loop.schedule import GAME

ADVICE = ": lower "
"""What parts, in a reason, what happened from what to do about it."""


class Diverged(FloatingPointError):
    """Raised when a loss or a logit stops being finite."""


def diverged(happening: str, rate: str) -> Diverged:
    """Return the error that says what happened, and which rate to lower."""
    return Diverged(f"{happening}{ADVICE}{rate}, and train again.")


def happened(reason: object) -> str:
    """Return what a reason says of the numbers, without what to do about it."""
    return str(reason).partition(ADVICE)[0]


def rate_of(player: str, stage: str) -> str:
    """Return the name of the learning rate that a player had in a stage."""
    return f"{player}_lr" if stage == GAME else "pretraining_lr"


def mean_losses(
    player: str, stage: str, updates: int, terms: list[dict[str, Tensor]]
) -> dict[str, float]:
    """Return the means of a pass's loss terms, named after the player.

    The mean of a term is over the batches that have it. updates: the player's count
    after the pass. Raises `Diverged`, naming the update, if a loss was not finite.
    """
    losses = torch.stack([term["loss"] for term in terms])
    finite = torch.isfinite(losses)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        weight = " or the weight of its loss" if stage == GAME else ""
        raise diverged(
            f"The {player}'s loss is {losses[first].item()} at its update "
            f"{updates - len(terms) + first + 1} ({stage})",
            f"{rate_of(player, stage)}{weight}",
        )
    names = dict.fromkeys(name for term in terms for name in term)
    known = {name: [term[name] for term in terms if name in term] for name in names}
    return {
        f"{player}_{name}": torch.stack(values).mean().item()
        for name, values in known.items()
    }
