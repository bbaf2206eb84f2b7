"""Check that players are scored in chunks as if they were scored at once."""

import pytest
import torch
from torch import nn

from kdgan_lib.data import Examples
from kdgan_lib.loop.evaluation import CHUNK, accuracy, predict


def examples(count):
    inputs = torch.rand(count, 3, generator=torch.Generator().manual_seed(1))
    return Examples(inputs, torch.zeros(count, 2))


@pytest.mark.parametrize("count", [1, 2, CHUNK, CHUNK + 1, CHUNK + 2, 2 * CHUNK + 1])
def test_chunks_give_each_example_its_own_logits(count):
    network, asked = nn.Linear(3, 2), examples(count)
    found = predict("classifier", network, asked)
    torch.testing.assert_close(found, network(asked.inputs).detach())


def test_one_example_left_over_does_not_stop_a_batch_norm_without_statistics():
    network = nn.Sequential(
        nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)
    )
    assert predict("classifier", network, examples(CHUNK + 1)).shape == (CHUNK + 1, 2)


def test_naming_any_of_several_true_labels_is_right():
    targets = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    always_second = torch.tensor([0.0, 1.0, 0.0]).expand(3, 3)
    assert accuracy(always_second, targets) == pytest.approx(2 / 3)
