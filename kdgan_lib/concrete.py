"""Concrete distribution: Gumbel noise, relaxed samples, density, schedules (Eq. 9).

References: Maddison, Mnih and Teh (2017); Jang, Gu and Poole (2017).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def gumbel(
    shape: Sequence[int],
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Draw standard Gumbel noise, g = -log(-log u), on the generator's device.

    The exponential draw is -log u, never zero, so that no noise is infinite.
    Source: footnote 2 of the paper.
    """
    device = "cpu" if generator is None else generator.device
    noise = torch.empty(tuple(shape), dtype=dtype, device=device)
    noise.exponential_(generator=generator)
    return -noise.clamp_min(torch.finfo(dtype).tiny).log()


def relaxed_sample(logits: Tensor, gumbel: Tensor, temperature: float) -> Tensor:
    """Return y = softmax((log p + g) / tau), Eq. 9; shapes broadcast, labels last.

    The normaliser of log p cancels in the softmax, so logits serve as log p.
    Raises ValueError for a temperature that is not positive.
    """
    return log_relaxed_sample(logits, gumbel, temperature).exp()


def log_relaxed_sample(logits: Tensor, gumbel: Tensor, temperature: float) -> Tensor:
    """Return log y of Eq. 9, finite where y itself would round to zero."""
    if temperature <= 0:
        raise ValueError(f"The temperature must be positive, not {temperature}.")
    return ((logits + gumbel) / temperature).log_softmax(-1)


def pseudo_label(logits: Tensor, gumbel: Tensor) -> Tensor:
    """Return z = argmax(log p + g), distributed as p (the Gumbel-Max trick).

    Labels last in, one long index out. The temperature does not matter here.
    """
    return (logits + gumbel).argmax(-1)


def log_density(log_y: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """Return the log density of the concrete distribution at y on the simplex.

    log_y: [..., K] log of a point; logits: [..., K] log weights, any constant added.
    Source: Maddison et al. (2017), Eq. 1 (with respect to Lebesgue measure on the
    first K - 1 coordinates).
    """
    num_labels = logits.shape[-1]
    constant = math.lgamma(num_labels) + (num_labels - 1) * math.log(temperature)
    slopes = (logits - (temperature + 1) * log_y).sum(-1)
    normaliser = (logits - temperature * log_y).logsumexp(-1)
    return constant + slopes - num_labels * normaliser


def exponential_temperature(
    progress: float, start: float = 1.0, end: float = 0.1
) -> float:
    """Return start * (end / start) ** progress, progress in [0, 1]; paper: 1 -> 0.1."""
    return start * (end / start) ** progress


def released_temperature(
    epoch: int, start: float = 10.0, factor: float = 0.88
) -> float:
    """Return start * factor ** epoch, the released code's schedule."""
    return start * factor**epoch
