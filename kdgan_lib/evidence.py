"""Measure the claims and write the evidence rows that they are judged by."""

from collections.abc import Callable, Iterable

import pandas as pd

from kdgan_lib import claims, measures, runs
from kdgan_lib.measures import Quantity
from kdgan_lib.stats import NoPairs
from kdgan_lib.tables import MissingRuns


def update(
    claim_ids: Iterable[str] = (), report: Callable[[str], None] = lambda line: None
) -> int:
    """Measure the claims (all by default), write evidence rows, return how many.

    Claims whose rows are missing are reported and left as they are.
    """
    known, written = measures.collect(), 0
    for claim in claims.select(claim_ids):
        if claim.live or claim.measure not in known:
            continue
        try:
            rows = evidence_rows(claim, known[claim.measure])
        except MissingRuns as missing:
            report(f"{claim.id}: {missing}")
            continue
        runs.append_rows("evidence", rows, claims.EVIDENCE_KEY)
        written += len(rows)
    return written


def measured_now(claim: claims.Claim) -> pd.DataFrame:
    """Return the evidence rows of a claim; none where runs or measure are missing.

    What a measure that lacks runs has so far comes with the protocol `open`.
    """
    measure = measures.collect().get(claim.measure)
    try:
        rows = evidence_rows(claim, measure) if measure else pd.DataFrame()
    except MissingRuns as missing:
        found = [_row(claim, *item) for item in missing.so_far.items()]
        rows = pd.DataFrame(found).assign(protocol=claims.OPEN)
    except NoPairs:
        rows = pd.DataFrame()
    return rows if len(rows) else pd.DataFrame(columns=["quantity", "protocol"])


def evidence_rows(claim: claims.Claim, measure: measures.Measure) -> pd.DataFrame:
    """Return one row per quantity that the claim's measure gives."""
    measured = measure(**claim.arguments)
    lacking = set(claims.quantities_of(claim.rule)) - set(measured)
    if lacking:
        raise KeyError(f"measure {claim.measure!r} lacks {sorted(lacking)}")
    return pd.DataFrame([_row(claim, *item) for item in measured.items()])


def _row(claim: claims.Claim, name: str, value: float | int | Quantity) -> dict:
    number = value if isinstance(value, Quantity) else Quantity(float(value))
    return {
        "claim": claim.id,
        "measure": claim.measure,
        "quantity": name,
        "value": float(number.value),
        "lo": float("nan") if number.lo is None else float(number.lo),
        "hi": float("nan") if number.hi is None else float(number.hi),
        "unit": number.unit,
        "protocol": number.protocol,
        "runs": int(number.runs),
        "profile": number.profile,
    }
