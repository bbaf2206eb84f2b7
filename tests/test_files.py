"""Check that files are written whole or not at all."""

import errno
import os

import pytest

from kdgan_lib.files import DiskFull, write_atomically


def fail_with(code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(
    call, code, tmp_path, monkeypatch
):
    path = tmp_path / "table"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, call, fail_with(code))
    with pytest.raises(DiskFull, match="free some space and run this again"):
        write_atomically(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["table"]
    assert path.read_bytes() == b"old"


def test_another_error_of_the_disk_is_not_called_full(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail_with(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        write_atomically(tmp_path / "table", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link_and_its_target_is_written(there, tmp_path):
    target, link = tmp_path / "elsewhere" / "table", tmp_path / "runs" / "table"
    link.parent.mkdir()
    if there:
        write_atomically(target, b"old")
    link.symlink_to("../elsewhere/table")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == link.read_bytes() == b"new"
    assert [p.name for p in target.parent.iterdir()] == ["table"]
