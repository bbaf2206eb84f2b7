"""Go through the metadata twice: count the tags, then draw photographs.

Twice, because which photographs are wanted depends on the tags of all of them. Each
pass saves its state every half minute and goes on from there.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_prep.errors import PrepError
from data_prep.tag_table import write_table
from data_prep.yfcc100m.counting import TagCounts
from data_prep.yfcc100m.metadata import Photograph, parse_line
from data_prep.yfcc100m.sampling import Candidate, Plan, Sample
from data_prep.yfcc100m.stream import Place, read_lines
from kdgan_lib import parquet

SAVE_EVERY = 30.0
"""Seconds between two saves."""
GLANCE = 1_000
"""Lines between two looks at the clock, and after which a format is judged."""
JOURNAL = b"journal"
"""Key of a state file's metadata."""


@dataclass
class Journal:
    """How far a pass has come."""

    place: Place = field(default_factory=Place)
    """Where it is."""
    photographs: int = 0
    """Photographs with text, tags and an address so far."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Lines without one, by reason."""
    seconds: float = 0.0
    """Time that it took, without interruptions."""
    done: bool = False
    """Whether it is at the end."""
    more: dict[str, Any] = field(default_factory=dict)
    """What else a pass has to remember."""

    @property
    def lines_per_second(self) -> float:
        """Return the speed so far."""
        return self.place.lines / max(self.seconds, 1e-9)

    def dump(self) -> bytes:
        """Return it as JSON."""
        return json.dumps({**vars(self), "place": vars(self.place)}).encode()

    @classmethod
    def load(cls, text: bytes) -> "Journal":
        """Return what was dumped."""
        values = json.loads(text)
        values["place"] = Place(**values["place"])
        values["left_out"] = Counter(values["left_out"])
        return cls(**values)


def walk(
    paths: list[Path],
    journal: Journal,
    take: Callable[[Photograph], None],
    save: Callable[[], None],
    title: str,
) -> None:
    """Give all photographs from the journal's place on to `take`.

    `save` is called now and then, between two lines, and at the end.
    """
    start = saved = time.monotonic()
    before = journal.seconds
    for line in read_lines(paths, journal.place, title):
        found = parse_line(line)
        if isinstance(found, str):
            journal.left_out[found] += 1
        else:
            journal.photographs += 1
            take(found)
        if journal.place.lines % GLANCE == 0:
            _judge(journal, paths)
            now = time.monotonic()
            journal.seconds = before + now - start
            if now - saved > SAVE_EVERY:
                save()
                saved = now
    _judge(journal, paths)
    journal.seconds = before + time.monotonic() - start
    journal.done = True
    save()


def _judge(journal: Journal, paths: list[Path]) -> None:
    """Refuse files of another format: after the first lines, and at their end."""
    if journal.left_out["broken line"] == journal.place.lines:
        raise PrepError(
            f"No line of {paths[0]} is of YFCC100M: it needs 23 or 25 columns "
            "separated by tabs."
        )


def count_tags(paths: list[Path], state: Path) -> tuple[TagCounts, Journal]:
    """Count the tags of all photographs; `state` is where the pass is saved."""
    counts, journal = TagCounts(), Journal()
    if state.is_file():
        table, journal = _read_state(state)
        tags, numbers = (table.column(name).to_pylist() for name in ("tag", "count"))
        counts.counts = dict(zip(tags, numbers, strict=True))
        counts.lost = journal.more["lost"]

    def save() -> None:
        journal.more["lost"] = counts.lost
        columns = {
            "tag": pa.array(counts.counts),
            "count": list(counts.counts.values()),
        }
        _write_state(pa.table(columns), journal, state)

    if not journal.done:
        walk(paths, journal, lambda one: counts.add(one.tags), save, "counting tags")
    return counts, journal


def draw_sample(
    paths: list[Path], plan: Plan, vocabularies: dict[str, list[str]], state: Path
) -> tuple[Sample, Journal]:
    """Draw photographs with a tag of each vocabulary; `state` is as in `count_tags`."""
    sample, journal = Sample(plan, vocabularies), Journal()
    if state.is_file():
        table, journal = _read_state(state)
        sample.found = journal.more["found"]
        for row in table.to_pylist():
            name = row.pop("vocabulary")
            one = Candidate(**{**row, "tags": tuple(row["tags"])})
            sample.drawn[name, one.part].add(one)

    def save() -> None:
        journal.more["found"] = sample.found
        _write_state(_sample_table(sample), journal, state)

    if not journal.done:
        walk(paths, journal, sample.offer, save, "drawing photographs")
    return sample, journal


def _sample_table(sample: Sample) -> pa.Table:
    kept = [
        (name, one)
        for (name, _), smallest in sample.drawn.items()
        for one in smallest.kept.values()
    ]
    columns: dict[str, Any] = {
        item.name: [getattr(one, item.name) for _, one in kept]
        for item in fields(Candidate)
    }
    columns["tags"] = pa.array(columns["tags"], pa.list_(pa.string()))
    return pa.table({"vocabulary": [name for name, _ in kept], **columns})


def _write_state(table: pa.Table, journal: Journal, path: Path) -> None:
    write_table(table.replace_schema_metadata({JOURNAL: journal.dump()}), path, level=1)


def _read_state(path: Path) -> tuple[pa.Table, Journal]:
    try:
        table = parquet.read(path)
        return table, Journal.load(table.schema.metadata[JOURNAL])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
        raise PrepError(f"{path} is damaged: delete it and run this again.") from None
