"""KDGAN: classifier, teacher and discriminator play one game (Eq. 3, Algorithm 1)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Tensor

from kdgan_lib.choices import LATER, check_range
from kdgan_lib.data import Examples
from kdgan_lib.losses import (
    cross_entropy,
    kl_distillation,
    l2_distillation,
    l2_probability_distillation,
)
from kdgan_lib.methods.adversarial import Adversarial, EstimatorName
from kdgan_lib.methods.base import Logits, LossTerms, Noise, Phase, weighted_sum

DISTILLATION_LOSSES = {
    "l2": l2_distillation,
    "l2_probabilities": l2_probability_distillation,
    "kl": kl_distillation,
}


@dataclass(frozen=True)
class KDGAN(Adversarial):
    """C and T propose labels and distil into each other; D judges both."""

    alpha: float = 0.3
    """Weight of C's adversarial term, in [0, 1]; T's is 1 - alpha (Eq. 3)."""
    beta: float = 1.0
    """Weight of the distillation from T into C (Eq. 3)."""
    gamma: float = 1e-4
    """Weight of the distillation from C into T (Eq. 3)."""
    distillation: Literal["l2", "l2_probabilities", "kl"] = "l2"
    """Distillation loss between the two players' logits."""
    supervision: float = 0.0
    """Weight of a cross-entropy anchor in C's and T's losses (not in the paper)."""
    teacher_passes: int = 1
    """Passes of T in one outer epoch."""
    adversarial: float = field(default=1.0, metadata=LATER)
    """Factor of C's and T's adversarial terms (not in the paper); at 0 D is seated and
    pretrained, but neither trained in the game nor heard."""
    name: ClassVar[str] = "kdgan"

    def __post_init__(self) -> None:
        """Refuse weights outside the paper's ranges."""
        super().__post_init__()
        check_range(self, "alpha", to=1)
        check_range(self, "beta", "gamma", "supervision", "adversarial")

    def generators(self) -> dict[str, float]:
        """Return C and T with their weights in p_alpha."""
        return {"classifier": self.alpha, "teacher": 1 - self.alpha}

    def phases(self) -> tuple[Phase, ...]:
        """Return one outer epoch of Algorithm 1: D's steps, T's steps, C's steps."""
        phases = (
            Phase(
                "discriminator",
                self.discriminator_loss,
                reads=("classifier", "teacher"),
                passes=self.discriminator_passes,
            ),
            Phase(
                "teacher",
                self.teacher_loss,
                reads=("classifier", "discriminator"),
                passes=self.teacher_passes,
            ),
            Phase(
                "classifier",
                self.classifier_loss,
                reads=("teacher", "discriminator"),
                passes=self.classifier_passes,
            ),
        )
        return phases if self.adversarial else phases[1:]

    def teacher_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return (1 - alpha) E_pt[f] + gamma DS^t."""
        adversarial = self.adversarial_loss("teacher", logits, noise, temperature)
        distilled = self._distil(logits["teacher"], logits["classifier"])
        return weighted_sum(
            {
                "adversarial": (self.adversarial * (1 - self.alpha), adversarial),
                "distillation": (self.gamma, distilled),
                "supervised": (
                    self.supervision,
                    cross_entropy(logits["teacher"], batch.targets),
                ),
            }
        )

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return alpha E_pc[f] + beta DS^c."""
        adversarial = self.adversarial_loss("classifier", logits, noise, temperature)
        distilled = self._distil(logits["classifier"], logits["teacher"])
        return weighted_sum(
            {
                "adversarial": (self.adversarial * self.alpha, adversarial),
                "distillation": (self.beta, distilled),
                "supervised": (
                    self.supervision,
                    cross_entropy(logits["classifier"], batch.targets),
                ),
            }
        )

    def _distil(self, student: Tensor, teacher: Tensor) -> Tensor:
        return DISTILLATION_LOSSES[self.distillation](student, teacher)


@dataclass(frozen=True)
class KDGANWithoutGumbel(KDGAN):
    """KDGAN-WO-GM: the same game with plain score-function gradients."""

    estimator: EstimatorName = "reinforce"
    """Gradient estimator: discrete labels without the relaxation."""
    name: ClassVar[str] = "kdgan_wo_gm"
