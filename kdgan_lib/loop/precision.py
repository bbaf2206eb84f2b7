"""Choose a run's arithmetic: matrix products, convolutions, tiny numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def arithmetic(precision: str, denormals: str = "kept") -> Iterator[None]:
    """Compute the products inside a `with` block in a precision, by one algorithm.

    bfloat16: on a CPU factors are rounded to 8 bits of mantissa; sums and all that is
    stored stay float32. LeNet's updates are 1.7 times faster on processors that have
    the instruction; others go on in float32. On a GPU factors have the 11 bits of TF32.
    float32: nothing is rounded, whatever torch was told outside.
    denormals: whether numbers below 1.2e-38 are kept on a CPU, or flushed to zero.
    Weight decay takes weights that nothing else moves down to them; with two thirds of
    its weights there an update of a LeNet takes 30 times as long.

    On a GPU convolutions are those whose sums have a fixed order: a run that is made
    again there on the same card has the same bits.
    """
    flushed = _flushes()
    try:
        torch.set_flush_denormal(denormals == "flushed")
        with _settings(_products(precision == "bfloat16")):
            yield
    finally:
        torch.set_flush_denormal(flushed)


def _products(rounded: bool) -> list[tuple[Any, str, object]]:
    """Return which attribute of which part of torch decides on products, and its value.

    Those by which torch 2.9 replaced `allow_tf32`, which refuses to be read where they
    are set: in the block it may not be.
    """
    cpu: Any = torch.backends.mkldnn
    gpu: Any = torch.backends.cudnn
    on_cpu, on_gpu = ("bf16", "tf32") if rounded else ("ieee", "ieee")
    return [
        *((part, "fp32_precision", on_cpu) for part in (cpu.conv, cpu.matmul)),
        *((part, "fp32_precision", on_gpu) for part in (gpu.conv, gpu.rnn)),
        (torch.backends.cuda.matmul, "fp32_precision", on_gpu),
        *((gpu, "deterministic", True), (gpu, "benchmark", False)),
    ]


@contextmanager
def _settings(wanted: list[tuple[Any, str, object]]) -> Iterator[None]:
    """Give attributes other values inside the block."""
    before = [getattr(part, name) for part, name, _ in wanted]
    try:
        for part, name, value in wanted:
            setattr(part, name, value)
        yield
    finally:
        for (part, name, _), value in zip(wanted, before, strict=True):
            setattr(part, name, value)


def _flushes() -> bool:
    """Tell whether this thread flushes denormal numbers; torch does not say."""
    return float(torch.tensor(2e-38, device="cpu") / 4) == 0
