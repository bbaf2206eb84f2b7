"""Check the run tables: identity, atomic writes, several writers, damaged files."""

import errno
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdgan_lib import parquet, runs
from kdgan_lib.files import DiskFull
from kdgan_lib.paths import ROOT, data_dir, runs_dir

pytestmark = pytest.mark.usefixtures("runs_folder")
values = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.booleans(),
)


def row(number, **more):
    return {"run_id": f"{number:012d}", "status": "finished", "seed": number, **more}


def write_rows(writer, count):
    """Append rows from a process of its own; writers' rows interleave."""
    for number in range(count):
        runs.append_rows("shared", pd.DataFrame([{"w": writer, "i": number}]), "wi")


@given(st.dictionaries(st.text(max_size=8), values, max_size=6), st.randoms())
def test_identity_does_not_depend_on_the_order_of_the_keys(configuration, random):
    keys = list(configuration)
    random.shuffle(keys)
    shuffled = {key: configuration[key] for key in keys}
    assert runs.run_id(shuffled) == runs.run_id(configuration)
    assert len(runs.run_id(configuration)) == 12


@given(st.integers(-(2**50), 2**50))
def test_a_whole_number_and_its_float_are_the_same_hyperparameter(number):
    assert runs.run_id({"a": number}) == runs.run_id({"a": float(number)})
    assert runs.run_id({"a": {"b": number}}) == runs.run_id({"a": {"b": float(number)}})
    assert runs.run_id({"a": number}) == runs.run_id({"a": np.int64(number)})


def test_a_number_of_numpys_is_the_same_hyperparameter():
    assert runs.run_id({"a": 0.3}) == runs.run_id({"a": np.float64(0.3)})
    assert runs.run_id({"a": 0.5}) == runs.run_id({"a": np.float32(0.5)})
    assert runs.run_id({"a": 10**400}) != runs.run_id({"a": 10**401})


def test_identities_of_stored_runs_never_change():
    assert runs.run_id({"method": "kdgan", "n": 100, "alpha": 0.3}) == "1438b21d28f0"


@pytest.mark.parametrize(
    "other", [{"a": 2}, {"a": 1.5}, {"a": "1"}, {"a": True}, {"b": 1}, {"a": 1, "b": 1}]
)
def test_another_configuration_has_another_identity(other):
    assert runs.run_id(other) != runs.run_id({"a": 1})


def test_an_empty_folder_has_empty_tables():
    assert list(runs.table().columns) == ["run_id", "status"]
    assert runs.table().empty
    assert runs.curves().empty
    assert not runs.has_record("x")


def test_the_environment_names_the_folder_and_the_books_is_the_default(
    runs_folder, monkeypatch
):
    runs.record(row(1))
    assert (runs_folder / "runs.parquet").exists()
    monkeypatch.delenv("KDGAN_RUNS")
    assert runs_dir() == ROOT / "book" / "runs"


def test_an_empty_variable_counts_as_unset(monkeypatch):
    homes = {"KDGAN_RUNS": runs_dir, "KDGAN_DATA": data_dir}
    for variable, home in homes.items():
        monkeypatch.delenv(variable, raising=False)
        default = home()
        monkeypatch.setenv(variable, "")
        assert home() == default
        assert home() != Path()


def test_a_table_that_may_not_be_read_is_not_called_damaged(monkeypatch):
    runs.record(row(1))

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(PermissionError):
        runs.table()


def test_a_record_holds_its_row_and_its_curve():
    curve = pd.DataFrame({"stage": ["game", "game"], "epoch": [1, 2], "loss": [2.0, 1]})
    runs.record(row(1), curve)
    assert runs.has_record(row(1)["run_id"])
    assert list(runs.curves().loss) == [2.0, 1.0]
    assert set(runs.curves().run_id) == {row(1)["run_id"]}


