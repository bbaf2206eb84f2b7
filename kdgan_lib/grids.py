"""Declare every figure's and table's grid of runs, most valuable first."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

from kdgan_lib import beyond_grids, tag_grids
from kdgan_lib.budget import INTERVALS
from kdgan_lib.experiments import Run, declare
from kdgan_lib.names import ADVERSARIAL, COMPARED
from kdgan_lib.randomness import TUNING_SEED
from kdgan_lib.variations import (
    GAMMAS,
    axes,
    changed,
    compared,
    distinct,
    passes_of,
    varied,
    with_change,
)

HEAT_MAP = ((0.1, 0.3, 0.5, 0.7, 0.9), (1e-2, 1e-1, 1e0, 1e1))
"""Values of alpha and of beta that are crossed."""
RELEASED_LENGTH = 60
"""Outer epochs of KDGAN in the released script for MNIST, at the least."""
LONG_RIVALS = ("codis", "nagan")
"""Methods that are run at that length, too."""
WIDTHS = (20, 50, 100, 200, 400, 800)
"""Hidden units of Table 3's classifiers."""
SHORTER: dict[str, Any] = {"updates": 1 / 4}
"""Change of the budget of Figure 4 where n = 10,000: 66 runs in CPU hours, not days."""
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
"""Training images of the sample-size curve."""


def figure3a(profile: str = "paper") -> list[Run]:
    """Return Figure 3a's runs at n = 100."""
    return [
        *compared(COMPARED, 10, profile=profile),
        *compared(ADVERSARIAL, 5, profile=profile, protocol="paper"),
        *compared(ADVERSARIAL, 5, profile=profile, protocol="code"),
    ]


def table1(profile: str = "paper") -> list[Run]:
    """Return Table 1: eight methods, six columns, three protocols.

    CIFAR-10 with ResNet-110 needs a GPU; the columns of `small` networks are what a CPU
    affords, and fill no cell of the paper's.
    """
    cells: list[tuple[dict[str, Any], int]] = [
        ({"n": 100}, 10),
        ({"n": 1_000}, 10),
        ({"n": 100, "protocol": "paper"}, 5),
        ({"n": 100, "protocol": "code"}, 5),
        ({"data": "cifar10", "n": 500, "variant": "small"}, 3),
        ({"n": 10_000}, 3),
        ({"n": 1_000, "protocol": "paper"}, 5),
        ({"n": 1_000, "protocol": "code"}, 5),
        ({"data": "cifar10", "n": 5_000, "variant": "small"}, 3),
        ({"data": "cifar10", "n": 500}, 10),
        ({"data": "cifar10", "n": 5_000}, 10),
        ({"n": 10_000, "protocol": "paper"}, 5),
        ({"n": 10_000, "protocol": "code"}, 5),
        ({"data": "cifar10", "n": 48_000}, 10),
        ({"data": "cifar10", "n": 500, "protocol": "paper"}, 5),
        ({"data": "cifar10", "n": 500, "protocol": "code"}, 5),
        ({"data": "cifar10", "n": 5_000, "protocol": "paper"}, 5),
        ({"data": "cifar10", "n": 5_000, "protocol": "code"}, 5),
        ({"data": "cifar10", "n": 50_000, "protocol": "paper"}, 5),
        ({"data": "cifar10", "n": 50_000, "protocol": "code"}, 5),
    ]
    return distinct(
        run
        for cell, seeds in cells
        for run in compared(COMPARED, seeds, profile=profile, **cell)
    )


def released_length(profile: str = "paper") -> list[Run]:
    """Return KDGAN under `code` at n = 100 with the released script's outer epochs.

    And its strongest rivals there with as many player updates, and looks at the test
    set.
    """
    runs = compared(("kdgan", *LONG_RIVALS), 5, profile=profile, protocol="code")
    return [_long(run) for run in runs] if profile == "paper" else runs


