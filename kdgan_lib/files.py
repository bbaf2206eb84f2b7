"""Write files that survive kill -9 and full disks."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from kdgan_lib.paths import FULL, advice


def matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files of a folder that one of the patterns fits, sorted."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def digest_of_sources(paths: Iterable[Path]) -> str:
    """Return a short hash of text files' names and contents, in the order given.

    Line ends count alike on every system.
    """
    sha = hashlib.sha256()
    for path in paths:
        sha.update(path.name.encode())
        sha.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return sha.hexdigest()[:16]


class DiskFull(RuntimeError):
    """Raised when there is no room to write; what was on disk before is intact."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part.

    A symbolic link stays one: the file that it leads to is written.
    Raises DiskFull when the disk is full, and an OSError that names the file for any
    other reason, after removing the partial file.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        full = error.errno in FULL
        error.filename = str(path.parent if full else path)
        if full:
            raise DiskFull(advice(error)) from error
        raise


def rename(partial: Path, path: Path) -> None:
    """Put a file in another's place, durably where the system can say so."""
    os.replace(partial, path)
    if os.name != "posix":
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is kept by the folder
    finally:
        os.close(folder)
