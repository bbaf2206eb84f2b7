"""Check CIFAR-10's networks, and that batch statistics stay with their player."""

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool2d, pad

from kdgan_lib import fit, randomness
from kdgan_lib.budget import Budget
from kdgan_lib.cifar_nets import (
    VARIANTS,
    ResNet,
    TutorialNet,
    cifar10_players,
)
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.pretrained import Pretrained
from kdgan_lib.loop.scoring import Scorer
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import METHODS, method
from kdgan_lib.nets import build_players, count_parameters
from kdgan_lib.train import Training
from tests.toys import Stop

SIZES = {
    "default": (464_406, 1_727_962),
    "released": (1_756_426, 269_722),
    "small": (464_406, 269_722),
}
LABELS = 3
BUDGET = Budget(
    batch_size=10,
    epochs=3,
    classifier_pretraining=2,
    teacher_pretraining=2,
    discriminator_pretraining=2,
    evaluate_every=1,
    test_every=1,
    teacher_every=1,
    selection="last",
)


def seeded(builder):
    with randomness.module_randomness(0, "test"):
        return builder()


def images(count, size=32, seed=0, channels=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, size, size, generator=generator)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_players_have_the_sizes_that_their_variant_states(variant):
    players = {seat: build() for seat, build in cifar10_players(variant).items()}
    classifier, teacher = SIZES[variant]
    assert {seat: count_parameters(module) for seat, module in players.items()} == {
        "classifier": classifier,
        "teacher": teacher,
        "discriminator": teacher,
    }


def test_the_default_players_have_the_papers_sizes_and_the_released_ones_do_not():
    assert [round(size / 1e6, 1) for size in SIZES["default"]] == [0.5, 1.7]
    assert [round(size / 1e6, 1) for size in SIZES["released"]] == [1.8, 0.3]


@pytest.mark.parametrize("variant", ["small", "released"])
def test_every_player_returns_one_logit_per_label(variant):
    for player in build_players(cifar10_players(variant), seed=0).values():
        assert player.eval()(images(2)).shape == (2, 10)


def test_teacher_and_discriminator_share_an_architecture_but_no_weights():
    players = build_players(cifar10_players("small"), seed=0)
    assert repr(players["teacher"]) == repr(players["discriminator"])
    assert digest(players["teacher"]) != digest(players["discriminator"])


def test_an_unknown_variant_names_the_known_ones():
    with pytest.raises(ValueError, match="choose from default, released, small"):
        cifar10_players("large")


# ---- Architectures ---------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 19, 21, -4])
def test_a_depth_that_is_not_6n_plus_2_is_refused(depth):
    with pytest.raises(ValueError, match=f"6 n \\+ 2, such as 20 or 110, not {depth}"):
        ResNet(depth)


@pytest.mark.parametrize("form", ["original", "released"])
@pytest.mark.parametrize("depth", [8, 20, 110])
def test_a_resnets_depth_counts_its_layers_with_weights(depth, form):
    modules = list(ResNet(depth, form=form).modules())
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in modules) == depth


def test_both_forms_of_a_resnet_have_equally_many_parameters():
    for depth in (8, 20):
        counts = {
            count_parameters(ResNet(depth, form=f)) for f in ("original", "released")
        }
        assert len(counts) == 1


def silenced(block):
    """Return a block whose residual is zero: what is left is its shortcut."""
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    return block.eval()


def test_an_original_shortcut_keeps_every_second_pixel_and_adds_maps_of_zeros():
    block = silenced(ResNet(8).blocks[1])
    inputs = images(2, 8, channels=16).relu()
    outputs = block(inputs)
    assert outputs.shape == (2, 32, 4, 4)
    assert torch.equal(outputs[:, 8:24], inputs[:, :, ::2, ::2])
    assert not outputs[:, :8].any()
    assert not outputs[:, 24:].any()


def test_a_released_shortcut_averages_four_pixels_and_is_not_activated():
    block = silenced(ResNet(8, form="released").blocks[1])
    inputs = images(2, 8, channels=16)
    quarters = inputs.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
    torch.testing.assert_close(block(inputs)[:, 8:24], quarters)
    assert (block(inputs) < 0).any()


def test_a_block_that_keeps_its_maps_passes_its_inputs_on():
    inputs = images(2, 8, channels=16)
    original, released = ResNet(8), ResNet(8, form="released")
    assert torch.equal(silenced(original.blocks[0])(inputs), inputs.relu())
    assert torch.equal(silenced(released.blocks[0])(inputs), inputs)


def test_the_tutorials_pool_pads_behind_the_last_pixel_as_tensorflow_does():
    pool, inputs = TutorialNet().features[2], images(2, channels=4)
    padded = pad(inputs, (0, 1, 0, 1), value=float("-inf"))
    assert torch.equal(pool(inputs), max_pool2d(padded, 3, 2))


def test_the_tutorials_normalisation_sums_nine_maps_as_tensorflow_does():
    norm, inputs = TutorialNet().features[3], 30 * images(2, 4, channels=12)
    squares = pad(inputs.square(), (0, 0, 0, 0, 4, 4)).unfold(1, 9, 1).sum(-1)
    expected = inputs / (1 + 0.001 / 9 * squares) ** 0.75
    torch.testing.assert_close(norm(inputs), expected)


def test_the_tutorials_weights_are_cut_at_two_deviations_of_its_scales():
    net = seeded(TutorialNet)
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    scales = [layer.weight.abs().max().item() / 2 for layer in layers]
    assert scales == pytest.approx([0.05, 0.05, 0.04, 0.04, 1 / 192], rel=0.02)
    biases = [layer.bias.unique().tolist() for layer in layers]
    assert biases == [[value] for value in map(pytest.approx, (0, 0.1, 0.1, 0.1, 0))]


