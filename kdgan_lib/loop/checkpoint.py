"""Checkpoints that survive kill -9, full disks and damaged files."""

import hashlib
import io
import os
import warnings
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from kdgan_lib.files import write_atomically
from kdgan_lib.memory import is_full

KEPT = 2


def encode(payload: dict) -> bytes:
    """Return the payload's bytes, behind their SHA-256."""
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    content = buffer.getvalue()
    return hashlib.sha256(content).digest() + content


def decode(content: bytes) -> dict:
    """Return the payload, on the CPU; raise ValueError if a single bit has changed.

    Only tensors and plain containers are loaded, so that no code from the file runs;
    UnpicklingError says that it holds something else.
    """
    digest, body = content[:32], content[32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("the content does not match its checksum")
    # A file from a GPU is sound where there is none, too.
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)


class Checkpoints:
    """The last checkpoints of one run, in a folder of their own.

    context: what the run's bits depend on beside its settings, such as threads and
    versions. A run that goes on under another one does so with a warning.
    """

    def __init__(self, folder: Path | str, context: str = "") -> None:
        self.folder = Path(folder)
        self.contexts = [context]
        """Those that the run had so far, in order."""

    def save(self, step: int, payload: dict[str, Any]) -> None:
        """Write the checkpoint of a step and remove all but the last two."""
        content = encode({**payload, "contexts": self.contexts})
        write_atomically(self.folder / f"step-{step:09d}.pt", content)
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def latest(self) -> dict | None:
        """Return the newest sound payload; set other files aside with a warning.

        Raises OSError for a file that cannot be read, which may be sound.
        """
        for path in reversed(self._files()):
            content = path.read_bytes()
            try:
                payload = decode(content)
            except UnpicklingError as error:
                fault = "holds other things than tensors and plain values"
                _set_aside(path, ".unreadable", f"{fault} ({error})")
            except Exception as error:
                if is_full(error):  # says nothing of the file either
                    raise
                _set_aside(path, ".damaged", f"is damaged ({error})")
            else:
                self._go_on(payload.pop("contexts", []))
                return payload
        return None

    def _go_on(self, before: list[str]) -> None:
        """Take up the contexts of a checkpoint; warn where this is another one."""
        now = self.contexts[-1]
        if before and before[-1] != now:
            warnings.warn(
                f"The run of {self.folder} began with {before[-1]} and goes on with "
                f"{now}: its numbers are those of neither.",
                stacklevel=2,
            )
            before = [*before, now]
        self.contexts = before or self.contexts

    def clear(self) -> None:
        """Remove the run's checkpoints, once its record is safe."""
        partial = self.folder.glob(".step-*.tmp")  # what a killed process left
        for path in [*self._files(), *partial]:
            path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.pt"))


def _set_aside(path: Path, suffix: str, fault: str) -> None:
    """Keep a checkpoint that cannot be used under another name, and warn."""
    aside = path.with_suffix(suffix)
    os.replace(path, aside)
    warnings.warn(
        f"Checkpoint {path} {fault}; it is kept as {aside.name}, and the run goes on "
        "from the one before, or begins again where there is none.",
        stacklevel=3,
    )
