"""Write files that survive kill -9 and full disks."""

import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


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

    Raises DiskFull, after removing the partial file, when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk of {path.parent} is full: free some space and run the same "
                "command again; it goes on from the last checkpoint."
            ) from error
        raise
