"""Load the tag data set: image features, tags, and the text that only T and D read."""

import json
import operator
from collections.abc import Container, Iterable, Sequence
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
from kdgan_lib.paths import book_dir, data_dir
from kdgan_lib.randomness import derive_seed
from kdgan_lib.text import words

FOLDS = 3
"""Parts of the training images for cross-fitted teachers."""
LENGTH = 24
"""Words of a text that are kept; 98 in 100 texts are shorter."""
PARTS = ("train", "validation", "test")
VOCABULARIES = ("popular", "random")
EMBEDDED = "openclipart"
"""The collection that comes with the book."""
COMMANDS = {
    EMBEDDED: "python -m data_prep openclipart",
    "yfcc100m": "python -m data_prep yfcc100m --metadata FILE --images DIR_OR_URL",
}
"""What makes a collection's tables, by its name."""
NETWORKS = {"efficientnet_lite0": 1280, "vgg16": 512}
"""Networks whose image features can be read, the usual one first, and their widths."""
NETWORK = next(iter(NETWORKS))
IMAGES = f"{EMBEDDED}.parquet"
FEATURES = f"{EMBEDDED}-{NETWORK}.parquet"
FACTS = f"{EMBEDDED}.json"
VECTORS = "glove-6b-50d.parquet"


def load_tags(
    vocabulary: str = "popular",
    n: int | None = None,
    seed: int = 0,
    hide_named: bool = False,
    folder: Path | None = None,
    collection: str = EMBEDDED,
    network: str = NETWORK,
    grouped: bool = True,
) -> Split:
    """Return n training images with a tag of a vocabulary, and the table's other parts.

    inputs: float32 [N, width], a network's features, each less its mean over the
    split's own training images and divided by its standard deviation there: they are
    non-negative and their scales differ by a factor of ten, so that without it one
    learning rate and one penalty do not suit all of them.
    targets: [N, 200], the image's tags as a distribution p_u(.|x).
    privileged: long [N, 1 + LENGTH]. Column 0 is the cross-fitting fold of a training
    image, -1 elsewhere; near-duplicates are in one fold. The others number the words
    of title and description that have a vector (`word_vectors`); 0 pads.

    n: None for all, in the table's order; else a random subset in that order, part of
    each larger one with the same seed. hide_named: leave out of the text every word
    of one of the image's own tags in the vocabulary. collection: `openclipart`, or
    `yfcc100m` once it is prepared; folder: where its tables are, None for the usual.
    Where the table has a column `sample`, as each vocabulary was drawn for itself, only
    the images drawn for this one are in the parts. network: `efficientnet_lite0`
    (1,280 wide) or `vgg16` (512), the paper's. grouped: False draws parts of the same
    sizes image by image, so that near-duplicates are on both sides.
    Raises ValueError for a wrong argument, DataMissing, DataCorrupt.
    """
    _one_of(network, tuple(NETWORKS), "network")
    tables = _tables(_source(collection, folder), network)
    relevant = _relevant(tables, vocabulary)
    drawn = _drawn(tables, relevant, vocabulary)
    positions = {part: _positions(tables, drawn, part) for part in PARTS}
    if not grouped:
        positions = _shuffled(positions, collection, vocabulary)
    positions["train"] = _subset(positions["train"], n, seed, collection, vocabulary)
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
    return Split(f"{collection}-{vocabulary}", **parts, num_labels=relevant.shape[1])


def tag_names(vocabulary: str = "popular", folder: Path | None = None) -> list[str]:
    """Return the embedded tags of a vocabulary in the order of the labels."""
    return list(_vocabulary(_tables(_source(folder=folder)), vocabulary))


def word_vectors(collection: str = EMBEDDED, folder: Path | None = None) -> Tensor:
    """Return the GloVe vectors, float32 [V + 1, 50]; row 0, the padding, is zero."""
    vectors = _vocabulary_of_text(_source(collection, folder)).vectors
    return torch.from_numpy(np.vstack([np.zeros_like(vectors[:1]), vectors]))


def gallery(
    vocabulary: str = "popular", part: str = "test", folder: Path | None = None
) -> pd.DataFrame:
    """Return what a page shows of a part's images: title, tags, thumbnail (WebP).

    Rows are in the order of the split's part (of `n=None`, for the training images);
    tags are those of the vocabulary. Raises like `load_tags`.
    """
    _one_of(part, PARTS, "part")
    tables = _tables(_source(folder=folder))
    tags = set(_vocabulary(tables, vocabulary))
    drawn = _drawn(tables, _relevant(tables, vocabulary), vocabulary)
    index = _positions(tables, drawn, part)
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
    """A collection's tables, as read; rows of images and features agree."""

    images: pd.DataFrame
    """title, description, tags, group, split, thumbnail; sample, where there is one"""
    features: np.ndarray
    """float32 [images, width]"""
    vocabularies: dict[str, tuple[str, ...]]
    """The 200 tags of each vocabulary."""
    words: _Words
    """The words that have a vector."""


