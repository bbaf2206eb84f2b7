"""Refuse logits that no loss can use, and scores that no run can be selected by."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.evaluation import Criterion, number, predict
from kdgan_lib.loop.schedule import learners
from kdgan_lib.methods import Method


def check_training_logits(seat: str, logits: object, batch: Examples) -> None:
    """Raise ValueError for logits in training mode that are none, or of another shape.

    A module may return other things in that mode than in evaluation mode, in which
    players are tried before the run.
    """
    wanted = tuple(batch.targets.shape)
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != wanted:
        raise ValueError(
            f"The {seat} returns {found} in training mode; it must return a tensor of "
            f"one logit per label there, too: {wanted}."
        )


@torch.no_grad()
def check_kept(
    method: Method, budget: Budget, players: Mapping[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a player that others learn from and that has no logits.

    One that no stage trains is asked about all training examples, before the run.
    """
    learning = learners(method, budget)
    for seat in method.seats():
        if seat in learning:
            continue
        sound = torch.isfinite(predict(seat, players[seat], split.train)).all(-1)
        if not sound.all():
            raise ValueError(
                f"The {seat} returns logits that are not finite for "
                f"{int((~sound).sum()):,} of the {len(sound):,} training examples: "
                "mend it, or leave those examples out."
            )


def check_criterion(criterion: Criterion) -> None:
    """Raise ValueError for a criterion with its parts in each other's place."""
    if not isinstance(criterion.name, str) or not criterion.name:
        raise ValueError(
            f"The criterion's name is {criterion.name!r}: pass a word for it, and then "
            "its score."
        )
    for part in ("score", "report"):
        given = getattr(criterion, part)
        if not (callable(given) or (part == "report" and given is None)):
            raise ValueError(
                f"The criterion's {part} is a {type(given).__name__}: pass a function "
                "of (logits, targets)."
            )


@torch.no_grad()
def check_scores(
    criterion: Criterion, players: Mapping[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a criterion that returns no numbers.

    It is tried on two examples, and then on all of the test set: a score may need more
    than two. What it raises there ends the run before anything is trained.
    """
    try:
        score, further = _scores(criterion, players["classifier"], split.test[:2])
    except Exception:
        score, further = _scores(criterion, players["classifier"], split.test)
    number(score)
    if not isinstance(further, Mapping):
        raise ValueError(
            f"The criterion's report returns a {type(further).__name__}: let it return "
            "a dictionary of scores by name."
        )
    if criterion.name in further:
        raise ValueError(
            f"The criterion's report has a score '{criterion.name}', as the criterion "
            "itself: give it another name."
        )
    for each in further.values():
        number(each)


def _scores(
    criterion: Criterion, classifier: nn.Module, examples: Examples
) -> tuple[Any, Any]:
    """Return what the criterion's score and its report say of C as it is."""
    logits = predict("classifier", classifier, examples)
    report = criterion.report or (lambda logits, targets: {})
    return criterion.score(logits, examples.targets), report(logits, examples.targets)
