"""Gradients per example and per draw, and their moments in constant memory (Figure 7).

Every loss of C reaches its weights through its logits: with the Jacobian J_i [K, P] of
the logits at x_i and the gradient v_i [K] of the loss with respect to them, a batch's
gradient is (1/B) sum_i J_i^T v_i. Drawing labels changes the v_i only, so that the
Gram matrices J_i J_i^T give the variance of any estimator without drawing gradients.
Nets of linear layers take a shorter way to the same numbers (`variance_linear`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap
from tqdm.auto import tqdm

from kdgan_lib import variance_linear as linear

HELD_AT_ONCE = 16_000_000  # numbers in a block of gradients: 64 MB, kept warm


def parameters_of(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's trainable weights by name, detached."""
    return {k: p.detach() for k, p in module.named_parameters() if p.requires_grad}


def per_sample_gradients(
    module: nn.Module,
    inputs: Tensor,
    logit_gradients: Tensor,
    out: Tensor | None = None,
) -> Tensor:
    """Return J_i^T v_i for every example: [B, ...], [B, K] -> [B, P].

    The module must treat examples apart (evaluation mode). out: where to write; with
    many weights, fresh memory costs more than the gradients themselves.
    """
    if out is None:
        count = sum(weight.numel() for weight in parameters_of(module).values())
        out = logit_gradients.new_empty(len(inputs), count)
    trace = linear.traced(module, inputs)
    if trace is None:
        return mapped_gradients(module, inputs, logit_gradients, out)
    return linear.gradients(trace, logit_gradients, out)


def mapped_gradients(
    module: nn.Module, inputs: Tensor, logit_gradients: Tensor, out: Tensor
) -> Tensor:
    """Return `per_sample_gradients` of any net: a vector-Jacobian product, mapped."""
    weights = parameters_of(module)

    def one(x: Tensor, v: Tensor) -> dict[str, Tensor]:
        return _pull_back(module, weights, x.unsqueeze(0), v.unsqueeze(0))

    size = _block_size(module)
    for block, x, v in zip(
        *(each.split(size) for each in (out, inputs, logit_gradients)), strict=True
    ):
        _fill(block, vmap(one)(x, v))
    return out


def squared_norms(module: nn.Module, inputs: Tensor, logit_gradients: Tensor) -> Tensor:
    """Return |J_i^T v_i|^2 for every example, [B] in float64, by its Gram matrix."""
    grams, v = logit_grams(module, inputs), logit_gradients.double()
    return torch.einsum("bk,bkl,bl->b", v, grams, v)


def batch_gradients(
    module: nn.Module, inputs: Tensor, logit_gradients: Tensor
) -> Tensor:
    """Return (1/B) sum_i J_i^T v_i for several v: [B, ...], [S, B, K] -> [S, P]."""
    weights = parameters_of(module)
    pull = vjp(lambda w: functional_call(module, w, (inputs,)), weights)[1]
    blocks = (logit_gradients / len(inputs)).split(_block_size(module))
    return torch.cat([_flat(vmap(lambda v: pull(v)[0])(block)) for block in blocks])


