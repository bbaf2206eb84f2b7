"""Check how a method is laid out in time (Algorithm 1)."""

import math
from itertools import pairwise

import pytest

from kdgan_lib.budget import Budget
from kdgan_lib.loop.schedule import GAME, Stage, stages, updates_per_epoch
from kdgan_lib.methods import METHODS, method

every_method = pytest.mark.parametrize("name", METHODS)


@every_method
def test_every_trained_player_is_pretrained_before_the_game(name):
    chosen = method(name)
    plan = stages(chosen, Budget())
    assert plan[-1].name == GAME
    pretrained = [stage.name.removeprefix("pretrain ") for stage in plan[:-1]]
    assert len(set(pretrained)) == len(pretrained)
    assert {phase.player for phase in chosen.phases()} <= set(pretrained)
    assert set(pretrained) == set(chosen.seats())


@every_method
def test_no_pretraining_leaves_the_game_alone(name):
    none = dict.fromkeys(
        (f"{p}_pretraining" for p in ("classifier", "teacher", "discriminator")), 0
    )
    assert [s.name for s in stages(method(name), Budget(**none))] == [GAME]


@pytest.mark.parametrize("name", ["kdgan", "kdgan_wo_gm"])
def test_algorithm_1_lets_d_then_t_then_c_move(name):
    phases = method(name).phases()
    assert [p.player for p in phases] == ["discriminator", "teacher", "classifier"]


def test_a_player_never_reads_itself():
    for name in METHODS:
        for phase in method(name).phases():
            assert phase.player not in phase.reads


def test_progress_runs_from_zero_to_one():
    stage = stages(method("kdgan"), Budget(epochs=5))[-1]
    assert [stage.progress(epoch) for epoch in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert Stage(GAME, 1, (), "none").progress(0) == 0


def test_the_temperature_falls_from_1_0_to_0_1_over_the_game():
    stage, kdgan = stages(method("kdgan"), Budget(epochs=30))[-1], method("kdgan")
    taus = [kdgan.temperature(e, stage.progress(e)) for e in range(30)]
    assert taus[0] == pytest.approx(1.0)
    assert taus[-1] == pytest.approx(0.1)
    ratios = [later / earlier for earlier, later in pairwise(taus)]
    assert ratios == pytest.approx([ratios[0]] * 29)


def test_the_released_schedule_ignores_the_length_of_the_run():
    kdgan = method("kdgan", schedule="released")
    assert kdgan.temperature(2, 0.9) == pytest.approx(10 * 0.88**2)


def test_a_cosine_takes_the_learning_rate_to_zero_over_the_game_only():
    budget = Budget(epochs=10, lr_schedule="cosine", classifier_lr=0.2)
    plan = stages(method("supervised"), budget)
    rates = [plan[-1].learning_rate(budget, "classifier", e) for e in range(10)]
    assert rates[0] == 0.2
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.01
    assert plan[0].learning_rate(budget, "classifier", 9) == budget.pretraining_lr


def test_a_cosine_takes_the_pretraining_rate_to_zero_in_each_stage_of_its_own():
    budget = Budget(
        classifier_pretraining=4,
        teacher_pretraining=8,
        pretraining_lr=0.2,
        pretraining_schedule="cosine",
    )
    of_c, of_t, *_, game = stages(method("codis"), budget)
    for stage in (of_c, of_t):
        rates = [stage.learning_rate(budget, "teacher", e) for e in range(stage.epochs)]
        assert rates[0] == 0.2
        assert rates[stage.epochs // 2] == pytest.approx(0.1)
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0
    assert game.learning_rate(budget, "classifier", 99) == budget.classifier_lr


@pytest.mark.parametrize(
    ("count", "batch", "expected"), [(100, 50, 2 * 4), (101, 50, 3 * 4), (9, 50, 4)]
)
def test_updates_per_epoch_count_the_last_small_batch(count, batch, expected):
    kdgan = method("kdgan", discriminator_passes=2)
    game = stages(kdgan, Budget())[-1]
    assert updates_per_epoch(game, count, batch) == expected


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("epochs", 0, "epochs must be at least 1"),
        ("batch_size", 0, "batch_size must be at least 1"),
        ("classifier_lr", -1e-3, "classifier_lr must be at least 0, not -0.001"),
        ("teacher_pretraining", -1, "teacher_pretraining must be at least 0, not -1"),
        ("epochs", 7.0, "epochs must be a whole number, not 7.0"),
        ("classifier_pretraining", 7.5, "classifier_pretraining must be a whole"),
        ("epochs", math.nan, "epochs must be a whole number, not nan"),
        ("teacher_lr", math.nan, "teacher_lr must be at least 0 and finite, not nan"),
        (
            "weight_decay",
            math.inf,
            "weight_decay must be at least 0 and finite, not inf",
        ),
        ("selection", "test", "choose from validation, last, best_test"),
        ("augmentation", "flip", "choose from none, affine, elastic, elastic_or"),
        ("lr_schedule", "linear", "choose from constant, cosine"),
    ],
)
def test_a_budget_refuses_what_no_run_could_honour(field, value, message):
    with pytest.raises(ValueError, match=message):
        Budget().but(**{field: value})
