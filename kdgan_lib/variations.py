"""Make the runs that a grid compares: other methods, other settings, other seeds."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

from kdgan_lib.experiments import Run, declare, with_equal_updates
from kdgan_lib.methods import Method

ALPHAS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
BETAS = (1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3)
GAMMAS = (1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2)
"""Axes of Figures 4 and 5."""


def compared(methods: Iterable[str], seeds: int, **declared: Any) -> list[Run]:
    """Return the prescribed runs of several methods, seed by seed."""
    return [
        declare(name, seed=seed, **declared)
        for seed, name in product(range(seeds), methods)
    ]


def changed(run: Run, change: dict[str, Any]) -> Run:
    """Return a run with other settings.

    change: `hyper` and `budget` name new values, `rates_of` a method whose prescribed
    learning rate of C is taken, `pretraining` says how many times as long a player is
    pretrained, and `updates` how many times the player updates are made; they stay
    equal otherwise.
    """
    chosen = replace(run.method, **change.get("hyper", {}))
    budget = run.budget.but(**change.get("budget", {}))
    if "rates_of" in change:
        other = declare(change["rates_of"], run.data, run.n).budget
        budget = budget.but(
            classifier_lr=other.classifier_lr, lr_schedule=other.lr_schedule
        )
    for player, longer in change.get("pretraining", {}).items():
        passes = f"{player}_pretraining"
        budget = budget.but(**{passes: longer * getattr(budget, passes)})
    times = change.get("updates", 1)
    if run.profile == "paper" and (
        times != 1 or passes_of(chosen) != passes_of(run.method)
    ):
        updates = round(times * run.task.player_updates(run.n))
        budget = with_equal_updates(chosen, budget, run.n, updates)
    return replace(run, method=chosen, budget=budget)


def with_change(change: dict[str, Any], n: int, seed: int, profile: str) -> Run:
    """Return the prescribed run of a change's method, with the change."""
    run = declare(
        change["method"],
        n=n,
        seed=seed,
        profile=profile,
        variant=change.get("variant", "default"),
        subset=change.get("subset", ""),
    )
    return changed(run, change)


def passes_of(method: Method) -> int:
    """Return the passes that an outer epoch holds."""
    return sum(phase.passes for phase in method.phases())


def varied(
    profile: str, *changes: dict[str, Any], seeds: int = 5, **declared: Any
) -> list[Run]:
    """Return the controlled KDGAN and its variants, seed by seed."""
    runs = compared(("kdgan",), seeds, profile=profile, **declared)
    return [
        replace(run, method=replace(run.method, **change))
        for run in runs
        for change in ({}, *changes)
    ]


def axes() -> list[dict[str, Any]]:
    """Return the changes of one weight at a time, along the axes of Figures 4 and 5."""
    values = (("alpha", ALPHAS), ("beta", BETAS), ("gamma", GAMMAS))
    return [{name: value} for name, points in values for value in points]


def distinct(runs: Iterable[Run]) -> list[Run]:
    """Return the runs without those that were declared before, in order."""
    return list({run.id: run for run in runs}.values())
