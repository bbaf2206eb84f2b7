"""Load data sets as tensors in memory, with seeded splits by protocol."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from kdgan_lib.images import (
    CIFAR10,
    MNIST,
    DataCorrupt,
    DataMissing,
    ImageSet,
    RawImages,
    read_images,
)
from kdgan_lib.randomness import derive_seed

__all__ = [
    "DATASETS",
    "SUBSETS",
    "DataCorrupt",
    "DataMissing",
    "Examples",
    "Split",
    "load",
]

Entry = TypeVar("Entry")

CONTROLLED_VALIDATION = 2_000
"""Training images that the protocol `controlled` holds out."""
PAPER_POOL = 50_000
"""First training images, from which the protocol `paper` draws."""
PAPER_VALIDATION = 10_000
"""Most images that the protocol `paper` holds out."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Instances and what is known of their labels."""

    inputs: Tensor
    """[N, ...] what the classifier sees"""
    targets: Tensor
    """[N, K] float: p_u(y|x), one-hot or a normalised multi-hot vector"""
    privileged: Tensor | None = None
    """[N, ...] what only the teacher and the discriminator see besides"""

    @property
    def labels(self) -> Tensor:
        """Return the most probable label of each instance, long [N]."""
        return self.targets.argmax(1)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: slice | Tensor) -> "Examples":
        """Return the examples at a slice or at the indices of a tensor."""
        privileged = self.privileged
        return Examples(
            self.inputs[index],
            self.targets[index],
            None if privileged is None else privileged[index],
        )

    def to(self, device: torch.device | str) -> "Examples":
        """Return the same examples on a device."""
        privileged = self.privileged
        return Examples(
            self.inputs.to(device),
            self.targets.to(device),
            None if privileged is None else privileged.to(device),
        )


@dataclass(frozen=True, eq=False)
class Split:
    """A data set cut into what one may train on, select on, and report on."""

    name: str
    """Name of the data set."""
    train: Examples
    """The training subset."""
    validation: Examples
    """Held-out instances for selection; none under the protocol `code`."""
    test: Examples
    """The published test set."""
    num_labels: int
    """Number of labels K."""

    def to(self, device: torch.device | str) -> "Split":
        """Return the same split on a device."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
        )


def load(
    name: str,
    n: int | None = None,
    seed: int = 0,
    protocol: str = "controlled",
    folder: Path | str | None = None,
) -> Split:
    """Return `n` training instances of a data set, with validation and test sets.

    `n=None` takes all that the protocol leaves for training. MNIST: float32
    [N, 1, 28, 28] in [0, 1]. CIFAR-10: float32 [N, 3, 32, 32], in [0, 1] less the
    mean of the split's own training images at each pixel.
    Raises ValueError for a wrong argument, DataMissing, DataCorrupt.
    """
    image_set = _named(name, DATASETS, "data set")
    rule = _named(protocol, SUBSETS, "protocol")
    seed = _whole(seed, 0, 2**32 - 1, "seed must be")
    raw = read_images(image_set, folder)
    limit = rule.limit(len(raw.train_labels))
    start = f"n for {image_set.title} under {protocol!r} must be"
    n = limit if n is None else _whole(n, 1, limit, start)
    generator = np.random.default_rng(derive_seed(seed, "subset", name))
    train, validation = rule.choose(raw.train_labels, n, generator)
    return _cut(image_set, raw, train, validation)


def choose_controlled(
    labels: np.ndarray, n: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of n training and of 2,000 validation images.

    Both are class-balanced, as evenly as n and the data allow. With the same
    generator a smaller subset is part of a larger one, and validation is the same.
    """
    order = _interleave(labels, generator)
    held_out, pool = np.split(order, [CONTROLLED_VALIDATION])
    return pool[:n], held_out


