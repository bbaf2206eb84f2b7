"""Declare runs: what a run is, and the settings that each protocol prescribes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from torch import nn

from kdgan_lib.budget import INTERVALS, PRETRAINED, Budget, Precision
from kdgan_lib.choices import identity
from kdgan_lib.columns import check_columns
from kdgan_lib.data import SUBSETS, Split
from kdgan_lib.loop.schedule import GAME, stages, updates_per_epoch
from kdgan_lib.methods import METHODS, Method, method
from kdgan_lib.names import ADVERSARIAL, COMPARED, PROTOCOLS
from kdgan_lib.nets import build_players
from kdgan_lib.runs import run_id
from kdgan_lib.tasks import Task, task

PROFILES = ("smoke", "book", "paper")
SETTINGS = files("kdgan_lib") / "settings"

SETTINGS_OF = {"kdgan_adaptive": "kdgan"}
"""Whose tuned settings a method takes that was not searched itself."""

# Outer epochs of the released schedule. Its scripts use 10 for NaGAN and 60 to 100 for
# KDGAN; an epoch holds 40 passes, so 12 of them are 4,800 player updates at n = 100.
RELEASED_EPOCHS = {"kdgan": 12, "kdgan_wo_gm": 12}


@dataclass(frozen=True)
class Run:
    """One run, fully declared: what it trains, on what, by which protocol."""

    method: Method
    """The method with its hyperparameters."""
    data: str
    """Data set."""
    n: int
    """Training examples."""
    protocol: str
    """paper, code or controlled."""
    profile: str
    """smoke, book or paper: how much of the training is done."""
    seed: int
    """Seed of the subset, the initial weights, the order and the noise."""
    budget: Budget
    """Amounts of training and learning rates."""
    variant: str = "default"
    """Which networks, where a data set has several."""
    subset: str = ""
    """Rule of the training subset; empty is the protocol's own."""

    def __post_init__(self) -> None:
        """Refuse no examples, and a look at the test set under `controlled`."""
        _check_size(self.n)
        check_columns(self.method, [field.name for field in fields(self)])
        if self.protocol == "controlled" and self.budget.selection != "validation":
            raise ValueError(
                "The protocol 'controlled' selects on validation, not by "
                f"'{self.budget.selection}': leave selection alone, or choose the "
                "protocol paper or code."
            )

    def configuration(self) -> dict[str, object]:
        """Return everything that the run's numbers depend on, as plain values."""
        return {
            "method": self.method.name,
            "data": self.data,
            "n": self.n,
            "protocol": self.protocol,
            "profile": self.profile,
            "seed": self.seed,
            **({"variant": self.variant} if self.variant != "default" else {}),
            **({"subset": self.subset} if self.subset else {}),
            **identity(self.method),
            **identity(self.budget),
        }

    @property
    def id(self) -> str:
        """Return the run's identity."""
        return run_id(self.configuration())

    @property
    def task(self) -> Task:
        """Return the task that the run's data set belongs to."""
        return task(self.data, self.variant)

    def split(self) -> Split:
        """Return the data as the run sees them."""
        return self.task.load(self.n, self.seed, self.subset or self.protocol)

    def players(self) -> dict[str, nn.Module]:
        """Return the players at their initial weights."""
        builders = self.task.players(self.networks)
        wanted = {seat: builders[seat] for seat in self.method.seats()}
        return build_players(wanted, self.seed)

    @property
    def networks(self) -> str:
        """Return the variant that is built: under `code` the released networks."""
        released = self.protocol == "code" and self.variant == "default"
        return "released" if released else self.variant


def from_configuration(row: dict[str, object]) -> Run:
    """Return the run whose record has these values; extra columns are ignored."""
    known = method(str(row["method"]))  # refuses a name that it does not know
    usual = known.hyperparameters()
    hyper = {k: _like(v, row.get(k, v)) for k, v in usual.items()}
    amounts = {k: _like(v, row.get(k, v)) for k, v in asdict(Budget()).items()}
    return Run(
        method(known.name, **hyper),
        str(row["data"]),
        int(float(str(row["n"]))),
        str(row["protocol"]),
        str(row["profile"]),
        int(float(str(row["seed"]))),
        Budget().but(**amounts),
        str(_like("default", row.get("variant"))),
        str(_like("", row.get("subset"))),
    )


