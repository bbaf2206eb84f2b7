"""Get the bytes of one photograph: from a folder, a mirror, or its own address."""

import http.client
import os
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data_prep.errors import PrepError
from data_prep.yfcc100m.metadata import commons_path
from data_prep.yfcc100m.sampling import Candidate

MOST_BYTES = 30_000_000
"""Of one image; the addresses lead to files of about a tenth of a megabyte."""
CHUNK = 1 << 16
"""Bytes read at a time."""
PLACEHOLDER = "photo_unavailable"
"""In the address to which Flickr leads when a photograph was taken back."""


AGENT = "kdgan-data-prep"
"""How this program names itself to servers."""


class Gone(Exception):
    """The photograph is not to be had; asking again would not help."""


class Unreachable(Exception):
    """The photograph could not be had now; the message says why in a few words."""


class Stopped(Exception):
    """The program is being ended."""


class Source(Protocol):
    """Where photographs are."""

    place: str
    """An address or a path with {id}, {path} or {url} in it."""
    stop: threading.Event
    """Set to end all waiting."""

    def read(self, photograph: Candidate) -> bytes:
        """Return an image file; raises Gone, Unreachable or Stopped."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for one photograph."""

    timeout: float = 10.0
    """Seconds without a connection, or without a byte."""
    total: float = 60.0
    """Seconds of one try in all."""
    attempts: int = 3
    """Tries in all."""
    pause: float = 2.0
    """Seconds before the second try, doubled at each further one."""


class Folder:
    """Files on this machine."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.stop = threading.Event()

    def read(self, photograph: Candidate) -> bytes:
        """Return the file of a photograph.

        A file that cannot be read, or whose folder is not there, may be back later.
        """
        try:
            return Path(fill(self.place, photograph)).read_bytes()
        except OSError as error:
            absent = isinstance(error, FileNotFoundError) and self._is_there()
            kind = Gone if absent else Unreachable
            raise kind(f"no file ({error.strerror})") from None

    def _is_there(self) -> bool:
        """Tell whether the folder of all photographs holds anything."""
        root = Path(re.split(r"\{(?:id|path|url)\}", self.place)[0] + "x").parent
        try:
            with os.scandir(root) as entries:
                return next(entries, None) is not None
        except OSError:
            return False


class Web:
    """Addresses, asked again when they fail."""

    def __init__(self, place: str, patience: Patience | None = None) -> None:
        self.place = place
        self._patience = patience or Patience()
        self.stop = threading.Event()

    def read(self, photograph: Candidate) -> bytes:
        """Return what a photograph's address leads to."""
        trouble = ""
        for attempt in range(self._patience.attempts):
            pause = self._patience.pause * 2 ** (attempt - 1) if attempt else 0
            if self.stop.wait(pause):
                raise Stopped
            try:
                return self._receive(fill(self.place, photograph))
            except Unreachable as error:
                trouble = str(error)
        raise Unreachable(trouble)

    def _receive(self, url: str) -> bytes:
        until = time.monotonic() + self._patience.total
        try:
            request = urllib.request.Request(url, headers={"User-Agent": AGENT})
            timeout = self._patience.timeout
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                if PLACEHOLDER in answer.url:
                    raise Gone("taken back")
                return self._body(answer, until)
        except urllib.error.HTTPError as error:
            for_now = error.code >= 500 or error.code in (408, 429)
            kind = Unreachable if for_now else Gone
            raise kind(f"the server answers {error.code}") from None
        except TimeoutError:
            raise Unreachable("the server stalls") from None
        except (http.client.InvalidURL, ValueError):
            raise Gone("no address") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"no connection ({reason})") from None

    def _body(self, answer: http.client.HTTPResponse, until: float) -> bytes:
        """Read an answer to its end, which must not be too far."""
        length = answer.headers.get("Content-Length")
        pieces, size = [], 0
        while piece := answer.read1(CHUNK):
            pieces.append(piece)
            size += len(piece)
            if self.stop.is_set():
                raise Stopped
            if size > MOST_BYTES:
                raise Gone("too large a file")
            if time.monotonic() > until:
                raise Unreachable("the server is too slow")
        if length is not None and size != int(length):
            raise Unreachable("it broke off")
        return b"".join(pieces)


def fill(place: str, photograph: Candidate) -> str:
    """Return where a photograph is: {id}, {path} and {url} stand for its own."""
    path = commons_path(photograph.url)
    known = {"{id}": photograph.identifier, "{path}": path, "{url}": photograph.url}
    for name, value in known.items():
        place = place.replace(name, value)
    return place


def open_source(images: str | None, patience: Patience | None = None) -> Source:
    """Return the source that a reader named.

    None: each photograph's own address. A folder or an address: {id} in it stands for
    Flickr's number, {path} for the place in the Multimedia Commons (abc/def/HASH.jpg);
    without either, /{id}.jpg is added. Raises PrepError for a folder that is not there.
    """
    if images is None:
        return Web("{url}", patience)
    named = "{id}" in images or "{path}" in images
    place = images if named else f"{images.rstrip('/')}/{{id}}.jpg"
    if images.startswith(("http://", "https://")):
        return Web(place, patience)
    folder = Path(place.split("{")[0] + "x").parent  # what of the path is certain
    if not folder.is_dir():
        raise PrepError(
            f"{folder} is no folder: --images takes a folder of photographs or an "
            "address that begins with http:// or https://."
        )
    return Folder(place)
