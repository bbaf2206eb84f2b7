"""Check checkpoints against full disks, damaged files and foreign code."""

import errno
import os
import pickle
from pathlib import Path

import pytest
import torch

from kdgan_lib.loop import checkpoint
from kdgan_lib.loop.checkpoint import Checkpoints, decode, encode
from kdgan_lib.memory import ALLOCATOR

PAYLOAD = {"step": 3, "weights": {"a": torch.arange(4.0)}, "curve": [{"epoch": 1}]}


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "one bit":
        content[len(content) // 2] ^= 1
    else:
        content = bytearray()
    path.write_bytes(bytes(content))


def test_a_payload_survives_the_round_trip_bit_by_bit():
    found = decode(encode(PAYLOAD))
    assert torch.equal(found["weights"]["a"], PAYLOAD["weights"]["a"])
    assert {k: found[k] for k in ("step", "curve")} == {
        "step": 3,
        "curve": [{"epoch": 1}],
    }


@pytest.mark.parametrize("how", ["truncated", "one bit", "empty"])
def test_damaged_content_is_refused(how, tmp_path):
    path = tmp_path / "step.pt"
    path.write_bytes(encode(PAYLOAD))
    damage(path, how)
    with pytest.raises(ValueError, match="checksum"):
        decode(path.read_bytes())


def test_code_in_a_checkpoint_does_not_run():
    with pytest.raises(pickle.UnpicklingError, match=r"(?i)weights.only"):
        decode(encode({"trap": os.system}))


def test_a_file_from_a_gpu_is_read_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
    assert decode(encode(PAYLOAD))["weights"]["a"].device.type == "cpu"


def test_a_run_that_goes_on_under_another_context_says_so(tmp_path, recwarn):
    Checkpoints(tmp_path, "threads=2").save(1, {"step": 1})
    same, other = Checkpoints(tmp_path, "threads=2"), Checkpoints(tmp_path, "threads=1")
    assert same.latest() == {"step": 1}
    assert (same.contexts, len(recwarn)) == (["threads=2"], 0)
    with pytest.warns(UserWarning, match="began with threads=2 and goes on with thr"):
        other.latest()
    other.save(2, {"step": 2})
    again = Checkpoints(tmp_path, "threads=1")
    assert again.latest() == {"step": 2}
    assert again.contexts == ["threads=2", "threads=1"]


def test_the_last_two_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 20, 300):
        checkpoints.save(step, {"step": step})
    assert [p.name for p in sorted(tmp_path.iterdir())] == [
        "step-000000020.pt",
        "step-000000300.pt",
    ]
    assert checkpoints.latest() == {"step": 300}


@pytest.mark.parametrize("how", ["truncated", "one bit", "empty"])
def test_a_damaged_checkpoint_is_set_aside_and_the_previous_one_used(how, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, {"step": step})
    damage(tmp_path / "step-000000002.pt", how)
    with pytest.warns(UserWarning, match=r"step-000000002.pt is damaged .* kept as"):
        assert checkpoints.latest() == {"step": 1}
    assert (tmp_path / "step-000000002.damaged").exists()
    assert checkpoints.latest() == {"step": 1}  # no second warning


def test_a_sound_checkpoint_of_other_things_is_set_aside_and_not_called_damaged(
    tmp_path,
):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"step": 1})
    checkpoints.save(2, {"trap": os.system})
    with pytest.warns(UserWarning, match="holds other things than tensors and") as said:
        assert checkpoints.latest() == {"step": 1}
    assert "damaged" not in str(said[0].message)
    assert (tmp_path / "step-000000002.unreadable").exists()


def test_with_every_checkpoint_damaged_the_run_starts_again(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"step": 1})
    damage(tmp_path / "step-000000001.pt", "empty")
    with pytest.warns(UserWarning, match="damaged"):
        assert checkpoints.latest() is None


def test_no_checkpoints_means_none(tmp_path):
    assert Checkpoints(tmp_path / "absent").latest() is None
    Checkpoints(tmp_path / "absent").clear()


def test_clearing_removes_checkpoints_partial_files_and_the_folder(tmp_path):
    folder = tmp_path / "run"
    Checkpoints(folder).save(1, {"step": 1})
    (folder / ".step-000000002.pt.123.tmp").write_bytes(b"killed here")
    Checkpoints(folder).clear()
    assert not folder.exists()


def test_a_partial_file_is_never_taken_for_a_checkpoint(tmp_path):
    (tmp_path / ".step-000000009.pt.77.tmp").write_bytes(b"half")
    assert Checkpoints(tmp_path).latest() is None


@pytest.mark.parametrize("code", [errno.EMFILE, errno.EIO, errno.EACCES])
def test_a_checkpoint_that_cannot_be_read_is_not_taken_for_damaged(
    code, tmp_path, monkeypatch
):
    def fail(path):
        raise OSError(code, os.strerror(code))

    Checkpoints(tmp_path).save(1, {"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(OSError, match=os.strerror(code)):
            Checkpoints(tmp_path).latest()
    assert Checkpoints(tmp_path).latest() == {"step": 1}


def test_a_checkpoint_for_which_there_is_no_memory_is_not_taken_for_damaged(
    tmp_path, monkeypatch
):
    def fail(content):
        raise RuntimeError(f"[enforce fail] {ALLOCATOR}: you tried to allocate")

    Checkpoints(tmp_path).save(1, {"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "decode", fail)
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            Checkpoints(tmp_path).latest()
    assert Checkpoints(tmp_path).latest() == {"step": 1}
