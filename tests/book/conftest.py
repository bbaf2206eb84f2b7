"""Give the tests a small book of one chapter, outside the real one."""

import textwrap

import pytest

from kdgan_lib.notebooks import pairing

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,nbmake,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext,-all
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

"""
CHAPTER = HEADER + textwrap.dedent(
    """\
    # %% [markdown]
    # (ch-toy)=
    # # Toy

    # %% tags=["parameters"] nbmake={"mock": {"profile": "smoke"}}
    profile: str = "book"  # smoke | book | paper: how much is trained
    seed: int = 0  # seed of everything
    rate: float = 0.5  # a number
    loud: bool = False  # whether to say more

    # %%
    from kdgan_lib import notebooks, prose, tables

    prose.sentence("It is {x}.", "kdgan x", x=prose.number(tables.value("M5", "error")))

    # %%
    print(profile, seed, rate, loud)

    # %%
    notebooks.provenance()
    """
)


@pytest.fixture
def toy_book(tmp_path, monkeypatch):
    """Return the folder of a book with one chapter, `01_toy`."""
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "01_toy.py").write_text(CHAPTER)
    monkeypatch.setattr(pairing, "book_dir", lambda: folder)
    return folder
