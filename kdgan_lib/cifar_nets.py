"""CIFAR-10's players: [batch, 3, 32, 32] images to [batch, 10] logits."""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from kdgan_lib.nets import he, lenet_features, to_channels_last

Builders = dict[str, Callable[[], nn.Module]]
Form = Literal["original", "released"]


class CifarLeNet(nn.Module):
    """Classify by two 5 x 5 convolutions (32, 64 maps) and fc100: 464,406 parameters.

    The paper gives a LeNet of 0.5M and no layers: these are MNIST's two convolutions.
    """

    def __init__(self, labels: int = 10) -> None:
        super().__init__()
        self.features = lenet_features(3)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * 8 * 8, 100),
            nn.ReLU(),
            nn.Linear(100, labels),
        )
        self.apply(he)
        to_channels_last(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.head(self.features(inputs))


class TutorialNet(nn.Module):
    """Classify as the released classifier does: 1,756,426 parameters.

    The net of TensorFlow's CIFAR-10 tutorial on whole images, with its initial values:
    truncated normals of its scales, biases of 0.1 behind every ReLU but the first.
    """

    def __init__(self, labels: int = 10) -> None:
        super().__init__()
        # TensorFlow pads a pool only behind the last pixel: that is ceil_mode.
        pools = [nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(2)]
        # torch divides alpha by the 9 maps; TensorFlow's tutorial does it by hand.
        norms = [nn.LocalResponseNorm(9, alpha=0.001, k=1.0) for _ in range(2)]
        self.features = nn.Sequential(
            *(_cut_normal(nn.Conv2d(3, 64, 5, padding=2), 0.05, 0.0), nn.ReLU()),
            *(pools[0], norms[0]),
            *(_cut_normal(nn.Conv2d(64, 64, 5, padding=2), 0.05, 0.1), nn.ReLU()),
            *(norms[1], pools[1]),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            *(_cut_normal(nn.Linear(64 * 8 * 8, 384), 0.04, 0.1), nn.ReLU()),
            *(_cut_normal(nn.Linear(384, 192), 0.04, 0.1), nn.ReLU()),
            _cut_normal(nn.Linear(192, labels), 1 / 192, 0.0),
        )
        to_channels_last(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.head(self.features(inputs))


class ResNet(nn.Module):
    """Classify by a residual network: 3 stages of 16, 32, 64 maps, depth = 6 n + 2.

    depth: 110 has 1,727,962 parameters, 20 has 269,722. Both forms have that count:
    convolutions without bias, two batch normalisations a block and one more, shortcuts
    without parameters (option A: every second pixel, zeros for the new maps). A count
    of 269,722 thus tells option A from option B, but not one form from the other.

    form: "original" adds before the last ReLU of a block (He et al. 2016, CVPR).
    "released" is the released teacher: each block normalises and activates its inputs
    first (He et al. 2016, ECCV), leaky ReLUs of slope 0.1, shortcuts that average 2 x 2
    pixels, epsilon 0.001. Raises ValueError for a depth that is not 6 n + 2.
    """

    def __init__(
        self, depth: int = 110, labels: int = 10, form: Form = "original"
    ) -> None:
        super().__init__()
        blocks, rest = divmod(depth - 2, 6)
        if blocks < 1 or rest:
            raise ValueError(
                f"A ResNet's depth must be 6 n + 2, such as 20 or 110, not {depth}."
            )
        self.stem = nn.Sequential(_conv(3, 16), *_activation(16, form))
        maps = [16] + [m for m in (16, 32, 64) for _ in range(blocks)]
        kind = {"original": _Block, "released": _ReleasedBlock}[form]
        self.blocks = nn.Sequential(
            *(kind(*sizes, first=i == 0) for i, sizes in enumerate(pairwise(maps)))
        )
        last = _activation(64, form) if form == "released" else []
        self.head = nn.Sequential(
            *last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, labels)
        )
        self.apply(_residual_he)
        to_channels_last(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.head(self.blocks(self.stem(inputs)))


class _Block(nn.Module):
    """Add a residual of two convolutions to the inputs, then activate the sum."""

    def __init__(self, inputs: int, outputs: int, first: bool) -> None:
        super().__init__()
        self.stride, self.new_maps = outputs // inputs, outputs - inputs
        self.residual = nn.Sequential(
            _conv(inputs, outputs, self.stride),
            *_activation(outputs, "original"),
            _conv(outputs, outputs),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, outputs, height / stride, width / stride] maps."""
        shortcut = inputs[:, :, :: self.stride, :: self.stride]
        shortcut = _with_zeros(shortcut, self.new_maps)
        return (self.residual(inputs) + shortcut).relu()


class _ReleasedBlock(nn.Module):
    """Add a residual to the inputs; what follows activates the sum.

    first: the stem has activated the inputs already.
    """

    def __init__(self, inputs: int, outputs: int, first: bool) -> None:
        super().__init__()
        self.stride, self.new_maps = outputs // inputs, outputs - inputs
        self.residual = nn.Sequential(
            *([] if first else _activation(inputs, "released")),
            _conv(inputs, outputs, self.stride),
            *_activation(outputs, "released"),
            _conv(outputs, outputs),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, outputs, height / stride, width / stride] maps."""
        shortcut = avg_pool2d(inputs, self.stride) if self.new_maps else inputs
        return self.residual(inputs) + _with_zeros(shortcut, self.new_maps)


VARIANTS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "default": (CifarLeNet, lambda: ResNet(110)),
    "released": (TutorialNet, lambda: ResNet(20, form="released")),
    "small": (CifarLeNet, lambda: ResNet(20)),
}


def cifar10_players(variant: str = "default") -> Builders:
    """Return CIFAR-10's networks by seat: one for C, another for T and D.

    variant: "default" (C a LeNet, T and D ResNet-110: the paper's sizes), "released"
    (the released code's nets), or "small" (C a LeNet, T and D ResNet-20: what a CPU
    can train; its runs never share a cell with those of another variant).
    Raises ValueError for any other.
    """
    if variant not in VARIANTS:
        raise ValueError(
            f"No CIFAR-10 players '{variant}'; choose from {', '.join(VARIANTS)}."
        )
    classifier, teacher = VARIANTS[variant]
    return {"classifier": classifier, "teacher": teacher, "discriminator": teacher}


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


def _activation(maps: int, form: Form) -> list[nn.Module]:
    if form == "released":
        return [nn.BatchNorm2d(maps, eps=1e-3), nn.LeakyReLU(0.1)]
    return [nn.BatchNorm2d(maps), nn.ReLU()]


def _with_zeros(maps: Tensor, new: int) -> Tensor:
    """Return the maps between as many maps of zeros on either side."""
    return pad(maps, (0, 0, 0, 0, new // 2, new // 2)) if new else maps


def _residual_he(module: nn.Module) -> None:
    """Scale convolutions to their outputs, as He et al. and the released code do."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        bound = (3 / module.in_features) ** 0.5
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.zeros_(module.bias)


def _cut_normal(layer: nn.Linear | nn.Conv2d, scale: float, bias: float) -> nn.Module:
    nn.init.trunc_normal_(layer.weight, std=scale, a=-2 * scale, b=2 * scale)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, bias)
    return layer
