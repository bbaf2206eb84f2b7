"""The cache holds the published bytes or nothing, whoever writes it and when."""

import errno
import os
import subprocess
import sys

import pytest
from filelock import FileLock

from data_prep.errors import PrepError
from data_prep.recipe import Recipe, carry_out, is_ready
from kdgan_lib.files import DiskFull
from kdgan_lib.paths import ROOT


def unreachable(work):
    raise PrepError("it cannot be reached.")


def forbidden(work):
    raise AssertionError("this source must not be asked")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_first_source_that_works_is_kept(tiny_set, tiny_files, tmp_path, capsys):
    sources = {
        "a": unreachable,
        "b": lambda work: {**tiny_files, "labels": b"wrong"},
        "c": lambda work: {"images": tiny_files["images"]},
        "d": lambda work: tiny_files,
        "e": forbidden,
    }
    assert carry_out(Recipe(tiny_set, sources), tmp_path / "tiny")
    assert contents(tmp_path / "tiny") == tiny_files
    assert capsys.readouterr().err.splitlines() == [
        "No Tiny from a source: it cannot be reached.",
        "No Tiny from b source: labels is not the published file.",
        "No Tiny from c source: labels is not among its files.",
    ]


def test_what_is_there_and_right_is_not_fetched(tiny_set, tiny_files, tmp_path):
    folder = tmp_path / "tiny"
    assert carry_out(Recipe(tiny_set, {"a": lambda work: tiny_files}), folder)
    assert not carry_out(Recipe(tiny_set, {"a": forbidden}), folder)


@pytest.mark.parametrize("damage", ["changed", "truncated", "missing", "empty"])
def test_a_damaged_cache_is_mended(tiny_set, tiny_files, tmp_path, damage):
    folder = tmp_path / "tiny"
    recipe = Recipe(tiny_set, {"a": lambda work: tiny_files})
    carry_out(recipe, folder)
    path, good = folder / "images", tiny_files["images"]
    bad = {"changed": good[:-1] + b"!", "truncated": good[:-1], "empty": b""}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(bad[damage])
    assert not is_ready(tiny_set, folder)
    assert carry_out(recipe, folder)
    assert contents(folder) == tiny_files


def test_force_fetches_again_and_keeps_the_old_files_if_that_fails(
    tiny_set, tiny_files, tmp_path
):
    folder, asked = tmp_path / "tiny", []

    def source(work):
        asked.append(work)
        return tiny_files

    recipe = Recipe(tiny_set, {"a": source})
    assert carry_out(recipe, folder)
    assert carry_out(recipe, folder, force=True)
    assert len(asked) == 2
    with pytest.raises(PrepError):
        carry_out(Recipe(tiny_set, {"a": unreachable}), folder, force=True)
    assert contents(folder) == tiny_files


def test_without_a_source_a_sentence_says_what_to_do(tiny_set, tmp_path):
    folder = tmp_path / "tiny"
    recipe = Recipe(tiny_set, {"a": unreachable, "b": unreachable})
    with pytest.raises(PrepError) as caught:
        carry_out(recipe, folder)
    assert str(caught.value) == (
        "Tiny could not be had (a source: it cannot be reached; b source: it cannot be "
        "reached): check the network and run this again, or put images, labels into "
        f"{folder} yourself."
    )


def test_only_the_named_source_is_asked(tiny_set, tiny_files, tmp_path):
    recipe = Recipe(tiny_set, {"a": forbidden, "b": lambda work: tiny_files})
    assert carry_out(recipe, tmp_path / "tiny", source="b")


def test_a_disk_that_fills_up_between_two_files_leaves_no_half_file(
    tiny_set, tiny_files, tmp_path, monkeypatch
):
    folder, recipe = tmp_path / "tiny", Recipe(tiny_set, {"a": lambda _: tiny_files})
    sync, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 2:  # the first file and its folder still fit
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="is full: free some space"):
            carry_out(recipe, folder)
    assert contents(folder) == {"images": tiny_files["images"]}
    assert carry_out(recipe, folder)
    assert contents(folder) == tiny_files


def test_a_process_that_works_for_too_long_is_not_waited_for(tiny_set, tmp_path):
    with (
        FileLock(tmp_path / ".tiny.lock"),
        pytest.raises(PrepError, match="Another process has been preparing Tiny"),
    ):
        carry_out(Recipe(tiny_set, {"a": forbidden}), tmp_path / "tiny", wait=0.1)


def test_a_cache_that_cannot_be_written_is_no_trouble_when_all_is_there(
    tiny_set, tiny_files, tmp_path, monkeypatch
):
    folder = tmp_path / "tiny"
    carry_out(Recipe(tiny_set, {"a": lambda work: tiny_files}), folder)
    (tmp_path / ".tiny.lock").unlink(missing_ok=True)
    monkeypatch.setattr("data_prep.locking.FileLock", forbidden)
    assert not carry_out(Recipe(tiny_set, {"a": forbidden}), folder)


ONE_OF_TWO = """
import hashlib, pathlib, sys, time
from data_prep.recipe import Recipe, carry_out
from kdgan_lib.images import ImageSet
root = pathlib.Path(sys.argv[1])
files = {"a": b"a" * 5_000_000, "b": b"b"}
sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
def source(work):
    with (root / "asked").open("a") as log:
        log.write("asked ")
    time.sleep(0.3)
    return files
(root / f"ready{sys.argv[2]}").touch()
while len(list(root.glob("ready*"))) < 2:
    time.sleep(0.01)
print(carry_out(Recipe(ImageSet("t", "T", 2, sums, list), {"s": source}), root / "t"))
"""


def test_of_two_processes_at_once_one_fetches_and_both_succeed(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO, str(tmp_path), str(number)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = sorted(process.communicate(timeout=50)[0].strip() for process in processes)
    assert said == ["False", "True"]
    assert (tmp_path / "asked").read_text() == "asked "
    assert {path.name for path in (tmp_path / "t").iterdir()} == {"a", "b"}
