"""Keep runs: identity by configuration, atomic records, committed Parquet tables."""

import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

import pandas as pd
import pyarrow as pa
from filelock import FileLock

from kdgan_lib import parquet
from kdgan_lib.files import write_atomically
from kdgan_lib.paths import runs_dir

RUNS, CURVES = "runs", "curves"
GAME = "game"
"""Stage of a curve in which the method itself trains, after all pretraining."""
KEYS = {RUNS: ("run_id",), CURVES: ("run_id", "stage", "epoch")}
TEXTS = ("run_id", "status", "method", "data", "protocol", "stage", "claim", "quantity")
NUMBERS = ("n", "seed", "epoch", "seconds", "test_accuracy", "value", "lo", "hi")
Configuration = Mapping[str, object]


class TableDamaged(RuntimeError):
    """Raised when a table cannot be read."""


def run_id(configuration: Configuration) -> str:
    """Return the identity of a run: a hash of its canonical configuration."""
    canonical = json.dumps(_plain(configuration), sort_keys=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def record(row: Mapping[str, object], curve: pd.DataFrame | None = None) -> None:
    """Store a run: its row and its curve, replacing what the id had before."""
    curve = pd.DataFrame() if curve is None else curve.assign(run_id=row["run_id"])
    append_rows(CURVES, curve, KEYS[CURVES], without={"run_id": row["run_id"]})
    # The row comes last: a run whose row is there is whole.
    append_rows(RUNS, pd.DataFrame([dict(row)]), KEYS[RUNS])


def table() -> pd.DataFrame:
    """Return one row per run; an empty frame with the key columns if there is none."""
    return read_rows(RUNS, ("run_id", "status"))


def curves() -> pd.DataFrame:
    """Return one row per evaluation of each run."""
    return read_rows(CURVES, KEYS[CURVES])


def has_record(identity: str) -> bool:
    """Return whether a run's record is there."""
    return identity in set(table().run_id)


def find(identity: str) -> dict[str, object]:
    """Return the row of the run whose id starts so; raise KeyError with advice."""
    rows = table()
    found = rows[rows.run_id.str.startswith(identity)] if len(rows) else rows
    if len(found) != 1:
        raise KeyError(
            f"{len(found)} runs have an id that starts with '{identity}': "
            "`kdgan runs list` shows them all."
        )
    return found.iloc[0].dropna().to_dict()


def read_rows(name: str, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table of the runs folder; an empty frame if the file does not exist.

    columns: those of the empty frame. Raises TableDamaged if it cannot be read, if a
    page of it does not match its checksum, or if its rows are not what they should be,
    and NotADirectoryError if the folder is a file.
    """
    path = _path(name)
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(
            f"The runs folder {path.parent} is a file: set KDGAN_RUNS to a folder."
        )
    if not path.exists() and not path.is_symlink():
        return pd.DataFrame({column: pd.Series(dtype=object) for column in columns})
    try:
        # Opened once: the file may be replaced between two looks at its path.
        content = io.BytesIO(path.read_bytes())
        found = parquet.read(content).to_pandas()
        _check(found, KEYS.get(name, ()))
    except (PermissionError, MemoryError):  # the table itself is sound
        raise
    except Exception as error:
        raise TableDamaged(
            f"{path} cannot be read ({error}): restore it with "
            f"`git checkout -- {path.name}` in its folder, or delete it and run again."
        ) from error
    return found


def _check(rows: pd.DataFrame, keys: Sequence[str]) -> None:
    """Raise ValueError for a table without its keys, with doubles or of other kinds."""
    if lacking := [key for key in keys if key not in rows]:
        raise ValueError(f"it has no column {', '.join(lacking)}")
    if keys and rows.duplicated(list(keys)).any():
        raise ValueError(f"rows of it have the same {', '.join(keys)}")
    for names, right, kind in (
        (TEXTS, pd.api.types.is_string_dtype, "text"),
        (NUMBERS, pd.api.types.is_numeric_dtype, "numbers"),
    ):
        for name in rows.columns.intersection(list(names)):
            known = rows[name].dropna()
            if len(known) and not right(known):
                raise ValueError(f"its column {name} does not hold {kind}")


def stamps() -> tuple[tuple[str, int, int, int], ...]:
    """Return which tables there are and in what state: another one when one changes."""
    return tuple(
        (str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino)
        for path in sorted(runs_dir().glob("*.parquet"))
        for stat in (path.stat(),)
    )


def append_rows(
    name: str,
    rows: pd.DataFrame,
    key_columns: Iterable[str],
    without: Mapping[str, object] | None = None,
) -> None:
    """Add rows to a table; a row whose key is there already replaces the old one.

    without: by column, the value whose old rows are dropped, whatever their keys. Safe
    with several processes writing at once; a reader sees the old or the new table.
    Raises `DiskFull` with the old table intact.
    """
    path, keys = _path(name), list(key_columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        old = read_rows(name)
        for column, value in (without or {}).items():
            old = old[old[column] != value] if len(old) else old
        parts = [part for part in (old, rows) if len(part)]
        rows = pd.concat(parts, ignore_index=True) if parts else old
        if len(rows):
            # Together, a column has one type: the keys 100 and 100.0 are equal.
            rows = rows[~rows[keys].astype(str).duplicated(keep="last")]
        elif not path.exists():
            return
        table = pa.Table.from_pandas(rows, preserve_index=False)
        write_atomically(path, parquet.packed(table))


def _path(name: str) -> Path:
    return runs_dir() / f"{name}.parquet"


def _plain(value: object) -> object:
    """Return numbers in one canonical form: 1 and 1.0 are the same hyperparameter."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    return int(number) if math.isfinite(number) and number == int(number) else number
