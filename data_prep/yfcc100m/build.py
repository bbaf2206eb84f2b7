"""Make the tag tables of YFCC100M from its metadata and photographs.

A vocabulary has its own sample, as in the paper: 20,000 training and 2,000 test images
with at least one of its tags (and 2,000 for validation). Both samples are in one table,
whose column `sample` says for which vocabularies a photograph was drawn; a group is a
user. The other columns are those of the embedded table.
"""

import hashlib
import json
import math
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_prep.errors import PrepError
from data_prep.glove import CUT, write_cut
from data_prep.locking import only_one
from data_prep.tag_table import (
    LIGHT,
    Tables,
    encode_thumbnail,
    facts_path,
    images_path,
    read_tables,
    write_tables,
)
from data_prep.yfcc100m.counting import are_exact, popular_tags, random_tags
from data_prep.yfcc100m.fetching import Fetcher, Shelf
from data_prep.yfcc100m.passes import Journal, count_tags, draw_sample
from data_prep.yfcc100m.sampling import Candidate, Plan, Sample
from data_prep.yfcc100m.sources import Source, open_source
from kdgan_lib import parquet
from kdgan_lib.text import names_a_tag

STEM = "yfcc100m"
"""How the names of the tables begin."""
HEAD = 1 << 20
"""Bytes at the beginning of a file that tell it from others."""


@dataclass(frozen=True)
class Chosen:
    """A photograph of the sample."""

    photograph: Candidate
    """Its metadata."""
    vocabularies: tuple[str, ...]
    """popular, random or both: for which of them it was drawn."""


def prepare(
    folder: Path,
    metadata: Sequence[Path],
    images: str | None = None,
    force: bool = False,
    features: Sequence[str] = (),
    workers: int = 8,
    plan: Plan | None = None,
) -> bool:
    """Make the tables in `folder`; return False when they were there already.

    `metadata` are the files in their order; `images` says where the photographs are
    (`open_source`); `features` are networks besides the light one. An interrupted run
    goes on where it was. Raises PrepError.
    """
    if workers < 1:
        raise PrepError(f"--workers is a number from 1 on, not {workers}.")
    plan, paths = plan or Plan(), list(metadata)
    networks = list(dict.fromkeys([LIGHT, *features]))
    origin = origin_of(paths, plan)
    with only_one(folder, "YFCC100M"):
        work = folder / "work"
        if force:
            shutil.rmtree(work, ignore_errors=True)
        elif _is_built(folder, origin, networks):
            return False
        source = open_source(images)
        chosen, facts = choose(paths, plan, work, source, workers)
        tables = assemble(chosen, {**facts, "origin": origin}, work, source, networks)
        before = (folder / CUT, facts_path(folder, STEM))
        for old in (*before, *folder.glob(f"{STEM}-*.parquet")):
            old.unlink(missing_ok=True)  # no parts of two builds side by side
        write_tables(tables, folder, STEM)
        write_cut(images_path(folder, STEM), folder)
        return True


def origin_of(paths: Sequence[Path], plan: Plan) -> dict[str, Any]:
    """Return what the result depends on: the files' sizes and beginnings, the plan."""
    files = []
    for path in paths:
        if not path.is_file():
            raise PrepError(f"{path} is not there: give YFCC100M's metadata.")
        with path.open("rb") as file:
            head = hashlib.sha256(file.read(HEAD)).hexdigest()
        files.append({"bytes": path.stat().st_size, "head": head})
    return {"files": files, "plan": asdict(plan)}


def _is_built(folder: Path, origin: dict[str, Any], networks: Sequence[str]) -> bool:
    """Tell whether all tables are there and whole; damaged ones are made again."""
    try:
        parquet.read(folder / CUT)
        tables = read_tables(folder, STEM)
    except (PrepError, OSError, pa.ArrowException):
        return False
    rows = {len(values) for values in tables.features.values()}
    whole = rows == {tables.images.num_rows} and tables.features.keys() >= {*networks}
    return whole and tables.facts.get("origin") == origin


def choose(
    paths: list[Path], plan: Plan, work: Path, source: Source, workers: int
) -> tuple[list[Chosen], dict[str, Any]]:
    """Count, draw and fetch; return the photographs in order of rank, and the facts."""
    key = json.dumps(origin_of(paths, plan), sort_keys=True)
    state = work / hashlib.sha256(key.encode()).hexdigest()[:16]
    state.mkdir(parents=True, exist_ok=True)
    vocabularies, numbers = choose_tags(paths, plan, state / "tags.parquet")
    sample, _ = draw_sample(paths, plan, vocabularies, state / "sample.parquet")
    shelf = Shelf(work, source.place)
    chosen, dead = fetch(sample, plan, Fetcher(shelf, source, workers))
    numbers |= {f"with a {name} tag": n for name, n in sample.found.items()}
    numbers |= {"dead links": dead, **_count(chosen, vocabularies["popular"])}
    return chosen, {**vocabularies, "stop": [], "counts": numbers}


