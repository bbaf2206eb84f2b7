"""Players that cannot be trained or scored are refused; those that can are not."""

import math
from dataclasses import replace

import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import nn

from kdgan_lib import fit
from kdgan_lib.data import Examples
from kdgan_lib.loop.state import digest
from tests import toys

SHORT = toys.BUDGET.but(epochs=2, teacher_pretraining=1, batch_size=20)
ALONE = SHORT.but(batch_size=13)  # 40 = 3 * 13 + 1
PARTS = ("train", "validation", "test")


class Reader(nn.Module):
    """Read inputs and privileged side by side."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(toys.FEATURES + toys.LABELS, toys.LABELS)

    def forward(self, inputs, privileged):
        return self.layer(torch.cat([inputs, privileged], 1))


class Mean(nn.Module):
    """Take inputs of any width."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, toys.LABELS)

    def forward(self, inputs):
        return self.layer(inputs.mean(1, keepdim=True))


def train(name="supervised", split=None, budget=SHORT, **players):
    seated = toys.players_of(name) | players
    return fit(name, seated, split or toys.split(), budget)


def readers():
    return {seat: Reader() for seat in ("teacher", "discriminator")}


def changed(part, provided=False, **tensors):
    split = toys.split(privileged=provided)
    return replace(split, **{part: replace(getattr(split, part), **tensors)})


def converted(kind):
    """Return the toy split with inputs of another type."""
    split = toys.split()
    parts = {part: getattr(split, part) for part in PARTS}
    return replace(
        split, **{p: replace(e, inputs=e.inputs.to(kind)) for p, e in parts.items()}
    )


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        (
            changed("validation", inputs=torch.zeros(40, 5)),
            r"The validation set's inputs are float32 of shape \(40, 5\), which the "
            r"classifier cannot take; the train set's are float32 of shape \(40, 4\)",
        ),
        (
            changed("test", inputs=torch.zeros(60, 4).double()),
            r"The test set's inputs are float64 .* the train set's are float32",
        ),
        (
            changed("test", True, privileged=torch.zeros(60, 7)),
            r"The test set's privileged are .* \(60, 7\), which the teacher cannot",
        ),
        (
            changed("validation", True, privileged=torch.zeros(40, 3).double()),
            "The validation set's privileged are float64",
        ),
        (
            changed("test", True, privileged=None),
            "The train set has privileged and the test set has none",
        ),
        (
            changed("validation", True, privileged=None),
            "The train set has privileged and the validation set has none",
        ),
    ],
)
def test_held_out_examples_unlike_those_trained_on_are_refused(split, sentence):
    own = readers() if split.train.privileged is not None else {}
    with pytest.raises(ValueError, match=sentence):
        train("kdgan", split, **own)


def test_a_provision_that_only_held_out_examples_have_is_refused():
    split = changed("test", privileged=torch.zeros(60, 3))
    with pytest.raises(ValueError, match="The test set has privileged and the train"):
        train("mimic", split)


def test_held_out_examples_need_no_provision_where_no_teacher_is_asked():
    split = changed("test", True, privileged=None)
    train("supervised", split)
    train("nagan", split, discriminator=Reader())


def test_held_out_examples_may_have_another_width_that_a_player_takes():
    train(split=changed("test", inputs=torch.zeros(60, 9)), classifier=Mean())


def test_no_validation_examples_need_no_width():
    none = Examples(torch.empty(0), torch.empty(0, toys.LABELS))
    split = replace(toys.split(), validation=none)
    train(split=split, budget=SHORT.but(selection="last"))


def spoiled(name, value):
    network = toys.network()
    with torch.no_grad():
        network.get_parameter(name).view(-1)[-1] = value
    return network


@pytest.mark.parametrize("seat", toys.PLAYERS)
@pytest.mark.parametrize(("name", "value"), [("0.weight", math.nan), ("3.bias", 1e999)])
def test_weights_that_are_not_finite_are_named(seat, name, value):
    with pytest.raises(ValueError, match=f"The {seat}'s '{name}' holds a NaN or an in"):
        train("kdgan", **{seat: spoiled(name, value)})


