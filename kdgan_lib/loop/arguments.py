"""Refuse arguments of `fit` that are of another kind than it takes."""

from collections.abc import Mapping
from numbers import Real
from operator import index
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from kdgan_lib.budget import Budget
from kdgan_lib.data import Split
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.evaluation import Criterion
from kdgan_lib.loop.guards import check_tensors
from kdgan_lib.loop.method_guards import check_method
from kdgan_lib.loop.player_guards import check_modules
from kdgan_lib.loop.pretrained import Pretrained
from kdgan_lib.loop.score_guards import check_criterion
from kdgan_lib.methods import Method
from kdgan_lib.provenance import rounding

KINDS = {
    "method": (Method, "a name, or what methods.method(name) returns"),
    "players": (Mapping, "a dictionary from seats to modules"),
    "split": (Split, "a kdgan_lib.Split"),
    "budget": (Budget, "a kdgan_lib.Budget"),
    "criterion": (Criterion, "a kdgan_lib.Criterion(name, score)"),
    "checkpoint_seconds": (Real, "a number of seconds"),
}
"""What each argument is to be, and what to pass instead of another kind."""
Keeper = TypeVar("Keeper", Checkpoints, Pretrained)


def check_arguments(
    method: Method,
    players: Mapping[str, nn.Module],
    split: Split,
    budget: Budget,
    criterion: Criterion,
    checkpoint_seconds: float,
    after_epoch: object = None,
) -> None:
    """Raise ValueError, saying what to pass, for arguments of the wrong kind."""
    given = (method, players, split, budget, criterion, checkpoint_seconds)
    for value, (name, (kind, wanted)) in zip(given, KINDS.items(), strict=True):
        if not isinstance(value, kind):
            raise ValueError(f"The argument {name} is a {_kind(value)}: pass {wanted}.")
    if not (after_epoch is None or callable(after_epoch)):
        raise ValueError(
            f"The argument after_epoch is a {_kind(after_epoch)}: pass a function of "
            "the run and its stage."
        )
    if torch.is_inference_mode_enabled():
        raise ValueError(
            "Nothing can be trained inside torch.inference_mode: call fit outside it."
        )
    check_method(method)
    check_criterion(criterion)
    check_modules(players)
    check_tensors(split)


def in_folder(
    kind: type[Keeper], name: str, given: object, device: torch.device
) -> Keeper | None:
    """Return what keeps players in a folder; None for none, ValueError for no path.

    Players of another processor, version of torch or number of threads are told apart.
    """
    if given is None or isinstance(given, kind):
        return given
    if not isinstance(given, Path | str):
        raise ValueError(
            f"The argument {name} is a {_kind(given)}: pass a folder's path."
        )
    if Path(given).is_file():
        raise ValueError(f"The {name} folder {given} is a file: pass another path.")
    return kind(given, rounding(device))


def _kind(value: object) -> str:
    return "class" if isinstance(value, type) else type(value).__name__


def whole(seed: object) -> int:
    """Return a seed as an int, so that equal ones draw alike; refuse what is none."""
    try:
        if isinstance(seed, bool):
            raise TypeError
        return index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"The seed must be a whole number, not {seed!r}.") from None
