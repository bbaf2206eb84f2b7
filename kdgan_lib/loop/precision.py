"""Choose the arithmetic of a CPU: matrix products, convolutions, tiny numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def arithmetic(precision: str, denormals: str = "kept") -> Iterator[None]:
    """Compute the products inside a `with` block in a precision.

    bfloat16: factors are rounded to 8 bits of mantissa; sums and all that is stored
    stay float32. LeNet's updates are 1.7 times faster on processors that have the
    instruction; others go on in float32. float32 changes nothing.
    denormals: whether numbers below 1.2e-38 are kept, or flushed to zero. Weight decay
    takes weights that nothing else moves down to them; with two thirds of its weights
    there an update of a LeNet takes 30 times as long.
    """
    backend: Any = torch.backends.mkldnn
    products = (backend.conv, backend.matmul)
    before = [each.fp32_precision for each in products]
    flushed = _flushes()
    try:
        torch.set_flush_denormal(denormals == "flushed")
        if precision == "bfloat16":
            for each in products:
                each.fp32_precision = "bf16"
        yield
    finally:
        for each, mode in zip(products, before, strict=True):
            each.fp32_precision = mode
        torch.set_flush_denormal(flushed)


def _flushes() -> bool:
    """Tell whether this thread flushes denormal numbers; torch does not say."""
    return float(torch.tensor(2e-38) / 4) == 0
