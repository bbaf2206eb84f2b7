"""Check the command line: help, exit codes, and what is said after a mistake."""

import errno
import os
import re
import signal
import subprocess
import sys

import pyarrow as pa
import pytest

from kdgan_lib import claims, cli, memory, paths, runs
from kdgan_lib.budget import Budget
from kdgan_lib.commands import train
from kdgan_lib.data import DataMissing
from kdgan_lib.declared import identities
from kdgan_lib.methods import METHODS
from kdgan_lib.paths import ROOT, advice
from kdgan_lib.train import Training

pytestmark = pytest.mark.usefixtures("runs_folder")
SMOKE = ["train", "--profile", "smoke", "--method"]


def call(capsys, *arguments):
    """Return exit code, standard output and standard error of one command."""
    try:
        code = cli.main(list(arguments))
    except SystemExit as left:
        code = left.code
    return code, *capsys.readouterr()


def parse(*arguments):
    return train.parse_run(list(arguments))


def test_help_names_every_command(capsys):
    code, output, _ = call(capsys, "--help")
    assert code == 0
    for name in ("train", "sweep", "tune", "runs", "data", "bench", "book", "claims"):
        assert name in output


def test_the_help_has_room_between_a_command_and_its_text(capsys):
    _, output, _ = call(capsys)
    for name, (_, text) in cli.COMMANDS.items():
        assert f"  {name} " in output
        assert f"  {text}\n" in output


@pytest.fixture
def own_process(monkeypatch):
    """Let a command think that this process is its own; undo what it arranges."""
    monkeypatch.setattr(cli, "keep_freed_memory", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("own_process")
def test_a_command_that_is_told_to_end_says_so_as_when_interrupted(capsys, monkeypatch):
    monkeypatch.setattr(cli, "_run", lambda given: signal.raise_signal(signal.SIGTERM))
    assert cli.main() == 130
    assert capsys.readouterr().err.startswith("Interrupted")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [[], ["data", "--help"]])
def test_an_output_that_cannot_be_written_is_one_sentence(arguments):
    command = [sys.executable, "-m", "kdgan_lib.cli", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert done.returncode == 1
    assert done.stderr.endswith(
        ": the output cannot be written (No space left on device): send it elsewhere.\n"
    )
    assert done.stderr.count("\n") == 1


def test_a_failure_without_words_is_named_and_is_no_success(capsys, monkeypatch):
    def fail(given):
        raise NotImplementedError

    monkeypatch.setattr(cli, "_run", fail)
    code, _, error = call(capsys, "data")
    assert (code, error) == (1, "kdgan data: NotImplementedError\n")


@pytest.mark.usefixtures("own_process")
def test_only_a_process_of_the_command_s_own_keeps_its_memory(capsys, monkeypatch):
    kept = []
    monkeypatch.setattr(cli, "keep_freed_memory", lambda: kept.append(True))
    call(capsys, "--help")
    assert kept == []
    monkeypatch.setattr(sys, "argv", ["kdgan", "--help"])
    assert cli.main() == 0
    assert kept == [True]


def test_no_command_shows_the_help_and_is_a_wrong_call(capsys):
    code, output, _ = call(capsys)
    assert code == 2
    assert "usage: kdgan COMMAND" in output


def test_an_unknown_command_names_the_commands(capsys):
    code, _, error = call(capsys, "trian")
    assert code == 2
    assert "no command 'trian'; choose from train, sweep, tune, table" in error


def test_help_of_train_comes_from_the_fields_documentation(capsys):
    code, output, _ = call(capsys, "train", "--help", "--method", "kdgan")
    assert code == 0
    flat = " ".join(output.replace("│", " ").split())
    for text in (
        "--alpha",
        "Weight of C's adversarial term",
        "--classifier-lr",
        "Examples per update.",
        "--device",
        "controlled",
    ):
        assert text in flat


def test_help_of_a_method_shows_its_own_settings_and_no_others(capsys):
    _, output, _ = call(capsys, "train", "--help", "--method", "distn")
    assert "--distillation-temperature" in output
    assert "--alpha" not in output


@pytest.mark.parametrize("command", ["sweep", "tune", "runs", "data", "bench"])
def test_every_command_has_help(command, capsys):
    code, output, _ = call(capsys, command, "--help")
    assert code == 0
    assert output.startswith("usage: ")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--method", "kdgna", list(METHODS)),
        ("--protocol", "mine", ["controlled", "paper", "code"]),
        ("--profile", "tiny", ["smoke", "book", "paper"]),
        ("--device", "tpu", ["auto", "cpu", "cuda"]),
        ("--estimator", "magic", ["exact", "reinforce", "pathwise"]),
        ("--selection", "test", ["validation", "last", "best_test"]),
        ("--data", "emnist", ["mnist"]),
    ],
)
def test_a_wrong_value_names_the_allowed_ones(option, value, allowed, capsys):
    code, _, error = call(capsys, "train", option, value)
    assert code == 2
    for name in allowed:
        assert name in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--n", "0"], "n must be at least 1 training example, not 0."),
        (["--n", "-3"], "n must be at least 1 training example, not -3."),
        (["--alpha", "2"], "alpha must be at least 0 and at most 1, not 2.0."),
        (["--batch-size", "0"], "batch_size must be at least 1, not 0."),
        (["--selection", "best_test"], "selects on validation"),
        (["--n", "60000"], "n for MNIST under 'controlled' must be a whole number"),
        (["--threads", "0"], "threads must be at least 1 and at most 1024, not 0."),
        (["--threads", "100000"], "at least 1 and at most 1024, not 100000."),
        (["--checkpoint-seconds", "nan"], "at least 0 and finite, not nan."),
        (["--checkpoint-seconds", "-1"], "checkpoint_seconds must be at least 0, not"),
        *(
            ([f"--{name}", "1000000000"], "must be at most 1,000,000, not 1,000,000,0")
            for name in ("batch-size", "draws", "evaluated", "test-every")
        ),
        *(
            (["--variant", name], "MNIST has no networks")
            for name in ("h99999999999", "h0", "h²", "h" + "9" * 5_000)
        ),
    ],
)
def test_a_value_that_no_run_could_honour_is_one_sentence(arguments, sentence, capsys):
    code, _, error = call(capsys, *SMOKE, "kdgan", *arguments)
    assert code in (1, 2)
    assert sentence in " ".join(error.replace("│", " ").split())
    assert "Traceback" not in error
    assert runs.table().empty


