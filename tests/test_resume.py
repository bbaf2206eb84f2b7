"""Kill runs and resume them: the bits are those of an uninterrupted run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.evaluation import ACCURACY, Criterion, accuracy
from kdgan_lib.loop.owner import owner
from kdgan_lib.loop.state import State, digest
from kdgan_lib.losses import cross_entropy
from kdgan_lib.methods import METHODS, method
from kdgan_lib.methods.base import Phase
from kdgan_lib.methods.supervised import Supervised
from kdgan_lib.teachers import Fixed
from tests import toys

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import sys
from pathlib import Path
import torch, toys
from kdgan_lib import fit
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.train import Training
torch.set_num_threads(1)
epoch = Training.outer_epoch
def told(*arguments):
    epoch(*arguments)
    print("epoch", flush=True)
Training.outer_epoch = told
result = fit(
    "kdgan", toys.players(), toys.split(), toys.BUDGET.but(epochs=30),
    checkpoints=Checkpoints(Path(sys.argv[1])), checkpoint_seconds=0,
)
print(result.metrics["weights_digest"])
print(result.curve.to_json())
"""


def uninterrupted(name, budget=toys.BUDGET):
    return fit(name, toys.players_of(name), toys.split(), budget)


def interrupted(name, folder, epochs, budget=toys.BUDGET):
    """Break off at each of the epochs, with new players each time, then finish."""
    checkpoints = Checkpoints(folder)
    for last in epochs:
        with toys.broken_off(last):
            resume(name, checkpoints, budget)
    return resume(name, checkpoints, budget)


def resume(name, checkpoints, budget, seed_of_weights=99):
    begun = bool(checkpoints.latest())
    players = toys.players_of(name, seed_of_weights if begun else 0)
    told = pytest.warns(match="goes on with its own") if begun else nullcontext()
    with told:
        return fit(
            name,
            players,
            toys.split(),
            budget,
            checkpoints=checkpoints,
            checkpoint_seconds=0,
        )


def assert_same_bits(first, second):
    assert first.curve.equals(second.curve)
    for seat, module in first.players.items():
        assert digest(module) == digest(second.players[seat])
    for key in ("test_accuracy", "selected_epoch", "player_updates"):
        assert first.metrics[key] == second.metrics[key]


@pytest.mark.parametrize("name", METHODS)
def test_a_run_broken_off_and_resumed_equals_an_uninterrupted_one(name, tmp_path):
    # Once inside a stage of pretraining, once inside the game.
    found = interrupted(name, tmp_path, [2, 6])
    assert_same_bits(found, uninterrupted(name))


def test_a_run_can_be_broken_off_at_every_epoch(tmp_path):
    budget = toys.BUDGET.but(epochs=4, evaluate_every=1)
    found = interrupted("kdgan", tmp_path, [1] * 15, budget)
    assert_same_bits(found, uninterrupted("kdgan", budget))


def test_resuming_after_a_damaged_checkpoint_gives_the_same_bits(tmp_path):
    stop_after(9, tmp_path)
    newest = max(tmp_path.glob("step-*.pt"))
    newest.write_bytes(newest.read_bytes()[:100])
    with pytest.warns(UserWarning, match="damaged"):
        found = resume("kdgan", Checkpoints(tmp_path), toys.BUDGET)
    assert_same_bits(found, uninterrupted("kdgan"))


def stop_after(epochs, folder):
    with toys.broken_off(epochs):
        resume("kdgan", Checkpoints(folder), toys.BUDGET)


def test_a_finished_run_resumed_from_its_last_checkpoint_only_concludes(tmp_path):
    first = resume("kdgan", Checkpoints(tmp_path), toys.BUDGET)
    again = resume("kdgan", Checkpoints(tmp_path), toys.BUDGET)
    assert_same_bits(first, again)


def same_folder(folder, name="kdgan", seed=0, budget=toys.BUDGET, split=None):
    return fit(
        name,
        toys.players_of(name if isinstance(name, str) else name.name),
        split or toys.split(),
        budget,
        seed,
        checkpoints=Checkpoints(folder),
        checkpoint_seconds=0,
    )


def other_inputs():
    split = toys.split()
    split.train.inputs.mul_(2)
    return split


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"budget": toys.BUDGET.but(classifier_lr=1e-2)},
        {"budget": toys.BUDGET.but(epochs=10)},
        {"name": "nagan"},
        {"name": method("kdgan", alpha=0.25)},
        {"split": other_inputs()},
    ],
    ids=["seed", "rate", "epochs", "method", "hyperparameter", "data"],
)
def test_another_runs_folder_is_refused_in_one_sentence(change, tmp_path):
    first = same_folder(tmp_path)
    with pytest.raises(ValueError, match="another run's checkpoint") as caught:
        same_folder(tmp_path, **change)
    assert str(caught.value) == (
        f"{tmp_path} holds another run's checkpoint, or one of another version of the "
        "library: give each run a folder of its own, or delete this one to begin again."
    )
    assert_same_bits(same_folder(tmp_path), first)


