"""Read what the tag tables say beside the split: groups, scales, vectors of names."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdgan_lib import parquet
from kdgan_lib.paths import book_dir
from kdgan_lib.tag_tables import FEATURES, IMAGES, VECTORS, VOCABULARIES
from kdgan_lib.tags import PARTS, tag_names
from kdgan_lib.text import words


def images_of(vocabulary: str, part: str) -> pd.DataFrame:
    """Return id and near-duplicate group of a part's images, in the split's order."""
    columns = ["id", "tags", "group", "split"]
    images = _table(IMAGES, columns)
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
    table = _table(FEATURES).set_index("id")
    own = table.features.loc[images_of(vocabulary, "train").id]
    features = np.stack(own.to_list()).astype(np.float32)
    deviation = features.std(0)
    return features.mean(0), np.where(deviation > 0, deviation, 1)


def name_vectors(names: list[str]) -> NDArray[np.floating]:
    """Return the mean GloVe vector of each name's words, NaN where none is known."""
    table = _table(VECTORS)
    known = dict(zip(table.word, table.vector, strict=True))
    nothing = np.full(len(table.vector.iloc[0]), np.nan)
    found = [[known[word] for word in words(name) if word in known] for name in names]
    return np.stack(
        [np.mean(each, axis=0, dtype=float) if each else nothing for each in found]
    )


def sizes() -> pd.DataFrame:
    """Return images, near-duplicate groups and tags of each part, by vocabulary.

    naming: the share of images whose text holds a word of one of their own tags.
    """
    images = _table(IMAGES)
    found = [
        {"vocabulary": vocabulary, "part": part}
        | _sizes(images[images.split == part], set(tag_names(vocabulary)))
        for vocabulary in VOCABULARIES
        for part in PARTS
    ]
    return pd.DataFrame(found)


def overlap() -> tuple[int, float]:
    """Return how many tags both vocabularies have, and their share of the random one's.

    The share is of occurrences: how often they stand with an image.
    """
    popular, drawn = (set(tag_names(each)) for each in VOCABULARIES)
    counts = _table(IMAGES, ["tags"]).tags.explode().value_counts()
    both = popular & drawn
    return len(both), float(counts[list(both)].sum() / counts[list(drawn)].sum())


def _sizes(images: pd.DataFrame, known: set[str]) -> dict[str, float]:
    own = images.tags.map(lambda tags: known & set(tags))
    tagged = images[own.astype(bool)].assign(own=own)
    named = [
        not _words_of(row.own).isdisjoint(words(f"{row.title} {row.description}"))
        for row in tagged.itertuples()
    ]
    return {
        "images": len(tagged),
        "groups": tagged.group.nunique(),
        "tags per image": float(tagged.own.str.len().mean()),
        "text names a tag": float(np.mean(named)),
    }


def _table(name: str, columns: list[str] | None = None) -> pd.DataFrame:
    return parquet.read(book_dir() / "data" / name, columns).to_pandas()


def _words_of(tags: set[str]) -> set[str]:
    return {word for tag in tags for word in words(tag)}
