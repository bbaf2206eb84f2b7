"""Refuse players that a method cannot train or a run cannot score.

Players are tried on two examples at most, in evaluation mode, which moves no weight, no
statistic of a layer and no random number.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import chain, product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.device import FAULTS
from kdgan_lib.loop.evaluation import Criterion, evaluation_mode, player_logits
from kdgan_lib.loop.method_guards import check_losses
from kdgan_lib.loop.schedule import GAME, learners
from kdgan_lib.loop.score_guards import check_kept, check_scores
from kdgan_lib.loop.sharing import share_weights
from kdgan_lib.methods import Method
from kdgan_lib.nets import PLAYERS
from kdgan_lib.teachers import Fixed


def check_modules(players: Mapping[str, nn.Module]) -> None:
    """Raise ValueError for an unknown seat, no module, or one without its weights."""
    for seat, module in players.items():
        if seat not in PLAYERS:
            raise ValueError(f"No seat '{seat}'; the seats are {', '.join(PLAYERS)}.")
        if not isinstance(module, nn.Module):
            raise ValueError(
                f"The {seat} is a {type(module).__name__} and no torch module: seat a "
                "function that returns probabilities by kdgan_lib.Fixed."
            )
        for name, values in chain(module.named_parameters(), module.named_buffers()):
            if values.is_meta:
                raise ValueError(
                    f"The {seat}'s '{name}' is on the device 'meta', where it has no "
                    "values: load the weights first."
                )


def check_seated(
    method: Method,
    budget: Budget,
    players: dict[str, nn.Module],
    split: Split,
    criterion: Criterion,
) -> None:
    """Raise ValueError for players that cannot be trained, or scored, on the split.

    Or for a method whose losses ask for what it does not declare.
    """
    check_players(method, players, split)
    check_parts(players, split)
    check_learners(method, budget, players, split)
    check_batches(method, budget, players, split)
    check_losses(method, budget, players, split)
    check_kept(method, budget, players, split)
    check_scores(criterion, players, split)


def check_players(method: Method, players: dict[str, nn.Module], split: Split) -> None:
    """Raise ValueError for an empty seat, a shared one, wrong logits or weights.

    A teacher that the method does not need is scored all the same, and so checked.
    """
    for seat in method.seats():
        if seat not in players:
            raise ValueError(
                f"'{method.name}' needs a {seat}: pass players with the keys "
                f"{', '.join(method.seats())}."
            )
        for other in method.seats():
            if other < seat and share_weights(players[other], players[seat]):
                raise ValueError(
                    f"The {other} and the {seat} share weights, which one would change "
                    "while the other is to keep them: give each its own, by "
                    "copy.deepcopy for one."
                )
    for seat in sorted({*method.seats(), *({"teacher"} & players.keys())}):
        _check_weights(seat, players[seat])
        logits, wanted = _logits(seat, players[seat], split), split.num_labels
        found = tuple(logits.shape)
        if found != (min(2, len(split.train)), wanted):
            raise ValueError(
                f"The {seat} returns shape {found} for two examples; it must return "
                f"one logit per label: (2, {wanted})."
            )
        _check_logits(seat, logits)


def _check_weights(seat: str, module: nn.Module) -> None:
    """Raise ValueError for weights that are not finite."""
    weights = {k: w for k, w in module.named_parameters() if not is_lazy(w)}
    finite = {name: torch.isfinite(w).all() for name, w in weights.items()}
    # An infinity may be meant in a buffer, such as the mask of an attention.
    finite |= {name: ~torch.isnan(b).any() for name, b in module.named_buffers()}
    for name, sound in finite.items():
        if not sound:
            raise ValueError(
                f"The {seat}'s '{name}' holds a NaN or an infinity: load its weights "
                "from a sound file, or build it anew."
            )


def _check_logits(seat: str, logits: Tensor) -> None:
    """Raise ValueError for logits that are not finite, or are probabilities."""
    if not torch.isfinite(logits).all():
        raise ValueError(
            f"The {seat} returns logits that are not finite: bound them, for instance "
            "by .clamp(min=-30)."
        )
    sums = logits.double().sum(-1)
    if (logits >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise ValueError(
            f"The {seat} returns probabilities, and logits are asked for: leave its "
            "last softmax out, or return their .log()."
        )


def check_parts(players: Mapping[str, nn.Module], split: Split) -> None:
    """Raise ValueError for held-out examples that C or T cannot take.

    Another shape or type than the training set's is fine where the player takes it.
    """
    for part, seat in product(("validation", "test"), ("classifier", "teacher")):
        examples = getattr(split, part)
        if seat not in players or len(examples) == 0:
            continue
        known, held_out = _signature(seat, split.train), _signature(seat, examples)
        if known.keys() != held_out.keys():
            with_it, without = (
                (part, "train") if len(held_out) > len(known) else ("train", part)
            )
            raise ValueError(
                f"The {with_it} set has privileged and the {without} set has none, and "
                "the teacher is asked about both: give it in both, or in neither."
            )
        if known == held_out or _takes(seat, players[seat], examples, split):
            continue
        name = next(name for name in known if known[name] != held_out[name])
        wrong, right = (getattr(each, name) for each in (examples, split.train))
        raise ValueError(
            f"The {part} set's {name} are {_words(wrong)}, which the {seat} cannot "
            f"take; the train set's are {_words(right)}: make them alike."
        )


def _signature(seat: str, examples: Examples) -> dict[str, tuple[Any, ...]]:
    """Return the shape and the type of each thing that a player sees of an example."""
    seen = _seen(seat, examples)
    return {name: (v.shape[1:], v.dtype) for name, v in seen.items()}


def _seen(seat: str, examples: Examples) -> dict[str, Tensor]:
    """Return what a player sees of the examples, by name."""
    seen = {"inputs": examples.inputs}
    if seat != "classifier" and examples.privileged is not None:
        seen["privileged"] = examples.privileged
    return seen


def _words(values: Tensor) -> str:
    return f"{_named(values.dtype)} of shape {tuple(values.shape)}"


def _named(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def check_learners(
    method: Method, budget: Budget, players: dict[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a player that is to be trained and has nothing to learn."""
    for seat, stage_name in learners(method, budget).items():
        if not _takes_gradient(seat, players[seat], split):
            way = f"set the budget's {seat}_pretraining to 0"
            if stage_name == GAME:
                way = f"choose a method that does not train the {seat}"
                if f"{seat}_passes" in method.hyperparameters():
                    way = f"set the method's {seat}_passes to 0"
            raise ValueError(
                f"The {seat} cannot learn, since its logits depend on no weight that "
                f"takes a gradient: to keep it as it is, {way}."
            )


