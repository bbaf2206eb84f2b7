"""The tag split follows the table; folds keep near-duplicates together."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kdgan_lib.images import DataCorrupt, DataMissing
from kdgan_lib.paths import book_dir
from kdgan_lib.tag_tables import (
    FEATURES,
    IMAGES,
    NETWORKS,
    VECTORS,
    VOCABULARIES,
    Source,
)
from kdgan_lib.tags import (
    FOLDS,
    LENGTH,
    PARTS,
    fold_of_groups,
    gallery,
    load_tags,
    tag_names,
    word_vectors,
)
from kdgan_lib.tasks import task
from kdgan_lib.text import words

DATA = book_dir() / "data"
FACTS = "openclipart.json"


def table_of(part, vocabulary="popular"):
    """Return the table's rows of a part that have a tag, read independently."""
    rows = pd.read_parquet(DATA / IMAGES)
    tags = set(json.loads((DATA / FACTS).read_text())[vocabulary])
    return rows[(rows.split == part) & rows.tags.map(lambda own: bool(tags & set(own)))]


def texts(examples):
    """Return each example's words, read back from their numbers."""
    known = pd.read_parquet(DATA / VECTORS).word
    return [
        [known[number - 1] for number in row if number]
        for row in examples.privileged[:, 1:].tolist()
    ]


@pytest.fixture
def copied(tmp_path):
    for name in (IMAGES, FEATURES, FACTS, VECTORS):
        shutil.copy(DATA / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_holds_the_tables_images_that_have_a_tag(part, vocabulary):
    examples = getattr(load_tags(vocabulary), part)
    rows, names = table_of(part, vocabulary), tag_names(vocabulary)
    assert len(examples) == len(rows)
    for target, own in zip(examples.targets, rows.tags, strict=True):
        held = {names[label] for label in target.nonzero().flatten().tolist()}
        assert held == set(own) & set(names)


def test_targets_are_the_uniform_distribution_over_an_images_tags():
    targets = load_tags().train.targets
    torch.testing.assert_close(targets.sum(1), torch.ones(len(targets)))
    highest = targets.max(1, keepdim=True).values.expand_as(targets)
    torch.testing.assert_close(targets[targets > 0], highest[targets > 0])


def test_shapes_and_types_are_those_of_the_interface():
    split = load_tags()
    for part in PARTS:
        examples = getattr(split, part)
        assert examples.inputs.shape == (len(examples), 1280)
        assert examples.privileged.shape == (len(examples), 1 + LENGTH)
        assert examples.inputs.dtype == examples.targets.dtype == torch.float32
        assert examples.privileged.dtype == torch.long
    assert split.num_labels == 200


def test_features_are_standardised_by_the_training_images_of_the_split_alone():
    for n in (None, 50):
        split = load_tags(n=n)
        raw = np.stack(pd.read_parquet(DATA / FEATURES).features).astype(np.float64)
        test = raw[table_of("test").index]
        mean = split.train.inputs.mean(0)
        torch.testing.assert_close(mean, torch.zeros(1280), atol=1e-4, rtol=0)
        varied = split.train.inputs.abs().amax(0) > 0
        deviation = split.train.inputs.std(0, correction=0)[varied]
        torch.testing.assert_close(
            deviation, torch.ones_like(deviation), atol=1e-3, rtol=0
        )
        # One affine map per feature: equal correlation with the raw ones is 1.
        column = int(varied.nonzero()[0])
        found = np.corrcoef(split.test.inputs[:, column], test[:, column])[0, 1]
        assert found == pytest.approx(1, abs=1e-5)


def test_without_groups_the_parts_have_their_sizes_and_share_near_duplicates():
    apart, mixed = load_tags(), load_tags(grouped=False)
    for part in PARTS:
        assert len(getattr(mixed, part)) == len(getattr(apart, part))
    rows = [
        tuple(row) for part in PARTS for row in getattr(mixed, part).targets.tolist()
    ]
    usual = [
        tuple(row) for part in PARTS for row in getattr(apart, part).targets.tolist()
    ]
    assert sorted(rows) == sorted(usual)
    again = load_tags(grouped=False, n=30)
    assert torch.equal(again.test.targets, mixed.test.targets)
    assert not torch.equal(mixed.test.targets, apart.test.targets)


def test_features_of_the_papers_network_are_read_on_demand():
    light, deep = load_tags(n=20), load_tags(n=20, network="vgg16")
    assert light.train.inputs.shape == (20, NETWORKS["efficientnet_lite0"])
    assert deep.train.inputs.shape == (20, NETWORKS["vgg16"])
    assert torch.equal(light.test.targets, deep.test.targets)
    with pytest.raises(ValueError, match="choose from efficientnet_lite0, vgg16"):
        load_tags(network="resnet")


def test_no_near_duplicate_group_is_in_two_folds_or_two_parts():
    groups = {part: table_of(part).group.to_numpy() for part in PARTS}
    fold = load_tags().train.privileged[:, 0].numpy()
    pairs = set(zip(groups["train"], fold, strict=True))
    assert len(pairs) == len(np.unique(groups["train"]))
    for part in ("validation", "test"):
        assert not set(groups[part]) & set(groups["train"])


def test_folds_are_balanced_and_only_training_images_have_one():
    split = load_tags()
    sizes = split.train.privileged[:, 0].bincount()
    assert len(sizes) == FOLDS
    assert sizes.max() - sizes.min() <= 1
    assert (split.validation.privileged[:, 0] == -1).all()
    assert (split.test.privileged[:, 0] == -1).all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(2, 6))