def declare(
    name: str,
    data: str = "mnist",
    n: int | None = None,
    protocol: str = "controlled",
    profile: str = "paper",
    seed: int = 0,
    variant: str = "default",
    subset: str = "",
) -> Run:
    """Return the run that a protocol prescribes for a method, a data set and a size.

    Without n the data set's usual size is taken. Raises ValueError for a name that does
    not exist, for what a protocol does not have, and for a size below 1.
    """
    for value, allowed, what in (
        (name, tuple(METHODS), "method"),
        (protocol, PROTOCOLS, "protocol"),
        (profile, PROFILES, "profile"),
        (subset or protocol, tuple(SUBSETS), "subset"),
    ):
        if value not in allowed:
            raise ValueError(f"No {what} '{value}'; choose from {', '.join(allowed)}.")
    if protocol != "controlled" and name not in COMPARED:
        raise ValueError(f"'{name}' is not in the paper: use the protocol controlled.")
    learned = task(data, variant)
    n = learned.n if n is None else n
    if protocol not in learned.protocols or (subset and not learned.subsets):
        raise ValueError(
            f"{data} has no protocol 'code' and no other subset: leave them out."
        )
    prescribed, budget = _PRESCRIPTIONS[protocol](name, learned, n)
    budget = _cut(budget, profile)
    run = Run(prescribed, data, n, protocol, profile, seed, budget, variant, subset)
    learned.players(run.networks)  # refuses a variant that there is none of
    return run


