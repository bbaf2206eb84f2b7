"""DISTN: C matches softened labels and the true ones (Hinton et al., 2015)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from kdgan_lib.choices import check_range
from kdgan_lib.data import Examples
from kdgan_lib.losses import cross_entropy, kl_distillation, released_l2_distillation
from kdgan_lib.methods.base import Logits, LossTerms, Noise, weighted_sum
from kdgan_lib.methods.mimic import FixedTeacher

SOFTENED_LOSSES = {"kl": kl_distillation, "released_l2": released_l2_distillation}


@dataclass(frozen=True)
class Distn(FixedTeacher):
    """A convex sum of cross-entropy and distillation at a raised temperature."""

    distillation: Literal["kl", "released_l2"] = "kl"
    """T^2 KL of the softened distributions, or the released code's L2 on logits, from
    which the temperature T cancels."""
    distillation_weight: float = 0.7
    """Weight of the distillation loss; the labels' cross-entropy has the rest."""
    distillation_temperature: float = 3.0
    """Temperature T at which both distributions are softened; of no effect on
    `released_l2`."""
    name: ClassVar[str] = "distn"

    def __post_init__(self) -> None:
        """Refuse a weight that leaves the labels less than nothing, and no warmth."""
        super().__post_init__()
        check_range(self, "distillation_weight", to=1)
        check_range(self, "distillation_temperature", above=0)

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return (1 - w) cross-entropy + w softened distillation."""
        student, teacher = logits["classifier"], logits["teacher"]
        distil = SOFTENED_LOSSES[self.distillation]
        softened = distil(student, teacher, self.distillation_temperature)
        supervised = cross_entropy(student, batch.targets)
        return weighted_sum(
            {
                "distillation": (self.distillation_weight, softened),
                "supervised": (1 - self.distillation_weight, supervised),
            }
        )