def _long(run: Run) -> Run:
    """Return a run of KDGAN's released length."""
    kdgan = declare("kdgan", n=run.n, protocol=run.protocol, profile=run.profile)
    epochs = RELEASED_LENGTH * passes_of(kdgan.method) // passes_of(run.method)
    looks = dict.fromkeys(("evaluate_every", "test_every"), epochs // RELEASED_LENGTH)
    return replace(run, budget=run.budget.but(epochs=epochs, **looks))


CONTROLS: dict[str, dict[str, Any]] = {
    "beta = 0": {"method": "kdgan", "hyper": {"beta": 0.0}},
    "gamma = 0": {"method": "kdgan", "hyper": {"gamma": 0.0}},
    "without D": {"method": "kdgan", "hyper": {"adversarial": 0.0}},
    "exact gradient": {"method": "kdgan", "hyper": {"estimator": "exact"}},
    "with the labels' cross-entropy": {
        "method": "kdgan",
        "hyper": {"supervision": 1.0},
    },
    "without D, C's updates as many as in KDGAN": {
        "method": "kdgan",
        "hyper": {"adversarial": 0.0},
        "updates": 2 / 3,
    },
    "supervised with as many updates of C as in KDGAN": {
        "method": "supervised",
        "updates": 1 / 3,
    },
    "mimic with KDGAN's rate and updates of C": {
        "method": "mimic",
        "rates_of": "kdgan",
        "updates": 1 / 3,
    },
    "mimic with T pretrained without augmentation": {
        "method": "mimic",
        "budget": {"teacher_pretraining_augmentation": "none"},
    },
    "mimic with C and T pretrained without augmentation": {
        "method": "mimic",
        "budget": {"pretraining_augmentation": "none"},
    },
    **{
        f"{name} without augmentation": {
            "method": name,
            "budget": {"augmentation": "none", "pretraining_augmentation": "none"},
        }
        for name in COMPARED
    },
    **{
        f"{name} on the last n images": {"method": name, "subset": "last"}
        for name in ("mimic", "codis", "nagan", "kdgan")
    },
}
"""Table of controls: what differs from the method's prescribed run."""


def controls(profile: str = "paper") -> list[Run]:
    """Return the controls at n = 100 and n = 1,000, and what they are compared with."""
    return distinct(
        run
        for n, seeds in ((100, 5), (1_000, 3))
        for seed in range(seeds)
        for run in (
            *(declare(name, n=n, seed=seed, profile=profile) for name in COMPARED),
            *(control(name, n, seed, profile) for name in CONTROLS),
        )
    )


def control(name: str, n: int, seed: int, profile: str = "paper") -> Run:
    """Return a run of the table of controls."""
    return with_change(CONTROLS[name], n, seed, profile)


def sample_size(profile: str = "paper") -> list[Run]:
    """Return accuracy against the number of labelled images (T1.43, T1.44)."""
    return [run for n in SIZES for run in compared(COMPARED, 3, n=n, profile=profile)]


def table3(profile: str = "paper") -> list[Run]:
    """Return classifiers of 20 to 800 hidden units at n = 100 (Table 3)."""
    return [
        run
        for width in WIDTHS
        for run in compared(
            ("supervised", "mimic", "kdgan"), 3, variant=f"h{width}", profile=profile
        )
    ]


def table3_controls(profile: str = "paper") -> list[Run]:
    """Return Table 3's MIMIC with KDGAN's rate and updates of C, for every width."""
    change = CONTROLS["mimic with KDGAN's rate and updates of C"]
    return [
        changed(run, change)
        for width in WIDTHS
        for run in compared(("mimic",), 3, variant=f"h{width}", profile=profile)
    ]


def distillation_forms(profile: str = "paper") -> list[Run]:
    """Return KDGAN with squared distances of logits, and with KL instead (M21).

    The tuned beta belongs to the squared distance, whose gradient is far larger: KL
    gets larger ones, too.
    """
    betas: tuple[dict[str, Any], ...] = ({}, {"beta": 2.0}, {"beta": 20.0})
    return varied(profile, *({"distillation": "kl", **beta} for beta in betas))


def temperature(profile: str = "paper") -> list[Run]:
    """Return KDGAN under the paper's temperatures and under constant ones (M22)."""
    constant = ({"tau_start": tau, "tau_end": tau} for tau in (0.1, 0.5, 1.0))
    return varied(profile, {"tau_start": 1.0, "tau_end": 0.1}, *constant)


def figure6(profile: str = "paper") -> list[Run]:
    """Return KDGAN whose teacher learns from the classifier, and not (M23, F6)."""
    return varied(profile, {"gamma": 0.0}, {"gamma": 1e-2})


def figure4(profile: str = "paper") -> list[Run]:
    """Return KDGAN over alpha, beta and gamma on MNIST, one at a time, then crossed.

    Products are computed in bfloat16 here at every n, the tuned setting's too. With
    n = 10,000 the game has as many player updates as with n = 1,000.
    """
    crossed = [{"alpha": a, "beta": b} for a, b in product(*HEAT_MAP)]
    largest = varied(profile, *axes(), seeds=3, n=10_000)
    runs = [
        *varied(profile, *axes(), seeds=5, n=100),
        *varied(profile, *crossed, seeds=3, n=100),
        *varied(profile, *axes(), seeds=3, n=1_000),
        *(changed(run, SHORTER) for run in largest),
    ]
    return distinct(
        replace(run, budget=run.budget.but(precision="bfloat16")) for run in runs
    )


def figure4_cifar10(profile: str = "paper") -> list[Run]:
    """Return KDGAN over gamma on CIFAR-10, n = 500, with small networks (F4.6)."""
    gammas = [{"gamma": gamma} for gamma in GAMMAS]
    where = {"data": "cifar10", "n": 500, "variant": "small"}
    return varied(profile, *gammas, seeds=3, **where)


PRETRAINING: tuple[dict[str, Any], ...] = tuple(
    {"teacher_pretraining_augmentation": images, **rate}
    for rate in (
        {"pretraining_schedule": "constant", "pretraining_lr": 1e-3},
        {"pretraining_schedule": "cosine", "pretraining_lr": 2e-3},
    )
    for images in ("mirror", "crop")
)
"""Ways to pretrain CIFAR-10's small T that were tried."""


def cifar10_teachers(profile: str = "paper") -> list[Run]:
    """Return CIFAR-10's small T by each way to pretrain it, on a seed of no table.

    C, which starts untrained, follows T for a single outer epoch.
    """
    once = dict.fromkeys(("epochs", *INTERVALS), 1)
    where = {"data": "cifar10", "variant": "small", "profile": profile}
    runs = [declare("mimic", n=n, seed=TUNING_SEED, **where) for n in (500, 5_000)]
    return [
        replace(run, budget=run.budget.but(**once, classifier_pretraining=0, **fields))
        for run in runs
        for fields in PRETRAINING
    ]


GRIDS: dict[str, Callable[[str], list[Run]]] = {
    grid.__name__: grid
    for grid in (
        *(figure3a, table1, released_length, controls, sample_size, table3),
        table3_controls,
        *(distillation_forms, temperature, figure6, figure4, figure4_cifar10),
        cifar10_teachers,
        *(beyond_grids.beyond, beyond_grids.many_labels, beyond_grids.wider),
        *(tag_grids.table2, tag_grids.tag_controls, tag_grids.vgg16),
        *(tag_grids.ungrouped, tag_grids.teachers, tag_grids.figure3b),
        *(tag_grids.figure5, tag_grids.table2_yfcc100m),
    )
}