def test_a_second_record_of_a_run_replaces_the_first():
    curve = pd.DataFrame({"stage": ["game"], "epoch": [1], "loss": [2.0]})
    runs.record(row(1, accuracy=0.1), curve)
    runs.record(row(2, accuracy=0.2), curve)
    runs.record(row(1, accuracy=0.3), curve.assign(loss=9.0))
    assert dict(zip(runs.table().seed, runs.table().accuracy, strict=True)) == {
        1: 0.3,
        2: 0.2,
    }
    assert sorted(runs.curves().loss) == [2.0, 9.0]


@pytest.mark.parametrize("left", [1, 0])
def test_no_point_of_an_earlier_curve_outlives_a_second_record(left):
    curve = pd.DataFrame({"stage": "game", "epoch": [1, 2, 3], "loss": 2.0})
    runs.record(row(1), curve)
    runs.record(row(2), curve)
    runs.record(row(1, status="diverged"), curve[:left] if left else None)
    assert runs.curves().groupby("run_id").size().sum() == 3 + left
    runs.record(row(2, status="diverged"))
    assert len(runs.curves()) == left
    runs.record(row(2), curve)
    assert len(runs.curves()) == 3 + left


def test_a_row_written_last_marks_a_run_whose_curve_is_there(monkeypatch):
    # Killed between the two writes, the run counts as not finished.
    append, calls = runs.append_rows, []

    def once(name, *rest, **named):
        calls.append(name)
        if len(calls) > 1:
            raise KeyboardInterrupt
        append(name, *rest, **named)

    monkeypatch.setattr(runs, "append_rows", once)
    curve = pd.DataFrame({"stage": ["game"], "epoch": [1]})
    with pytest.raises(KeyboardInterrupt):
        runs.record(row(1), curve)
    assert calls == ["curves", "runs"]
    assert not runs.has_record(row(1)["run_id"])


def test_rows_of_different_columns_share_a_table():
    runs.record(row(1, alpha=0.5))
    runs.record(row(2, estimator="exact", draws=3))
    found = runs.table().set_index("seed")
    assert found.alpha[1] == 0.5
    assert pd.isna(found.alpha[2])
    assert found.estimator[2] == "exact"
    assert "alpha" not in runs.find("000000000002")


def test_equal_rows_within_one_call_are_stored_once():
    rows = pd.DataFrame({"key": ["a", "a", "b"], "value": [1, 2, 3]})
    runs.append_rows("other", rows, ["key"])
    assert list(runs.read_rows("other").value) == [2, 3]


def test_a_key_that_became_a_float_still_replaces_its_row():
    runs.append_rows("trials", pd.DataFrame({"n": [100], "score": [0.1]}), ["n"])
    runs.append_rows("trials", pd.DataFrame({"n": [100.0], "score": [0.2]}), ["n"])
    assert list(runs.read_rows("trials").score) == [0.2]


def test_a_missing_key_column_of_the_old_table_is_no_error():
    runs.append_rows("evidence", pd.DataFrame({"claim": ["a"], "x": [1.0]}), ["claim"])
    more = pd.DataFrame({"claim": ["b"], "quantity": ["q"], "x": [2.0]})
    runs.append_rows("evidence", more, ["claim", "quantity"])
    assert len(runs.read_rows("evidence")) == 2


def test_the_beginning_of_an_id_finds_its_run():
    runs.record({"run_id": "abc123", "status": "finished"})
    runs.record({"run_id": "abd456", "status": "finished"})
    assert runs.find("abc")["run_id"] == "abc123"
    with pytest.raises(KeyError, match="2 runs have an id that starts with 'ab'"):
        runs.find("ab")
    with pytest.raises(KeyError, match=r"0 runs .* `kdgan runs list`"):
        runs.find("x")


@pytest.mark.parametrize("content", [b"", b"PAR1 not really", "half"])
def test_a_damaged_table_is_named_with_what_to_do_and_not_overwritten(
    content, runs_folder
):
    runs.record(row(1))
    path = runs_folder / "runs.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    damaged = path.read_bytes()
    for use in (runs.table, lambda: runs.record(row(2))):
        with pytest.raises(runs.TableDamaged, match=r"git checkout -- runs\.parquet"):
            use()
    assert path.read_bytes() == damaged


