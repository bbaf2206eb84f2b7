"""Check gradient moments against brute force, and the study that stores them."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
import torch
from torch import nn

from kdgan_lib import claims, closed_forms, measures, runs
from kdgan_lib import variance_linear as linear
from kdgan_lib.concrete import gumbel
from kdgan_lib.data import Examples
from kdgan_lib.estimators import estimator, sample_gradients
from kdgan_lib.evidence import evidence_rows
from kdgan_lib.figures import variance as drawings
from kdgan_lib.loop.schedule import GAME
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import method
from kdgan_lib.nets import MLP
from kdgan_lib.randomness import derive
from kdgan_lib.reports import variance_tables
from kdgan_lib.reports.ledger import ANSWERED
from kdgan_lib.stats import mean_interval
from kdgan_lib.studies import variance_study
from kdgan_lib.studies.variance_point import Point
from kdgan_lib.studies.variance_probe import SAMPLED, measure, weights_of
from kdgan_lib.tables import MissingRuns
from kdgan_lib.train import fit
from kdgan_lib.variance import (
    HELD_AT_ONCE,
    Moments,
    _block_size,
    batch_gradients,
    combined_variance,
    logit_grams,
    looped_gradients,
    mapped_gradients,
    mapped_grams,
    moments,
    parameters_of,
    per_sample_gradients,
    sampling_variance,
    sd_bound,
    squared_norms,
)
from kdgan_lib.variance_plan import KEY, METHODS, TABLE, Probe, Study
from tests import toys

SMALL = Probe(batches=20, draws=100, masks=2, temperatures=(0.5, 2.0))


@pytest.fixture
def small():
    """Return a net without dropout, inputs [6, 4], logit gradients [6, 3], float64."""
    net = toys.network(dropout=0.0).double().eval()
    generator = derive(0, "small")
    inputs = torch.randn(6, toys.FEATURES, generator=generator, dtype=torch.double)
    slopes = torch.randn(6, toys.LABELS, generator=generator, dtype=torch.double)
    return net, inputs, slopes


def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )


@pytest.mark.parametrize("builder", [toys.network, convolutional])
def test_per_sample_gradients_equal_one_backward_pass_per_example(builder):
    net = builder().eval()
    shape = (8, 1, 8, 8) if builder is convolutional else (8, toys.FEATURES)
    inputs = torch.randn(shape, generator=derive(0, "inputs"))
    slopes = torch.randn(8, 3, generator=derive(0, "slopes"))
    fast, slow = (
        function(net, inputs, slopes)
        for function in (per_sample_gradients, looped_gradients)
    )
    assert (fast - slow).norm() <= 1e-5 * slow.norm()


def rows_of(net, inputs):
    """Return memory for one gradient per example."""
    count = sum(weight.numel() for weight in parameters_of(net).values())
    return inputs.new_empty(len(inputs), count)


def test_blocks_do_not_change_per_sample_gradients(small, monkeypatch):
    net, inputs, slopes = small
    whole = per_sample_gradients(net, inputs, slopes)
    monkeypatch.setattr("kdgan_lib.variance.HELD_AT_ONCE", 1)
    assert _block_size(net) == 1
    found = mapped_gradients(net, inputs, slopes, rows_of(net, inputs))
    torch.testing.assert_close(found, whole)
    torch.testing.assert_close(
        batch_gradients(net, inputs, slopes.expand(2, -1, -1))[1], whole.mean(0)
    )


def test_a_block_of_the_paper_s_classifier_stays_small():
    net = MLP()
    weights = sum(p.numel() for p in net.parameters())
    assert _block_size(net) * weights * 4 <= HELD_AT_ONCE * 4 < 100e6


def test_grams_are_the_inner_products_of_the_jacobian_s_rows(small):
    net, inputs, _ = small
    basis = torch.eye(toys.LABELS, dtype=torch.double)
    rows = [per_sample_gradients(net, inputs, row.expand(6, -1)) for row in basis]
    jacobians = torch.stack(rows, 1)  # [6, K, P]
    expected = jacobians @ jacobians.transpose(1, 2)
    torch.testing.assert_close(logit_grams(net, inputs), expected)


def looking_inside(net, inputs):
    """Return whether the short way for nets of linear layers is open to a net."""
    return linear.traced(net, inputs) is not None


def test_both_ways_give_the_same_gradients_and_grams(small):
    net, inputs, slopes = small
    assert looking_inside(net, inputs)
    found = per_sample_gradients(net, inputs, slopes)
    rows = mapped_gradients(net, inputs, slopes, rows_of(net, inputs))
    torch.testing.assert_close(found, rows)
    torch.testing.assert_close(logit_grams(net, inputs), mapped_grams(net, inputs))


def test_the_paper_s_classifier_has_the_grams_of_its_looped_gradients():
    net, inputs = MLP().eval(), torch.rand(2, 784, generator=derive(0, "inputs"))
    basis = torch.eye(10)
    rows = [looped_gradients(net, inputs, v.expand(2, 10)) for v in basis]
    jacobians = torch.stack(rows, 1).double()
    expected = jacobians @ jacobians.transpose(1, 2)
    found = logit_grams(net, inputs)
    assert looking_inside(net, inputs)
    assert (found - expected).norm() <= 1e-5 * expected.norm()


def test_squared_norms_are_those_of_the_looped_gradients(small):
    net, inputs, slopes = small
    expected = looped_gradients(net, inputs, slopes).square().sum(1)
    torch.testing.assert_close(squared_norms(net, inputs, slopes), expected)


def test_a_layer_without_bias_or_with_an_in_place_activation_changes_nothing(small):
    _, inputs, slopes = small
    net = nn.Sequential(
        nn.Linear(toys.FEATURES, 16, bias=False),
        nn.ReLU(inplace=True),
        nn.Linear(16, toys.LABELS),
    ).double()
    assert looking_inside(net, inputs)
    expected = looped_gradients(net, inputs, slopes)
    torch.testing.assert_close(per_sample_gradients(net, inputs, slopes), expected)
    squares = expected.square().sum(1)
    torch.testing.assert_close(squared_norms(net, inputs, slopes), squares)


def test_nets_that_are_not_plain_linear_layers_take_the_general_way():
    shared = nn.Linear(4, 4)
    twice = nn.Sequential(shared, nn.ReLU(), shared, nn.Linear(4, 3))
    frozen = toys.network()
    frozen[0].bias.requires_grad_(False)
    rows = torch.randn(5, 4, generator=derive(0, "rows"))
    normed = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    for net in (twice, frozen, normed):
        assert not looking_inside(net, rows)
    assert not looking_inside(convolutional(), torch.randn(2, 1, 8, 8))
    slopes = torch.randn(5, 3, generator=derive(0, "slopes"))
    expected = looped_gradients(normed, rows, slopes)
    torch.testing.assert_close(per_sample_gradients(normed, rows, slopes), expected)


def test_a_frozen_weight_has_no_gradient_by_any_way(small):
    net, inputs, slopes = small
    whole = looped_gradients(net, inputs, slopes)
    net[0].bias.requires_grad_(False)
    expected = looped_gradients(net, inputs, slopes)
    assert whole.shape[1] - expected.shape[1] == len(net[0].bias)
    found = per_sample_gradients(net, inputs, slopes)
    torch.testing.assert_close(found, expected)
    squares = expected.square().sum(1)
    torch.testing.assert_close(squared_norms(net, inputs, slopes), squares)


def test_streamed_moments_equal_those_of_all_draws_at_once():
    draws = torch.randn(50, 3, 200, generator=derive(0, "draws"), dtype=torch.double)
    draws = draws + torch.arange(3.0)[:, None]
    found = moments(iter(draws), 50)
    centred = draws - draws.mean(0)
    expected = torch.einsum("sep,sfp->ef", centred, centred) / 49
    torch.testing.assert_close(found.covariance, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(found.mean, draws.mean(0))
    assert found.mean.shape == (3, 200)
    squares = draws.mean(0).square().sum(-1) - expected.diagonal() / 50
    torch.testing.assert_close(found.squared_norms, squares)


def test_moments_of_one_draw_have_no_variance():
    found = Moments()
    found.add(torch.ones(1, 4))
    with pytest.raises(ValueError, match="two draws"):
        _ = found.covariance


@pytest.mark.parametrize("name", SAMPLED)
def test_sampling_variance_equals_the_variance_of_per_sample_gradients(small, name):
    net, inputs, _ = small
    logits = net(inputs).detach()
    reward = -torch.rand(logits.shape, generator=derive(0, "f"), dtype=torch.double)
    draws = sample_gradients(name, logits, reward, 30, 0.5, derive(0, name))
    rows = [looped_gradients(net, inputs, each) for each in draws]
    brute = torch.stack(rows).var(0).sum() / len(inputs) ** 2
    found = sampling_variance(logit_grams(net, inputs), draws)
    assert found == pytest.approx(float(brute), rel=1e-5)


def test_sampling_variance_is_that_of_the_batch_s_gradient_over_fresh_labels(small):
    net, inputs, _ = small
    logits = net(inputs).detach()
    reward = -torch.rand(logits.shape, generator=derive(0, "f"), dtype=torch.double)
    noise = derive(0, "labels")
    draws = sample_gradients("reinforce", logits, reward, 6000, 1.0, noise)
    batches = batch_gradients(net, inputs, draws)
    brute = float(batches.var(0).sum())
    found = sampling_variance(logit_grams(net, inputs), draws)
    assert found == pytest.approx(brute, rel=0.05)


@pytest.mark.parametrize("name", ["reinforce", "concrete_density"])
def test_sample_gradients_have_the_closed_form_variance(name):
    logits = torch.tensor([[1.0, 0.0, -1.0]], dtype=torch.double)
    reward = torch.tensor([[-0.5, -1.0, -2.0]], dtype=torch.double)
    draws = sample_gradients(name, logits, reward, 200_000, 0.5, derive(0, name))
    expected = closed_forms.VARIANCES[name](logits[0], reward[0])
    grams = torch.eye(3, dtype=torch.double)[None]
    assert sampling_variance(grams, draws) == pytest.approx(float(expected), rel=0.02)


def test_several_labels_per_draw_divide_the_sampling_variance():
    logits = torch.zeros(1, 3, dtype=torch.double)
    reward = torch.tensor([[-0.5, -1.0, -2.0]], dtype=torch.double)
    grams = torch.eye(3, dtype=torch.double)[None]
    one, four = (
        sampling_variance(
            grams,
            sample_gradients(
                "reinforce", logits, reward, 100_000, 1.0, derive(0, labels), labels
            ),
        )
        for labels in (1, 4)
    )
    assert one / four == pytest.approx(4.0, rel=0.05)


def test_surrogates_agree_with_the_training_loss_s_gradient():
    logits = torch.randn(5, 3, generator=derive(0, "h"))
    reward = -torch.rand(5, 3, generator=derive(0, "f"))
    leaf = logits.clone().requires_grad_()
    noise = gumbel((1, 5, 3), derive(0, "g"))
    loss = estimator("relaxed_score")(leaf, reward, noise, 0.5).mean()
    (expected,) = torch.autograd.grad(loss, leaf)
    found = sample_gradients("relaxed_score", logits, reward, 1, 0.5, derive(0, "g"))
    torch.testing.assert_close(found[0] / 5, expected)


def test_lemma_4_3_bounds_every_convex_combination():
    for covariance in (-1.9, 0.0, 1.9):
        for share in (0.0, 0.3, 0.7, 1.0):
            found = combined_variance((share, 1 - share), (1.0, 4.0), covariance)
            assert found**0.5 <= sd_bound(share, 1.0, 2.0) + 1e-12
            assert found <= 4.0 + 1e-12


def probed(name, probe=SMALL):
    """Return the rows of a probe after the toy game's last epoch."""
    found = []

    def look(training, stage):
        if stage.name == GAME and training.state.epoch + 1 == stage.epochs:
            found.extend(measure(Point(training, stage), probe))

    result = play_toy(name, look)
    return pd.DataFrame(found), result


