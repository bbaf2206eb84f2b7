"""A pickle from a package can give arrays of numbers, and do nothing else."""

import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.restricted_pickle import ALLOWED_TYPES, load_arrays


@given(
    code=st.sampled_from(sorted(ALLOWED_TYPES)),
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    protocol=st.sampled_from([3, 4]),
)
def test_arrays_of_numbers_come_back(code, shape, protocol):
    array = np.arange(np.prod(shape)).reshape(shape).astype(code)
    x, [y, none] = load_arrays(pickle.dumps((array, [array, None]), protocol))
    assert none is None
    for back in (x, y):
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


class Command:
    """Run a command when unpickled the usual way."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


HOSTILE = {
    "a command": Command(os.system, "touch BROKEN_IN"),
    "code": Command(eval, "open('BROKEN_IN', 'w')"),
    "a file opened": Command(open, "BROKEN_IN", "w"),
    "an attribute": Command(getattr, "text", "upper"),
    "numpy reading a file": Command(np.fromfile, "/etc/hostname"),
    "an array class called": Command(np.ndarray, (1 << 40,)),
    "an array of objects": np.array([Command(os.system, "touch BROKEN_IN")], object),
    "an empty array of objects": np.empty(3, object),
    "an array of records": np.zeros(2, [("a", "f4"), ("b", "i8")]),
    "a subclass": np.ma.masked_array([1, 2], [0, 1]),
    "a class": Command,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_refused_and_not_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps((np.zeros(2), HOSTILE[name]), protocol=4)
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(content)
    assert os.listdir(tmp_path) == []


def test_a_command_in_the_old_text_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="system is not allowed"):
        load_arrays(b"cos\nsystem\n(S'touch BROKEN_IN'\ntR.")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04", b"no pickle at all", b"\x80\x04]"]
)
def test_bytes_that_are_no_pickle_are_refused(content):
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(content)


@given(cut=st.integers(0, 200))
def test_a_truncated_pickle_is_refused(cut):
    content = pickle.dumps(np.arange(50), protocol=4)
    with pytest.raises(pickle.UnpicklingError):
        load_arrays(content[: min(cut, len(content) - 1)])