@pytest.mark.parametrize(
    "arguments",
    [
        *(["bench", option, "0"] for option in ("--threads", "--batch-size")),
        ["bench", "--repeats", "0"],
        ["sweep", "figure3a", "--workers", "0"],
    ],
)
def test_a_number_that_must_not_be_0_is_named(arguments, capsys):
    code, _, error = call(capsys, *arguments)
    assert code == 2
    name = arguments[-2].removeprefix("--").replace("-", "_")
    assert re.search(rf"{name} must be (above 0|at least 1).*, not 0\.", error)


def test_an_option_that_no_stored_run_has_is_refused(runs_folder, capsys):
    runs.record({"run_id": "abc", "method": "kdgan", "data": "mnist", "n": 100})
    code, _, said = call(capsys, "runs", "list", "--method", "kdgen")
    assert code == 1
    assert "no stored run has the method kdgen; stored are kdgan." in said


def test_the_runs_of_a_grid_are_listed(runs_folder, capsys):
    shared = {"data": "mnist", "n": 100, "protocol": "controlled", "seed": 0}
    known = min(identities("table1"))
    for name in ("other", known):
        runs.record({"run_id": name, "method": "kdgan", "status": "finished"} | shared)
    _, said, _ = call(capsys, "runs", "list", "--grid", "table1")
    assert known in said
    assert "other" not in said
    code, _, said = call(capsys, "runs", "list", "--grid", "table9")
    assert code == 1
    assert "no grid table9; choose from figure3a, table1" in said


def test_an_option_of_another_method_is_refused(capsys):
    code, _, error = call(capsys, *SMOKE, "supervised", "--alpha", "0.5")
    assert code == 2
    assert "--alpha" in error


def test_options_change_the_run_and_leave_the_rest_as_the_protocol_has_it():
    run, execution = parse(
        *("--method", "kdgan", "--protocol", "code", "--n", "1000", "--seed", "4"),
        *("--beta", "0.5", "--teacher-lr", "0.01", "--threads", "2"),
    )
    assert (run.method.name, run.n, run.seed, run.protocol) == (
        "kdgan",
        1000,
        4,
        "code",
    )
    assert (run.method.beta, run.budget.teacher_lr) == (0.5, 0.01)
    assert run.method.discriminator_passes == 20
    assert run.budget.classifier_lr == 5e-4
    assert execution.threads == 2


