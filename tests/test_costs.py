"""Check a run's cost against the examples that its players are asked about."""

from dataclasses import replace

import pytest
from torch import nn

from kdgan_lib import costs, fit
from kdgan_lib.data import Split
from kdgan_lib.experiments import declare
from tests import toys

COSTS = {"classifier": 1, "teacher": 100, "discriminator": 10_000}
CHANGES = {
    "epochs": 7,
    "evaluate_every": 2,
    "test_every": 4,
    "teacher_every": 6,
    "augmentation": "none",
    "pretraining_augmentation": "none",
    "classifier_pretraining": 2,
    "teacher_pretraining": 3,
    "discriminator_pretraining": 1,
}


class Counting(nn.Module):
    """Count what each example costs: three times as much in an update."""

    def __init__(self, cost):
        super().__init__()
        self.inner, self.cost, self.spent = toys.network(), cost, 0

    def forward(self, inputs):
        factor = costs.UPDATE if self.training else 1
        self.spent += factor * self.cost * len(inputs)
        return self.inner(inputs)


def spent(run):
    """Return what a run's players cost on a toy split of the same sizes."""
    validation = costs.VALIDATION[run.protocol]
    sizes = enumerate((run.n, validation, costs.TEST))
    split = Split("toy", *(toys.examples(n, i) for i, n in sizes), toys.LABELS)
    players = {seat: Counting(COSTS[seat]) for seat in run.method.seats()}
    fit(run.method, players, split, run.budget)
    return sum(player.spent for player in players.values())


@pytest.mark.parametrize("protocol", ["controlled", "paper", "code"])
@pytest.mark.parametrize("method", ["supervised", "mimic", "nagan", "kdgan"])
@pytest.mark.parametrize("evaluated", [0, 500])
def test_the_cost_is_that_of_all_updates_and_all_evaluations(
    method, protocol, evaluated, monkeypatch
):
    monkeypatch.setattr(costs, "_forward", lambda *_: COSTS)
    run = declare(method, "mnist", 100, protocol)
    run = replace(run, budget=run.budget.but(**CHANGES, evaluated=evaluated))
    # The loop tries the players on a few examples, and T on more, before it begins.
    monkeypatch.setattr("kdgan_lib.train.look_at_teacher", lambda *_: None)
    assert costs.multiply_adds(run) == pytest.approx(spent(run), rel=0.005)


def test_tags_have_no_known_cost():
    assert costs.multiply_adds(declare("mimic", "openclipart", 100)) == 0
