"""Read the committed tables, and remember which parts were read.

Chapters read tables through this module only, so that the freshness stamp of a
chapter covers exactly the rows its numbers came from.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pandas as pd

from kdgan_lib import runs as store
from kdgan_lib.declared import identities

_READS: dict[str, str] = {}  # query -> digest; one process is one chapter


class MissingRuns(LookupError):
    """Say that rows are missing, and which one command makes them.

    so_far: quantities that the rows give already; NaN where they tell nothing.
    at_best: those that missing rows may still move, if all of them spoke for the claim.
    """

    def __init__(
        self,
        command: str,
        time: str = "",
        so_far: Mapping[str, Any] | None = None,
        at_best: Mapping[str, float] | None = None,
    ) -> None:
        self.command, self.time = command, time
        self.so_far, self.at_best = dict(so_far or {}), dict(at_best or {})
        super().__init__(f"not run: `{command}`" + (f" ({time})" if time else ""))


def runs(**where: Any) -> pd.DataFrame:
    """Return the stored runs, diverged ones too, whose columns equal `where`."""
    return _read("runs", where)


def curves(**where: Any) -> pd.DataFrame:
    """Return the evaluations, with their run's columns, whose columns equal `where`."""
    return _read("curves", where)


def rows(name: str, /, **where: Any) -> pd.DataFrame:
    """Return the rows of any other committed table whose columns equal `where`."""
    return _read(name, where)


def value(claim: str, quantity: str) -> float | None:
    """Return one measured quantity of a claim's evidence, or None when not run."""
    found = rows("evidence", claim=claim, quantity=quantity)
    return None if found.empty else float(found["value"].iloc[-1])


def game(found: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluations of the game, their updates counted from its start.

    found: what `curves` gave, with the stages of the pretraining.
    """
    if found.empty:
        return found
    playing = found.stage == store.GAME
    kept = found[playing].copy()
    for clock in found.columns.intersection(["player_updates", "classifier_updates"]):
        before = found[~playing].groupby("run_id")[clock].max()
        kept[clock] -= kept.run_id.map(before).fillna(0)
    return kept


def require(frame: pd.DataFrame, command: str, time: str = "") -> pd.DataFrame:
    """Return `frame`; raise `MissingRuns` with the command when it is empty."""
    if frame.empty:
        raise MissingRuns(command, time)
    return frame


def reads() -> dict[str, str]:
    """Return every query of this process with the digest of what it gave."""
    return dict(sorted(_READS.items()))


def remember(query: str, digest: str) -> None:
    """Add one more source to the stamp of the running chapter."""
    _READS[query] = digest


@contextmanager
def unrecorded() -> Iterator[None]:
    """Forget what is read inside a `with` block: it is no source of the chapter."""
    before = dict(_READS)
    try:
        yield
    finally:
        _READS.clear()
        _READS.update(before)


def digest_of(query: str) -> str:
    """Return the digest that `query` gives now."""
    return _answer(query, store.stamps())[1]


def digest(frame: pd.DataFrame) -> str:
    """Return a short hash of a table's rows and of the columns that say something.

    Other rows of the same file may bring columns, or turn whole numbers into floats.
    """
    known = frame.dropna(axis=1, how="all")
    known = known.astype(dict.fromkeys(known.select_dtypes("number"), float))
    ordered = known[sorted(known.columns)]
    text = ordered.to_csv(index=False, float_format="%.9g")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(name: str, where: Mapping[str, Any]) -> pd.DataFrame:
    query = name + "?" + "&".join(f"{key}={_text(where[key])}" for key in sorted(where))
    query = query.rstrip("?")
    frame, found = _answer(query, store.stamps())
    remember(query, found)
    return frame.copy()  # which the caller may change


@lru_cache(maxsize=256)
def _answer(query: str, stamps: tuple) -> tuple[pd.DataFrame, str]:
    """Return what a query gives, and its digest, as long as the files are the same."""
    name, _, text = query.partition("?")
    where = dict(part.split("=", 1) for part in text.split("&") if part)
    frame = _select(_whole(name), where)
    return frame, digest(frame)


def _whole(name: str) -> pd.DataFrame:
    """Return a table; evaluations carry the columns of their run along."""
    if name == "runs":
        return store.table()
    if name != "curves":
        return store.read_rows(name)
    curves, runs = store.curves(), store.table()
    own = [column for column in runs if column == "run_id" or column not in curves]
    return curves.merge(runs[own], on="run_id", how="inner")


def _select(frame: pd.DataFrame, where: Mapping[str, str]) -> pd.DataFrame:
    """Keep the rows equal to `where`; a table without a column has no such rows.

    `grid` is no column: it keeps the runs that the declared grid of that name holds.
    """
    for column, value in where.items():
        if column == "grid":
            frame = frame[frame.run_id.isin(identities(value))]
            continue
        if column not in frame:
            return frame.iloc[:0]
        frame = frame[frame[column].map(_text).isin(value.split(","))]
    return frame.reset_index(drop=True)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_text(part) for part in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
