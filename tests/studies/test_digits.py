"""The problem of one's own: its parts are apart, its comparison is paired and equal."""

import math

import pandas as pd
import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.data import Examples
from kdgan_lib.figures import own
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import METHODS, Noise, method
from kdgan_lib.studies import digits


def rows_of(examples):
    return {tuple(row.tolist()) for row in examples.privileged}


def test_no_digit_is_in_two_parts_and_c_sees_blocks_of_four_pixels():
    elsewhere, split = digits.split(100, 1)
    parts = [elsewhere, split.train, split.validation, split.test]
    assert [len(part) for part in parts] == [600, 100, 300, 700]
    seen = [rows_of(part) for part in parts]
    assert len(set().union(*seen)) == sum(map(len, seen))
    block = split.train.privileged.view(-1, 8, 8)[:, :2, 2:4].mean((1, 2))
    assert torch.allclose(split.train.inputs[:, 1], block)


@pytest.mark.parametrize("n", [0, 9, 198])
def test_a_number_of_digits_that_there_are_not_is_refused(n):
    with pytest.raises(ValueError, match="from 10 to 197"):
        digits.split(n)


@pytest.mark.parametrize("name", METHODS)
def test_all_methods_make_as_many_player_updates(name):
    updates = game_updates(method(name), digits.equal(name, 60, 100), 100)
    assert updates == pytest.approx(60 * 3 * 5, rel=0.02)


def test_training_leaves_the_teacher_that_was_brought_alone():
    elsewhere, split = digits.split(20)
    teacher = digits.train_teacher(elsewhere, passes=2)
    before = digest(teacher)
    result = fit("kdgan", digits.players(teacher), split, digits.equal("kdgan", 1, 20))
    assert digest(teacher) == before
    assert digest(result.players["teacher"]) != before


def test_every_seed_has_a_row_and_its_own_teacher():
    scores = digits.compare(("supervised", "kdgan"), 20, 2, epochs=1, passes=2)
    assert list(scores) == ["teacher", "supervised", "kdgan"]
    assert scores.index.tolist() == [0, 1]
    assert scores.teacher.nunique() == 2


def test_the_table_says_what_is_added_to_labels_alone():
    scores = pd.DataFrame(
        {"teacher": [95, 96, 97], "supervised": [80, 82, 81], "kdgan": [83, 84, 86]}
    )
    table = digits.summary(scores.astype(float)).set_index("trained by")
    gaps = table["minus labels alone"]
    assert gaps["KDGAN"].startswith("+3.33 [")
    assert gaps["supervised"] == gaps["T, on its own"] == "–"
    assert table["test accuracy"]["KDGAN"].startswith("84.3 [")


def test_a_call_that_is_not_refused_is_an_error_of_the_chapter():
    def refused():
        raise ValueError("Give more.")

    assert digits.refusal(refused) == "Give more"
    with pytest.raises(AssertionError, match="not refused"):
        digits.refusal(lambda: None)
    assert len(digits.mistakes({"a": "b"})) == 1


def test_the_pictures_and_the_course_are_drawn():
    _, split = digits.split(20)
    assert len(own.two_views(split.test[:3]).axes) == 6
    curve = pd.DataFrame(
        {
            "stage": ["pretrain classifier", "game", "game"],
            "epoch": [5, 1, 2],
            "classifier_validation": [0.5, 0.6, 0.7],
            "classifier_loss": [1.0, 0.9, 0.8],
            "teacher_validation": [float("nan"), float("nan"), 0.9],
        }
    )
    scores, losses, _ = own.course(curve).axes
    assert [line.get_label() for line in scores.lines] == ["C", "T"]
    assert [line.get_label() for line in losses.lines] == ["C"]
    curve["discriminator_loss"] = [float("nan"), 1.4, 1.3]
    _, _, last = own.course(curve).axes
    assert [line.get_label() for line in last.lines] == ["D", "log 4"]


def test_a_balanced_score_counts_each_label_alike():
    targets = torch.eye(2)[torch.tensor([0, 0, 0, 1])]
    always_first = torch.tensor([[1.0, 0.0]]).expand(4, 2)
    assert digits.balanced(always_first, targets) == 0.5


def test_a_teacher_that_doubts_the_true_label_is_not_listened_to():
    batch = Examples(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    trusting, noise = digits.Trusting(), Noise(torch.Generator())
    for true, trusted in ((5.0, True), (-20.0, False)):
        said = {"teacher": torch.tensor([[true, 0.0]]), "classifier": torch.zeros(1, 2)}
        _, terms = trusting.loss(said, batch, noise, 1.0)
        assert (terms["distillation"].item() > 0.1) == trusted


def test_trusting_a_very_sure_teacher_is_still_a_number():
    sure = {"teacher": torch.tensor([[1e4, 0.0]]), "classifier": torch.zeros(1, 2)}
    batch = Examples(torch.zeros(1, 1), torch.tensor([[0.0, 1.0]]))
    loss, terms = digits.Trusting().loss(sure, batch, None, 1.0)
    assert loss == pytest.approx(math.log(2))  # the labels' part: no trust, no advice
    assert terms["distillation"] == 0
