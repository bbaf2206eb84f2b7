"""Search hyperparameters with an equal number of trials per method, on validation."""

import json
from dataclasses import asdict
from pathlib import Path

import optuna
import pandas as pd
import torch

from kdgan_lib import runs
from kdgan_lib.execute import train
from kdgan_lib.experiments import (
    Run,
    controlled_base,
    with_equal_updates,
)
from kdgan_lib.methods import method
from kdgan_lib.provenance import provenance
from kdgan_lib.train import Diverged

TRIALS = "trials"
TUNING_SEED = 1_000  # never a seed of a reported run
TUNING_UPDATES = {100: 450}
Suggested = dict[str, str | float | int]
RATE = ("float", 1e-4, 3e-3)
GAME_RATE = ("float", 3e-5, 1e-3)
WEIGHT = ("float", 1e-2, 1e1)

SEARCH_SPACES: dict[str, dict[str, tuple]] = {
    "supervised": {"weight_decay": ("float", 1e-6, 1e-2)},
    "mimic": {},
    "distn": {
        "distillation_weight": ("choice", 0.5, 0.7, 0.9),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0, 5.0),
    },
    "noisy": {"keep": ("choice", 0.8, 0.9, 0.95), "noise_scale": ("float", 0.03, 0.3)},
    "codis": {
        "teacher_lr": GAME_RATE,
        "distillation_weight": ("float", 0.1, 10.0),
        "distillation_temperature": ("choice", 1.0, 2.0, 3.0),
    },
    "nagan": {
        "discriminator_lr": GAME_RATE,
        "estimator": ("choice", "relaxed_score", "pathwise"),
        "draws": ("choice", 1, 5, 25),
        "tau_end": ("choice", 0.1, 0.5),
    },
    "kdgan_wo_gm": {
        "discriminator_lr": GAME_RATE,
        "teacher_lr": GAME_RATE,
        "alpha": ("choice", 0.1, 0.3, 0.5, 0.7),
        "beta": WEIGHT,
        "gamma": ("float", 1e-4, 1e-1),
        "draws": ("choice", 1, 5, 25),
    },
}
SEARCH_SPACES["kdgan"] = SEARCH_SPACES["kdgan_wo_gm"] | {
    "estimator": ("choice", "relaxed_score", "pathwise"),
    "tau_end": ("choice", 0.1, 0.5),
}
# The first trial of each method, so that no search starts from luck alone.
GAME_START: Suggested = {
    "discriminator_lr": 1e-4,
    "draws": 1,
    "estimator": "pathwise",
    "tau_end": 0.5,
}
STARTS: dict[str, Suggested] = {
    "supervised": {"weight_decay": 1e-5},
    "mimic": {},
    "distn": {"distillation_weight": 0.7, "distillation_temperature": 3.0},
    "noisy": {"keep": 0.9, "noise_scale": 0.1},
    "codis": {
        "teacher_lr": 1e-4,
        "distillation_weight": 1.0,
        "distillation_temperature": 1.0,
    },
    "nagan": GAME_START | {"classifier_lr": 1e-4},
    "kdgan_wo_gm": {
        "discriminator_lr": 1e-4,
        "teacher_lr": 1e-4,
        "draws": 1,
        "alpha": 0.5,
        "beta": 1.0,
        "gamma": 1e-4,
    },
    "kdgan": GAME_START
    | {"teacher_lr": 1e-4, "alpha": 0.5, "beta": 1.0, "gamma": 1e-4},
}
COMMON = {"lr_schedule": ("choice", "constant", "cosine")}


def space(name: str) -> dict[str, tuple]:
    """Return what is searched for a method: its own settings and C's learning rate."""
    rate = GAME_RATE if name == "nagan" else RATE
    return {"classifier_lr": rate, **COMMON, **SEARCH_SPACES[name]}


def tune(
    name: str, n: int = 100, trials: int = 12, progress: bool = False
) -> pd.DataFrame:
    """Run the trials that a method still lacks and return all of them.

    The score is the selected validation accuracy at half the reported player updates,
    on a subset and an initialisation that no reported run uses. The trials' rows go to
    the table `trials`; an interrupted search goes on after the last of them.
    """
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=TUNING_SEED)
    )
    done = _trials(name, n)
    for _, row in done.iterrows():
        study.add_trial(_known(name, row))
    for number in range(len(done), trials):
        study.sampler = optuna.samplers.TPESampler(
            seed=TUNING_SEED + number, n_startup_trials=trials // 2, multivariate=True
        )
        if number == 0:
            study.enqueue_trial(_start(name))
        trial = study.ask(_distributions(name))
        score = _score(declare_trial(name, n, trial.params), progress)
        study.tell(trial, score)
        row = {"method": name, "n": n, "trial": number, "score": score}
        row |= {"parameters": json.dumps(trial.params, sort_keys=True)}
        row |= provenance(torch.device("cpu"))
        runs.append_rows(TRIALS, pd.DataFrame([row]), ("method", "n", "trial"))
    return _trials(name, n)


def declare_trial(name: str, n: int, suggested: Suggested) -> Run:
    """Return the run of one trial."""
    hyper, amounts = split_settings(suggested)
    chosen, base = method(name, **hyper), controlled_base(n)
    budget = base.but(**amounts)
    budget = with_equal_updates(chosen, budget, n, TUNING_UPDATES.get(n, 450))
    budget = budget.but(test_every=budget.epochs, teacher_every=budget.epochs)
    return Run(chosen, "mnist", n, "controlled", "paper", TUNING_SEED, budget)


def split_settings(suggested: Suggested) -> tuple[Suggested, Suggested]:
    """Return the method's hyperparameters and the budget's fields of a suggestion."""
    amounts = {k: v for k, v in suggested.items() if k in asdict(controlled_base(100))}
    return {k: v for k, v in suggested.items() if k not in amounts}, amounts


def freeze(n: int, path: Path) -> dict[str, dict]:
    """Write each method's best trial as its setting; return the settings."""
    settings = {}
    for name in SEARCH_SPACES:
        done = _trials(name, n)
        if len(done):
            best = done.loc[done.score.idxmax()]
            hyper, amounts = split_settings(json.loads(best.parameters))
            settings[name] = {
                "trial": int(best.trial),
                "hyperparameters": hyper,
                "budget": amounts,
            }
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    return settings


def _start(name: str) -> Suggested:
    return {"classifier_lr": 1e-3, "lr_schedule": "cosine", **STARTS[name]}


def _score(run: Run, progress: bool) -> float:
    try:
        result = train(run, torch.device("cpu"), progress)
    except Diverged:
        return 0.0
    return float(result.metrics["validation_accuracy"])


def _trials(name: str, n: int) -> pd.DataFrame:
    rows = runs.read_rows(TRIALS, ("method", "n", "trial", "score", "parameters"))
    return rows[(rows.method == name) & (rows.n == n)].sort_values("trial")


def _distributions(name: str) -> dict[str, optuna.distributions.BaseDistribution]:
    return {key: _distribution(*spec) for key, spec in space(name).items()}


def _distribution(kind: str, *values: float) -> optuna.distributions.BaseDistribution:
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(values)
    low, high = values
    return optuna.distributions.FloatDistribution(low, high, log=True)


def _known(name: str, row: pd.Series) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        params=json.loads(row.parameters),
        distributions=_distributions(name),
        value=float(row.score),
    )
