import pytest

from kdgan_lib import runs
from kdgan_lib.experiments import declare
from kdgan_lib.measures import cells, setup
from kdgan_lib.tables import MissingRuns
from kdgan_lib.verdicts import judge


def test_sizes_of_the_networks_are_the_released_ones():
    assert setup.mlp_size()["parameters"] == 1_276_810
    assert setup.lenet_size()["parameters"] == 3_274_634
    assert setup.mlp_size()["units_of_2_to_20"] == pytest.approx(1.2177, abs=1e-4)


def test_sizes_of_cifars_networks_are_those_of_its_default_players():
    assert setup.cifar_lenet_size()["millions"] == pytest.approx(0.464406)
    assert setup.resnet_size()["millions"] == pytest.approx(1.727962)
    assert setup.cifar_lenet_size()["released_millions"] == pytest.approx(1.756426)
    assert setup.resnet_size()["released_parameters"] == 269_722


def test_missing_data_mean_not_run(monkeypatch, tmp_path):
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path))
    with pytest.raises(MissingRuns, match="data_prep mnist"):
        setup.mnist_size()


def store(seed, accuracy, **changes):
    run = declare("kdgan", seed=seed)
    row = {**run.configuration(), "run_id": run.id, "status": "finished"}
    scores = {"test_accuracy": accuracy, "seconds": 1.0}
    runs.record({**row, **scores, **changes})


def test_a_cell_without_runs_is_missing(runs_folder):
    with pytest.raises(MissingRuns, match="kdgan sweep table1"):
        cells.accuracy("kdgan", "mnist", 100, 77.95)


def test_a_cell_is_the_mean_over_seeds_of_the_prescribed_runs(runs_folder):
    for seed, value in enumerate((0.78, 0.80, 0.82)):
        store(seed, value)
    store(0, 0.10, run_id="another", alpha=0.123)
    found = cells.accuracy("kdgan", "mnist", 100, 77.95)
    assert found["accuracy"].value == pytest.approx(80)
    assert found["accuracy"].runs == 3
    assert found["difference"].value == pytest.approx(80 - 77.95)
    assert found["difference"].lo < 2.05 < found["difference"].hi


def test_runs_per_cell_are_those_of_the_cells_that_have_any(runs_folder):
    with pytest.raises(MissingRuns):
        cells.runs_per_cell()
    for seed in range(4):
        store(seed, 0.8)
    assert cells.runs_per_cell()["fewest_runs"].value == 4
    assert judge("S9").verdict == "not reproduced"


def test_a_table_of_other_runs_is_no_cell(runs_folder):
    store(0, 0.8)
    with pytest.raises(MissingRuns, match="--protocol code --method codis"):
        cells.accuracy("codis", "mnist", 100, 74.02, "code")
