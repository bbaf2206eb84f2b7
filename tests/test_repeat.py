"""Repeat committed runs by their ids: their numbers come back to the bit."""

import hashlib
import math
import re
from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

from kdgan_lib import runs
from kdgan_lib.commands.runs import main
from kdgan_lib.execute import describe, execute, train
from kdgan_lib.experiments import declare
from kdgan_lib.paths import ROOT
from kdgan_lib.provenance import provenance
from kdgan_lib.repeat import ROUNDING, device_of, differences, explanation

DATA = "openclipart"  # committed with the book, so that nothing needs to be fetched
ARITHMETIC = {"openclipart": "357e869b6834f234", "mnist": "719cc4047eb156bd"}
"""What `arithmetic` gives where a data set's cheapest committed runs were made."""
EXAMPLE = "3c533c18c5e42fd5"
"""What it gives for MNIST where the README's example was made."""


class Recommender(nn.Module):
    """The layers of the tag recommenders."""

    shape = (100, 1280)

    def __init__(self):
        super().__init__()
        self.linear, self.lstm = nn.Linear(1280, 256), nn.LSTM(50, 64)
        self.head = nn.Linear(256, 200)

    def forward(self, inputs):
        """Return logits of pictures and of words cut out of them."""
        words = inputs[:, :1200].reshape(100, 24, 50)
        states = self.lstm(words)[0].mean(1).repeat(1, 4)
        return self.head(torch.relu(self.linear(inputs)) * (1 + states))


class Classifier(nn.Module):
    """The layers of MNIST's classifier, behind a random change of the images."""

    shape = (100, 1, 28, 28)

    def __init__(self):
        super().__init__()
        first, second = nn.Linear(784, 800), nn.Linear(800, 800)
        layers = (first, nn.ReLU(), second, nn.ReLU(), nn.Linear(800, 10))
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, inputs):
        """Return logits of slightly turned images."""
        turn = torch.tensor([[0.98, -0.17, 0.05], [0.17, 0.98, -0.05]])
        places = functional.affine_grid(
            turn.expand(100, 2, 3), list(inputs.shape), align_corners=False
        )
        seen = functional.grid_sample(inputs, places, align_corners=False)
        return self.layers(seen)


LAYERS = {"openclipart": Recommender, "mnist": Classifier}


