"""Fetch photographs a few at a time; remember which are there and which are dead."""

import io
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data_prep.errors import PrepError
from data_prep.photographs import NotAnImage, read_picture
from data_prep.progress import progress_bar
from data_prep.yfcc100m.sampling import Candidate
from data_prep.yfcc100m.sources import Gone, Source, Unreachable
from kdgan_lib.files import write_atomically

QUALITY = 95
"""Of the JPEG files in which the squares that the networks see are kept."""
IN_A_ROW = 40
"""Photographs that cannot be reached, one after the other, when the network is down."""
AT_FIRST = 200
"""Photographs that are looked for, if there is none, before the place seems wrong."""


class Shelf:
    """The photographs in a folder, and the record of those that are not to be had."""

    def __init__(self, folder: Path, place: str) -> None:
        self._folder = folder / "images"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._record = folder / "dead.tsv"
        self._place = place
        self.dead: dict[str, str] = {}
        """Reason by identifier, of those that `place` does not have."""
        if self._record.is_file():
            for line in self._record.read_text(encoding="utf-8").splitlines():
                identifier, reason, where = (*line.split("\t"), "", "")[:3]
                if where == place:
                    self.dead[identifier] = reason

    def path(self, identifier: str) -> Path:
        """Return the file of a photograph."""
        return self._folder / f"{identifier}.jpg"

    def has(self, identifier: str) -> bool:
        """Tell whether a photograph is there."""
        return self.path(identifier).is_file()

    def is_empty(self) -> bool:
        """Tell whether there is no photograph at all."""
        return next(self._folder.glob("*.jpg"), None) is None

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

    def bury(self, identifier: str, reason: str) -> None:
        """Record a photograph that is not to be had."""
        self.dead[identifier] = reason
        with self._record.open("a", encoding="utf-8") as file:
            file.write(f"{identifier}\t{reason}\t{self._place}\n")


class Fetcher:
    """Puts photographs from a source on a shelf.

    What fails is not recorded at once: as long as nothing was found at all, the place
    may be wrong, and when many fail in a row, the network may be down.
    """

    def __init__(self, shelf: Shelf, source: Source, workers: int) -> None:
        self._shelf = shelf
        self._source = source
        self._workers = workers
        self._found = not shelf.is_empty()
        self._limbo: dict[str, str] = {}
        """Reason by identifier, of those that may yet be recorded as dead."""
        self._unreached = 0
        """How many of the last could not be reached."""

    def first_alive(
        self, candidates: Sequence[Candidate], number: int, title: str
    ) -> list[Candidate]:
        """Fetch until the first `number` candidates that can be had are there.

        Returns them, fewer if there are no more. The result depends on which are dead,
        not on which came first. Raises PrepError when nothing can be reached.
        """
        with progress_bar(total=number, unit="photograph", desc=title) as bar:
            while True:
                alive = [one for one in candidates if not self._is_dead(one)]
                chosen = alive[:number]
                missing = [one for one in chosen if not self._shelf.has(one.identifier)]
                dead = len(candidates) - len(alive)
                bar.set_postfix_str(f"{dead:,} dead", refresh=False)
                bar.update(len(chosen) - len(missing) - bar.n)
                if not missing:
                    self._settle(at_end=True)
                    return chosen
                self._fetch(missing, bar)

    def _is_dead(self, one: Candidate) -> bool:
        return one.identifier in self._shelf.dead or one.identifier in self._limbo

    def _fetch(self, wanted: Sequence[Candidate], bar: tqdm) -> None:
        """Look for every photograph once."""
        outcomes = _in_parallel(self._obtain, wanted, self._workers, self._source.stop)
        with closing(outcomes):
            for one, outcome in outcomes:
                try:
                    outcome.result()
                    self._found, self._unreached = True, 0
                    bar.update()
                except (Gone, NotAnImage) as error:
                    self._unreached = 0
                    self._limbo[one.identifier] = str(error)
                except Unreachable as error:
                    self._unreached += 1
                    self._limbo[one.identifier] = str(error)
                self._settle()

    def _obtain(self, one: Candidate) -> None:
        self._shelf.put(one.identifier, self._source.read(one))

    def _settle(self, at_end: bool = False) -> None:
        """Record what failed, or raise PrepError if all did."""
        if not self._limbo:
            return
        trouble = list(self._limbo.values())[-1]
        all_unreached = self._unreached == len(self._limbo) and not self._found
        if self._unreached >= IN_A_ROW or (at_end and all_unreached):
            raise PrepError(
                f"The last {self._unreached} photographs could not be reached "
                f"({trouble}): check the network and --images, and run this again."
            )
        if not self._found and (at_end or len(self._limbo) >= AT_FIRST):
            raise PrepError(
                f"None of the first {len(self._limbo)} photographs is at "
                f"{self._source.place} ({trouble}): give another --images."
            )
        if self._found and (at_end or not self._unreached):
            for identifier, reason in self._limbo.items():
                self._shelf.bury(identifier, reason)
            self._limbo.clear()


def _in_parallel(
    work: Callable[[Candidate], None],
    wanted: Sequence[Candidate],
    workers: int,
    stop: Event,
) -> Generator[tuple[Candidate, Future]]:
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
        if under_way:
            stop.set()
        pool.shutdown(cancel_futures=True)
