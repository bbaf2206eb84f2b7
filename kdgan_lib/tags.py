"""Load the tag data set: image features, tags, and the text that only T and D read."""

import json
import operator
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from kdgan_lib.data import DataCorrupt, DataMissing, Examples, Split
from kdgan_lib.paths import book_dir
from kdgan_lib.randomness import derive_seed
from kdgan_lib.text import words

FOLDS = 3
"""Parts of the training images for cross-fitted teachers."""
LENGTH = 24
"""Words of a text that are kept; 98 in 100 texts are shorter."""
PARTS = ("train", "validation", "test")
VOCABULARIES = ("popular", "random")
IMAGES = "openclipart.parquet"
FEATURES = "openclipart-efficientnet_lite0.parquet"
VECTORS = "glove-6b-50d.parquet"
FACTS = "openclipart.json"


def load_tags(
    vocabulary: str = "popular",
    n: int | None = None,
    seed: int = 0,
    hide_named: bool = False,
    folder: Path | None = None,
) -> Split:
    """Return n training images with a tag of a vocabulary, and the table's other parts.

    inputs: float32 [N, 1280], EfficientNet-Lite0's features, each less its mean over
    the split's own training images and divided by its standard deviation there: they
    are non-negative and their scales differ by a factor of ten, so that without it one
    learning rate and one penalty do not suit all of them.
    targets: [N, 200], the image's tags as a distribution p_u(.|x).
    privileged: long [N, 1 + LENGTH]. Column 0 is the cross-fitting fold of a training
    image, -1 elsewhere; near-duplicates are in one fold. The others number the words
    of title and description that have a vector (`word_vectors`); 0 pads.

    n: None for all, in the table's order; else a random subset in that order, part of
    each larger one with the same seed. hide_named: leave out of the text every word
    of one of the image's own tags in the vocabulary.
    Raises ValueError for a wrong argument, DataMissing, DataCorrupt.
    """
    tables = _tables(folder or book_dir() / "data")
    relevant = _relevant(tables, vocabulary)
    positions = {part: _positions(tables, relevant, part) for part in PARTS}
    positions["train"] = _subset(positions["train"], n, seed, vocabulary)
    train = positions["train"]
    inputs = _standardised(tables.features, train)
    folds = np.full(len(relevant), -1)
    folds[train] = fold_of_groups(tables.images.group.to_numpy()[train])
    named = _named(tables, vocabulary) if hide_named else None
    parts = {}
    for part, index in positions.items():
        text = _texts(tables, index, named)
        privileged = np.column_stack([folds[index], text])
        parts[part] = Examples(
            torch.from_numpy(inputs[index]),
            torch.from_numpy(_distribution(relevant[index])),
            torch.from_numpy(privileged),
        )
    return Split(f"openclipart-{vocabulary}", **parts, num_labels=relevant.shape[1])


def tag_names(vocabulary: str = "popular", folder: Path | None = None) -> list[str]:
    """Return the tags of a vocabulary in the order of the labels."""
    return list(_vocabulary(_tables(folder or book_dir() / "data"), vocabulary))


def word_vectors(folder: Path | None = None) -> Tensor:
    """Return the GloVe vectors, float32 [V + 1, 50]; row 0, the padding, is zero."""
    vectors = _vocabulary_of_text(folder or book_dir() / "data").vectors
    return torch.from_numpy(np.vstack([np.zeros_like(vectors[:1]), vectors]))


def gallery(
    vocabulary: str = "popular", part: str = "test", folder: Path | None = None
) -> pd.DataFrame:
    """Return what a page shows of a part's images: title, tags, thumbnail (WebP).

    Rows are in the order of the split's part (of `n=None`, for the training images);
    tags are those of the vocabulary. Raises like `load_tags`.
    """
    _one_of(part, PARTS, "part")
    tables = _tables(folder or book_dir() / "data")
    tags = set(_vocabulary(tables, vocabulary))
    index = _positions(tables, _relevant(tables, vocabulary), part)
    shown = tables.images.iloc[index][["title", "tags", "thumbnail"]]
    own = [[tag for tag in each if tag in tags] for each in shown.tags]
    return shown.assign(tags=own).reset_index(drop=True)


def fold_of_groups(groups: np.ndarray, folds: int = FOLDS) -> np.ndarray:
    """Return a fold for each image: no group in two, sizes as even as the groups allow.

    The largest groups go first, each to the fold with the fewest images so far.
    """
    _, member, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sizes, chosen = np.zeros(folds, np.int64), np.empty(len(counts), np.int64)
    for group in np.argsort(-counts, kind="stable"):
        chosen[group] = sizes.argmin()
        sizes[chosen[group]] += counts[group]
    return chosen[member]


class _Words(NamedTuple):
    """The words that have a vector."""

    number: dict[str, int]
    """1, 2, ... by word"""
    vectors: np.ndarray
    """float32 [V, 50]"""


@dataclass(frozen=True, eq=False)
class _Tables:
    """The embedded tables, as read; rows of images and features agree."""

    images: pd.DataFrame
    """title, description, tags, group, split, thumbnail"""
    features: np.ndarray
    """float32 [images, 1280]"""
    vocabularies: dict[str, tuple[str, ...]]
    """The 200 tags of each vocabulary."""
    words: _Words
    """The words that have a vector."""


