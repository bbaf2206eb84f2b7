"""Check the one training loop: every method learns, repeats, and stops on NaN."""

import math
import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.loop.checkpoint import Checkpoints, encode
from kdgan_lib.loop.evaluation import Criterion, accuracy, predict
from kdgan_lib.loop.fingerprint import described
from kdgan_lib.loop.pretrained import Pretrained
from kdgan_lib.loop.state import adam, digest
from kdgan_lib.losses import cross_entropy, kl_distillation
from kdgan_lib.methods import METHODS, Method, Phase, method
from kdgan_lib.methods.adversarial import Adversarial
from kdgan_lib.teachers import Fixed
from kdgan_lib.train import Diverged, Training
from tests import toys

every_method = pytest.mark.parametrize("name", METHODS)
WITHOUT_PRETRAINING = toys.BUDGET.but(
    classifier_pretraining=0, teacher_pretraining=0, discriminator_pretraining=0
)


def train(name="kdgan", seed=0, budget=toys.BUDGET, **options):
    players = options.pop("players", None) or toys.players_of(name, seed)
    split = options.pop("split", None) or toys.split()
    return fit(name, players, split, budget, seed, **options)


def same(first, second):
    """Return whether two results have equal bits, seconds aside."""
    metrics = [
        {k: v for k, v in result.metrics.items() if k != "seconds" and v == v}
        for result in (first, second)
    ]
    return metrics[0] == metrics[1] and first.curve.equals(second.curve)


class Poison(nn.Module):
    """Turn to NaN after a number of forward passes in training mode."""

    def __init__(self, after):
        super().__init__()
        self.inner, self.left = toys.network(), after

    def forward(self, inputs):
        self.left -= self.training
        return self.inner(inputs) * (math.nan if self.left < 0 else 1.0)


class Cold(nn.Linear):
    """Return NaN in evaluation mode only, from the first update on."""

    trained = False

    def forward(self, inputs):
        self.trained = self.trained or self.training
        spoiled = self.trained and not self.training
        return super().forward(inputs) * (math.nan if spoiled else 1.0)


@every_method
def test_every_method_learns_a_separable_problem(name):
    result = train(name, budget=toys.BUDGET.but(epochs=16))
    assert result.metrics["test_accuracy"] > 0.85
    assert result.metrics["epochs_run"] == 16


@pytest.mark.parametrize("name", ["nagan", "kdgan"])
def test_the_game_alone_teaches_a_classifier_that_was_not_pretrained(name):
    chosen = method(name, estimator="exact")
    budget = toys.BUDGET.but(
        classifier_pretraining=0, epochs=50, evaluate_every=25, classifier_lr=1e-2
    )
    result = fit(chosen, toys.players_of(name), toys.split(), budget)
    assert result.metrics["test_accuracy"] > 0.7


@every_method
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name):
    first, again, other = (train(name, seed) for seed in (0, 0, 1))
    assert same(first, again)
    for player, module in first.players.items():
        assert digest(module) == digest(again.players[player])
        assert digest(module) != digest(other.players[player])


def test_the_seed_matters_even_from_equal_weights():
    first = train(seed=0)
    other = fit("kdgan", toys.players_of("kdgan", 0), toys.split(), toys.BUDGET, 1)
    assert first.metrics["weights_digest"] != other.metrics["weights_digest"]


def test_torchs_own_random_state_is_left_alone_and_does_not_matter():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(first, train())


def test_update_counts_follow_the_declared_passes():
    kdgan = method("kdgan", discriminator_passes=3, teacher_passes=2)
    result = fit(kdgan, toys.players(), toys.split(), WITHOUT_PRETRAINING)
    counts = {p: result.metrics[f"{p}_updates"] for p in toys.PLAYERS}
    assert counts == {"classifier": 32, "teacher": 64, "discriminator": 96}
    assert result.metrics["player_updates"] == 192
    assert result.curve.player_updates.iloc[-1] == 192


def test_the_curve_has_a_row_per_scheduled_evaluation_and_a_last_one():
    budget = toys.BUDGET.but(epochs=7, evaluate_every=3, test_every=6)
    curve = train("mimic", budget=budget).curve
    game = curve[curve.stage == "game"]
    assert list(game.epoch) == [3, 6, 7]
    assert list(game.classifier_test.isna()) == [True, False, False]
    assert list(curve.stage[:2]) == ["pretrain classifier", "pretrain teacher"]
    assert {"classifier_loss", "classifier_distillation"} <= set(curve)


