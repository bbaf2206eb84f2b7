"""Evaluate a player on a set of examples: batched, in evaluation mode."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from kdgan_lib.data import Examples
from kdgan_lib.nets import PLAYERS

Metric = Callable[[Tensor, Tensor], float]
CHUNK = 1000


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """Return the share of examples whose highest logit is at a highest target.

    With several true labels of equal probability, naming any one of them is right.
    """
    named = targets.gather(-1, logits.argmax(-1, keepdim=True)).squeeze(-1)
    return (named == targets.amax(-1)).double().mean().item()


@dataclass(frozen=True)
class Criterion:
    """What a classifier is selected and reported by: higher is better."""

    name: str
    """Names the scores in a run's record, as in `test_accuracy`."""
    score: Metric
    """(logits, targets) -> score."""
    report: Callable[[Tensor, Tensor], dict[str, float]] | None = None
    """(logits, targets) -> further scores by name, on the test set at the end."""


ACCURACY = Criterion("accuracy", accuracy)


def player_logits(player: str, module: nn.Module, batch: Examples) -> Tensor:
    """Return a player's logits: only T and D see the privileged provision."""
    if player == "classifier" or batch.privileged is None:
        return module(batch.inputs)
    return module(batch.inputs, batch.privileged)


@contextmanager
def evaluation_mode(*modules: nn.Module) -> Iterator[None]:
    """Put modules into evaluation mode; after, each layer is in its own again."""
    modes = [
        (layer, layer.training) for module in modules for layer in module.modules()
    ]
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for layer, mode in modes:
            layer.training = mode


@torch.inference_mode()
def predict(player: str, module: nn.Module, examples: Examples) -> Tensor:
    """Return [examples, labels] logits in evaluation mode, chunk by chunk.

    The player has its own mode again after. The logits are on its device, wherever the
    examples are. Where the memory of the GPU has no room, smaller chunks are tried.
    """
    size = CHUNK
    with evaluation_mode(module):
        while True:
            try:
                return _in_chunks(player, module, examples, size)
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
            size //= 2


def _in_chunks(player: str, module: nn.Module, examples: Examples, size: int) -> Tensor:
    """Return the logits of all examples, of which `size` are asked for at a time.

    One left over joins the last chunk: a BatchNorm that keeps no statistics takes no
    single one.
    """
    tensors = (*module.parameters(), *module.buffers(), examples.inputs)
    device = tensors[0].device
    starts = range(0, max(1, len(examples) - 1), size)
    chunks = [
        player_logits(player, module, examples[start:end].to(device))
        for start, end in pairwise([*starts, len(examples)])
    ]
    return torch.cat(chunks)


def evaluate(
    player: str, module: nn.Module, examples: Examples, metric: Metric = accuracy
) -> float:
    """Return the metric on the examples, or NaN where there are none.

    player: classifier, teacher or discriminator; C alone does not see the privileged
    provision. Raises FloatingPointError when a logit is not finite, and ValueError when
    the metric is no number, or for another player.
    """
    if player not in PLAYERS:
        raise ValueError(f"No player '{player}'; choose from {', '.join(PLAYERS)}.")
    if len(examples) == 0:
        return float("nan")
    logits = predict(player, module, examples)
    if not torch.isfinite(logits).all():
        raise FloatingPointError(f"the {player} returns logits that are not finite")
    return number(metric(logits, examples.targets.to(logits.device)))


def number(score: float | Tensor) -> float:
    """Return a score as Python's float: checkpoints hold none of numpy's or torch's."""
    try:
        return float(score)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(score).__name__
        raise ValueError(
            f"A score is a {kind} that is no single number: let the criterion return a "
            "float."
        ) from error
