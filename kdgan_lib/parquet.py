"""Write Parquet tables with checksums, and read them only if the checksums hold."""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read(file: Path | io.BytesIO, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a table, or some of its columns.

    Raises pyarrow.ArrowException or OSError if a page does not match its checksum.
    """
    names = None if columns is None else list(columns)
    return pq.read_table(file, columns=names, page_checksum_verification=True)


def packed(table: pa.Table, level: int | None = None) -> bytes:
    """Return the table's file; a lower `level` of Zstandard packs less, but faster."""
    file, how = io.BytesIO(), {"compression": "zstd", "compression_level": level}
    pq.write_table(table, file, write_page_checksum=True, **how)
    return file.getvalue()
