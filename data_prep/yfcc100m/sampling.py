"""Draw photographs at random in one pass: those whose hash is smallest.

The hash of (seed, id) orders all photographs; a sample of k is the first k of them with
a wanted tag. It is uniform, the same in whatever order the files are read, and needs
no random state: an interrupted pass goes on exactly. The first that are alive, once
links turned out dead, are a uniform sample of those that are alive.
"""

import hashlib
import heapq
from dataclasses import dataclass, field

from data_prep.yfcc100m.metadata import Photograph

LONGEST_TEXT = 4096
"""Characters of a title or description that are kept."""


@dataclass(frozen=True)
class Plan:
    """What to draw."""

    train: int = 20_000
    """Training images of each vocabulary, as in the paper."""
    validation: int = 2_000
    """Validation images of each, which the paper does not mention."""
    test: int = 2_000
    """Test images of each, as in the paper."""
    tags: int = 200
    """Tags in each vocabulary, as in the paper."""
    seed: int = 0
    """Of the hashes and of the random tags."""
    spare: float = 0.5
    """Share of further photographs that are kept, in case links are dead."""

    @property
    def parts(self) -> dict[str, int]:
        """Return the number of images of each part."""
        return {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }


@dataclass(frozen=True)
class Candidate:
    """A photograph that may be in the sample."""

    rank: int
    """Its hash: the smallest come first."""
    identifier: str
    """Flickr's number."""
    part: str
    """train, validation or test: the same for all of a user's photographs."""
    user: str
    """Who gave it."""
    title: str
    """Decoded, cut at `LONGEST_TEXT`."""
    description: str
    """The same."""
    tags: tuple[str, ...]
    """Decoded, in lower case."""
    url: str
    """Where the image was."""
    page: str
    """Where it says whose it is."""
    licence: str
    """Name of its licence."""


def hashed(seed: int, *what: str) -> int:
    """Return 63 bits that look random and depend on all arguments."""
    text = "\t".join((str(seed), *what)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


def part_of(user: str, plan: Plan) -> str:
    """Return the part that a user's photographs are in.

    Many of a user's photographs share their tags and look alike, so that no user is
    in two parts.
    """
    place = hashed(plan.seed, "user", user) % sum(plan.parts.values())
    for part, size in plan.parts.items():
        if place < size:
            return part
        place -= size
    raise AssertionError("the sizes of the parts cover their sum")


def as_candidate(photograph: Photograph, rank: int, part: str) -> Candidate:
    """Decode what is kept of a photograph."""
    return Candidate(
        rank=rank,
        identifier=photograph.identifier,
        part=part,
        user=photograph.user,
        title=photograph.title[:LONGEST_TEXT],
        description=photograph.description[:LONGEST_TEXT],
        tags=photograph.tags,
        url=photograph.url,
        page=photograph.page,
        licence=photograph.licence,
    )


@dataclass
class Smallest:
    """The `size` candidates of smallest rank among those that were offered."""

    size: int
    """How many are kept."""
    kept: dict[str, Candidate] = field(default_factory=dict)
    """By identifier."""
    _heap: list[tuple[int, str]] = field(default_factory=list)
    """Negated rank and identifier: the largest rank is on top."""

    def wants(self, rank: int) -> bool:
        """Tell whether a candidate of that rank would be kept."""
        return len(self._heap) < self.size or rank < -self._heap[0][0]

    def add(self, candidate: Candidate) -> None:
        """Keep a candidate, if it is new, in place of the one of largest rank."""
        if candidate.identifier in self.kept or not self.wants(candidate.rank):
            return
        self.kept[candidate.identifier] = candidate
        heapq.heappush(self._heap, (-candidate.rank, candidate.identifier))
        if len(self._heap) > self.size:
            _, last = heapq.heappop(self._heap)
            del self.kept[last]

    def ranked(self) -> list[Candidate]:
        """Return the candidates, the smallest rank first."""
        return sorted(self.kept.values(), key=lambda one: (one.rank, one.identifier))


class Sample:
    """Photographs of every vocabulary and part."""

    def __init__(self, plan: Plan, vocabularies: dict[str, list[str]]) -> None:
        self._plan = plan
        self._vocabularies = {name: set(tags) for name, tags in vocabularies.items()}
        self.drawn = {
            (name, part): Smallest(size + int(size * plan.spare))
            for name in vocabularies
            for part, size in plan.parts.items()
        }
        self.found = dict.fromkeys(vocabularies, 0)
        """Photographs with a tag of each vocabulary, so far."""

    def offer(self, photograph: Photograph) -> None:
        """Consider a photograph."""
        names = [
            name
            for name, tags in self._vocabularies.items()
            if not tags.isdisjoint(photograph.tags)
        ]
        if not names:
            return
        rank = hashed(self._plan.seed, "photograph", photograph.identifier)
        part = part_of(photograph.user, self._plan)
        candidate = None
        for name in names:
            self.found[name] += 1
            smallest = self.drawn[name, part]
            if smallest.wants(rank):
                candidate = candidate or as_candidate(photograph, rank, part)
                smallest.add(candidate)
