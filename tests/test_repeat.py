"""Repeat committed runs by their ids: their numbers come back to the bit."""

import hashlib

import pytest
import torch
from torch import nn

from kdgan_lib import runs
from kdgan_lib.provenance import provenance
from kdgan_lib.repeat import differences
from kdgan_lib.runs_cli import main

SAME = ("device", "threads", "torch", "platform", "instructions")
DATA = "openclipart"  # committed with the book, so that nothing needs to be fetched
ARITHMETIC = "c684039d07a836cb"
"""What `arithmetic` gives where the committed runs were made."""


def arithmetic():
    """Return a hash of what torch alone computes here, by the layers of those runs.

    Processors with one name for their instructions may still sum in different orders.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(100, 1280, generator=generator)
    words = torch.randn(100, 24, 50, generator=generator)
    linear, lstm, head = nn.Linear(1280, 256), nn.LSTM(50, 64), nn.Linear(256, 200)
    modules = nn.ModuleList([linear, lstm, head])
    for weights in modules.parameters():
        weights.data = 0.05 * torch.randn(weights.shape, generator=generator)
    optimizer = torch.optim.Adam(modules.parameters(), fused=True)
    for _ in range(3):
        states = lstm(words)[0].mean(1).repeat(1, 4)
        logits = head(torch.relu(linear(inputs)) * (1 + states))
        optimizer.zero_grad()
        logits.log_softmax(-1)[:, 0].mean().neg().backward()
        optimizer.step()
    sha = hashlib.sha256()
    for weights in modules.parameters():
        sha.update(weights.detach().numpy().tobytes())
    return sha.hexdigest()[:16]


def cheapest(count):
    """Return the cheapest runs of several methods made on a machine like this."""
    rows = runs.table()
    rows = rows[(rows.data == DATA) & (rows.status == "finished")]
    here = provenance(torch.device("cpu"))
    for name in SAME:
        rows = rows[rows[name] == here[name]] if name in rows else rows[:0]
    rows = rows.sort_values("seconds").drop_duplicates("method").head(count)
    return [runs.find(identity) for identity in rows.run_id]


def test_the_three_cheapest_committed_runs_repeat_to_the_bit():
    found = cheapest(3)
    if not found or arithmetic() != ARITHMETIC:
        pytest.skip("this machine's torch rounds differently from the runs' machine")
    assert len(found) == 3
    for row in found:
        assert differences(row) == {}


def test_a_changed_number_is_named(runs_folder, capsys):
    row = {"run_id": "abc", "method": "supervised", "data": DATA, "n": 20, "seed": 0}
    row |= {"protocol": "controlled", "profile": "smoke", "epochs": 1, "threads": 1}
    row |= {"test_precision": -1.0}
    runs.record(row)
    assert main(["repeat", "abc"]) == 1
    assert "test_precision: stored -1.0, now 0." in capsys.readouterr().out