def test_how_a_run_is_executed_is_no_part_of_its_identity():
    first, _ = parse("--method", "mimic")
    second, _ = parse("--method", "mimic", "--device", "cpu", "--threads", "2")
    assert first.id == second.id


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_asked_for(name):
    run, _ = parse("--method", name)
    assert run.method.name == name
    assert isinstance(run.budget, Budget)


def test_train_stores_a_run_on_mnist_and_does_not_repeat_it(capsys, runs_folder):
    code, output, _ = call(capsys, *SMOKE, "supervised", "--device", "auto")
    assert code == 0
    assert "supervised, mnist n = 100, controlled, seed 0: test accuracy" in output
    (row,) = runs.table().to_dict("records")
    assert row["status"] == "finished"
    for column in (
        *("method", "data", "n", "protocol", "profile", "seed", "classifier_lr"),
        *("test_accuracy", "last_test_accuracy", "best_test_accuracy", "commit"),
        *("player_updates", "classifier_updates", "epochs_run", "seconds"),
        *("device", "torch", "python", "threads", "weights_digest"),
    ):
        assert column in row
    assert set(runs.curves().run_id) == {row["run_id"]}
    assert not list((runs_folder / "work").glob(f"{row['run_id']}*"))

    code, output, _ = call(capsys, *SMOKE, "supervised", "--device", "cpu")
    assert code == 0
    assert f"{row['run_id']} (stored before)" in output
    assert runs.table().seconds[0] == row["seconds"]

    code, output, _ = call(capsys, *SMOKE, "supervised", "--force")
    assert "stored before" not in output
    (again,) = runs.table().to_dict("records")
    assert again["weights_digest"] == row["weights_digest"]


def test_a_diverged_run_is_recorded_and_exits_with_3(capsys, runs_folder):
    arguments = [*SMOKE, "supervised", "--classifier-lr", "1e30"]
    for _ in range(2):  # the second time from the record
        code, _, error = call(capsys, *arguments)
        assert code == 3
        assert "classifier" in error
        assert "lower classifier_lr" in error
    (row,) = runs.table().to_dict("records")
    assert row["status"] == "diverged"
    assert "update" in row["reason"]
    assert not list((runs_folder / "work").glob(f"{row['run_id']}*"))


def test_an_interrupted_run_exits_with_130_and_goes_on_to_the_same_bits(
    capsys, runs_folder, tmp_path, monkeypatch
):
    arguments = [*SMOKE, "supervised", "--checkpoint-seconds", "0"]
    epoch, done = Training.outer_epoch, []

    def interrupted(*place):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(epoch(*place))

    with monkeypatch.context() as patch:
        patch.setattr(Training, "outer_epoch", interrupted)
        assert call(capsys, *arguments)[0] == 130
    assert runs.table().empty
    assert list((runs_folder / "work").glob("*/step-*.pt"))
    assert call(capsys, *arguments)[0] == 0
    resumed, curve = runs.table().weights_digest[0], runs.curves()
    monkeypatch.setenv("KDGAN_RUNS", str(tmp_path / "whole"))
    assert call(capsys, *arguments)[0] == 0
    assert runs.table().weights_digest[0] == resumed
    assert runs.curves().equals(curve)


def test_a_run_that_goes_on_with_other_threads_is_stored_as_such(capsys, monkeypatch):
    arguments = [*SMOKE, "supervised", "--checkpoint-seconds", "0", "--threads"]
    epoch, done = Training.outer_epoch, []

    def interrupted(*place):
        if done:
            raise KeyboardInterrupt
        done.append(epoch(*place))

    with monkeypatch.context() as patch:
        patch.setattr(Training, "outer_epoch", interrupted)
        assert call(capsys, *arguments, "2")[0] == 130
    with pytest.warns(UserWarning, match="threads=2.* and goes on with .*threads=1"):
        assert call(capsys, *arguments, "1")[0] == 0
    first, second = runs.table().contexts[0].split("; then ")
    assert ("threads=2" in first, "threads=1" in second) == (True, True)