@torch.enable_grad()
def _takes_gradient(seat: str, module: nn.Module, split: Split) -> bool:
    logits = _try(seat, module, split.train[:2])
    return logits.requires_grad and any(p.requires_grad for p in module.parameters())


def check_batches(
    method: Method, budget: Budget, players: dict[str, nn.Module], split: Split
) -> None:
    """Raise ValueError for a batch of one example where a BatchNorm needs more."""
    count, size = len(split.train), budget.batch_size
    if size > 1 and count % size != 1:
        return
    for seat in learners(method, budget):
        name = _starved(seat, players[seat], split.train[:1])
        if name is not None:
            larger = (b for b in range(size + 1, count + 1) if count % b != 1)
            way = f"set the budget's batch_size to {next(larger, count)}"
            raise ValueError(
                f"The {seat}'s BatchNorm '{name}' needs more than one example, and "
                f"the last of {count} in batches of {size} is alone: "
                f"{way if count > 1 else 'add training examples'}."
            )


@torch.no_grad()
def _starved(seat: str, module: nn.Module, single: Examples) -> str | None:
    """Return the BatchNorm that has one value per channel of one example, if any."""
    found: list[str] = []

    def look(name: str, layer: nn.Module, given: Any, named: dict[str, Any]) -> None:
        shape = next(iter((*given, *named.values()))).shape
        if shape.numel() == shape[1]:
            found.append(name)

    training = module.training
    module.train()  # a module may keep some of its layers in evaluation mode
    hooks = [
        layer.register_forward_pre_hook(partial(look, name), with_kwargs=True)
        for name, layer in module.named_modules()
        if isinstance(layer, _BatchNorm)
        and (layer.training or layer.running_mean is None)
    ]
    try:
        if hooks:
            _try(seat, module, single)
    except ValueError:  # without statistics of its own it refuses one value here, too
        if not found:
            raise
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


