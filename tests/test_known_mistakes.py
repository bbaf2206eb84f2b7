"""Make the field's known mistakes impossible here: one named test each.

Each runs the library's own losses or its own training loop.
"""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.experiments import PROTOCOLS, Run, declare
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.state import digest
from kdgan_lib.losses import (
    cross_entropy,
    discriminator_loss,
    kl_distillation,
    l2_distillation,
    nonsaturating_reward,
    pair_loss,
    reverse_kl_distillation,
    saturating_reward,
)
from kdgan_lib.methods import METHODS, Method, Phase, method
from kdgan_lib.train import Training
from tests import toys

WITH_TEACHER = ["mimic", "distn", "noisy", "codis", "kdgan", "kdgan_wo_gm"]
GAME_ONLY = toys.BUDGET.but(
    epochs=3,
    classifier_pretraining=0,
    teacher_pretraining=0,
    discriminator_pretraining=0,
)
with_teacher = pytest.mark.parametrize("name", WITH_TEACHER)


class Tagged(nn.Module):
    """Return logits that say who computed them, from which rows, in which mode."""

    def __init__(self, tag):
        super().__init__()
        self.inner, self.tag, self.log = toys.network(), tag, []

    def forward(self, inputs):
        logits = self.inner(inputs)
        self.log.append((inputs.detach().clone(), self.training, logits.requires_grad))
        return logits


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def train(name, players=None, budget=GAME_ONLY, split=None, **options):
    return fit(
        name, players or toys.players(), split or toys.split(), budget, **options
    )


@with_teacher
def test_a_teacher_is_not_distilled_from_itself(name, monkeypatch):
    # labml issue 66: the student's own logits took the place of the teacher's.
    pairs, update = [], Training.update

    def spy(training, phase, batch, noise, temperature):
        logits = training.logits(phase, batch)
        pairs.append((phase.player, logits))
        return update(training, phase, batch, noise, temperature)

    monkeypatch.setattr(Training, "update", spy)
    players = toys.players()
    # A teacher of constant logits: what C sees as its teacher must be just that.
    players["teacher"] = Constant([3.0, -1.0, 0.5])
    train(name, players, GAME_ONLY.but(teacher_lr=0.0))
    seen = [logits for player, logits in pairs if player == "classifier"]
    assert seen
    for logits in seen:
        expected = players["teacher"].logits.expand_as(logits["teacher"])
        assert torch.equal(logits["teacher"], expected)
        assert not torch.equal(logits["classifier"], logits["teacher"])


