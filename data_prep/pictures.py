"""Extract the features of many pictures, a chunk at a time, resumably."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.features import Extractor
from data_prep.progress import progress_bar
from data_prep.tag_table import thumbnail
from kdgan_lib.files import write_atomically

CHUNK = 128
"""Pictures between two saves, a few seconds of work."""
THUMBNAILS = "thumbnails"
"""What is made of every picture."""


@dataclass(frozen=True)
class Pictures:
    """What is computed from the pixels, row by row."""

    thumbnails: NDArray[np.uint8]
    """`[pictures, 56, 56, 3]`."""
    features: dict[str, NDArray[np.float16]]
    """`[pictures, width]` by network."""


def process(
    keys: Sequence[str],
    read: Callable[[int], NDArray[np.uint8]],
    folder: Path,
    extractors: dict[str, Extractor],
    title: str,
) -> Pictures:
    """Return thumbnails and features of the pictures 0, 1, ... that `read` gives.

    Equal keys mean equal pictures. Finished chunks lie in `folder` and are not done
    again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[NDArray]] = {name: [] for name in (THUMBNAILS, *extractors)}
    with progress_bar(total=len(keys), unit="picture", desc=title) as bar:
        for start in range(0, len(keys), CHUNK):
            numbers = range(start, min(start + CHUNK, len(keys)))
            name = _digest([keys[number] for number in numbers])
            for part, array in _chunk(numbers, read, folder / name, extractors).items():
                done[part].append(array)
            bar.update(len(numbers))
    whole = {name: np.concatenate(parts) for name, parts in done.items()}
    return Pictures(whole.pop(THUMBNAILS), whole)


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
    numbers: range,
    read: Callable[[int], NDArray[np.uint8]],
    path: Path,
    extractors: dict[str, Extractor],
) -> dict[str, NDArray]:
    """Return a chunk's arrays, from its files where they are."""
    parts = (THUMBNAILS, *extractors)
    files = {name: path.with_name(f"{path.name}-{name}.npy") for name in parts}
    missing = [name for name, file in files.items() if not _is_sound(file)]
    if missing:
        pictures = [read(number) for number in numbers]
        for name in missing:
            if name == THUMBNAILS:
                part = np.stack([thumbnail(picture) for picture in pictures])
            else:
                part = np.concatenate(list(extractors[name](pictures)))
            _save(files[name], part)
    return {name: np.load(file) for name, file in files.items()}


def _is_sound(file: Path) -> bool:
    """Tell whether a chunk's array is there and whole; a damaged one is made again."""
    try:
        np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return True


def _digest(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]


def _save(path: Path, array: NDArray) -> None:
    """Write an array so that its file is absent or whole."""
    file = io.BytesIO()  # numpy's own writing hides why a disk refuses
    np.save(file, array)
    write_atomically(path, file.getvalue())
