"""NOISY: MIMIC with noise on the teacher's logits (Sau and Balasubramanian, 2016)."""

from dataclasses import dataclass
from typing import ClassVar

from kdgan_lib.choices import check_range
from kdgan_lib.data import Examples
from kdgan_lib.losses import l2_distillation
from kdgan_lib.methods.base import Logits, LossTerms, Noise
from kdgan_lib.methods.mimic import FixedTeacher


@dataclass(frozen=True)
class Noisy(FixedTeacher):
    """L2 to logits multiplied by (mask + Gaussian noise), drawn afresh each step."""

    keep: float = 0.9
    """Probability that the mask keeps a logit; kept ones are scaled by 1 / keep."""
    noise_scale: float = 0.1
    """Standard deviation of the Gaussian factor."""
    name: ClassVar[str] = "noisy"

    def __post_init__(self) -> None:
        """Refuse a mask that keeps nothing, and noise without a size."""
        super().__post_init__()
        check_range(self, "keep", above=0, to=1)
        check_range(self, "noise_scale")

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return half the squared distance to the perturbed logits."""
        teacher = logits["teacher"]
        mask = noise.keep(self.keep, teacher) / self.keep
        perturbed = teacher * (mask + self.noise_scale * noise.normal(teacher))
        value = l2_distillation(logits["classifier"], perturbed)
        return value, {"distillation": value}
