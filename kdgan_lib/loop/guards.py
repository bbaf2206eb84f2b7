"""Refuse what cannot be trained, and stop what has stopped learning numbers."""

import torch
from torch import Tensor, nn

from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.evaluation import player_logits
from kdgan_lib.loop.schedule import GAME, stages
from kdgan_lib.methods import Method

IMAGES = 4
"""Dimensions of a batch of images."""
ROUNDING = 1e-3
"""Most by which a distribution's sum may miss 1."""


class Diverged(FloatingPointError):
    """Raised when a loss or a logit stops being finite."""


def check_split(split: Split, budget: Budget) -> None:
    """Raise ValueError for nothing to train, select or report on, or wrong targets."""
    if len(split.train) == 0:
        raise ValueError("The split has no training examples.")
    if len(split.test) == 0:
        raise ValueError("The split has no test examples to report on: add some.")
    if budget.selection == "validation" and len(split.validation) == 0:
        raise ValueError(
            "The split has no validation examples to select on: add some, or set the "
            "budget's selection to 'last'."
        )
    for part in ("train", "validation", "test"):
        _check_examples(part, getattr(split, part), split.num_labels)


def _check_examples(part: str, examples: Examples, num_labels: int) -> None:
    """Raise ValueError for targets that are no distribution for each of the inputs."""
    targets, wanted = examples.targets, (len(examples), num_labels)
    if tuple(targets.shape) != wanted:
        raise ValueError(
            f"The {part} set's targets have shape {tuple(targets.shape)}; they must "
            f"have a row per example and a column per label: {wanted}."
        )
    if examples.privileged is not None and len(examples.privileged) != len(examples):
        raise ValueError(
            f"The {part} set has {len(examples)} inputs and "
            f"{len(examples.privileged)} rows of privileged: pass as many of both."
        )
    for name in ("inputs", "privileged"):
        values = getattr(examples, name)
        if values is not None and not torch.isfinite(values).all():
            raise ValueError(
                f"The {part} set's {name} hold a NaN or an infinity: remove those "
                "examples, or fill in what is missing."
            )
    # Not exactly 1, since shares such as 1/3 are rounded.
    sums_to_one = (targets.float().sum(1) - 1).abs() < ROUNDING
    if not (sums_to_one.all() and (targets >= 0).all()):
        raise ValueError(
            f"The {part} set's targets have a row that is no distribution over the "
            "labels: make it non-negative, and divide it by its sum."
        )


def check_augmentation(method: Method, budget: Budget, split: Split) -> None:
    """Raise ValueError for a random change of images where there are none."""
    shape = tuple(split.train.inputs.shape)
    for stage in stages(method, budget):
        if stage.augmentation != "none" and len(shape) != IMAGES:
            raise ValueError(
                f"The augmentation '{stage.augmentation}' ({stage.name}) changes "
                f"images [N, C, H, W], and the inputs have shape {shape}: set the "
                "budget's augmentations to 'none'."
            )


def check_players(method: Method, players: dict[str, nn.Module], split: Split) -> None:
    """Raise ValueError for an empty seat, a shared one, or a wrong shape of logits."""
    for seat in method.seats():
        if seat not in players:
            raise ValueError(
                f"'{method.name}' needs a {seat}: pass players with the keys "
                f"{', '.join(method.seats())}."
            )
        for other in method.seats():
            if other < seat and players[other] is players[seat]:
                raise ValueError(
                    f"The {other} and the {seat} are the same module, which would "
                    "learn from itself: pass two."
                )
        found, wanted = _shape(seat, players[seat], split), split.num_labels
        if found != (min(2, len(split.train)), wanted):
            raise ValueError(
                f"The {seat} returns shape {found} for two examples; it must return "
                f"one logit per label: (2, {wanted})."
            )


def check_learners(
    method: Method, budget: Budget, players: dict[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a player that is to be trained and has nothing to learn."""
    first: dict[str, str] = {}
    for stage in stages(method, budget):
        for phase in stage.phases:
            first.setdefault(phase.player, stage.name)
    for seat, stage_name in first.items():
        if not _takes_gradient(seat, players[seat], split):
            way = f"set the budget's {seat}_pretraining to 0"
            if stage_name == GAME:
                way = f"choose a method that does not train the {seat}"
                if f"{seat}_passes" in method.hyperparameters():
                    way = f"set the method's {seat}_passes to 0"
            raise ValueError(
                f"The {seat} cannot learn, since its logits depend on no weight that "
                f"takes a gradient: to keep it as it is, {way}."
            )


@torch.enable_grad()
def _takes_gradient(seat: str, module: nn.Module, split: Split) -> bool:
    training = module.training
    logits = player_logits(seat, module.eval(), split.train[:2])
    module.train(training)
    return logits.requires_grad and any(p.requires_grad for p in module.parameters())


def _shape(seat: str, module: nn.Module, split: Split) -> object:
    """Return the shape of a player's logits for two examples, in evaluation mode."""
    batch, training = split.train[:2], module.training
    try:
        with torch.no_grad():
            logits = player_logits(seat, module.eval(), batch)
    except (RuntimeError, TypeError) as error:
        given = [batch.inputs, *([] if seat == "classifier" else [batch.privileged])]
        shapes = [tuple(tensor.shape) for tensor in given if tensor is not None]
        raise ValueError(
            f"The {seat} cannot take inputs of shape {shapes}: {error}"
        ) from error
    finally:
        module.train(training)
    return tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__


def rate_of(player: str, stage: str) -> str:
    """Return the name of the learning rate that a player had in a stage."""
    return f"{player}_lr" if stage == GAME else "pretraining_lr"


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
        weight = " or the weight of its loss" if stage == GAME else ""
        raise Diverged(
            f"The {player}'s loss is {losses[first].item()} at its update "
            f"{updates - len(terms) + first + 1} ({stage}): lower "
            f"{rate_of(player, stage)}{weight}, and train again."
        )
    names = terms[0]
    means = {n: torch.stack([t[n] for t in terms]).mean().item() for n in names}
    return {f"{player}_{name}": value for name, value in means.items()}
