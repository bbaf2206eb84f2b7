"""Name the tasks: a data set, the networks that learn it, and how much they train."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from torch import Tensor, nn

from kdgan_lib.budget import Augmentation
from kdgan_lib.cifar_nets import cifar10_players
from kdgan_lib.data import Split, load
from kdgan_lib.loop.evaluation import ACCURACY, Criterion
from kdgan_lib.metrics import precision_at, tag_metrics
from kdgan_lib.nets import MLP, mnist_players
from kdgan_lib.tag_nets import tag_players
from kdgan_lib.tag_tables import EMBEDDED, NETWORK
from kdgan_lib.tags import load_tags

Builders = dict[str, Callable[[], nn.Module]]
Value = TypeVar("Value")
HIDDEN = re.compile("h[1-9][0-9]{0,3}")
"""Variant of MNIST's C with another number of hidden units."""


@dataclass(frozen=True)
class Task:
    """What one learns, with what, and how much under the protocol `controlled`."""

    title: str
    """In words."""
    load: Callable[[int | None, int, str], Split]
    """(n, seed, rule of the subset) -> split."""
    players: Callable[[str], Builders]
    """Variant of the networks -> a builder for each seat."""
    n: int
    """Training examples where nothing else is said."""
    updates: Mapping[int, int]
    """Player updates after pretraining, by the least n that gets them."""
    pretraining: Mapping[int, tuple[int, int, int]]
    """Updates of C, T and D before the game, by the least n that gets them."""
    augmentation: Augmentation
    """Random change of the images."""
    pretrained_with: Mapping[int, Mapping[str, Any]] = field(
        default_factory=lambda: {1: {}}
    )
    """Other fields of the budget that pretraining has, by the least n that has them."""
    criterion: Criterion = ACCURACY
    """What a classifier is selected and reported by."""
    settings: tuple[str, ...] = ("controlled",)
    """Files of tuned settings: the first that is there counts, a search writes it."""
    protocols: tuple[str, ...] = ("controlled", "paper", "code")
    """Protocols that can be followed here."""
    subsets: bool = True
    """Whether a rule decides which n training examples are taken."""
    literal_augmentation: Augmentation = "none"
    """Random change of the images that the paper's text names."""
    weight_decay: float = 0.0
    """Penalty on weights where no tuned setting says otherwise."""
    rounded_from: float = float("inf")
    """Least n at which products are computed in bfloat16 (see `precision`)."""
    flushed_from: float = float("inf")
    """Least n at which denormals are flushed where there is weight decay (likewise)."""
    otherwise: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Variant of the networks -> the fields that are other ones there."""

    def player_updates(self, n: int) -> int:
        """Return the declared player updates for a training set of size n."""
        return _at(self.updates, n)

    def pretraining_fields(self, n: int) -> Mapping[str, Any]:
        """Return the budget's fields on how players are pretrained on n examples."""
        return _at(self.pretrained_with, n)

    def passes(self, n: int, batch_size: int) -> tuple[int, ...]:
        """Return the passes of C, T and D before the game, at least one each."""
        batches = -(-n // batch_size)
        return tuple(max(1, updates // batches) for updates in _at(self.pretraining, n))


def task(name: str, variant: str = "default") -> Task:
    """Return a task by name, as it is with a variant of its networks.

    Raises ValueError that lists the names.
    """
    if name not in TASKS:
        raise ValueError(f"No data '{name}'; choose from {', '.join(TASKS)}.")
    found = TASKS[name]
    return replace(found, **found.otherwise.get(variant, {}))


def _at(table: Mapping[int, Value], n: int) -> Value:
    """Return the entry of the largest size that n reaches, or else the first."""
    return table[max((size for size in table if size <= n), default=min(table))]


def _mnist(variant: str) -> Builders:
    """Return MNIST's networks.

    variant: `default`, `released`, `undropped` (no dropout in C), or `h50` (a C with 50
    hidden units).
    """
    if variant in ("default", "released"):
        return mnist_players(initial="he" if variant == "default" else "released")
    if variant == "undropped":
        return {**mnist_players(), "classifier": lambda: MLP(dropout=0.0)}
    if not HIDDEN.fullmatch(variant):
        raise ValueError(
            f"MNIST has no networks '{variant}'; choose from default, released, "
            "undropped (no dropout in C), h50 (50 hidden units; any number to 9,999 "
            "goes)."
        )
    return mnist_players(hidden=int(variant[1:]))


def _images(name: str) -> Callable[[int | None, int, str], Split]:
    return lambda n, seed, rule: load(name, n=n, seed=seed, protocol=rule)


def _tags(
    vocabulary: str,
    hide_named: bool = False,
    collection: str = EMBEDDED,
    network: str = NETWORK,
    grouped: bool = True,
) -> Task:
    named = " whose names are struck from the texts" if hide_named else ""
    seen = f" on {network} features" if network != NETWORK else ""
    apart = "" if grouped else ", near-duplicates in all parts"
    name = collection + ("_random" if vocabulary == "random" else "")
    return Task(
        title=f"{TITLES[collection]}, 200 {vocabulary} tags{named}{seen}{apart}",
        load=lambda n, seed, rule: load_tags(
            vocabulary,
            n,
            seed,
            hide_named,
            collection=collection,
            network=network,
            grouped=grouped,
        ),
        players=lambda variant: tag_players(200, variant, collection, network),
        n=TAGGED[collection][vocabulary],
        updates={1: 1_500, 10_000: 8_000},
        pretraining={1: (360, 720, 360), 10_000: (2_000, 4_000, 2_000)},
        weight_decay=1e-3,
        augmentation="none",
        criterion=PRECISION,
        settings=tuple(dict.fromkeys((name, EMBEDDED))),
        protocols=("controlled", "paper"),
        subsets=False,
    )


def _precision_at_3(logits: Tensor, targets: Tensor) -> float:
    return float(precision_at(logits, targets, 3))


def _tag_report(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Return Table 2's columns, named for a run's record."""
    values = tag_metrics(logits, targets)
    return {name.lower().replace("@", "_at_"): value for name, value in values.items()}


TITLES = {EMBEDDED: "Open Clip Art", "yfcc100m": "YFCC100M"}
TAGGED = {
    EMBEDDED: {"popular": 3_512, "random": 3_147},
    "yfcc100m": {"popular": 20_000, "random": 20_000},
}
"""Training images with a tag of the vocabulary."""
PRECISION = Criterion("precision", _precision_at_3, _tag_report)
"""P@3, by which Figure 3b follows the classifier; Table 2's columns at the end."""

TASKS = {
    "mnist": Task(
        title="MNIST",
        load=_images("mnist"),
        players=_mnist,
        n=100,
        updates={100: 900, 1_000: 3_000, 10_000: 12_000},
        pretraining={
            1: (100, 200, 100),
            1_000: (100, 1_200, 100),
            10_000: (200, 2_000, 200),
        },
        augmentation="affine",
        rounded_from=1_000,
    ),
    "cifar10": Task(
        title="CIFAR-10",
        load=_images("cifar10"),
        players=cifar10_players,
        n=500,
        updates={500: 3_000, 5_000: 9_000, 48_000: 60_000},
        settings=("cifar10", "controlled"),
        pretraining={1: (200, 1_000, 200), 5_000: (500, 3_000, 500)},
        augmentation="mirror",
        # A ResNet that only sees mirrored images knows less than a LeNet.
        pretrained_with={
            1: {},
            5_000: {
                "pretraining_lr": 2e-3,
                "pretraining_schedule": "cosine",
                "teacher_pretraining_augmentation": "crop",
            },
        },
        literal_augmentation="mirror",
        rounded_from=0,
        flushed_from=5_000,
        # As much as a processor without a GPU does in hours.
        otherwise={
            "small": {
                "settings": ("cifar10_small", "cifar10", "controlled"),
                "updates": {500: 3_000, 5_000: 2_400},
                "pretraining": {1: (200, 1_000, 200), 5_000: (500, 1_500, 500)},
            }
        },
    ),
    "openclipart": _tags("popular"),
    "openclipart_random": _tags("random"),
    "openclipart_unnamed": _tags("popular", hide_named=True),
    "openclipart_vgg16": _tags("popular", network="vgg16"),
    "openclipart_ungrouped": _tags("popular", grouped=False),
    "yfcc100m": _tags("popular", collection="yfcc100m"),
    "yfcc100m_random": _tags("random", collection="yfcc100m"),
    "yfcc100m_unnamed": _tags("popular", hide_named=True, collection="yfcc100m"),
}
