"""Check that players are scored in chunks as if they were scored at once."""

import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.data import Examples
from kdgan_lib.loop.evaluation import CHUNK, accuracy, evaluate, predict
from tests import toys


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


@pytest.mark.parametrize("mode", [True, False])
def test_every_layer_has_its_own_mode_again_after_a_look(mode):
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Dropout())
    network.train(mode)
    network[1].eval()  # whose statistics its owner keeps
    evaluate("classifier", network, examples(4))
    assert [layer.training for layer in network.modules()] == [mode, mode, False, mode]


def test_the_players_of_a_result_are_in_evaluation_mode():
    for player in fit(
        "kdgan", toys.players(), toys.split(), toys.BUDGET
    ).players.values():
        assert not any(layer.training for layer in player.modules())


def test_naming_any_of_several_true_labels_is_right():
    targets = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    always_second = torch.tensor([0.0, 1.0, 0.0]).expand(3, 3)
    assert accuracy(always_second, targets) == pytest.approx(2 / 3)


class Narrow(nn.Linear):
    """Have no room for more than some examples at a time."""

    def __init__(self, room):
        super().__init__(3, 2)
        self.room = room

    def forward(self, inputs):
        if len(inputs) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(inputs)


def test_where_a_chunk_has_no_room_smaller_ones_are_scored():
    network, asked = Narrow(20), examples(130)
    found = predict("classifier", network, asked)
    whole = torch.cat([network(part) for part in asked.inputs.split(10)])
    torch.testing.assert_close(found, whole.detach())
    with pytest.raises(torch.OutOfMemoryError):
        predict("classifier", Narrow(0), asked)


def test_a_player_that_is_none_is_named():
    with pytest.raises(ValueError, match="No player 'student'; choose from"):
        evaluate("student", nn.Linear(3, 2), examples(4))
