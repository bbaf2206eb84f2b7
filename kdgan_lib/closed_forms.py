"""Give the means and variances of the gradient estimators in closed form (Eq. 8).

p = softmax(logits), r = the reward, g* = p (r - E r) the true gradient; [K] float64.
A variance is total: the trace of the covariance of one estimate. The derivations
are in the appendix of proofs, each next to its numerical check.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.integrate import quad
from torch import Tensor

LN2 = math.log(2)


def exact_gradient(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the gradient of E_p[r] with respect to the logits, p (r - E r)."""
    p = logits.softmax(-1)
    return p * (reward - (p * reward).sum(-1, keepdim=True))


def reward_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return Var_p(r)."""
    p = logits.softmax(-1)
    return (p * reward.square()).sum() - (p * reward).sum().square()


def _score_variance(logits: Tensor, reward: Tensor, factor: Tensor) -> Tensor:
    """Return E[factor(z)^2 |onehot(z) - p|^2] - |g*|^2."""
    p = logits.softmax(-1)
    squared = 1 - 2 * p + p.square().sum()
    second = (p * factor.square() * squared).sum()
    return second - exact_gradient(logits, reward).square().sum()


def reinforce_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the variance of r(z) (onehot(z) - p)."""
    return _score_variance(logits, reward, reward)


def baseline_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the variance of (r(z) - E r)(onehot(z) - p)."""
    mean = (logits.softmax(-1) * reward).sum()
    return _score_variance(logits, reward, reward - mean)


def rloo_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the variance of leave-one-out with two draws: Var_p(r) - |g*|^2."""
    true = exact_gradient(logits, reward)
    return reward_variance(logits, reward) - true.square().sum()


def concrete_density_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the variance of r(z) (1 - K softmax(-g)): the same for every tau.

    Given z, softmax(-g) is p V_0 + sum_{k != z} e_k V_k with V uniform on the simplex.
    """
    p, num_labels = logits.softmax(-1), logits.shape[-1]
    squared = p.square().sum() + (1 - p) + num_labels - 1  # [K], by the value of z
    score = 2 * num_labels / (num_labels + 1) * squared - num_labels
    second = (p * reward.square() * score).sum()
    return second - exact_gradient(logits, reward).square().sum()


def released_gradient(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the mean of the released code's gradient: p (sigmoid(logits) - D)."""
    return logits.softmax(-1) * (logits.sigmoid() + torch.expm1(reward))


def released_variance(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the variance of (sigmoid(h_z) - D_z) onehot(z)."""
    p = logits.softmax(-1)
    second = (p * (logits.sigmoid() + torch.expm1(reward)).square()).sum()
    return second - released_gradient(logits, reward).square().sum()


def relaxed_score_variance_at_zero(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the limit of tau times its variance: (2 log 2 - 1) E[(1 - p) r^2]."""
    p = logits.softmax(-1)
    return (2 * LN2 - 1) * (p * (1 - p) * reward.square()).sum()


def pathwise_variance_at_zero(logits: Tensor, reward: Tensor) -> Tensor:
    """Return the limit of tau times the pathwise variance: Var_p(r) / 3."""
    return reward_variance(logits, reward) / 3


def two_label_moments(
    name: str, logits: Tensor, reward: Tensor, tau: float
) -> tuple[Tensor, Tensor]:
    """Return mean [2] and total variance of `relaxed_score` or `pathwise` at K = 2.

    By quadrature: for two labels the noise is one logistic variable.
    """
    gap = float(logits[0] - logits[1])
    first, second = (float(r) for r in reward)

    def slope(at: float) -> float:
        """Return the gradient's first coordinate; the second is its negative."""
        y = _sigmoid(at / tau)
        if name == "pathwise":
            return y * (1 - y) * (first - second) / tau
        return first * (1 - y) / tau if at > 0 else -second * y / tau

    mean = _logistic_mean(slope, gap)
    square = _logistic_mean(lambda at: slope(at) ** 2, gap)
    gradient = torch.tensor([mean, -mean], dtype=torch.float64)
    return gradient, torch.tensor(2 * (square - mean**2), dtype=torch.float64)


def _sigmoid(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


def _logistic_mean(function: Callable[[float], float], centre: float) -> float:
    """Integrate a function of `centre` + standard logistic noise."""

    def weighted(at: float) -> float:
        y = _sigmoid(at - centre)
        return function(at) * y * (1 - y)

    ends = centre + np.array([-40.0, 40.0])
    marks = [at for at in (-1, -0.1, 0.0, 0.1, 1, centre) if ends[0] < at < ends[1]]
    return quad(weighted, *ends, points=marks, limit=500)[0]


VARIANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exact": lambda logits, reward: torch.zeros((), dtype=torch.float64),
    "reinforce": reinforce_variance,
    "reinforce_baseline": baseline_variance,
    "rloo": rloo_variance,
    "concrete_density": concrete_density_variance,
    "bce_to_discriminator": released_variance,
}
