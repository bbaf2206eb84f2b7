"""Measure set-up facts: sizes of data sets and of networks (S1 to S6, S8)."""

from torch import nn

from kdgan_lib.augment import augment
from kdgan_lib.cifar_nets import cifar10_players
from kdgan_lib.data import load
from kdgan_lib.images import CIFAR10, MNIST, DataMissing, ImageSet, read_images
from kdgan_lib.measures import Measured, measure
from kdgan_lib.nets import MLP, LeNet, count_parameters
from kdgan_lib.randomness import derive
from kdgan_lib.tables import MissingRuns


@measure("mnist_size")
def mnist_size() -> Measured:
    """Return the number of images in MNIST's files."""
    return _sizes(MNIST, "python -m data_prep mnist")


@measure("cifar_size")
def cifar_size() -> Measured:
    """Return the number of images in CIFAR-10's files."""
    return _sizes(CIFAR10, "python -m data_prep cifar10")


@measure("mlp_size")
def mlp_size() -> Measured:
    """Return the size of MNIST's classifier."""
    return _parameters(MLP())


@measure("lenet_size")
def lenet_size() -> Measured:
    """Return the size of MNIST's teacher and discriminator."""
    return _parameters(LeNet())


@measure("cifar_lenet_size")
def cifar_lenet_size() -> Measured:
    """Return the size of CIFAR-10's classifier, and of the released one."""
    return _beside_released("classifier")


@measure("resnet_size")
def resnet_size() -> Measured:
    """Return the size of CIFAR-10's teacher and discriminator, and the released."""
    return _beside_released("teacher")


def _beside_released(seat: str) -> Measured:
    released = count_parameters(cifar10_players("released")[seat]())
    return {
        **_parameters(cifar10_players()[seat]()),
        "released_parameters": released,
        "released_millions": released / 1e6,
    }


def _sizes(images: ImageSet, command: str) -> Measured:
    try:
        raw = read_images(images)
    except DataMissing as error:
        raise MissingRuns(command) from error
    train, test = len(raw.train_labels), len(raw.test_labels)
    return {
        "training_images": train,
        "test_images": test,
        "all_images": train + test,
    }


def _parameters(net: nn.Module) -> Measured:
    """Return a count in millions and in units of 2 to the 20: both are called M."""
    count = count_parameters(net)
    return {
        "parameters": count,
        "millions": count / 1e6,
        "units_of_2_to_20": count / 2**20,
    }


@measure("cifar_preprocessing")
def cifar_preprocessing() -> Measured:
    """Return how well CIFAR-10 is centred, and how often an image is mirrored."""
    try:
        images = load("cifar10", n=50_000, protocol="code").train.inputs
    except DataMissing as error:
        raise MissingRuns("python -m data_prep cifar10") from error
    few = images[:5_000]
    turned = augment(few, derive(0, "mirrored share"), "mirror")
    share = (turned != few).flatten(1).any(1).float().mean()
    return {
        "largest_mean": float(images.double().mean(0).abs().max()),
        "mirrored_share": float(share),
    }
