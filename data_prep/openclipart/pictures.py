"""Draw all pictures and extract their features, a chunk at a time, resumably."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.features import Extractor
from data_prep.fetch import write_atomically
from data_prep.openclipart.drawings import Drawing
from data_prep.openclipart.render import render
from data_prep.progress import progress_bar
from data_prep.tag_table import thumbnail

CHUNK = 128
"""Drawings between two saves, a few seconds of work."""


@dataclass(frozen=True)
class Pictures:
    """What is computed from the pixels, row by row."""

    thumbnails: NDArray[np.uint8]
    """`[drawings, 56, 56, 3]`."""
    features: dict[str, NDArray[np.float16]]
    """`[drawings, width]` by network."""


def process(
    drawings: Sequence[Drawing],
    root: Path,
    folder: Path,
    extractors: dict[str, Extractor],
) -> Pictures:
    """Draw and featurise; finished chunks lie in `folder` and are not done again."""
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [drawings[i : i + CHUNK] for i in range(0, len(drawings), CHUNK)]
    done: dict[str, list[NDArray]] = {name: [] for name in ("thumbnails", *extractors)}
    bar = progress_bar(total=len(drawings), unit="drawing", desc="drawing, features")
    with bar:
        for chunk in chunks:
            for name, part in _chunk(chunk, root, folder, extractors).items():
                done[name].append(part)
            bar.update(len(chunk))
    whole = {name: np.concatenate(parts) for name, parts in done.items()}
    return Pictures(whole.pop("thumbnails"), whole)


def is_blank(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which drawings show nothing: `[drawings]`."""
    flat = thumbnails.reshape(len(thumbnails), -1)
    return flat.max(1).astype(int) - flat.min(1) < 8


def halve(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average blocks of 2 x 2 pixels of `[drawings, side, side, 3]`."""
    count, side = thumbnails.shape[:2]
    blocks = thumbnails.reshape(count, side // 2, 2, side // 2, 2, 3)
    return blocks.mean((2, 4)).astype(np.uint8)


def _chunk(
    drawings: Sequence[Drawing],
    root: Path,
    folder: Path,
    extractors: dict[str, Extractor],
) -> dict[str, NDArray]:
    """Return a chunk's arrays, from its files where they are."""
    key = hashlib.sha256("".join(d.digest for d in drawings).encode()).hexdigest()[:16]
    files = {name: folder / f"{key}-{name}.npy" for name in ("thumbnails", *extractors)}
    missing = [name for name, file in files.items() if not file.exists()]
    if missing:
        pictures = [render(root / drawing.path) for drawing in drawings]
        for name in missing:
            if name == "thumbnails":
                part = np.stack([thumbnail(picture) for picture in pictures])
            else:
                part = np.concatenate(list(extractors[name](pictures)))
            _save(files[name], part)
    return {name: np.load(file) for name, file in files.items()}


def _save(path: Path, array: NDArray) -> None:
    """Write an array so that its file is absent or whole."""
    file = io.BytesIO()  # numpy's own writing hides why a disk refuses
    np.save(file, array)
    write_atomically(path, file.getvalue())
