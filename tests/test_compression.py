"""Check what a network is said to cost against counts by hand."""

import pytest
import torch
from torch import nn

from kdgan_lib.cifar_nets import CifarLeNet, ResNet, TutorialNet
from kdgan_lib.compression import MNIST, compression_table, measure_size
from kdgan_lib.grids import WIDTHS
from kdgan_lib.loop.state import digest
from kdgan_lib.nets import MLP, LeNet

CIFAR = (3, 32, 32)


def mlp_by_hand(hidden):
    return 784 * hidden + hidden * hidden + hidden * 10


def convolution(inputs, outputs, kernel, pixels):
    return inputs * outputs * kernel * kernel * pixels * pixels


def resnet_by_hand(blocks):
    """Return the multiply-adds of a ResNet of 6 n + 2 layers."""
    stem = convolution(3, 16, 3, 32)
    first = sum(convolution(m, 2 * m, 3, 256 // m) for m in (16, 32))
    others = [
        (2 * blocks - (maps > 16)) * convolution(maps, maps, 3, 512 // maps)
        for maps in (16, 32, 64)
    ]
    return stem + first + sum(others) + 64 * 10


@pytest.mark.parametrize("hidden", [20, 800])
def test_multiply_adds_of_the_mlp_are_those_counted_by_hand(hidden):
    size = measure_size(MLP(hidden=hidden), MNIST, repeats=1)
    assert size.multiply_adds == mlp_by_hand(hidden)


def test_multiply_adds_of_mnists_lenet_are_those_counted_by_hand():
    by_hand = convolution(1, 32, 5, 28) + convolution(32, 64, 5, 14)
    by_hand += 64 * 7 * 7 * 1024 + 1024 * 10
    assert measure_size(LeNet(), MNIST, repeats=1).multiply_adds == by_hand


def test_multiply_adds_of_cifars_networks_are_those_counted_by_hand():
    lenet = convolution(3, 32, 5, 32) + convolution(32, 64, 5, 16)
    lenet += 64 * 8 * 8 * 100 + 100 * 10
    tutorial = convolution(3, 64, 5, 32) + convolution(64, 64, 5, 16)
    tutorial += 64 * 8 * 8 * 384 + 384 * 192 + 192 * 10
    for network, by_hand in (
        (CifarLeNet(), lenet),
        (TutorialNet(), tutorial),
        (ResNet(20), resnet_by_hand(3)),
        (ResNet(20, form="released"), resnet_by_hand(3)),
    ):
        assert measure_size(network, CIFAR, repeats=1).multiply_adds == by_hand


def test_bytes_are_four_for_each_parameter():
    size = measure_size(MLP(), MNIST, repeats=1)
    assert (size.parameters, size.bytes) == (1_276_810, 4 * 1_276_810)


def test_bytes_hold_batch_statistics_which_are_no_parameters():
    size = measure_size(ResNet(20), CIFAR, repeats=1)
    assert size.parameters == 269_722
    # A mean and a variance for each map of the stem and of the convolutions.
    assert size.bytes == 4 * (269_722 + 2 * (16 + 6 * (16 + 32 + 64)))


def test_a_network_in_half_the_precision_is_measured_in_float32():
    half = measure_size(MLP().to(torch.bfloat16), MNIST, repeats=1)
    assert half.bytes == 4 * half.parameters


def test_frozen_parameters_take_room_too():
    frozen = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).requires_grad_(False)
    assert measure_size(frozen, MNIST, repeats=1).parameters == 7_850


def test_the_latency_is_a_median_between_its_quartiles():
    size = measure_size(MLP(hidden=20), MNIST, repeats=21)
    assert 0 < size.latency_q1_ms <= size.latency_ms <= size.latency_q3_ms


def test_one_call_is_its_own_median_and_quartiles():
    size = measure_size(MLP(hidden=20), MNIST, repeats=1)
    assert size.latency_q1_ms == size.latency_ms == size.latency_q3_ms


def test_measuring_leaves_the_network_the_threads_and_the_generator_alone():
    network, threads = ResNet(8).train(), torch.get_num_threads()
    before, state = digest(network), torch.get_rng_state()
    measure_size(network, CIFAR, repeats=1)
    assert network.training
    assert digest(network) == before
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_shape_that_the_network_cannot_take_is_refused():
    with pytest.raises(ValueError, match=r"cannot take one example of .*\(1, 3, 32, 3"):
        measure_size(MLP(), CIFAR)


def test_no_repeats_are_refused():
    with pytest.raises(ValueError, match="repeats must be at least 1, not 0"):
        measure_size(MLP(), MNIST, repeats=0)


def test_the_table_compares_each_width_with_the_teacher():
    state = torch.get_rng_state()
    table = compression_table(widths=(20, 800), repeats=21)
    assert torch.equal(torch.get_rng_state(), state)
    assert table.player.tolist() == ["teacher", "classifier", "classifier"]
    assert table.hidden.isna().tolist() == [True, False, False]
    teacher, small, large = (row for _, row in table.iterrows())
    assert (small.hidden, large.hidden) == (20, 800)
    assert (teacher.parameters_ratio, teacher.latency_ratio) == (1, 1)
    assert large.parameters_ratio == pytest.approx(3_274_634 / 1_276_810)
    assert small.multiply_adds_ratio == pytest.approx(13_883_904 / mlp_by_hand(20))
    # About 800 times the multiply-adds: no load of the machine hides that.
    assert small.latency_ms < teacher.latency_ms
    assert small.latency_ratio == pytest.approx(teacher.latency_ms / small.latency_ms)


def test_a_narrower_classifier_is_smaller_in_every_respect_but_latency():
    table = compression_table(WIDTHS, repeats=1).dropna(subset="hidden")
    assert table.hidden.tolist() == list(WIDTHS)
    for column in ("parameters", "bytes", "multiply_adds"):
        assert table[column].is_monotonic_increasing
    for column in ("parameters_ratio", "multiply_adds_ratio"):
        assert table[column].is_monotonic_decreasing
