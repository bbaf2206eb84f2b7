"""Train small recommenders inside a chapter: what a teacher's soft labels hold."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from kdgan_lib.data import Examples, Split
from kdgan_lib.execute import train
from kdgan_lib.experiments import declare
from kdgan_lib.live import ensure_runs
from kdgan_lib.loop.evaluation import player_logits
from kdgan_lib.loop.schedule import GAME, stages, updates_per_epoch
from kdgan_lib.metrics import precision_at
from kdgan_lib.names import label_of
from kdgan_lib.reports.table2 import NEURAL
from kdgan_lib.train import Result

DATA = "openclipart"
SMOKE = {"n": 150, "passes": 2, "epochs": 2}
KINDS = {"single_teacher": "one network", "default": "cross-fitted"}
"""Kinds of teachers that the demonstration compares."""


def ensure(profile: str) -> str:
    """Make everything that is missing under profile `paper`; say what is stored."""
    if profile == "paper":
        from kdgan_lib import classical, predictions

        classical.study()
        grids = ("teachers", "figure5", "tag_controls", "vgg16", "ungrouped", "table2")
        found = [ensure_runs(grid, profile) for grid in grids]
        predictions.store()
        return " ".join(found)
    return ensure_runs("table2", profile)


def budgets() -> pd.DataFrame:
    """Return the declared amounts of training of Table 2's neural methods."""
    rows = []
    for name in NEURAL:
        run = declare(name, DATA)
        plan, size = stages(run.method, run.budget), run.budget.batch_size
        counts = [updates_per_epoch(stage, run.n, size) for stage in plan]
        before = sum(
            stage.epochs * count
            for stage, count in zip(plan, counts, strict=True)
            if stage.name != GAME
        )
        row = {"method": label_of(name), "updates before": before}
        row |= {"player updates": run.budget.epochs * counts[-1]}
        rows.append(row | {"outer epochs": run.budget.epochs, "batch": size})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Lesson:
    """How much is trained in a demonstration."""

    n: int = 1_500
    """Training images."""
    passes: int = 20
    """Passes of T and of C over them before the lesson."""
    epochs: int = 20
    """Passes of C in the lesson."""
    seed: int = 0
    """Seed of subset, weights, order and dropout."""

    def cut(self, profile: str) -> "Lesson":
        """Return the least lesson under `smoke`, this one otherwise."""
        return replace(self, **SMOKE) if profile == "smoke" else self


@dataclass(frozen=True)
class Taught:
    """What a lesson leaves."""

    result: Result
    """Curve and players."""
    split: Split
    """The data they learned from."""


def teach(lesson: Lesson, method: str, kind: str = "default") -> Taught:
    """Train T and C briefly, then C by a method from this kind of teacher.

    Settings are the prescribed ones; nothing is stored. Curves hold validation P@3.
    """
    run = declare(method, DATA, n=lesson.n, seed=lesson.seed, variant=kind)
    budget = run.budget.but(
        epochs=lesson.epochs,
        classifier_pretraining=1,
        teacher_pretraining=lesson.passes,
        discriminator_pretraining=1,
        evaluate_every=1,
        test_every=lesson.epochs,
        teacher_every=lesson.epochs,
        lr_schedule="constant",
    )
    changed = replace(run, budget=budget)
    result = train(changed, torch.device("cpu"), progress=True, share=False)
    return Taught(result, changed.split())


@torch.inference_mode()
def soft_labels(taught: Taught, kind: str) -> pd.DataFrame:
    """Return a row per training and per validation image: what T's soft label is like.

    entropy in nats; own: probability of the image's own tags together; p_at_3. A
    cross-fitted teacher rates a training image by the copy that never saw it.
    """
    teacher = taught.result.players["teacher"].eval()
    parts = {"training": taught.split.train, "held out": taught.split.validation}
    frames = [
        _described(player_logits("teacher", teacher, examples), examples).assign(
            images=title, teacher=KINDS[kind]
        )
        for title, examples in parts.items()
    ]
    return pd.concat(frames, ignore_index=True)


def all_soft_labels(taught: dict[str, Taught]) -> pd.DataFrame:
    """Return the rows of `soft_labels` of every kind of teacher."""
    parts = [soft_labels(lesson, kind) for kind, lesson in taught.items()]
    return pd.concat(parts, ignore_index=True)


def _described(logits: Tensor, examples: Examples) -> pd.DataFrame:
    log_probability = logits.double().log_softmax(1)
    probability, relevant = log_probability.exp(), examples.targets > 0
    columns = {
        "entropy": -(probability * log_probability).sum(1),
        "own": (probability * relevant).sum(1),
        "p_at_3": precision_at(logits, examples.targets, 3, reduction="none"),
    }
    return pd.DataFrame({name: value.numpy() for name, value in columns.items()})


def described(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the means of `soft_labels` by kind of teacher and of images."""
    names = {"entropy": "entropy", "own": "own tags' probability", "p_at_3": "P@3"}
    means = labels.groupby(["teacher", "images"], sort=False)[list(names)].mean()
    return means.rename(columns=names).reset_index()


def lesson_curves(lessons: dict[str, Taught]) -> pd.DataFrame:
    """Return C's validation P@3 over its passes, by the title of the lesson."""
    parts = [
        _game(taught.result.curve).assign(lesson=title, run_id=title)
        for title, taught in lessons.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _game(curve: pd.DataFrame) -> pd.DataFrame:
    kept: Any = curve[curve.stage == "game"]
    return kept[["epoch", "classifier_updates", "classifier_validation"]]
