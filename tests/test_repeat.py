"""Repeat committed runs by their ids: their numbers come back to the bit."""

import pytest
import torch

from kdgan_lib import runs
from kdgan_lib.provenance import provenance
from kdgan_lib.repeat import differences
from kdgan_lib.runs_cli import main

SAME = ("device", "threads", "torch", "platform", "instructions")
DATA = "openclipart"  # committed with the book, so that nothing needs to be fetched


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
    if not found:
        pytest.skip("no committed run was made on a machine and torch like these")
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
