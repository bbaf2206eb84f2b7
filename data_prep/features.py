"""Turn pictures into feature vectors, a batch at a time."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from data_prep.networks import BACKBONES, load_backbone

Extractor = Callable[[Iterable[NDArray[np.uint8]]], Iterator[NDArray[np.float16]]]
"""Turns pictures into batches of features `[batch, width]`."""


def extractor(name: str, weights: Path) -> Extractor:
    """Return a function of pictures whose network is loaded when it is first used."""

    @cache
    def network() -> nn.Module:
        return load_backbone(name, weights)

    def run(pictures: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float16]]:
        yield from extract(network(), pictures, BACKBONES[name].side)

    return run


def extract(
    network: nn.Module,
    pictures: Iterable[NDArray[np.uint8]],
    side: int,
    batch_size: int = 32,
) -> Iterator[NDArray[np.float16]]:
    """Yield float16 features `[batch, width]` of `[height, width, 3]` pictures."""
    batch: list[NDArray[np.uint8]] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == batch_size:
            yield _forward(network, batch, side)
            batch = []
    if batch:
        yield _forward(network, batch, side)


def _forward(
    network: nn.Module, batch: list[NDArray[np.uint8]], side: int
) -> NDArray[np.float16]:
    pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float()
    if pixels.shape[2:] != (side, side):
        pixels = F.interpolate(
            pixels, (side, side), mode="bilinear", align_corners=False, antialias=True
        )
    with torch.inference_mode():
        features = network(pixels.contiguous(memory_format=torch.channels_last))
    return features.numpy().astype(np.float16)