def test_fold_sizes_differ_by_no_more_than_the_largest_group(groups, folds):
    fold = fold_of_groups(np.array(groups), folds)
    assert ((fold >= 0) & (fold < folds)).all()
    assert len(set(zip(groups, fold, strict=True))) == len(set(groups))
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= np.bincount(groups).max()


def test_the_text_is_the_words_of_title_and_description_that_have_a_vector():
    known = set(pd.read_parquet(DATA / VECTORS).word)
    rows = table_of("validation")
    wanted = [
        [word for word in words(f"{title} {text}") if word in known][:LENGTH]
        for title, text in zip(rows.title, rows.description, strict=True)
    ]
    assert texts(load_tags().validation) == wanted


def test_hiding_leaves_out_the_words_of_an_images_own_tags_and_nothing_else():
    shown, hidden = load_tags(), load_tags(hide_named=True)
    names, touched = tag_names(), 0
    for part in PARTS:
        before, after = getattr(shown, part), getattr(hidden, part)
        assert torch.equal(before.inputs, after.inputs)
        assert torch.equal(before.targets, after.targets)
        assert torch.equal(before.privileged[:, 0], after.privileged[:, 0])
        for target, full, rest in zip(
            after.targets, texts(before), texts(after), strict=True
        ):
            own = {w for k in target.nonzero().flatten() for w in words(names[k])}
            left = [word for word in full if word not in own]
            assert rest[: len(left)] == left
            assert not own & set(rest)
            touched += left != full
    assert touched > 1_000


def test_a_word_number_is_the_row_of_its_vector_and_padding_is_zero():
    table, vectors = pd.read_parquet(DATA / VECTORS), word_vectors()
    assert vectors.shape == (len(table) + 1, 50)
    assert vectors.dtype == torch.float32
    assert not vectors[0].any()
    assert np.array_equal(vectors[7], table.vector[6].astype(np.float32))
    assert load_tags().train.privileged.max() <= len(table)


def test_a_subset_is_seeded_in_the_tables_order_and_part_of_a_larger_one():
    def chosen(n, seed):
        targets = load_tags(n=n, seed=seed).train.privileged[:, 1:]
        return [tuple(row) for row in targets.tolist()]

    small, large = chosen(200, 0), chosen(400, 0)
    order = iter(large)
    assert all(row in order for row in small)
    assert chosen(200, 0) == small
    assert chosen(200, 1) != small
    assert chosen(len(table_of("train")), 3) == chosen(None, 0)


def test_the_gallery_shows_the_images_of_a_part_in_its_order():
    for part in ("validation", "test"):
        shown, examples = gallery("random", part), getattr(load_tags("random"), part)
        assert list(shown.columns) == ["title", "tags", "thumbnail"]
        assert len(shown) == len(examples)
        names = tag_names("random")
        for target, own in zip(examples.targets, shown.tags, strict=True):
            assert {names[k] for k in target.nonzero().flatten()} == set(own)
        assert all(content[8:12] == b"WEBP" for content in shown.thumbnail)


@pytest.mark.parametrize("n", [0, -1, 3_513, 2.5, True, "all"])
def test_a_wrong_n_names_the_allowed_range(n):
    with pytest.raises(ValueError, match="whole number from 1 to 3,512, not"):
        load_tags(n=n)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(ValueError, match="no vocabulary: choose from popular, random"):
        load_tags("rare")
    with pytest.raises(ValueError, match="no part: choose from train, validation"):
        gallery(part="all")


@pytest.mark.parametrize("name", [IMAGES, FEATURES, FACTS, VECTORS])
def test_a_missing_file_is_named_with_the_command_that_makes_it(name, copied):
    (copied / name).unlink()
    with pytest.raises(DataMissing, match=rf"{name} is not in .*: run `python -m"):
        load_tags(folder=copied)


def test_photographs_that_were_not_prepared_are_named_with_their_command(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path))
    told = (
        r"yfcc100m\.parquet is not in .*: run `python -m data_prep yfcc100m --metadata"
    )
    with pytest.raises(DataMissing, match=told):
        task("yfcc100m").load(None, 0, "controlled")
    with pytest.raises(DataMissing, match="data_prep yfcc100m --metadata"):
        word_vectors("yfcc100m")
    with pytest.raises(ValueError, match="choose from openclipart, yfcc100m"):
        load_tags(collection="flickr")


def test_another_networks_missing_features_are_named_with_their_option(copied):
    with pytest.raises(DataMissing, match="data_prep openclipart --features vgg16"):
        load_tags(network="vgg16", folder=copied)


@pytest.mark.parametrize("name", [IMAGES, FEATURES, FACTS, VECTORS])
def test_a_truncated_file_is_called_damaged(name, copied):
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataCorrupt, match=rf"{name} is damaged: run `python -m"):
        load_tags(folder=copied)


def test_a_damaged_table_of_the_book_is_restored_and_not_made_anew():
    said = str(Source(book_dir() / "data").damaged(IMAGES))
    assert said.endswith(f"restore it with `git checkout -- {IMAGES}` in its folder.")


def test_features_of_other_images_are_called_damaged(copied):
    table = pq.read_table(copied / FEATURES)
    pq.write_table(table.slice(1), copied / FEATURES)
    with pytest.raises(DataCorrupt, match=r"lite0\.parquet is damaged"):
        load_tags(folder=copied)


def test_an_intact_copy_gives_the_same_split(copied):
    here, there = load_tags(n=30), load_tags(n=30, folder=copied)
    assert torch.equal(here.train.inputs, there.train.inputs)
    assert torch.equal(here.test.privileged, there.test.privileged)
