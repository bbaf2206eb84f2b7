"""Check that a run finds the device that it was asked for."""

import pytest
import torch

from kdgan_lib.loop.device import find_device


@pytest.mark.parametrize(("present", "kind"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_cuda_only_where_there_is_one(present, kind, monkeypatch):
    scalar = torch.zeros(())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: present)
    monkeypatch.setattr(torch, "zeros", lambda *_, **__: scalar)  # needs no GPU
    assert find_device("auto").type == kind
    assert find_device("cpu").type == "cpu"
