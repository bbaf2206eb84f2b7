"""Download one file and keep it only if it is the published one."""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from data_prep.errors import PrepError

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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at any moment it is either absent or whole."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def download(remote: Remote, target: Path, patience: Patience | None = None) -> Path:
    """Fetch a file into `target`, resuming `target`.part where a server allows it.

    Raises PrepError when it cannot be had, or is not the published file.
    """
    patience = patience or Patience()
    part = target.with_name(target.name + ".part")
    trouble = ""
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause * 2 ** (attempt - 1))
        try:
            _receive(remote.url, part, patience.timeout)
            if md5_of(part) == remote.md5:
                os.replace(part, target)
                sync_folder(target.parent)
                return target
            part.unlink()
            trouble = "its bytes are not the published ones"
        except _Retry as error:
            trouble = str(error)
    raise PrepError(f"{remote.url} could not be downloaded: {trouble}.")


def _receive(url: str, part: Path, timeout: float) -> None:
    """Append to `part` what is missing of it, or write it anew."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url)
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        _judge_status(url, error.code, part)
    except BROKEN as error:
        reason = getattr(error, "reason", error)
        raise PrepError(f"{url} cannot be reached ({reason}).") from None
    with response:
        resumed = response.status == 206 and _starts_at(response, have)
        _save(response, part, have if resumed else 0)


def _judge_status(url: str, code: int, part: Path) -> None:
    """Raise what a refused request calls for: another try, or none."""
    if code == 416:  # the part is as long as the file, or longer: start anew
        part.unlink(missing_ok=True)
        raise _Retry("the server refuses to resume")
    if code >= 500 or code == 429:
        raise _Retry(f"the server answers {code}")
    raise PrepError(f"{url} cannot be had: the server answers {code}.")


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
    bar = tqdm(total=total, initial=offset, unit="B", unit_scale=True, desc=name)
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
