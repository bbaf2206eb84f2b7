"""Say whose a checkpoint is, so that no run goes on from another's."""

import hashlib
from collections.abc import Mapping
from numbers import Integral, Real
from types import FunctionType

from torch import nn

from kdgan_lib.budget import Budget
from kdgan_lib.choices import identity
from kdgan_lib.data import Split
from kdgan_lib.loop.evaluation import Criterion
from kdgan_lib.loop.fingerprint import (
    build_of,
    described,
    digest_of_examples,
    fingerprint,
    is_ours,
    without_places,
)
from kdgan_lib.loop.schedule import learners, stages
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import Method


def owner(
    method: Method,
    players: Mapping[str, nn.Module],
    split: Split,
    budget: Budget,
    seed: int,
    criterion: Criterion,
) -> str:
    """Return a short hash of all that tells a run from others.

    Of the players' weights those count that nothing trains; `starts` has others. The
    library's own losses and scores are known by their names, others by their code.
    """
    kept = _kept(method, players, split, budget)
    brought = _brought(method, budget, criterion)
    told = (
        *(method.name, _plain(identity(method)), _plain(identity(budget))),
        *(str(seed), criterion.name, split.name),
        # The weights' shapes do not tell one activation from another.
        {seat: (build_of(m), _shapes(m)) for seat, m in sorted(players.items())},
        [tuple(part.inputs.shape) for part in (split.train, split.test)],
        digest_of_examples(split.train, split.validation, split.test),
        # Nothing where there are none: checkpoints of earlier versions stay known.
        *([each] for each in (kept, brought) if each),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:24]


def starts(
    method: Method, players: Mapping[str, nn.Module], budget: Budget
) -> dict[str, str]:
    """Return digests of the players that the run trains, at the weights they have."""
    trained = learners(method, budget)
    return {seat: digest(players[seat]) for seat in method.seats() if seat in trained}


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


def _brought(method: Method, budget: Budget, criterion: Criterion) -> list[object]:
    """Return what the user's own losses and score do."""
    losses = [phase.loss for stage in stages(method, budget) for phase in stage.phases]
    own: list[object] = [] if is_ours(type(method)) else [*losses]
    score = criterion.score
    if not (isinstance(score, FunctionType) and is_ours(score)):
        own.append(score)
    return [_plain(each) for each in own]


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
