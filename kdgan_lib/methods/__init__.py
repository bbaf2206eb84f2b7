"""The methods of the paper, and one that goes on where it stops, by name."""

from dataclasses import fields

from kdgan_lib.methods.adaptive import AdaptiveKDGAN
from kdgan_lib.methods.base import Method, Noise, Phase
from kdgan_lib.methods.codis import Codis
from kdgan_lib.methods.distn import Distn
from kdgan_lib.methods.kdgan import KDGAN, KDGANWithoutGumbel
from kdgan_lib.methods.mimic import Mimic
from kdgan_lib.methods.nagan import NaGAN
from kdgan_lib.methods.noisy import Noisy
from kdgan_lib.methods.supervised import Supervised

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Supervised,
        Mimic,
        Distn,
        Noisy,
        Codis,
        NaGAN,
        KDGANWithoutGumbel,
        KDGAN,
        AdaptiveKDGAN,
    )
}

__all__ = ["METHODS", "Method", "Noise", "Phase", "method"]


def method(name: str, **hyperparameters: object) -> Method:
    """Return a method by name; raise ValueError that lists the allowed names."""
    if name not in METHODS:
        raise ValueError(f"No method '{name}'; choose from {', '.join(METHODS)}.")
    known = [field.name for field in fields(METHODS[name])]
    for given in hyperparameters:
        if given not in known:
            allowed = f"choose from {', '.join(known)}" if known else "it has none"
            raise ValueError(f"'{name}' has no hyperparameter '{given}'; {allowed}.")
    return METHODS[name](**hyperparameters)
