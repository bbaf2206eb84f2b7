"""The idx format: what is written is read back, and nothing else is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kdgan_lib.idx import format_idx, parse_idx


@given(arrays(np.uint8, array_shapes(max_dims=3, max_side=5)))
def test_what_is_written_is_read_back(array):
    np.testing.assert_array_equal(parse_idx(format_idx(array)), array)


@given(arrays(np.uint8, array_shapes(max_dims=3, max_side=5)), st.data())
def test_a_cut_or_longer_file_is_refused(array, data):
    content = format_idx(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    for wrong in (content[:cut], content + b"x"):
        with pytest.raises(ValueError, match="idx file"):
            parse_idx(wrong)


@given(st.binary(max_size=40).filter(lambda content: content[:3] != b"\0\0\x08"))
def test_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match="not an idx file"):
        parse_idx(content)


def test_the_header_is_the_published_one():
    content = format_idx(np.zeros((2, 28, 28), np.uint8))
    assert content[:16].hex() == "00000803000000020000001c0000001c"


def test_only_bytes_are_written():
    with pytest.raises(ValueError, match="not float64"):
        format_idx(np.zeros(3))