def test_test_and_teacher_are_looked_at_only_where_evaluate_every_looks():
    budget = toys.BUDGET.but(epochs=7, evaluate_every=2, test_every=3, teacher_every=2)
    curve = train("kdgan", budget=budget).curve
    game = curve[curve.stage == "game"]
    assert list(game.epoch) == [2, 4, 6, 7]
    assert list(game.epoch[game.classifier_test.notna()]) == [6, 7]
    assert list(game.epoch[game.teacher_validation.notna()]) == [2, 4, 6, 7]


def test_a_learning_rate_of_zero_holds_one_player_and_no_other():
    start = {p: digest(m) for p, m in toys.players().items()}
    for still in toys.PLAYERS:
        budget = WITHOUT_PRETRAINING.but(**{f"{still}_lr": 0.0}, selection="last")
        after = train(budget=budget).players
        moved = {p for p in toys.PLAYERS if digest(after[p]) != start[p]}
        assert moved == set(toys.PLAYERS) - {still}


def test_each_player_is_stepped_at_its_own_learning_rate(monkeypatch):
    seen, prepare = {}, Training.prepare

    def spy(training, stage, phase, epoch):
        prepare(training, stage, phase, epoch)
        groups = training.state.optimizers[phase.player].param_groups
        seen.setdefault((stage.name, phase.player), set()).update(
            group["lr"] for group in groups
        )

    monkeypatch.setattr(Training, "prepare", spy)
    budget = toys.BUDGET.but(classifier_lr=0.1, teacher_lr=0.2, discriminator_lr=0.3)
    train(budget=budget)
    for player, rate in zip(toys.PLAYERS, (0.1, 0.2, 0.3), strict=True):
        assert seen["game", player] == {rate}
        assert seen[f"pretrain {player}", player] == {budget.pretraining_lr}


