"""Teach small pictures from large ones: a problem of one's own, in a minute (digits).

The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn. C sees them
through a coarse camera of 4 x 4; T and D see all pixels. T has learned elsewhere, from
digits that C never sees.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from tqdm.auto import tqdm

from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.experiments import with_equal_updates
from kdgan_lib.loop.evaluation import evaluate
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.losses import cross_entropy
from kdgan_lib.methods import Method, Noise, Phase
from kdgan_lib.methods import method as method_by_name
from kdgan_lib.methods.base import Logits, LossTerms, weighted_sum
from kdgan_lib.methods.kdgan import KDGAN
from kdgan_lib.names import label_of
from kdgan_lib.nets import build_players
from kdgan_lib.prose import interval
from kdgan_lib.randomness import derive, module_randomness
from kdgan_lib.stats import mean_interval, paired_difference, signed
from kdgan_lib.train import fit

ELSEWHERE, HELD_OUT, TESTED, LABELS = 600, 300, 700, 10
LARGEST = 1_797 - ELSEWHERE - HELD_OUT - TESTED
BUDGET = Budget(
    batch_size=20,
    epochs=100,
    classifier_pretraining=50,
    teacher_pretraining=0,
    discriminator_pretraining=20,
    pretraining_lr=5e-3,
    classifier_lr=5e-3,
    teacher_lr=1e-4,
)


def split(n: int = 100, seed: int = 0) -> tuple[Examples, Split]:
    """Return the examples that T learned from elsewhere, and C's problem.

    inputs are [N, 16], privileged [N, 64], both in [0, 1]. Raises ValueError where n is
    not from 10 to 197.
    """
    if not 10 <= n <= LARGEST:
        raise ValueError(f"n must be from 10 to {LARGEST} digits, not {n}.")
    everything = _pictures()
    sizes = [ELSEWHERE, HELD_OUT, TESTED, LARGEST]
    order = torch.randperm(len(everything), generator=derive(seed, "digits"))
    elsewhere, held_out, tested, rest = (everything[i] for i in order.split(sizes))
    return elsewhere, Split("digits", rest[:n], held_out, tested, LABELS)


@cache
def _pictures() -> Examples:
    pixels, labels = load_digits(return_X_y=True)
    large = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
    small = nn.functional.avg_pool2d(large, 2)
    targets = nn.functional.one_hot(torch.from_numpy(labels).long(), LABELS).float()
    return Examples(small.flatten(1), targets, large.flatten(1))


class Reader(nn.Module):
    """See all 64 pixels, and not the 16 that C sees."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, LABELS)
        )

    def forward(self, inputs: Tensor, privileged: Tensor) -> Tensor:
        """Return [batch, 10] logits."""
        return self.layers(privileged)


def small() -> nn.Module:
    """Return C: 16 pixels, 64 hidden units, 10 logits."""
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, LABELS))


def train_teacher(examples: Examples, seed: int = 0, passes: int = 60) -> Reader:
    """Return a teacher that has learned the examples, as anyone might train it."""
    with module_randomness(seed, "teacher"):
        teacher = Reader()
        descent = torch.optim.Adam(teacher.parameters(), lr=1e-3)
        for _ in range(passes):
            for index in torch.randperm(len(examples)).split(50):
                batch = examples[index]
                logits = teacher(batch.inputs, batch.privileged)
                loss = nn.functional.cross_entropy(logits, batch.targets)
                descent.zero_grad()
                loss.backward()
                descent.step()
    return teacher


def players(teacher: nn.Module, seed: int = 0) -> dict[str, nn.Module]:
    """Return new C and D, and a copy of T, which training would change."""
    builders: dict[str, Callable[[], nn.Module]] = {
        "classifier": small,
        "discriminator": Reader,
    }
    return build_players(builders, seed) | {"teacher": copy.deepcopy(teacher)}