def smooth():
    """Return the toy network with another activation: its weights look the same."""
    network = toys.network()
    network[1] = torch.nn.Tanh()
    return network


@pytest.mark.parametrize(
    "other",
    [torch.nn.Linear(toys.FEATURES, toys.LABELS), toys.network(0.5), smooth()],
    ids=["weights", "dropout", "activation"],
)
def test_another_network_in_the_same_folder_is_refused(other, tmp_path):
    same_folder(tmp_path, "supervised")
    with pytest.raises(ValueError, match="another run's checkpoint"):
        fit(
            "supervised",
            {"classifier": other},
            toys.split(),
            toys.BUDGET,
            checkpoints=Checkpoints(tmp_path),
        )


def settled(folder, player, seat="teacher", name="mimic"):
    """Train with a player whose own pretraining is 0."""
    players = toys.players_of(name) | {seat: player}
    budget = toys.BUDGET.but(**{f"{seat}_pretraining": 0})
    where = {"checkpoints": folder, "checkpoint_seconds": 0}
    return fit(name, players, toys.split(), budget, **where)


def weighted(seed):
    return toys.players(seed)["teacher"]


def fixed(share):
    """Return a function that gives a share of all to the first label, as a teacher."""
    law = [share, *[(1 - share) / (toys.LABELS - 1)] * (toys.LABELS - 1)]
    return Fixed(lambda inputs: np.tile(law, (len(inputs), 1)))


@pytest.mark.parametrize(
    ("build", "given"), [(weighted, (1, 2)), (fixed, (0.8, 0.1))], ids=["net", "Fixed"]
)
def test_a_player_that_nothing_trains_is_part_of_its_run(build, given, tmp_path):
    bad, good = given
    first = settled(tmp_path, build(bad))
    other = build(good)
    before = digest(other)
    with pytest.raises(ValueError, match="another run's checkpoint"):
        settled(tmp_path, other)
    assert digest(other) == before
    assert_same_bits(settled(tmp_path, build(bad)), first)


@pytest.mark.parametrize(
    ("name", "seat"), [("kdgan", "teacher"), ("supervised", "classifier")]
)
def test_a_start_that_only_the_game_trains_is_told_where_it_is_another(
    name, seat, tmp_path, recwarn
):
    player = weighted(1)
    first = settled(tmp_path, player, seat, name)
    again = settled(tmp_path, weighted(1), seat, name)
    assert not recwarn.list
    # As after an interruption in a notebook: the module has been trained meanwhile.
    with pytest.warns(UserWarning, match=f"The weights given for the {seat} are not"):
        assert_same_bits(settled(tmp_path, player, seat, name), again)
    with pytest.warns(UserWarning, match="give it a folder of its own"):
        assert_same_bits(settled(tmp_path, weighted(2), seat, name), first)


def test_a_start_that_is_pretrained_is_told_where_it_is_another(tmp_path):
    call = partial(fit, "supervised", split=toys.split(), budget=toys.BUDGET)
    first = call(toys.players_of("supervised", 1), checkpoints=tmp_path)
    with pytest.warns(UserWarning, match="weights given for the classifier are not"):
        again = call(toys.players_of("supervised", 2), checkpoints=tmp_path)
    assert_same_bits(first, again)


def test_the_same_call_goes_on_though_it_was_broken_off_before_it_was_saved(tmp_path):
    players = toys.players_of("kdgan")
    call = partial(fit, "kdgan", players, toys.split(), toys.BUDGET)
    with toys.broken_off(6):  # in less than the seconds between checkpoints
        call(checkpoints=tmp_path)
    with pytest.warns(UserWarning, match="or not any more: it goes on with its own"):
        found = call(checkpoints=tmp_path)
    assert_same_bits(found, uninterrupted("kdgan"))


@dataclass(frozen=True)
class Layered(Supervised):
    """SUPERVISED with hyperparameters that are no numbers."""

    name: ClassVar[str] = "layered"
    widths: object = (1, 1)


def owned(widths=(1, 1), criterion=ACCURACY, **budget):
    players, split = toys.players_of("supervised"), toys.split()
    method = Layered(widths=widths)
    return owner(method, players, split, toys.BUDGET.but(**budget), 0, criterion)


