"""Say whose a checkpoint is, so that no run goes on from another's."""

import hashlib
from collections.abc import Mapping
from numbers import Integral, Real

from torch import nn

from kdgan_lib.budget import Budget
from kdgan_lib.choices import identity
from kdgan_lib.data import Split
from kdgan_lib.loop.fingerprint import (
    build_of,
    described,
    digest_of_examples,
    fingerprint,
    without_places,
)
from kdgan_lib.loop.schedule import GAME, learners
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import Method


def owner(
    method: Method,
    players: Mapping[str, nn.Module],
    split: Split,
    budget: Budget,
    seed: int,
    criterion: str,
) -> str:
    """Return a short hash of all that tells a run from others.

    Of the players' weights those count that nothing trains; `starts` has others.
    criterion: the name of the score by which C is selected.
    """
    kept = _kept(method, players, split, budget)
    told = (
        *(method.name, _plain(identity(method)), _plain(identity(budget))),
        *(str(seed), criterion, split.name),
        # The weights' shapes do not tell one activation from another.
        {seat: (build_of(m), _shapes(m)) for seat, m in sorted(players.items())},
        [tuple(part.inputs.shape) for part in (split.train, split.test)],
        digest_of_examples(split.train, split.validation, split.test),
        # Nothing where there are none: checkpoints of earlier versions stay known.
        *([kept] if kept else []),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:24]


def starts(
    method: Method, players: Mapping[str, nn.Module], budget: Budget
) -> dict[str, str]:
    """Return digests of the players that the game trains from the weights they have."""
    first = learners(method, budget)
    return {
        seat: digest(players[seat])
        for seat in method.seats()
        if first.get(seat) == GAME
    }


def _kept(
    method: Method, players: Mapping[str, nn.Module], split: Split, budget: Budget
) -> dict[str, tuple[str, str]]:
    """Return the fingerprints of the players that no stage trains."""
    trained = learners(method, budget)
    return {
        seat: fingerprint(seat, players[seat], split.train)
        for seat in method.seats()
        if seat not in trained
    }


def _plain(value: object) -> object:
    """Return a setting in plain text, equal for equal numbers and in every process.

    Of an object that does not say what it holds nothing but its type is told.
    """
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return str(float(value))
    return without_places(repr(described(value)))


def _shapes(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(w.shape)) for name, w in module.state_dict().items()]
