"""Check what is said of a method of one's own that the loop cannot follow."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from kdgan_lib import fit
from kdgan_lib.losses import cross_entropy
from kdgan_lib.methods import METHODS, Method, Phase
from tests import toys


def learn(logits, batch, noise, temperature):
    return cross_entropy(logits["classifier"], batch.targets), {}


@dataclass(frozen=True)
class Own(Method):
    """C learns the labels: the least that a method can be."""

    name: ClassVar[str] = "own"

    def phases(self):
        return (Phase("classifier", learn),)


def own(phase):
    """Return a method whose game is one phase."""
    return type("Changed", (Own,), {"phases": lambda self: (phase,)})()


def train(method, seats=("classifier", "teacher")):
    return fit(method, toys.players(seats=seats), toys.split(), toys.BUDGET)


def test_a_method_of_ones_own_is_trained():
    assert train(Own()).metrics["test_accuracy"] > 0.9


def test_a_method_without_a_name_is_told_how_to_get_one():
    class Nameless(Method):
        """A method that gives no name."""

        def phases(self):
            return (Phase("classifier", learn),)

    with pytest.raises(ValueError, match="Nameless has no name: give the class"):
        train(Nameless())


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (Phase("assistant", learn), "has a seat 'assistant': the seats are classifier"),
        (Phase("classifier", learn, passes=0), "has no pass in its phases"),
    ],
)
def test_a_game_that_cannot_be_played_is_refused(phase, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(own(phase))


def test_a_method_without_a_classifier_is_refused():
    changes = {
        "phases": lambda self: (Phase("teacher", learn),),
        "pretraining": lambda self: (),
    }
    without = type("Without", (Own,), changes)()
    with pytest.raises(ValueError, match="has no classifier, which is what a run"):
        train(without)


def test_a_seat_that_a_loss_reads_undeclared_is_named():
    def loss(logits, batch, noise, temperature):
        return cross_entropy(logits["classifier"], logits["teacher"].softmax(-1)), {}

    sentence = r"classifier's loss \(game\) looks at the teacher's logits: name it in"
    with pytest.raises(ValueError, match=sentence):
        train(own(Phase("classifier", loss)))
    train(own(Phase("classifier", loss, reads=("teacher",))))


def test_a_key_error_of_the_losss_own_is_left_as_it_is():
    def loss(logits, batch, noise, temperature):
        return {}["missing"]

    with pytest.raises(KeyError, match="missing"):
        train(own(Phase("classifier", loss)))


def test_a_loss_without_a_gradient_is_refused():
    def loss(logits, batch, noise, temperature):
        return (logits["classifier"].argmax(1) * 1.0).mean(), {}

    sentence = r"classifier's loss has no gradient: compute it from logits\['classifier"
    with pytest.raises(ValueError, match=sentence):
        train(own(Phase("classifier", loss)))


@pytest.mark.parametrize("returned", ["scalar", "vector", "no dictionary"])
def test_what_is_no_loss_is_refused(returned):
    def loss(logits, batch, noise, temperature):
        value = cross_entropy(logits["classifier"], batch.targets)
        return {
            "scalar": value,
            "vector": (value.expand(2), {}),
            "no dictionary": (value, None),
        }[returned]

    with pytest.raises(ValueError, match=r"must return \(loss, terms\): a tensor"):
        train(own(Phase("classifier", loss)))


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        (0.5, "float:"),
        (torch.zeros(10), r"Tensor of shape \(10,\):"),
        (torch.zeros(1), r"Tensor of shape \(1,\):"),
    ],
)
def test_a_term_that_is_no_tensor_without_dimensions_is_named(term, kind):
    def loss(logits, batch, noise, temperature):
        return cross_entropy(logits["classifier"], batch.targets), {"extra": term}

    sentence = f"classifier's loss has a term 'extra' that is a {kind} record a tensor"
    with pytest.raises(ValueError, match=sentence):
        train(own(Phase("classifier", loss)))


@pytest.mark.parametrize("name", ["loss", "updates", "validation", "test"])
def test_a_term_may_not_have_the_name_of_what_the_curve_has_by_itself(name):
    def loss(logits, batch, noise, temperature):
        value = cross_entropy(logits["classifier"], batch.targets)
        return value, {name: value.detach()}

    sentence = f"a term '{name}', and the curve has classifier_{name} already: give"
    with pytest.raises(ValueError, match=sentence):
        train(own(Phase("classifier", loss)))


def test_a_term_that_some_batches_lack_is_averaged_over_those_that_have_it():
    calls = []

    def loss(logits, batch, noise, temperature):
        calls.append(len(batch))
        value = cross_entropy(logits["classifier"], batch.targets)
        odd = {"odd": torch.tensor(3.0)} if len(calls) % 2 else {}
        return value, {"every": value} | odd

    result = train(own(Phase("classifier", loss)))
    game = result.curve[result.curve.stage == "game"]
    assert (game.classifier_odd == 3).all()
    assert (game.classifier_every == game.classifier_loss).all()


@pytest.mark.parametrize("name", METHODS)
def test_trying_the_losses_moves_nothing(name, monkeypatch):
    def weights():
        state = torch.get_rng_state()
        result = fit(name, toys.players_of(name), toys.split(), toys.BUDGET)
        assert torch.equal(torch.get_rng_state(), state)
        return result.metrics["weights_digest"]

    tried = weights()
    monkeypatch.setattr("kdgan_lib.loop.player_guards.check_losses", lambda *_: None)
    assert weights() == tried
