"""Drawings of the tag chapter: nothing without rows, the rows' numbers with them."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from kdgan_lib import tag_facts
from kdgan_lib.figures import gallery
from kdgan_lib.figures import tags as drawings
from kdgan_lib.reports.tag_gallery import Card
from kdgan_lib.studies import tag_demo
from kdgan_lib.tags import load_tags, tag_names

EMPTY = pd.DataFrame()
AXIS = pd.DataFrame(columns=["value", "seed", "classifier", "teacher", "tuned"])


def test_without_rows_there_is_no_drawing():
    assert drawings.table2_points({"popular": EMPTY}, ["knn"]) is None
    assert drawings.neighbourhoods(EMPTY) is None
    assert drawings.precision_curves(EMPTY, 0.4) is None
    assert drawings.metric_curves(EMPTY, {"map": "MAP"}, ["kdgan"]) is None
    assert drawings.weight_effects({"alpha": AXIS}) is None
    assert drawings.agreements(EMPTY, {"teacher": "T"}) is None
    assert gallery.show_cards([]) is None


def test_points_stand_at_the_means_in_the_order_given():
    rows = pd.DataFrame(
        {
            "method": ["knn", "kdgan", "kdgan", "kdgan"],
            "p_at_3": [0.3, 0.40, 0.41, 0.42],
        }
    )
    fig = drawings.table2_points({"a": rows, "b": EMPTY}, ["knn", "kdgan", "teacher"])
    (ax,) = fig.axes
    points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose(points, [(0.3, 0), (0.41, 1)])
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["KNN", "KDGAN", "T (reads the text)"]


def test_the_tuned_value_is_ringed_and_other_values_are_joined():
    rows = pd.DataFrame(
        {
            "value": [0.1, 0.1, 0.5, 0.5, 0.9, 0.9],
            "seed": [0, 1] * 3,
            "classifier": [0.40, 0.42, 0.44, 0.44, 0.30, 0.30],
            "teacher": 0.5,
            "tuned": [False] * 2 + [True] * 2 + [False] * 2,
        }
    )
    empty = AXIS.astype({"value": float})
    fig = drawings.weight_effects({"alpha": rows, "beta": empty, "gamma": empty})
    line, ring = fig.axes[0].lines[:2]
    assert line.get_ydata() == pytest.approx([0.41, 0.44, 0.30])
    assert ring.get_xydata().tolist() == [[0.5, pytest.approx(0.44)]]
    assert fig.axes[1].get_xscale() == "log"


def test_a_card_ticks_the_images_own_tags_only():
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    card = Card(
        stream.getvalue(), "A red thing", ["red", "thing"], {"KDGAN": ["red", "blue"]}
    )
    fig = gallery.show_cards([card])
    words = [text.get_text() for text in fig.axes[1].texts]
    assert words == [
        *("own tags", "red, thing", "text (T only)", "A red thing"),
        *("KDGAN", "✓ red", "blue"),
    ]


def test_no_long_tag_of_a_card_reaches_the_next_column():
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    tags = ["lemon theme icon", "signs and symbols", "south america", "paper symbol"]
    plain = ["united nations member", *tags]
    for own, shown in ((tags, tags), (["flag"], plain)):
        card = Card(stream.getvalue(), "", own, {"T, reads the text": shown})
        fig = gallery.show_cards([card])
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        ax = fig.axes[1]
        room = gallery.PITCH * ax.get_window_extent().width
        for text in ax.texts[-len(shown) :]:
            assert text.get_window_extent().width < room, text.get_text()


def test_sizes_of_the_parts_are_the_splits():
    sizes = tag_facts.sizes().set_index(["vocabulary", "part"])
    split = load_tags("popular")
    for part in ("train", "validation", "test"):
        row, examples = sizes.loc["popular", part], getattr(split, part)
        assert row.images == len(examples)
        count = (examples.targets > 0).sum(1).float().mean()
        assert row["tags per image"] == pytest.approx(float(count), rel=1e-5)
        assert row.groups == len(set(tag_facts.groups_of("popular", part)))


def test_names_vectors_are_means_of_their_words():
    one, two, both, unknown = tag_facts.name_vectors(
        ["lemon", "icon", "lemon icon", "xqzy"]
    )
    assert both == pytest.approx((one + two) / 2)
    assert np.isnan(unknown).all()
    assert tag_facts.name_vectors(tag_names()).shape == (200, 50)


def test_a_lesson_describes_soft_labels_of_seen_and_unseen_images():
    lesson = tag_demo.Lesson().cut("smoke")
    taught = tag_demo.teach(lesson, "distn", "single_teacher")
    labels = tag_demo.soft_labels(taught, "single_teacher")
    assert labels.images.value_counts().to_dict() == {"held out": 488, "training": 150}
    assert labels.entropy.between(0, np.log(200) + 1e-9).all()
    assert labels.own.between(0, 1).all()
    assert len(tag_demo.described(labels)) == 2
    alone = tag_demo.teach(lesson, "supervised")
    curves = tag_demo.lesson_curves({"a": taught, "b": alone, "c": taught})
    assert curves.groupby("lesson").epoch.max().to_dict() == {"a": 2, "b": 2, "c": 2}
    assert len(drawings.lesson_curves(curves).axes[0].lines) == 3
    assert len(drawings.soft_label_views(labels, 5.3).axes) == 1


def test_a_whole_lesson_is_cut_under_smoke_only():
    whole = tag_demo.Lesson(900, 9, 9)
    assert whole.cut("book") == whole
    assert whole.cut("smoke").n < 900
