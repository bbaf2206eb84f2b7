"""Read the tables of a tag data set: one reader for all collections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdgan_lib import parquet
from kdgan_lib.data import DataCorrupt, DataMissing
from kdgan_lib.paths import book_dir, data_dir

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
VECTORS = "glove-6b-50d.parquet"


class Words(NamedTuple):
    """The words that have a vector."""

    number: dict[str, int]
    """1, 2, ... by word"""
    vectors: np.ndarray
    """float32 [V, 50]"""


@dataclass(frozen=True, eq=False)
class Tables:
    """A collection's tables, as read; rows of images and features agree."""

    images: pd.DataFrame
    """title, description, tags, group, split, thumbnail; sample, where there is one"""
    features: np.ndarray
    """float32 [images, width]"""
    vocabularies: dict[str, tuple[str, ...]]
    """The 200 tags of each vocabulary."""
    words: Words
    """The words that have a vector."""


@dataclass(frozen=True)
class Source:
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
            return parquet.read(self.folder / name, wanted)
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
        path = self.folder / name
        if path.is_relative_to(book_dir()):
            return DataCorrupt(
                f"{path} is damaged: restore it with `git checkout -- {name}` in its "
                "folder."
            )
        return DataCorrupt(f"{path} is damaged: run {self._command(name)} again.")

    def _command(self, name: str) -> str:
        if self.collection == EMBEDDED and name == VECTORS:
            return "`python -m data_prep glove`"
        network = Path(name).stem.removeprefix(f"{self.collection}-")
        other = network in NETWORKS and network != NETWORK
        features = f" --features {network}" if other else ""
        return f"`{COMMANDS[self.collection]}{features}`"


@cache
def tables_of(source: Source, network: str = NETWORK) -> Tables:
    """Read the tables; raise DataMissing or DataCorrupt."""
    columns = ["id", "title", "description", "tags", "group", "split", "thumbnail"]
    images = source.table(f"{source.collection}.parquet", columns, ["sample"])
    name = f"{source.collection}-{network}.parquet"
    table = source.table(name, ["id", "features"])
    if images.column("id").to_pylist() != table.column("id").to_pylist():
        raise source.damaged(name)
    features = source.matrix(table, "features", name)
    vocabularies, text = source.vocabularies(), text_of(source)
    return Tables(images.to_pandas(), features, vocabularies, text)


@cache
def text_of(source: Source) -> Words:
    """Read the words that have a vector; raise DataMissing or DataCorrupt."""
    table = source.table(VECTORS, ["word", "vector"])
    known = table.column("word").to_pylist()
    number = {word: place for place, word in enumerate(known, start=1)}
    return Words(number, source.matrix(table, "vector", VECTORS))


def source_of(collection: str = EMBEDDED, folder: Path | None = None) -> Source:
    """Return a collection's files; raise ValueError that lists the collections."""
    one_of(collection, tuple(COMMANDS), "collection")
    usual = book_dir() / "data" if collection == EMBEDDED else data_dir() / collection
    return Source(folder or usual, collection)


def one_of(value: str, allowed: tuple[str, ...], what: str) -> str:
    """Return an allowed value; raise ValueError that lists the others."""
    if value not in allowed:
        raise ValueError(f"{value!r} is no {what}: choose from {', '.join(allowed)}.")
    return value