def test_a_forced_run_that_was_interrupted_goes_on_without_force(
    capsys, runs_folder, monkeypatch
):
    arguments = [*SMOKE, "supervised"]
    assert call(capsys, *arguments)[0] == 0
    (first,) = runs.table().to_dict("records")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "outer_epoch", interrupted)
        code, _, error = call(capsys, *arguments, "--force")
    assert code == 130
    assert "the same command without --force goes on from here." in error
    assert runs.table().seconds[0] == first["seconds"]
    _, output, _ = call(capsys, *arguments)
    assert "stored before" not in output
    (again,) = runs.table().to_dict("records")
    assert again["seconds"] != first["seconds"]
    assert again["weights_digest"] == first["weights_digest"]
    _, output, _ = call(capsys, *arguments)
    assert "stored before" in output
    assert not list((runs_folder / "work").glob(f"{first['run_id']}*"))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train --n 100", "goes on from here"),
        ("train --n 100 --force", "without --force goes on from here"),
        ("sweep figure3a", "goes on from here"),
        ("variance", "goes on from here"),
        ("variance --force", "begins again"),
        ("book run 06", "begins the chapter again"),
        (
            "book execute 02 03",
            "runs all its chapters again; name those still missing to run only them",
        ),
        ("book site", "begins again"),
        ("bench", "begins again"),
    ],
)
def test_an_interrupted_command_says_what_it_does_when_given_again(
    command, said, capsys, monkeypatch
):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_command", lambda name: stop)
    assert call(capsys, *command.split()) == (
        130,
        "",
        f"Interrupted; the same command {said}.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["book", "run"], 2, "Missing from kdgan book run"),
        (["book", "execute", "--profile", "zz"], 2, "kdgan book execute --help"),
        (["book", "run", "99"], 1, "kdgan book: no chapter '99'; choose one of"),
        (
            ["book", "run", "06", "-p", "alpha", "2"],
            1,
            "kdgan book: 06_training_curves",
        ),
        (["claims", "zz"], 1, "kdgan claims: no claim 'zz'"),
    ],
)
def test_mistakes_of_the_book_s_commands_name_the_program(
    arguments, code, said, capsys
):
    found, output, error = call(capsys, *arguments)
    assert (found, output) == (code, "")
    assert said in error


def test_a_claim_that_is_named_comes_with_its_rule_and_its_evidence(capsys):
    code, output, _ = call(capsys, "claims", "T1.38", "S10")
    verdict, statement, rule, evidence, other, *_ = output.splitlines()
    assert (code, verdict, other.split()[0]) == (0, "T1.38    not run", "S10")
    assert statement == f"  {claims.find('T1.38').statement}"
    assert "reproduced if columns best ≥ 6" in rule
    assert "kdgan sweep table1 --protocol controlled" in evidence
    assert "*" not in output
    _, everything, _ = call(capsys, "claims")
    assert len(everything.splitlines()) == len(claims.ledger())


def test_the_bar_of_a_chapter_is_shown_on_a_terminal_only(capsys, monkeypatch):
    asked = []

    def run(chapter, values, output, progress):
        asked.append(progress)

    monkeypatch.setattr("kdgan_lib.notebooks.run", run)
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        call(capsys, "book", "run", "06")
    assert asked == [True, False]


def test_chapters_that_fail_are_told_one_by_one(capsys, monkeypatch):
    failed = {"02_x": "02_x: no.", "03_y": "A process was killed."}
    monkeypatch.setattr("kdgan_lib.notebooks.run_all", lambda *_: failed)
    code, _, error = call(capsys, "book", "execute")
    assert code == 1
    assert error == "02_x: no.\n03_y: A process was killed.\n"


