"""Write, read and compare the embedded tables: images, tags and counts, features."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

IMAGES = "openclipart.parquet"
FACTS = "openclipart.json"
EXACT = ("id", "title", "description", "tags", "group", "split")
"""Columns that are the same on every machine."""
FEATURE_TOLERANCE = 0.05
"""Arithmetic differs between processors; features go to 6."""
PIXEL_TOLERANCE = 4.0
"""Mean difference of a thumbnail, of 255: encoders differ between versions."""


@dataclass(frozen=True)
class Tables:
    """Everything the tag chapters read; rows of all parts agree."""

    images: pa.Table
    """id, title, description, tags, group, split, thumbnail (WebP)."""
    facts: dict[str, Any]
    """The popular, random and stop tags; how many images each step left."""
    features: dict[str, NDArray[np.float16]]
    """`[images, width]` by network."""


def encode_thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return `[side, side, 3]` as a WebP file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=75, method=6)
    return file.getvalue()


def decode_thumbnail(content: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an image file, `[side, side, 3]`."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def write_tables(tables: Tables, folder: Path) -> None:
    """Write every part into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(tables.images, folder / IMAGES)
    text = json.dumps(tables.facts, indent=1, ensure_ascii=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")
    for name, values in tables.features.items():
        flat = pa.array(np.ascontiguousarray(values).ravel())
        rows = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        ids = tables.images.column("id")
        _write(pa.table({"id": ids, "features": rows}), features_path(folder, name))


def read_tables(folder: Path) -> Tables:
    """Read what `write_tables` wrote; raises FileNotFoundError."""
    prefix = features_path(folder, "").stem
    features = {
        path.stem.removeprefix(prefix): read_features(path)
        for path in sorted(folder.glob(f"{prefix}*.parquet"))
    }
    text = (folder / FACTS).read_text(encoding="utf-8")
    return Tables(pq.read_table(folder / IMAGES), json.loads(text), features)


def features_path(folder: Path, name: str) -> Path:
    """Return the file of a network's features."""
    return folder / f"openclipart-{name}.parquet"


def read_features(path: Path) -> NDArray[np.float16]:
    """Return `[images, width]`."""
    column = pq.read_table(path).column("features").combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


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
        if gap > FEATURE_TOLERANCE:
            found.append(f"{name} features differ by up to {gap:.3f}.")
    return found


def _write(table: pa.Table, path: Path) -> None:
    # Half of the features are exactly zero, which the codec finds by itself.
    pq.write_table(table, path, compression="zstd", compression_level=15)


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
