"""Say on what a run was made: device, processor, versions, commit."""

import platform
import re
import subprocess
from functools import cache
from pathlib import Path

import numpy
import torch

from kdgan_lib.paths import ROOT

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the processor."""
KINDS = (
    *("cpu family", "model", "stepping"),
    *("CPU implementer", "CPU variant", "CPU part", "CPU revision"),
)
"""Numbers of a processor's kind in `CPUINFO`, on x86 and on ARM."""

ROUNDING = ("processor", "instructions", "platform", "device", "torch", "threads")
"""What of a run's provenance decides how its sums are rounded."""


def provenance(device: torch.device) -> dict[str, str | int]:
    """Return the device, the threads, the versions and the commit as plain values.

    On one processor, with one version of torch and number of threads, a run repeats to
    the bit. A GPU draws other noise than a processor.
    """
    known = {"python": platform.python_version(), "numpy": numpy.__version__}
    return _rounding(device) | known | {"commit": commit()}


def rounding(device: torch.device) -> str:
    """Return in plain text what decides here how sums are rounded."""
    made_on = _rounding(device)
    return ", ".join(f"{name}={made_on[name]}" for name in ROUNDING)


def _rounding(device: torch.device) -> dict[str, str | int]:
    """Return what `ROUNDING` names."""
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "platform": f"{platform.system()}-{platform.machine()}",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "processor": processor(),
    }


def device_name(device: torch.device) -> str:
    """Return `cpu`, or the name of the GPU."""
    if device.type != "cuda":
        return device.type
    return f"cuda: {torch.cuda.get_device_name(device)}"


@cache
def processor() -> str:
    """Return the processor's name and the numbers of its kind; empty if unknown.

    A virtual machine may hide the name behind a general one, but not the numbers.
    """
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    first = text.strip().partition("\n\n")[0]
    facts = dict(re.findall(r"^(.+?)[ \t]*:[ \t]*(.+?)[ \t]*$", first, re.M))
    numbers = [f"{name} {facts[name]}" for name in KINDS if name in facts]
    return ", ".join([*filter(None, [facts.get("model name")]), *numbers])


@cache
def commit() -> str:
    """Return the checkout's commit, `+` behind it if library files have changed."""
    revision = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "kdgan_lib")
    return (revision + "+" * bool(changed)) if revision else "unknown"


def _git(*arguments: str) -> str:
    return _output("git", "-C", str(ROOT), *arguments)


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
