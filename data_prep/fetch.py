"""Download one file and keep it only if it is the published one."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.progress import progress_bar
from kdgan_lib.files import rename

CHUNK = 1 << 18
"""Bytes read at a time."""
BROKEN = (urllib.error.URLError, http.client.HTTPException, OSError)
"""What a network may raise."""


@dataclass(frozen=True)
class Remote:
    """A file elsewhere and the proof that it is the right one."""

    url: str
    """Address."""
    md5: str
    """MD5 of the whole file."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a network before giving up."""

    timeout: float = 10.0
    """Seconds without a connection, or without a byte."""
    attempts: int = 4
    """Tries in all, once the server has answered."""
    pause: float = 1.0
    """Seconds before the second try, doubled at each further one."""


class _Retry(Exception):
    """A download broke off in a way that another try may mend."""


def md5_of(path: Path) -> str:
    """Return the MD5 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()


def download(remote: Remote, target: Path, patience: Patience | None = None) -> Path:
    """Fetch a file into `target`, resuming `target`.part where a server allows it.

    Returns `target`, at once when it is the published file already.
    Raises PrepError when the file cannot be had, or is not the published one.
    """
    if target.exists() and md5_of(target) == remote.md5:
        return target
    patience = patience or Patience()
    part = target.with_name(target.name + ".part")
    trouble = ""
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause * 2 ** (attempt - 1))
        try:
            _receive(remote, part, patience.timeout)
            rename(part, target)
            return target
        except _Retry as error:
            trouble = str(error)
    raise PrepError(f"{remote.url} could not be downloaded: {trouble}.")


def _receive(remote: Remote, part: Path, timeout: float) -> None:
    """Complete `part`, or write it anew, and check it."""
    have = part.stat().st_size if part.exists() else 0
    with _open(remote.url, have, timeout, part) as response:
        resumed = response.status == 206 and _starts_at(response, have)
        _save(response, part, have if resumed else 0)
    if md5_of(part) == remote.md5:
        return
    part.unlink()
    trouble = "its bytes are not the published ones"
    if resumed:  # what was there before may have been at fault
        raise _Retry(trouble)
    raise PrepError(f"{remote.url} is of no use: {trouble}.")


def _open(url: str, have: int, timeout: float, part: Path) -> http.client.HTTPResponse:
    """Ask for a file from byte `have` on."""
    request = urllib.request.Request(url)
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is as long as the file, or longer
            part.unlink()
            raise _Retry("the server refuses to resume") from None
        if error.code >= 500 or error.code == 429:
            raise _Retry(f"the server answers {error.code}") from None
        raise PrepError(f"{url}: the server answers {error.code}.") from None
    except BROKEN as error:
        reason = f"cannot be reached ({getattr(error, 'reason', error)})"
        if have:  # it could be reached before
            raise _Retry(reason) from None
        raise PrepError(f"{url} {reason}.") from None


def _starts_at(response: http.client.HTTPResponse, offset: int) -> bool:
    """Tell whether a partial answer continues at `offset`."""
    given = response.headers.get("Content-Range", "")
    if given.startswith(f"bytes {offset}-"):
        return True
    raise _Retry("the server resumes at the wrong place")


def _save(response: http.client.HTTPResponse, part: Path, offset: int) -> None:
    """Write a response after the first `offset` bytes of `part`, with progress."""
    length = response.headers.get("Content-Length")
    total = offset + int(length) if length else None
    name = part.name.removesuffix(".part")
    bar = progress_bar(
        total=total, initial=offset, unit="B", unit_scale=True, desc=name
    )
    with bar, part.open("ab" if offset else "wb") as file:
        while chunk := _read(response):
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    if total is not None and size != total:
        raise _Retry(f"it broke off after {size:,} of {total:,} bytes")


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read a chunk; a fault of the network, not of the disk, asks for a retry."""
    try:
        return response.read(CHUNK)
    except TimeoutError:
        raise _Retry("the server stalled") from None
    except (http.client.HTTPException, OSError) as error:
        raise _Retry(f"the connection broke ({error})") from None
