"""Derive independent random generators from (seed, purpose): no global seeding.

Every draw of a run comes from a generator that is a function of the seed, a purpose
and the position in the schedule. The random state is therefore never lost: a resumed
run derives it again.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

TUNING_SEED = 1_000
"""Seed of searches for settings, and of no reported run."""


def derive_seed(seed: int, *purpose: object) -> int:
    """Return a 63-bit seed that depends on the seed and every part of the purpose."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def derive(
    seed: int, *purpose: object, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator on the device for one purpose, such as ("order", epoch)."""
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))


@contextmanager
def module_randomness(seed: int, *purpose: object) -> Iterator[None]:
    """Seed torch's own generators within the block and give them back unchanged.

    Modules such as `nn.Dropout` and the initialisers cannot be handed a generator.
    Those are the CPU's generator and that of every GPU, once CUDA is in use.
    """
    generators = [torch.default_generator]
    if torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    kept = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(derive_seed(seed, *purpose))
    try:
        yield
    finally:
        for generator, state in zip(generators, kept, strict=True):
            generator.set_state(state)
