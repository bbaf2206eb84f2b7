import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from kdgan_lib.baselines import neighbours


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    k=st.integers(1, 8),
    distance=st.sampled_from(["euclidean", "cosine"]),
)
def test_neighbours_are_scikit_learns(seed, k, distance):
    rng = np.random.default_rng(seed)
    references = rng.normal(size=(30, 4)).astype(np.float32)
    queries = rng.normal(size=(9, 4)).astype(np.float32)
    other = NearestNeighbors(n_neighbors=k, metric=distance).fit(references)
    expected = other.kneighbors(queries, return_distance=False)
    assert (neighbours.nearest(queries, references, k, distance) == expected).all()


def test_leaving_one_out_never_returns_the_query_itself(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    features = np.random.default_rng(0).normal(size=(20, 3))
    found = neighbours.nearest(features, features, 19, leave_one_out=True)
    assert all(set(row) == set(range(20)) - {i} for i, row in enumerate(found))


def test_blocks_do_not_change_the_answer(monkeypatch):
    features = np.random.default_rng(0).normal(size=(50, 3))
    whole = neighbours.nearest(features, features, 5, leave_one_out=True)
    monkeypatch.setattr(neighbours, "BLOCK", 8)
    blocks = neighbours.nearest(features, features, 5, leave_one_out=True)
    assert (whole == blocks).all()


def test_of_equally_near_references_the_first_comes_first():
    references = np.array([[1.0], [-1.0], [1.0], [5.0]])
    found = neighbours.nearest(np.zeros((1, 1)), references, 4)
    assert found.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("k", [0, 4])
def test_a_wrong_k_is_refused_with_the_allowed_range(k):
    features = np.zeros((4, 1))
    with pytest.raises(ValueError, match="from 1 to the 3"):
        neighbours.nearest(features, features, k, leave_one_out=True)


def test_an_unknown_distance_is_refused():
    with pytest.raises(ValueError, match="euclidean"):
        neighbours.nearest(np.zeros((1, 1)), np.zeros((1, 1)), 1, "taxi")
