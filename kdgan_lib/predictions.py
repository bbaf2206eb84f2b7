"""Command `kdgan predictions`: what one run of each method recommends, image by image.

Weights are not committed, so a page that shows recommendations needs them stored. Each
method's run of seed 0 is trained once more, to the same bits as the stored run where
the processor is of the same kind (the rows say in which weights it ended), and these
tables are written: `recommendations` (the five best tags of every test image),
`tag_curves` (every metric over the training of Figure 3b's methods), `soft_labels`
(what T and C say of other tags), and the file of weights that `kdgan recommend` reads.
Figure 3b's methods are followed on further seeds, too, by their curves alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
import tyro
from torch import Tensor
from tqdm.auto import tqdm

from kdgan_lib import classical, runs, soft_labels
from kdgan_lib.data import Examples, Split
from kdgan_lib.execute import train
from kdgan_lib.experiments import Run, declare
from kdgan_lib.loop.evaluation import predict
from kdgan_lib.loop.result import Result
from kdgan_lib.loop.schedule import GAME, Stage
from kdgan_lib.metrics import precision_at
from kdgan_lib.names import ADVERSARIAL, TAGGERS
from kdgan_lib.paths import runs_dir
from kdgan_lib.provenance import provenance
from kdgan_lib.recommend import FILE, save_classifier
from kdgan_lib.tag_facts import groups_of, name_vectors
from kdgan_lib.tags import tag_names
from kdgan_lib.tasks import PRECISION, task
from kdgan_lib.train import Training

COMMAND = "kdgan predictions"
DATA = "openclipart"
TABLE, CURVES, LABELS = "recommendations", "tag_curves", "soft_labels"
KEY = ("data", "method", "seed", "image")
CURVE_KEY = ("data", "method", "seed", "epoch")
LARGEST_SEED = 2**32 - 1
FOLLOWED = 3
"""Seeds whose runs of Figure 3b are followed."""
SHOWN = 5
"""Tags that are kept of a ranking."""
SPOKEN = {"mimic": ("teacher", "mimic"), "supervised": ("supervised",)}
"""Whose soft labels are kept, by the run that they come from."""


@dataclass(frozen=True)
class Predictions:
    """Train each method's run of one seed again and store what it recommends."""

    seed: int = 0
    """Seed of the runs."""
    force: bool = False
    """Make the rows again even if they are there."""

    def __post_init__(self) -> None:
        """Refuse a seed that no run has, before the first taggers' rows are stored."""
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(
                f"seed must be from 0 to {LARGEST_SEED:,}, not {self.seed}."
            )


def store(plan: Predictions = Predictions(), progress: bool = True) -> int:
    """Make the rows that are missing; return how many methods were trained."""
    split, made = task(DATA).load(None, plan.seed, "controlled"), 0
    everything = [*classical.TAGGERS, *TAGGERS]
    for name in tqdm(everything, unit="method", disable=not progress):
        if plan.force or not _is_stored(name, plan.seed):
            made += 1
            if name in classical.TAGGERS:
                _store_baseline(name, plan.seed, split)
            else:
                _store_run(declare(name, DATA, seed=plan.seed), split, progress)
    return made + _follow(split, progress)


def _follow(split: Split, progress: bool) -> int:
    """Store the curves that Figure 3b's runs still lack; return how many were made."""
    rows = runs.read_rows(CURVES, (*CURVE_KEY, "run_id"))
    whole = set(rows[rows.epoch == 0].run_id)
    declared = (
        declare(name, DATA, seed=seed)
        for seed in range(FOLLOWED)
        for name in ADVERSARIAL
    )
    waiting = [run for run in declared if run.id not in whole]
    for run in tqdm(waiting, unit="curve", disable=not progress):
        watch = Watch(split.test)
        result = _train(run, progress, watch)
        _append_curve(run, watch, result)
    return len(waiting)


def _train(run: Run, progress: bool, look: "Watch | None") -> Result:
    """Train a run; C's pretraining is not read from disk where it is looked at."""
    cpu = torch.device("cpu")
    return train(run, cpu, progress, share=look is None, after_epoch=look)


def _append_curve(run: Run, watch: "Watch", result: Result) -> None:
    facts = {"data": DATA, "method": run.method.name, "seed": run.seed}
    facts["weights_digest"] = result.metrics["weights_digest"]
    _append(CURVES, CURVE_KEY, pd.DataFrame(watch.rows).assign(run_id=run.id, **facts))


