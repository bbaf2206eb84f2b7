"""Read what the tag tables say beside the split: groups, scales, vectors of names."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdgan_lib.paths import book_dir
from kdgan_lib.tags import FEATURES, IMAGES, VECTORS, tag_names
from kdgan_lib.text import words


def images_of(vocabulary: str, part: str) -> pd.DataFrame:
    """Return id and near-duplicate group of a part's images, in the split's order."""
    columns = ["id", "tags", "group", "split"]
    images = pd.read_parquet(book_dir() / "data" / IMAGES, columns=columns)
    known = set(tag_names(vocabulary))
    tagged = images.tags.map(lambda tags: not known.isdisjoint(tags))
    return images[tagged & (images.split == part)][["id", "group"]]


def groups_of(vocabulary: str, part: str = "test") -> NDArray[np.integer]:
    """Return the near-duplicate group of each image of a part."""
    return images_of(vocabulary, part).group.to_numpy()


def scale_of(vocabulary: str) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return mean and deviation of the training images' features, [1280] each.

    With them a new picture's features are standardised as those of the split.
    """
    table = pd.read_parquet(book_dir() / "data" / FEATURES).set_index("id")
    own = table.features.loc[images_of(vocabulary, "train").id]
    features = np.stack(own.to_list()).astype(np.float32)
    deviation = features.std(0)
    return features.mean(0), np.where(deviation > 0, deviation, 1)


def name_vectors(names: list[str]) -> NDArray[np.floating]:
    """Return the mean GloVe vector of each name's words, NaN where none is known."""
    table = pd.read_parquet(book_dir() / "data" / VECTORS)
    known = dict(zip(table.word, table.vector, strict=True))
    nothing = np.full(len(table.vector.iloc[0]), np.nan)
    found = [[known[word] for word in words(name) if word in known] for name in names]
    return np.stack([np.mean(each, axis=0) if each else nothing for each in found])


def share_naming(vocabulary: str = "popular", part: str = "test") -> float:
    """Return the share of a part's images whose text holds a word of an own tag."""
    columns = ["title", "description", "tags", "split"]
    images = pd.read_parquet(book_dir() / "data" / IMAGES, columns=columns)
    known = set(tag_names(vocabulary))
    own = images[images.split == part].tags.map(lambda tags: known & set(tags))
    texts = (images.title + " " + images.description)[own.index]
    named = [
        bool({word for tag in tags for word in words(tag)} & set(words(text)))
        for tags, text in zip(own, texts, strict=True)
        if tags
    ]
    return float(np.mean(named))