def edited(line):
    """Return a function as a notebook's cell defines it anew after an edit."""
    names = {"__name__": "__main__", "cross_entropy": cross_entropy}
    exec(f"def score(logits, targets, *rest):\n    {line}", names)
    return names["score"]


def test_a_score_or_a_loss_that_was_edited_is_another_runs():
    lines = ("return 0.5", "return 0.25", "return logits.mean()", "return logits.sum()")
    lines += ("return sum(x for x in [1])", "return sum(-x for x in [1])")
    for make in (
        lambda line: owned(criterion=Criterion("own", edited(line))),
        lambda line: owned_by_loss(edited(line)),
    ):
        assert len({make(line) for line in lines}) == len(lines)
        assert make(lines[0]) == make(lines[0])


def test_a_score_that_is_no_plain_function_is_known_by_what_it_keeps():
    def above(bound, logits, targets):
        return (logits > bound).float().mean()

    scores = [partial(above, 0.0), partial(above, 1.0), partial(accuracy), accuracy]
    names = [owned(criterion=Criterion("own", score)) for score in scores]
    assert len(set(names)) == len(scores)
    assert owned(criterion=Criterion("own", partial(above, 0.0))) == names[0]


def test_the_names_in_a_set_tell_no_process_from_another():
    said = [
        subprocess.run(
            [sys.executable, "-c", SETS],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != ""


SETS = """
from kdgan_lib.loop.fingerprint import described
print(described(lambda name: name in {"a", "b", "c", "d", "e", "f"}))
"""


def owned_by_loss(loss):
    @dataclass(frozen=True)
    class Own(Supervised):
        def phases(self):
            return (Phase("classifier", loss),)

    players, split = toys.players_of("supervised"), toys.split()
    return owner(Own(), players, split, toys.BUDGET, 0, ACCURACY)


def test_every_kind_of_hyperparameter_tells_runs_apart():
    kinds = [
        *((1, 1), (1, 50), [1, (2, 3)], {"width": 1}, {"width": 2}, None, True, "1"),
        *(torch.zeros(2), toys.network(), np.arange(9999), np.arange(9999) % 9998),
        *(fixed, weighted, partial(fixed, 1), partial(fixed, 2)),
    ]
    assert len({owned(kind) for kind in kinds}) == len(kinds)


def test_equal_hyperparameters_are_one_run_whatever_their_kind():
    assert owned(epochs=np.int64(8)) == owned(epochs=8) != owned(epochs=np.int64(9))
    assert owned(weight_decay=np.float64(0.5)) == owned(weight_decay=0.5)
    assert owned((1, 50)) == owned([np.int64(1), 50])
    assert owned(object()) == owned(object())  # whose place in memory says nothing


def test_a_player_without_a_part_in_the_method_does_not_tell_runs_apart(tmp_path):
    def train(spare):
        players = toys.players_of("supervised") | {"discriminator": spare}
        where = {"checkpoints": tmp_path, "checkpoint_seconds": 0}
        return fit("supervised", players, toys.split(), toys.BUDGET, **where)

    train(weighted(1))
    train(weighted(2))
    assert list(tmp_path.glob("step-*.pt"))


def test_a_checkpoint_that_does_not_say_whose_it_is_is_resumed(tmp_path, monkeypatch):
    whole = State.payload

    def as_before(state):
        payload = whole(state)
        del payload["owner"]
        return payload

    with monkeypatch.context() as patch:
        patch.setattr(State, "payload", as_before)
        stop_after(9, tmp_path)
    stored = Checkpoints(tmp_path).latest()
    assert "owner" not in stored
    assert sum(stored["updates"].values()) > 0
    found = resume("kdgan", Checkpoints(tmp_path), toys.BUDGET)
    assert_same_bits(found, uninterrupted("kdgan"))
    assert Checkpoints(tmp_path).latest()["owner"]


def begin(folder):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_kill_9_at_any_moment_then_the_same_command_gives_the_same_bits(tmp_path):
    plain = uninterrupted("kdgan", toys.BUDGET.but(epochs=30))
    moments = random.Random(0)
    for epochs in (8, 14):  # in T's pretraining, and in the game
        process = begin(tmp_path)
        for _ in range(epochs):
            assert process.stdout.readline() == "epoch\n"
        time.sleep(moments.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert list(tmp_path.glob("step-*.pt"))
    output, _ = begin(tmp_path).communicate()
    *epochs, found, curve = output.splitlines()
    assert 0 < len(epochs) <= 42 - 8 - 14 + 2  # resumed, not begun anew
    assert found == plain.metrics["weights_digest"]
    assert json.loads(curve) == json.loads(plain.curve.to_json())
