"""What the adversarial methods share: sampled labels, rewards, tau (Eq. 1, 3, 8, 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor
from torch.nn.functional import one_hot

from kdgan_lib.choices import LATER, check_range
from kdgan_lib.concrete import (
    exponential_temperature,
    pseudo_label,
    released_temperature,
)
from kdgan_lib.data import Examples
from kdgan_lib.estimators import check_draws, estimator
from kdgan_lib.losses import (
    discriminator_loss,
    nonsaturating_reward,
    pair_loss,
    saturating_reward,
)
from kdgan_lib.methods.base import (
    Logits,
    LossTerms,
    Method,
    Noise,
    Phase,
    supervised_loss,
    supervised_phases,
)

REWARDS = {"saturating": saturating_reward, "nonsaturating": nonsaturating_reward}
EstimatorName = Literal[
    "exact",
    "reinforce",
    "concrete_density",
    "relaxed_score",
    "pathwise",
    "straight_through",
    "bce_to_discriminator",
    "reinforce_baseline",
    "rloo",
]


@dataclass(frozen=True)
class Adversarial(Method):
    """A method with a discriminator D that tells true labels from proposed ones."""

    estimator: EstimatorName = "relaxed_score"
    """Gradient estimator of the adversarial loss (Eq. 8 and its readings)."""
    draws: int = 1
    """Labels drawn per example for the estimator."""
    reward: Literal["saturating", "nonsaturating"] = "saturating"
    """Adversarial term: log(1 - D) as in Eq. 3, or -log D."""
    positive_draws: int = 0
    """True labels drawn per example for D; 0 uses the exact expectation. Either side of
    D's loss weighs its share of the draws: m of them against k proposed ones move D's
    optimum to p_u / (p_u + (k / m) p_alpha)."""
    negative_draws: int = 0
    """Labels drawn per example for D from each player that proposes some; 0 uses the
    exact expectation. With 5 true draws and 20 proposed ones, the released code's, D's
    optimum is p_u / (p_u + 4 p_alpha)."""
    schedule: Literal["exponential", "released"] = "exponential"
    """Temperature: tau_start to tau_end exponentially, or the released 10 x 0.88^k."""
    tau_start: float = 1.0
    """Temperature of the first outer epoch (exponential schedule)."""
    tau_end: float = 0.1
    """Temperature of the last outer epoch (exponential schedule)."""
    discriminator_start: Literal["pairs", "labels"] = "pairs"
    """Pretrain D on true against uniform labels, or as a softmax classifier."""
    discriminator_passes: int = 1
    """Passes of D in one outer epoch."""
    classifier_passes: int = 1
    """Passes of C in one outer epoch."""
    label_smoothing: float = field(default=0.0, metadata=LATER)
    """Share of true labels that D is told are proposed, below 1 (not in the paper)."""

    def __post_init__(self) -> None:
        """Refuse settings that no run could honour."""
        super().__post_init__()
        check_range(self, "tau_start", "tau_end", above=0)
        check_range(self, "label_smoothing", below=1)
        for phase in self.phases():
            if phase.passes < 0:
                raise ValueError(f"{phase.player}_passes must be at least 0.")
        if not any(phase.passes for phase in self.phases()):
            raise ValueError("No player of the game has a pass: give one at least 1.")
        if self.estimator == "bce_to_discriminator" and self.reward != "saturating":
            raise ValueError(
                "'bce_to_discriminator' reads D off the saturating reward: "
                "leave reward at saturating."
            )
        check_draws(self.estimator, self.draws)
        if min(self.positive_draws, self.negative_draws) < 0 or (
            (self.positive_draws == 0) != (self.negative_draws == 0)
        ):
            raise ValueError(
                "Give D both positive_draws and negative_draws, or 0 for both (exact)."
            )

    def temperature(self, epoch: int, progress: float) -> float:
        """Return tau of Eq. 9 at an outer epoch."""
        if self.schedule == "released":
            return released_temperature(epoch)
        return exponential_temperature(progress, self.tau_start, self.tau_end)

    def pretraining(self) -> tuple[Phase, ...]:
        """Return supervised phases for C (and T), and D's start."""
        supervised = supervised_phases(*self.generators())
        start = {"pairs": _pairs, "labels": supervised_loss("discriminator")}
        return (*supervised, Phase("discriminator", start[self.discriminator_start]))

    def generators(self) -> dict[str, float]:
        """Return the players that propose labels, with their weights in p_alpha."""
        raise NotImplementedError(
            f"'{self.name}' does not say who proposes labels: define generators()."
        )

    def discriminator_loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return D's loss: p_u against p_alpha, exact or from drawn labels.

        Its optimum is p_u / (p_u + p_alpha) (Lemma 4.1); where labels are drawn it is
        p_u / (p_u + (negative_draws / positive_draws) p_alpha). Label smoothing:
        Salimans et al. (2016), section 3.4, true labels only.
        """
        positive, negative = batch.targets, self.proposals(logits, noise)
        if self.positive_draws:
            total = self.positive_draws + self.negative_draws
            positive = _frequencies(batch.targets.log(), self.positive_draws, noise)
            positive = positive * (self.positive_draws / total)
            negative = negative * (self.negative_draws / total)
        if self.label_smoothing:
            negative = negative + self.label_smoothing * positive
            positive = (1 - self.label_smoothing) * positive
        value = discriminator_loss(logits["discriminator"], positive, negative)
        return value, {"discrimination": value}

    def proposals(self, logits: Logits, noise: Noise) -> Tensor:
        """Return p_alpha for each example [batch, labels], or drawn frequencies."""
        return self.mixed(self.generators(), logits, noise)

    def mixed(
        self, weights: Mapping[str, float], logits: Logits, noise: Noise
    ) -> Tensor:
        """Return the mixture of the players' laws by weights, or of their draws."""
        mixture: Tensor | float = 0.0
        for player, weight in weights.items():
            if self.negative_draws:
                drawn = _frequencies(logits[player], self.negative_draws, noise)
                mixture = mixture + weight * drawn
            else:
                mixture = mixture + weight * logits[player].softmax(-1)
        assert isinstance(mixture, Tensor)
        return mixture

    def adversarial_loss(
        self, player: str, logits: Logits, noise: Noise, temperature: float
    ) -> Tensor:
        """Return the surrogate whose gradient estimates that of E_p[f] (Eq. 8)."""
        reward = REWARDS[self.reward](logits["discriminator"])
        gumbel = noise.gumbel(self.draws, reward)
        surrogate = estimator(self.estimator)
        return surrogate(logits[player], reward, gumbel, temperature).mean()


def _pairs(
    logits: Logits, batch: Examples, noise: Noise, temperature: float
) -> LossTerms:
    value = pair_loss(logits["discriminator"], batch.targets)
    return value, {"pairs": value}


def _frequencies(logits: Tensor, draws: int, noise: Noise) -> Tensor:
    """Return how often each label is drawn from softmax(logits): [batch, labels]."""
    labels = pseudo_label(logits, noise.gumbel(draws, logits))
    return one_hot(labels, logits.shape[-1]).to(logits.dtype).mean(0)
