"""The ledger as a whole: all verdicts, how firm they are, and what is still open."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kdgan_lib import claims, tables
from kdgan_lib.prose import SYMBOLS, evidence_in_words, listed, runs_in_words
from kdgan_lib.reports.verdict_counts import counted
from kdgan_lib.verdicts import Verdict, judge

ANSWERED = ("reproduced", "partly", "not reproduced")
FEW = {
    "computed, no training": 1,
    "1 or 2 runs": 3,
    "3 or 4 runs": 5,
    "5 to 9 runs": 10,
}
MOST = "10 runs or more"
Scale = tuple[Callable[[float], float], Callable[[float], float]]
PLAIN: Scale = (float, float)
RATIO: Scale = (np.log, np.exp)
SAVED: Scale = (
    lambda saved: np.log(1 - saved / 100),
    lambda at: 100 - 100 * np.exp(at),
)
SCALES = {
    "instances_ratio": RATIO,
    "mimic_instances_ratio": RATIO,
    "supervised_instances_ratio": RATIO,
    "spread_ratio": RATIO,
    "speed_up": SAVED,
}
"""Quantities whose mean over seeds is taken on another scale: there, and back."""


@dataclass(frozen=True)
class Entry:
    """State one line of a table that readers filter."""

    page: str
    """Chapter to which the first cell links."""
    anchor: str
    """Place in that chapter."""
    cells: Mapping[str, str]
    """Texts by column, with formulas between dollars and code between backticks."""
    facets: Mapping[str, str]
    """What the line can be chosen by."""


def judged() -> list[Verdict]:
    """Return the verdicts on all claims, in the ledger's order."""
    return [judge(name) for name in claims.ledger()]


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return in words how many claims there are, and how many have which verdict."""
    counts = _counts(verdicts)
    answered = sum(counts[name] for name in ANSWERED)
    if not answered:
        return ""
    said = listed(f"{counts[name]} {name}" for name in ANSWERED)
    half = counts[claims.AT_MOST_PARTLY]
    open_still = (
        f" {half} more {'is' if half == 1 else 'are'} lost as stated, and may still "
        "hold in part."
    )
    return (
        f"Of {len(verdicts)} claims {answered} have an answer: {said}."
        f"{open_still if half else ''} "
        f"{counts['not run']} wait for runs, and {counts['not testable here']} "
        "cannot be tested with what is public."
    )


def where_made() -> str:
    """Return how many stored runs name their processor; empty where none is stored."""
    stored = tables.runs()
    if stored.empty:
        return ""
    named = int(stored.reindex(columns=["processor"]).processor.notna().sum())
    return (
        f"Of {len(stored):,} stored runs {named:,} name the processor that made them; "
        "on its kind `kdgan runs repeat` gives the same bits. The others were made "
        "before rows had that name, on several kinds; elsewhere a run differs in its "
        "last digits at first, and a long game can enlarge that."
    )


def shares(verdicts: Sequence[Verdict], by: str) -> pd.DataFrame:
    """Return the number of claims per verdict for each kind, or for each `runs`.

    Rows are groups, the last one all claims; columns are the verdicts.
    """
    groups = {"kind": claims.KINDS, "runs": (*FEW, MOST)}[by]
    known = [v for v in verdicts if by == "kind" or v.verdict in ANSWERED]
    group = [v.claim.kind if by == "kind" else _effort(v) for v in known]
    columns = claims.VERDICTS if by == "kind" else ANSWERED
    return counted(by, group, [v.verdict for v in known], groups, columns)


def _effort(verdict: Verdict) -> str:
    """Return the class of a verdict by the number of runs behind it."""
    fitting = [name for name, bound in FEW.items() if verdict.fewest < bound]
    return fitting[0] if fitting else MOST


def central(verdicts: Sequence[Verdict], names: Sequence[str]) -> pd.DataFrame:
    """Return the named claims with verdict, evidence and chapter."""
    known = {verdict.claim.id: verdict for verdict in verdicts}
    return pd.DataFrame(
        [
            {
                "claim": f"[{name}]({known[name].claim.chapter}.ipynb)",
                "statement": known[name].claim.statement,
                "verdict": _marked(known[name].verdict),
                "evidence": _evidence(known[name]),
            }
            for name in names
        ]
    )


def entries(verdicts: Iterable[Verdict]) -> list[Entry]:
    """Return a line per claim for the table that readers filter."""
    return [
        Entry(
            page=verdict.claim.chapter,
            anchor=verdict.claim.anchor,
            cells={
                "claim": verdict.claim.id,
                "statement": verdict.claim.statement,
                "verdict": _marked(verdict.verdict),
                "evidence": _evidence(verdict),
            },
            facets={
                "verdict": verdict.verdict,
                "chapter": str(int(verdict.claim.chapter[:2])),
                "kind": verdict.claim.kind,
            },
        )
        for verdict in verdicts
    ]


def reasons(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Return why claims cannot be tested here, with the claims it holds for."""
    why: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.verdict == "not testable here":
            why.setdefault(verdict.claim.untestable, []).append(verdict.claim.id)
    return pd.DataFrame(
        [
            {"claims": spans(names), "number": len(names), "why not": reason}
            for reason, names in why.items()
        ]
    )


