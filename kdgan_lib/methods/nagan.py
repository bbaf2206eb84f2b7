"""NaGAN: the naive two-player game of C against D (Eq. 1)."""

from dataclasses import dataclass
from typing import ClassVar

from kdgan_lib.data import Examples
from kdgan_lib.methods.adversarial import Adversarial
from kdgan_lib.methods.base import Logits, LossTerms, Noise, Phase


@dataclass(frozen=True)
class NaGAN(Adversarial):
    """C proposes labels, D tells them from the true ones; no teacher."""

    name: ClassVar[str] = "nagan"

    def generators(self) -> dict[str, float]:
        """Return C with all the weight."""
        return {"classifier": 1.0}

    def phases(self) -> tuple[Phase, ...]:
        """Return D's phase and C's."""
        return (
            Phase(
                "discriminator",
                self.discriminator_loss,
                reads=("classifier",),
                passes=self.discriminator_passes,
            ),
            Phase(
                "classifier",
                self.classifier_loss,
                reads=("discriminator",),
                passes=self.classifier_passes,
            ),
        )

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return C's adversarial loss."""
        value = self.adversarial_loss("classifier", logits, noise, temperature)
        return value, {"adversarial": value}
