"""A teacher that cannot learn is read as it is, and refused where it should learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from kdgan_lib import fit
from kdgan_lib.loop.evaluation import Criterion, accuracy, evaluate
from kdgan_lib.loop.state import digest
from kdgan_lib.methods import method
from kdgan_lib.teachers import Fixed
from tests import toys

BUDGET = toys.BUDGET.but(teacher_pretraining=0)


@pytest.fixture
def regression():
    known = toys.examples(200, 9)
    model = LogisticRegression().fit(known.inputs.numpy(), known.labels.numpy())
    return Fixed(model.predict_proba)


def seats(name, teacher):
    return toys.players_of(name) | {"teacher": teacher}


def test_its_logits_are_logarithms_of_the_probabilities():
    rows = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    logits = Fixed(lambda x: rows, floor=1e-2)(torch.zeros(2, 4))
    assert torch.allclose(logits.exp()[1], torch.tensor([0.2, 0.3, 0.5]))
    assert logits[0, 2] == pytest.approx(np.log(1e-2))
    assert not logits.requires_grad


def test_a_view_with_a_negative_stride_is_taken():
    rows = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
    logits = Fixed(lambda x: rows[::-1, ::-1])(torch.zeros(2, 4))
    assert torch.allclose(logits.exp()[0], torch.tensor([0.5, 0.3, 0.2]))


def test_inputs_that_are_whole_numbers_do_not_round_its_probabilities():
    tokens = torch.zeros(2, 4, dtype=torch.long)
    logits = Fixed(lambda x: np.full((2, 4), 0.25))(tokens)
    assert torch.allclose(logits.exp(), torch.full((2, 4), 0.25))


def test_bfloat16_which_numpy_lacks_is_read_as_float32():
    kinds = []
    spy = Fixed(lambda x: kinds.append(x.dtype) or np.full((2, 4), 0.25))
    logits = spy(torch.zeros(2, 4, dtype=torch.bfloat16))
    assert (kinds, logits.dtype) == ([np.dtype("float32")], torch.bfloat16)


def test_it_sees_the_privileged_provision_where_there_is_one():
    seen = []
    spy = Fixed(lambda x: seen.append(x) or np.full((len(x), 3), 1 / 3))
    spy(torch.zeros(2, 4), torch.ones(2, 5))
    spy(torch.zeros(2, 4))
    assert [array.shape for array in seen] == [(2, 5), (2, 4)]


@pytest.mark.parametrize("name", ["mimic", "distn", "noisy"])
def test_methods_that_leave_the_teacher_alone_learn_from_it(name, regression):
    result = fit(name, seats(name, regression), toys.split(), BUDGET.but(epochs=16))
    assert result.metrics["test_accuracy"] > 0.8
    assert result.metrics["teacher_test_accuracy"] > 0.9
    assert result.metrics["teacher_updates"] == 0


def test_the_game_is_played_with_a_teacher_that_stays_as_it_is(regression):
    game = method("kdgan", teacher_passes=0)
    result = fit(game, seats("kdgan", regression), toys.split(), BUDGET)
    assert result.metrics["teacher_updates"] == 0
    assert result.metrics["discriminator_updates"] > 0
    network = toys.network()
    before = digest(network)
    fit(game, seats("kdgan", network), toys.split(), BUDGET)
    assert digest(network) == before


def test_its_score_is_that_of_its_last_weights_without_held_out_examples_too():
    game = method("kdgan", gamma=10.0)
    split = toys.split(validation=0)
    budget = toys.BUDGET.but(selection="last", teacher_lr=0.1)
    result = fit(game, toys.players_of("kdgan"), split, budget)
    teacher = result.players["teacher"]
    assert result.metrics["teacher_test_accuracy"] == evaluate(
        "teacher", teacher, split.test
    )


def test_without_passes_of_c_it_is_evaluated_as_it_is():
    game = method("kdgan", classifier_passes=0)
    result = fit(game, toys.players_of("kdgan"), toys.split(), toys.BUDGET)
    assert result.curve.classifier_validation.notna().any()
    at_start = result.curve[result.curve.stage == "pretrain classifier"].iloc[-1]
    assert result.metrics["test_accuracy"] == at_start.classifier_test


def frozen():
    network = toys.network()
    for weights in network.parameters():
        weights.requires_grad_(False)
    return network


class Detached(torch.nn.Module):
    """Has weights that its logits do not pass a gradient to."""

    def __init__(self):
        super().__init__()
        self.inner = toys.network()

    def forward(self, inputs):
        with torch.no_grad():
            return self.inner(inputs)


@pytest.mark.parametrize("builder", [frozen, Detached])
@pytest.mark.parametrize(
    ("name", "passes", "way"),
    [
        ("distn", 3, "set the budget's teacher_pretraining to 0"),
        ("kdgan", 0, "set the method's teacher_passes to 0"),
        ("codis", 0, "choose a method that does not train the teacher"),
    ],
)
def test_who_is_to_learn_and_cannot_is_named_with_a_way_out(builder, name, passes, way):
    budget = toys.BUDGET.but(teacher_pretraining=passes)
    with pytest.raises(ValueError, match=f"The teacher cannot learn.*{way}"):
        fit(name, seats(name, builder()), toys.split(), budget)


def test_numbers_that_are_no_probabilities_are_refused():
    with pytest.raises(ValueError, match="floor must be above 0"):
        Fixed(lambda x: x, floor=0)
    for wrong in (
        np.full((2, 3), 0.9),
        np.array([[1.5, -0.5]]),
        np.full((2, 3), np.nan),
    ):
        with pytest.raises(ValueError, match="such as predict_proba"):
            Fixed(lambda x, wrong=wrong: wrong)(torch.zeros(2, 4))
    labels = Fixed(lambda x: np.zeros(len(x)))
    with pytest.raises(ValueError, match="such as predict_proba"):
        fit("distn", seats("distn", labels), toys.split(), BUDGET)


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (nn.Linear(4, 3), "takes the teacher's seat as it is: leave Fixed out"),
        (3, "Fixed takes a function, not a int"),
    ],
)
def test_what_is_no_function_of_arrays_is_refused_when_it_is_seated(thing, sentence):
    with pytest.raises(ValueError, match=sentence):
        Fixed(thing)


def drawn():
    return toys.players(seats=("teacher",))["teacher"]


def trained(teacher, passes):
    """Train a teacher in place, alone."""
    budget = toys.BUDGET.but(epochs=passes)
    seat = {"classifier": teacher}
    return fit("supervised", seat, toys.split(), budget).players["classifier"]


def test_pretraining_that_spoils_a_trained_teacher_says_so(tmp_path):
    spoiling = toys.BUDGET.but(pretraining_lr=5.0)
    teacher = trained(drawn(), 8).state_dict()
    for folder in ("new", "new", "other"):  # trained, stored, and trained again
        seated = toys.network()
        seated.load_state_dict(teacher)
        before = evaluate("teacher", seated, toys.split().validation)
        players = seats("mimic", seated)
        shared = tmp_path / folder
        with pytest.warns(UserWarning, match="Pretraining lowered the teac") as said:
            result = fit("mimic", players, toys.split(), spoiling, pretrained=shared)
        scores = result.curve.set_index("stage").teacher_validation
        assert [str(each.message) for each in said] == [
            "Pretraining lowered the teacher's validation accuracy from "
            f"{before:.4g} to {scores['pretrain teacher']:.4g}: set "
            "teacher_pretraining=0 if it is trained already."
        ]


def test_a_run_that_goes_on_after_a_spoilt_pretraining_says_so_too(tmp_path):
    spoiling = toys.BUDGET.but(pretraining_lr=5.0)
    teacher = trained(drawn(), 8).state_dict()

    def stop(run, stage):
        if stage.name == "pretrain teacher" and run.state.epoch == 1:
            raise KeyboardInterrupt

    def run(**options):
        seated = toys.network()
        seated.load_state_dict(teacher)
        where = {"checkpoints": tmp_path, "checkpoint_seconds": 0, **options}
        fit("mimic", seats("mimic", seated), toys.split(), spoiling, **where)

    with pytest.raises(KeyboardInterrupt):
        run(after_epoch=stop)
    with pytest.warns(UserWarning, match="Pretraining lowered the teacher's valid"):
        run()


@pytest.mark.parametrize("passes", [0, 6])
def test_nothing_is_said_of_a_teacher_that_pretraining_leaves_or_betters(
    passes, recwarn
):
    for teacher in (drawn(), trained(drawn(), 1)):
        budget = toys.BUDGET.but(teacher_pretraining=passes)
        fit("mimic", seats("mimic", teacher), toys.split(), budget)
    assert not recwarn


def test_an_untrained_teacher_is_not_scored_before_its_pretraining():
    scored = []

    def score(logits, targets):
        scored.append(len(logits))
        return accuracy(logits, targets)

    players = toys.players_of("mimic")
    fit("mimic", players, toys.split(), toys.BUDGET, criterion=Criterion("a", score))
    untrained = len(scored)
    players = toys.players_of("mimic") | {"teacher": players["teacher"]}
    fit("mimic", players, toys.split(), toys.BUDGET, criterion=Criterion("a", score))
    assert len(scored) == 2 * untrained + 1