def test_each_epoch_is_trained_at_its_schedules_rate(monkeypatch):
    rates, prepare = [], Training.prepare

    def spy(training, stage, phase, epoch):
        prepare(training, stage, phase, epoch)
        groups = training.state.optimizers[phase.player].param_groups
        rates.append({group["lr"] for group in groups})

    monkeypatch.setattr(Training, "prepare", spy)
    cosine = {"epochs": 4, "lr_schedule": "cosine", "classifier_lr": 0.1}
    train("supervised", budget=WITHOUT_PRETRAINING.but(**cosine))
    expected = [0.05 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
    assert [rate for (rate,) in rates] == pytest.approx(expected)


def test_the_game_is_played_at_the_temperature_of_each_epoch(monkeypatch):
    taus, loss = [], Adversarial.adversarial_loss

    def spy(chosen, player, logits, noise, temperature):
        taus.append(temperature)
        return loss(chosen, player, logits, noise, temperature)

    monkeypatch.setattr(Adversarial, "adversarial_loss", spy)
    curve = train("kdgan", budget=toys.BUDGET.but(epochs=3, evaluate_every=1)).curve
    expected = pytest.approx([1.0, 0.1**0.5, 0.1])
    assert list(dict.fromkeys(taus)) == expected
    assert list(curve[curve.stage == "game"].temperature) == expected


def test_weight_decay_penalises_weights_and_not_biases():
    budget = WITHOUT_PRETRAINING.but(weight_decay=0.5, selection="last")
    decayed, plain = (
        train("supervised", budget=b).players["classifier"]
        for b in (budget, budget.but(weight_decay=0.0))
    )
    assert decayed[0].weight.norm() < plain[0].weight.norm()
    groups = adam(toys.network(), budget).param_groups
    assert [g["weight_decay"] for g in groups] == [0.5, 0.0]
    assert [{p.dim() for p in g["params"]} for g in groups] == [{2}, {1}]


def test_weight_decay_is_a_part_of_the_gradient_that_adam_scales():
    """Without another gradient each weight moves by the rate, whatever its size."""
    network = nn.Linear(4, 1)
    before = nn.init.uniform_(network.weight, 0.1, 1.0).detach().clone()
    optimizer = adam(network, toys.BUDGET.but(weight_decay=0.5))
    for weights in network.parameters():
        weights.grad = torch.zeros_like(weights)
    optimizer.step()
    rate = optimizer.param_groups[0]["lr"]
    torch.testing.assert_close(before - network.weight, torch.full((1, 4), rate))


def test_selection_by_validation_restores_the_best_classifier_on_validation():
    budget = toys.BUDGET.but(evaluate_every=1, test_every=1, classifier_lr=0.3)
    result = train("supervised", budget=budget)
    game = result.curve[result.curve.stage == "game"].reset_index()
    best = game.classifier_validation.idxmax()
    assert result.metrics["validation_accuracy"] == game.classifier_validation.max()
    assert result.metrics["selected_epoch"] == game.epoch[best]
    assert result.metrics["test_accuracy"] == game.classifier_test[best]


def test_selection_rules_report_the_last_or_the_best_on_test_as_they_say():
    budget = toys.BUDGET.but(evaluate_every=1, test_every=1, classifier_lr=0.3)
    last = train("supervised", budget=budget.but(selection="last"))
    best = train("supervised", budget=budget.but(selection="best_test"))
    tests = last.curve[last.curve.stage == "game"].classifier_test
    assert last.metrics["test_accuracy"] == tests.iloc[-1]
    assert best.metrics["test_accuracy"] == tests.max()
    assert best.metrics["best_test_accuracy"] == last.metrics["best_test_accuracy"]


def test_selecting_on_an_empty_validation_set_is_refused():
    with pytest.raises(ValueError, match="no validation examples to select on"):
        train(split=toys.split(validation=0))
    result = train(
        split=toys.split(validation=0), budget=toys.BUDGET.but(selection="last")
    )
    assert math.isnan(result.metrics["validation_accuracy"])


def test_nothing_to_train_on_is_refused():
    empty = toys.split()
    object.__setattr__(empty, "train", toys.examples(0, 0))
    with pytest.raises(ValueError, match="no training examples"):
        train(split=empty)


def changed(part, **tensors):
    """Return the toy split with other tensors in one of its parts."""
    split = toys.split(privileged="privileged" in tensors)
    return replace(split, **{part: replace(getattr(split, part), **tensors)})


LACKING = torch.full_like(toys.split().test.inputs, math.nan)
ONE_HOT = torch.eye(toys.LABELS)[torch.arange(40) % toys.LABELS]


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (replace(toys.split(), test=toys.examples(0, 3)), "no test examples to report"),
        (
            changed("train", targets=ONE_HOT[1:]),
            r"train set's targets have shape \(39, 3\).*per label: \(40, 3\)",
        ),
        (changed("test", targets=torch.zeros(60)), r"test .* shape \(60,\)"),
        (changed("validation", privileged=ONE_HOT[:7]), "40 inputs and 7 rows of priv"),
        (changed("test", targets=toys.split().test.targets > 0), "targets are bool"),
        (changed("train", targets=2 * ONE_HOT), "train .* divide it by its sum"),
        (changed("train", targets=2 * ONE_HOT - 1 / 3), "make it non-negative"),
        (changed("validation", targets=ONE_HOT * math.nan), "is no distribution"),
        (changed("test", inputs=LACKING), "test set's inputs hold a NaN or an inf"),
        (
            changed("train", targets=ONE_HOT.argmax(1)),
            r"train .* shape \(40,\);.*one_hot\(targets.flatten\(\).long\(\), 3\)",
        ),
        (changed("test", targets=torch.zeros(60, 1)), r"test .* Turn class indices"),
        (
            changed("train", inputs=toys.split().train.inputs.numpy()),
            r"train set's inputs are a ndarray .* torch.as_tensor\(inputs",
        ),
        (
            changed("test", targets=toys.split().test.targets.tolist()),
            r"test set's targets are a list .* torch.as_tensor\(targets",
        ),
        (
            changed("validation", privileged=ONE_HOT.numpy()),
            "validation set's privileged are a ndarray and no tensor",
        ),
        (
            replace(toys.split(), validation=(ONE_HOT, ONE_HOT)),
            r"split's validation is a tuple: make it kdgan_lib.Examples\(inputs, targ",
        ),
    ],
)
def test_a_split_that_cannot_be_trained_or_reported_on_is_refused(split, sentence):
    players = toys.players_of("supervised")
    with pytest.raises(ValueError, match=sentence) as caught:
        train("supervised", players=players, split=split)
    assert str(caught.value).endswith(".")