def test_a_buffer_may_hold_an_infinity_and_no_nan():
    network = normalised()
    network.register_buffer("mask", torch.full((3,), -math.inf))
    train(classifier=network)
    network[1].running_var[0] = math.nan
    with pytest.raises(ValueError, match=r"classifier's '1.running_var' holds a NaN"):
        train(classifier=network)


def test_a_teacher_that_is_only_scored_is_checked_too():
    with pytest.raises(ValueError, match=r"The teacher's '0.weight' holds a NaN"):
        train("supervised", teacher=spoiled("0.weight", math.nan))


def normalised(**options):
    norm = nn.BatchNorm1d(16, **options)
    return nn.Sequential(nn.Linear(4, 16), norm, nn.ReLU(), nn.Linear(16, toys.LABELS))


class Convolution(nn.Module):
    """See the four features as an image of 2 x 2."""

    def __init__(self, kernel):
        super().__init__()
        self.layer, self.norm = nn.Conv2d(1, 8, kernel), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, toys.LABELS)

    def forward(self, inputs):
        maps = self.norm(input=self.layer(inputs.view(-1, 1, 2, 2)))
        return self.head(maps.mean((2, 3)))


class Still(nn.Module):
    """Keep its BatchNorm in evaluation mode, as one fine-tunes."""

    def __init__(self):
        super().__init__()
        self.inner = normalised()

    def forward(self, inputs):
        return self.inner(inputs)

    def train(self, mode=True):
        super().train(mode)
        self.inner[1].eval()
        return self


@pytest.mark.parametrize(
    ("build", "layer"),
    [
        (normalised, "1"),
        (lambda: normalised(track_running_stats=False), "1"),
        (lambda: Convolution(2), "norm"),
    ],
)
@pytest.mark.parametrize(("size", "other"), [(13, 14), (1, 2)])
def test_a_batch_of_one_that_a_batch_norm_cannot_take_is_refused(
    build, layer, size, other
):
    with pytest.raises(ValueError, match=f"classifier's BatchNorm '{layer}'") as caught:
        train(budget=SHORT.but(batch_size=size), classifier=build())
    assert f"batches of {size} is alone: set the budget's batch_size to {other}." in (
        str(caught.value)
    )


def test_the_batch_size_that_is_proposed_can_be_trained():
    few = toys.split()
    few = replace(few, train=few.train[:3])
    budget = SHORT.but(batch_size=2)
    with pytest.raises(ValueError, match="batch_size to 3"):
        train(split=few, budget=budget, classifier=normalised())
    train(split=few, budget=budget.but(batch_size=3), classifier=normalised())


def test_one_training_example_is_too_few_for_a_batch_norm():
    split = toys.split()
    one = replace(split, train=split.train[:1])
    with pytest.raises(ValueError, match="is alone: add training examples"):
        train(split=one, classifier=normalised())


@pytest.mark.parametrize("build", [lambda: Convolution(1), Still, toys.network])
def test_a_batch_of_one_is_trained_where_it_can_be(build):
    train(budget=ALONE, classifier=build())


def test_a_player_that_is_only_read_may_have_any_batch_norm():
    with pytest.raises(ValueError, match="The teacher's BatchNorm '1'"):
        train("mimic", budget=ALONE, teacher=normalised())
    train("mimic", budget=ALONE.but(teacher_pretraining=0), teacher=normalised())


def test_looking_for_batch_norms_moves_nothing():
    players = {"classifier": normalised()}
    before, modes = digest(players["classifier"]), []
    for module in players["classifier"].modules():
        module.register_forward_pre_hook(lambda m, _: modes.append(m.training))
    with pytest.raises(ValueError, match="BatchNorm"):
        train(budget=ALONE, **players)
    assert digest(players["classifier"]) == before
    assert not any(modes)
    assert players["classifier"].training
    assert not players["classifier"][1]._forward_pre_hooks_with_kwargs


