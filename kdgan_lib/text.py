"""Cut titles, descriptions and tags into words."""

import re
from collections.abc import Iterable

WORD = re.compile(r"[^\W\d_]+")


def words(text: str) -> list[str]:
    """Return the runs of letters in lower case; digits and signs only separate."""
    return WORD.findall(text.lower())


def names_a_tag(text: str, tags: Iterable[str]) -> bool:
    """Tell whether a text contains one of the tags, as whole words in order."""
    padded = f" {' '.join(words(text))} "
    return any(f" {' '.join(words(tag))} " in padded for tag in tags if words(tag))
