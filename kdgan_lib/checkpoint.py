"""Checkpoints that survive kill -9, full disks and damaged files."""

import errno
import hashlib
import io
import os
import warnings
from pathlib import Path

import torch

KEPT = 2


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


def encode(payload: dict) -> bytes:
    """Return the payload's bytes, behind their SHA-256."""
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def decode(content: bytes) -> dict:
    """Return the payload; raise ValueError if a single bit has changed.

    Only tensors and plain containers are loaded: no code from the file runs.
    """
    digest, body = content[:32], content[32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("the content does not match its checksum")
    return torch.load(io.BytesIO(body), weights_only=True)


class Checkpoints:
    """The last checkpoints of one run, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: int, payload: dict) -> None:
        """Write the checkpoint of a step and remove all but the last two."""
        write_atomically(self.folder / f"step-{step:09d}.pt", encode(payload))
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def latest(self) -> dict | None:
        """Return the newest sound payload; set damaged files aside with a warning."""
        for path in reversed(self._files()):
            try:
                return decode(path.read_bytes())
            except Exception as error:
                aside = path.with_suffix(".damaged")
                os.replace(path, aside)
                warnings.warn(
                    f"Checkpoint {path} is damaged ({error}); it is kept as "
                    f"{aside.name} and the run goes on from the one before.",
                    stacklevel=2,
                )
        return None

    def clear(self) -> None:
        """Remove the run's checkpoints, once its record is safe."""
        partial = self.folder.glob(".step-*.tmp")  # what a killed process left
        for path in [*self._files(), *partial]:
            path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.pt"))
