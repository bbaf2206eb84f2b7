"""KDGAN that sets alpha, beta and gamma by itself in every update (not in the paper).

The paper leaves an automatic choice of its three weights to future work. Here the
losses' gradients at the student's logits set them, and one number is left to choose.
Source of the idea: GradNorm (Chen et al., 2018) and the adaptive weight of Esser et al.
(2021), both of which balance losses by the norms of their gradients.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from kdgan_lib.choices import check_range
from kdgan_lib.data import Examples
from kdgan_lib.losses import cross_entropy
from kdgan_lib.methods.base import Logits, LossTerms, Noise, weighted_sum
from kdgan_lib.methods.kdgan import KDGAN


@dataclass(frozen=True)
class AdaptiveKDGAN(KDGAN):
    """KDGAN whose weights follow the gradients; its beta and gamma are not read."""

    ratio: float = 10.0
    """Distillation's gradient over the adversarial one's for C; for T 1/ratio."""
    alpha_rule: Literal["doubt", "fixed"] = "doubt"
    """C's share of D's doubt about C's and T's labels, or the fixed alpha."""
    name: ClassVar[str] = "kdgan_adaptive"

    def __post_init__(self) -> None:
        """Refuse a ratio that gives no weight, and a game without D to balance by."""
        super().__post_init__()
        check_range(self, "ratio", "adversarial", above=0)

    def shares(self, logits: Logits) -> dict[str, float]:
        """Return C's and T's weights in p_alpha: more for whom D sees through."""
        if self.alpha_rule == "fixed":
            return self.generators()
        doubts = {player: doubt(logits, player) for player in self.generators()}
        total = sum(doubts.values())
        if not total > 0:  # D has no doubt left, or is not a number
            return self.generators()
        alpha = doubts["classifier"] / total
        return {"classifier": alpha, "teacher": 1 - alpha}

    def proposals(self, logits: Logits, noise: Noise) -> Tensor:
        """Return p_alpha at the present alpha, exact or drawn."""
        return self.mixed(self.shares(logits), logits, noise)

    def teacher_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return T's loss; its distillation pulls 1/ratio times as hard as D."""
        return self._balanced(
            ("teacher", "classifier"), 1 / self.ratio, logits, batch, noise, temperature
        )

    def classifier_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return C's loss; its distillation pulls ratio times as hard as D."""
        return self._balanced(
            ("classifier", "teacher"), self.ratio, logits, batch, noise, temperature
        )

    def _balanced(
        self,
        seats: tuple[str, str],
        ratio: float,
        logits: Logits,
        batch: Examples,
        noise: Noise,
        temperature: float,
    ) -> LossTerms:
        """Return the loss of the first seat, and its weights among the named terms."""
        player, other = seats
        student, share = logits[player], self.shares(logits)[player]
        adversarial = self.adversarial_loss(player, logits, noise, temperature)
        distilled = self._distil(student, logits[other])
        first = self.adversarial * share
        second = balance(first * adversarial, distilled, student, ratio)
        anchor = cross_entropy(student, batch.targets)
        total, terms = weighted_sum(
            {
                "adversarial": (first, adversarial),
                "distillation": (second, distilled),
                "supervised": (self.supervision, anchor),
            }
        )
        weights = {"share": share, "distillation_weight": second}
        return total, terms | {k: total.new_tensor(v) for k, v in weights.items()}


def balance(reference: Tensor, term: Tensor, at: Tensor, ratio: float) -> float:
    """Return w with |w d term / d at| = ratio |d reference / d at|; 0 if term is flat.

    reference, term: scalar losses; at: the student's logits, which both depend on. The
    weight is a number, so that no gradient passes through it.
    """
    reference_norm, norm = (_gradient_norm(loss, at) for loss in (reference, term))
    return ratio * reference_norm / norm if norm > 0 else 0.0


def doubt(logits: Logits, player: str) -> float:
    """Return the mean of E_p[1 - D], D's belief that the player's labels are false."""
    with torch.no_grad():
        false = torch.sigmoid(-logits["discriminator"])
        return float((logits[player].softmax(-1) * false).sum(-1).mean())


def _gradient_norm(loss: Tensor, at: Tensor) -> float:
    (gradient,) = torch.autograd.grad(loss, at, retain_graph=True)
    return float(gradient.norm())
