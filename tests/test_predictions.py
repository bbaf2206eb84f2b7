"""What one run of each method recommends is stored once and told from the rows."""

import numpy as np
import pandas as pd
import pytest
import torch

from kdgan_lib import predictions, recommend, runs
from kdgan_lib.baselines import KNN
from kdgan_lib.data import Examples
from kdgan_lib.experiments import declare
from kdgan_lib.loop.result import Result
from kdgan_lib.measures import tags as measures
from kdgan_lib.reports import tag_gallery
from kdgan_lib.tag_facts import groups_of
from kdgan_lib.tags import load_tags, tag_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Store the predictions of short runs of three methods."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDGAN_RUNS", str(folder))
        patch.setattr(predictions, "declare", short)
        patch.setattr(predictions, "TAGGERS", ("supervised", "mimic", "kdgan"))
        patch.setattr(predictions, "ADVERSARIAL", ("kdgan",))
        patch.setattr(predictions, "FOLLOWED", 2)
        patch.setattr(predictions.classical, "TAGGERS", {"knn": KNN})
        patch.setattr(predictions.classical, "chosen", lambda data, name: {"k": 3})
        assert predictions.store(predictions.Predictions(), progress=False) == 5
        assert predictions.store(predictions.Predictions(), progress=False) == 0
        yield folder


@pytest.fixture
def stored(folder, monkeypatch):
    monkeypatch.setenv("KDGAN_RUNS", str(folder))


def short(name, data, seed=0):
    return declare(name, data, n=120, seed=seed, profile="smoke")


@pytest.mark.usefixtures("stored")
class TestStored:
    def test_every_test_image_has_five_tags_of_each_method_and_of_t(self):
        rows = runs.read_rows("recommendations")
        assert rows.groupby("method").image.nunique().to_dict() == dict.fromkeys(
            ("knn", "supervised", "mimic", "kdgan", "teacher"), 1_005
        )
        assert {len(set(tags)) for tags in rows.tags} == {5}
        assert set(rows.run_id.dropna()) == {
            short(n, "openclipart").id for n in ("supervised", "mimic", "kdgan")
        }

    def test_p_at_3_is_the_share_of_the_first_three_tags(self):
        rows = runs.read_rows("recommendations")
        one = rows[(rows.method == "kdgan")].sort_values("image")
        names, targets = tag_names(), load_tags().test.targets
        for place, (tags, value) in enumerate(zip(one.tags, one.p_at_3, strict=True)):
            own = {names[label] for label in np.flatnonzero(targets[place])}
            assert value == pytest.approx(len(own & set(tags[:3])) / 3)

    def test_the_classifier_that_recommends_is_the_runs_own(self):
        stored, test = recommend.load_classifier(), load_tags(n=120).test
        assert stored.run_id == short("kdgan", "openclipart").id
        assert len(stored.tags) == 200
        assert len(test) == 1_005

    def test_curves_hold_every_metric_of_the_played_method(self):
        curves = runs.read_rows("tag_curves")
        assert set(curves.method) == {"kdgan"}
        assert {"p_at_3", "f_at_5", "map", "mrr"} <= set(curves)
        assert not curves.duplicated(["seed", "epoch"]).any()

    def test_every_epoch_of_the_followed_seeds_is_there_from_the_pretrained_c_on(self):
        epochs = short("kdgan", "openclipart").budget.epochs
        curves = runs.read_rows("tag_curves")
        for _, seed in curves.groupby("seed"):
            assert sorted(seed.epoch) == [*range(epochs + 1)]
        assert set(curves.seed) == {0, 1}

    def test_soft_labels_give_the_measure_of_x1(self):
        found = measures.soft_label_similarity()
        assert set(found) == {
            "rank_correlation",
            "classifier_taught_by_it",
            "classifier_alone",
        }
        assert -1 <= found["rank_correlation"].lo <= found["rank_correlation"].hi <= 1

    def test_near_tags_are_named_with_their_probabilities(self):
        table = tag_gallery.near_tags(3)
        assert len(table) == 3
        first = table.nearest[0].split(", ")
        values = [float(entry.rsplit(" ", 1)[1]) for entry in first]
        assert values == sorted(values, reverse=True)
        assert float(table.farthest[0].rsplit(" ", 1)[1]) <= values[-1]

    def test_cards_are_test_images_with_their_own_tags(self):
        cards = tag_gallery.cards(4)
        assert len(cards) == 4
        for card in cards:
            assert len(card.tags) >= 2
            assert list(card.recommended) == [
                "supervised",
                "MIMIC",
                "KDGAN",
                "T, reads the text",
            ]
        again = [card.tags for card in tag_gallery.cards(4)]
        assert again == [card.tags for card in cards]

    def test_image_gaps_are_means_over_images_and_intervals_over_groups(self):
        table = tag_gallery.image_gaps().set_index("KDGAN minus")
        rows = runs.read_rows("recommendations")
        wide = rows.pivot(index="image", columns="method", values="p_at_3")
        row = table.loc["MIMIC"]
        assert row.difference == pytest.approx((wide.kdgan - wide.mimic).mean())
        assert row.low <= row.difference <= row.high
        assert row.groups == len(set(groups_of("popular")))


def test_without_rows_there_is_nothing_to_show(runs_folder):
    assert tag_gallery.cards(3) == []
    assert tag_gallery.image_gaps().empty
    assert tag_gallery.near_tags().empty


def test_groups_drawn_whole_widen_the_interval_of_equal_images():
    values = pd.DataFrame(
        {
            "image": range(60),
            "group": np.repeat(range(6), 10),
            "a": np.repeat([1.0, 0, 1, 0, 1, 0], 10),
            "b": 0.0,
        }
    )
    whole = tag_gallery._gap(values.set_index(["image", "group"]), "a", "b")
    alone = values.assign(group=range(60)).set_index(["image", "group"])
    single = tag_gallery._gap(alone, "a", "b")
    assert whole["high"] - whole["low"] > 2 * (single["high"] - single["low"])


class Says(torch.nn.Module):
    """Give every image the same scores."""

    def __init__(self, scores):
        super().__init__()
        self.scores = torch.tensor(scores)

    def forward(self, inputs):
        return self.scores.expand(len(inputs), -1)


def test_t_speaks_from_its_own_seat_and_its_student_from_c_s(monkeypatch):
    players = {"teacher": Says([2.0, 0.0, 0.0]), "classifier": Says([0.0, 0.0, 2.0])}
    result = Result({}, pd.DataFrame(), players)
    test = Examples(torch.zeros(4, 2), torch.eye(3)[torch.tensor([0, 1, 2, 0])])
    rated = dict(predictions._ratings("mimic", result, test))
    monkeypatch.setattr(predictions.soft_labels, "neighbourhood", lambda log, *_: log)
    spoken = dict(predictions._spoken("mimic", result, test))
    for scores in (rated, spoken):
        favourites = {name: set(scores[name].argmax(1).tolist()) for name in scores}
        assert favourites == {"teacher": {0}, "mimic": {2}}
