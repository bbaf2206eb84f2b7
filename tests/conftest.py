"""Keep every test on one thread, off the network and out of the committed tables."""

import pytest
import torch
from hypothesis import settings

# The same examples every time; `pytest --hypothesis-profile explore` draws new ones.
settings.register_profile("book", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=300)
settings.load_profile("book")
torch.set_num_threads(1)


@pytest.fixture
def runs_folder(tmp_path, monkeypatch):
    """Point the run tables at an empty folder."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("KDGAN_RUNS", str(folder))
    return folder
