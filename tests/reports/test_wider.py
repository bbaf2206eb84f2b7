"""The wider search starts from what is prescribed and is reported from its rows."""

import json

import pandas as pd
import pytest

from kdgan_lib import beyond_grids, declared, runs, tuning
from kdgan_lib.experiments import declare
from kdgan_lib.names import COMPARED
from kdgan_lib.reports import wider
from kdgan_lib.search_spaces import space

WIDE = tuning.Search(wider=True)


@pytest.fixture
def found(monkeypatch):
    """Give two methods a setting that the wider search is said to have found."""
    tried = {name: tuning.prescribed(name, WIDE) for name in ("kdgan", "mimic")}
    tried["kdgan"] |= {"classifier_passes": 3}
    parts = ("hyperparameters", "budget")
    settings = {
        name: dict(zip(parts, tuning.split_settings(values), strict=True))
        for name, values in tried.items()
    }
    monkeypatch.setattr(beyond_grids, "settings", lambda _: settings)
    known = (declared.identities, declared.runs)
    for each in known:
        each.cache_clear()
    yield
    for each in known:
        each.cache_clear()


def store(run, accuracy):
    row = {"run_id": run.id, **run.configuration(), "status": "finished"}
    row |= {"test_accuracy": accuracy, "seconds": 60.0, "device": "cpu"}
    runs.append_rows("runs", pd.DataFrame([row]), ["run_id"])


@pytest.mark.parametrize("name", COMPARED)
def test_the_wider_space_holds_the_prescribed_setting(name):
    wide = space(name, wider=True)
    assert set(wide) > set(space(name))
    for key, value in tuning.prescribed(name, WIDE).items():
        kind, *values = wide[key]
        inside = (
            value in values if kind == "choice" else values[0] <= value <= values[1]
        )
        assert inside, (key, value)


def test_the_wider_search_starts_there_in_a_table_of_its_own(runs_folder, monkeypatch):
    monkeypatch.setattr(tuning, "_score", lambda run, *_: run.seed / 2_000)
    done = tuning.tune("kdgan", search=WIDE, trials=4)
    assert json.loads(done.parameters[0]) == tuning.prescribed("kdgan", WIDE)
    assert done.parameters.nunique() == 4
    assert len(runs.read_rows(tuning.TRIALS)) == 0
    spaces = wider.spaces().set_index("method").searched
    passes = tuning.prescribed("kdgan", WIDE)["classifier_passes"]
    assert f"`classifier_passes` 1, 2 or 3: **{passes}**" in spaces["KDGAN"]
    assert "beta" not in spaces["KDGAN"]  # the first search has it
    assert spaces["MIMIC"].endswith("`classifier_pretraining` 0, 50 or 200")
    table = wider.searched().set_index("method")
    assert table.trials["KDGAN"] == 4
    assert table.changed["KDGAN"] == "nothing"  # all trials have one score


def test_found_settings_are_run_at_the_same_budget(found):
    planned = beyond_grids.wider()
    assert len(planned) == 2 * 5
    by_name = {run.method.name: run for run in planned if run.seed == 0}
    assert by_name["mimic"].id == declare("mimic").id
    kdgan = by_name["kdgan"]
    assert kdgan.method.classifier_passes == 3
    assert 5 * kdgan.budget.epochs <= 3 * declare("kdgan").budget.epochs


def test_nothing_is_said_before_the_search(runs_folder):
    assert wider.searched().empty
    assert wider.accuracies().empty
    assert wider.sentence() == ""


def test_what_was_found_is_compared_with_the_prescribed_setting(found, runs_folder):
    for seed in range(3):
        store(declare("kdgan", seed=seed), 0.90 + seed / 100)
        store(declare("mimic", seed=seed), 0.91 + seed / 100)
    for run in beyond_grids.wider():
        if run.method.name == "kdgan" and run.seed < 3:
            store(run, 0.93 + run.seed / 100)
    table = wider.accuracies().set_index("method")
    assert table.change["KDGAN"].startswith("+3.00")
    assert table["test accuracy"]["KDGAN"].startswith("94.00<br>")
    assert "`kdgan runs show " in table["test accuracy"]["KDGAN"]
    assert table.change["MIMIC"] == "the same runs"
    assert "number 1 of 2, 2.00 points above MIMIC" in wider.sentence()
    assert wider.sentence().endswith(
        f"MIMIC {table['with pretraining']['MIMIC']} and {table.looks['MIMIC']}."
    )
    assert set(table["updates in the game"]) == {"900"}
    mimic = declare("mimic")
    passes = mimic.budget.teacher_pretraining + mimic.budget.classifier_pretraining
    batches = mimic.n // mimic.budget.batch_size
    assert table["with pretraining"]["MIMIC"] == f"{900 + passes * batches:,}"