# ---- Batch statistics ------------------------------------------------------------


def noise_images(count, seed):
    labels = torch.arange(count) % LABELS
    return Examples(images(count, 8, seed), torch.eye(LABELS)[labels])


def split():
    return Split("noise", *(noise_images(30, seed) for seed in (1, 2, 3)), LABELS)


def residual_players(seats=("classifier", "teacher", "discriminator"), seed=0):
    return build_players(dict.fromkeys(seats, lambda: ResNet(8, LABELS)), seed)


def run(name="kdgan", budget=BUDGET, seed=0, weights=0, **options):
    players = residual_players(method(name).seats(), weights)
    return fit(name, players, split(), budget, seed, **options)


def statistics(module):
    """Return the running means and variances as one vector."""
    found = [b.flatten() for b in module.buffers() if b.is_floating_point()]
    return torch.cat(found).clone()


def updates_seen(module):
    """Return how many batches each normalisation has taken into its statistics."""
    layers = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    return {layer.num_batches_tracked.item() for layer in layers}


def digests(result):
    return {seat: digest(module) for seat, module in result.players.items()}


@pytest.mark.parametrize("name", METHODS)
def test_a_turn_of_one_player_changes_no_statistics_of_another(name, monkeypatch):
    update, turns = Training.update, []

    def watched(training, phase, *arguments):
        players = training.state.players
        before = {seat: statistics(module) for seat, module in players.items()}
        terms = update(training, phase, *arguments)
        turns.append(
            (phase.player, [s for s, b in before.items() if changed(players[s], b)])
        )
        return terms

    def changed(module, before):
        return not torch.equal(statistics(module), before)

    monkeypatch.setattr(Training, "update", watched)
    run(name)
    assert turns
    assert all(moved == [player] for player, moved in turns)


@pytest.mark.parametrize("name", METHODS)
def test_only_a_players_own_updates_enter_its_statistics(name):
    # Neither being read by another player nor an evaluation may count.
    result = run(name)
    for seat, module in result.players.items():
        assert updates_seen(module) == {result.metrics[f"{seat}_updates"]}


def with_other_noise(patch, chosen):
    """Draw other labels wherever `chosen` says so of (stage, epoch, player, turn)."""
    derive = randomness.derive

    def other(seed, purpose, *place, **options):
        moved = purpose == "noise" and chosen(*place)
        return derive(seed + moved, purpose, *place, **options)

    patch.setattr(randomness, "derive", other)


def test_batch_statistics_depend_on_images_and_weights_not_on_sampled_labels(
    monkeypatch,
):
    rates = ("pretraining", "classifier", "teacher", "discriminator")
    still = BUDGET.but(**{f"{name}_lr": 0.0 for name in rates})
    first = run(budget=still)
    with_other_noise(monkeypatch, lambda *place: True)
    second = run(budget=still)
    assert (first.curve.classifier_loss != second.curve.classifier_loss).any()
    assert digests(first) == digests(second)


def test_labels_that_the_classifier_draws_leave_the_others_statistics_alone(
    monkeypatch,
):
    first = digests(run())
    with_other_noise(
        monkeypatch,
        lambda stage, epoch, player, turn: (
            (stage, epoch, player) == ("game", BUDGET.epochs - 1, "classifier")
        ),
    )
    second = digests(run())
    changed = {seat for seat in first if first[seat] != second[seat]}
    assert changed == {"classifier"}


def test_a_seeds_statistics_do_not_depend_on_the_seeds_before_it():
    first = digests(run(seed=0))
    run(seed=1, weights=1)
    assert digests(run(seed=0)) == first


@pytest.mark.parametrize("last", [1, 3, 7])
def test_a_resumed_run_equals_an_uninterrupted_one_statistics_included(last, tmp_path):
    plain, checkpoints = run(), Checkpoints(tmp_path)
    epochs = []

    def stop(training, stage):
        epochs.append(stage.name)
        if len(epochs) > last:
            raise Stop

    options = {"checkpoints": checkpoints, "checkpoint_seconds": 0}
    with pytest.raises(Stop):
        run(after_epoch=stop, **options)
    with pytest.warns(match="goes on with its own"):
        found = run(weights=99, **options)
    assert digests(found) == digests(plain)
    for seat, module in found.players.items():
        assert torch.equal(statistics(module), statistics(plain.players[seat]))
    assert found.curve.equals(plain.curve)


def test_the_selected_classifier_has_the_statistics_of_its_epoch(monkeypatch):
    kept = {}

    def keep(training, stage):
        module = training.state.players["classifier"]
        kept[stage.name, training.state.epoch + 1] = digest(module), statistics(module)

    def best_in_epoch_2(scorer, state, player, part, stage=None):
        return -abs(state.epoch + 1 - 2)

    monkeypatch.setattr(Scorer, "score", best_in_epoch_2)
    budget = BUDGET.but(selection="validation")
    result = run(budget=budget, after_epoch=keep)
    selected = result.metrics["selected_epoch"]
    assert selected == 2
    weights, means = kept["game", selected]
    classifier = result.players["classifier"]
    assert digest(classifier) == weights
    assert torch.equal(statistics(classifier), means)
    assert not torch.equal(means, kept["game", budget.epochs][1])


def test_a_pretrained_player_from_disk_brings_its_statistics(tmp_path):
    budget = BUDGET.but(epochs=1)
    first = run(budget=budget, pretrained=Pretrained(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    assert digests(run(budget=budget, pretrained=Pretrained(tmp_path))) == digests(
        first
    )
