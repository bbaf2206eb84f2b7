"""Fetch photographs a few at a time; remember which are there and which are dead."""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data_prep.errors import PrepError
from data_prep.fetch import write_atomically
from data_prep.photographs import NotAnImage, read_picture
from data_prep.progress import progress_bar
from data_prep.yfcc100m.sampling import Candidate
from data_prep.yfcc100m.sources import Gone, Source, Unreachable

QUALITY = 95
"""Of the JPEG files in which the squares that the networks see are kept."""
IN_A_ROW = 40
"""Photographs that cannot be reached one after the other when the network is down."""


class Shelf:
    """The photographs in a folder, and the record of those that are not to be had."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "images"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._record = folder / "dead.tsv"
        self.dead: dict[str, str] = {}
        """Reason by identifier."""
        if self._record.is_file():
            for line in self._record.read_text(encoding="utf-8").splitlines():
                identifier, reason, *_ = [*line.split("\t"), ""]
                self.dead[identifier] = reason

    def path(self, identifier: str) -> Path:
        """Return the file of a photograph."""
        return self._folder / f"{identifier}.jpg"

    def has(self, identifier: str) -> bool:
        """Tell whether a photograph is there."""
        return self.path(identifier).is_file()

    def put(self, identifier: str, content: bytes) -> None:
        """Keep the middle square of an image file; raises NotAnImage."""
        file = io.BytesIO()
        picture = Image.fromarray(read_picture(content))
        picture.save(file, "JPEG", quality=QUALITY, subsampling=0)
        write_atomically(self.path(identifier), file.getvalue())

    def get(self, identifier: str) -> NDArray[np.uint8]:
        """Return a photograph's square, `[side, side, 3]`; raises PrepError."""
        path = self.path(identifier)
        try:
            return read_picture(path.read_bytes())
        except NotAnImage as error:
            path.unlink()
            raise PrepError(f"{path} was {error}: run this again.") from None

    def bury(self, one: Candidate, reason: str) -> None:
        """Record a photograph that is not to be had."""
        self.dead[one.identifier] = reason
        with self._record.open("a", encoding="utf-8") as file:
            file.write(f"{one.identifier}\t{reason}\t{one.url}\n")


def first_alive(
    candidates: Sequence[Candidate],
    number: int,
    shelf: Shelf,
    source: Source,
    workers: int,
    title: str,
) -> list[Candidate]:
    """Fetch until the first `number` candidates that can be had are on the shelf.

    Returns them, fewer if there are no more. The result depends on which are dead, not
    on which came first. Raises PrepError when nothing can be reached.
    """
    with progress_bar(total=number, unit="photograph", desc=title) as bar:
        while True:
            open_ones = [one for one in candidates if one.identifier not in shelf.dead]
            chosen = open_ones[:number]
            missing = [one for one in chosen if not shelf.has(one.identifier)]
            _show(bar, len(chosen) - len(missing), len(candidates) - len(open_ones))
            if not missing:
                return chosen
            _fetch_all(missing, shelf, source, workers, bar)


def _show(bar: tqdm, there: int, dead: int) -> None:
    bar.set_postfix_str(f"{dead:,} dead", refresh=False)
    bar.update(there - bar.n)


def _fetch_all(
    wanted: Sequence[Candidate], shelf: Shelf, source: Source, workers: int, bar: tqdm
) -> None:
    """Put every photograph on the shelf or into the record."""

    def obtain(one: Candidate) -> str | None:
        try:
            shelf.put(one.identifier, source.read(one))
        except (Gone, NotAnImage) as error:
            return str(error)
        return None

    unreached: list[tuple[Candidate, str]] = []  # since the last that was reached
    for one, outcome in _in_parallel(obtain, wanted, workers, source):
        try:
            reason = outcome.result()
        except Unreachable as error:
            unreached.append((one, str(error)))
            if len(unreached) == IN_A_ROW:
                raise _network_is_down(unreached) from None
            continue
        for late, trouble in unreached:
            shelf.bury(late, trouble)
        unreached.clear()
        if reason is None:
            bar.update()
        else:
            shelf.bury(one, reason)
    if len(unreached) == len(wanted):
        raise _network_is_down(unreached)
    for late, trouble in unreached:
        shelf.bury(late, trouble)


def _network_is_down(unreached: list[tuple[Candidate, str]]) -> PrepError:
    last, trouble = unreached[-1]
    return PrepError(
        f"The last {len(unreached)} photographs could not be reached ({last.url}: "
        f"{trouble}): check the network, or give --images, and run this again to go on."
    )


def _in_parallel(
    work: Callable[[Candidate], str | None],
    wanted: Sequence[Candidate],
    workers: int,
    source: Source,
) -> Iterator[tuple[Candidate, Future]]:
    """Yield each candidate with what became of it, as it comes; few are under way."""
    queue = iter(wanted)
    under_way: dict[Future, Candidate] = {}
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            for one in islice(queue, 2 * workers - len(under_way)):
                under_way[pool.submit(work, one)] = one
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), future
    finally:  # an error or an interrupt ends what is still under way
        stop = getattr(source, "stop", None)
        if stop and under_way:
            stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