def test_a_target_may_share_its_weight_among_labels():
    shared = torch.full((40, toys.LABELS), 1 / toys.LABELS)
    train("supervised", split=changed("train", targets=shared))


@pytest.mark.parametrize("kind", ["affine", "mirror"])
@pytest.mark.parametrize(
    "field",
    [
        "augmentation",
        "pretraining_augmentation",
        "teacher_pretraining_augmentation",
    ],
)
def test_a_random_change_of_images_is_refused_where_there_are_none(field, kind):
    with pytest.raises(ValueError, match=rf"'{kind}' .* have shape \(40, 4\)"):
        train(budget=toys.BUDGET.but(**{field: kind}))
    if field == "pretraining_augmentation":  # nobody is pretrained
        train(budget=WITHOUT_PRETRAINING.but(**{field: kind}))


def test_a_change_that_resamples_refuses_images_of_whole_numbers():
    network = nn.Sequential(Scaled(), nn.Flatten(), nn.Linear(64, toys.LABELS))
    images = torch.zeros(40, 1, 8, 8, dtype=torch.uint8)
    split = toys.split()
    parts = {
        part: replace(getattr(split, part), inputs=images[:1].expand(count, -1, -1, -1))
        for part, count in (("train", 40), ("validation", 40), ("test", 60))
    }
    call = partial(fit, "supervised", {"classifier": network}, replace(split, **parts))
    sentence = "'affine' .* between pixels, and the inputs are torch.uint8: pass .float"
    with pytest.raises(ValueError, match=sentence):
        call(toys.BUDGET.but(augmentation="affine"))
    call(toys.BUDGET.but(augmentation="crop"))


class Scaled(nn.Module):
    """Take images of whole numbers."""

    def forward(self, images):
        return images.float() / 255


def test_a_device_that_is_not_there_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cuda", "cuda:0", torch.device("cuda")):
        with pytest.raises(ValueError, match="has no CUDA: choose the device cpu"):
            train(device=device)


@pytest.mark.parametrize("device", ["gpu", "Cuda", "", None])
def test_a_misspelled_device_names_those_there_are(device):
    with pytest.raises(ValueError, match=f"^No device {device!r}: choose from auto,"):
        train(device=device)


def test_a_device_on_which_nothing_can_be_scored_is_refused():
    with pytest.raises(ValueError, match="on 'meta': choose from auto, cpu, cuda"):
        train(device="meta")


@pytest.mark.skipif(torch.cuda.is_available(), reason="auto is the GPU")
def test_auto_is_the_cpu_where_there_is_no_gpu():
    assert same(train(device="auto"), train(device="cpu"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"method": METHODS["kdgan"]},
            "The argument method is a class: pass a name, or what",
        ),
        (
            {"budget": {"epochs": 3}},
            "The argument budget is a dict: pass a kdgan_lib.Budget",
        ),
        ({"split": ()}, "The argument split is a tuple: pass a kdgan_lib.Split"),
        (
            {"players": [1]},
            "The argument players is a list: pass a dictionary from seats",
        ),
        (
            {"criterion": print},
            "The argument criterion is a builtin_function_or_method: pass",
        ),
        ({"seed": 1.0}, "The seed must be a whole number, not 1.0"),
        ({"seed": True}, "The seed must be a whole number, not True"),
    ],
)
def test_an_argument_of_another_kind_is_refused_before_training(wrong, said):
    given = {"method": "kdgan", "players": toys.players(), "split": toys.split()}
    with pytest.raises(ValueError, match=re.escape(said)):
        fit(**given | {"budget": toys.BUDGET} | wrong)


def test_a_seed_of_numpy_is_the_same_seed():
    assert same(train(seed=np.int64(1)), train(seed=1))


@pytest.mark.parametrize("kind", [str, Path, Checkpoints])
def test_checkpoints_may_be_given_as_a_folder(kind, tmp_path):
    first = train(checkpoints=kind(tmp_path), checkpoint_seconds=0)
    assert list(tmp_path.glob("step-*.pt"))
    assert same(train(checkpoints=kind(tmp_path)), first)


def test_a_huge_learning_rate_stops_with_step_player_and_advice():
    with pytest.raises(Diverged, match="classifier") as caught:
        train("supervised", budget=WITHOUT_PRETRAINING.but(classifier_lr=1e30))
    assert "update" in str(caught.value)
    assert "lower classifier_lr" in str(caught.value)