def play_toy(name, look=None):
    budget = toys.BUDGET.but(epochs=3)
    return fit(name, toys.players_of(name), toys.split(), budget, after_epoch=look)


def value(rows, component, estimator_name, quantity):
    chosen = rows[(rows.component == component) & (rows.estimator == estimator_name)]
    chosen = chosen[chosen.quantity == quantity]
    return float(chosen.value.iloc[0])


def test_drawn_gradients_vary_as_the_two_sources_say_together():
    rows, _ = probed(
        "kdgan_wo_gm", Probe(batches=150, draws=100, masks=2, temperatures=())
    )
    sampling, minibatch, drawn = (
        value(rows, "adversarial", "reinforce", quantity)
        for quantity in ("sampling", "minibatch", "drawn_variance")
    )
    # The sampling variance is measured on one minibatch of ten, hence the width.
    assert drawn == pytest.approx(sampling + minibatch, rel=0.35)


def test_the_whole_gradient_follows_eq_3_s_weights():
    rows, _ = probed("kdgan")
    alpha, beta, _ = weights_of(method("kdgan"))
    own = "relaxed_score"
    at = {q: value(rows, "adversarial", own, q) for q in ("minibatch", "covariance")}
    distilled = value(rows, "distillation", "exact", "minibatch")
    whole = value(rows, "total", own, "minibatch")
    expected = combined_variance(
        (alpha, beta), (at["minibatch"], distilled), at["covariance"]
    )
    assert whole == pytest.approx(expected, rel=0.2)  # minus the noise of the mean


