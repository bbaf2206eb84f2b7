"""Count tags in bounded memory, and choose the vocabularies from the counts.

A hundred million lines have millions of distinct tags, most of them on one photograph.
`TagCounts` keeps at most `capacity` of them (Misra and Gries 1982, pruned in batches as
in Agarwal et al., "Mergeable summaries", 2012): when there are more, the count of the
largest tag that must go is subtracted from all, and what is left with nothing goes.
What is exact: no count is too high, and none is too low by more than `lost`, the sum
of what was subtracted, which is known at the end and at most the number of all tags
over half the capacity. A tag on more photographs than `lost` is never missed, and
`are_exact` tells whether the popular tags are certain.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

CAPACITY = 1_000_000
"""Tags that are counted at a time: about 150 MB."""
RARE = 5
"""Photographs that a random tag has at least,"""
RARE_ONE_IN = 100_000
"""and one in so many of all photographs: else too few could be found."""


@dataclass
class TagCounts:
    """How many photographs carry each tag, but for what was pruned."""

    capacity: int = CAPACITY
    """Distinct tags above which the rarest are forgotten."""
    counts: dict[str, int] = field(default_factory=dict)
    """Lower bounds by tag."""
    lost: int = 0
    """What a count may lack at most."""

    def add(self, tags: Iterable[str]) -> None:
        """Count the tags of one photograph."""
        counts = self.counts
        for tag in tags:
            counts[tag] = counts.get(tag, 0) + 1
        if len(counts) > self.capacity:
            self._prune()

    def _prune(self) -> None:
        """Forget at least half of the tags: the result depends on the counts only."""
        values = np.fromiter(self.counts.values(), np.int64, len(self.counts))
        place = len(values) - self.capacity // 2 - 1
        cut = int(np.partition(values, place)[place])
        self.counts = {t: n - cut for t, n in self.counts.items() if n > cut}
        self.lost += cut


def popular_tags(counts: TagCounts, size: int) -> list[str]:
    """Return the most frequent tags, most frequent first; equals by alphabet."""
    return sorted(counts.counts, key=lambda tag: (-counts.counts[tag], tag))[:size]


def are_exact(counts: TagCounts, popular: list[str]) -> bool:
    """Tell whether no other tag can be as popular as the last of the popular ones."""
    others = counts.counts.keys() - set(popular)
    rival = max((counts.counts[tag] for tag in others), default=0) + counts.lost
    return not counts.lost or counts.counts[popular[-1]] > rival


def random_tags(
    counts: TagCounts, photographs: int, size: int, seed: int = 0
) -> list[str]:
    """Return a draw of the tags that are on enough photographs, sorted."""
    enough = max(RARE, photographs / RARE_ONE_IN)
    eligible = sorted(tag for tag, n in counts.counts.items() if n >= enough)
    return sorted(random.Random(seed).sample(eligible, min(size, len(eligible))))