@pytest.mark.parametrize("player", toys.PLAYERS)
def test_a_nan_stops_the_run_and_names_the_update_and_the_player(player):
    players = toys.players() | {player: Poison(after=6)}
    with pytest.raises(Diverged) as caught:
        train(players=players, budget=WITHOUT_PRETRAINING)
    assert str(caught.value).startswith(
        f"The {player}'s loss is nan at its update 7 (game): lower {player}_lr"
    )


def test_a_nan_while_pretraining_names_the_rate_of_pretraining():
    players = toys.players() | {"teacher": Poison(after=6)}
    with pytest.raises(Diverged) as caught:
        train(players=players)
    assert str(caught.value) == (
        "The teacher's loss is nan at its update 7 (pretrain teacher): lower "
        "pretraining_lr, and train again."
    )


@pytest.mark.parametrize(
    ("budget", "rate"),
    [(WITHOUT_PRETRAINING, "classifier_lr"), (toys.BUDGET, "pretraining_lr")],
)
def test_a_nan_in_evaluation_names_the_rate_that_the_player_had(budget, rate):
    players = {"classifier": Cold(toys.FEATURES, toys.LABELS)}
    with pytest.raises(Diverged, match=f": lower {rate}, and train again.$"):
        train("supervised", players=players, budget=budget)


def test_a_classifier_that_is_nan_in_evaluation_only_stops_the_run():
    players = {"classifier": Cold(toys.FEATURES, toys.LABELS)}
    with pytest.raises(Diverged, match=r"On the validation set .* its update \d+"):
        train("supervised", players=players, budget=WITHOUT_PRETRAINING)


@every_method
def test_stored_pretrained_players_give_the_same_bits_as_training_them(
    name, tmp_path, monkeypatch
):
    plain = train(name)
    first = train(name, pretrained=Pretrained(tmp_path))
    stored = len(list(tmp_path.glob("*.pt")))
    assert stored == len(method(name).pretraining())
    trained = train(name, pretrained=Pretrained(tmp_path))
    assert same(plain, first)
    assert same(plain, trained)
    assert len(list(tmp_path.glob("*.pt"))) == stored


def test_methods_share_pretrained_players(tmp_path):
    train("mimic", pretrained=Pretrained(tmp_path))
    train("kdgan", pretrained=Pretrained(tmp_path))
    assert len(list(tmp_path.glob("*.pt"))) == 3
    assert same(train("codis"), train("codis", pretrained=Pretrained(tmp_path)))


def test_a_shared_player_brings_no_temperature_of_another_run(tmp_path):
    warm = method("kdgan", tau_start=2.0, tau_end=2.0)
    train("mimic", pretrained=Pretrained(tmp_path))
    train("nagan", pretrained=Pretrained(tmp_path))
    players = {"players": toys.players_of("kdgan")}
    alone, other = train(warm, **players), {"players": toys.players_of("kdgan")}
    shared = train(warm, pretrained=Pretrained(tmp_path), **other)
    assert same(alone, shared)
    game = alone.curve.stage == "game"
    assert set(alone.curve.temperature[game]) == {2.0}
    assert alone.curve.temperature[~game].isna().all()


