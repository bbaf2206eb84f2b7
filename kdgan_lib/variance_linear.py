"""Gradients per example of nets of linear layers, as the factors they are made of.

With z = W a + b the gradient for W is the outer product of delta, the gradient for z,
and of a. So |delta a^T|^2 = |delta|^2 |a|^2 (Goodfellow, 2015), and the Gram matrix of
a Jacobian needs the deltas of K logits and one number per layer: no gradient is made.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Trace(NamedTuple):
    """A forward pass with what entered and left each linear layer."""

    logits: Tensor
    layers: list[nn.Linear]
    entered: list[Tensor]
    left: list[Tensor]


def traced(module: nn.Module, inputs: Tensor) -> Trace | None:
    """Return the forward pass of a net whose weights all sit in linear layers.

    None where they do not, or where a layer does not see one row [B, ...] per example.
    """
    layers = [part for part in module.modules() if isinstance(part, nn.Linear)]
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    own = [weight for layer in layers for weight in layer.parameters()]
    if not layers or {id(w) for w in own} != {id(w) for w in weights}:
        return None
    calls: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    seen = []

    def note(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        calls[layer] = given[0].detach(), made
        seen.append(given[0].shape[:-1] == inputs.shape[:1])
        return made.clone()  # what follows may write into its input

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with torch.enable_grad():
            logits = module(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if not all(seen) or len(seen) != len(layers) or len(own) != len(weights):
        return None
    entered, left = zip(*(calls[layer] for layer in layers), strict=True)
    return Trace(logits, layers, [*entered], [*left])


def grams(trace: Trace) -> Tensor:
    """Return J_i J_i^T for every example, [B, K, K] in float64."""
    size, count = trace.logits.shape
    basis = torch.eye(count).to(trace.logits)[:, None].expand(count, size, count)
    slopes = torch.autograd.grad(trace.logits, trace.left, basis, is_grads_batched=True)
    return torch.stack(
        [
            torch.einsum("kbh,lbh->bkl", delta, delta) * _squared(layer, a)
            for layer, a, delta in zip(trace.layers, trace.entered, slopes, strict=True)
        ]
    ).sum(0, dtype=torch.double)


def gradients(trace: Trace, logit_gradients: Tensor, rows: Tensor) -> Tensor:
    """Write J_i^T v_i into the rows [B, P], each number once; return them."""
    slopes = torch.autograd.grad(trace.logits, trace.left, logit_gradients)
    place = 0
    for layer, a, delta in zip(trace.layers, trace.entered, slopes, strict=True):
        for weight in layer.parameters():
            part = rows[:, place : place + weight.numel()]
            if weight is layer.weight:
                out = part.view(len(rows), *weight.shape)
                # The same products as of `mul`, written twice as fast into large rows.
                torch.bmm(delta[:, :, None], a[:, None, :], out=out)
            else:
                part.copy_(delta)
            place += weight.numel()
    return rows


def _squared(layer: nn.Linear, entered: Tensor) -> Tensor:
    """Return |a|^2, and 1 more for a bias, [B, 1, 1]."""
    squares = entered.square().sum(-1) + (layer.bias is not None)
    return squares[:, None, None]
