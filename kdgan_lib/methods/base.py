"""What a method is: hyperparameters, and phases of one player's passes with a loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from torch import Tensor

from kdgan_lib import concrete
from kdgan_lib.choices import check_choices, check_counts
from kdgan_lib.data import Examples
from kdgan_lib.losses import cross_entropy

Logits = Mapping[str, Tensor]
LossTerms = tuple[Tensor, dict[str, Tensor]]
LossFunction = Callable[[Logits, Examples, "Noise", float], LossTerms]


@dataclass(frozen=True)
class Noise:
    """A step's own source of randomness, handed to losses as an argument."""

    generator: torch.Generator

    def gumbel(self, draws: int, like: Tensor) -> Tensor:
        """Return [draws, *like.shape] standard Gumbel noise."""
        return concrete.gumbel((draws, *like.shape), self.generator, like.dtype)

    def normal(self, like: Tensor) -> Tensor:
        """Return standard normal noise of the given tensor's shape."""
        return torch.randn(
            like.shape, generator=self.generator, dtype=like.dtype, device=like.device
        )

    def keep(self, probability: float, like: Tensor) -> Tensor:
        """Return a 0/1 mask that keeps each entry with the given probability."""
        uniform = torch.rand(like.shape, generator=self.generator, device=like.device)
        return (uniform < probability).to(like.dtype)


@dataclass(frozen=True)
class Phase:
    """One player's turn: passes over the training set that minimise one loss.

    The loss sees the player's logits with gradient and, for the players it reads,
    logits in evaluation mode without.
    """

    player: str
    loss: LossFunction
    reads: tuple[str, ...] = ()
    passes: int = 1


@dataclass(frozen=True)
class Method:
    """Base of the methods: frozen hyperparameters that state their phases."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse a value that its field does not list, or a count that is not whole."""
        check_choices(self)
        check_counts(self)

    def phases(self) -> tuple[Phase, ...]:
        """Return the phases of one outer epoch, in order."""
        raise NotImplementedError(
            f"{type(self).__name__} has no phases: let them return a tuple of Phase."
        )

    def pretraining(self) -> tuple[Phase, ...]:
        """Return one phase per player to pretrain; the budget says how many passes."""
        return supervised_phases("classifier")

    def temperature(self, epoch: int, progress: float) -> float:
        """Return tau at an outer epoch; progress runs from 0 to 1 over the run."""
        return 1.0

    def seats(self) -> tuple[str, ...]:
        """Return the players that the method needs."""
        phases = (*self.pretraining(), *self.phases())
        named = {seat for phase in phases for seat in (phase.player, *phase.reads)}
        return tuple(sorted(named))

    def hyperparameters(self) -> dict[str, object]:
        """Return the field values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def supervised_loss(player: str) -> LossFunction:
    """Return the cross-entropy of a player against p_u, as a phase's loss."""

    def loss(
        logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        value = cross_entropy(logits[player], batch.targets)
        return value, {"supervised": value}

    return loss


def supervised_phases(*players: str) -> tuple[Phase, ...]:
    """Return one phase for each player, in which it learns the labels."""
    return tuple(Phase(player, supervised_loss(player)) for player in players)


def weighted_sum(terms: Mapping[str, tuple[float, Tensor]]) -> LossTerms:
    """Return the weighted sum of named terms, and the unweighted terms by name.

    A weight of zero leaves its term out of the sum.
    """
    total = sum(weight * value for weight, value in terms.values() if weight)
    if not isinstance(total, Tensor):
        total = sum(0.0 * value for _, value in terms.values())
    assert isinstance(total, Tensor)
    return total, {name: value.detach() for name, (_, value) in terms.items()}