def changed_targets():
    split = toys.split()
    split.train.targets.copy_(split.train.targets.flip(0))
    return split


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"budget": toys.BUDGET.but(pretraining_lr=2e-2)},
        {"budget": toys.BUDGET.but(pretraining_schedule="cosine")},
        {"budget": toys.BUDGET.but(denormals="flushed")},
        {"budget": toys.BUDGET.but(precision="bfloat16")},
        {"budget": toys.BUDGET.but(batch_size=20)},
        {"budget": toys.BUDGET.but(classifier_pretraining=4)},
        {"budget": toys.BUDGET.but(weight_decay=1e-3)},
        {"budget": toys.BUDGET.but(evaluated=20)},
        {"split": changed_targets()},
        {"split": replace(toys.split(), test=toys.split().validation)},
        {"criterion": Criterion("other", lambda logits, targets: 0.0)},
        {"players": {"classifier": toys.players(builder=lambda: toys.network(0.5))}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_stored_player_is_not_used_where_its_training_would_differ(change, tmp_path):
    train("supervised", pretrained=Pretrained(tmp_path))
    if "players" in change:
        change = {"players": {"classifier": change["players"]["classifier"]["teacher"]}}
        change["players"]["classifier"].load_state_dict(
            toys.players_of("supervised")["classifier"].state_dict()
        )
    train("supervised", pretrained=Pretrained(tmp_path), **change)
    assert len(list(tmp_path.glob("*.pt"))) == 2


def as_images(split):
    """Return the toy split with points of four numbers as images of 1 x 2 x 2."""
    parts = {name: getattr(split, name) for name in ("train", "validation", "test")}
    shape = (-1, 1, 2, 2)
    seen = {k: replace(v, inputs=v.inputs.reshape(shape)) for k, v in parts.items()}
    return replace(split, **seen)


def test_a_stored_player_is_not_used_under_another_augmentation(tmp_path):
    def builder():
        return nn.Sequential(nn.Flatten(), toys.network())

    for count, kind in enumerate(("none", "mirror"), start=1):
        train(
            "supervised",
            players=toys.players(seats=("classifier",), builder=builder),
            split=as_images(toys.split()),
            budget=toys.BUDGET.but(pretraining_augmentation=kind),
            pretrained=tmp_path,
        )
        assert len(list(tmp_path.glob("*.pt"))) == count


@dataclass(frozen=True)
class Smoothed(METHODS["supervised"]):
    """C is pretrained on smoothed labels, by a loss that keeps how much."""

    share: float = 0.0
    passes: int = 1
    kind: str = "closure"

    def pretraining(self):
        loss = {
            "closure": smoothed(self.share),
            "partial": partial(smoothing, share=self.share),
            "method": self.learn,
            "default": by_default(self.share),
        }[self.kind]
        return (Phase("classifier", loss, passes=self.passes),)

    def learn(self, *given):
        return smoothing(*given, share=self.share)


def smoothing(logits, batch, noise, temperature, share):
    even = 1 / toys.LABELS
    targets = batch.targets.lerp(torch.full_like(batch.targets, even), share)
    return cross_entropy(logits["classifier"], targets), {}


def smoothed(share):
    def loss(*given):
        return smoothing(*given, share=share)

    return loss


def by_default(share):
    return lambda *given, kept=share: smoothing(*given, share=kept)


@pytest.mark.parametrize("kind", ["closure", "partial", "method", "default"])
@pytest.mark.parametrize("change", [{"share": 0.5}, {"passes": 2}])
def test_a_stored_player_is_not_used_for_another_loss(kind, change, tmp_path):
    usual = Smoothed(kind=kind)
    for tried, stored in ((usual, 1), (usual, 1), (replace(usual, **change), 2)):
        players = toys.players_of("supervised")
        fit(tried, players, toys.split(), toys.BUDGET, pretrained=tmp_path)
        assert len(list(tmp_path.glob("*.pt"))) == stored


@dataclass(frozen=True)
class Taught(Method):
    """C follows T while it is pretrained, and learns the labels in the game."""

    name: ClassVar[str] = "taught"

    def pretraining(self):
        return (Phase("classifier", follow, ("teacher",)),)

    def phases(self):
        return (Phase("classifier", smoothed(0.0)),)


def follow(logits, batch, noise, temperature):
    return kl_distillation(logits["classifier"], logits["teacher"]), {}


def constant(label):
    """Return a teacher without weights that always names one label."""
    law = np.eye(toys.LABELS)[label]
    return Fixed(lambda inputs: np.tile(law, (len(inputs), 1)))


@pytest.mark.parametrize(
    "build",
    [constant, lambda seed: toys.players(seed)["teacher"]],
    ids=["fixed", "net"],
)
def test_a_stored_player_is_not_used_beside_another_that_its_phase_reads(
    build, tmp_path
):
    for label, stored in ((0, 1), (0, 1), (1, 2)):
        players = {**toys.players(seats=("classifier",)), "teacher": build(label)}
        fit(Taught(), players, toys.split(), toys.BUDGET, pretrained=tmp_path)
        assert len(list(tmp_path.glob("*.pt"))) == stored


def test_what_a_loss_keeps_is_described_exactly():
    close = torch.tensor([1.0, 1.0 + 1e-6])
    first, second = (described(partial(smoothing, share=each)) for each in close)
    assert first != second
    network = toys.network()
    before = described(network)
    with torch.no_grad():
        network[0].weight.mul_(2)
    assert described(network) != before


def test_a_damaged_stored_player_is_trained_again(tmp_path):
    train("supervised", pretrained=Pretrained(tmp_path))
    (path,) = tmp_path.glob("*.pt")
    path.write_bytes(path.read_bytes()[:-5])
    again = train("supervised", pretrained=Pretrained(tmp_path))
    assert same(again, train("supervised"))


def test_a_stored_player_of_other_things_than_tensors_is_trained_again(tmp_path):
    train("supervised", pretrained=Pretrained(tmp_path))
    (path,) = tmp_path.glob("*.pt")
    path.write_bytes(encode({"row": {"classifier_validation": np.float64(0.5)}}))
    again = train("supervised", pretrained=Pretrained(tmp_path))
    assert same(again, train("supervised"))


NUMBERS = {
    "numpy": lambda logits, targets: np.float64(accuracy(logits, targets)),
    "tensor": lambda logits, targets: torch.tensor(accuracy(logits, targets)).double(),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_score_of_numpy_or_torch_is_stored_and_resumed(kind, tmp_path, recwarn):
    score = NUMBERS[kind]
    report = partial(lambda given, *pair: {"again": given(*pair)}, score)
    rate, decay = np.float64(1e-2), np.float64(1e-4)
    options = {
        "criterion": Criterion("accuracy", score, report),
        "checkpoints": tmp_path / "run",
        "checkpoint_seconds": 0,
        "pretrained": tmp_path / "shared",
        "budget": toys.BUDGET.but(pretraining_lr=rate, weight_decay=decay),
    }
    first = train("mimic", **options)
    assert type(first.metrics["test_again"]) is float
    assert same(first, train("mimic", **options))
    elsewhere = options | {"checkpoints": tmp_path / "other"}
    assert same(first, train("mimic", **elsewhere))
    assert not recwarn
    assert len(list((tmp_path / "shared").glob("*.pt"))) == 2


def test_a_score_that_is_no_single_number_is_named():
    criterion = Criterion("pair", lambda logits, targets: torch.zeros(2))
    with pytest.raises(ValueError, match="A score is a Tensor that is no single numbe"):
        train("supervised", criterion=criterion)


def test_a_method_of_ones_own_trains_by_the_same_loop():
    @dataclass(frozen=True)
    class Own(Method):
        name: ClassVar[str] = "own"

        def phases(self):
            def loss(logits, batch, noise, temperature):
                value = kl_distillation(logits["classifier"], logits["teacher"])
                return value, {"own": value}

            return (Phase("classifier", loss, ("teacher",)),)

    result = fit(Own(), toys.players(), toys.split(), toys.BUDGET)
    assert "classifier_own" in result.curve


def test_a_metric_of_ones_own_is_used_for_every_score():
    def negative_loss(logits, targets):
        return 100 * (targets * logits.log_softmax(-1)).sum(-1).mean().item()

    def report(logits, targets):
        return {"labels": float(targets.shape[1])}

    criterion = Criterion("likelihood", negative_loss, report)
    result = train("mimic", criterion=criterion)
    assert result.metrics["test_likelihood"] < -1
    assert result.metrics["test_labels"] == result.metrics["teacher_test_labels"] == 3
    assert "test_accuracy" not in result.metrics
    assert result.metrics["selected_epoch"] > 0


def test_further_scores_are_those_of_the_selected_classifier_on_the_test_set():
    def report(logits, targets):
        return {"loss": cross_entropy(logits, targets).item()}

    budget = toys.BUDGET.but(evaluate_every=1, classifier_lr=0.3)
    criterion = Criterion("accuracy", accuracy, report)
    result = train("supervised", budget=budget, criterion=criterion)
    assert result.metrics["selected_epoch"] < result.metrics["epochs_run"]
    test = toys.split().test
    logits = predict("classifier", result.players["classifier"], test)
    found = result.metrics["test_loss"]
    assert found == pytest.approx(report(logits, test.targets)["loss"])


def test_a_criterion_that_is_no_number_is_named():
    criterion = Criterion("nothing", lambda logits, targets: math.nan)
    with pytest.raises(ValueError, match="'nothing' is NaN on the validation set"):
        train("supervised", criterion=criterion)