def test_labels_enter_the_whole_gradients_variance_by_the_square_of_alpha():
    rows, _ = probed("kdgan", Probe(batches=2, draws=10, masks=2, temperatures=()))
    part, whole = (
        value(rows, component, "relaxed_score", "sampling")
        for component in ("adversarial", "total")
    )
    assert whole == pytest.approx(method("kdgan").alpha ** 2 * part)


def test_the_variance_of_a_batch_does_not_depend_on_how_many_examples_are_looked_at():
    """All examples are alike here, so that each has the same variance."""
    toy, found = toys.split(), []
    one = toy.train[:1]
    alike = Examples(one.inputs.repeat(40, 1), one.targets.repeat(40, 1))

    def look(training, stage):
        if stage.name == GAME:
            for examples in (2, 10):
                amounts = {"batches": 2, "draws": 2_000, "masks": 2}
                probe = Probe(**amounts, examples=examples, temperatures=())
                rows = pd.DataFrame(measure(Point(training, stage), probe))
                found.append(value(rows, "adversarial", "reinforce", "sampling"))

    budget = toys.BUDGET.but(epochs=1)
    fit("kdgan", toys.players(), replace(toy, train=alike), budget, after_epoch=look)
    assert found[0] == pytest.approx(found[1], rel=0.15)


