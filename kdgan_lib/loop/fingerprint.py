"""Say in plain values what tells modules, examples and functions from others."""

import hashlib
import re
from functools import partial
from types import CodeType, FunctionType, MethodType

import numpy as np
import torch
from torch import Tensor, nn

from kdgan_lib.data import Examples
from kdgan_lib.loop.evaluation import predict
from kdgan_lib.loop.state import digest


def fingerprint(seat: str, module: nn.Module, examples: Examples) -> tuple[str, str]:
    """Return a module's layers, and a digest of its weights.

    One without weights, such as `teachers.Fixed`, is told from others by its logits on
    the examples.
    """
    if module.state_dict():
        return build_of(module), digest(module)
    return build_of(module), _digest_of_tensors(predict(seat, module, examples))


def build_of(module: nn.Module) -> str:
    """Return a module's layers in words, alike in every process."""
    return without_places(repr(module))


def without_places(text: str) -> str:
    """Return a text without the places in memory that objects are named by."""
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def digest_of_examples(*parts: Examples) -> str:
    """Return a SHA-256 of the parts' inputs, targets and privileged provision."""
    tensors = [(part.inputs, part.targets, part.privileged) for part in parts]
    return _digest_of_tensors(*(each for part in tensors for each in part))


def _digest_of_tensors(*tensors: Tensor | None) -> str:
    sha = hashlib.sha256()
    for tensor in tensors:
        if tensor is not None:
            flat = tensor.detach().cpu().contiguous().flatten()
            sha.update(flat.view(torch.uint8).numpy().data)
    return sha.hexdigest()


def described(thing: object) -> object:
    """Return what tells a loss from others: its function, and what that has kept.

    A function of the library is known by its name, one of the user's by its code, too.
    An object that does not say what it holds is told apart by its place in memory, so
    that no other process takes it for the same.
    """
    if isinstance(thing, Tensor | np.ndarray):  # whose text leaves numbers out
        return thing.tolist()
    if isinstance(thing, nn.Module):
        return build_of(thing), digest(thing)
    if isinstance(thing, partial):
        kept = sorted(thing.keywords.items())
        return [described(each) for each in (thing.func, *thing.args, *kept)]
    if isinstance(thing, tuple | list):
        return [described(each) for each in thing]
    if isinstance(thing, MethodType):
        return described(thing.__func__), described(thing.__self__)
    if isinstance(thing, FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        defaults = [thing.__defaults__, sorted((thing.__kwdefaults__ or {}).items())]
        held = described([cells, *defaults])
        body = () if is_ours(thing) else _body(thing.__code__)
        return thing.__module__, thing.__qualname__, body, held
    return repr(thing)


def is_ours(thing: type | FunctionType) -> bool:
    """Tell whether a class or a function is the library's own."""
    return str(thing.__module__).partition(".")[0] == __name__.partition(".")[0]


def _body(code: CodeType) -> tuple[object, ...]:
    """Return what a function does: its instructions, their names and constants."""
    return code.co_code.hex(), code.co_names, *map(_constant, code.co_consts)


def _constant(value: object) -> object:
    """Return a constant of a function's code, alike in every process."""
    if isinstance(value, CodeType):
        return _body(value)
    if isinstance(value, frozenset):  # each process has an order of its own
        return sorted(map(repr, value))
    return repr(value)