def compare(
    names: Sequence[str],
    n: int,
    seeds: int,
    epochs: int,
    passes: int = 60,
    progress: bool = False,
) -> pd.DataFrame:
    """Return C's test accuracy in percent, one row per seed and a column per method.

    The column `teacher` has T's accuracy before any method has changed it. Every seed
    has its own digits and its own teacher, which all methods share, and all make about
    as many player updates, and looks at held-out digits, as `epochs` of KDGAN.
    """
    rows = []
    with tqdm(total=seeds * len(names), unit="run", disable=not progress) as bar:
        for seed in range(seeds):
            elsewhere, problem = split(n, seed)
            teacher = train_teacher(elsewhere, seed, passes)
            row = {"teacher": percent_right(teacher, problem.test)}
            for name in names:
                budget = equal(name, epochs, n)
                result = fit(name, players(teacher, seed), problem, budget, seed)
                row[name] = 100 * float(result.metrics["test_accuracy"])
                bar.update()
            rows.append(row)
    return pd.DataFrame(rows).rename_axis("seed")


def equal(chosen: Method | str, epochs: int, n: int) -> Budget:
    """Return the budget with the player updates, and looks, of `epochs` of KDGAN."""
    own = method_by_name(chosen) if isinstance(chosen, str) else chosen
    updates = game_updates(KDGAN(), BUDGET.but(epochs=epochs), n)
    return with_equal_updates(own, BUDGET, n, updates)


def balanced(logits: Tensor, targets: Tensor) -> float:
    """Return the mean over labels of the share of their examples that is read right."""
    right = (logits.argmax(1) == targets.argmax(1)).double()
    shares = (right @ targets.double()) / targets.double().sum(0)
    return shares.mean().item()


@dataclass(frozen=True)
class Trusting(Method):
    """Learn the labels, and T's distribution as far as T believes the true label."""

    weight: float = 2.0
    """Weight of what T says."""
    name: ClassVar[str] = "trusting"

    def phases(self) -> tuple[Phase, ...]:
        """Return C's one phase, which reads T."""
        return (Phase("classifier", self.loss, reads=("teacher",)),)

    def loss(
        self, logits: Logits, batch: Examples, noise: Noise, temperature: float
    ) -> LossTerms:
        """Return the labels' cross-entropy plus the trusted part of KL(T, C)."""
        told = logits["teacher"].log_softmax(1)
        apart = (told.exp() * (told - logits["classifier"].log_softmax(1))).sum(1)
        trust = (told.exp() * batch.targets).sum(1)
        labels = cross_entropy(logits["classifier"], batch.targets)
        return weighted_sum(
            {
                "distillation": (self.weight, (trust * apart).mean()),
                "supervised": (1.0, labels),
            }
        )


def percent_right(teacher: nn.Module, examples: Examples) -> float:
    """Return the percentage of examples that a teacher labels right."""
    return 100 * evaluate("teacher", teacher, examples)


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each method's accuracy with its interval, and what it adds to labels.

    scores: as `compare` gives it, with a column `supervised`.
    """
    rows = []
    for name in scores:
        found = mean_interval(scores[name])
        plain = name in ("supervised", "teacher")
        rows.append(
            {
                "trained by": "T, on its own" if name == "teacher" else label_of(name),
                "test accuracy": interval(found.mean, found.lo, found.hi, 1),
                "minus labels alone": "–" if plain else gain(scores, name),
            }
        )
    return pd.DataFrame(rows)


def gain(scores: pd.DataFrame, name: str) -> str:
    """Return what a method adds to labels alone, in points with its interval."""
    return signed(paired_difference(scores[name], scores["supervised"]))


def refusal(call: Callable[[], object]) -> str:
    """Return what a call that must fail says, less its last full stop."""
    try:
        call()
    except (ValueError, FloatingPointError) as error:
        return str(error).rstrip(".")
    raise AssertionError("the call was not refused")


def mistakes(said: Mapping[str, str]) -> pd.DataFrame:
    """Return what was said of each mistake as a table."""
    return pd.DataFrame(list(said.items()), columns=["mistake", "what is said"])