@pytest.mark.parametrize(
    ("kind", "player", "sentence"),
    [
        (
            torch.float64,
            toys.network,
            "weights are float32, and its inputs are float64",
        ),
        (
            torch.uint8,
            toys.network,
            "weights are float32, and its inputs are uint8: convert the latter",
        ),
        (
            torch.float32,
            lambda: toys.network().double(),
            r"The classifier's weights are float64, and its inputs are float32: "
            r"convert either with .to\(\), so that they are the same.$",
        ),
        (
            torch.float32,
            lambda: nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(12, 3)),
            r"takes whole numbers, and its inputs are float32: pass .long\(\) of them",
        ),
    ],
)
def test_a_player_whose_type_is_not_that_of_the_inputs_is_told_of_both(
    kind, player, sentence
):
    with pytest.raises(ValueError, match=sentence):
        train(split=converted(kind), classifier=player())


def test_the_provision_is_named_where_it_alone_is_of_another_type():
    split = toys.split(privileged=True)
    for part in PARTS:
        examples = getattr(split, part)
        double = replace(examples, privileged=examples.privileged.double())
        split = replace(split, **{part: double})
    teacher = nn.Module()
    teacher.layer = nn.Linear(toys.LABELS, toys.LABELS)
    teacher.forward = lambda inputs, privileged: teacher.layer(privileged)
    with pytest.raises(ValueError, match="and its privileged are float64"):
        train("mimic", split, teacher=teacher)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_everything_may_be_of_another_type(kind):
    players = {seat: toys.network().to(kind) for seat in toys.PLAYERS}
    result = train("kdgan", converted(kind), **players)
    weights = result.players["classifier"].state_dict().values()
    assert {w.dtype for w in weights} == {kind}


class Elsewhere(nn.Module):
    """Hold a tensor that does not move with the module."""

    def __init__(self):
        super().__init__()
        self.inner = toys.network()
        self.shift = torch.zeros(toys.LABELS, device="meta")

    def forward(self, inputs):
        return self.inner(inputs) + self.shift


def test_weights_on_another_device_are_named_with_a_way_out():
    with pytest.raises(ValueError, match=r"The teacher cannot .* by register_buffer"):
        train("mimic", teacher=Elsewhere())
    with pytest.raises(
        ValueError, match=r"teacher's '0.weight' is on the device 'meta'"
    ):
        train("mimic", teacher=toys.network().to("meta"))


@pytest.mark.parametrize("teacher", [RandomForestClassifier(), None])
def test_a_player_that_is_no_module_is_told_of_fixed(teacher):
    with pytest.raises(ValueError, match=r"no torch module: .*kdgan_lib.Fixed"):
        train("mimic", teacher=teacher)


def test_a_player_that_refuses_the_inputs_itself_is_named():
    norm = nn.Sequential(nn.Unflatten(1, (4, 1)), nn.InstanceNorm1d(4), nn.Flatten())
    with pytest.raises(ValueError, match="The classifier fails on two examples: Exp"):
        train(classifier=nn.Sequential(norm, nn.Linear(4, toys.LABELS)))


def test_a_token_that_a_player_does_not_know_is_named_with_the_player():
    players = nn.Sequential(nn.Embedding(2, 3), nn.Flatten(), nn.Linear(12, 3))
    split = converted(torch.long)
    split.train.inputs.fill_(7)
    with pytest.raises(ValueError, match=r"The classifier cannot .*index out of"):
        train(split=split, classifier=players)


class Masked(nn.Module):
    """Rule a label out by an infinite logit."""

    def __init__(self):
        super().__init__()
        self.inner = toys.network()

    def forward(self, inputs):
        first = torch.arange(toys.LABELS) == 0
        return self.inner(inputs).masked_fill(first, -math.inf)


class Pair(nn.Module):
    """Return logits and features."""

    def __init__(self):
        super().__init__()
        self.inner = toys.network()

    def forward(self, inputs):
        return self.inner(inputs), inputs


