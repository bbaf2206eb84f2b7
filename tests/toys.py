"""Toy problem on which every method learns in less than a second."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.methods import method
from kdgan_lib.nets import PLAYERS, build_players
from kdgan_lib.train import Training

LABELS, FEATURES = 3, 4
BUDGET = Budget(
    batch_size=10,
    epochs=8,
    classifier_pretraining=3,
    teacher_pretraining=6,
    discriminator_pretraining=3,
    pretraining_lr=1e-2,
    classifier_lr=5e-3,
    teacher_lr=1e-3,
    discriminator_lr=1e-3,
    evaluate_every=2,
    test_every=4,
    teacher_every=4,
)


def examples(count, seed, privileged=False):
    """Draw points around one centre per label; the centres are far apart."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % LABELS
    centres = 2.0 * torch.eye(LABELS, FEATURES)
    inputs = centres[labels] + 0.5 * torch.randn(count, FEATURES, generator=generator)
    targets = torch.eye(LABELS)[labels]
    return Examples(inputs, targets, targets.clone() if privileged else None)


def split(privileged=False, validation=40):
    """Return 40 training, 40 validation and 60 test points."""
    return Split(
        "toy",
        examples(40, 1, privileged),
        examples(validation, 2, privileged),
        examples(60, 3, privileged),
        LABELS,
    )


def network(dropout=0.1):
    return nn.Sequential(
        nn.Linear(FEATURES, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, LABELS)
    )


def players(seed=0, seats=PLAYERS, builder=network):
    return build_players(dict.fromkeys(seats, builder), seed)


def players_of(name, seed=0):
    """Return a toy player for every seat that a method needs."""
    return players(seed, method(name).seats())


class Stop(Exception):
    """Raised to break off a run."""


@contextmanager
def broken_off(epochs):
    """Let any run inside train so many epochs, and then raise Stop."""
    whole, left = Training.outer_epoch, [epochs]

    def stopping(training, stage, epoch):
        left[0] -= 1
        if left[0] < 0:
            raise Stop
        whole(training, stage, epoch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Training, "outer_epoch", stopping)
        with pytest.raises(Stop):
            yield
