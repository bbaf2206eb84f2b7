"""Freed memory is used again, and a system without glibc is left alone."""

import subprocess
import sys

import pytest

from kdgan_lib import memory

FAULTS = """
import resource, sys, torch
from kdgan_lib.memory import keep_freed_memory
torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed_memory()
for place in range(20):
    if place == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(1 << 24)  # 64 MiB: more than glibc ever keeps by itself
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode):
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")
def test_a_freed_block_is_not_asked_of_the_system_again():
    # The heap may grow once more on the way, by one of the ten blocks.
    assert 3 * faults("keep") < faults("do not")


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_without_glibc_nothing_happens(error, monkeypatch):
    def missing(name):
        raise error(name)

    monkeypatch.setattr(memory.ctypes, "CDLL", missing)
    memory.keep_freed_memory()


def test_another_system_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: pytest.fail(name))
    memory.keep_freed_memory()
