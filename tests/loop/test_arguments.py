"""Check what is said of arguments of another kind, and of where fit is called."""

import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.loop.state import digest
from tests import toys


def train(**changes):
    given = {"split": toys.split(), "budget": toys.BUDGET} | changes
    return fit("supervised", toys.players_of("supervised"), **given)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("checkpoints", 5, "The checkpoints is a int: pass a folder's path"),
        ("checkpoint_seconds", None, "is a NoneType: pass a number of seconds"),
        ("pretrained", 5, "The pretrained is a int: pass a folder's path"),
        ("budget", {"epochs": 3}, "The budget is a dict: pass a kdgan_lib.Budget"),
    ],
)
def test_an_argument_of_another_kind_is_refused(name, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(**{name: value})


def test_folders_may_be_given_as_text(tmp_path):
    train(checkpoints=str(tmp_path / "run"), pretrained=str(tmp_path / "shared"))
    assert len(list((tmp_path / "shared").iterdir())) == 1


def test_a_block_without_gradients_changes_nothing():
    expected = digest(train().players["classifier"])
    with torch.no_grad():
        assert digest(train().players["classifier"]) == expected


def test_inference_mode_is_refused_in_one_sentence():
    with (
        torch.inference_mode(),
        pytest.raises(ValueError, match=r"call fit outside it\.$"),
    ):
        train()


@pytest.mark.parametrize("kind", ["inference", "gradient"])
def test_examples_of_another_computation_are_refused(kind):
    split = toys.split()
    if kind == "gradient":
        split.train.inputs.requires_grad_()
    else:
        with torch.inference_mode():
            split = toys.split()
    with pytest.raises(ValueError, match=r"train set's inputs belong to a computation"):
        train(split=split)
