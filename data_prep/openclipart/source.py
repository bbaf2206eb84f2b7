"""Fetch Debian's package of drawings and unpack it; nothing in it is ever run."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from data_prep.errors import PrepError

PACKAGE = "openclipart-svg"
VERSION = "1:0.18+dfsg-19"
SHA256 = "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5"
"""Of the package's archive, 24.9 MB."""


def drawings_folder(work: Path, archive: Path | None = None) -> Path:
    """Return the folder of SVG files, fetched and unpacked under `work` when missing.

    `archive` is the .deb where it is on this machine already. Raises PrepError.
    """
    unpacked = work / "package"
    drawings = unpacked / "usr" / "share" / "openclipart" / "svg"
    if drawings.is_dir():
        return drawings
    archive = archive or _fetch(work / "archive")
    verify(archive)
    part = work / "package.part"
    shutil.rmtree(part, ignore_errors=True)
    _run(["dpkg-deb", "-x", str(archive), str(part)], work)
    part.rename(unpacked)
    if not drawings.is_dir():
        raise PrepError(f"{archive} holds no folder usr/share/openclipart/svg.")
    return drawings


def verify(archive: Path) -> None:
    """Raise PrepError unless `archive` is the published package."""
    if not archive.is_file():
        raise PrepError(f"{archive} is not there: give the path of {PACKAGE}'s .deb.")
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise PrepError(
            f"{archive} is not {PACKAGE} {VERSION}: delete it and run this again."
        )


def _fetch(folder: Path) -> Path:
    """Download the package with apt, which needs no root for that."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.deb")):
        _run(["apt-get", "download", f"{PACKAGE}={VERSION}"], folder)
    return next(folder.glob("*.deb"))


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError:
        raise PrepError(
            f"`{command[0]}` is missing: run this on Debian or Ubuntu, or keep the "
            "table that comes with the book, which needs none of this."
        ) from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        why = (errors or [done.stderr.strip() or f"exit code {done.returncode}"])[-1]
        raise PrepError(f"`{' '.join(command[:2])}` failed: {why}")
