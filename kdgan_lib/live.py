"""Train one run inside a chapter: short, changed at will, stored nowhere."""

import os
from dataclasses import fields, replace

from kdgan_lib import runs
from kdgan_lib.budget import PRETRAINED
from kdgan_lib.execute import train
from kdgan_lib.experiments import declare
from kdgan_lib.grids import GRIDS
from kdgan_lib.loop.device import find_device
from kdgan_lib.methods import METHODS
from kdgan_lib.sweep import sweep
from kdgan_lib.tasks import task
from kdgan_lib.train import Result
from kdgan_lib.workers import MOST

PRETRAINING = {"smoke": 1, "book": 30, "paper": 100}
EPOCHS = {"smoke": 1}
ON_A_GPU = 4
"""Runs that share a GPU: each process needs memory of its own there."""


def ensure_runs(grid: str, profile: str, data: str = "") -> str:
    """Train a grid's missing runs under profile `paper`; say how many are stored.

    On the GPU where there is one, or else on every core of the processor. Why runs
    failed is said, too. data: only this data set's runs; all by default.
    """
    declared = [run for run in GRIDS[grid]("paper") if data in ("", run.data)]
    failures: dict[str, str] = {}
    if profile == "paper":
        device = find_device("auto").type
        cores = min(os.cpu_count() or 1, MOST)
        workers = min(cores, ON_A_GPU) if device == "cuda" else cores
        failures = sweep(declared, workers, device)
    stored = set(runs.table().run_id)
    done = sum(run.id in stored for run in declared)
    where = f" on {task(data).title}" if data else ""
    told = f"{done} of the {len(declared)} runs of `{grid}`{where} are stored."
    reasons = dict.fromkeys(failures.values())
    return " ".join([told, *(f"Failed: {reason}" for reason in reasons)])


def live_run(
    method: str,
    profile: str,
    n: int = 100,
    seed: int = 0,
    epochs: int = 20,
    variant: str = "default",
    **changes: object,
) -> Result:
    """Train a method on MNIST for some outer epochs and return its result.

    variant: which networks; `h50` has a classifier with 50 hidden units.
    changes: hyperparameters of any method; those that this one lacks are left out, so
    that a chapter's parameters need not change with the method.
    """
    if method not in METHODS:
        raise ValueError(f"No method '{method}'; choose from {', '.join(METHODS)}.")
    if profile not in PRETRAINING:
        allowed = ", ".join(PRETRAINING)
        raise ValueError(f"No profile '{profile}'; choose from {allowed}.")
    every = {field.name for kind in METHODS.values() for field in fields(kind)}
    for name in sorted(changes.keys() - every):
        raise ValueError(f"No method has a hyperparameter '{name}'.")
    run = declare(method, n=n, seed=seed, variant=variant)
    passes = PRETRAINING[profile]
    budget = run.budget.but(
        epochs=EPOCHS.get(profile, epochs),
        **{name: min(passes, getattr(run.budget, name)) for name in PRETRAINED},
        evaluate_every=2,
        test_every=2,
        teacher_every=max(1, epochs // 2),
        evaluated=500 if profile == "smoke" else 2_000,
    )
    known = {k: v for k, v in changes.items() if k in run.method.hyperparameters()}
    chosen = replace(run.method, **known)  # type: ignore[arg-type]
    changed = replace(run, method=chosen, budget=budget)
    return train(changed, "auto", progress=True, share=False)