def test_a_full_disk_ends_in_one_sentence(capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, error = call(capsys, *SMOKE, "supervised", "--checkpoint-seconds", "0")
    assert code == 1
    assert "is full: free some space, or set KDGAN_RUNS to a folder on" in error
    assert "Traceback" not in error


def test_runs_list_and_show_print_what_is_stored(capsys):
    assert call(capsys, "runs", "list")[:2] == (
        0,
        "no runs yet: `kdgan train --method mimic` makes one\n",
    )
    for number, name in enumerate(("mimic", "kdgan")):
        run, _ = parse("--method", name)
        runs.record(
            {
                "run_id": f"{number}abc",
                "status": "finished",
                "test_accuracy": 0.5,
                **run.configuration(),
            }
        )
    code, output, _ = call(capsys, "runs", "list")
    assert code == 0
    assert len(output.splitlines()) == 3
    _, output, _ = call(capsys, "runs", "list", "--method", "kdgan")
    assert "1abc" in output
    assert "0abc" not in output
    tags = {"run_id": "2abc", "status": "finished", "data": "openclipart"}
    runs.record(tags | {"test_precision": 0.25})
    _, output, _ = call(capsys, "runs", "list", "--data", "openclipart")
    assert "0.2500" in output
    code, output, _ = call(capsys, "runs", "show", "1a")
    assert code == 0
    assert "alpha" in output
    code, output, _ = call(capsys, "runs", "show", "0a", "1a")
    assert code == 0
    assert [line.split()[1] for line in output.splitlines() if "run_id" in line] == [
        "0abc",
        "1abc",
    ]
    code, _, error = call(capsys, "runs", "show")
    assert code == 2
    assert "Name at least one run" in error
    code, _, error = call(capsys, "runs", "show", "zzz")
    assert code == 1
    assert error == (
        "kdgan runs: 0 runs have an id that starts with 'zzz': `kdgan runs list` "
        "shows them all.\n"
    )


def test_a_damaged_table_ends_in_one_sentence(capsys, runs_folder):
    runs_folder.mkdir()
    (runs_folder / "runs.parquet").write_bytes(b"junk")
    code, _, error = call(capsys, "runs", "list")
    assert code == 1
    assert "cannot be read" in error
    assert "Traceback" not in error


def test_a_sweep_can_be_listed_without_running_it(capsys):
    code, output, _ = call(
        capsys,
        *("sweep", "figure3a", "--dry", "--seeds", "2", "--method", "kdgan", "mimic"),
        *("--protocol", "controlled"),
    )
    assert code == 0
    assert len(output.splitlines()) == 4
    assert runs.table().empty


def test_a_listed_sweep_tells_what_sets_its_runs_apart(capsys):
    code, output, _ = call(capsys, "sweep", "figure4_cifar10", "--dry", "--seeds", "1")
    lines = output.splitlines()
    assert code == 0
    assert len({line.rpartition("gamma=")[2] for line in lines}) == len(lines) > 1
    assert all("cifar10 500 controlled 0 small gamma=" in line for line in lines)


def test_a_sweep_can_be_made_of_chosen_runs(capsys):
    first, *_ = call(capsys, "sweep", "figure3a", "--dry")[1].splitlines()
    identity = first.split()[0]
    code, output, _ = call(capsys, "sweep", "figure3a", "--dry", "--ids", identity)
    assert (code, output.split()[0], output.count("\n")) == (0, identity, 1)


@pytest.mark.parametrize("beside", [True, False])
def test_a_sweep_refuses_ids_that_are_not_of_it(capsys, beside):
    known = call(capsys, "sweep", "figure3a", "--dry")[1].split()[:beside]
    code, _, error = call(
        capsys, "sweep", "figure3a", "--dry", "--ids", "0123456789ab", *known
    )
    assert code == 1
    assert "0123456789ab: not among the runs of figure3a" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *(
            (["sweep", "figure3a", option, "--dry"], f"Name something after {option}")
            for option in ("--ids", "--method", "--data", "--n", "--protocol")
        ),
        (["sweep", "figure3a", "--dry", "--variant"], "or leave it out."),
        (["table", "1", "--protocol"], "Name a protocol after --protocol, or leave"),
        (["classical", "--data"], "data must name a task; choose from openclipart,"),
    ],
)
def test_an_option_that_lists_nothing_is_refused(arguments, said, capsys):
    code, output, error = call(capsys, *arguments)
    assert (code in (1, 2), output) == (True, "")
    assert said in " ".join(error.replace("│", " ").split())


def test_filters_that_leave_no_run_are_refused(capsys):
    code, _, error = call(capsys, "sweep", "figure3a", "--data", "cifar10")
    assert code == 1
    assert "No run of figure3a has these options." in error


@pytest.mark.parametrize(
    ("options", "fitted"),
    [
        (["--data", "openclipart_unnamed"], None),
        (["--data", "openclipart_random"], ("openclipart_random",)),
        (["--seeds", "1"], None),
        (["--method", "mimic"], None),
        ([], ("openclipart", "openclipart_random")),
    ],
)
def test_a_sweep_of_table_2_fits_the_classical_taggers_it_asks_for(
    capsys, monkeypatch, options, fitted
):
    studies = []
    monkeypatch.setattr("kdgan_lib.sweep.sweep", lambda *ignored: {})
    monkeypatch.setattr("kdgan_lib.classical.study", studies.append)
    assert call(capsys, "sweep", "table2", *options)[0] == 0
    assert [study.data for study in studies] == ([fitted] if fitted else [])