def test_dropout_has_a_variance_of_its_own():
    rows, _ = probed("kdgan", Probe(batches=2, draws=10, masks=4, temperatures=()))
    for component in ("adversarial", "distillation"):
        assert value(rows, component, "exact", "dropout") > 0


def test_a_game_without_teacher_has_no_distillation_gradient():
    rows, _ = probed("nagan")
    assert value(rows, "distillation", "exact", "squared_norm") == 0.0
    assert weights_of(method("nagan")) == (1.0, 0.0, 0.0)


def test_looking_at_a_run_leaves_its_bits_alone():
    _, watched = probed("kdgan")
    alone = play_toy("kdgan")
    for player in watched.players:
        assert digest(watched.players[player]) == digest(alone.players[player])


def test_a_method_without_discriminator_cannot_be_probed():
    with pytest.raises(ValueError, match="codis has no adversarial gradient"):
        probed("codis")


@pytest.fixture
def toy_study(monkeypatch, runs_folder):
    """Let a study on the toy problem be the book's; return its plan and the calls."""
    calls = []

    def train(run, device, after_epoch):
        calls.append((run.method.name, run.seed))
        players = toys.players_of(run.method.name, run.seed)
        budget = toys.BUDGET.but(epochs=run.budget.epochs)
        return fit(
            run.method,
            players,
            toys.split(),
            budget,
            run.seed,
            after_epoch=after_epoch,
        )

    monkeypatch.setattr(variance_study, "train", train)
    probe = Probe(batches=3, draws=10, masks=2, temperatures=(1.0,))
    plan = Study(seeds=1, epochs=3, probes=2, probe=probe)
    monkeypatch.setattr(variance_tables, "DECLARED", plan)
    return plan, calls


