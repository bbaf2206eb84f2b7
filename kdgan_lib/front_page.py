"""Show on the front page what chapters show: their own outputs, not copies of them."""

import re
from pathlib import Path
from typing import Any

import nbformat

ASKED = re.compile(r"^```\{from\} (\S+) (.+)\n```$", re.MULTILINE)
"""A fence of `index.md` that asks for a chapter's output by words that are in it."""
FIGURE = re.compile(r":{4}\{figure\} (?P<file>\S+)\n(?P<options>(?::.*\n)*)")


def fill_front_page(folder: Path) -> None:
    """Put outputs of the staged chapters into `folder`/index.md where it asks for them.

    A chapter that is not there leaves nothing. Raises LookupError for one that is there
    and shows nothing of the kind.
    """
    index = folder / "index.md"
    text = index.read_text(encoding="utf-8")
    filled = ASKED.sub(lambda asked: _found(folder, asked[1], asked[2]), text)
    index.write_text(filled, encoding="utf-8")


def _found(folder: Path, chapter: str, words: str) -> str:
    """Return a chapter's first output that has the words, as MyST for another page."""
    path = folder / f"{chapter}.ipynb"
    if not path.exists():
        return ""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    for said in map(_myst, outputs):
        if words in said:
            return _unnumbered(said)
    raise LookupError(
        f"The front page asks for '{words}' of {chapter}, which shows no such thing: "
        "mend the fence in book/index.md."
    )


def _myst(output: Any) -> str:
    """Return what a staged output shows, as MyST; empty for anything else."""
    data = output.get("data", {})
    if "text/markdown" in data:
        return str(data["text/markdown"])
    if "text/html" in data:
        return f"```{{raw}} html\n{data['text/html']}\n```"
    return ""


def _unnumbered(said: str) -> str:
    """Return a figure as a picture: its number and name belong to its chapter."""
    figure = FIGURE.match(said)
    if not figure:
        return said
    kept = re.sub(r":name: .*\n", "", figure["options"])
    return f"::::{{image}} {figure['file']}\n{kept}::::"
