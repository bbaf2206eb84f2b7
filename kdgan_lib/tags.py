"""Load the tag data set: image features, tags, and the text that only T and D read."""

import operator
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from kdgan_lib.data import DataMissing, Examples, Split
from kdgan_lib.randomness import derive_seed
from kdgan_lib.tag_tables import (
    EMBEDDED,
    NETWORK,
    NETWORKS,
    VOCABULARIES,
    Tables,
    one_of,
    source_of,
    tables_of,
    text_of,
)
from kdgan_lib.text import words

FOLDS = 3
"""Parts of the training images for cross-fitted teachers."""
LENGTH = 24
"""Words of a text that are kept; 98 in 100 texts are shorter."""
PARTS = ("train", "validation", "test")


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
    one_of(network, tuple(NETWORKS), "network")
    tables = tables_of(source_of(collection, folder), network)
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
    return list(_vocabulary(tables_of(source_of(folder=folder)), vocabulary))


def word_vectors(collection: str = EMBEDDED, folder: Path | None = None) -> Tensor:
    """Return the GloVe vectors, float32 [V + 1, 50]; row 0, the padding, is zero."""
    vectors = text_of(source_of(collection, folder)).vectors
    return torch.from_numpy(np.vstack([np.zeros_like(vectors[:1]), vectors]))


def gallery(
    vocabulary: str = "popular", part: str = "test", folder: Path | None = None
) -> pd.DataFrame:
    """Return what a page shows of a part's images: title, tags, thumbnail (WebP).

    Rows are in the order of the split's part (of `n=None`, for the training images);
    tags are those of the vocabulary. Raises like `load_tags`.
    """
    one_of(part, PARTS, "part")
    tables = tables_of(source_of(folder=folder))
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


def _vocabulary(tables: Tables, name: str) -> tuple[str, ...]:
    return tables.vocabularies[one_of(name, VOCABULARIES, "vocabulary")]


def _relevant(tables: Tables, vocabulary: str) -> np.ndarray:
    """Return which tags of the vocabulary each image of the table has, bool [N, K]."""
    label = {tag: place for place, tag in enumerate(_vocabulary(tables, vocabulary))}
    relevant = np.zeros((len(tables.images), len(label)), bool)
    for row, tags in enumerate(tables.images.tags):
        relevant[row, [label[tag] for tag in tags if tag in label]] = True
    return relevant


def _drawn(tables: Tables, relevant: np.ndarray, vocabulary: str) -> np.ndarray:
    """Return which images have a tag and were drawn for the vocabulary, bool [N]."""
    tagged = np.asarray(relevant.any(1))
    if "sample" not in tables.images:
        return tagged
    drawn = tables.images["sample"].map(lambda own: vocabulary in own)
    return tagged & drawn.to_numpy(bool)


def _positions(tables: Tables, drawn: np.ndarray, part: str) -> np.ndarray:
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
    if collection != EMBEDDED and count > len(positions):
        raise DataMissing(
            f"{collection} holds {len(positions):,} training images with {vocabulary} "
            f"tags, not {count:,}: prepare more, or train with --n {len(positions)}."
        )
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


def _named(tables: Tables, vocabulary: str) -> list[set[str]]:
    """Return, for each image of the table, the words of its tags."""
    tags = set(_vocabulary(tables, vocabulary))
    return [
        {word for tag in own if tag in tags for word in words(tag)}
        for own in tables.images.tags
    ]


def _texts(
    tables: Tables, index: np.ndarray, hidden: list[set[str]] | None
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