def test_no_changed_bit_of_a_table_is_read_as_a_number(runs_folder):
    runs.append_rows("runs", pd.DataFrame([row(n) for n in range(50)]), ["run_id"])
    path = runs_folder / "runs.parquet"
    stored, whole = runs.table(), path.read_bytes()
    for place in range(4, len(whole), len(whole) // 60):
        changed = bytearray(whole)
        changed[place] ^= 32
        path.write_bytes(changed)
        try:
            pd.testing.assert_frame_equal(runs.table(), stored)
        except runs.TableDamaged:
            continue


def test_a_table_of_something_else_is_damaged(runs_folder):
    runs_folder.mkdir()
    pd.DataFrame({"a": [1.0]}).to_parquet(runs_folder / "runs.parquet")
    with pytest.raises(runs.TableDamaged, match="has no column run_id"):
        runs.table()


def test_a_table_whose_rows_are_there_twice_is_damaged(runs_folder):
    runs.record(row(1))
    path = runs_folder / "runs.parquet"
    twice = pd.concat([pd.read_parquet(path)] * 2)
    twice.to_parquet(path)
    with pytest.raises(runs.TableDamaged, match="rows of it have the same run_id"):
        runs.table()


@pytest.mark.parametrize(("column", "kind"), [("seed", "numbers"), ("run_id", "text")])
def test_a_column_of_another_kind_is_told_before_anything_is_trained(
    runs_folder, column, kind
):
    runs.record(row(1))
    path = runs_folder / "runs.parquet"
    found = pd.read_parquet(path)
    other = found[column].astype(str) if kind == "numbers" else 7
    found.assign(**{column: other}).to_parquet(path)
    with pytest.raises(
        runs.TableDamaged, match=f"its column {column} does not hold {kind}"
    ):
        runs.table()


def test_a_full_memory_says_nothing_against_the_table(monkeypatch):
    runs.record(row(1))

    def full(*_):
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(parquet, "read", full)
    with pytest.raises(MemoryError, match="malloc"):
        runs.table()


def test_a_runs_folder_that_is_a_file_is_not_an_empty_one(runs_folder):
    runs_folder.write_text("")
    with pytest.raises(NotADirectoryError, match="is a file: set KDGAN_RUNS to a fo"):
        runs.table()


def test_a_link_to_a_table_that_is_gone_is_not_an_empty_table(runs_folder):
    runs_folder.mkdir()
    (runs_folder / "runs.parquet").symlink_to(runs_folder / "gone.parquet")
    with pytest.raises(runs.TableDamaged, match="cannot be read"):
        runs.table()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_table_and_says_what_to_do(
    call, runs_folder, monkeypatch
):
    runs.record(row(1))
    before = (runs_folder / "runs.parquet").read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(DiskFull, match="is full: free some space") as caught:
            runs.record(row(2))
    assert "\n" not in str(caught.value)
    assert (runs_folder / "runs.parquet").read_bytes() == before
    assert not list(runs_folder.glob(".*tmp"))
    runs.record(row(2))
    assert list(runs.table().seed) == [1, 2]


def test_four_processes_writing_at_once_lose_nothing():
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_rows, args=(w, 8)) for w in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = runs.read_rows("shared")
    pairs = set(zip(found.w, found.i, strict=True))
    assert pairs == {(w, i) for w in range(4) for i in range(8)}
    assert len(found) == 32


def test_a_reader_beside_a_writer_sees_whole_tables():
    context = multiprocessing.get_context("fork")
    writer = context.Process(target=write_rows, args=(0, 15))
    writer.start()
    sizes = []
    while writer.is_alive():
        sizes.append(len(runs.read_rows("shared")))
    writer.join()
    assert sizes == sorted(sizes)
    assert len(runs.read_rows("shared")) == 15
