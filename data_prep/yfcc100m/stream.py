"""Read the lines of large files one after the other, from any place on."""

import bz2
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from data_prep.errors import PrepError
from data_prep.progress import progress_bar

LONGEST = 1 << 20
"""Bytes of the longest line that is read; of a longer one only the beginning is."""
BLOCK = 1 << 20
"""Bytes that are read at a time."""
GLANCE = 10_000
"""Lines between two looks at the progress."""


@dataclass
class Place:
    """A place between two lines."""

    file: int = 0
    """Number of the file, from 0."""
    offset: int = 0
    """Bytes of the unpacked file before it."""
    lines: int = 0
    """Lines of all files before it."""
    broken_off: int = 0
    """Files before it that end too early."""


def read_lines(
    paths: list[Path], place: Place, title: str = "reading"
) -> Iterator[bytes]:
    """Yield the lines from a place on, in constant memory; `place` moves along.

    Files are plain, .bz2 or .gz, as their first bytes say. To find a place in a packed
    file it is unpacked up to there, which is faster than reading lines. A packed file
    that breaks off ends there: a warning is printed and it is counted in `place`.
    """
    sizes = [_size(path) for path in paths]
    style: dict = {"unit": "B", "unit_scale": True, "desc": title}
    with progress_bar(total=sum(sizes), **style) as bar:
        while place.file < len(paths):
            path, before = paths[place.file], sum(sizes[: place.file])
            with _open(path) as (raw, file):
                try:
                    _skip(file, place.offset, file is raw)
                    for line in _lines(file, place):
                        if place.lines % GLANCE == 0:
                            bar.update(before + raw.tell() - bar.n)
                        yield line
                except (EOFError, OSError, zlib.error) as error:
                    if getattr(error, "errno", None):
                        raise  # the disk, not the file
                    _note_break(path, place)
            bar.update(before + sizes[place.file] - bar.n)
            place.file, place.offset = place.file + 1, 0


def _lines(file: BinaryIO, place: Place) -> Iterator[bytes]:
    """Yield lines; what is left of one that is too long is passed over."""
    while line := file.readline(LONGEST):
        place.offset += len(line)
        rest = line
        while len(rest) == LONGEST and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST)
            place.offset += len(rest)
        place.lines += 1
        yield line


def _note_break(path: Path, place: Place) -> None:
    if place.offset == 0:
        raise PrepError(f"{path} cannot be unpacked: fetch it again.")
    print(f"{path} breaks off after line {place.lines:,}.", file=sys.stderr)
    place.broken_off += 1


def _skip(file: BinaryIO, offset: int, seekable: bool) -> None:
    """Go to a place; only a plain file can be entered in its middle."""
    if seekable or not offset:
        file.seek(offset)
        return
    with progress_bar(total=offset, unit="B", unit_scale=True, desc="going on") as bar:
        while bar.n < offset:
            skipped = len(file.read(min(BLOCK, offset - bar.n)))
            if not skipped:
                raise EOFError
            bar.update(skipped)


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file; yield it and its unpacked content, the same if it is plain."""
    with path.open("rb") as raw:
        head = raw.read(3)
        raw.seek(0)
        packed: Any
        if head == b"BZh":
            packed = bz2.BZ2File(raw)
        elif head[:2] == b"\x1f\x8b":
            packed = gzip.GzipFile(fileobj=raw)
        else:
            packed = raw
        with packed:
            yield raw, packed


def _size(path: Path) -> int:
    if not path.is_file():
        raise PrepError(f"{path} is not there: give the path of YFCC100M's metadata.")
    return path.stat().st_size