@pytest.mark.parametrize("name", ["draws", "batches", "masks", "examples"])
def test_amounts_without_a_variance_are_refused_before_training(name):
    with pytest.raises(SystemExit, match="2"):
        variance_study.main([f"--{name}", "0"])
    if name != "examples":
        with pytest.raises(ValueError, match=f"{name} must be above 1"):
            Probe(**{name: 1})


@pytest.mark.parametrize(
    ("option", "values", "said"),
    [
        ("temperatures", ["nan"], "temperatures must be above 0 and finite, not nan"),
        ("temperatures", ["1", "0"], "temperatures must be above 0, not 0.0"),
        ("temperatures", [], "Name a temperature, or leave --temperatures out"),
        *(
            (name, [value], f"{name} must be at least 1, not {value}")
            for name in ("seeds", "probes", "epochs", "n")
            for value in ("0", "-2")
        ),
    ],
)
def test_a_study_of_nothing_is_refused_before_training(
    option, values, said, capsys, runs_folder
):
    with pytest.raises(SystemExit, match="2"):
        variance_study.main([f"--{option}", *values])
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_the_study_stores_every_run_and_skips_what_is_stored(toy_study):
    plan, calls = toy_study
    assert variance_study.study(plan, progress=False) == 3
    rows = runs.read_rows(TABLE)
    assert not rows.duplicated(list(KEY)).any()
    assert set(rows.method) == {"nagan", "kdgan_wo_gm", "kdgan"}
    assert set(rows[rows.component == "total"].epoch) == plan.epochs_probed()
    assert variance_study.study(plan, progress=False) == 0
    assert len(calls) == 3
    assert variance_study.study(plan, force=True, progress=False) == 3
    assert len(runs.read_rows(TABLE)) == len(rows)


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "smoke"},
        {"n": 50},
        {"epochs": 4},
        {"probes": 3},
        {"probe": Probe(batches=3, draws=20, masks=2, temperatures=(1.0,))},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_study_leaves_the_book_s_rows_alone_and_none_of_its_is_read(
    toy_study, other
):
    plan, _ = toy_study
    variance_study.study(plan, progress=False)
    before, stored = variance_tables.rows(), runs.read_rows(TABLE)
    assert len(before) == len(stored) > 0
    assert variance_study.study(replace(plan, **other), progress=False) == 3
    assert len(runs.read_rows(TABLE)) > len(stored)
    pd.testing.assert_frame_equal(variance_tables.rows(), before)


def test_the_book_s_rows_carry_the_identity_of_their_runs():
    plan = Study()
    games = plan.games()
    assert len(games) == plan.seeds * len(METHODS)
    assert all(plan.run(*game).id == name for name, game in games.items())
    closer = replace(plan, probes=plan.probes + 1)
    assert not set(games) & set(closer.games())


def test_every_row_of_the_declared_study_is_committed():
    assert all(map(variance_study.is_stored, variance_tables.DECLARED.games()))


def test_measures_figures_and_tables_read_what_the_study_stored(toy_study, monkeypatch):
    plan = replace(toy_study[0], seeds=3)
    monkeypatch.setattr(variance_tables, "DECLARED", plan)
    variance_study.study(plan, progress=False)
    for name in ("M17", "M18", "M19", "M20", "F7"):
        claim = claims.ledger()[name]
        found = evidence_rows(claim, measures.collect()[claim.measure])
        assert set(found.protocol) == {"controlled"}
        assert set(found.runs) == {3}
        assert claims.apply_rule(claim.rule, found) in ANSWERED
    rows = variance_tables.rows()
    probes = variance_tables.probes(rows)
    assert len(probes) == 3 * 3 * 2
    assert (probes.as_trained <= probes.whole).all()
    assert drawings.terms_figure(probes) is not None
    assert drawings.sources_figure(variance_tables.by_estimator(rows)) is not None
    assert drawings.signal_figure(probes) is not None
    assert drawings.bound_figure(probes) is not None
    assert drawings.norms_figure(variance_tables.norms(rows)) is not None
    summary = variance_tables.summary(probes).set_index("method")
    assert set(summary.seeds) == {3}
    assert summary["T"]["NaGAN"] == "none"
    own = rows[rows.method == "kdgan"]
    drawings.temperature_figure(variance_tables.by_temperature(own), 3)
    drawings.combination_figure(probes[probes.method == "kdgan"], 3)


