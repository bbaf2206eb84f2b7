"""Check what the library reference leaves out of the library's own texts."""

import pytest

from kdgan_lib.paths import ROOT


@pytest.fixture
def extension(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    return pytest.importorskip("plain_docstrings")


def test_a_signature_says_types_and_no_notes(extension):
    noted = "~typing.Annotated[~a.Annotated[~a.X, ~b.C(n=(1, 2))] | ~a.Y, ~b.Z] = ()"
    assert extension.without_notes(noted) == "~a.X | ~a.Y = ()"


def test_a_default_path_starts_at_the_projects_root(extension):
    text = f"(folder: ~pathlib.Path = PosixPath('{ROOT}/build/book'))"
    wanted = "(folder: ~pathlib.Path = Path('build/book'))"
    assert extension.shorten(None, "class", "n", None, None, text, None) == (
        wanted,
        None,
    )


def test_what_scikit_learn_generates_is_left_out(extension):
    for name, skipped in (("set_fit_request", True), ("fit", None)):
        assert extension.generated(None, "class", name, None, False, None) is skipped
