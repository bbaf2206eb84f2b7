"""The tables of a tag data set: images with text and tags, vocabularies, features.

STEM.parquet, STEM.json and STEM-NETWORK.parquet; Open Clip Art and YFCC100M differ in
the stem only, so that one loader reads both.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from data_prep.errors import PrepError
from kdgan_lib import parquet
from kdgan_lib.files import write_atomically
from kdgan_lib.paths import book_dir

LIGHT = "efficientnet_lite0"
"""The network whose features are always made."""
SIDE = 56
"""Pixels of a thumbnail; a quarter of what the networks see."""


@dataclass(frozen=True)
class Tables:
    """Everything the tag chapters read; rows of all parts agree."""

    images: pa.Table
    """id, title, description, tags, group, split, thumbnail (WebP)."""
    facts: dict[str, Any]
    """The popular, random and stop tags; how many images each step left."""
    features: dict[str, NDArray[np.float16]]
    """`[images, width]` by network."""


def thumbnail(picture: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Return the picture with blocks of pixels averaged."""
    small = Image.fromarray(picture).resize((side, side), Image.Resampling.BOX)
    return np.asarray(small)


def encode_thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return `[side, side, 3]` as a WebP file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=75, method=6)
    return file.getvalue()


def decode_thumbnail(content: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an image file, `[side, side, 3]`."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def images_path(folder: Path, stem: str) -> Path:
    """Return the file of the images, texts and tags."""
    return folder / f"{stem}.parquet"


def facts_path(folder: Path, stem: str) -> Path:
    """Return the file of the vocabularies and counts."""
    return folder / f"{stem}.json"


def features_path(folder: Path, stem: str, network: str) -> Path:
    """Return the file of a network's features."""
    return folder / f"{stem}-{network}.parquet"


def write_tables(tables: Tables, folder: Path, stem: str) -> None:
    """Write every part into `folder`, each file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = tables.images.column("id")
    for network, values in tables.features.items():
        flat = pa.array(np.ascontiguousarray(values).ravel())
        rows = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        table = pa.table({"id": ids, "features": rows})
        write_table(table, features_path(folder, stem, network))
    text = json.dumps(tables.facts, indent=1, ensure_ascii=False) + "\n"
    write_atomically(facts_path(folder, stem), text.encode())
    write_table(tables.images, images_path(folder, stem))


def write_table(table: pa.Table, path: Path, level: int = 15) -> None:
    """Write a Parquet file; a lower `level` packs less, but faster."""
    # Half of the features are exactly zero, which the codec finds by itself.
    write_atomically(path, parquet.packed(table, level))


def read_tables(folder: Path, stem: str) -> Tables:
    """Read what `write_tables` wrote; raises FileNotFoundError, PrepError."""
    prefix = features_path(folder, stem, "").stem
    with explained(folder):
        features = {
            path.stem.removeprefix(prefix): read_features(path)
            for path in sorted(folder.glob(f"{prefix}*.parquet"))
        }
        text = facts_path(folder, stem).read_text(encoding="utf-8")
        images = parquet.read(images_path(folder, stem))
        return Tables(images, json.loads(text), features)


def read_features(path: Path) -> NDArray[np.float16]:
    """Return `[images, width]`."""
    column = parquet.read(path).column("features").combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Say of a damaged table in `folder` how to mend it, by PrepError."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's: the file is not there, or may not be read
        own = folder == book_dir() / "data"
        way = "restore it with `git checkout -- .` there"
        raise PrepError(
            f"A table in {folder} is damaged ({error}): "
            f"{way if own else 'run this again with --force'}."
        ) from None
