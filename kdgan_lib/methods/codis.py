"""CODIS: C and T learn from the labels and from each other (Anil et al., 2018)."""

from dataclasses import dataclass
from typing import ClassVar

from kdgan_lib.choices import check_range
from kdgan_lib.data import Examples
from kdgan_lib.losses import cross_entropy, kl_distillation
from kdgan_lib.methods.base import (
    Logits,
    LossFunction,
    LossTerms,
    Method,
    Noise,
    Phase,
    supervised_phases,
    weighted_sum,
)


@dataclass(frozen=True)
class Codis(Method):
    """Co-distillation: each player's loss is cross-entropy plus KL to the other."""

    distillation_weight: float = 1.0
    """Weight of the KL from the other player's distribution."""
    distillation_temperature: float = 1.0
    """Temperature T at which both distributions are softened."""
    name: ClassVar[str] = "codis"

    def __post_init__(self) -> None:
        """Refuse a negative weight and a temperature of zero."""
        super().__post_init__()
        check_range(self, "distillation_weight")
        check_range(self, "distillation_temperature", above=0)

    def pretraining(self) -> tuple[Phase, ...]:
        """Return one supervised phase for C and one for T."""
        return supervised_phases("classifier", "teacher")

    def phases(self) -> tuple[Phase, ...]:
        """Return T's phase and C's, each reading the other."""
        return (
            Phase("teacher", self.learn("teacher", "classifier"), ("classifier",)),
            Phase("classifier", self.learn("classifier", "teacher"), ("teacher",)),
        )

    def learn(self, student: str, teacher: str) -> LossFunction:
        """Return the loss of one player that learns from the other."""

        def loss(
            logits: Logits, batch: Examples, noise: Noise, temperature: float
        ) -> LossTerms:
            distilled = kl_distillation(
                logits[student], logits[teacher], self.distillation_temperature
            )
            supervised = cross_entropy(logits[student], batch.targets)
            return weighted_sum(
                {
                    "distillation": (self.distillation_weight, distilled),
                    "supervised": (1.0, supervised),
                }
            )

        return loss
