"""Fetch Debian's package of drawings and unpack it; nothing in it is ever run."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.registry import wait

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
    if not _is_published(archive):
        raise PrepError(
            f"{archive} is not {PACKAGE} {VERSION}: delete it and run this again."
        )


def _is_published(archive: Path) -> bool:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256


def _fetch(folder: Path) -> Path:
    """Download the package with apt, which needs no root for that."""
    folder.mkdir(parents=True, exist_ok=True)
    for archive in folder.glob("*.deb"):
        if _is_published(archive):
            return archive
        archive.unlink()  # what an interrupted run left
    _run(["apt-get", "download", f"{PACKAGE}={VERSION}"], folder)
    return next(folder.glob("*.deb"))


def _run(command: list[str], folder: Path) -> None:
    log = folder / f"{command[0]}.log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
            code = wait(process, " ".join(command[:2]))
    except FileNotFoundError:
        raise PrepError(
            f"`{command[0]}` is missing: run this on Debian or Ubuntu, or keep the "
            "table that comes with the book, which needs none of this."
        ) from None
    if code:
        lines = log.read_text(errors="replace").strip().splitlines()
        errors = [line for line in lines if line.startswith("E:")]
        why = (errors or lines or [f"exit code {code}"])[-1]
        raise PrepError(f"`{' '.join(command[:2])}` failed: {why}")
