"""Players' networks: any module that returns one logit per label can take a seat."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from kdgan_lib.randomness import module_randomness

PLAYERS = ("classifier", "teacher", "discriminator")
Players = dict[str, nn.Module]


class MLP(nn.Module):
    """Classify inputs by two hidden ReLU layers (paper: 784-800-800-10)."""

    def __init__(
        self,
        inputs: int = 784,
        hidden: int = 800,
        labels: int = 10,
        dropout: float = 0.12,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            *_hidden_layer(inputs, hidden, dropout),
            *_hidden_layer(hidden, hidden, dropout),
            nn.Linear(hidden, labels),
        )
        self.apply(_xavier)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.layers(inputs)


class LeNet(nn.Module):
    """Classify 28 x 28 images by two 5 x 5 convolutions (32, 64 maps) and fc1024.

    initial: "he" scales weights to the layer's inputs; "released" draws a truncated
    normal of scale 0.1 for every layer, as the released code does.
    """

    def __init__(
        self, labels: int = 10, dropout: float = 0.5, initial: str = "he"
    ) -> None:
        super().__init__()
        self.features = lenet_features(1)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * 7 * 7, 1024),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(1024, labels),
        )
        self.apply({"he": he, "released": _truncated_normal}[initial])
        to_channels_last(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [batch, labels] logits."""
        return self.head(self.features(inputs))


def lenet_features(channels: int) -> nn.Sequential:
    """Return two 5 x 5 convolutions (32, 64 maps), each followed by a halving.

    A ReLU comes after its pool, where it has a quarter of the values: to the bit the
    outputs and gradients of the usual order, in a tenth less time.
    """
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


def he(module: nn.Module) -> None:
    """Draw a layer's weights by the number of its inputs, and set its bias to zero."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        _zero_bias(module)


def to_channels_last(module: nn.Module) -> None:
    """Store the weights of a net's convolutions with the channels last.

    On CPU an update takes 0.8 of the time in MNIST's LeNet and in a ResNet, 0.95 in
    CIFAR-10's other nets.
    """
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def count_parameters(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def mnist_players(
    hidden: int = 800, initial: str = "he"
) -> dict[str, Callable[[], nn.Module]]:
    """Return the paper's MNIST networks: C an MLP, T and D LeNets."""
    return {
        "classifier": lambda: MLP(hidden=hidden),
        "teacher": lambda: LeNet(initial=initial),
        "discriminator": lambda: LeNet(initial=initial),
    }


def build_players(
    builders: dict[str, Callable[[], nn.Module]], seed: int
) -> dict[str, nn.Module]:
    """Initialise each player from its own generator derived from the seed."""
    players = {}
    for name, builder in builders.items():
        with module_randomness(seed, "initialise", name):
            players[name] = builder()
    return players


def _hidden_layer(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        _zero_bias(module)


def _truncated_normal(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.1, a=-0.2, b=0.2)
        _zero_bias(module)


def _zero_bias(module: nn.Linear | nn.Conv2d) -> None:
    if module.bias is not None:
        nn.init.zeros_(module.bias)