def arithmetic(data):
    """Return a hash of what torch alone computes here, by the layers of those runs.

    Processors with one name for their instructions may still sum in different orders.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    network = LAYERS[data]()
    inputs = torch.randn(network.shape, generator=generator)
    for weights in network.parameters():
        weights.data = 0.05 * torch.randn(weights.shape, generator=generator)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    for _ in range(3):
        optimizer.zero_grad()
        network(inputs).log_softmax(-1)[:, 0].mean().neg().backward()
        optimizer.step()
    sha = hashlib.sha256()
    for weights in network.parameters():
        sha.update(weights.detach().numpy().tobytes())
    return sha.hexdigest()[:16]


def made_alike(rows):
    """Return the rows made on a platform like this, by what they say of it."""
    here = provenance(torch.device("cpu"))
    for name in ROUNDING:
        if name in rows:  # older rows do not name their processor
            unnamed = rows[name].isna() & (name == "processor")
            rows = rows[unnamed | (rows[name] == here[name])]
    return rows


def cheapest(data, count):
    """Return the cheapest runs of several methods made on a machine like this."""
    rows = runs.table()
    rows = made_alike(rows[(rows.data == data) & (rows.status == "finished")])
    rows = rows.sort_values("seconds").drop_duplicates("method").head(count)
    return [runs.find(identity) for identity in rows.run_id]


def skip_unless_made_alike(found, data, made):
    """Skip where no run says that it was made on such a platform, or sums differ."""
    here = {name: provenance(torch.device("cpu"))[name] for name in ROUNDING}
    if not len(found):
        pytest.skip(f"none of these runs was made with {here}")
    if (own := arithmetic(data)) != made:
        pytest.skip(
            f"{here} rounds otherwise than the runs' machine: {own}, not {made}"
        )


@pytest.mark.parametrize(("data", "count"), [("openclipart", 3), ("mnist", 1)])
def test_the_cheapest_committed_runs_repeat_to_the_bit(data, count):
    found = cheapest(data, count)
    skip_unless_made_alike(found, data, ARITHMETIC[data])
    assert len(found) == count
    for row in found:
        assert differences(row) == {}


def test_the_example_of_the_readme_repeats_to_the_bit():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (identity,) = re.findall(r"^kdgan runs repeat (\w+)", text, re.M)
    row = runs.find(identity)
    assert row["seconds"] < 20
    skip_unless_made_alike(made_alike(pd.DataFrame([row])), "mnist", EXAMPLE)
    assert differences(row) == {}


def test_the_cheapest_runs_that_name_this_processor_repeat_to_the_bit():
    rows = runs.table()
    named = rows[rows.processor.notna() & (rows.data == "mnist") & (rows.n == 100)]
    found = made_alike(named[named.status == "finished"])
    found = found.sort_values("seconds").drop_duplicates("method").head(3)
    skip_unless_made_alike(found, "mnist", EXAMPLE)
    for identity in found.run_id:
        assert differences(runs.find(identity)) == {}


def test_a_difference_is_explained_by_what_rounds_otherwise():
    here = provenance(torch.device("cpu"))
    told = explanation(here | {"processor": "Another, model 3", "commit": "abc"})
    assert told.startswith("Another processor, version or number of threads rounds")
    assert f"processor Another, model 3, here {here['processor'] or 'unknown'}." in told
    assert "torch" not in told
    old = {name: here[name] for name in here if name != "processor"}
    assert "processor not recorded, here " in explanation(old)
    assert "torch 1.0, here " in explanation(here | {"torch": "1.0"})
    mixed = explanation(here | {"contexts": "threads=2; then threads=1"})
    assert "went on otherwise, so its last digits are those of no other run" in mixed


def test_a_run_of_a_gpu_is_not_compared_without_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    row = {"device": "cuda: NVIDIA H200"}
    with pytest.raises(ValueError, match=r"a GPU \(cuda: NVIDIA H200\), which"):
        differences(row | provenance(torch.device("cpu")) | row)
    assert device_of({}).type == device_of({"device": "cpu"}).type == "cpu"


def test_a_difference_on_the_same_processor_is_the_library_s(monkeypatch):
    monkeypatch.setattr("kdgan_lib.provenance.processor", lambda: "This one")
    told = explanation(provenance(torch.device("cpu")) | {"commit": "abc"})
    assert told.endswith("since commit abc the library computes something else.")


def test_a_changed_number_is_named(runs_folder, capsys):
    row = {"run_id": "abc", "method": "supervised", "data": DATA, "n": 20, "seed": 0}
    row |= {"protocol": "controlled", "profile": "smoke", "epochs": 1, "threads": 1}
    row |= {"test_precision": -1.0}
    runs.record(row)
    assert main(["repeat", "abc"]) == 1
    said = capsys.readouterr().out
    assert "test_precision: stored -1.0, now 0." in said
    assert "processor not recorded, here " in said.splitlines()[-1]


@pytest.fixture(scope="module")
def made():
    """Return a short run, its row, and what training it gives."""
    run = declare("supervised", DATA, 20, profile="smoke")
    result = train(run, "cpu", share=False)
    outcome = {"status": "finished", **result.metrics}
    return describe(run, torch.device("cpu"), outcome), result


@pytest.fixture
def repeated(made, runs_folder, monkeypatch):
    """Return the differences of a row and a curve from what training gives."""
    row, result = made

    def compare(stored=row, curve=result.curve, **metrics):
        runs.record(stored, curve)
        now = replace(result, metrics=result.metrics | metrics)
        monkeypatch.setattr("kdgan_lib.repeat.train", lambda *_, **__: now)
        return differences(runs.find(row["run_id"]))

    return compare


def test_a_number_that_is_nan_now_or_no_longer_made_is_named(made, repeated):
    row, _ = made
    assert repeated() == {}
    stored, now = repeated(test_map=math.nan)["test_map"]
    assert (stored, math.isnan(now)) == (row["test_map"], True)
    assert repeated(row | {"test_old": 0.5}) == {"test_old": (0.5, None)}
    assert repeated(test_new=0.5) == {"test_new": (None, 0.5)}
    # A table has no number where a run had NaN.
    assert repeated(row | {"test_map": math.nan}, test_map=math.nan) == {}


def test_of_a_curve_the_first_number_that_differs_is_named(made, repeated):
    _, result = made
    curve = result.curve.copy()
    curve.loc[1:, "classifier_loss"] += 1
    place = f"classifier_loss ({curve.stage[1]}, epoch {curve.epoch[1]})"
    pair = (curve.classifier_loss[1], result.curve.classifier_loss[1])
    assert repeated(curve=curve) == {place: pair}
    shorter = repeated(curve=result.curve[:-1])
    assert [stored for stored, now in shorter.values()] == [None]


def test_a_run_is_repeated_on_its_own_threads_and_they_are_put_back(
    runs_folder, monkeypatch
):
    row = execute(declare("supervised", DATA, 20, profile="smoke"))
    seen, before = [], torch.get_num_threads()

    def note(*given, **named):
        seen.append(torch.get_num_threads())
        return train(*given, **named)

    monkeypatch.setattr("kdgan_lib.repeat.train", note)
    other = row | {"threads": before + 1}
    differences(other)
    assert (seen, torch.get_num_threads()) == ([before + 1], before)
    told = explanation(other | {"torch": "1.0"})
    assert f"threads {before + 1}, here" not in told


def test_a_diverged_run_repeats_as_stored_or_is_said_to_differ(runs_folder, capsys):
    run = declare("supervised", DATA, 20, profile="smoke")
    run = replace(run, budget=run.budget.but(classifier_lr=1e30, epochs=3))
    row = execute(run, "cpu")
    assert row["status"] == "diverged"
    assert main(["repeat", run.id]) == 0
    assert f"{run.id}: it diverged as stored: " in capsys.readouterr().out
    runs.record(row | {"reason": "The classifier's loss is nan at its update 99"})
    assert main(["repeat", run.id]) == 1
    assert "reason: stored The classifier's loss is nan" in capsys.readouterr().out
    runs.record(row | {"status": "finished"})
    assert main(["repeat", run.id]) == 1
    assert "status: stored finished, now diverged" in capsys.readouterr().out
