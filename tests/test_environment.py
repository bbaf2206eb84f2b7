import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version

import pytest
import yaml

from kdgan_lib.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def pip_lines():
    return next(part["pip"] for part in CONDA["dependencies"] if isinstance(part, dict))


def test_conda_installs_this_project_with_extras_that_exist():
    (line,) = pip_lines()
    extras = re.fullmatch(r"-e \.\[([\w,]+)\]", line)[1].split(",")
    assert set(extras) == set(PROJECT["optional-dependencies"])


def test_conda_names_no_version_but_python_s():
    names = [part for part in CONDA["dependencies"] if isinstance(part, str)]
    assert sorted(names) == ["pip", "python=3.11"]


def test_conda_s_python_is_one_the_project_allows():
    smallest = PROJECT["requires-python"].removeprefix(">=")
    python = next(p for p in CONDA["dependencies"] if str(p).startswith("python="))
    wanted = tuple(map(int, python.removeprefix("python=").split(".")))
    assert wanted >= tuple(map(int, smallest.split(".")))


def test_every_dependency_is_pinned_to_one_version():
    extras = PROJECT["optional-dependencies"].values()
    for line in [
        *PROJECT["dependencies"],
        *(line for extra in extras for line in extra),
    ]:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", line), line


def test_what_is_installed_is_what_is_pinned():
    for line in PROJECT["dependencies"]:
        name, wanted = line.split("==")
        assert version(name).split("+")[0] == wanted, name


def test_torch_is_no_build_requirement():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "torch" not in str(tomllib.loads(text)["build-system"])


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_lists_its_targets():
    done = subprocess.run(
        ["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True
    )
    for target in ("book", "test", "lab", "site", "lint", "clean"):
        assert re.search(rf"^{target} ", done.stdout, re.M), target


def test_ci_runs_the_same_command_and_can_be_executed():
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert "make test" in text
    assert "unset PYTHONDONTWRITEBYTECODE" in text
    assert "pipefail" in text
    assert os.access(script, os.X_OK)


def test_citation_names_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert citation["preferred-citation"]["title"].startswith("KDGAN")
