"""Check that a run says on what it was made."""

import platform
import subprocess
from pathlib import Path

import pytest
import torch

from kdgan_lib import provenance
from kdgan_lib.provenance import device_name


@pytest.fixture(autouse=True)
def fresh():
    for cached in (provenance.commit, provenance.processor):
        cached.cache_clear()
    yield
    for cached in (provenance.commit, provenance.processor):
        cached.cache_clear()


def test_provenance_is_plain_values_that_a_table_can_hold():
    found = provenance.provenance(torch.device("cpu"))
    assert set(found) == {
        *("device", "threads", "python", "torch", "numpy", "platform"),
        *("instructions", "processor", "commit"),
    }
    assert all(type(value) in (str, int) for value in found.values())
    assert found["device"] == "cpu"
    assert found["torch"] == torch.__version__
    assert found["python"] == platform.python_version()
    assert found["threads"] == torch.get_num_threads()


def test_what_rounds_otherwise_is_a_part_of_it():
    cpu = torch.device("cpu")
    found, told = provenance.provenance(cpu), provenance.rounding(cpu)
    facts = [f"{name}={found[name]}" for name in provenance.ROUNDING]
    assert told == ", ".join(facts)
    assert f"torch={torch.__version__}" in facts
    assert f"processor={provenance.processor()}" in facts


def test_provenance_names_neither_the_machine_nor_the_user():
    found = " ".join(map(str, provenance.provenance(torch.device("cpu")).values()))
    assert platform.node() not in found


X86 = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Some Processor @ 2.30GHz
stepping\t: 2
power management:

processor\t: 1
model\t\t: 99
"""
ARM = """processor\t: 0
BogoMIPS\t: 50.00
CPU implementer\t: 0x41
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, "Some Processor @ 2.30GHz, cpu family 6, model 207, stepping 2"),
        (
            ARM,
            "CPU implementer 0x41, CPU variant 0x3, CPU part 0xd0c, CPU revision 1",
        ),
        ("", ""),
    ],
)
def test_linux_names_the_processor_s_kind(text, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(text)
    assert provenance.processor() == expected


@pytest.mark.parametrize(
    ("system", "expected"), [("Darwin", "Apple M9"), ("Windows", "Model 3"), ("", "")]
)
def test_other_systems_name_the_processor_too(system, expected, monkeypatch):
    said = {"sysctl": "Apple M9"}
    monkeypatch.setattr(provenance, "_output", lambda name, *_: said[name])
    monkeypatch.setattr(provenance, "CPUINFO", Path("nowhere"))
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "processor", lambda: "Model 3" if system else "")
    assert provenance.processor() == expected


@pytest.mark.parametrize(
    ("changed", "expected"), [("", "abc123"), (" M kdgan_lib/train.py", "abc123+")]
)
def test_the_commit_is_marked_when_library_files_have_changed(
    changed, expected, monkeypatch
):
    answers = {"rev-parse": "abc123", "status": changed}
    monkeypatch.setattr(provenance, "_git", lambda word, *_: answers[word])
    assert provenance.commit() == expected


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)]
)
def test_without_git_the_commit_is_unknown(error, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert provenance.commit() == "unknown"


def test_outside_a_checkout_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown"


def test_a_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    assert device_name(torch.device("cuda")) == "cuda: Some GPU"
