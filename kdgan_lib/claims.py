"""Read the paper's claims and the rules, fixed before the runs, that judge them."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd

from kdgan_lib import ledger_file
from kdgan_lib.paths import book_dir
from kdgan_lib.stats import FEWEST

AT_MOST_PARTLY = "at most partly"
"""Verdict on a claim that the missing runs could make true in part, but not whole."""
VERDICTS = (
    "reproduced",
    "partly",
    AT_MOST_PARTLY,
    "not reproduced",
    "not testable here",
    "not run",
)
KINDS = ("quantity", "ordering", "theory", "set-up")
OPEN = "open"
"""Protocol of evidence on too few runs for the whole of a rule."""
EVIDENCE_KEY = ["claim", "quantity", "protocol"]


@dataclass(frozen=True)
class Claim:
    """State one claim of the paper and the rule that judges it."""

    id: str
    """Identifier, such as `F3a.1`."""
    kind: str
    """quantity, ordering, theory or set-up."""
    statement: str
    """The claim in our own words, with the paper's number."""
    chapter: str
    """Chapter that answers it."""
    measure: str = ""
    """Name of the measure in `kdgan_lib.measures`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the measure."""
    rule: Mapping[str, Any] = field(default_factory=dict)
    """Conditions for `reproduced` and for `partly`."""
    protocol: str = "exact"
    """Protocol of the evidence that counts."""
    command: str = ""
    """The command that makes the missing rows."""
    paper: float | None = None
    """The paper's number, where it is one number."""
    spread: float | None = None
    """The standard deviation over runs that the paper gives with it."""
    live: bool = False
    """Measure it from the runs' rows whenever it is judged; nothing is stored."""
    changed: str = ""
    """When and why its rule was changed; empty where it is the first one."""
    note: str = ""
    """What its verdict does not say; empty where that is plain."""
    untestable: str = ""
    """Why it cannot be tested here; empty when it can."""
    built: bool = False
    """Whether our code was built to make it hold."""
    place: str = ""
    """Where its verdict stands in the chapter; empty where it has a box."""

    def __post_init__(self) -> None:
        """Raise ValueError for an entry that could not be judged as it is written."""
        for name in ("id", "statement", "chapter"):
            if not getattr(self, name) or not isinstance(getattr(self, name), str):
                raise ValueError(f"its {name} is {getattr(self, name)!r}, not a text")
        if self.kind not in KINDS:
            raise ValueError(f"no kind {self.kind!r}; choose from {', '.join(KINDS)}")
        ledger_file.check_rule(self.rule, OPERATORS)

    @property
    def anchor(self) -> str:
        """Return the place in the chapter's page to which a link leads."""
        return self.place or f"claim-{self.id}"


def ledger() -> dict[str, Claim]:
    """Return every claim by its identifier, in the ledger's order."""
    return {claim.id: claim for claim in _load(str(book_dir() / "claims.yml"))}


def apply_rule(rule: Mapping[str, Any], evidence: pd.DataFrame) -> str:
    """Return the verdict that `rule` gives on evidence rows."""
    records: list[Any] = evidence.to_dict("records")
    quantities = {row["quantity"]: row for row in records}
    wanted = set(quantities_of(rule))
    if not wanted or not wanted <= set(quantities):
        return "not run"
    if any(_too_few_runs(quantities[name]) for name in quantities_of(rule, "interval")):
        return "not run"
    for verdict in ledger_file.RULED:
        if verdict in rule and holds(rule[verdict], quantities):
            return verdict
    return "not reproduced"


def out_of_reach(rule: Mapping[str, Any], so_far: pd.DataFrame) -> bool:
    """Tell whether the missing runs can make a claim true in part, but not whole.

    so_far: evidence rows with a column `at_best`, the value that a quantity has if all
    missing runs speak for the claim; NaN where they do not touch it.
    """
    if so_far.empty:
        return False
    at_best = so_far.assign(value=so_far.at_best.fillna(so_far.value))
    return apply_rule(rule, at_best) == "partly"


def holds(condition: Mapping[str, Any], quantities: Mapping[str, Any]) -> bool:
    """Tell whether a condition of the ledger is true of the measured quantities."""
    if "all" in condition:
        return all(holds(part, quantities) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, quantities) for part in condition["any"])
    row = quantities[condition["quantity"]]
    tests = [(key, bound) for key, bound in condition.items() if key != "quantity"]
    return all(OPERATORS[key](row, bound) for key, bound in tests)


def _too_few_runs(row: Mapping[str, Any]) -> bool:
    """Tell whether a quantity has runs behind it, but too few for an interval."""
    return pd.isna(row.get("lo")) and 0 < row.get("runs", 0) < FEWEST


