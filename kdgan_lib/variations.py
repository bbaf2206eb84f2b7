"""Make the runs that a grid compares: other methods, other settings, other seeds."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

from kdgan_lib.experiments import Run, declare, with_equal_updates

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
    """Return a run with other settings; equal player updates, or `updates` times."""
    chosen = replace(run.method, **change.get("hyper", {}))
    budget = run.budget.but(**change.get("budget", {}))
    times = change.get("updates", 1)
    fewer = len(chosen.phases()) != len(run.method.phases())
    if run.profile == "paper" and (fewer or times > 1):
        updates = times * run.task.player_updates(run.n)
        budget = with_equal_updates(chosen, budget, run.n, updates)
    return replace(run, method=chosen, budget=budget)


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
