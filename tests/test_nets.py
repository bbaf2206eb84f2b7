"""Check the players' sizes and that any module can take a seat."""

import copy

import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.loop.precision import arithmetic
from kdgan_lib.loop.state import digest
from kdgan_lib.nets import (
    MLP,
    LeNet,
    build_players,
    count_parameters,
    mnist_players,
)
from tests import toys

SHORT = toys.BUDGET.but(epochs=2, evaluate_every=1, test_every=1, teacher_every=1)


class PrivilegedTeacher(nn.Module):
    """See the true label besides the inputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(toys.FEATURES + toys.LABELS, toys.LABELS)

    def forward(self, inputs, privileged):
        return self.layer(torch.cat([inputs, privileged], 1))


def test_the_papers_classifier_has_1_276_810_parameters():
    assert count_parameters(MLP()) == 1_276_810
    assert round(1_276_810 / 2**20, 1) == 1.2


def test_the_papers_teacher_has_3_274_634_parameters():
    assert count_parameters(LeNet()) == 3_274_634
    assert round(3_274_634 / 2**20, 1) == 3.1


def test_teacher_and_discriminator_share_an_architecture_but_no_weights():
    players = build_players(mnist_players(), seed=0)
    assert repr(players["teacher"]) == repr(players["discriminator"])
    assert digest(players["teacher"]) != digest(players["discriminator"])


def test_every_mnist_player_returns_one_logit_per_label():
    images = torch.rand(2, 1, 28, 28)
    for player in build_players(mnist_players(), seed=0).values():
        assert player(images).shape == (2, 10)


def usual_order(net):
    """Return a copy whose ReLUs come before their pools."""
    other = copy.deepcopy(net)
    conv, pool, relu, conv_2, *_ = other.features
    other.features = nn.Sequential(conv, relu, pool, conv_2, relu, pool)
    return other


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_relu_behind_its_pool_changes_no_bit(precision):
    net = mnist_players()["teacher"]().eval()
    images = torch.rand(20, 1, 28, 28)
    images[:, :, :9] = 0.0  # where the values of a pool are equal
    found = []
    with arithmetic(precision):
        for each in (net, usual_order(net)):
            logits = each(images)
            logits.square().sum().backward()
            found.append([logits, *(weights.grad for weights in each.parameters())])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_frozen_parameters_are_not_counted():
    module = nn.Linear(3, 2).requires_grad_(False)
    assert count_parameters(module) == 0


def test_equal_seeds_give_equal_players_and_different_seeds_different_ones():
    first, again, other = (toys.players(seed) for seed in (0, 0, 1))
    for name in first:
        assert digest(first[name]) == digest(again[name])
        assert digest(first[name]) != digest(other[name])


def test_building_a_player_does_not_depend_on_which_others_are_built():
    alone = toys.players(0, ("teacher",))["teacher"]
    assert digest(alone) == digest(toys.players(0)["teacher"])


def test_the_released_initialisation_cuts_a_normal_of_scale_0_1_at_two_deviations():
    with torch.random.fork_rng():
        weights = LeNet(initial="released").head[1].weight
    assert weights.abs().max() <= 0.2
    assert weights.std().item() == pytest.approx(0.088, abs=0.002)


def test_a_linear_classifier_can_take_the_seat():
    players = toys.players()
    players["classifier"] = nn.Linear(toys.FEATURES, toys.LABELS)
    result = fit("kdgan", players, toys.split(), SHORT)
    assert result.players["classifier"] is players["classifier"]


@pytest.mark.parametrize("name", ["mimic", "codis", "kdgan"])
def test_a_teacher_with_privileged_input_can_take_the_seat(name):
    def builder():
        return PrivilegedTeacher()

    players = toys.players(seats=("teacher", "discriminator"), builder=builder)
    players |= toys.players(seats=("classifier",))
    result = fit(name, players, toys.split(privileged=True), SHORT)
    assert result.metrics["teacher_test_accuracy"] > 0.5


@pytest.mark.parametrize("seat", ["classifier", "teacher", "discriminator"])
def test_a_player_with_too_few_logits_is_refused_in_one_sentence(seat):
    players = toys.players()
    players[seat] = nn.Linear(toys.FEATURES, toys.LABELS - 1)
    with pytest.raises(ValueError, match="one logit per label") as caught:
        fit("kdgan", players, toys.split(), SHORT)
    assert str(caught.value) == (
        f"The {seat} returns shape (2, 2) for two examples; it must return one logit "
        "per label: (2, 3)."
    )


def test_a_player_that_cannot_take_the_inputs_is_named():
    players = toys.players()
    players["teacher"] = nn.Linear(toys.FEATURES + 1, toys.LABELS)
    with pytest.raises(ValueError, match=r"The teacher cannot take .* \[\(2, 4\)\]"):
        fit("kdgan", players, toys.split(), SHORT)


def test_a_teacher_that_takes_no_privileged_input_is_told_of_it():
    with pytest.raises(ValueError, match=r"^The teacher is called with \(inputs, pri"):
        fit("mimic", toys.players_of("mimic"), toys.split(privileged=True), SHORT)


def test_a_player_that_returns_no_tensor_is_refused():
    class Pair(nn.Module):
        def forward(self, inputs):
            return inputs, inputs

    players = toys.players() | {"discriminator": Pair()}
    with pytest.raises(ValueError, match=r"^The discriminator returns a tuple: wrap"):
        fit("kdgan", players, toys.split(), SHORT)


def test_an_empty_seat_names_the_seats():
    players = toys.players(seats=("classifier",))
    with pytest.raises(ValueError, match=r"needs a discriminator: .*classifier, disc"):
        fit("kdgan", players, toys.split(), SHORT)


def test_checking_players_leaves_their_mode_alone():
    players = toys.players()
    players["teacher"].eval()
    players["classifier"] = nn.Linear(toys.FEATURES, 1)
    players["classifier"].train()
    with pytest.raises(ValueError, match="The classifier"):
        fit("kdgan", players, toys.split(), SHORT)
    assert players["classifier"].training
    assert not players["teacher"].training
