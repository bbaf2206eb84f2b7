import pandas as pd
import pytest

from kdgan_lib import runs, tables
from kdgan_lib.studies import demonstrations


@pytest.fixture
def rows(runs_folder, monkeypatch):
    """Store three rows of a table and start without recorded reads."""
    monkeypatch.setattr(tables, "_READS", {})
    frame = pd.DataFrame(
        {"name": ["a", "b", "b"], "n": [1, 2, 3], "x": [0.5, 1.0, 2.0]}
    )
    runs.append_rows("toy", frame, ["n"])


def test_rows_are_selected_by_equal_values_and_by_lists(rows):
    assert list(tables.rows("toy", name="b").n) == [2, 3]
    assert list(tables.rows("toy", n=[1, 3]).n) == [1, 3]
    assert list(tables.rows("toy", x=1).n) == [2]


def test_an_unknown_column_or_table_gives_no_rows(rows):
    assert tables.rows("toy", colour="red").empty
    assert tables.rows("nothing").empty


def test_what_was_read_is_remembered_and_can_be_read_again(rows):
    tables.rows("toy", name="b", n=[2, 3])
    ((query, digest),) = tables.reads().items()
    assert query == "toy?n=2,3&name=b"
    assert tables.digest_of(query) == digest


def test_the_digest_changes_with_the_rows_read_and_only_with_them(rows):
    before = tables.digest_of("toy?name=b")
    runs.append_rows("toy", pd.DataFrame({"name": ["a"], "n": [4], "x": [0.0]}), ["n"])
    assert tables.digest_of("toy?name=b") == before
    runs.append_rows("toy", pd.DataFrame({"name": ["b"], "n": [2], "x": [9.0]}), ["n"])
    assert tables.digest_of("toy?name=b") != before


def test_the_digest_does_not_depend_on_the_order_of_columns(rows):
    frame = tables.rows("toy")
    assert tables.digest(frame) == tables.digest(frame[["x", "n", "name"]])


def test_missing_rows_name_the_command(rows):
    with pytest.raises(tables.MissingRuns, match="kdgan sweep toy"):
        tables.require(tables.rows("toy", n=9), "kdgan sweep toy")
    assert tables.value("M5", "error") is None


def test_a_demonstration_on_an_empty_folder_leaves_no_read_behind(rows):
    tables.rows("toy", name="b")
    before = tables.reads()
    with demonstrations.empty_runs():
        assert tables.rows("toy", name="b").empty
    assert tables.reads() == before
    assert len(tables.rows("toy", name="b")) == 2


def test_the_digest_does_not_change_when_other_rows_bring_columns_or_floats():
    frame = pd.DataFrame({"name": ["a", "b"], "n": [1, 2]})
    widened = pd.DataFrame({"name": ["a", "b"], "n": [1.0, 2.0], "new": [None, None]})
    assert tables.digest(widened) == tables.digest(frame)
