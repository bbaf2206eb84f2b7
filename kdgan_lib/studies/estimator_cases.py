"""Laws at which gradient estimators are compared: tables, and players on MNIST.

python -m kdgan_lib.studies.estimator_cases  # plays KDGAN once; writes the table "laws"
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kdgan_lib import runs, tables
from kdgan_lib.losses import saturating_reward

TABLE = "laws"
COMMAND = "python -m kdgan_lib.studies.estimator_cases"
TIME = "a minute and a half of one core"
SHAPES = ("peaked", "flat", "trained", "played")
QUANTILES = (0.1, 0.5, 0.9)  # of C's certainty over the held-out images: rows kept
UNSURE = 0.1  # the quantile of the cases: where labels compete
REAL_LABELS = 10  # MNIST's; fewer are the likeliest of these, more are invented


class Case(NamedTuple):
    """Hold one classifier's law at one x, and the reward its discriminator gives."""

    logits: Tensor
    reward: Tensor


def case(shape: str, num_labels: int) -> Case:
    """Return a law on K labels and the reward log(1 - D) of every label.

    peaked: Zipf's law squared; flat: uniform; trained: C of a game of KDGAN, at the
    held-out image at the tenth per cent of its certainty. There D is at its best
    (Lemma 4.1) against a true law that puts 0.9 on one label and the rest evenly.
    played: the same C and image, and the reward of the D that it played against.
    For K < 10 both keep the true label and the likeliest others; for K > 10 a softmax
    regression of Gaussian classes is the trained one. Raises MissingRuns where the
    game has no rows.
    """
    if shape not in SHAPES:
        raise ValueError(f"Choose the shape from {SHAPES}.")
    rank = torch.arange(1, num_labels + 1, dtype=torch.float64)
    if shape == "peaked":
        return at_best_response(-2 * rank.log(), truth=1)
    if shape == "flat":
        return at_best_response(torch.zeros_like(rank), truth=1)
    if num_labels > REAL_LABELS:
        return gaussian_classes(num_labels)
    found = kept_labels(law_at(UNSURE), num_labels)
    if shape == "played":
        return of_rows(found)
    truth = int((found.label == found.true).to_numpy().argmax())
    return at_best_response(of_rows(found).logits.log_softmax(-1), truth)


def shapes_of(num_labels: int) -> tuple[str, ...]:
    """Return the shapes at hand for K labels; `played` needs the game's labels.

    Without the game's rows, only the shapes that do not need them.
    """
    if num_labels > REAL_LABELS:
        return SHAPES[:3]
    return SHAPES if len(tables.rows(TABLE)) else SHAPES[:2]


def at_best_response(logits: Tensor, truth: int) -> Case:
    """Return the case in which D is best against a law and a nearly sure true one."""
    p_u = torch.full_like(logits, 0.1 / len(logits))
    p_u[truth] += 0.9
    p_c = logits.softmax(-1)
    return Case(logits, (p_c / (p_c + p_u)).log())


def law_at(quantile: float) -> pd.DataFrame:
    """Return the stored rows of one image, one per label; MissingRuns without them."""
    found = tables.rows(TABLE, quantile=quantile)
    return tables.require(found, COMMAND, TIME).sort_values("label")


def kept_labels(law: pd.DataFrame, num_labels: int) -> pd.DataFrame:
    """Return the rows of the true label and of the likeliest others."""
    first = law.assign(true_first=law.label == law.true)
    order = first.sort_values(["true_first", "logit"], ascending=False)
    return law.loc[sorted(order.index[:num_labels])]


def of_rows(law: pd.DataFrame) -> Case:
    """Return stored rows as a case, with the reward of the D that was played."""
    logits, reward = law[["logit", "reward"]].to_numpy(dtype=float).T
    return Case(torch.tensor(logits), torch.tensor(reward))


@cache
def gaussian_classes(num_labels: int) -> Case:
    """Return the law of a softmax regression at a held-out point of many classes."""
    from sklearn.datasets import make_blobs
    from sklearn.linear_model import LogisticRegression

    inputs, labels = make_blobs(
        4000, 40, centers=num_labels, cluster_std=6.0, random_state=0
    )
    inputs, half = inputs / np.abs(inputs).max(), 2000
    model = LogisticRegression(C=1.0, max_iter=200).fit(inputs[:half], labels[:half])
    logits = torch.from_numpy(model.decision_function(inputs[half:]))
    at = at_certainty(logits, UNSURE)
    return at_best_response(logits[at].log_softmax(-1), int(labels[half + at]))


def at_certainty(logits: Tensor, quantile: float) -> int:
    """Return the place of the example at a quantile of its largest probability."""
    order = logits.softmax(-1).amax(-1).argsort(stable=True)
    return int(order[round(quantile * (len(order) - 1))])


def laws(classifier: Tensor, discriminator: Tensor, labels: Tensor) -> pd.DataFrame:
    """Return a row per quantile and label from two players' logits, [N, K] both.

    labels: the true ones, [N]; they are kept beside the law, not used to choose it.
    """
    parts = []
    for quantile in QUANTILES:
        image = at_certainty(classifier, quantile)
        own = classifier[image].double().log_softmax(-1)
        part = pd.DataFrame(
            {
                "label": range(len(own)),
                "logit": own,
                "probability": own.exp(),
                "reward": saturating_reward(discriminator[image].double()),
            }
        )
        parts.append(
            part.assign(quantile=quantile, image=image, true=int(labels[image]))
        )
    return pd.concat(parts, ignore_index=True)


def record() -> None:
    """Play KDGAN on 100 digits as `controlled` prescribes, and store its laws."""
    from kdgan_lib.data import load
    from kdgan_lib.execute import train
    from kdgan_lib.experiments import declare
    from kdgan_lib.loop.evaluation import predict
    from kdgan_lib.provenance import provenance

    run, device = declare("kdgan"), torch.device("cpu")
    players = train(run, device).players
    split = load(run.data, n=run.n, seed=run.seed, protocol=run.protocol)
    classifier, discriminator = (
        predict(seat, players[seat], split.validation)
        for seat in ("classifier", "discriminator")
    )
    rows = laws(classifier, discriminator, split.validation.targets.argmax(-1))
    rows = rows.assign(run_id=run.id, seed=run.seed, **provenance(device))
    runs.append_rows(TABLE, rows, ("quantile", "label"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    record()
