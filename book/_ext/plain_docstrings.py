"""Let docstrings be plain text: no markup in them can break the site's build."""

import re
from typing import Any

SPECIAL = re.compile(r"([*|\\]|_(?=\W|$))")
QUOTED = re.compile(r"(`+)(.+?)\1")


def setup(app: Any) -> dict[str, bool]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", plain)
    return {"parallel_read_safe": True}


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: Any) -> None:
    """Rewrite a docstring in place: quoted words become code, the rest is text."""
    blocks = "\n".join(lines).split("\n\n")
    lines[:] = "\n\n".join(_block(block) for block in blocks).split("\n")
    lines.append("")


def _block(block: str) -> str:
    """Keep an indented block line by line; let a paragraph flow."""
    rows = [row for row in block.split("\n") if row.strip()]
    if any(row.startswith((" ", "-", "1.")) for row in rows):
        return "::\n\n" + "\n".join(f"    {row}" for row in rows)
    return " ".join(_escape(row) for row in rows)


def _escape(text: str) -> str:
    parts, last = [], 0
    for hit in QUOTED.finditer(text):
        parts += [SPECIAL.sub(r"\\\1", text[last : hit.start()]), f"``{hit[2]}``"]
        last = hit.end()
    return "".join([*parts, SPECIAL.sub(r"\\\1", text[last:])])
