"""Show what one run of each method recommends, and how sure its images make us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import label_of
from kdgan_lib.reports import table2
from kdgan_lib.stats import CONFIDENCE
from kdgan_lib.tag_facts import images_of
from kdgan_lib.tags import gallery

TABLE, COMMAND = "recommendations", "kdgan predictions"
SHOWN = ("relexample", "supervised", "mimic", "nagan", "kdgan", "teacher")
"""Methods of the gallery."""
PLAYERS = {
    "teacher": "T, reads the text",
    "mimic": "C, taught by T",
    "supervised": "C, without a teacher",
}
"""Whose soft labels are looked at."""
RESAMPLES = 4_000


@dataclass(frozen=True)
class Card:
    """One test image."""

    thumbnail: bytes
    """An image file."""
    text: str
    """What T reads: title and description."""
    tags: Sequence[str]
    """Its own tags."""
    recommended: Mapping[str, Sequence[str]]
    """Title of a method -> its best tags."""


def cards(count: int, seed: int = 0) -> list[Card]:
    """Return test images drawn at random, with what the methods recommend for them.

    Images have at least two tags and a text, and no two are near-duplicates. None
    without stored recommendations.
    """
    rows = tables.rows(TABLE, data=table2.DATA["popular"], seed=0)
    if rows.empty:
        return []
    shown, groups = gallery("popular"), images_of("popular", "test").group.to_numpy()
    kept = (shown.tags.str.len() >= 2) & (shown.title.str.len() > 0)
    first = ~pd.Series(groups).duplicated().to_numpy()
    candidates = np.flatnonzero(kept.to_numpy() & first)
    order = np.random.default_rng(seed).permutation(candidates)[:count]
    return [_card(shown.iloc[place], rows[rows.image == place]) for place in order]


def _card(image: pd.Series, rows: pd.DataFrame) -> Card:
    by_method = rows.set_index("method").tags
    recommended = {
        "T, reads the text" if name == "teacher" else label_of(name): list(tags)
        for name in SHOWN
        if (tags := by_method.get(name)) is not None
    }
    return Card(image.thumbnail, image.title, list(image.tags), recommended)


def image_gaps(
    reference: str = "kdgan", rivals: Sequence[str] = ("supervised", "mimic", "nagan")
) -> pd.DataFrame:
    """Return KDGAN minus others in P@3 of seed 0, with intervals over test images.

    Groups of near-duplicates are drawn with replacement: their images are not
    independent. The best baseline, by validation, is among the rivals.
    """
    rows = tables.rows(TABLE, data=table2.DATA["popular"], seed=0)
    if rows.empty or reference not in set(rows.method):
        return pd.DataFrame()
    baseline = table2.best_baseline(table2.scores(table2.DATA["popular"]))
    wide = rows.pivot(index=["image", "group"], columns="method", values="p_at_3")
    known = [name for name in (baseline, *rivals) if name in wide]
    return pd.DataFrame([_gap(wide, reference, str(name)) for name in known])


def _gap(wide: pd.DataFrame, first: str, second: str) -> dict[str, object]:
    gaps = (wide[first] - wide[second]).dropna()
    totals = gaps.groupby("group").agg(["sum", "count"]).to_numpy()
    generator = np.random.default_rng(0)
    drawn = generator.integers(len(totals), size=(RESAMPLES, len(totals)))
    sums, counts = totals[drawn].sum(1).T
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    low, high = np.quantile(sums / counts, tails)
    return {
        "KDGAN minus": label_of(second),
        "difference": gaps.mean(),
        "low": low,
        "high": high,
        "images": len(gaps),
        "groups": len(totals),
    }


def near_tags(count: int = 8, player: str = "teacher") -> pd.DataFrame:
    """Return, for the tags with most test images, what soft labels give other tags.

    A cell names the other tag and its probability, a geometric mean over the images.
    """
    rows = tables.rows(
        "soft_labels", data=table2.DATA["popular"], player=player, seed=0
    )
    if rows.empty:
        return rows
    most = rows.sort_values(["images", "tag"], ascending=[False, True])[:count]
    shown = []
    for row in most.to_dict("records"):
        pairs = zip(row["others"], row["probabilities"], strict=True)
        cells = [f"{name} {value:.0e}" for name, value in pairs]
        near, far = cells[:4], cells[-1]
        shown.append(
            {"images of": row["tag"], "nearest": ", ".join(near), "farthest": far}
        )
    return pd.DataFrame(shown)
