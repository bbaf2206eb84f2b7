"""Splits are disjoint, balanced where they should be, and a function of the seed."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdgan_lib import data
from kdgan_lib.data import DataCorrupt, DataMissing, Examples, load
from kdgan_lib.idx import format_idx
from kdgan_lib.images import CIFAR10, MNIST
from kdgan_lib.paths import data_dir

SIZE = 2_500
"""Training images of the small data set."""


def write_small(folder, seed=0):
    """Write a small MNIST whose images hold their own number in two pixels."""
    generator = np.random.default_rng(seed)
    counts = {"train": SIZE, "t10k": 50}
    contents = {}
    for part, count in counts.items():
        images = np.zeros((count, 3, 3), np.uint8)
        images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
        labels = generator.integers(0, 10, count, np.uint8)
        contents[f"{part}-images-idx3-ubyte"] = format_idx(images)
        contents[f"{part}-labels-idx1-ubyte"] = format_idx(labels)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: hashlib.md5(contents[name]).hexdigest() for name in MNIST.files}


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "small"


@pytest.fixture(autouse=True, scope="module")
def small(small_folder):
    """Register the small data set as "small"."""
    sums = write_small(small_folder)
    data.DATASETS["small"] = replace(MNIST, name="small", title="Small", files=sums)
    yield
    del data.DATASETS["small"]


@pytest.fixture
def load_small(small_folder):
    def load_it(*arguments, **options):
        return load("small", *arguments, folder=small_folder, **options)

    return load_it


def numbers(examples):
    """Return which images these are, from their two pixels."""
    pixels = (examples.inputs[:, 0, 0, :2] * 255).round().long()
    return (pixels[:, 0] * 256 + pixels[:, 1]).tolist()


def same(one, other):
    return all(
        torch.equal(getattr(a, part), getattr(b, part))
        for a, b in zip(parts(one), parts(other), strict=True)
        for part in ("inputs", "targets")
    )


def parts(split):
    return split.train, split.validation, split.test


any_labels = st.builds(
    lambda seed, weights: np.random.default_rng(seed).choice(
        len(weights), 3000, p=np.array(weights) / sum(weights)
    ),
    st.integers(0, 1000),
    st.lists(st.integers(1, 20), min_size=2, max_size=12),
)


@settings(max_examples=50, deadline=None)
@given(labels=any_labels, n=st.integers(1, 1000), seed=st.integers(0, 100))
def test_controlled_subsets_are_disjoint_and_as_even_as_the_data_allow(labels, n, seed):
    train, validation = data.choose_controlled(labels, n, np.random.default_rng(seed))
    assert (len(train), len(validation)) == (n, 2000)
    assert len({*train, *validation}) == n + 2000
    total = np.bincount(labels)
    held = np.bincount(labels[validation], minlength=len(total))
    for taken, offered in [
        (held, total),
        (np.bincount(labels[train], minlength=len(total)), total - held),
    ]:
        unspent = taken[taken < offered]  # classes that could have given more
        assert taken.max() <= unspent.min(initial=len(labels)) + 1


@settings(max_examples=30, deadline=None)
@given(
    protocol=st.sampled_from(["controlled", "paper"]),
    pair=st.tuples(st.integers(1, 1000), st.integers(1, 1000)),
    seed=st.integers(0, 100),
)
def test_a_smaller_subset_is_part_of_a_larger_one(protocol, pair, seed):
    labels = np.random.default_rng(7).integers(0, 10, 3000)
    choose = data.SUBSETS[protocol].choose
    chosen = [choose(labels, n, np.random.default_rng(seed))[0] for n in sorted(pair)]
    assert set(chosen[0]) <= set(chosen[1])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    n=st.integers(1, 500),
    seed=st.integers(0, 2**32 - 1),
    protocol=st.sampled_from(list(data.SUBSETS)),
)
def test_a_split_is_a_function_of_its_arguments(load_small, n, seed, protocol):
    split = load_small(n, seed, protocol)
    assert same(split, load_small(n, seed, protocol))
    assert len(split.train) == n
    train, validation = numbers(split.train), numbers(split.validation)
    assert len({*train, *validation}) == len(train) + len(validation)
    assert numbers(split.test) == list(range(50))
    everything = load_small(protocol="code").train.labels
    assert split.train.labels.tolist() == everything[train].tolist()


def test_another_seed_gives_another_subset(load_small):
    for protocol in ("controlled", "paper"):
        one, other = load_small(100, 0, protocol), load_small(100, 1, protocol)
        assert set(numbers(one.train)) != set(numbers(other.train))


def test_controlled_validation_depends_on_the_seed_and_not_on_n(load_small):
    one, two = load_small(10, 3).validation, load_small(400, 3).validation
    assert torch.equal(one.inputs, two.inputs)
    assert set(numbers(one)) != set(numbers(load_small(10, 4).validation))


def test_code_takes_the_last_images_and_validates_on_none(load_small):
    split = load_small(7, protocol="code")
    assert numbers(split.train) == list(range(SIZE - 7, SIZE))
    assert len(split.validation) == 0
    assert split.validation.inputs.shape == (0, 1, 3, 3)
    assert split.validation.targets.shape == (0, 10)


@pytest.mark.parametrize(
    ("protocol", "most"), [("controlled", SIZE - 2000), ("paper", SIZE), ("code", SIZE)]
)
def test_without_n_all_that_is_left_is_taken(load_small, protocol, most):
    assert len(load_small(protocol=protocol).train) == most
    with pytest.raises(ValueError, match=f"from 1 to {most:,}, not {most + 1}"):
        load_small(most + 1, protocol=protocol)


@pytest.mark.parametrize("n", [0, -1, 2.0, "100", True, float("nan"), [5], 10**30])
def test_a_wrong_n_is_refused_with_the_allowed_range(load_small, n):
    allowed = "n for Small under 'controlled' must be a whole number from 1 to 500, not"
    with pytest.raises(ValueError, match=allowed):
        load_small(n)


def test_a_numpy_n_is_as_good_as_a_whole_number(load_small):
    assert same(load_small(np.int64(30)), load_small(30))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": None}, "seed must be a whole number from 0"),
        ({"protocol": "papr"}, "'papr' is no protocol: choose from controlled, paper"),
        ({"name": "mnits"}, "'mnits' is no data set: choose from mnist, cifar10"),
        ({"name": []}, r"\[\] is no data set"),
    ],
)
def test_other_wrong_arguments_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        load(**{"name": "small", **options})


def test_nothing_random_outside_is_read_or_changed(load_small):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    one = load_small(50)
    assert torch.equal(states[0], torch.get_rng_state())
    assert (states[1] == np.random.get_state()[1]).all()
    torch.manual_seed(99)
    assert same(one, load_small(50))


def test_changing_a_split_does_not_change_the_next_one(load_small):
    before = load_small(20)
    spoiled = load_small(20)
    for part in parts(spoiled):
        part.inputs.fill_(-1)
        part.targets.fill_(-1)
    assert same(before, load_small(20))


def test_missing_data_name_the_command(tmp_path):
    with pytest.raises(DataMissing) as caught:
        load("mnist", folder=tmp_path)
    command = "run `python -m data_prep mnist`."
    assert str(caught.value) == f"MNIST is not in {tmp_path}: {command}"
    assert isinstance(caught.value, FileNotFoundError)


def test_the_cache_folder_is_the_environments(tmp_path, monkeypatch):
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match=str(tmp_path / "mnist")):
        load("mnist")


def test_a_file_damaged_after_it_was_read_is_noticed(small_folder, tmp_path):
    folder = tmp_path / "small"
    shutil.copytree(small_folder, folder)
    load("small", 10, folder=folder)
    path = folder / "train-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    with pytest.raises(
        DataCorrupt, match=r"ubyte is damaged: run `python -m data_prep"
    ):
        load("small", 10, folder=folder)
    path.write_bytes(content[:100])
    with pytest.raises(DataCorrupt):
        load("small", 10, folder=folder)


def test_cifar_records_are_read_plane_by_plane():
    generator = np.random.default_rng(0)
    batches = [generator.integers(0, 256, (4, 3073), np.uint8) for _ in range(6)]
    raw = CIFAR10.parse([batch.tobytes() for batch in batches])
    assert raw.train_images.shape == (20, 3, 32, 32)
    assert raw.test_images.shape == (4, 3, 32, 32)
    assert raw.train_labels[7] == batches[1][3, 0]
    assert raw.train_images[7, 2, 31, 30] == batches[1][3, -2]
    assert raw.test_images[0, 1, 0, 5] == batches[5][0, 1 + 1024 + 5]


def test_centred_images_have_no_mean_over_their_own_training_subset(small_folder):
    small = data.DATASETS["small"]
    data.DATASETS["centred"] = replace(small, name="centred", center=True)
    try:
        plain = load("centred", 40, protocol="code", folder=small_folder)
        raw = load("small", 40, protocol="code", folder=small_folder)
    finally:
        del data.DATASETS["centred"]
    mean = raw.train.inputs.mean(0)
    torch.testing.assert_close(plain.train.inputs, raw.train.inputs - mean)
    torch.testing.assert_close(plain.test.inputs, raw.test.inputs - mean)


def test_examples_know_their_length_labels_and_device():
    targets = torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    examples = Examples(torch.zeros(2, 3), targets, torch.ones(2, 4))
    assert len(examples) == 2
    assert examples.labels.tolist() == [1, 0]
    moved = examples.to("meta")
    devices = {
        each.device.type for each in (moved.inputs, moved.targets, moved.privileged)
    }
    assert devices == {"meta"}
    assert Examples(torch.zeros(2, 3), targets).to("cpu").privileged is None


def test_a_split_moves_whole(load_small):
    moved = load_small(10).to("meta")
    assert {part.inputs.device.type for part in parts(moved)} == {"meta"}
    assert (moved.name, moved.num_labels) == ("small", 10)


@pytest.mark.parametrize("n", [100, 1_000, 10_000, 105])
def test_real_mnist_is_balanced_with_a_validation_set(n):
    split = load("mnist", n)
    assert split.train.inputs.shape == (n, 1, 28, 28)
    assert split.train.inputs.dtype == split.train.targets.dtype == torch.float32
    counts = split.train.labels.bincount(minlength=10)
    assert counts.max() - counts.min() <= (n % 10 > 0)
    assert split.validation.labels.bincount().tolist() == [200] * 10
    assert len(split.test) == 10_000
    assert (split.test.inputs.min(), split.test.inputs.max()) == (0, 1)
    assert (split.test.targets.sum(1) == 1).all()


def test_real_mnist_is_the_published_one():
    split = load("mnist", protocol="code")
    train, test = split.train.labels.bincount(), split.test.labels.bincount()
    assert train[[0, 1, 5]].tolist() == [5923, 6742, 5421]
    assert test.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert split.train.inputs.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert split.train.inputs.std().item() == pytest.approx(0.3081, abs=1e-4)
    assert split.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_real_mnist_under_paper_holds_out_the_last_ten_thousand():
    split = load("mnist", 50_000, protocol="paper")
    everything = load("mnist", protocol="code").train
    assert torch.equal(split.validation.inputs, everything.inputs[50_000:])
    order = everything.labels[:50_000].bincount()
    assert split.train.labels.bincount().tolist() == order.tolist()
    with pytest.raises(ValueError, match="from 1 to 50,000, not 50001"):
        load("mnist", 50_001, protocol="paper")


has_cifar = pytest.mark.skipif(
    not (data_dir() / "cifar10" / "test_batch.bin").is_file(),
    reason="CIFAR-10 is fetched on demand",
)


@has_cifar
@pytest.mark.parametrize(
    ("protocol", "n", "held_out"),
    [
        ("controlled", 500, 2_000),
        ("paper", 5_000, 10_000),
        ("paper", 45_000, 5_000),
        ("code", 500, 0),
    ],
)
def test_real_cifar_is_split_and_centred(protocol, n, held_out):
    split = load("cifar10", n, protocol=protocol)
    assert split.train.inputs.shape == (n, 3, 32, 32)
    assert (len(split.validation), len(split.test)) == (held_out, 10_000)
    assert split.train.inputs.mean(0).abs().max() < 1e-5
    assert split.test.labels.bincount().tolist() == [1000] * 10


@has_cifar
def test_real_cifar_is_the_published_one():
    raw = data.read_images(CIFAR10)
    pixels = raw.train_images.transpose(1, 0, 2, 3).reshape(3, -1)
    mean = [channel.mean() / 255 for channel in pixels]
    assert mean == pytest.approx([0.49139968, 0.48215841, 0.44653091], abs=1e-8)
    sd = [channel.std(dtype=np.float64) / 255 for channel in pixels]
    assert sd == pytest.approx([0.24703223, 0.24348513, 0.26158784], abs=1e-8)
