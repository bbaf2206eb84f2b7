"""Split groups of drawings so that every part has its share of every tag.

Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML
2011, with whole groups in place of single items.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def split_groups(
    groups: Sequence[int],
    tags: Sequence[Iterable[str]],
    shares: dict[str, float] | None = None,
    seed: int = 0,
) -> list[str]:
    """Return the part of each item; the items of a group are in one part.

    The rarest tag that is left goes first; each of its groups, the largest first,
    joins the part that still lacks most of that tag, then most items. `seed` orders
    groups of one size.
    """
    shares = shares or SHARES
    members = _members(groups, tags)
    total = sum(members.values(), Counter[str]())
    lacking: dict[str, dict[str, float]] = {
        part: {tag: share * n for tag, n in total.items()}
        for part, share in shares.items()
    }
    rng = random.Random(seed)
    order = {group: rng.random() for group in members}
    placed: dict[int, str] = {}
    left = set(members)
    while left:
        tag, holders = _rarest(members, left)
        for group in sorted(holders, key=lambda g: (-members[g][""], order[g])):
            needs = {p: (lacking[p][tag], lacking[p][""]) for p in shares}
            part = max(needs, key=lambda p: needs[p])
            placed[group] = part
            for member, count in members[group].items():
                lacking[part][member] -= count
            left.discard(group)
    return [placed[group] for group in groups]


def _members(
    groups: Sequence[int], tags: Sequence[Iterable[str]]
) -> dict[int, Counter[str]]:
    """Count tags and, under the empty tag, items of each group."""
    members: dict[int, Counter[str]] = defaultdict(Counter)
    for group, row in zip(groups, tags, strict=True):
        members[group].update([*row, ""])
    return dict(members)


def _rarest(members: dict[int, Counter[str]], left: set[int]) -> tuple[str, list[int]]:
    """Return the tag that fewest of the groups left carry, and those groups."""
    holders: dict[str, list[int]] = defaultdict(list)
    for group in sorted(left):
        for tag in members[group]:
            holders[tag].append(group)
    tag = min(holders, key=lambda t: (t == "", len(holders[t]), t))
    return tag, holders[tag]
