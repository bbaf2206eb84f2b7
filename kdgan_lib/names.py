"""List the methods, order rows by them, and write names as the paper does.

Nothing here imports torch.
"""

from collections.abc import Sequence

import pandas as pd

COMPARED = (
    *("supervised", "mimic", "distn", "noisy", "codis"),
    *("nagan", "kdgan_wo_gm", "kdgan"),
)
"""Methods of Table 1, with a classifier that has no teacher."""
TAGGERS = tuple(name for name in COMPARED if name != "noisy")
"""Methods of Table 2."""
ADVERSARIAL = ("nagan", "kdgan_wo_gm", "kdgan")
"""The paper's methods with a discriminator, hence without `kdgan_adaptive`."""

PROTOCOLS = ("controlled", "paper", "code")
"""What a run's settings follow: equal terms for all, the text, the released code."""

SYMBOLS = {"alpha": "α", "beta": "β", "gamma": "γ"}
"""The weights of KDGAN as the paper writes them."""
LETTERS = {"classifier": "C", "teacher": "T", "discriminator": "D"}
"""The players as the paper writes them."""
CLOCKS = {
    "epoch": "outer epoch",
    "player_updates": "updates of all players",
    "classifier_updates": "updates of C",
}
"""What a training curve can run over, by its column, in a figure's words."""

LABELS = {
    "kdgan": "KDGAN",
    "kdgan_wo_gm": "KDGAN-WO-GM",
    "nagan": "NaGAN",
    "codis": "CODIS",
    "distn": "DISTN",
    "noisy": "NOISY",
    "mimic": "MIMIC",
    "supervised": "supervised",
    "relexample": "RelExample",
    "tagfeature": "TagFeature",
    "tagprop": "TagProp",
    "knn": "KNN",
}


def label_of(name: str) -> str:
    """Return the name of a method as the paper writes it."""
    return LABELS.get(name, name.replace("_", " "))


def in_order(rows: pd.DataFrame, methods: Sequence[str], *then: str) -> pd.DataFrame:
    """Return rows sorted by the place of their method in a list, then by columns."""
    if rows.empty:
        return rows
    order = {name: place for place, name in enumerate(methods)}
    ranked = rows.assign(rank=rows.method.map(order))
    return ranked.sort_values(["rank", *then]).drop(columns="rank")
