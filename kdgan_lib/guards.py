"""Refuse what cannot be trained, and stop what has stopped learning numbers."""

import torch
from torch import Tensor, nn

from kdgan_lib.data import Split
from kdgan_lib.evaluation import player_logits
from kdgan_lib.methods import Method


class Diverged(FloatingPointError):
    """Raised when a loss or a logit stops being finite."""


def check_players(method: Method, players: dict[str, nn.Module], split: Split) -> None:
    """Raise ValueError for an empty seat or a player with a wrong number of logits."""
    for seat in method.seats():
        if seat not in players:
            raise ValueError(
                f"'{method.name}' needs a {seat}: pass players with the keys "
                f"{', '.join(method.seats())}."
            )
        module, batch = players[seat], split.train[:2]
        wanted = (len(batch), split.num_labels)
        training = module.training
        with torch.no_grad():
            found = tuple(player_logits(seat, module.eval(), batch).shape)
        module.train(training)
        if found != wanted:
            raise ValueError(
                f"The {seat} returns shape {found} for two examples; it must return "
                f"one logit per label: {wanted}."
            )


def mean_losses(
    player: str, stage: str, updates: int, terms: list[dict[str, Tensor]]
) -> dict[str, float]:
    """Return the means of a pass's loss terms, named after the player.

    updates: the player's count after the pass. Raises `Diverged`, naming the update,
    if a loss was not finite.
    """
    losses = torch.stack([term["loss"] for term in terms])
    finite = torch.isfinite(losses)
    if not finite.all():
        first = int((~finite).nonzero()[0])
        raise Diverged(
            f"The {player}'s loss is {losses[first].item()} at its update "
            f"{updates - len(terms) + first + 1} ({stage}): lower {player}_lr or the "
            "weight of its loss, and run the same command again."
        )
    names = terms[0]
    means = {n: torch.stack([t[n] for t in terms]).mean().item() for n in names}
    return {f"{player}_{name}": value for name, value in means.items()}
