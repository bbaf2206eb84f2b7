"""Gather the verdicts on the 36 cells of Table 1 (T1.1 to T1.36)."""

import math
from collections.abc import Sequence

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.names import label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import released, table1
from kdgan_lib.reports.table1 import COLUMNS, METHODS, Column
from kdgan_lib.stats import FEWEST
from kdgan_lib.verdicts import Verdict, judge

REPRODUCED = 1
"""Points from the paper's mean within which a cell counts as reproduced."""
PARTLY = 3
"""Points above the paper's mean from which a cell counts as another setting."""


def under_others(protocols: Sequence[str] = ("paper", "code")) -> pd.DataFrame:
    """Return what the cells' rule says of the columns run under other protocols.

    Columns and cells with fewer than three runs are left out. KDGAN under `code` as in
    `released.accuracy_of`.
    """
    rows: dict[str, dict[str, object]] = {}
    for protocol in protocols:
        for entry in table1.entries(protocol):
            where = {"data": entry.column.data, "n": entry.column.n}
            claim = claims.paper_cell("T1", method=entry.cell.method, **where)
            accuracy = released.accuracy_of(entry)
            if claim is None or accuracy is None or accuracy.runs < FEWEST:
                continue
            row = rows.setdefault(claim.arguments["method"], {})
            gap = accuracy.mean - entry.paper
            evidence = pd.DataFrame([{"quantity": "difference", "value": gap}])
            verdict = claims.apply_rule(claim.rule, evidence)
            title = f"{entry.column.title(protocol)}, `{protocol}`"
            row[title] = f"{verdict} ({gap:+.1f})"
    known = [{"method": label_of(m), **rows[m]} for m in METHODS if m in rows]
    return pd.DataFrame(known).fillna("–")


def under_controlled() -> pd.DataFrame:
    """Return the verdicts on the 36 cells of Table 1, laid out as the table is."""
    rows = {name: {"method": label_of(name)} for name in METHODS}
    for judged in _judged_cells():
        given = judged.claim.arguments
        heading = Column(given["data"], given["n"]).title("controlled")
        rows[given["method"]][heading] = _cell_verdict(judged)
    return pd.DataFrame(list(rows.values()))


def _judged_cells() -> list[Verdict]:
    """Return the verdicts on T1.1 to T1.36."""
    return [
        judge(claim.id)
        for claim in claims.ledger().values()
        if claim.measure == "accuracy" and claim.id.startswith("T1.")
    ]


def _cell_verdict(judged: Verdict) -> str:
    """Return a cell's verdict, and how far our mean is from the paper's, in points."""
    text = f"{judged.claim.id}: {judged.verdict}"
    gap = _gap(judged)
    return text if math.isnan(gap) else f"{text} ({gap:+.1f})"


def _gap(judged: Verdict) -> float:
    """Return our mean minus the paper's in points; NaN where nothing was run."""
    if judged.evidence.empty:
        return math.nan
    return float(judged.evidence.set_index("quantity")["value"]["difference"])


def counts() -> str:
    """Return in words how many cells of Table 1 have which verdict, and what of it."""
    found = pd.Series([judged.verdict for judged in _judged_cells()])
    by_verdict = found.value_counts().reindex(claims.VERDICTS).dropna().astype(int)
    said = [f"{count} {verdict}" for verdict, count in by_verdict.items()]
    told = f"Verdicts on Table 1's {len(found)} cells: {listed(said)}."
    return " ".join(filter(None, (told, above(), indistinct())))


def above() -> str:
    """Return in words how many cells are *partly* because ours is far above."""
    count = sum(_gap(judged) > PARTLY for judged in _judged_cells())
    if not count:
        return ""
    return (
        f"{count} of our means in Table 1 lie more than {PARTLY} points above the "
        "paper's, which counts as *partly*: `controlled` is another setting, with "
        "augmentation."
    )


def indistinct() -> str:
    """Return in words how many reproduced cells could as well be another method's.

    They are those of columns where the paper's means are closer than `REPRODUCED`.
    """
    given = [
        judged.claim.arguments
        for judged in _judged_cells()
        if judged.verdict == "reproduced"
    ]
    there = [Column(each["data"], each["n"]) for each in given]
    close = [column for column in COLUMNS if _spread(column) < REPRODUCED]
    count = sum(column in close for column in there)
    if not count:
        return ""
    where = listed([column.title("controlled") for column in close if column in there])
    return (
        f"{count} of the {len(there)} *reproduced* cells are of {where}, where the "
        "paper's six methods are less than a point apart: by the rule one method's "
        "number would pass for another's."
    )


def _spread(column: Column) -> float:
    """Return how far the paper's methods are apart in a column, in points."""
    means = [column.paper(name) for name in METHODS]
    return max(means) - min(means)
