"""Measure what a network costs: parameters, bytes, multiply-adds, latency (Table 3)."""

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kdgan_lib.nets import build_players, mnist_players
from kdgan_lib.randomness import derive
from kdgan_lib.threads import on_threads

MNIST = (1, 28, 28)
WARM_UP = 10


@dataclass(frozen=True)
class Size:
    """What a network costs to keep and to ask once."""

    parameters: int
    """Weights and biases, frozen ones included."""
    bytes: int
    """Bytes of the parameters and of the batch statistics as float32."""
    multiply_adds: int
    """Multiply-adds of one example in convolutions and matrix products."""
    latency_ms: float
    """Median milliseconds for one example: CPU, one thread, batch 1."""
    latency_q1_ms: float
    """First quartile of the milliseconds."""
    latency_q3_ms: float
    """Third quartile of the milliseconds."""


def measure_size(module: nn.Module, shape: tuple[int, ...], repeats: int = 101) -> Size:
    """Return a network's size; the module itself is left as it was.

    shape: of one example, without the batch. repeats: timed calls, after 10 to warm up.
    Biases, activations, pools and normalisations are no multiply-adds here, as is
    usual. Raises ValueError if the module cannot take the shape.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}.")
    network = copy.deepcopy(module).cpu().float().eval()
    example = torch.rand(1, *shape, generator=derive(0, "size"))
    tensors = [*network.parameters(), *network.buffers()]
    with on_threads(1), torch.inference_mode():
        multiply_adds = _multiply_adds(network, example)
        times = _milliseconds(network, example, repeats)
    median, low, high = np.quantile(times, (0.5, 0.25, 0.75)).tolist()
    return Size(
        parameters=sum(p.numel() for p in network.parameters()),
        bytes=sum(t.nbytes for t in tensors if t.is_floating_point()),
        multiply_adds=multiply_adds,
        latency_ms=median,
        latency_q1_ms=low,
        latency_q3_ms=high,
    )


def compression_table(widths: Sequence[int], repeats: int = 101) -> pd.DataFrame:
    """Return the sizes of MNIST's C at each width, beside T's in the first row.

    widths: hidden units of either hidden layer of C. Columns: player, hidden (none for
    T), the fields of `Size`, and how many times larger T is in parameters,
    multiply-adds and latency (`parameters_ratio`, ...). Bytes have the ratio of the
    parameters. No accuracy is measured. Source: Table 3.
    """
    teacher = measure_size(build_players(mnist_players(), 0)["teacher"], MNIST, repeats)
    rows = [{"player": "teacher", "hidden": None, **_against(teacher, teacher)}]
    for hidden in widths:
        network = build_players(mnist_players(hidden=hidden), 0)["classifier"]
        size = _against(measure_size(network, MNIST, repeats), teacher)
        rows.append({"player": "classifier", "hidden": hidden, **size})
    return pd.DataFrame(rows).astype({"hidden": "Int64"})


def _against(size: Size, teacher: Size) -> dict[str, object]:
    """Return a size's fields and how many times larger the teacher's are."""
    return {
        **asdict(size),
        "parameters_ratio": teacher.parameters / size.parameters,
        "multiply_adds_ratio": teacher.multiply_adds / size.multiply_adds,
        "latency_ratio": teacher.latency_ms / size.latency_ms,
    }


def _multiply_adds(network: nn.Module, example: Tensor) -> int:
    try:
        with FlopCounterMode(display=False) as counter:
            network(example)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"The network cannot take one example of shape {tuple(example.shape)}: "
            f"{error}"
        ) from error
    return counter.get_total_flops() // 2  # a multiply-add counts as two operations


def _milliseconds(network: nn.Module, example: Tensor, repeats: int) -> list[float]:
    """Return the milliseconds of each call, after the calls to warm up."""
    times = []
    for _ in range(WARM_UP + repeats):
        begun = time.perf_counter()
        network(example)
        times.append(1e3 * (time.perf_counter() - begun))
    return times[WARM_UP:]