@pytest.mark.parametrize(
    ("teacher", "sentence"),
    [
        (Masked(), "The teacher returns logits that are not finite: bound them"),
        (Pair(), "The teacher returns a tuple: .* returns the logits alone"),
        (
            nn.Sequential(toys.network(), nn.Softmax(1)),
            "The teacher returns probabilities, .* leave its last softmax out",
        ),
    ],
)
def test_a_player_that_returns_no_finite_logits_is_named(teacher, sentence):
    with pytest.raises(ValueError, match=sentence):
        train("mimic", teacher=teacher)


def test_a_seat_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"No seat 'techer'; the seats are class"):
        train("supervised", techer=toys.network())


def test_a_player_of_one_input_is_told_how_to_sit_beside_a_provision():
    with pytest.raises(ValueError, match=r"teacher is called with \(inputs, privil"):
        train("mimic", split=toys.split(privileged=True), teacher=toys.network())


def test_a_lazy_player_gets_its_weights_before_they_are_judged():
    train(classifier=nn.LazyLinear(toys.LABELS))


class InPlace(nn.Linear):
    """Centre the inputs where they lie."""

    def forward(self, inputs):
        return super().forward(inputs.sub_(0.5))


@pytest.mark.parametrize(
    "module",
    [
        InPlace(toys.FEATURES, toys.LABELS),
        nn.Sequential(nn.ReLU(inplace=True), nn.Linear(toys.FEATURES, toys.LABELS)),
    ],
)
def test_a_player_that_changes_its_inputs_is_refused_and_the_inputs_stay(module):
    split = toys.split()
    before = split.train.inputs.clone()
    with pytest.raises(ValueError, match="The classifier changes its inputs in place"):
        train(split=split, classifier=module)
    assert torch.equal(split.train.inputs, before)


def test_players_that_share_memory_or_statistics_are_refused():
    first, second = (nn.Linear(toys.FEATURES, toys.LABELS) for _ in range(2))
    second.weight = nn.Parameter(first.weight.data)
    with pytest.raises(ValueError, match="share weights"):
        train("distn", classifier=first, teacher=second)
    norm = nn.BatchNorm1d(toys.FEATURES, affine=False)
    first, second = (
        nn.Sequential(norm, nn.Linear(toys.FEATURES, toys.LABELS)) for _ in range(2)
    )
    with pytest.raises(ValueError, match="share weights"):
        train("distn", classifier=first, teacher=second)


def test_players_may_share_what_nothing_changes():
    embedding = nn.Linear(toys.FEATURES, 5).requires_grad_(False)
    first, second = (
        nn.Sequential(embedding, nn.Linear(5, toys.LABELS)) for _ in range(2)
    )
    train("distn", classifier=first, teacher=second)


class Auxiliary(nn.Linear):
    """Return a second tensor in training mode, or other logits."""

    def __init__(self, returned):
        super().__init__(toys.FEATURES, toys.LABELS)
        self.returned = returned

    def forward(self, inputs):
        logits = super().forward(inputs)
        return self.returned(logits) if self.training else logits


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (lambda logits: (logits, logits), "returns tuple in training mode"),
        (lambda logits: logits[:, :-1], r"returns \(20, 2\) in training mode"),
    ],
)
def test_a_player_that_returns_other_things_in_training_mode_is_named(returned, told):
    with pytest.raises(ValueError, match=f"The classifier {told}; it must return"):
        train(classifier=Auxiliary(returned))


class Broken(nn.Linear):
    """Return NaN where the first input is above a half."""

    def forward(self, inputs):
        lost = torch.where(inputs[:, :1] > 0.5, math.nan, 0.0)
        return super().forward(inputs) + lost


def test_a_teacher_without_logits_on_some_examples_is_named_before_the_run():
    split, kept = toys.split(), SHORT.but(teacher_pretraining=0)
    inputs = split.train.inputs.clone()
    inputs[:, 0] = 0.0
    inputs[[5, 7], 0] = 1.0
    split = replace(split, train=replace(split.train, inputs=inputs))
    teacher = Broken(toys.FEATURES, toys.LABELS)
    said = f"not finite for 2 of the {len(inputs)} training examples: mend it"
    with pytest.raises(ValueError, match=f"The teacher returns logits that are {said}"):
        train("distn", split, kept, teacher=teacher)
