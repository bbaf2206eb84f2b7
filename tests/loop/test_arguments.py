"""Check what is said of arguments of another kind, and of where fit is called."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kdgan_lib
from kdgan_lib import Examples, fit
from kdgan_lib.loop.evaluation import Criterion, accuracy
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import Method
from tests import toys


def train(**changes):
    given = {"split": toys.split(), "budget": toys.BUDGET} | changes
    return fit("supervised", toys.players_of("supervised"), **given)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("checkpoints", 5, "argument checkpoints is a int: pass a folder's path"),
        ("checkpoint_seconds", None, "is a NoneType: pass a number of seconds"),
        ("pretrained", 5, "argument pretrained is a int: pass a folder's path"),
        ("budget", {"epochs": 3}, "argument budget is a dict: pass a kdgan_lib.Budget"),
        ("criterion", max, "pass a kdgan_lib.Criterion"),
        ("after_epoch", 3, "argument after_epoch is a int: pass a function"),
    ],
)
def test_an_argument_of_another_kind_is_refused(name, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(**{name: value})


@pytest.mark.parametrize("name", ["checkpoints", "pretrained"])
def test_a_file_is_refused_as_a_folder(name, tmp_path):
    file = tmp_path / "run"
    file.write_text("")
    with pytest.raises(ValueError, match=f"The {name} folder .*run is a file"):
        train(**{name: file})


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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"targets": None}, "The train set has no targets: without labels"),
        ({"inputs": toys.split().train.inputs.to_sparse()}, "inputs are sparse: pass"),
    ],
)
def test_examples_without_targets_or_in_another_layout_are_refused(change, sentence):
    split = toys.split()
    parts = {"inputs": split.train.inputs, "targets": split.train.targets} | change
    with pytest.raises(ValueError, match=sentence):
        train(split=replace(split, train=Examples(**parts)))


def test_a_number_of_labels_that_is_none_is_refused():
    with pytest.raises(ValueError, match="num_labels must be a whole number, not '3'"):
        train(split=replace(toys.split(), num_labels="3"))


def test_a_count_of_true_is_no_count():
    with pytest.raises(ValueError, match="epochs must be a whole number, not True"):
        toys.BUDGET.but(epochs=True)


def test_a_method_without_phases_says_so():
    class Idle(Method):
        name = "idle"

    with pytest.raises(NotImplementedError, match="Idle has no phases"):
        fit(Idle(), toys.players_of("supervised"), toys.split(), toys.BUDGET)


def test_public_names_are_listed_and_can_be_imported():
    assert dir(kdgan_lib) == sorted(kdgan_lib.__all__)
    assert all(getattr(kdgan_lib, name) is not None for name in kdgan_lib.__all__)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((accuracy, "accuracy"), "The criterion's name is <function accuracy"),
        (("accuracy", "accuracy"), "criterion's score is a str: pass a function"),
        (("mine", accuracy, "more"), "criterion's report is a str: pass a function"),
        (("mine", lambda *_: "high"), "A score is a str that is no single number"),
        (("mine", lambda logits, _: logits[0]), "A score is a Tensor that is no sing"),
        (("mine", accuracy, lambda *_: 0.5), "report returns a float: let it return"),
        (("mine", accuracy, lambda *_: {"a": None}), "A score is a NoneType that is"),
        (("mine", accuracy, lambda *_: {"mine": 1.0}), "report has a score 'mine', as"),
    ],
)
def test_a_criterion_that_gives_no_numbers_is_told_before_anything_is_trained(
    parts, told
):
    def trained(*_):
        pytest.fail("an epoch was trained")

    with pytest.raises(ValueError, match=told):
        train(criterion=Criterion(*parts), after_epoch=trained)


def test_a_criterion_that_needs_more_than_two_examples_is_left_to_the_run():
    def of_many(logits, targets):
        if len(logits) <= 2:
            raise ValueError("Only one class is present.")
        return accuracy(logits, targets)

    result = train(criterion=Criterion("many", of_many))
    assert 0 <= result.metrics["test_many"] <= 1


def test_a_score_that_fails_on_all_examples_ends_the_run_before_it_begins():
    def trained(*_):
        pytest.fail("an epoch was trained")

    def mistyped(logits, targets):
        raise NameError("name 'acuracy' is not defined")

    with pytest.raises(NameError, match="acuracy"):
        train(criterion=Criterion("typo", mistyped), after_epoch=trained)


def test_whole_numbers_of_numpy_and_torch_are_whole_numbers():
    labels = replace(toys.split(), num_labels=torch.tensor(toys.LABELS))
    found = train(split=labels, budget=toys.BUDGET.but(batch_size=np.int64(10)))
    assert found.metrics["weights_digest"] == train().metrics["weights_digest"]


def test_a_tensor_without_dimensions_is_no_set_of_examples():
    split = toys.split()
    lost = replace(split, test=replace(split.test, inputs=torch.tensor(1.0)))
    with pytest.raises(ValueError, match="The test set's inputs have no dimension"):
        train(split=lost)


def test_a_budget_names_its_fields_to_who_asks_for_another():
    with pytest.raises(ValueError, match="no 'lr'; choose from batch_size"):
        toys.BUDGET.but(lr=1)