class Constant(nn.Module):
    """Return the same logits for every input."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, inputs):
        return self.logits.expand(len(inputs), -1)


def test_a_student_goes_to_its_teacher_and_not_to_itself():
    players = toys.players(seats=("classifier", "teacher"))
    players["teacher"] = Constant([3.0, -1.0, 0.5])
    budget = GAME_ONLY.but(epochs=80, classifier_lr=0.03, selection="last")
    result = train("mimic", players, budget)
    logits = result.players["classifier"].eval()(toys.split().test.inputs)
    assert (logits - players["teacher"].logits).abs().mean() < 0.5


def test_one_module_in_two_seats_is_refused():
    players = toys.players()
    players["teacher"] = players["classifier"]
    with pytest.raises(ValueError, match="classifier and the teacher share weights"):
        train("mimic", players)


def test_a_weight_in_two_seats_is_refused_where_it_would_learn():
    players = toys.players()
    backbone = torch.nn.Linear(toys.FEATURES, toys.FEATURES)
    for seat, player in players.items():
        players[seat] = torch.nn.Sequential(backbone, player)
    with pytest.raises(ValueError, match="share weights, which one would change"):
        train("mimic", players)
    backbone.requires_grad_(False)
    train("mimic", players)


def test_kl_is_a_batch_mean_and_does_not_shrink_with_the_number_of_labels():
    # reduction="mean" divides by the number of labels too.
    student, teacher = normal(0, 8, 10), normal(1, 8, 10)
    padding = torch.full((8, 90), -50.0)
    wide = [torch.cat([logits, padding], 1) for logits in (student, teacher)]
    assert torch.allclose(kl_distillation(*wide), kl_distillation(student, teacher))
    reference = torch.nn.functional.kl_div(
        student.log_softmax(-1), teacher.softmax(-1), reduction="batchmean"
    )
    assert torch.allclose(kl_distillation(student, teacher), reference)


def test_kl_takes_log_probabilities_of_the_student_and_not_probabilities():
    # Given probabilities, kl_div is not zero for equal players, and can be negative.
    logits = normal(0, 8, 10)
    assert kl_distillation(logits, logits).abs() < 1e-7
    for seed in range(20):
        assert kl_distillation(normal(seed, 8, 10), logits) > -1e-7


def test_cross_entropy_takes_logits_and_not_probabilities():
    logits = torch.tensor([[20.0, 0.0, 0.0]])
    assert cross_entropy(logits, torch.eye(3)[:1]) < 1e-6  # softmax twice: 0.55


@pytest.mark.parametrize("name", ["distn", "codis"])
def test_the_factor_t_squared_is_there_in_the_methods_loss(name):
    logits = {"classifier": normal(0, 8, 10), "teacher": normal(1, 8, 10)}
    batch = Examples(torch.zeros(8, 1), torch.eye(10)[:8])
    for temperature in (2.0, 50.0):
        chosen = method(name, distillation_temperature=temperature)
        (phase,) = (p for p in chosen.phases() if p.player == "classifier")
        _, terms = phase.loss(logits, batch, None, 1.0)
        softened = [
            (logits[p] / temperature).log_softmax(-1) for p in ("classifier", "teacher")
        ]
        plain = torch.nn.functional.kl_div(
            *softened, reduction="batchmean", log_target=True
        )
        assert torch.allclose(terms["distillation"], temperature**2 * plain, rtol=1e-3)


@with_teacher
@pytest.mark.parametrize("augmentation", ["none", "mirror"])
def test_teacher_logits_belong_to_the_students_examples_in_every_shuffled_batch(
    name, augmentation
):
    split = toys.split()
    if augmentation == "mirror":
        split = image_split()
    players = {seat: Tagged(seat) for seat in toys.PLAYERS}
    if augmentation == "mirror":
        for player in players.values():
            player.inner = nn.Sequential(nn.Flatten(), toys.network())
    train(name, players, GAME_ONLY.but(augmentation=augmentation), split)
    # C's updates are its forward passes in training mode; T's passes beside them are
    # those in evaluation mode of the same batch.
    student = [x for x, training, _ in players["classifier"].log if training]
    teacher = [x for x, training, _ in players["teacher"].log if not training]
    assert len(student) == 3 * 4
    for inputs in student:
        assert any(torch.equal(inputs, seen) for seen in teacher)
    if augmentation == "none":
        order = torch.cat(student[:4])
        assert not torch.equal(order, split.train.inputs)  # it was shuffled


def image_split():
    """Return the toy split as images of 1 x 2 x 2."""

    def images(part):
        return Examples(part.inputs.reshape(-1, 1, 2, 2), part.targets)

    toy = toys.split()
    parts = (images(part) for part in (toy.train, toy.validation, toy.test))
    return Split("toy", *parts, toy.num_labels)


def test_about_half_of_the_training_images_are_mirrored_and_none_that_is_scored():
    split, player = image_split(), Tagged("classifier")
    player.inner = nn.Sequential(nn.Flatten(), toys.network())
    budget = GAME_ONLY.but(augmentation="mirror")
    train("supervised", {"classifier": player}, budget, split)
    parts = (split.train, split.validation, split.test)
    known = {tuple(x.flatten().tolist()) for part in parts for x in part.inputs}
    plain = {True: [], False: []}
    for inputs, training, _ in player.log:
        plain[training] += [tuple(x.flatten().tolist()) in known for x in inputs]
    assert all(plain[False])
    assert 0.35 < sum(plain[True]) / len(plain[True]) < 0.65


@with_teacher
def test_targets_belong_to_the_inputs_in_every_shuffled_batch(name, monkeypatch):
    split, update, seen = toys.split(), Training.update, []

    def spy(training, phase, batch, noise, temperature):
        seen.append(batch)
        return update(training, phase, batch, noise, temperature)

    monkeypatch.setattr(Training, "update", spy)
    train(name, split=split)
    for batch in seen:
        rows = (batch.inputs[:, None] == split.train.inputs).all(-1).int().argmax(1)
        assert torch.equal(batch.targets, split.train.targets[rows])


@pytest.mark.parametrize("name", METHODS)
def test_those_a_player_reads_are_in_evaluation_mode_and_it_alone_in_training_mode(
    name, monkeypatch
):
    update = Training.update

    def spy(training, phase, batch, noise, temperature):
        players = training.state.players
        assert players[phase.player].training
        assert not any(players[seat].training for seat in phase.reads)
        return update(training, phase, batch, noise, temperature)

    monkeypatch.setattr(Training, "update", spy)
    train(name, budget=toys.BUDGET.but(epochs=3, evaluate_every=1, test_every=1))


@pytest.mark.parametrize("name", METHODS)
def test_a_step_of_one_player_gives_no_other_player_a_gradient(name, monkeypatch):
    update = Training.update

    def spy(training, phase, batch, noise, temperature):
        players = training.state.players
        before = {seat: digest(module) for seat, module in players.items()}
        for module in players.values():
            module.zero_grad(set_to_none=True)
        terms = update(training, phase, batch, noise, temperature)
        for seat, module in players.items():
            gradients = [p.grad for p in module.parameters() if p.grad is not None]
            assert bool(gradients) == (seat == phase.player)
            assert (digest(module) == before[seat]) == (seat != phase.player)
        return terms

    monkeypatch.setattr(Training, "update", spy)
    train(name)


@pytest.mark.parametrize("name", ["mimic", "distn", "noisy"])
def test_a_fixed_teacher_stays_fixed_its_buffers_included(name):
    players = toys.players(seats=("classifier", "teacher"))
    players["teacher"] = nn.Sequential(
        nn.Linear(toys.FEATURES, 8), nn.BatchNorm1d(8), nn.Linear(8, toys.LABELS)
    )
    before = digest(players["teacher"])
    train(name, players)
    assert digest(players["teacher"]) == before


@pytest.mark.parametrize(
    "loss",
    [kl_distillation, reverse_kl_distillation, l2_distillation],
)
def test_distillation_is_finite_at_logits_of_ten_thousand(loss):
    student = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    value = loss(student, torch.tensor([[-1e4, 1e4, 0.0]]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize(
    "loss",
    [
        lambda g: cross_entropy(g, torch.eye(3)[:1]),
        lambda g: discriminator_loss(g, torch.eye(3)[:1], torch.full((1, 3), 1 / 3)),
        lambda g: pair_loss(g, torch.eye(3)[:1]),
        lambda g: saturating_reward(g).sum(),
        lambda g: nonsaturating_reward(g).sum(),
    ],
)
@pytest.mark.parametrize("row", [[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
def test_losses_are_finite_at_logits_of_ten_thousand(loss, row):
    logits = torch.tensor([row], requires_grad=True)
    value = loss(logits)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", METHODS)
def test_training_survives_players_that_are_sure_of_themselves(name):
    class Sure(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = toys.network()

        def forward(self, inputs):
            return 1e4 * self.inner(inputs)

    players = toys.players(builder=Sure)
    result = train(name, players)
    assert result.curve.filter(like="loss").iloc[-1].notna().all()


@pytest.mark.parametrize("selection", ["best_test", "last"])
@pytest.mark.parametrize("name", METHODS)
def test_selection_by_test_accuracy_is_impossible_under_controlled(name, selection):
    run = declare(name)
    assert run.budget.selection == "validation"
    with pytest.raises(ValueError, match="selects on validation"):
        Run(
            run.method,
            "mnist",
            100,
            "controlled",
            "paper",
            0,
            run.budget.but(selection=selection),
        )


def test_only_the_released_protocol_selects_on_the_test_set():
    rules = {p: declare("kdgan", protocol=p).budget.selection for p in PROTOCOLS}
    assert rules == {"controlled": "validation", "paper": "last", "code": "best_test"}


@pytest.mark.parametrize("selection", ["validation", "last"])
def test_the_test_sets_labels_do_not_move_the_selected_classifier(selection):
    budget = toys.BUDGET.but(evaluate_every=1, test_every=1, selection=selection)
    toy = toys.split()
    wrong = Examples(toy.test.inputs, toy.test.targets.roll(1, 1))
    other = Split("toy", toy.train, toy.validation, wrong, toy.num_labels)
    results = [train("kdgan", budget=budget, split=s) for s in (toy, other)]
    first, second = (r.metrics for r in results)
    assert first["weights_digest"] == second["weights_digest"]
    assert first["selected_epoch"] == second["selected_epoch"]
    finals = [digest(r.players["classifier"]) for r in results]
    assert finals[0] == finals[1]
    assert first["test_accuracy"] != second["test_accuracy"]


def broken_off(name, folder, batches=None):
    """Train in two sittings, the second from checkpoints; return the result."""
    options = {"checkpoints": Checkpoints(folder), "checkpoint_seconds": 0}
    with toys.broken_off(11):
        train(name, budget=toys.BUDGET, **options)
    torch.manual_seed(123)  # whatever state the second process starts in
    torch.rand(17)
    if batches is not None:
        batches.append("resumed")
    with pytest.warns(match="goes on with its own"):
        return train(name, toys.players(seed=5), toys.BUDGET, **options)


@pytest.mark.parametrize("name", ["kdgan", "noisy"])
def test_resuming_without_stored_random_states_still_gives_equal_bits(name, tmp_path):
    # Dropout, label draws, noise and order all come from (seed, purpose, position).
    plain = train(name, budget=toys.BUDGET)
    found = broken_off(name, tmp_path)
    assert found.metrics["weights_digest"] == plain.metrics["weights_digest"]
    assert found.curve.equals(plain.curve)


def test_a_resumed_run_sees_the_batches_that_it_would_have_seen(tmp_path, monkeypatch):
    update, seen = Training.update, []

    def spy(training, phase, batch, noise, temperature):
        seen.append((phase.player, batch.inputs.sum().item()))
        return update(training, phase, batch, noise, temperature)

    monkeypatch.setattr(Training, "update", spy)
    train("kdgan", budget=toys.BUDGET)
    plain = list(seen)
    seen.clear()
    broken_off("kdgan", tmp_path, batches=seen)
    at = seen.index("resumed")
    before, after = seen[:at], seen[at + 1 :]
    assert 0 < len(before) < len(plain)
    assert before + after == plain


def test_every_pass_has_an_order_of_its_own(monkeypatch):
    orders, minibatches = [], Training.minibatches

    def spy(training, stage, place):
        batches = list(minibatches(training, stage, place))
        orders.append(torch.cat([batch.inputs for batch, _ in batches]))
        yield from batches

    monkeypatch.setattr(Training, "minibatches", spy)
    train("kdgan", budget=toys.BUDGET)
    for i, first in enumerate(orders):
        assert not any(torch.equal(first, other) for other in orders[:i])


def test_a_member_of_several_seeds_equals_its_solo_run():
    # Seeds are not coupled: whatever ran before or besides does not move a bit.
    alone = train("kdgan", toys.players(3), toys.BUDGET, seed=3)
    among = {
        s: train("kdgan", toys.players(s), toys.BUDGET, seed=s) for s in (1, 2, 3, 4)
    }
    found = {s: result.metrics["weights_digest"] for s, result in among.items()}
    assert found[3] == alone.metrics["weights_digest"]
    assert len(set(found.values())) == 4


def test_seeds_share_neither_order_nor_noise(monkeypatch):
    @dataclass(frozen=True)
    class Listener(Method):
        name: ClassVar[str] = "listener"

        def phases(self):
            def loss(logits, batch, noise, temperature):
                heard.append((batch.inputs.clone(), noise.normal(batch.inputs)))
                value = cross_entropy(logits["classifier"], batch.targets)
                return value, {"supervised": value}

            return (Phase("classifier", loss),)

    both = []
    for seed in (0, 1):
        heard = []
        train(Listener(), budget=GAME_ONLY, seed=seed)
        both.append(heard[1:])  # the first is the trial before the run
    for (inputs, noise), (others, others_noise) in zip(*both, strict=True):
        assert not torch.equal(inputs, others)
        assert not torch.equal(noise, others_noise)


def test_a_players_step_does_not_depend_on_the_size_of_anothers_gradient():
    # No clipping of a global norm: C beside a wild T is C alone, bit by bit.
    def still():
        return toys.players(builder=lambda: toys.network(dropout=0.0))

    alone = train("supervised", still())
    beside = train(
        method("codis", distillation_weight=0.0), still(), GAME_ONLY.but(teacher_lr=1.0)
    )
    assert alone.metrics["weights_digest"] == beside.metrics["weights_digest"]


def test_the_budget_of_selection_names_every_rule_and_no_other():
    with pytest.raises(ValueError, match="choose from validation, last, best_test"):
        Budget(selection="test")
