"""How long, how fast and on what terms a method trains: the budget of a run."""

from dataclasses import dataclass, field, fields, replace
from math import cos, pi
from typing import Any, Literal, get_type_hints

from kdgan_lib.choices import LATER, check_choices, check_counts, check_range

Augmentation = Literal[
    "none", "affine", "elastic", "elastic_or_affine", "mirror", "crop"
]
Precision = Literal["float32", "bfloat16"]
Course = Literal["constant", "cosine"]
INTERVALS = ("evaluate_every", "test_every", "teacher_every")
"""Counts of outer epochs between evaluations."""
PRETRAINED = (
    "classifier_pretraining",
    "teacher_pretraining",
    "discriminator_pretraining",
)
"""Counts of supervised passes before the first outer epoch."""


@dataclass(frozen=True)
class Budget:
    """Amounts of training, learning rates, augmentation, evaluation and selection."""

    batch_size: int = 50
    """Examples per update."""
    epochs: int = 100
    """Outer epochs; each holds every phase's passes over the training set."""
    classifier_pretraining: int = 50
    """Supervised passes of C before the first outer epoch."""
    teacher_pretraining: int = 100
    """Supervised passes of T before the first outer epoch; 0 for a T that is brought
    trained, which any method would train anew, in place, and may make worse."""
    discriminator_pretraining: int = 50
    """Passes of D before the first outer epoch."""
    pretraining_lr: float = 1e-3
    """Adam's learning rate of every player while pretraining."""
    pretraining_schedule: Course = field(default="constant", metadata=LATER)
    """That rate over the passes of a player: constant, or half a cosine to zero."""
    classifier_lr: float = 1e-3
    """Adam's learning rate of C."""
    teacher_lr: float = 1e-3
    """Adam's learning rate of T."""
    discriminator_lr: float = 1e-3
    """Adam's learning rate of D."""
    lr_schedule: Course = "constant"
    """Learning rates over the outer epochs: constant, or half a cosine to zero."""
    weight_decay: float = 0.0
    """L2 penalty on weights (not biases), added to the gradient."""
    augmentation: Augmentation = "none"
    """Random change of the images in the outer epochs."""
    pretraining_augmentation: Augmentation = "none"
    """Random change of the images while pretraining."""
    teacher_pretraining_augmentation: Literal["same", Augmentation] = field(
        default="same", metadata=LATER
    )
    """The same for T alone, where it is to differ from the other players'."""
    evaluate_every: int = 2
    """Outer epochs between evaluations of C on the validation set."""
    test_every: int = 10
    """Outer epochs between evaluations of C on the test set (the curves), among those
    at which `evaluate_every` looks, and the last."""
    teacher_every: int = 20
    """Outer epochs between evaluations of T on the validation set, among the same."""
    evaluated: int = 0
    """Examples of a set that an evaluation looks at, the first ones; 0 is all."""
    selection: Literal["validation", "last", "best_test"] = "validation"
    """Which C is reported: best on validation, the last, or best on the test set. They
    are those after an outer epoch: the pretrained C, scored in the curve, is none."""
    precision: Precision = field(default="float32", metadata=LATER)
    """Factors of matrix products on a CPU: bfloat16 rounds them, sums stay float32. A
    GPU rounds them to TF32 there, and does not where this is float32."""
    denormals: Literal["kept", "flushed"] = field(default="kept", metadata=LATER)
    """Numbers below 1e-38 on a CPU: kept, or set to zero."""

    def __post_init__(self) -> None:
        """Refuse amounts and choices that no run could honour."""
        check_choices(self)
        check_counts(self)
        check_range(self, "batch_size", "epochs", *INTERVALS, least=1)
        hints = get_type_hints(type(self))
        amounts = (name for name, hint in hints.items() if hint in (int, float))
        check_range(self, *amounts)

    def but(self, **changes: Any) -> "Budget":
        """Return the same budget with some fields changed.

        Raises ValueError for a field that there is not.
        """
        known = [field.name for field in fields(self)]
        if unknown := [name for name in changes if name not in known]:
            raise ValueError(
                f"A budget has no {unknown[0]!r}; choose from {', '.join(known)}."
            )
        return replace(self, **changes)

    @property
    def looks(self) -> int:
        """Return how often C is scored on validation in the game."""
        return -(-self.epochs // self.evaluate_every)

    def augmentation_before(self, player: str) -> str:
        """Return the random change of the images while a player is pretrained."""
        own = self.teacher_pretraining_augmentation
        if player == "teacher" and own != "same":
            return own
        return self.pretraining_augmentation

    def learning_rate(self, player: str, progress: float = 0.0) -> float:
        """Return a player's learning rate at progress in [0, 1] of the outer epochs."""
        rate = float(getattr(self, f"{player}_lr"))
        return _share(self.lr_schedule, progress) * rate

    def pretraining_rate(self, progress: float = 0.0) -> float:
        """Return every player's rate at progress in [0, 1] of its pretraining."""
        return _share(self.pretraining_schedule, progress) * float(self.pretraining_lr)


def _share(course: Course, progress: float) -> float:
    """Return which share of a learning rate is left at progress in [0, 1]."""
    return 0.5 * (1 + cos(pi * progress)) if course == "cosine" else 1.0
