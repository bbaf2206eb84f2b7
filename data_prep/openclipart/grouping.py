"""Merge equal drawings and group near-duplicates, so that no split shares them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from data_prep.openclipart.drawings import Drawing

COLLECTION = 40
"""A title on more drawings than this names a collection, not a picture."""
INK_SHARE = 0.1
"""Two drawings are near-duplicates when this share of their ink differs, or less."""


def merge(drawings: Iterable[Drawing]) -> list[list[Drawing]]:
    """Return lists of the drawings that are equal but for their metadata, in order."""
    equal: dict[str, list[Drawing]] = {}
    for drawing in drawings:
        equal.setdefault(drawing.digest, []).append(drawing)
    return list(equal.values())


def stem(text: str) -> str:
    """Return a title or file name in lower case without numbers and remarks."""
    bare = re.sub(r"\(.*?\)", " ", text.lower())
    return " ".join(re.sub(r"[\d\W_]+", " ", bare).split())


def group(
    titles: list[str], paths: list[str], thumbnails: NDArray[np.uint8]
) -> NDArray[np.intp]:
    """Return each drawing's group: the smallest index of its near-duplicates.

    Near-duplicates share a title (less numbers), or a file name (less numbers) in
    one folder, or look alike: `thumbnails` is `[drawings, side, side, 3]`. It is
    transitive.
    """
    leader = list(range(len(titles)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for one, two in _pairs(titles, paths, thumbnails):
        low, high = sorted((find(one), find(two)))
        leader[high] = low
    return np.array([find(index) for index in range(len(titles))], dtype=np.intp)


def _pairs(
    titles: list[str], paths: list[str], thumbnails: NDArray[np.uint8]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of near-duplicates that connect all of them."""
    stems = [stem(title) for title in titles]
    common = Counter(stems)
    first: dict[tuple[str, str], int] = {}
    for index, (title, path) in enumerate(zip(stems, paths, strict=True)):
        folder, _, name = path.removesuffix(".svg").rpartition("/")
        keys = [(folder, stem(name))] if stem(name) else []
        if title and common[title] <= COLLECTION:
            keys.append(("", title))
        for key in keys:
            yield first.setdefault(key, index), index
    yield from look_alikes(thumbnails)


def look_alikes(
    thumbnails: NDArray[np.uint8], share: float = INK_SHARE
) -> Iterator[tuple[int, int]]:
    """Yield the pairs whose squared difference is a small share of their ink.

    Ink is the squared distance from white of the lighter drawing. Whole numbers in
    double precision: the same on every machine.
    """
    ink = 255.0 - thumbnails.reshape(len(thumbnails), -1)
    total = (ink**2).sum(1)
    for start in range(0, len(ink), 512):
        rows = slice(start, start + 512)
        apart = total[rows, None] + total - 2 * ink[rows] @ ink.T
        alike = apart <= share * np.minimum(total[rows, None], total)
        for one, two in np.argwhere(alike):
            if one + start < two:
                yield int(one + start), int(two)
