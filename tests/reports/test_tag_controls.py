"""The controls on the popular tags are paired by seed and chosen on validation."""

import pandas as pd
import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.reports import table2, tag_controls
from kdgan_lib.tag_grids import TAG_CONTROLS, tag_control

TITLES = ("EfficientNet-Lite0", "VGG16")
ANCHORED = "with the labels' cross-entropy"


def store(run, level, validation=None):
    row = {**run.configuration(), "run_id": run.id, "status": "finished"}
    row |= {"test_precision": level, "validation_precision": validation or level}
    row |= {"test_p_at_3": level, "test_map": level}
    runs.append_rows("runs", pd.DataFrame([row]), ["run_id"])


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setenv("KDGAN_RUNS", str(tmp_path))
    for seed in range(3):
        noise = seed / 100
        store(declare("supervised", data="openclipart", seed=seed), 0.42 + noise)
        store(declare("kdgan", data="openclipart", seed=seed), 0.40 + noise)
        store(tag_control(ANCHORED, seed), 0.43 + noise, validation=0.5)
        store(tag_control("without D", seed), 0.44 + noise, validation=0.4)


@pytest.mark.usefixtures("stored")
def test_distances_are_paired_and_every_change_keeps_its_row():
    table = tag_controls.table().set_index("variant")
    assert list(table.index) == [tag_controls.ALONE, tag_controls.TUNED, *TAG_CONTROLS]
    assert table.loc[tag_controls.TUNED, "minus KDGAN as tuned"] == "–"
    row = table.loc[ANCHORED]
    assert row["P@3"] == "0.4400"
    assert row["validation"] == "0.5000"
    assert row["minus KDGAN as tuned"] == "+0.0300 [+0.0300, +0.0300]"
    assert row["minus C alone"] == "+0.0100 [+0.0100, +0.0100]"
    assert table.loc["three times the updates", "runs"] == "0"
    assert pd.isna(table.loc["three times the updates", "P@3"])


@pytest.mark.usefixtures("stored")
def test_the_best_change_is_chosen_on_validation():
    assert tag_controls.best() == ANCHORED
    said = tag_controls.summary()
    assert said.startswith("On validation the best of the changes is *with the labels")
    assert "that of the tuned KDGAN is +0.0300" in said
    assert "that of C alone is +0.0100" in said


@pytest.mark.usefixtures("stored")
def test_suspicions_are_told_by_what_is_clear_after_holms_correction():
    assert tag_controls.suspicions() == ""  # three of them were not run
    jitter = (0.0, 0.001, -0.001)
    levels = {
        "T is one network, as in the paper": 0.46,
        "three times the updates": 0.40,
        "D cross-fitted, as T is": 0.36,
        ANCHORED: 0.43,
    }
    for name, level in levels.items():
        for seed, noise in enumerate(jitter):
            store(tag_control(name, seed), level + seed / 100 + noise)
    said = tag_controls.suspicions()
    assert said.startswith("The 4 suspicions")
    assert "KDGAN: one network for T +0.0600 [+0.0575, +0.0625] and the la" in said
    assert "clearly harm it: a cross-fitted D -0.0400 [" in said
    assert "leave it open: three times the updates +0.0000 [" in said


@pytest.mark.usefixtures("stored")
def test_three_changes_together_are_held_against_c_alone():
    assert tag_controls.together() == ""
    for seed, noise in enumerate((0.0, 0.02, -0.02)):
        store(tag_control(tag_controls.TOGETHER, seed), 0.43 + seed / 100 + noise)
    said = tag_controls.together()
    assert "that of C alone is +0.0100 [-0.0397, +0.0597] (3 seeds)" in said
    assert said.endswith("an interval that includes zero.")


def test_what_the_sentences_name_is_declared():
    assert {*tag_controls.SUSPECTED, tag_controls.TOGETHER} <= set(TAG_CONTROLS)


def test_nothing_is_said_where_nothing_was_run(tmp_path, monkeypatch):
    monkeypatch.setenv("KDGAN_RUNS", str(tmp_path))
    assert tag_controls.table().empty
    assert tag_controls.summary() == ""
    assert tag_controls.suspicions() == ""
    assert tag_controls.together() == ""
    assert table2.beside(table2.BACKBONE, TITLES).empty
    assert table2.standing(table2.BACKBONE) == ""


@pytest.mark.usefixtures("stored")
def test_either_networks_features_have_a_column():
    for seed in range(3):
        store(declare("supervised", data="openclipart_vgg16", seed=seed), 0.30)
        store(declare("kdgan", data="openclipart_vgg16", seed=seed), 0.31 + seed / 100)
    table = table2.beside(table2.BACKBONE, TITLES).set_index("method")
    assert table.loc["KDGAN", "P@3, VGG16"].startswith(".320 [")
    assert table.loc["KDGAN", "P@3, EfficientNet-Lite0"].startswith(".410 [")
    assert "is +0.0200, 95% interval over 3 seeds [-0.0048" in table2.standing(
        table2.BACKBONE
    )