def _ends(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the interval's ends; a number without an interval is its own ends."""
    lo, hi = (
        row["value"] if pd.isna(row.get(end)) else row[end] for end in ("lo", "hi")
    )
    return float(lo), float(hi)


OPERATORS = {
    "below": lambda row, bound: row["value"] < bound,
    "above": lambda row, bound: row["value"] > bound,
    "at_most": lambda row, bound: row["value"] <= bound,
    "at_least": lambda row, bound: row["value"] >= bound,
    "between": lambda row, bound: bound[0] <= row["value"] <= bound[1],
    "equals": lambda row, bound: row["value"] == bound,
    "interval_above": lambda row, bound: _ends(row)[0] > bound,
    "interval_below": lambda row, bound: _ends(row)[1] < bound,
    "interval_excludes": lambda row, bound: (
        not (_ends(row)[0] <= bound <= _ends(row)[1])
    ),
    "interval_includes": lambda row, bound: _ends(row)[0] <= bound <= _ends(row)[1],
    "interval_within": lambda row, bound: (
        bound[0] <= _ends(row)[0] and _ends(row)[1] <= bound[1]
    ),
}


def quantities_of(rule: Mapping[str, Any], asked: str = "") -> list[str]:
    """Return the names of the quantities a rule speaks of, each once.

    asked: only those of which it asks something that begins so, such as `interval`.
    """
    names: list[str] = []
    for key, part in rule.items():
        if key == "quantity" and any(other.startswith(asked) for other in rule):
            names.append(part)
        elif isinstance(part, Mapping):
            names += quantities_of(part, asked)
        elif key in ("all", "any"):
            names += [name for sub in part for name in quantities_of(sub, asked)]
    return list(dict.fromkeys(names))


def rule_in_words(condition: Mapping[str, Any]) -> str:
    """Return a condition as a phrase, such as `error < 1e-09`."""
    if "all" in condition:
        return " and ".join(rule_in_words(part) for part in condition["all"])
    if "any" in condition:
        return "(" + " or ".join(rule_in_words(part) for part in condition["any"]) + ")"
    name = condition["quantity"].replace("_", " ")
    return " and ".join(
        PHRASES[key].format(name=name, bound=_bound(bound))
        for key, bound in condition.items()
        if key != "quantity"
    )


PHRASES = {
    "below": "{name} < {bound}",
    "above": "{name} > {bound}",
    "at_most": "{name} ≤ {bound}",
    "at_least": "{name} ≥ {bound}",
    "between": "{name} in {bound}",
    "equals": "{name} = {bound}",
    "interval_above": "interval of {name} above {bound}",
    "interval_below": "interval of {name} below {bound}",
    "interval_excludes": "interval of {name} excludes {bound}",
    "interval_includes": "interval of {name} includes {bound}",
    "interval_within": "interval of {name} within {bound}",
}


def _bound(bound: Any) -> str:
    if isinstance(bound, list):
        return "[" + ", ".join(f"{end:g}" for end in bound) + "]"
    return f"{bound:g}"


def digest_of(claim_id: str) -> str:
    """Return a short hash of a claim's entry in the ledger."""
    text = json.dumps(vars(find(claim_id)), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def paper_value(table: str, **cell: Any) -> float:
    """Return the paper's number for a cell of its tables; NaN where it has none."""
    claim = paper_cell(table, **cell)
    return float("nan") if claim is None else float(claim.paper or "nan")


def paper_cell(table: str, **cell: Any) -> Claim | None:
    """Return the claim on a cell of the paper's tables; None where there is none."""
    for claim in ledger().values():
        inside = claim.id.startswith(f"{table}.") and claim.paper is not None
        if inside and cell.items() <= dict(claim.arguments).items():
            return claim
    return None


def select(claim_ids: Iterable[str]) -> list[Claim]:
    """Return the claims named, or all when none is named.

    A name with claims below it stands for them: `T1` for T1.1, T1.2 and so on.
    """
    claims, found = ledger(), []
    for name in claim_ids:
        below = [claim for key, claim in claims.items() if key.startswith(f"{name}.")]
        found += below if below and name not in claims else [find(name)]
    return found or list(claims.values())


def find(claim_id: str) -> Claim:
    """Return one claim; raise ValueError that names near ones."""
    claims = ledger()
    if claim_id not in claims:
        near = difflib.get_close_matches(claim_id, claims, 6, 0.3) or [*claims][:6]
        raise ValueError(
            f"no claim {claim_id!r} in book/claims.yml; some are {', '.join(near)}."
        )
    return claims[claim_id]


@cache
def _load(path: str) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    for entry in ledger_file.entries(path):
        with ledger_file.told(path, entry):
            ledger_file.check_fields(entry, [*Claim.__dataclass_fields__, "cells"])
            claims += _expand(entry) if "cells" in entry else [Claim(**entry)]
    ledger_file.check_unique(path, [claim.id for claim in claims])
    return tuple(claims)


def _expand(entry: Mapping[str, Any]) -> list[Claim]:
    """Turn a table of the paper into one claim per cell, numbered row by row."""
    cells, common = entry["cells"], {k: v for k, v in entry.items() if k != "cells"}
    size = len(cells["columns"])
    found = [
        (row, *cell)
        for row in cells["rows"]
        for cell in zip(
            cells["columns"],
            row["values"],
            row.get("spreads", [None] * size),
            strict=True,
        )
    ]
    return [
        Claim(**{**common, **_cell(common, *cell, place)})
        for place, cell in enumerate(found, start=cells.get("first", 1))
    ]


def _cell(
    common: Mapping[str, Any],
    row: Mapping[str, Any],
    column: Mapping[str, Any],
    value: float,
    spread: float | None,
    place: int,
) -> dict[str, Any]:
    """Return what one cell of a table adds to what all its cells share."""
    facts = {"label": row["label"], "title": column["title"], "value": value}
    own = (row.get("notes", {}).get(column["title"]), column.get("note"))
    return {
        "id": f"{common['id']}.{place}",
        "statement": common["statement"].format(**facts),
        "command": common.get("command", "").format(**row["arguments"], **column),
        "arguments": {**row["arguments"], **column["arguments"], "paper": value},
        "paper": value,
        "spread": spread,
        "note": " ".join(filter(None, own)) or common.get("note", ""),
    }