def waiting(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Return the commands that claims wait for, with those claims.

    One that is *at most partly* true waits, too, for what tells whether it is.
    """
    by_command: dict[tuple[str, bool], list[str]] = {}
    for verdict in verdicts:
        if verdict.verdict in ("not run", claims.AT_MOST_PARTLY):
            how = _general(verdict.claim), verdict.claim.live
            by_command.setdefault(how, []).append(verdict.claim.id)
    return pd.DataFrame(
        [
            {"claims": spans(names), "number": len(names), "command": f"`{each}`"}
            for (command, live), names in by_command.items()
            for each in [_with_update(command, live, names)]
        ]
    )


def _general(claim: claims.Claim) -> str:
    """Return the command of a claim; for a cell that of its column, all methods."""
    if not claim.place:
        return claim.command
    return re.sub(r" --method \w+", "", claim.command)


def _with_update(command: str, live: bool, names: Sequence[str]) -> str:
    """Return a command, followed by the one that measures what is not live."""
    update = "" if live else f"kdgan claims --update {' '.join(names)}"
    return " && ".join(filter(None, (command, update)))


def changed(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """Return the claims whose rule is not the first one, with when and why."""
    return pd.DataFrame(
        [
            {
                "claim": v.claim.id,
                "rule": v.claim.changed,
                "verdict": _marked(v.verdict),
            }
            for v in verdicts
            if v.claim.changed
        ]
    )


def stretched(verdicts: Iterable[Verdict], width: float) -> list[Verdict]:
    """Return what the rules say when every interval is `width` times as wide.

    0 leaves the values alone; a ratio's interval is stretched over its logarithm. A
    verdict whose rule asks nothing of an interval stays as it is.
    Raises ValueError for a width that is negative or not finite.
    """
    if not 0 <= width < math.inf:
        raise ValueError(f"width must be a number from 0 on, not {width}.")
    return [_stretched(verdict, width) for verdict in verdicts]


def _stretched(verdict: Verdict, width: float) -> Verdict:
    asked = claims.quantities_of(verdict.claim.rule, "interval")
    if verdict.verdict not in ANSWERED or not asked:
        return verdict
    evidence = verdict.evidence.copy()
    for row in evidence.index:
        there, back = SCALES.get(str(evidence.quantity[row]), PLAIN)
        value = there(evidence.value[row])
        for end in ("lo", "hi"):
            far = value + width * (there(evidence.loc[row, end]) - value)
            evidence.loc[row, end] = back(far)
    found = claims.apply_rule(verdict.claim.rule, evidence)
    return replace(verdict, verdict=found, evidence=evidence)


def moves(verdicts: Sequence[Verdict], width: float) -> pd.DataFrame:
    """Return the claims whose verdict is another one with stretched intervals."""
    pairs = zip(verdicts, stretched(verdicts, width), strict=True)
    rows = [
        {
            "claim": before.claim.id,
            "statement": before.claim.statement,
            "verdict": _marked(before.verdict),
            "would be": _marked(after.verdict),
        }
        for before, after in pairs
        if before.verdict != after.verdict
    ]
    return pd.DataFrame(rows)


def moved_in_words(verdicts: Sequence[Verdict], width: float) -> str:
    """Return in words how many verdicts change with stretched intervals."""
    answered = [v for v in verdicts if v.verdict in ANSWERED]
    if not answered:
        return ""
    count = len(moves(verdicts, width))
    verb = "changes" if count == 1 else "change"
    how = f"With intervals {width:g} times as wide" if width else "By the values alone"
    return f"{how} {count or 'none'} of the {len(answered)} answers {verb}."


def grid_of(width: float) -> list[float]:
    """Return widths in steps of a tenth from 0 to 3, or as far as the one given."""
    return [step / 10 for step in range(math.ceil(10 * max(3.0, width)) + 1)]


def by_width(verdicts: Sequence[Verdict], widths: Iterable[float]) -> pd.DataFrame:
    """Return the number of claims per answer when intervals are stretched.

    One row per width, with a column for it and one for each of `ANSWERED`.
    """
    rows = [{"width": w, **_counts(stretched(verdicts, w))} for w in widths]
    return pd.DataFrame(rows, columns=["width", *ANSWERED])


def spans(names: Sequence[str]) -> str:
    """Return claims as a list in which neighbours are joined: `T1.3 to T1.5, S9`."""
    order = {name: place for place, name in enumerate(claims.ledger())}
    runs: list[list[str]] = []
    for name in names:
        if runs and order[name] == order[runs[-1][-1]] + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs
    )


def _counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    found = [verdict.verdict for verdict in verdicts]
    return {name: found.count(name) for name in claims.VERDICTS}


def _marked(verdict: str) -> str:
    return f"{SYMBOLS[verdict]}\N{NO-BREAK SPACE}{verdict}"


def _evidence(verdict: Verdict) -> str:
    """Return what a claim's rule looks at, with its protocol and its runs."""
    if verdict.verdict == "not testable here":
        return verdict.claim.untestable
    if verdict.verdict == "not run":
        return f"`{verdict.command}`"
    said = evidence_in_words(verdict, claims.quantities_of(verdict.claim.rule))
    under = f"`{verdict.claim.protocol}`, " if verdict.runs else ""
    return f"{said}; {under}{runs_in_words(verdict)}"
