"""MIMIC: C matches the logits of a fixed teacher (Ba and Caruana, 2014)."""

from dataclasses import dataclass
from typing import ClassVar

from kdgan_lib.data import Examples
from kdgan_lib.losses import l2_distillation
from kdgan_lib.methods.base import (
    Logits,
    LossTerms,
    Method,
    Noise,
    Phase,
    supervised_phases,
)


@dataclass(frozen=True)
class FixedTeacher(Method):
    """Pretrain C and T on the labels, then train C from the fixed T."""

    def pretraining(self) -> tuple[Phase, ...]:
        """Return one supervised phase for C and one for T."""
        return supervised_phases("classifier", "teacher")

    def phases(self) -> tuple[Phase, ...]:
        """Return C's one phase, which reads T."""
        return (Phase("classifier", self.classifier_loss, reads=("teacher",)),)

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return C's distillation loss."""
        raise NotImplementedError(
            f"'{self.name}' does not say what C loses: define classifier_loss()."
        )


@dataclass(frozen=True)
class Mimic(FixedTeacher):
    """L2 between the logits of C and of a fixed T."""

    name: ClassVar[str] = "mimic"

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return half the squared distance of the logits."""
        value = l2_distillation(logits["classifier"], logits["teacher"])
        return value, {"distillation": value}