def logit_grams(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return J_i J_i^T for every example, [B, ...] -> [B, K, K] in float64."""
    trace = linear.traced(module, inputs)
    return mapped_grams(module, inputs) if trace is None else linear.grams(trace)


def mapped_grams(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return `logit_grams` of any net; one Jacobian is held at a time."""
    weights = parameters_of(module)

    def one(x: Tensor) -> Tensor:
        logits, pull = vjp(lambda w: functional_call(module, w, (x,))[0], weights)[:2]
        basis = torch.eye(len(logits), dtype=logits.dtype, device=logits.device)
        jacobian = vmap(lambda v: pull(v)[0])(basis)
        products = [a.flatten(1) @ a.flatten(1).T for a in jacobian.values()]
        return torch.stack(products).double().sum(0)

    return torch.stack([one(x) for x in inputs.split(1)])


def looped_gradients(
    module: nn.Module, inputs: Tensor, logit_gradients: Tensor
) -> Tensor:
    """Return `per_sample_gradients` by one backward pass per example, the reference."""
    weights, rows = [w for w in module.parameters() if w.requires_grad], []
    for x, v in zip(inputs, logit_gradients, strict=True):
        loss = (module(x.unsqueeze(0))[0] * v).sum()
        gradient = torch.autograd.grad(loss, weights)
        rows.append(torch.cat([g.flatten() for g in gradient]))
    return torch.stack(rows)


def sampling_variance(grams: Tensor, draws: Tensor) -> float:
    """Return the variance of a batch's gradient over fresh labels, same images.

    (1/B^2) sum_i tr(J_i Cov(v_i) J_i^T), total over the weights; grams [B, K, K],
    draws [S, B, K]. Examples draw their labels independently.
    """
    count, size, _ = draws.shape
    centred = (draws - draws.mean(0)).double()
    squares = torch.einsum("sbk,bkl,sbl->", centred, grams, centred)
    return float(squares) / (count - 1) / size**2


@dataclass
class Moments:
    """Mean and covariance of several gradients at once, updated draw by draw (Welford).

    The covariance of two gradients is total: the trace of the cross-covariance over
    the weights. Only the means [E, P] and an [E, E] matrix are held.
    """

    count: int = 0
    """Draws seen."""
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    """Mean of each gradient, [E, P]."""
    comoment: Tensor = field(default_factory=lambda: torch.zeros(()))
    """Sum of the products of deviations, [E, E]."""

    def add(self, rows: Tensor) -> None:
        """Take in one draw of every gradient, [E, P]."""
        self.count += 1
        before = rows - self.mean
        self.mean = self.mean + before / self.count
        self.comoment = self.comoment + (before @ (rows - self.mean).T).double()

    @property
    def covariance(self) -> Tensor:
        """Return the unbiased total covariances, [E, E]; the diagonal has variances."""
        if self.count < 2:
            raise ValueError("A variance needs at least two draws.")
        matrix = self.comoment / (self.count - 1)
        return (matrix + matrix.T) / 2

    @property
    def squared_norms(self) -> Tensor:
        """Return |E g|^2 of each gradient, corrected for the noise of the mean, [E]."""
        squares = self.mean.double().square().sum(-1)
        return squares - self.covariance.diagonal() / self.count


def moments(
    draws: Iterable[Tensor], total: int | None = None, progress: bool = False
) -> Moments:
    """Return the moments of draws [E, P] that are made one after the other."""
    found = Moments()
    for rows in tqdm(draws, total=total, unit="draw", disable=not progress):
        found.add(rows)
    return found


def sd_bound(share: float, sd_distilled: float, sd_adversarial: float) -> float:
    """Return Lemma 4.3's bound on sd(share X + (1 - share) Y)."""
    return share * sd_distilled + (1 - share) * sd_adversarial


def combined_variance(
    weights: tuple[float, float], variances: tuple[float, float], covariance: float
) -> float:
    """Return Var(a X + b Y) from the two variances and the covariance."""
    a, b = weights
    return a * a * variances[0] + b * b * variances[1] + 2 * a * b * covariance


def _pull_back(
    module: nn.Module, weights: dict[str, Tensor], inputs: Tensor, v: Tensor
) -> dict[str, Tensor]:
    pull = vjp(lambda w: functional_call(module, w, (inputs,)), weights)[1]
    return pull(v)[0]


def _fill(rows: Tensor, gradients: dict[str, Tensor]) -> None:
    """Write gradients by weight into the rows, each number once."""
    sizes = [g[0].numel() for g in gradients.values()]
    for part, g in zip(rows.split(sizes, dim=1), gradients.values(), strict=True):
        part.copy_(g.flatten(1))


def _flat(gradients: dict[str, Tensor]) -> Tensor:
    return torch.cat([g.flatten(1) for g in gradients.values()], dim=1)


def _block_size(module: nn.Module) -> int:
    count = sum(weights.numel() for weights in parameters_of(module).values())
    return max(1, HELD_AT_ONCE // max(1, count))
