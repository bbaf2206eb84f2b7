"""Read a drawing's title, description, tags and licence, and say which to keep."""

import hashlib
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DC = "{http://purl.org/dc/elements/1.1/}"
SVG = "http://www.w3.org/2000/svg"
PUBLIC_DOMAIN = frozenset(
    {
        "http://web.resource.org/cc/PublicDomain",
        "http://creativecommons.org/licenses/publicdomain/",
    }
)
NOT_A_TAG = re.compile(r"hash|unsorted|0x[0-9a-f]+|hash\(0x[0-9a-f]+\)|[\d\W]*")
"""Left by the archive's own scripts, or no word at all."""
NOT_DRAWN = frozenset({"metadata", "namedview", "title", "desc"})


@dataclass(frozen=True)
class Drawing:
    """One SVG file and what its metadata says."""

    path: str
    """Under the package's folder, with forward slashes."""
    title: str
    """As its author gave it, white space collapsed."""
    description: str
    """The same; empty for three of four."""
    tags: tuple[str, ...]
    """Cleaned keywords, sorted, without repeats."""
    licences: frozenset[str]
    """Addresses of the licences that the file names."""
    digest: str
    """Of what is drawn: equal for two files that differ in metadata only."""


def read_drawing(path: Path, root: Path) -> Drawing:
    """Parse one SVG file."""
    tree = ET.fromstring(path.read_bytes())
    work = next((e for e in tree.iter() if _local(e.tag) == "Work"), tree)
    keywords = [
        _text(item)
        for subject in work.findall(f"{DC}subject")
        for item in subject.iter()
        if _local(item.tag) == "li"
    ]
    licences = {
        value
        for element in work
        if _local(element.tag) == "license"
        for name, value in element.attrib.items()
        if _local(name) == "resource"
    }
    description = _text(work.find(f"{DC}description"))
    return Drawing(
        path=path.relative_to(root).as_posix(),
        title=_text(work.find(f"{DC}title")),
        description="" if NOT_A_TAG.fullmatch(description.lower()) else description,
        tags=clean_tags(keywords, _text(work.find(f"{DC}creator"))),
        licences=frozenset(licences),
        digest=hashlib.sha256(repr(list(_drawn(tree))).encode()).hexdigest(),
    )


def clean_tags(keywords: Iterable[str], author: str = "") -> tuple[str, ...]:
    """Return the keywords in lower case, less artefacts and the author's name."""
    words = {" ".join(word.lower().replace("_", " ").split()) for word in keywords}
    words.discard(author.lower())
    return tuple(sorted(word for word in words if not NOT_A_TAG.fullmatch(word)))


def why_dropped(drawing: Drawing) -> str | None:
    """Return the reason to leave a drawing out, or None to keep it."""
    if {"magick", "geometry", "stars", "shapes"} <= set(drawing.tags):
        return "machine-made spirograph"
    if not drawing.licences or not drawing.licences <= PUBLIC_DOMAIN:
        return "licence not stated as public domain"
    if not drawing.tags:
        return "no tag"
    return None


def select(drawings: Iterable[Drawing]) -> tuple[list[Drawing], Counter[str]]:
    """Return the drawings to keep, and how many were dropped for which reason."""
    kept, dropped = [], Counter[str]()
    for drawing in drawings:
        reason = why_dropped(drawing)
        if reason:
            dropped[reason] += 1
        else:
            kept.append(drawing)
    return kept, dropped


def _local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rsplit("}", 1)[-1]


def _text(element: ET.Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _drawn(element: ET.Element) -> Iterator[object]:
    """Yield what of an SVG tree is drawn: no metadata, no editor's attributes."""
    name = element.tag
    namespace = name[1:].split("}")[0] if name.startswith("{") else ""
    if namespace not in ("", SVG) or _local(name) in NOT_DRAWN:
        return
    kept = {k: v for k, v in element.attrib.items() if "{" not in k or "xlink" in k}
    yield _local(name), sorted(kept.items()), (element.text or "").strip()
    for child in element:
        yield from _drawn(child)
    yield "end"
