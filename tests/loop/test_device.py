"""Check that a run finds the device that it was asked for."""

import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.loop.device import GPUFull, find_device
from kdgan_lib.loop.evaluation import evaluate, predict
from tests import toys


@pytest.mark.parametrize(("present", "kind"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_cuda_only_where_there_is_one(present, kind, monkeypatch):
    scalar = torch.zeros(())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    monkeypatch.setattr(torch, "zeros", lambda *_, **__: scalar)  # needs no GPU
    assert find_device("auto").type == kind
    assert find_device("cpu").type == "cpu"


def test_what_a_gpu_says_against_its_use_is_passed_on(monkeypatch):
    def busy(*_, **__):
        raise RuntimeError("CUDA error: all devices are busy\nSearch for it.")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", busy)
    with pytest.raises(ValueError, match=r"'cuda' \(CUDA error: all .* busy\): choose"):
        find_device("cuda")


class Heavy(nn.Module):
    """Find no room on the GPU, as torch says it, from a call on."""

    def __init__(self, calls):
        super().__init__()
        self.inner, self.calls = toys.network(), calls

    def forward(self, inputs):
        self.calls -= 1
        if self.calls < 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ...")
        return self.inner(inputs)


@pytest.mark.parametrize("calls", [0, 1, 20])
def test_a_full_gpu_is_no_fault_of_the_player(calls):
    players = {"classifier": Heavy(calls)}
    with pytest.raises(GPUFull, match="use fewer workers, a smaller batch_size"):
        fit("supervised", players, toys.split(), toys.BUDGET)


def test_a_player_is_scored_where_it_is():
    player, examples = toys.network().to("meta"), toys.examples(5, 0)
    assert predict("classifier", player, examples).device.type == "meta"
    elsewhere = []

    def seen(logits, targets):
        elsewhere.extend([logits.device, targets.device])
        return 0.0

    player = toys.network()
    evaluate("classifier", player, toys.examples(5, 0), seen)
    assert {device.type for device in elsewhere} == {"cpu"}
