"""Refuse a method that the loop cannot follow, such as one of the user's own."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kdgan_lib import randomness
from kdgan_lib.budget import Budget
from kdgan_lib.data import Split
from kdgan_lib.loop.evaluation import evaluation_mode, player_logits
from kdgan_lib.loop.schedule import Stage, stages
from kdgan_lib.methods import Method, Noise, Phase
from kdgan_lib.nets import PLAYERS

TAKEN = ("loss", "updates", "validation", "test")
"""What the curve has of every player by itself: no names for a loss's terms."""


def check_method(method: Method) -> None:
    """Raise ValueError for a method without a name, a game, or C, or another seat."""
    kind = type(method).__name__
    if not isinstance(getattr(method, "name", None), str):
        raise ValueError(f"{kind} has no name: give the class `name = 'its name'`.")
    if not any(phase.passes for phase in method.phases()):
        raise ValueError(
            f"'{method.name}' has no pass in its phases: let at least one player "
            "learn in the game."
        )
    for seat in method.seats():
        if seat not in PLAYERS:
            raise ValueError(
                f"'{method.name}' has a seat '{seat}': the seats are "
                f"{', '.join(PLAYERS)}."
            )
    if "classifier" not in method.seats():
        raise ValueError(
            f"'{method.name}' has no classifier, which is what a run selects and "
            "reports: let a phase train or read it."
        )


def check_losses(
    method: Method, budget: Budget, players: Mapping[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a loss that reads a seat undeclared, or returns no loss.

    Each is tried on two examples in evaluation mode, which moves nothing.
    """
    for stage in stages(method, budget):
        for phase in stage.phases:
            _check_loss(phase, _returned(stage, phase, players, split))


def _returned(
    stage: Stage, phase: Phase, players: Mapping[str, nn.Module], split: Split
) -> object:
    """Return what a phase's loss gives for two examples."""
    batch = split.train[:2]
    noise = Noise(randomness.derive(0, "check", device=batch.inputs.device))
    try:
        with evaluation_mode(*players.values()), torch.enable_grad():
            logits = {
                name: player_logits(name, players[name], batch)
                for name in (*phase.reads, phase.player)
            }
            # Of the logits: some losses ask for the gradient.
            known = {name: each.detach() for name, each in logits.items()}
            known[phase.player].requires_grad_()
            return phase.loss(known, batch, noise, 1.0)
    except KeyError as error:
        if error.args[:1] not in {(seat,) for seat in PLAYERS}:
            raise
        raise ValueError(
            f"The {phase.player}'s loss ({stage.name}) looks at the "
            f"{error.args[0]}'s logits: name it in the phase's `reads`."
        ) from error


def _check_loss(phase: Phase, returned: object) -> None:
    match returned:
        case (Tensor(ndim=0) as loss, dict() as terms):
            if not loss.requires_grad:
                raise ValueError(
                    f"The {phase.player}'s loss has no gradient: compute it from "
                    f"logits['{phase.player}'], without argmax, item or detach."
                )
            _check_terms(phase, terms)
            return
    raise ValueError(
        f"The {phase.player}'s loss must return (loss, terms): a tensor without "
        "dimensions, and a dictionary of such to record, which may be empty."
    )


def _check_terms(phase: Phase, terms: Mapping[str, object]) -> None:
    for name, value in terms.items():
        if name in TAKEN:
            raise ValueError(
                f"The {phase.player}'s loss has a term '{name}', and the curve has "
                f"{phase.player}_{name} already: give the term another name."
            )
        if not (isinstance(value, Tensor) and value.ndim == 0):
            shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
            raise ValueError(
                f"The {phase.player}'s loss has a term '{name}' that is a "
                f"{type(value).__name__}{shape}: record a tensor without dimensions, "
                "such as its mean."
            )
