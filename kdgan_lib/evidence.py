"""Measure the claims and write the evidence rows that they are judged by."""

import difflib
import math
from collections.abc import Callable, Iterable
from inspect import signature

import pandas as pd

from kdgan_lib import claims, measures, runs
from kdgan_lib.measures import Quantity
from kdgan_lib.stats import NoPairs
from kdgan_lib.tables import MissingRuns


def update(
    claim_ids: Iterable[str] = (), report: Callable[[str], None] = lambda line: None
) -> int:
    """Measure the claims (all by default), write evidence rows, return how many.

    Claims whose rows are missing are reported and left as they are. Raises ValueError
    for a measure that there is not, or that does not take the claim's arguments.
    """
    written = 0
    for claim in claims.select(claim_ids):
        measure = None if claim.live else _measure_of(claim)
        if measure is None:
            continue
        try:
            rows = evidence_rows(claim, measure)
        except (MissingRuns, NoPairs) as missing:
            report(f"{claim.id}: {missing}")
            continue
        runs.append_rows("evidence", rows, claims.EVIDENCE_KEY)
        written += len(rows)
    return written


def measured_now(claim: claims.Claim) -> pd.DataFrame:
    """Return the evidence rows of a claim; none where runs or measure are missing.

    What a measure that lacks runs has so far comes with the protocol `open`, and with
    a column `at_best`, for what its quantities may still become.
    """
    measure = _measure_of(claim)
    try:
        rows = evidence_rows(claim, measure) if measure else pd.DataFrame()
    except MissingRuns as missing:
        found = [
            {**_row(claim, *item), "at_best": missing.at_best.get(item[0], math.nan)}
            for item in missing.so_far.items()
        ]
        rows = pd.DataFrame(found).assign(protocol=claims.OPEN)
    except NoPairs:
        rows = pd.DataFrame()
    return rows if len(rows) else pd.DataFrame(columns=["quantity", "protocol"])


def _measure_of(claim: claims.Claim) -> measures.Measure | None:
    """Return a claim's measure; None where it cannot be tested here."""
    known = measures.collect()
    if claim.measure in known:
        found = known[claim.measure]
        try:
            signature(found).bind(**claim.arguments)
        except TypeError as error:
            raise ValueError(
                f"{claim.id}: its measure {claim.measure!r} does not take the "
                f"arguments in book/claims.yml ({error})."
            ) from None
        return found
    if claim.untestable:
        return None
    near = difflib.get_close_matches(claim.measure, known, 3, 0.3)
    raise ValueError(
        f"{claim.id}: no measure {claim.measure!r}; near ones are {', '.join(near)}."
    )


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
