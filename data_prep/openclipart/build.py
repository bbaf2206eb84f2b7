"""Rebuild the embedded tag data set and compare it with the one in the book."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_prep.errors import PrepError
from data_prep.features import extractor
from data_prep.locking import only_one
from data_prep.openclipart.compare import differences
from data_prep.openclipart.drawings import Drawing, read_drawing, select
from data_prep.openclipart.grouping import group, merge
from data_prep.openclipart.render import render
from data_prep.openclipart.source import drawings_folder
from data_prep.openclipart.split import split_groups
from data_prep.openclipart.vocabulary import popular_tags, random_tags, stop_tags
from data_prep.pictures import Pictures, halve, is_blank, process
from data_prep.progress import progress_bar
from data_prep.tag_table import (
    LIGHT,
    Tables,
    encode_thumbnail,
    facts_path,
    features_path,
    images_path,
    read_tables,
    write_tables,
)
from kdgan_lib.paths import book_dir
from kdgan_lib.text import names_a_tag

STEM = "openclipart"
"""How the names of the tables begin."""


def prepare(
    folder: Path,
    source: str | None = None,
    force: bool = False,
    features: Sequence[str] = (),
) -> bool:
    """Rebuild under `folder` and compare; return False when it was built already.

    `features` are networks besides the light one. An interrupted run goes on where
    it was. Raises PrepError when the rebuilt tables differ from those in book/data.
    """
    if source == "public":
        raise PrepError("Open Clip Art comes as a package only: leave --source out.")
    built, networks = folder / "tables", list(dict.fromkeys([LIGHT, *features]))
    with only_one(folder, "Open Clip Art"):
        fresh = force or not _is_built(built, networks)
        if fresh:
            if force:
                shutil.rmtree(folder / "work", ignore_errors=True)
            tables = build(folder, networks)
            for old in built.glob(f"{STEM}-*.parquet"):
                old.unlink()  # no parts of two builds side by side
            write_tables(tables, built, STEM)
        compare(built, book_dir() / "data")
    return fresh


def _is_built(built: Path, networks: Sequence[str]) -> bool:
    files = [images_path(built, STEM), facts_path(built, STEM)]
    files += [features_path(built, STEM, name) for name in networks]
    return all(file.is_file() for file in files)


def compare(built: Path, kept: Path) -> None:
    """Raise PrepError with every difference between two folders of tables."""
    try:
        found = differences(read_tables(built, STEM), read_tables(kept, STEM))
    except FileNotFoundError as error:
        raise PrepError(
            f"{error.filename} is missing: copy the tables from {built} to {kept}."
        ) from None
    if found:
        raise PrepError(
            f"The rebuilt tables are not those of the book: {' '.join(found)} If that "
            f"is meant, copy the files of {built} to {kept}."
        )


def build(folder: Path, networks: Sequence[str]) -> Tables:
    """Make the tables from the package; long steps continue where they were."""
    root = drawings_folder(folder)
    paths = sorted(path for path in root.rglob("*.svg") if path.is_file())
    drawings = []
    with progress_bar(total=len(paths), unit="file", desc="reading") as bar:
        for path in paths:
            drawings.append(read_drawing(path, root))
            bar.update()
    kept, dropped = select(drawings)
    merged = merge(kept)
    extractors = {name: extractor(name, folder / "weights") for name in networks}
    first = [same[0] for same in merged]
    pictures = process(
        [drawing.digest for drawing in first],
        lambda number: render(root / first[number].path),
        folder / "work",
        extractors,
        "drawing, features",
    )
    tables = assemble(merged, pictures)
    counts = {
        "files": len(paths),
        **dropped,
        "equal to another": len(kept) - len(merged),
    }
    tables.facts["counts"] = counts | tables.facts["counts"]
    return tables


def assemble(merged: Sequence[Sequence[Drawing]], pictures: Pictures) -> Tables:
    """Choose tags and images, group and split; `merged` holds lists of equal ones."""
    drawn = np.flatnonzero(~is_blank(pictures.thumbnails)).tolist()
    tags = {i: sorted({tag for one in merged[i] for tag in one.tags}) for i in drawn}
    stop = stop_tags(list(tags.values()))
    tags = {i: [tag for tag in row if tag not in stop] for i, row in tags.items()}
    facts = {
        "popular": popular_tags(tags.values()),
        "random": random_tags(tags.values()),
        "stop": stop,
    }
    known = {*facts["popular"], *facts["random"]}
    use = [i for i, row in tags.items() if known & set(row)]
    images = _images(
        [merged[i][0] for i in use],
        [tags[i] for i in use],
        [known & set(tags[i]) for i in use],
        pictures.thumbnails[use],
    )
    counts = {
        "empty picture": len(merged) - len(drawn),
        "without a chosen tag": len(drawn) - len(use),
        **_count(images, facts["popular"]),
    }
    features = {name: values[use] for name, values in pictures.features.items()}
    return Tables(images, {**facts, "counts": counts}, features)


def _images(
    drawings: Sequence[Drawing],
    tags: Sequence[Sequence[str]],
    chosen: Sequence[set[str]],
    thumbnails: NDArray[np.uint8],
) -> pa.Table:
    """Group and split the drawings; `chosen` are the tags to balance."""
    titles, paths = [d.title for d in drawings], [d.path for d in drawings]
    groups = group(titles, paths, halve(thumbnails))
    return pa.table(
        {
            "id": [path.removesuffix(".svg") for path in paths],
            "title": titles,
            "description": [d.description for d in drawings],
            "tags": pa.array(tags, pa.list_(pa.string())),
            "group": pa.array(groups, pa.int32()),
            "split": split_groups(groups.tolist(), chosen),
            "thumbnail": [encode_thumbnail(pixels) for pixels in thumbnails],
        }
    )


def _count(images: pa.Table, popular: Sequence[str]) -> dict[str, int]:
    """Count the images that are left, and what a datasheet says of them."""
    rows = images.select(["title", "description", "tags"]).to_pylist()
    found = [set(row["tags"]) & set(popular) for row in rows]
    titles = [row["title"] for row in rows]
    named = [names_a_tag(*pair) for pair in zip(titles, found, strict=True)]
    return {
        "images": len(rows),
        "groups": len(set(images.column("group").to_pylist())),
        "with a title": sum(map(bool, titles)),
        "with a description": sum(bool(row["description"]) for row in rows),
        "with a popular tag": sum(map(bool, found)),
        "title names a popular tag of the image": sum(named),
    }
