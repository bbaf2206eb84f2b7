"""Choose the tags to recommend: the most popular, and a random draw."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence

SIZE = 200
"""Tags in each vocabulary, as in the paper."""
RARE = 5
"""Images that a random tag has at least."""
EVERYWHERE = 0.2
"""A tag on more than this share of the images says too little to recommend it."""


def stop_tags(tags: Sequence[Iterable[str]]) -> list[str]:
    """Return the tags of more than a fifth of the images, sorted."""
    counts = Counter(tag for row in tags for tag in row)
    return sorted(tag for tag, n in counts.items() if n > EVERYWHERE * len(tags))


def popular_tags(tags: Iterable[Iterable[str]], size: int = SIZE) -> list[str]:
    """Return the most frequent tags, most frequent first; equals by alphabet."""
    counts = Counter(tag for row in tags for tag in row)
    return sorted(counts, key=lambda tag: (-counts[tag], tag))[:size]


def random_tags(
    tags: Iterable[Iterable[str]], size: int = SIZE, seed: int = 0
) -> list[str]:
    """Return a draw of the tags with at least five images, sorted."""
    counts = Counter(tag for row in tags for tag in row)
    eligible = sorted(tag for tag, n in counts.items() if n >= RARE)
    return sorted(random.Random(seed).sample(eligible, min(size, len(eligible))))
