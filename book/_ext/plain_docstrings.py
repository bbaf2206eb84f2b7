"""Let docstrings be plain text, and signatures say types and nothing else.

No markup in a docstring can break the site's build.
"""

import re
from typing import Any

from sphinx.addnodes import desc_signature
from sphinx.domains.python import PyAttribute

from kdgan_lib.paths import ROOT

SPECIAL = re.compile(r"([*|\\]|_(?=\W|$))")
GENERATED = re.compile(r"set_\w+_request|get_metadata_routing")
QUOTED = re.compile(r"(`+)(.+?)\1")
NOTED = re.compile(r"~?([\w.]+\.)?Annotated\[")


class PlainAttribute(PyAttribute):
    """An attribute whose type and default are written as in a signature."""

    def handle_signature(self, sig: str, signode: desc_signature) -> tuple[str, str]:
        """Shorten the type and the default, then write them."""
        for option in self.options.keys() & {"type", "value"}:
            self.options[option] = without_notes(self.options[option])
        return super().handle_signature(sig, signode)


def setup(app: Any) -> dict[str, bool]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", plain)
    app.connect("autodoc-skip-member", generated)
    app.connect("autodoc-process-signature", shorten)
    app.add_directive_to_domain("py", "attribute", PlainAttribute, override=True)
    return {"parallel_read_safe": True}


def plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: Any) -> None:
    """Rewrite a docstring in place: quoted words become code, the rest is text."""
    blocks = "\n".join(lines).split("\n\n")
    lines[:] = "\n\n".join(_block(block) for block in blocks).split("\n")
    lines.append("")


def generated(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what scikit-learn adds to its estimators: it says nothing of ours."""
    return True if GENERATED.fullmatch(name.rpartition(".")[2]) else None


def shorten(
    app: Any, what: str, name: str, obj: Any, options: Any, *texts: str | None
) -> tuple[str | None, ...]:
    """Return a signature's arguments and result without notes."""
    return tuple(text and without_notes(text) for text in texts)


def without_notes(text: str) -> str:
    """Write `Annotated[X, ...]` as X, and paths from the project's root."""
    while hit := NOTED.search(text):
        depth, at, comma = 1, hit.end(), 0
        while depth and at < len(text):
            depth += (text[at] in "[(") - (text[at] in "])")
            comma = comma or at * (depth == 1 and text[at] == ",")
            at += 1
        text = text[: hit.start()] + text[hit.end() : comma] + text[at:]
    return text.replace(f"PosixPath('{ROOT}/", "Path('")


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
