"""Stream the metadata of YFCC100M: photographs with text and tags.

The format (Thomee et al., "YFCC100M: the new data in multimedia research", 2016) is a
line per picture of 23 columns separated by tabs: id, user id, user name, date taken,
date uploaded, device, title, description, user tags, machine tags, longitude, latitude,
accuracy, page, download address, licence, licence address, server, farm, secret,
original secret, extension, and 0 for a photograph or 1 for a video. Files with a line
number before the id and a hash after it have 25. Text is encoded as in addresses (`+`
is a space), tags are separated by commas.
"""

import bz2
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_plus

COLUMNS = 23
TITLE, DESCRIPTION, TAGS, DOWNLOAD, KIND = 6, 7, 8, 14, 22
"""Columns that are used, counted from 0 at the id; the id itself is the first."""
LONGEST = 1 << 20
"""Bytes of the longest line that is read; a longer one is broken."""


@dataclass(frozen=True)
class Photograph:
    """One line of the metadata, decoded."""

    identifier: str
    """Flickr's number."""
    title: str
    """Decoded; may be empty if there is a description."""
    description: str
    """Decoded; may be empty if there is a title."""
    tags: tuple[str, ...]
    """Decoded, in lower case, without repeats, in the user's order."""
    url: str
    """Where the image was."""


@dataclass
class Tally:
    """What became of the lines."""

    lines: int = 0
    """Read so far."""
    skipped: Counter[str] = field(default_factory=Counter)
    """How many were left out, by reason."""
    seconds: float = 0.0
    """Time since the start."""

    @property
    def lines_per_second(self) -> float:
        """Return the speed so far."""
        return self.lines / max(self.seconds, 1e-9)


def parse_line(line: bytes) -> Photograph | str:
    """Return the photograph of a line, or the reason to leave it out."""
    try:
        columns = line.decode("utf-8").rstrip("\r\n").split("\t")
    except UnicodeDecodeError:
        return "broken line"
    if len(columns) == COLUMNS + 2:
        columns[:3] = columns[1:2]  # without line number and hash
    if len(columns) != COLUMNS or not columns[0].isdigit():
        return "broken line"
    if columns[KIND] not in ("0", "1"):
        return "broken line"
    if columns[KIND] == "1":
        return "video"
    title, description = decode(columns[TITLE]), decode(columns[DESCRIPTION])
    if not title and not description:
        return "no title or description"
    tags = tuple(dict.fromkeys(_tags(columns[TAGS])))
    if not tags:
        return "no tag"
    if not columns[DOWNLOAD].startswith(("http://", "https://")):
        return "no address"
    return Photograph(columns[0], title, description, tags, columns[DOWNLOAD])


def decode(text: str) -> str:
    """Undo the encoding of a text field and collapse its white space."""
    return " ".join(unquote_plus(text, errors="replace").split())


def read_photographs(path: Path, tally: Tally | None = None) -> Iterator[Photograph]:
    """Yield the photographs of a metadata file, plain or .bz2, in constant memory.

    `tally` is kept up to date. A compressed file that is cut short ends the stream
    and is counted as "file cut short".
    """
    tally = tally if tally is not None else Tally()
    start = time.monotonic()
    with closing(_open(path)) as file:
        for line in _lines(file, tally):
            tally.lines += 1
            tally.seconds = time.monotonic() - start
            found = parse_line(line)
            if isinstance(found, str):
                tally.skipped[found] += 1
            else:
                yield found


def _tags(column: str) -> Iterator[str]:
    for tag in column.split(","):
        word = decode(tag).lower()
        if word:
            yield word


def _open(path: Path) -> BinaryIO | bz2.BZ2File:
    return bz2.open(path, "rb") if path.suffix == ".bz2" else path.open("rb")


def _lines(file: BinaryIO | bz2.BZ2File, tally: Tally) -> Iterator[bytes]:
    """Yield lines; what is left of one that is too long is passed over."""
    try:
        while line := file.readline(LONGEST):
            yield line
            while len(line) == LONGEST and not line.endswith(b"\n"):
                line = file.readline(LONGEST)
    except (EOFError, OSError):
        tally.skipped["file cut short"] += 1
