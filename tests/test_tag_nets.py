"""C never sees text; padding changes nothing; a cross-fitted teacher leaks no label."""

from typing import get_args

import pytest
import torch
from torch import nn

from kdgan_lib import fit
from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.evaluation import player_logits, predict
from kdgan_lib.loop.state import adam, digest
from kdgan_lib.losses import cross_entropy
from kdgan_lib.nets import PLAYERS, build_players, count_parameters
from kdgan_lib.randomness import module_randomness
from kdgan_lib.tag_nets import (
    VARIANTS,
    Combination,
    CrossFitted,
    PairNet,
    TagClassifier,
    TextEncoder,
    tag_players,
)
from kdgan_lib.tags import FOLDS, LENGTH
from tests.toys import Stop

LABELS, FEATURES, WORDS = 5, 8, 30
COMBINATIONS = get_args(Combination)
BUDGET = Budget(
    batch_size=10,
    epochs=2,
    classifier_pretraining=1,
    teacher_pretraining=2,
    discriminator_pretraining=1,
    evaluate_every=1,
    test_every=1,
    teacher_every=1,
)


def draw(*shape, low=0, high=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if high is None:
        return torch.randn(shape, generator=generator)
    return torch.randint(low, high, shape, generator=generator)


def examples(count, seed=0, folds=FOLDS):
    """Draw examples with texts of 0 to 6 words; folds=0 puts them in none."""
    words = draw(count, LENGTH, low=1, high=WORDS, seed=seed)
    lengths = draw(count, 1, low=0, high=7, seed=seed + 1)
    words[torch.arange(LENGTH) >= lengths] = 0
    fold = torch.arange(count) % folds if folds else torch.full((count,), -1)
    labels = draw(count, low=0, high=LABELS, seed=seed + 2)
    return Examples(
        draw(count, FEATURES, seed=seed + 3),
        torch.eye(LABELS)[labels],
        torch.cat([fold.unsqueeze(1), words], 1),
    )


def vectors():
    table = draw(WORDS, 6)
    table[0] = 0
    return table


def pair_net(combine="product"):
    return PairNet(vectors(), FEATURES, 16, LABELS, combine=combine)


def classifier():
    return TagClassifier(FEATURES, 16, LABELS)


def build(builder, seed=0):
    return build_players({"player": builder}, seed)["player"]


def small_players(seed=0):
    builders = {
        "classifier": classifier,
        "teacher": lambda: CrossFitted(pair_net),
        "discriminator": pair_net,
    }
    return build_players(builders, seed)


def small_split():
    return Split("toy", examples(40), examples(20, 10, 0), examples(20, 20, 0), LABELS)


def moved(batch, privileged):
    return Examples(batch.inputs, batch.targets, privileged)


# C sees no text.


def test_the_classifiers_predictions_do_not_depend_on_the_text():
    batch, module = examples(30), build(classifier)
    texts = [None, batch.privileged, batch.privileged.flip(0)]
    found = [predict("classifier", module, moved(batch, text)) for text in texts]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_classifier_cannot_be_called_with_text(variant):
    module = tag_players(variant=variant)["classifier"]()
    with pytest.raises(TypeError, match="positional argument"):
        module(torch.zeros(2, 1280), torch.zeros(2, 1 + LENGTH, dtype=torch.long))


def test_the_classifier_has_no_weights_for_words():
    kinds = {type(module) for module in build(classifier).modules()}
    assert not kinds & {nn.Embedding, nn.LSTM, TextEncoder}


# Padding.


def test_padding_changes_nothing():
    encoder, words = build(lambda: TextEncoder(vectors(), 9)).eval(), examples(20)
    short = words.privileged[:, 1:9]
    padded = torch.cat([short, torch.zeros(20, 30, dtype=torch.long)], 1)
    assert torch.equal(encoder(short), encoder(padded))


def test_a_text_is_encoded_alike_whatever_else_is_in_the_batch():
    encoder = build(lambda: TextEncoder(vectors(), 9)).eval()
    text = examples(20).privileged[:, 1:]
    alone = torch.cat([encoder(row.unsqueeze(0)) for row in text])
    torch.testing.assert_close(encoder(text), alone)


def test_a_text_without_words_is_a_zero_vector_and_has_a_gradient_of_zero():
    encoder = build(lambda: TextEncoder(vectors(), 9))
    found = encoder(torch.zeros(3, LENGTH, dtype=torch.long))
    assert not found.any()
    found.sum().backward()
    assert not encoder.lstm.weight_hh_l0.grad.any()


def test_word_order_matters_to_the_encoder():
    encoder = build(lambda: TextEncoder(vectors(), 9)).eval()
    text = torch.tensor([[3, 4, 5, 0]])
    assert not torch.allclose(encoder(text), encoder(text[:, [2, 1, 0, 3]]))


# PairNet.


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_a_pair_net_ignores_the_column_of_folds(combine):
    module, batch = build(lambda: pair_net(combine)), examples(20)
    other = batch.privileged.clone()
    other[:, 0] = -1
    found = predict("teacher", module, batch)
    assert found.shape == (20, LABELS)
    assert torch.equal(found, predict("teacher", module, moved(batch, other)))


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_only_the_text_teacher_does_without_the_image(combine):
    module, batch = build(lambda: pair_net(combine)), examples(20)
    other = Examples(batch.inputs.flip(0), batch.targets, batch.privileged)
    same = torch.equal(predict("teacher", module, batch), predict("t", module, other))
    assert same == (combine == "text")


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_every_weight_of_a_pair_net_gets_a_gradient(combine):
    module, batch = build(lambda: pair_net(combine)), examples(60)
    with module_randomness(0, "test"):
        loss = cross_entropy(player_logits("teacher", module, batch), batch.targets)
    loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in module.parameters())