def test_predictions_without_fitted_taggers_are_one_sentence(capsys):
    code, _, error = call(capsys, "predictions")
    assert code == 1
    assert "are untried: `kdgan classical` tries them" in error


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("predictions --seed -1", "seed must be from 0 to 4,294,967,295, not -1."),
        ("predictions --seed 4294967296", "4,294,967,295, not 4294967296."),
        ("classical --seeds 0", "seeds must be at least 1, not 0."),
        ("classical --seeds -3", "seeds must be at least 1, not -3."),
    ],
)
def test_a_seed_that_no_fit_has_is_refused_before_anything_is_fitted(
    command, said, capsys, runs_folder
):
    code, _, error = call(capsys, *command.split())
    assert code == 2
    assert said in " ".join(error.replace("│", " ").split())
    assert not runs_folder.exists()


def test_a_wrong_grid_names_the_grids(capsys):
    code, _, error = call(capsys, "sweep", "figure9")
    assert code == 2
    assert "figure3a" in error


@pytest.mark.parametrize(
    ("raised", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on from here"),
        (DataMissing("MNIST is not there."), 1, "kdgan train: MNIST is not there."),
        (RuntimeError("out of memory"), 1, "kdgan train: out of memory"),
        (MemoryError(), 1, "kdgan train: memory is full: end what else is"),
        (pa.ArrowMemoryError("malloc of 7"), 1, "kdgan train: memory is full: end"),
        (
            RuntimeError(f"[enforce fail] {memory.ALLOCATOR}: you tried to allocate 7"),
            1,
            "kdgan train: memory is full: end",
        ),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x cannot be used"),
        (OSError(errno.ENOSPC, "No space left"), 1, "The disk is full: free some"),
        (FileNotFoundError("There is no file x."), 1, "kdgan train: There is no file"),
        (
            ModuleNotFoundError(name="sphinx"),
            1,
            "package sphinx is missing: run",
        ),
    ],
)
def test_what_stops_a_command_decides_its_exit_code(
    raised, code, sentence, capsys, monkeypatch
):
    def stop(*_, **__):
        raise raised

    monkeypatch.setattr(train, "execute", stop)
    found, _, error = call(capsys, *SMOKE, "mimic")
    assert found == code
    assert sentence in error


def test_a_variable_shows_where_a_failure_was_raised(capsys, monkeypatch):
    def stop(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(train, "execute", stop)
    monkeypatch.setenv("KDGAN_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="out of memory"):
        call(capsys, *SMOKE, "mimic")


def test_a_library_without_its_book_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("KDGAN_RUNS")
    assert not paths.runs_dir().is_relative_to(tmp_path)
    code, _, error = call(capsys, "book", "execute")
    assert code == 1
    assert "has no chapters: install the library from a copy of the book's" in error


def test_a_file_in_place_of_the_runs_folder_names_the_variable(capsys, runs_folder):
    runs_folder.write_text("a file")
    code, _, error = call(capsys, *SMOKE, "mimic")
    assert code == 1
    assert error == (
        f"kdgan train: The runs folder {runs_folder} is a file: set KDGAN_RUNS to a "
        "folder.\n"
    )


@pytest.mark.parametrize("variable", ["KDGAN_RUNS", "KDGAN_DATA"])
def test_a_full_disk_names_the_variable_of_its_folder(variable, tmp_path, monkeypatch):
    monkeypatch.setenv(variable, str(tmp_path / "a" / "b"))
    for place in (tmp_path / "a" / "b" / "file", tmp_path / "a"):
        told = advice(OSError(errno.ENOSPC, "No space left on device", str(place)))
        assert told == (
            f"The disk of {place} is full: free some space, or set {variable} to a "
            "folder on another disk, and run this again."
        )
    elsewhere = advice(OSError(errno.EDQUOT, "Quota exceeded", "/elsewhere"))
    assert elsewhere == (
        "The disk of /elsewhere is full: free some space and run this again."
    )


def test_a_missing_data_set_says_how_to_get_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KDGAN_DATA", str(tmp_path / "none"))
    code, _, error = call(capsys, *SMOKE, "supervised")
    assert code == 1
    assert "python -m data_prep mnist" in error
    assert len(error.strip().splitlines()) == 1


def test_the_module_runs_as_a_program_and_warnings_take_one_line(runs_folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "kdgan_lib.cli", "runs", "list"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("no runs yet")
    assert done.stderr == ""
