"""Gradient estimators of the adversarial loss E_{y ~ p}[f(y)] (Eq. 8 and its readings).

Each estimator maps logits [..., K], a constant reward f [..., K], Gumbel noise
[draws, ..., K] and a temperature to surrogate losses [draws, ...]: the autograd
gradient of their mean over draws is the estimate of the gradient of E[f].
"""

from collections.abc import Callable

import torch
from torch import Tensor

from kdgan_lib.concrete import (
    gumbel,
    log_density,
    log_relaxed_sample,
    pseudo_label,
    relaxed_sample,
)

Estimator = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def exact(logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float) -> Tensor:
    """Enumerate the labels: sum_y p(y) f(y). No sampling variance.

    D scores every label in one forward pass, so that this costs nothing extra.
    """
    return (logits.softmax(-1) * reward).sum(-1).expand(gumbel.shape[:-1])


def reinforce(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Score function on discrete labels: log p(z) f(z). Unbiased (Williams, 1992).

    The paper's KDGAN-WO-GM.
    """
    label, drawn = _drawn(logits, reward, gumbel)
    return _log_probability(logits, label) * drawn


def concrete_density(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Read q of Eq. 8 as the concrete density: log q(y) f(z), y held fixed.

    Unbiased for every temperature and equal for all: the score with respect to the
    logits is 1 - K softmax(-g). By Rao-Blackwell never better than REINFORCE.
    """
    _, drawn = _drawn(logits, reward, gumbel)
    log_y = log_relaxed_sample(logits.detach(), gumbel, temperature)
    return log_density(log_y, logits, temperature) * drawn


def relaxed_score(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Read log q of Eq. 8 as the log of the relaxed sample at z: log y_z f(z).

    Biased; the score is (onehot(z) - y) / tau, small at high temperature.
    """
    label, drawn = _drawn(logits, reward, gumbel)
    log_y = log_relaxed_sample(logits, gumbel, temperature)
    return _at(log_y, label) * drawn


def pathwise(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Differentiate sum_k y_k f(k) through the relaxed sample (Jang et al., 2017).

    Biased at every positive temperature unless rewards are equal. The variance falls
    as tau grows, and grows like Var_p(r) / (3 tau) as it falls. It sees differences of
    rewards only, so that it is far below REINFORCE's where rewards share a level; a
    control variate may do better.
    """
    return (relaxed_sample(logits, gumbel, temperature) * reward).sum(-1)


def straight_through(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Use onehot(z) forward and y backward (Bengio et al., 2013). Biased.

    The reward is linear in the label, so that the gradient is `pathwise`'s; the
    two part where f is not linear.
    """
    y = relaxed_sample(logits, gumbel, temperature)
    onehot = _onehot(pseudo_label(logits, gumbel), logits)
    return ((onehot + y - y.detach()) * reward).sum(-1)


def bce_to_discriminator(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """Binary cross-entropy of the drawn label's logit against D, the released code.

    Reads D off the saturating reward log(1 - D). The gradient is sigmoid(h_z) - D
    at the drawn label: no log-derivative, so not a gradient of E[f].
    """
    label, drawn = _drawn(logits, reward, gumbel)
    target = -torch.expm1(drawn)
    logit = _at(logits.expand(gumbel.shape), label)
    return torch.nn.functional.softplus(logit) - target * logit


def reinforce_baseline(
    logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float
) -> Tensor:
    """REINFORCE with the mean reward as baseline: log p(z) (f(z) - E_p f). Unbiased.

    The baseline is a constant in the gradient (Williams, 1992; Greensmith et al.,
    2004).
    """
    label, drawn = _drawn(logits, reward, gumbel)
    baseline = (logits.detach().softmax(-1) * reward).sum(-1)
    return _log_probability(logits, label) * (drawn - baseline)


def rloo(logits: Tensor, reward: Tensor, gumbel: Tensor, temperature: float) -> Tensor:
    """REINFORCE with the other draws' mean as baseline (Kool et al., 2019). Unbiased.

    Raises ValueError for fewer than two draws.
    """
    draws = gumbel.shape[0]
    if draws < 2:
        raise ValueError("Leave-one-out needs at least two draws per example.")
    label, drawn = _drawn(logits, reward, gumbel)
    others = (drawn.sum(0) - drawn) / (draws - 1)
    return _log_probability(logits, label) * (drawn - others)


ESTIMATORS: dict[str, Estimator] = {
    function.__name__: function
    for function in (
        exact,
        reinforce,
        concrete_density,
        relaxed_score,
        pathwise,
        straight_through,
        bce_to_discriminator,
        reinforce_baseline,
        rloo,
    )
}
FEWEST_DRAWS = {name: 2 if name == "rloo" else 1 for name in ESTIMATORS}


def estimator(name: str) -> Estimator:
    """Return an estimator by name; raise ValueError that lists the names."""
    if name not in ESTIMATORS:
        raise ValueError(f"No estimator '{name}'; choose from {sorted(ESTIMATORS)}.")
    return ESTIMATORS[name]


def check_draws(name: str, draws: int) -> None:
    """Raise ValueError for fewer labels per example than an estimator needs."""
    if draws < FEWEST_DRAWS[name]:
        raise ValueError(f"'{name}' needs draws >= {FEWEST_DRAWS[name]}.")


def sample_gradients(
    name: str,
    logits: Tensor,
    reward: Tensor,
    num_samples: int,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    draws: int | None = None,
) -> Tensor:
    """Return independent estimates of the gradient of E[reward(y)] (Eq. 8).

    logits, reward: [..., K] -> [num_samples, ..., K]. Each estimate averages `draws`
    labels; without it the fewest that there can be, two for `rloo` and one for others.
    Raises ValueError that lists the names, and for fewer draws than that.
    """
    surrogate, shape = estimator(name), (num_samples, *logits.shape)
    leaf = logits.detach().expand(shape).clone().requires_grad_()
    labels = FEWEST_DRAWS[name] if draws is None else draws
    check_draws(name, labels)
    noise = gumbel((labels, *shape), generator, logits.dtype)
    losses = surrogate(leaf, reward.expand(shape), noise.to(logits.device), temperature)
    (gradients,) = torch.autograd.grad(losses.mean(0).sum(), leaf)
    return gradients


def _drawn(logits: Tensor, reward: Tensor, gumbel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the drawn labels z and their rewards, both [draws, ...]."""
    label = pseudo_label(logits.detach(), gumbel)
    return label, _at(reward.expand(gumbel.shape), label)


def _at(values: Tensor, label: Tensor) -> Tensor:
    return values.gather(-1, label.unsqueeze(-1)).squeeze(-1)


def _log_probability(logits: Tensor, label: Tensor) -> Tensor:
    return _at(logits.log_softmax(-1).expand(*label.shape, -1), label)


def _onehot(label: Tensor, like: Tensor) -> Tensor:
    shape = (*label.shape, like.shape[-1])
    onehot = torch.zeros(shape, dtype=like.dtype, device=like.device)
    return onehot.scatter_(-1, label.unsqueeze(-1), 1.0)
