"""Check that a table is read as it was written, or not at all."""

import io

import numpy as np
import pyarrow as pa
import pytest

from kdgan_lib import parquet

TABLE = pa.table({"a": np.random.default_rng(0).random(999), "b": np.arange(999)})


@pytest.mark.parametrize("level", [None, 15])
def test_a_table_survives_the_round_trip(level):
    content = io.BytesIO(parquet.packed(TABLE, level))
    assert parquet.read(content).equals(TABLE)


def test_only_the_columns_asked_for_are_read(tmp_path):
    (tmp_path / "t.parquet").write_bytes(parquet.packed(TABLE))
    assert parquet.read(tmp_path / "t.parquet", ["b"]).equals(TABLE.select(["b"]))


@pytest.mark.parametrize("place", [200, 2_000, 5_000])
def test_a_changed_bit_among_the_values_is_an_error(place):
    content = bytearray(parquet.packed(TABLE))
    content[place] ^= 1
    with pytest.raises((pa.ArrowException, OSError)):
        parquet.read(io.BytesIO(content))
