"""Check that a block's number of threads ends with the block."""

import pytest
import torch

from kdgan_lib.threads import on_threads


def test_the_number_of_threads_is_the_blocks_own():
    before = torch.get_num_threads()
    with on_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_a_block_that_fails_puts_the_number_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), on_threads(before + 1):
        raise KeyError
    assert torch.get_num_threads() == before