@cache
def _tables(folder: Path) -> _Tables:
    """Read the tables once in a process; raise DataMissing or DataCorrupt."""
    columns = ["id", "title", "description", "tags", "group", "split", "thumbnail"]
    images = _read(folder / IMAGES, columns).to_pandas()
    table = _read(folder / FEATURES, ["id", "features"])
    if images.id.tolist() != table.column("id").to_pylist():
        raise _corrupt(folder / FEATURES)
    features = _matrix(table.column("features"), folder / FEATURES)
    return _Tables(images, features, _facts(folder), _vocabulary_of_text(folder))


@cache
def _vocabulary_of_text(folder: Path) -> _Words:
    table = _read(folder / VECTORS, ["word", "vector"])
    known = table.column("word").to_pylist()
    number = {word: place for place, word in enumerate(known, start=1)}
    return _Words(number, _matrix(table.column("vector"), folder / VECTORS))


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise _missing(path) from None
    except (pa.ArrowException, OSError):
        raise _corrupt(path) from None


def _facts(folder: Path) -> dict[str, tuple[str, ...]]:
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return {name: tuple(facts[name]) for name in VOCABULARIES}
    except FileNotFoundError:
        raise _missing(path) from None
    except (ValueError, KeyError, TypeError):
        raise _corrupt(path) from None


def _matrix(column: pa.ChunkedArray, path: Path) -> np.ndarray:
    """Return a column of equally long lists of finite numbers as float32."""
    try:
        matrix = np.stack(column.to_pandas().to_numpy()).astype(np.float32)
    except (ValueError, TypeError):
        raise _corrupt(path) from None
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise _corrupt(path)
    return matrix


def _missing(path: Path) -> DataMissing:
    return DataMissing(f"{path.name} is not in {path.parent}: run {_command(path)}.")


def _corrupt(path: Path) -> DataCorrupt:
    return DataCorrupt(f"{path} is damaged: run {_command(path)} again.")


def _command(path: Path) -> str:
    recipe = "glove" if path.name == VECTORS else "openclipart"
    return f"`python -m data_prep {recipe}`"


def _vocabulary(tables: _Tables, name: str) -> tuple[str, ...]:
    return tables.vocabularies[_one_of(name, VOCABULARIES, "vocabulary")]


def _relevant(tables: _Tables, vocabulary: str) -> np.ndarray:
    """Return which tags of the vocabulary each image of the table has, bool [N, K]."""
    label = {tag: place for place, tag in enumerate(_vocabulary(tables, vocabulary))}
    relevant = np.zeros((len(tables.images), len(label)), bool)
    for row, tags in enumerate(tables.images.tags):
        relevant[row, [label[tag] for tag in tags if tag in label]] = True
    return relevant


def _positions(tables: _Tables, relevant: np.ndarray, part: str) -> np.ndarray:
    """Return the rows of a part's images that have a tag."""
    in_part = (tables.images.split == part).to_numpy()
    return np.flatnonzero(in_part & relevant.any(1))


def _subset(
    positions: np.ndarray, n: int | None, seed: int, vocabulary: str
) -> np.ndarray:
    """Return n of the positions, in order; refuse an n that is not there."""
    try:
        count = len(positions) if n is None else operator.index(n)
    except TypeError:
        count = 0
    if isinstance(n, bool) or not 1 <= count <= len(positions):
        allowed = f"a whole number from 1 to {len(positions):,}"
        raise ValueError(f"n for {vocabulary!r} tags must be {allowed}, not {n!r}.")
    purpose = derive_seed(seed, "subset", "openclipart", vocabulary)
    return np.sort(np.random.default_rng(purpose).permutation(positions)[:count])


def _standardised(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return all rows less the training rows' mean, over their deviation."""
    mean, deviation = features[train].mean(0), features[train].std(0)
    return (features - mean) / np.where(deviation > 0, deviation, 1)


def _distribution(relevant: np.ndarray) -> np.ndarray:
    counts = relevant.sum(1, keepdims=True)
    return (relevant / counts).astype(np.float32)


def _named(tables: _Tables, vocabulary: str) -> list[set[str]]:
    """Return, for each image of the table, the words of its tags."""
    tags = set(_vocabulary(tables, vocabulary))
    return [
        {word for tag in own if tag in tags for word in words(tag)}
        for own in tables.images.tags
    ]


def _texts(
    tables: _Tables, index: np.ndarray, hidden: list[set[str]] | None
) -> np.ndarray:
    """Return the word numbers of title and description, long [images, LENGTH]."""
    numbers = np.zeros((len(index), LENGTH), np.int64)
    titles, descriptions = tables.images.title, tables.images.description
    for row, place in enumerate(index):
        text = f"{titles.iat[place]} {descriptions.iat[place]}"
        hide = hidden[place] if hidden else ()
        found = _numbers(words(text), hide, tables.words.number)[:LENGTH]
        numbers[row, : len(found)] = found
    return numbers


def _numbers(
    text: Iterable[str], hide: Container[str], number: dict[str, int]
) -> list[int]:
    return [number[word] for word in text if word in number and word not in hide]


def _one_of(value: str, allowed: tuple[str, ...], what: str) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is no {what}: choose from {', '.join(allowed)}.")
    return value