def with_equal_updates(chosen: Method, budget: Budget, n: int, updates: int) -> Budget:
    """Return the budget with as many whole outer epochs as player updates allow.

    On MNIST's sizes that is the given number; elsewhere up to one epoch less.
    """
    game = next(s for s in stages(chosen, budget) if s.name == GAME)
    epochs = max(1, updates // updates_per_epoch(game, n, budget.batch_size))
    return budget.but(
        epochs=epochs,
        evaluate_every=max(1, epochs // 50),
        test_every=max(1, epochs // 50) * 5,
        teacher_every=max(1, epochs // 50) * 10,
    )


def controlled_base(learned: Task, n: int) -> Budget:
    """Return what every method shares under `controlled`.

    Raises ValueError for a size below 1.
    """
    _check_size(n)  # no epoch of no examples holds an update to count by
    batch_size = 50 if n <= 1_000 else 100
    classifier, teacher, discriminator = learned.passes(n, batch_size)
    return Budget(
        batch_size=batch_size,
        classifier_pretraining=classifier,
        teacher_pretraining=teacher,
        discriminator_pretraining=discriminator,
        augmentation=learned.augmentation,
        pretraining_augmentation=learned.augmentation,
        selection="validation",
        weight_decay=learned.weight_decay,
        precision=_precision(learned, n),
        **learned.pretraining_fields(n),
    )


def controlled_budget(learned: Task, n: int, tuned: Mapping[str, Any]) -> Budget:
    """Return `controlled_base` with a method's tuned fields."""
    budget = controlled_base(learned, n).but(**tuned)
    if budget.weight_decay and n >= learned.flushed_from:
        budget = budget.but(denormals="flushed")
    return budget


def _check_size(n: int) -> None:
    if n < 1:
        raise ValueError(f"n must be at least 1 training example, not {n}.")


def _precision(learned: Task, n: int) -> Precision:
    return "bfloat16" if n >= learned.rounded_from else "float32"


@cache
def settings(file: str) -> dict[str, dict[str, dict]]:
    """Return the tuned settings of each method: hyperparameters and learning rates."""
    path = SETTINGS / f"{file}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _tuned(name: str, learned: Task) -> dict[str, dict]:
    key = SETTINGS_OF.get(name, name)
    found = (file[key] for file in map(settings, learned.settings) if key in file)
    return next(found, {})


def _controlled(name: str, learned: Task, n: int) -> tuple[Method, Budget]:
    tuned = _tuned(name, learned)
    chosen = method(name, **tuned.get("hyperparameters", {}))
    budget = controlled_budget(learned, n, tuned.get("budget", {}))
    return chosen, with_equal_updates(chosen, budget, n, learned.player_updates(n))


def _paper(name: str, learned: Task, n: int) -> tuple[Method, Budget]:
    """Return the text's setting; rates it leaves open are `controlled`'s tuned ones."""
    tuned = _tuned(name, learned)
    literal = {"distn": {"distillation": "kl"}, "kdgan": {"estimator": "relaxed_score"}}
    literal["nagan"] = {"estimator": "relaxed_score"}
    weights = ("alpha", "beta", "gamma")
    chosen = {k: v for k, v in tuned.get("hyperparameters", {}).items() if k in weights}
    prescribed = method(name, **chosen, **literal.get(name, {}))
    rates = {k: v for k, v in tuned.get("budget", {}).items() if k.endswith("_lr")}
    preprocessing = learned.literal_augmentation
    budget = controlled_base(learned, n).but(
        augmentation=preprocessing,
        pretraining_augmentation=preprocessing,
        teacher_pretraining_augmentation="same",
        selection="last",
        **rates,
    )
    updates = learned.player_updates(n)
    return prescribed, with_equal_updates(prescribed, budget, n, updates)


def _code(name: str, learned: Task, n: int) -> tuple[Method, Budget]:
    budget = Budget(
        batch_size=10 if n <= 100 else 50 if n <= 1_000 else 100,
        epochs=RELEASED_EPOCHS.get(
            name, 400 if n <= 100 else 200 if n <= 1_000 else 100
        ),
        classifier_pretraining=200,
        teacher_pretraining=200,
        discriminator_pretraining=200,
        augmentation=learned.augmentation,
        selection="best_test",
        evaluate_every=1,
        test_every=1,
        teacher_every=10,
        precision=_precision(learned, n),
    )
    if name not in ADVERSARIAL:
        distn = {"distillation": "released_l2"} if name == "distn" else {}
        return method(name, **distn), budget.but(evaluate_every=5, test_every=5)
    game: dict[str, object] = {
        "draws": 25,
        "positive_draws": 5,
        "negative_draws": 20,
        "schedule": "released",
        "discriminator_start": "labels",
        "estimator": "reinforce" if name == "kdgan_wo_gm" else "bce_to_discriminator",
    }
    if name == "nagan":
        epochs, d_passes, c_passes = (20, 20, 10) if n == 10_000 else (10, 5, 5)
        passes = {"discriminator_passes": d_passes, "classifier_passes": c_passes}
        budget = budget.but(weight_decay=4e-5, epochs=epochs)
        return method(name, **game, **passes), budget
    game |= {"discriminator_passes": 20, "teacher_passes": 10, "classifier_passes": 10}
    game |= {"alpha": 0.2 if n == 10_000 else 0.1, "gamma": 1e-4}
    game |= {"beta": 0.25 if n == 1_000 else 2.0}
    rates = {f"{seat}_lr": 5e-4 for seat in ("classifier", "teacher", "discriminator")}
    return method(name, **game), budget.but(weight_decay=4e-5, **rates)


def _cut(budget: Budget, profile: str) -> Budget:
    """Return the budget itself, a tenth of it, or the least that runs every line."""
    if profile == "paper":
        return budget
    share = 10 if profile == "book" else 10**9
    least = 5 if profile == "book" else 2
    cut = {
        k: min(getattr(budget, k), max(least, getattr(budget, k) // share))
        for k in ("epochs", *PRETRAINED)
    }
    every = dict.fromkeys(INTERVALS, 1)
    return budget.but(**cut, **every, evaluated=500 if profile == "smoke" else 0)


def _like(default: object, value: object) -> object:
    """Return a table's value in the default's type; the default where it has none.

    A table turns int into float, and has NaN where a column is not the run's own.
    """
    missing = value is None or value != value
    return default if missing else type(default)(value)  # type: ignore[call-arg]


_PRESCRIPTIONS: dict[str, Callable[[str, Task, int], tuple[Method, Budget]]] = {
    "controlled": _controlled,
    "paper": _paper,
    "code": _code,
}
