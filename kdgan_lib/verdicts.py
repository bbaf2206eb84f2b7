"""Judge the paper's claims: each one's rule, applied to its evidence."""

from dataclasses import dataclass, field

import pandas as pd

from kdgan_lib import claims, tables
from kdgan_lib.claims import AT_MOST_PARTLY, OPEN, Claim, apply_rule, out_of_reach
from kdgan_lib.evidence import measured_now


@dataclass(frozen=True)
class Verdict:
    """Hold the answer to one claim."""

    claim: Claim
    """The claim judged."""
    verdict: str
    """One of `claims.VERDICTS`."""
    evidence: pd.DataFrame
    """The evidence rows it was judged by."""
    so_far: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What is measured of an open claim, on too few runs for its rule."""

    @property
    def runs(self) -> int:
        """Return the number of runs behind the verdict; 0 when exact."""
        return int(self.evidence["runs"].max()) if len(self.evidence) else 0

    @property
    def fewest(self) -> int:
        """Return the least number of runs behind one of its quantities; 0 if exact."""
        known = self.evidence["runs"] if len(self.evidence) else pd.Series(dtype=int)
        return int(known[known > 0].min()) if (known > 0).any() else 0

    @property
    def command(self) -> str:
        """Return the one command that produces the missing evidence."""
        if self.claim.live:
            return self.claim.command
        update = f"kdgan claims --update {self.claim.id}"
        return f"{self.claim.command} && {update}" if self.claim.command else update


def judge(claim_id: str) -> Verdict:
    """Return the verdict on one claim, from the committed evidence rows."""
    claim = claims.find(claim_id)
    tables.remember(f"claim:{claim_id}", claims.digest_of(claim_id))
    evidence = evidence_of(claim)
    if claim.untestable and evidence.empty:
        return Verdict(claim, "not testable here", evidence)
    so_far = evidence.iloc[:0]
    if not evidence.empty:
        so_far = evidence[evidence["protocol"] == OPEN].reset_index(drop=True)
        counts = evidence["protocol"].isin([claim.protocol, "exact"])
        evidence = evidence[counts].reset_index(drop=True)
    if out_of_reach(claim.rule, so_far):
        return Verdict(claim, AT_MOST_PARTLY, so_far)
    return Verdict(claim, apply_rule(claim.rule, evidence), evidence, so_far)


def evidence_of(claim: Claim) -> pd.DataFrame:
    """Return a claim's stored evidence, or what its runs' rows give at this moment."""
    if claim.live:
        return measured_now(claim)
    return tables.rows("evidence", claim=claim.id)