@dataclass(frozen=True)
class _Source:
    """A collection's files, read once in a process, and what to do about bad ones."""

    folder: Path
    collection: str = EMBEDDED

    def table(
        self, name: str, columns: list[str], further: Sequence[str] = ()
    ) -> pa.Table:
        """Return columns of a file, and those further ones that it has."""
        try:
            known = pq.read_schema(self.folder / name).names
            wanted = [*columns, *(column for column in further if column in known)]
            return pq.read_table(self.folder / name, columns=wanted)
        except FileNotFoundError:
            raise self.missing(name) from None
        except (pa.ArrowException, OSError):
            raise self.damaged(name) from None

    def matrix(self, table: pa.Table, column: str, name: str) -> np.ndarray:
        """Return a column of equally long lists of finite numbers as float32."""
        try:
            rows = table.column(column).to_pandas().to_numpy()
            matrix = np.stack(rows).astype(np.float32)
        except (ValueError, TypeError):
            raise self.damaged(name) from None
        if matrix.ndim != 2 or not np.isfinite(matrix).all():
            raise self.damaged(name)
        return matrix

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Return the tags of each vocabulary."""
        name = f"{self.collection}.json"
        try:
            facts = json.loads((self.folder / name).read_text(encoding="utf-8"))
            return {vocabulary: tuple(facts[vocabulary]) for vocabulary in VOCABULARIES}
        except FileNotFoundError:
            raise self.missing(name) from None
        except (ValueError, KeyError, TypeError):
            raise self.damaged(name) from None

    def missing(self, name: str) -> DataMissing:
        """Return the error for a file that is not there."""
        return DataMissing(
            f"{name} is not in {self.folder}: run {self._command(name)}."
        )

    def damaged(self, name: str) -> DataCorrupt:
        """Return the error for a file that does not hold what it should."""
        again = f"run {self._command(name)} again"
        return DataCorrupt(f"{self.folder / name} is damaged: {again}.")

    def _command(self, name: str) -> str:
        if self.collection == EMBEDDED and name == VECTORS:
            return "`python -m data_prep glove`"
        return f"`{COMMANDS[self.collection]}`"


@cache
def _tables(source: _Source, network: str = NETWORK) -> _Tables:
    """Read the tables; raise DataMissing or DataCorrupt."""
    columns = ["id", "title", "description", "tags", "group", "split", "thumbnail"]
    images = source.table(f"{source.collection}.parquet", columns, ["sample"])
    name = f"{source.collection}-{network}.parquet"
    table = source.table(name, ["id", "features"])
    if images.column("id").to_pylist() != table.column("id").to_pylist():
        raise source.damaged(name)
    features = source.matrix(table, "features", name)
    vocabularies, text = source.vocabularies(), _vocabulary_of_text(source)
    return _Tables(images.to_pandas(), features, vocabularies, text)


@cache
def _vocabulary_of_text(source: _Source) -> _Words:
    table = source.table(VECTORS, ["word", "vector"])
    known = table.column("word").to_pylist()
    number = {word: place for place, word in enumerate(known, start=1)}
    return _Words(number, source.matrix(table, "vector", VECTORS))


def _source(collection: str = EMBEDDED, folder: Path | None = None) -> _Source:
    """Return a collection's files; raise ValueError that lists the collections."""
    _one_of(collection, tuple(COMMANDS), "collection")
    usual = book_dir() / "data" if collection == EMBEDDED else data_dir() / collection
    return _Source(folder or usual, collection)


def _vocabulary(tables: _Tables, name: str) -> tuple[str, ...]:
    return tables.vocabularies[_one_of(name, VOCABULARIES, "vocabulary")]


def _relevant(tables: _Tables, vocabulary: str) -> np.ndarray:
    """Return which tags of the vocabulary each image of the table has, bool [N, K]."""
    label = {tag: place for place, tag in enumerate(_vocabulary(tables, vocabulary))}
    relevant = np.zeros((len(tables.images), len(label)), bool)
    for row, tags in enumerate(tables.images.tags):
        relevant[row, [label[tag] for tag in tags if tag in label]] = True
    return relevant


def _drawn(tables: _Tables, relevant: np.ndarray, vocabulary: str) -> np.ndarray:
    """Return which images have a tag and were drawn for the vocabulary, bool [N]."""
    tagged = np.asarray(relevant.any(1))
    if "sample" not in tables.images:
        return tagged
    drawn = tables.images["sample"].map(lambda own: vocabulary in own)
    return tagged & drawn.to_numpy(bool)


def _positions(tables: _Tables, drawn: np.ndarray, part: str) -> np.ndarray:
    """Return the rows of a part's images among those that were drawn."""
    return np.flatnonzero(drawn & (tables.images.split == part).to_numpy())


def _shuffled(
    positions: dict[str, np.ndarray], collection: str, vocabulary: str
) -> dict[str, np.ndarray]:
    """Return parts of the same sizes, the images drawn anew one by one."""
    purpose = derive_seed(0, "ungrouped", collection, vocabulary)
    everything = np.concatenate(list(positions.values()))
    drawn = np.random.default_rng(purpose).permutation(everything)
    ends = np.cumsum([len(index) for index in positions.values()])[:-1]
    parts = zip(positions, np.split(drawn, ends), strict=True)
    return {part: np.sort(index) for part, index in parts}


def _subset(
    positions: np.ndarray, n: int | None, seed: int, collection: str, vocabulary: str
) -> np.ndarray:
    """Return n of the positions, in order; refuse an n that is not there."""
    try:
        count = len(positions) if n is None else operator.index(n)
    except TypeError:
        count = 0
    if isinstance(n, bool) or not 1 <= count <= len(positions):
        allowed = f"a whole number from 1 to {len(positions):,}"
        raise ValueError(f"n for {vocabulary!r} tags must be {allowed}, not {n!r}.")
    purpose = derive_seed(seed, "subset", collection, vocabulary)
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
