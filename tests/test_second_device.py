"""Check without a GPU that training keeps its tensors on the run's device."""

import pytest
import torch
from torch.overrides import TorchFunctionMode

from kdgan_lib import Budget, fit
from kdgan_lib.augment import AUGMENTATIONS
from kdgan_lib.data import Examples, Split
from kdgan_lib.estimators import ESTIMATORS
from kdgan_lib.methods import METHODS, method
from kdgan_lib.nets import mnist_players
from kdgan_lib.tag_nets import PairNet
from tests import toys

MAKERS = {"zeros", "ones", "empty", "rand", "randn", "randint", "randperm", "arange"}
MAKERS |= {"eye", "full", "tensor", "as_tensor", "linspace", "from_numpy"}
LEFT_ALONE = {"copy_", "__set__", "__get__", "load_state_dict"}
FEW = Budget(
    batch_size=4,
    epochs=2,
    classifier_pretraining=1,
    teacher_pretraining=1,
    discriminator_pretraining=1,
    evaluate_every=1,
    test_every=1,
    teacher_every=1,
)


def tensors(given):
    """Yield the tensors in nested arguments."""
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, dict):
        yield from tensors(list(given.values()))
    elif isinstance(given, list | tuple):
        for each in given:
            yield from tensors(each)


class SecondDevice(TorchFunctionMode):
    """Tell tensors of the run's device from the processor's, and refuse to mix them.

    Both are the processor here. A tensor is of the run's device if it is made on a
    `torch.device`, or from such tensors; the name "cpu" means the processor. As on a
    GPU, a single number and an index may be the processor's.
    """

    def __torch_function__(self, function, types, arguments=(), named=None):
        """Call the function; mark what it returns."""
        named = named or {}
        given = list(tensors((arguments, named)))
        there = [t for t in given if getattr(t, "there", None) is True]
        here = [t for t in given if getattr(t, "there", None) is False and t.dim()]
        name = getattr(function, "__name__", "")
        if name == "__getitem__" and getattr(arguments[0], "there", False):
            here = []
        mixed = there and here and name not in LEFT_ALONE
        assert not mixed, f"{name} mixes devices"
        assert not (there and name in ("numpy", "__array__")), f"{name} of a GPU"
        made = function(*arguments, **named)
        for tensor in tensors(made):
            tensor.there = self._there(name, arguments, named, bool(there))
        return made

    @staticmethod
    def _there(name, arguments, named, from_there):
        if name == "cpu":
            return False
        if any(isinstance(a, torch.device) for a in (*arguments, *named.values())):
            return True
        return from_there and name not in MAKERS


def train(chosen, players, split, **changes):
    """Train on a second device."""
    seats = {seat: players[seat]() for seat in chosen.seats()}
    for network in seats.values():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.there = True
    with SecondDevice():
        return fit(chosen, seats, split, FEW.but(**changes))


def images(count):
    targets = torch.eye(10)[torch.arange(count) % 10]
    return Examples(torch.rand(count, 1, 28, 28), targets)


@pytest.fixture(scope="module")
def digits():
    return Split("digits", images(8), images(8), images(8), 10)


@pytest.mark.parametrize("name", METHODS)
def test_no_method_mixes_devices(name, digits):
    train(method(name), mnist_players(20), digits)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_no_augmentation_mixes_devices(name, digits):
    changes = dict.fromkeys(("augmentation", "pretraining_augmentation"), name)
    train(method("kdgan"), mnist_players(20), digits, **changes)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_estimator_mixes_devices(name):
    chosen = method("kdgan", estimator=name, draws=3, label_smoothing=0.1)
    split = toys.split(privileged=False)
    train(chosen, dict.fromkeys(chosen.seats(), toys.network), split)


def test_networks_of_tags_do_not_mix_devices():
    def tagged(count):
        words = torch.randint(0, 31, (count, 6))
        privileged = torch.cat([torch.arange(count)[:, None] % 3, words], 1)
        return Examples(torch.rand(count, 16), torch.eye(10)[:count], privileged)

    words = torch.rand(31, 12)
    pair = lambda: PairNet(words, 16, 8, 10)  # noqa: E731
    seats = {"teacher": pair, "discriminator": pair}
    seats["classifier"] = lambda: torch.nn.Linear(16, 10)
    train(method("kdgan"), seats, Split("tags", tagged(9), tagged(8), tagged(8), 10))


def test_a_tensor_of_the_processor_is_told_from_the_run_s():
    there = torch.device("cpu")
    with SecondDevice():
        moved, stayed = torch.rand(2, device=there), torch.rand(2)
        assert moved[stayed > 2].shape == (0,)  # an index may stay
        assert (moved * torch.tensor(2.0)).there  # so may a number
        with pytest.raises(AssertionError, match="mixes devices"):
            moved + stayed
        with pytest.raises(AssertionError, match="of a GPU"):
            moved.numpy()
        assert (moved + stayed.to(there)).there
        assert not moved.cpu().there
