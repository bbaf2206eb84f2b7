"""Check CIFAR-10's networks, and that batch statistics stay with their player."""

import pytest
import torch

from kdgan_lib import randomness
from kdgan_lib.cifar_nets import (
    VARIANTS,
    ResNet,
    cifar10_players,
)
from kdgan_lib.nets import build_players, count_parameters
from kdgan_lib.state import digest

SIZES = {
    "default": (464_406, 1_727_962),
    "released": (1_756_426, 269_722),
    "small": (464_406, 269_722),
}


def seeded(builder, seed=0):
    with randomness.module_randomness(seed, "test"):
        return builder()


def images(count, size=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, size, size, generator=generator)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_players_have_the_sizes_that_their_variant_states(variant):
    players = {seat: build() for seat, build in cifar10_players(variant).items()}
    sizes = {seat: count_parameters(module) for seat, module in players.items()}
    classifier, teacher = SIZES[variant]
    assert sizes == {
        "classifier": classifier,
        "teacher": teacher,
        "discriminator": teacher,
    }


def test_the_default_players_have_the_papers_sizes_and_the_released_ones_do_not():
    assert [round(size / 1e6, 1) for size in SIZES["default"]] == [0.5, 1.7]
    assert [round(size / 1e6, 1) for size in SIZES["released"]] == [1.8, 0.3]


@pytest.mark.parametrize("variant", ["small", "released"])
def test_every_player_returns_one_logit_per_label(variant):
    for player in build_players(cifar10_players(variant), seed=0).values():
        assert player.eval()(images(2)).shape == (2, 10)


def test_teacher_and_discriminator_share_an_architecture_but_no_weights():
    players = build_players(cifar10_players("small"), seed=0)
    assert repr(players["teacher"]) == repr(players["discriminator"])
    assert digest(players["teacher"]) != digest(players["discriminator"])


def test_an_unknown_variant_names_the_known_ones():
    with pytest.raises(ValueError, match="choose from default, released, small"):
        cifar10_players("large")


@pytest.mark.parametrize("depth", [2, 19, 21, -4])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(ValueError, match=f"6 n \\+ 2, such as 20 or 110, not {depth}"):
        ResNet(depth)