def test_without_rows_nothing_is_drawn_and_measures_name_the_command(runs_folder):
    rows = variance_tables.rows()
    for draw in (drawings.terms_figure, drawings.signal_figure, drawings.bound_figure):
        assert draw(variance_tables.probes(rows)) is None
    assert drawings.sources_figure(variance_tables.by_estimator(rows)) is None
    assert drawings.norms_figure(variance_tables.norms(rows)) is None
    assert variance_tables.settings(rows).empty
    assert variance_tables.summary(variance_tables.probes(rows)).empty
    with pytest.raises(MissingRuns, match="kdgan variance"):
        measures.collect()["figure7"]()


def test_convex_combinations_of_measured_variances_stay_below_lemma_4_3_s_bound():
    probe = pd.Series({"adversarial": 1.0, "distillation": 9.0, "covariance": 2.9})
    curve = variance_tables.combinations(probe)
    assert (curve.deviation <= curve.bound + 1e-12).all()
    assert curve.deviation.iloc[0] == 1.0
    assert curve.deviation.iloc[-1] == 3.0


def test_along_training_the_convex_gradient_stays_below_the_bound():
    place = {"method": "kdgan", "seed": 0, "epoch": 1, "alpha": 0.5, "beta": 1.5}
    moments = {"adversarial": 1.0, "distillation": 9.0, "covariance": 2.9}
    row = variance_tables.weightings(pd.DataFrame([place | moments])).iloc[0]
    assert row.convex <= row.bound == 0.75 * 3 + 0.25 * 1
    assert row.free == pytest.approx(2 * row.convex)
    assert row.larger == 3.0


def test_the_interval_over_seeds_is_the_book_s_of_each_seed_s_mean():
    probes = pd.DataFrame({"seed": [0, 0, 1, 2], "value": [0.0, 2.0, 2.0, 3.0]})
    assert variance_tables.over_seeds(probes) == mean_interval([1.0, 2.0, 3.0])
    pair = variance_tables.over_seeds(probes[probes.seed < 2])
    assert (pair.mean, pair.runs) == (1.5, 2)
    assert pd.isna(pair.lo)
    assert pd.isna(pair.hi)


def test_a_game_with_two_seeds_is_not_measured(toy_study, monkeypatch):
    plan = replace(toy_study[0], seeds=2)
    monkeypatch.setattr(variance_tables, "DECLARED", plan)
    variance_study.study(plan, progress=False)
    with pytest.raises(MissingRuns, match="kdgan variance"):
        measures.collect()["figure7"]()


def test_probes_run_from_the_first_epoch_to_the_last():
    assert Study(epochs=60, probes=8).epochs_probed() >= {1, 60}
    assert len(Study().epochs_probed()) == Study().probes
    assert Study(epochs=2, probes=8).epochs_probed() == {1, 2}


def test_the_study_s_runs_are_the_controlled_ones_with_the_paper_s_estimator():
    plan = Study()
    for name in METHODS:
        run = plan.run(name, 3)
        assert (run.protocol, run.n, run.seed, run.budget.epochs) == (
            "controlled",
            100,
            3,
            60,
        )
        kept = variance_study.settings(run)
        expected = "reinforce" if name == "kdgan_wo_gm" else "relaxed_score"
        assert kept["own_estimator"] == expected