def choose_paper(
    labels: np.ndarray, n: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return n uniformly random positions of the first 50,000, and validation.

    Validation is what follows the first 50,000; where nothing does (CIFAR-10), it is
    at most 10,000 of the images not drawn, and none at n = 50,000.
    """
    pool = generator.permutation(min(PAPER_POOL, len(labels)))
    after = np.arange(len(pool), len(labels))
    return pool[:n], after if len(after) else pool[n:][-PAPER_VALIDATION:]


def choose_code(
    labels: np.ndarray, n: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the last n positions and no validation, whatever the generator."""
    return np.arange(len(labels) - n, len(labels)), np.arange(0)


def choose_last(
    labels: np.ndarray, n: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the last n positions, and 2,000 class-balanced ones of the others."""
    others, train = np.split(np.arange(len(labels)), [len(labels) - n])
    order = _interleave(labels[others], generator)
    return train, others[order[:CONTROLLED_VALIDATION]]


def _interleave(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return all positions, shuffled, one of each class in turn while they last."""
    shuffled = generator.permutation(len(labels))
    classes = generator.permutation(int(labels.max()) + 1)
    turn = np.empty(len(labels), np.int64)  # how many of its class come before it
    for label in classes:
        members = labels[shuffled] == label
        turn[members] = np.arange(members.sum())
    return shuffled[np.lexsort((np.argsort(classes)[labels[shuffled]], turn))]


def _cut(
    image_set: ImageSet, raw: RawImages, train: np.ndarray, validation: np.ndarray
) -> Split:
    """Turn positions into tensors, prepared as the data set asks."""
    inputs = [
        _scaled(raw.train_images[train]),
        _scaled(raw.train_images[validation]),
        _scaled(raw.test_images),
    ]
    if image_set.center:
        mean = inputs[0].mean(0)
        for each in inputs:
            each.sub_(mean)
    labels = [raw.train_labels[train], raw.train_labels[validation], raw.test_labels]
    targets = [_one_hot(each, image_set.num_labels) for each in labels]
    train_part, validation_part, test_part = map(Examples, inputs, targets)
    name, count = image_set.name, image_set.num_labels
    return Split(name, train_part, validation_part, test_part, count)


def _scaled(pixels: np.ndarray) -> Tensor:
    """Return uint8 pixels as float32 in [0, 1]."""
    return torch.from_numpy(pixels.astype(np.float32)).div_(255)


def _one_hot(labels: np.ndarray, num_labels: int) -> Tensor:
    positions = torch.from_numpy(labels.astype(np.int64))
    return torch.nn.functional.one_hot(positions, num_labels).float()


def _named(name: str, registry: dict[str, Entry], what: str) -> Entry:
    """Return a registry's entry, or name the entries there are."""
    try:
        return registry[name]
    except (KeyError, TypeError):
        names = ", ".join(registry)
        raise ValueError(f"{name!r} is no {what}: choose from {names}.") from None


def _whole(value: object, low: int, high: int, start: str) -> int:
    """Return a whole number in a range, or say what was allowed."""
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if low <= number <= high:
        return number
    allowed = f"a whole number from {low:,} to {high:,}"
    raise ValueError(f"{start} {allowed}, not {value!r}.")


@dataclass(frozen=True)
class Protocol:
    """A rule by which training and validation images are chosen."""

    limit: Callable[[int], int]
    """Largest n, given the number of published training images."""
    choose: Callable[
        [np.ndarray, int, np.random.Generator], tuple[np.ndarray, np.ndarray]
    ]
    """Give (train, validation) positions from labels, n and a generator."""


DATASETS: dict[str, ImageSet] = {each.name: each for each in (MNIST, CIFAR10)}
SUBSETS: dict[str, Protocol] = {
    "controlled": Protocol(
        lambda size: size - CONTROLLED_VALIDATION, choose_controlled
    ),
    "paper": Protocol(lambda size: min(size, PAPER_POOL), choose_paper),
    "code": Protocol(lambda size: size, choose_code),
    "last": Protocol(lambda size: size - CONTROLLED_VALIDATION, choose_last),
}