def _is_stored(name: str, seed: int) -> bool:
    """Return whether a method's rows are there, of the run that is declared today."""
    rows = runs.read_rows(TABLE, (*KEY, "run_id"))
    own = rows[(rows.data == DATA) & (rows.method == name) & (rows.seed == seed)]
    if name in classical.TAGGERS:
        return len(own) > 0
    if name == "kdgan" and seed == 0 and not (runs_dir() / FILE).is_file():
        return False
    return declare(name, DATA, seed=seed).id in set(own.get("run_id", ()))


def _store_baseline(name: str, seed: int, split: Split) -> None:
    tagger = classical.build(name, classical.chosen(DATA, name), seed)
    tagger.fit(split.train.inputs.numpy(), split.train.targets.numpy())
    scores = torch.from_numpy(tagger.predict_proba(split.test.inputs.numpy()))
    _append(TABLE, KEY, recommended(scores, split.test, name, seed))


def _store_run(run: Run, split: Split, progress: bool) -> None:
    """Train a run and store its rows; the recommendations come last."""
    name, seed = run.method.name, run.seed
    watch = Watch(split.test)
    look = watch if name in ADVERSARIAL else None
    result = _train(run, progress, look)
    shared = {"run_id": run.id, "weights_digest": result.metrics["weights_digest"]}
    if watch.rows:
        _append_curve(run, watch, result)
    for player, labels in _spoken(name, result, split.test):
        rows = labels.assign(data=DATA, player=player, seed=seed, **shared)
        _append(LABELS, ("data", "player", "seed", "tag"), rows)
    if name == "kdgan" and seed == 0:
        save_classifier(result.players["classifier"], run.id)
    for rated, scores in _ratings(name, result, split.test):
        rows = recommended(scores, split.test, rated, seed)
        _append(TABLE, KEY, rows.assign(**shared))


def _ratings(name: str, result: Result, test: Examples) -> Iterator[tuple[str, Tensor]]:
    """Yield C's logits on the test images, and T's where T was only pretrained."""
    if name == "mimic":
        yield "teacher", predict("teacher", result.players["teacher"], test)
    yield name, predict("classifier", result.players["classifier"], test)


def recommended(scores: Tensor, test: Examples, method: str, seed: int) -> pd.DataFrame:
    """Return a row per test image: its best tags, its P@3, its near-duplicates' group.

    scores: [images, tags]. Of equal scores the first tags are shown, while P@3 is the
    mean over their orders.
    """
    names = np.array(tag_names("popular"))
    order = scores.argsort(dim=1, descending=True, stable=True)[:, :SHOWN]
    return pd.DataFrame(
        {
            "data": DATA,
            "method": method,
            "seed": seed,
            "image": range(len(test)),
            "group": groups_of("popular"),
            "tags": list(names[order.numpy()]),
            "p_at_3": precision_at(scores, test.targets, 3, reduction="none").numpy(),
        }
    )


@dataclass
class Watch:
    """Note every metric of C on the test images while a run trains."""

    test: Examples
    """The test images."""

    def __post_init__(self) -> None:
        """Start without rows."""
        self.rows: list[dict[str, Any]] = []

    def __call__(self, training: Training, stage: Stage) -> None:
        """Add a row after every epoch of the game, and for C before it as epoch 0."""
        epoch = training.state.epoch + 1
        if stage.name != GAME:
            if stage.phases[0].player != "classifier" or epoch < stage.epochs:
                return
            epoch = 0
        logits = predict("classifier", training.state.players["classifier"], self.test)
        assert PRECISION.report is not None
        self.rows.append(
            {"epoch": epoch, **PRECISION.report(logits, self.test.targets)}
        )


def _spoken(
    name: str, result: Result, test: Examples
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what the players of a run say of the tags that an image does not have."""
    relevant, names = test.targets.numpy() > 0, tag_names("popular")
    for player in SPOKEN.get(name, ()):
        seat = "teacher" if player == "teacher" else "classifier"
        logits = predict(seat, result.players[seat], test)
        log_probability = logits.double().log_softmax(1).numpy()
        vectors = name_vectors(names)
        yield (
            player,
            soft_labels.neighbourhood(log_probability, relevant, names, vectors),
        )


def _append(table: str, key: tuple[str, ...], rows: pd.DataFrame) -> None:
    made_on = provenance(torch.device("cpu"))
    kept = {name: made_on[name] for name in ("commit", "torch", "device")}
    runs.append_rows(table, rows.assign(**kept), key)


def main(arguments: list[str]) -> int:
    """Run `kdgan predictions`; return the exit code."""
    torch.set_num_threads(1)
    store(tyro.cli(Predictions, prog=COMMAND, args=arguments))
    return 0
