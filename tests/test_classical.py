"""The classical study: equal effort, validation only, resumable, and fast enough."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kdgan_lib import classical, runs
from kdgan_lib.baselines import KNN, TagProp
from kdgan_lib.data import Examples, Split
from kdgan_lib.tags import load_tags

SMALL = {
    "knn": {"k": (1, 9), "distance": ("euclidean",)},
    "relexample": {"penalty": (0.1,), "share": (0.8, 1.0)},
}


def examples(count, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 6)).astype(np.float32)
    relevant = features[:, :4] + 0.5 * rng.normal(size=(count, 4)) > 0.5
    relevant[:, 0] |= ~relevant.any(1)
    targets = relevant / relevant.sum(1, keepdims=True)
    return Examples(torch.from_numpy(features), torch.from_numpy(targets))


@pytest.fixture
def small(runs_folder, monkeypatch):
    """Let the study try few settings of two taggers on a toy; return its split."""
    split = Split("toy", examples(80, 0), examples(40, 1), examples(40, 2), 4)
    toy = SimpleNamespace(load=lambda *_: split)
    monkeypatch.setattr(classical, "task", lambda name: toy)
    monkeypatch.setattr(classical, "GRIDS", SMALL)
    kept = {name: classical.TAGGERS[name] for name in SMALL}
    monkeypatch.setattr(classical, "TAGGERS", kept)
    report = SimpleNamespace(
        score=classical.PRECISION.score,
        report=lambda logits, targets: {"p_at_3": float(len(targets))},
    )
    monkeypatch.setattr(classical, "PRECISION", report)
    return split


def test_every_tagger_gets_as_many_settings_as_the_others():
    counts = {name: len(classical.settings_of(name)) for name in classical.TAGGERS}
    assert set(counts.values()) == {12}
    for name in classical.TAGGERS:
        for setting in classical.settings_of(name):
            classical.build(name, setting)


def test_the_study_stores_trials_and_rows_once(small, runs_folder):
    plan = classical.Study(data=("openclipart",), seeds=3)
    assert classical.study(plan, progress=False) == 2 + 1 + 2 + 3
    trials, rows = (runs.read_rows(name) for name in ("baseline_trials", "baselines"))
    assert not [column for column in trials if column.startswith("test")]
    assert rows.groupby("baseline").seed.count().to_dict() == {
        "knn": 1,
        "relexample": 3,
    }
    assert (rows.test_p_at_3 == 40).all()
    assert {"cpu_seconds", "seconds", "commit", "settings"} <= set(rows)
    assert classical.study(plan, progress=False) == 0
    more = classical.Study(data=("openclipart",), seeds=4)
    assert classical.study(more, progress=False) == 1


def test_an_interrupted_study_goes_on(small, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(classical, "reported", interrupted)
        with pytest.raises(KeyboardInterrupt):
            classical.study(classical.Study(("openclipart",), 1), progress=False)
    assert len(runs.read_rows("baseline_trials")) == 2
    assert classical.study(classical.Study(("openclipart",), 1), progress=False) == 4


def test_the_choice_is_by_validation_alone(small):
    for place, setting in enumerate(classical.settings_of("knn")):
        row = {"data": "toy", "baseline": "knn", "settings": json.dumps(setting)}
        row["validation_precision"] = 0.1 * place
        classical._store(classical.TRIALS, classical.TRIAL_KEY, row)
    assert classical.chosen("toy", "knn") == {"k": 9, "distance": "euclidean"}
    with pytest.raises(LookupError, match="kdgan classical"):
        classical.chosen("toy", "relexample")


def test_a_trial_is_scored_on_validation_and_a_row_on_validation_and_test(small):
    setting, train = {"k": 9, "distance": "euclidean"}, small.train
    tagger = KNN(**setting).fit(train.inputs.numpy(), train.targets.numpy())
    held, final = (
        classical._precision(tagger, part) for part in (small.validation, small.test)
    )
    assert held != final
    assert classical._trial("knn", setting, small)["validation_precision"] == held
    row = classical.reported("knn", setting, 0, small)
    assert (row["validation_precision"], row["test_precision"]) == (held, final)


def test_knn_and_tagprop_together_take_at_most_30_seconds_of_a_core():
    train = load_tags("popular").train
    features, tags = train.inputs.numpy(), train.targets.numpy()
    assert tags.shape == (3_512, 200)
    started = time.process_time()
    for tagger in (KNN(20, "cosine"), TagProp(40, "cosine")):
        scores = tagger.fit(features, tags).predict_proba(features)
        assert scores.shape == tags.shape
    assert time.process_time() - started <= 30


def test_a_task_with_one_label_an_image_is_refused(runs_folder):
    with pytest.raises(ValueError, match="mnist has one label an image"):
        classical.main(["--data", "mnist"])