# CrossFitted.


def gradients(module):
    return torch.cat(
        [
            (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
            for p in module.parameters()
        ]
    )


def of_fold(batch, fold):
    return batch[(batch.privileged[:, 0] == fold).nonzero().flatten()]


@pytest.mark.parametrize("fold", range(FOLDS))
def test_an_example_gives_the_copy_of_its_fold_no_gradient(fold):
    module = build(lambda: CrossFitted(pair_net)).train()
    batch = of_fold(examples(200), fold)
    with module_randomness(0, "test"):
        cross_entropy(module(batch.inputs, batch.privileged), batch.targets).backward()
    for place, copy in enumerate(module.copies):
        assert gradients(copy).any() == (place != fold)


def trained(batch, epochs=3):
    module = build(lambda: CrossFitted(pair_net)).train()
    optimizer = adam(module, Budget())
    with module_randomness(0, "test"):
        for _ in range(epochs):
            for index in torch.randperm(len(batch)).split(20):
                part = batch[index]
                logits = module(part.inputs, part.privileged)
                optimizer.zero_grad()
                cross_entropy(logits, part.targets).backward()
                optimizer.step()
    return module


def test_out_of_fold_predictions_do_not_depend_on_the_labels_of_the_fold():
    batch, fold = examples(100), 2
    targets = batch.targets.clone()
    inside = batch.privileged[:, 0] == fold
    targets[inside] = targets[inside].roll(1, 1)
    other = Examples(batch.inputs, targets, batch.privileged)
    before, after = (
        predict("teacher", trained(each), batch) for each in (batch, other)
    )
    assert torch.equal(before[inside], after[inside])
    assert not torch.allclose(before[~inside], after[~inside])


def test_out_of_fold_predictions_do_not_depend_on_the_inputs_of_the_fold():
    batch, fold = examples(100), 2
    inside = (batch.privileged[:, 0] == fold).unsqueeze(1)
    inputs = torch.where(inside, -batch.inputs, batch.inputs)
    other = Examples(inputs, batch.targets, batch.privileged)
    copies = [trained(each).copies[fold] for each in (batch, other)]
    assert digest(copies[0]) == digest(copies[1])


def test_in_evaluation_each_fold_goes_through_its_own_copy():
    module, batch = build(lambda: CrossFitted(pair_net)), examples(40)
    found = predict("teacher", module, batch)
    for fold, copy in enumerate(module.copies):
        inside = (batch.privileged[:, 0] == fold).nonzero().flatten()
        wanted = predict("teacher", copy, batch[inside])
        torch.testing.assert_close(found[inside], wanted)


def test_an_image_of_no_fold_gets_the_mean_of_the_copies_log_probabilities():
    module, batch = build(lambda: CrossFitted(pair_net)), examples(40, folds=0)
    found = predict("teacher", module, batch).log_softmax(1)
    each = [predict("teacher", c, batch).log_softmax(1) for c in module.copies]
    torch.testing.assert_close(found, torch.stack(each).mean(0).log_softmax(1))


def test_a_batch_of_both_kinds_gives_what_each_kind_gives_alone():
    module = build(lambda: CrossFitted(pair_net))
    known, new = examples(20), examples(20, 30, folds=0)
    both = Examples(
        torch.cat([known.inputs, new.inputs]),
        torch.cat([known.targets, new.targets]),
        torch.cat([known.privileged, new.privileged]),
    )
    alone = [predict("teacher", module, part) for part in (known, new)]
    torch.testing.assert_close(predict("teacher", module, both), torch.cat(alone))


def test_while_training_every_other_copy_takes_its_share():
    module = build(lambda: CrossFitted(pair_net, 4))
    with module_randomness(0, "test"):
        drawn = module.another(torch.full((3_000,), 1))
        anyone = module.another(torch.full((3_000,), -1))
    assert drawn.bincount(minlength=4)[1] == 0
    assert drawn.bincount(minlength=4)[[0, 2, 3]].min() > 900
    assert anyone.bincount(minlength=4).min() > 650


def test_one_pass_costs_each_example_one_network():
    module, batch = build(lambda: CrossFitted(pair_net)), examples(40)
    seen = []
    for copy in module.copies:
        copy.register_forward_hook(lambda _m, args, _o: seen.append(len(args[0])))
    module.train()(batch.inputs, batch.privileged)
    assert sum(seen) == 40


def test_a_fold_without_a_copy_is_refused_in_one_sentence():
    module, batch = build(lambda: CrossFitted(pair_net, 2)), examples(20, folds=3)
    with pytest.raises(ValueError, match="2 copies, but an example of fold 2"):
        predict("teacher", module, batch)


# The players.


def test_players_that_differ_in_no_weight_differ_in_words():
    # Pretrained players are stored under their weights and their repr.
    builders = [
        pair_net,
        lambda: pair_net("plain_product"),
        lambda: PairNet(vectors(), FEATURES, 16, LABELS, dropout=0.1),
    ]
    players = [build(builder) for builder in builders]
    assert len({digest(player) for player in players}) == 1
    assert len({repr(player) for player in players}) == len(players)
    encoders = [TextEncoder(vectors(), 9, dropout) for dropout in (0.1, 0.2)]
    assert repr(encoders[0]) != repr(encoders[1])


def test_each_variant_says_what_it_is_for():
    assert all(variant.about.endswith(".") for variant in VARIANTS.values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_player_of_a_variant_returns_one_logit_per_label(variant):
    text = torch.zeros(2, 1 + LENGTH, dtype=torch.long)
    for seat, builder in tag_players(7, variant).items():
        batch = Examples(torch.zeros(2, 1280), torch.eye(7)[:2], text)
        assert predict(seat, builder(), batch).shape == (2, 7)


def test_a_cross_fitted_teacher_has_the_weights_of_its_copies():
    players = {name: tag_players(variant=name) for name in VARIANTS}
    single = count_parameters(players["single_teacher"]["teacher"]())
    assert count_parameters(players["default"]["teacher"]()) == FOLDS * single
    discriminator = players["default"]["discriminator"]()
    assert count_parameters(discriminator) == single


def test_a_cross_fitted_discriminator_is_three_of_the_usual_one():
    builders = tag_players(variant="cross_fitted_discriminator")
    usual = count_parameters(tag_players()["discriminator"]())
    assert count_parameters(builders["discriminator"]()) == FOLDS * usual
    assert isinstance(builders["discriminator"](), CrossFitted)


def test_copies_start_from_weights_of_their_own():
    digests = {digest(copy) for copy in build(lambda: CrossFitted(pair_net)).copies}
    assert len(digests) == FOLDS


def test_the_classifier_is_smaller_than_the_teacher():
    players = tag_players()
    sizes = {seat: count_parameters(players[seat]()) for seat in PLAYERS}
    assert sizes["classifier"] < sizes["teacher"]


def test_a_wrong_variant_lists_the_right_ones():
    with pytest.raises(ValueError, match="no variant: choose from default, single"):
        tag_players(variant="best")


@pytest.mark.parametrize("name", ["distn", "kdgan"])
def test_the_same_seed_gives_the_same_bits(name):
    first, again = (fit(name, small_players(), small_split(), BUDGET) for _ in "ab")
    assert first.curve.equals(again.curve)
    for seat in first.players:
        assert digest(first.players[seat]) == digest(again.players[seat])


def test_a_run_broken_off_and_resumed_equals_an_uninterrupted_one(tmp_path):
    def stop(training, stage):
        if stage.name == "game":
            raise Stop

    options = {"checkpoints": Checkpoints(tmp_path), "checkpoint_seconds": 0}
    players, split = small_players(), small_split()
    with pytest.raises(Stop):
        fit("kdgan", players, split, BUDGET, after_epoch=stop, **options)
    with pytest.warns(match="goes on with its own"):
        resumed = fit("kdgan", small_players(99), split, BUDGET, **options)
    whole = fit("kdgan", small_players(), split, BUDGET)
    assert resumed.curve.equals(whole.curve)
    for seat, module in whole.players.items():
        assert digest(resumed.players[seat]) == digest(module)
