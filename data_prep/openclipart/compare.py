"""Say how a rebuilt data set differs from the one in the book."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_prep.tag_table import Tables, decode_thumbnail

EXACT = ("id", "title", "description", "tags", "group", "split")
"""Columns that are the same on every machine."""
FEATURE_TOLERANCE = {"efficientnet_lite0": 0.05, "vgg16": 0.5}
"""Arithmetic differs between processors; the largest features are 6 and 200."""
PIXEL_TOLERANCE = 4.0
"""Mean difference of a thumbnail, of 255: encoders differ between versions."""


def differences(fresh: Tables, kept: Tables) -> list[str]:
    """Say in a sentence each how two builds differ; an empty list if they agree."""
    if fresh.images.num_rows != kept.images.num_rows:
        rows = f"{fresh.images.num_rows} and {kept.images.num_rows}"
        return [f"the tables have {rows} images."]
    found = [
        f"column {name} differs in {unequal} images."
        for name in EXACT
        if (unequal := _unequal(fresh.images, kept.images, name))
    ]
    if fresh.facts != kept.facts:
        found.append("the vocabularies or the counts differ.")
    pixels = _thumbnail_difference(fresh.images, kept.images)
    if pixels > PIXEL_TOLERANCE:
        found.append(f"a thumbnail differs by {pixels:.1f} of 255.")
    for name in sorted(kept.features.keys() & fresh.features.keys()):
        gap = _gap(fresh.features[name], kept.features[name])
        if gap > FEATURE_TOLERANCE.get(name, 0.0):
            found.append(f"{name} features differ by up to {gap:.3f}.")
    return found


def _unequal(one: pa.Table, two: pa.Table, name: str) -> int:
    pairs = zip(one.column(name).to_pylist(), two.column(name).to_pylist(), strict=True)
    return sum(a != b for a, b in pairs)


def _thumbnail_difference(one: pa.Table, two: pa.Table) -> float:
    """Return the largest mean difference of a thumbnail."""
    columns = (t.column("thumbnail").to_pylist() for t in (one, two))
    return max(
        float(np.abs(decode_thumbnail(a) - decode_thumbnail(b).astype(float)).mean())
        if a != b
        else 0.0
        for a, b in zip(*columns, strict=True)
    )


def _gap(one: NDArray[np.float16], two: NDArray[np.float16]) -> float:
    if one.shape != two.shape:
        return float("inf")
    return float(np.abs(one.astype(np.float32) - two.astype(np.float32)).max(initial=0))