def measured_speeds(hidden, examples):
    """Return the CPU seconds of each way, the least of three processes of their own.

    What ran before decides how memory is handed out, and what runs beside only slows.
    """
    code = (
        "import json, torch; torch.set_num_threads(1);"
        "from kdgan_lib.studies.variance_demo import speeds;"
        f"print(json.dumps(speeds({hidden}, repeats=15, examples={examples})))"
    )
    command = [sys.executable, "-c", code]
    done = [
        subprocess.run(command, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    found = [json.loads(process.stdout) for process in done]
    return {way: min(seconds[way] for seconds in found) for way in found[0]}


# A small network needs more examples, or the cost of a call hides that of its work.
@pytest.mark.parametrize(("hidden", "examples"), [(32, 100), (800, 20)])
def test_per_sample_gradients_have_five_times_the_loop_s_throughput(hidden, examples):
    found = measured_speeds(hidden, examples)
    assert found["loop"] > 5 * found["gradients"]
    assert found["mapped_gram"] > 5 * found["gram"]


OWN = {"nagan": "relaxed_score", "kdgan_wo_gm": "reinforce", "kdgan": "relaxed_score"}
SAME_POINT = {
    ("adversarial", "reinforce"): (600.0, 400.0, 1.0),
    ("adversarial", "relaxed_score"): (60.0, 40.0, 1.0),
    ("adversarial", "pathwise"): (6.0, 4.0, 1.0),
    ("adversarial", "concrete_density"): (6e3, 4e3, 1.0),
    ("adversarial", "reinforce_baseline"): (0.6, 0.4, 1.0),
    ("adversarial", "exact"): (0.0, 0.1, 1.0),
    ("distillation", "exact"): (0.0, 10.0, 100.0),
    ("distillation_kl", "exact"): (0.0, 1.0, 1.0),
}
WHOLE = {"nagan": (200.0, 800.0), "kdgan_wo_gm": (0.8, 0.2), "kdgan": (8.0, 2.0)}


@pytest.fixture
def invented(runs_folder):
    """Store three seeds of each game at two probes: (sampling, minibatch, signal)."""
    found = []
    for name, seed, epoch in product(OWN, range(3), (1, 60)):
        known = {"run_id": Study().identity(name, seed), "method": name, "seed": seed}
        known |= {"epoch": epoch, "tau": 0.5, "alpha": 0.5, "beta": 2.0, "draws": 4}
        known |= {"own_estimator": OWN[name]}
        parts = SAME_POINT | {("total", OWN[name]): (*WHOLE[name], 1.0)}
        parts |= {("labels", "exact"): (0.0, 1.0, 4.0 * epoch)}
        rows = {
            (*place, quantity): number
            for place, numbers in parts.items()
            for quantity, number in zip(
                ("sampling", "minibatch", "squared_norm", "covariance"),
                (*numbers, 0.0),
                strict=True,
            )
        }
        rows |= {(drawn, "draw 00", "norm"): 0.1 for drawn in ("drawn", "drawn_one")}
        columns = ("component", "estimator", "quantity")
        found += [
            known | dict(zip(columns, place, strict=True)) | {"value": number}
            for place, number in rows.items()
        ]
    runs.append_rows(TABLE, pd.DataFrame(found), KEY)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (
            "variance_by_term",
            {
                "log10_ratio": 1.0,
                "kl_log10_ratio": 2.0,
                "weighted_log10_ratio": math.log10(0.5**2 * 100 / (2**2 * 10)),
                "relative_log10_ratio": math.log10(100 / 1) - math.log10(10 / 100),
            },
        ),
        (
            "variance_by_sampling",
            {
                "log10_ratio": 1.0,
                "same_point_log10_ratio": 1.0,
                "pathwise_log10_ratio": 2.0,
                "density_log10_ratio": -1.0,
                "baseline_log10_ratio": 3.0,
                "exact_log10_ratio": 4.0,
            },
        ),
        (
            "variance_by_game",
            {
                "log10_ratio": 2.0,
                "as_trained_log10_ratio": math.log10((50 + 800) / (2 + 2)),
                "relative_log10_ratio": 2.0,
            },
        ),
        (
            "naive_gradient_extremes",
            # The labels' gradient has norm 2 when the game begins, and more later.
            {"smallest": 0.05, "vanishing_share": 0.0, "tenfold_vanishing_share": 1.0},
        ),
    ],
)
def test_a_measure_of_variances_compares_what_its_names_say(
    measure, expected, invented
):
    found = measures.collect()[measure]()
    values = {name: found[name].value for name in expected}
    assert values == pytest.approx(expected)
