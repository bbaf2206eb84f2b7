"""Say whose a checkpoint is, so that no run goes on from another's."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from kdgan_lib.budget import Budget
from kdgan_lib.choices import identity
from kdgan_lib.data import Examples, Split
from kdgan_lib.methods import Method


def owner(
    method: Method,
    players: Mapping[str, nn.Module],
    split: Split,
    budget: Budget,
    seed: int,
    criterion: str,
) -> str:
    """Return a short hash of all that tells a run from others, its start weights aside.

    criterion: the name of the score by which C is selected.
    """
    described = (
        *(method.name, _plain(identity(method)), _plain(identity(budget))),
        *(str(seed), criterion, split.name),
        # The weights' shapes do not tell one activation from another.
        {seat: (build_of(m), _shapes(m)) for seat, m in sorted(players.items())},
        [tuple(part.inputs.shape) for part in (split.train, split.test)],
        digest_of_examples(split.train, split.validation, split.test),
    )
    return hashlib.sha256(repr(described).encode()).hexdigest()[:24]


def build_of(module: nn.Module) -> str:
    """Return a module's layers in words, alike in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(module))


def digest_of_examples(*parts: Examples) -> str:
    """Return a SHA-256 of the parts' inputs, targets and privileged provision."""
    sha = hashlib.sha256()
    for part in parts:
        for tensor in (part.inputs, part.targets, part.privileged):
            if tensor is not None:
                flat = tensor.detach().cpu().contiguous().flatten()
                sha.update(flat.view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _plain(values: dict[str, Any]) -> dict[str, str]:
    """Return the values as text; of objects the type, since their text may change."""
    return {
        name: str(value) if isinstance(value, str | int | float) else str(type(value))
        for name, value in values.items()
    }


def _shapes(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(w.shape)) for name, w in module.state_dict().items()]