def _try(seat: str, module: nn.Module, batch: Examples) -> Tensor:
    """Return a player's logits in evaluation mode, and put its mode back."""
    with evaluation_mode(module):
        return player_logits(seat, module, batch)


@torch.no_grad()
def _takes(seat: str, module: nn.Module, examples: Examples, split: Split) -> bool:
    """Tell whether a player returns a logit per label for the first two examples."""
    batch = examples[:2]
    try:
        logits = _try(seat, module, batch)
    except FAULTS:
        raise
    except Exception:  # a module that was brought may raise anything
        return False
    wanted = (len(batch), split.num_labels)
    return isinstance(logits, Tensor) and tuple(logits.shape) == wanted


@torch.no_grad()
def _logits(seat: str, module: nn.Module, split: Split) -> Tensor:
    """Return a player's logits for two examples, in evaluation mode.

    Raises ValueError for a player that fails on them, or returns no tensor.
    """
    batch = split.train[:2]
    given = replace(batch, **{k: v.clone() for k, v in _seen(seat, batch).items()})
    try:
        logits = _try(seat, module, given)
    except FAULTS:
        raise
    except (RuntimeError, TypeError, IndexError) as error:
        raise ValueError(_reason(seat, module, split, error)) from error
    except ValueError as error:
        if isinstance(module, Fixed):  # says by itself what it fails on
            raise
        raise ValueError(f"The {seat} fails on two examples: {error}") from error
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"The {seat} returns a {type(logits).__name__}: wrap it in a module whose "
            "forward returns the logits alone."
        )
    seen, after = _seen(seat, batch), _seen(seat, given)
    if not all(torch.equal(seen[name], after[name]) for name in seen):
        raise ValueError(
            f"The {seat} changes its inputs in place: let its first layer work on a "
            "copy, such as nn.ReLU() without inplace=True."
        )
    return logits


def _reason(seat: str, module: nn.Module, split: Split, error: Exception) -> str:
    """Say why a player cannot take the training inputs: their type, or what it says."""
    seen = _seen(seat, split.train[:2])
    weights = next((w for w in module.parameters() if w.is_floating_point()), None)
    kinds = [torch.long] if weights is None else [weights.dtype, torch.long]
    fields = [(name,) for name in seen] + [tuple(seen)] * (len(seen) > 1)
    for names, kind in product(fields, kinds):
        changed = {name: seen[name].to(kind) for name in names}
        if not _takes(seat, module, replace(split.train[:2], **changed), split):
            continue
        first = seen[names[0]]
        given = f"its {' and '.join(names)} are {_named(first.dtype)}"
        if kind == torch.long:
            return f"The {seat} takes whole numbers, and {given}: pass .long() of them."
        which = "either" if first.is_floating_point() else "the latter"
        return (
            f"The {seat}'s weights are {_named(kind)}, and {given}: convert {which} "
            "with .to(), so that they are the same."
        )
    if isinstance(error, TypeError) and len(seen) > 1:
        return (
            f"The {seat} is called with (inputs, privileged), which it cannot take: "
            "wrap it in a module whose forward has both and uses what it needs "
            f"({error})."
        )
    shapes = [tuple(values.shape) for values in seen.values()]
    reason = f"The {seat} cannot take inputs of shape {shapes}: {error}"
    if "same device" in reason or "expected device" in reason:
        reason += " Keep its tensors by register_buffer, so that they move with it."
    return reason