def choose_tags(
    paths: list[Path], plan: Plan, state: Path
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return the vocabularies and what was counted on the way; print a summary."""
    counts, journal = count_tags(paths, state)
    report(journal)
    if not journal.photographs:
        raise PrepError(f"{paths[0]} has no photograph with text and tags.")
    popular = popular_tags(counts, plan.tags)
    random = random_tags(counts, journal.photographs, plan.tags, plan.seed)
    numbers = {
        "lines": journal.place.lines,
        **dict(sorted(journal.left_out.items())),
        "files that break off": journal.place.broken_off,
        "photographs": journal.photographs,
        "a tag's count is too low by at most": counts.lost,
        "the popular tags are certain": are_exact(counts, popular),
    }
    return {"popular": popular, "random": random}, numbers


def report(journal: Journal) -> None:
    """Say what became of the lines."""
    reasons = [f"{reason} {n:,}" for reason, n in sorted(journal.left_out.items())]
    speed = f"{journal.lines_per_second:,.0f} lines a second"
    left_out = f"left out: {', '.join(reasons) or 'none'}"
    lines = f"{journal.place.lines:,} lines, {journal.photographs:,} photographs"
    print(f"{lines}; {left_out}; {speed}.", file=sys.stderr)


def fetch(sample: Sample, plan: Plan, fetcher: Fetcher) -> tuple[list[Chosen], int]:
    """Return the first of every vocabulary and part that are alive, by rank.

    And how many dead ones were passed over for them.
    """
    names: dict[str, list[str]] = {}
    photographs: dict[str, Candidate] = {}
    dead: set[str] = set()
    for (name, part), smallest in sample.drawn.items():
        ranked, number = smallest.ranked(), plan.parts[part]
        alive = fetcher.first_alive(ranked, number, f"fetching {name} {part}")
        if len(alive) < number:
            print(
                f"Only {len(alive):,} of {number:,} {part} photographs for {name} tags "
                "can be had: give further --metadata files or another --images.",
                file=sys.stderr,
            )
        for one in alive:
            photographs[one.identifier] = one
            names.setdefault(one.identifier, []).append(name)
        last = alive[-1].rank if len(alive) == number and alive else math.inf
        dead |= {one.identifier for one in ranked if one.rank < last}
        dead -= photographs.keys()
    ranked = sorted(photographs.values(), key=lambda one: (one.rank, one.identifier))
    chosen = [Chosen(one, tuple(names[one.identifier])) for one in ranked]
    return chosen, len(dead)


def _count(chosen: Sequence[Chosen], popular: Sequence[str]) -> dict[str, int]:
    """Count the photographs of each vocabulary and part, and titles that tell tags."""
    drawn = Counter(
        f"{name}, {one.photograph.part}" for one in chosen for name in one.vocabularies
    )
    photographs = [one.photograph for one in chosen]
    named = [names_a_tag(p.title, {*p.tags} & {*popular}) for p in photographs]
    return {
        "images": len(chosen),
        "users": len({p.user for p in photographs}),
        "title names a popular tag of the image": sum(named),
        **drawn,
    }


def assemble(
    chosen: Sequence[Chosen],
    facts: dict[str, Any],
    work: Path,
    source: Source,
    networks: Sequence[str],
) -> Tables:
    """Extract the features and put everything into tables, a row per photograph."""
    # imported here: the passes need no torch, which takes 300 MB
    from data_prep.features import extractor
    from data_prep.pictures import process

    shelf = Shelf(work, source.place)
    identifiers = [one.photograph.identifier for one in chosen]
    pictures = process(
        identifiers,
        lambda number: shelf.get(identifiers[number]),
        work / "features",
        {name: extractor(name, work / "weights") for name in networks},
        "features",
    )
    thumbnails = [encode_thumbnail(pixels) for pixels in pictures.thumbnails]
    return Tables(images_table(chosen, thumbnails), facts, pictures.features)


def images_table(chosen: Sequence[Chosen], thumbnails: Sequence[bytes]) -> pa.Table:
    """Return the table of images; a user's photographs are one group."""
    photographs = [one.photograph for one in chosen]
    first: dict[str, int] = {}
    groups = [first.setdefault(p.user, row) for row, p in enumerate(photographs)]
    texts = pa.list_(pa.string())
    return pa.table(
        {
            "id": [p.identifier for p in photographs],
            "title": [p.title for p in photographs],
            "description": [p.description for p in photographs],
            "tags": pa.array([p.tags for p in photographs], texts),
            "group": pa.array(groups, pa.int32()),
            "split": [p.part for p in photographs],
            "thumbnail": thumbnails,
            "sample": pa.array([one.vocabularies for one in chosen], texts),
            "page": [p.page for p in photographs],
            "licence": [p.licence for p in photographs],
        }
    )
