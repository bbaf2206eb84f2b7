"""Compare forms of distillation where each was tuned apart, and with labels (M21)."""

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.prose import about_zero, listed
from kdgan_lib.reports import table1
from kdgan_lib.reports.table1 import COLUMNS
from kdgan_lib.stats import Difference, paired_difference, shared_difference, signed

LABELS = ("labels", 1.0)
"""The student without a teacher, by loss and temperature."""
WORDS = {"kl": "KL", "l2": "L2 on logits", "l2_logits": "L2 on logits"}
"""Losses by their names in code."""
HEADINGS = {"T": "temperature", "mean": "accuracy, %", "std": "sd", "size": "seeds"}
"""How the chapter's table of students heads its columns."""


def tuned_apart() -> str:
    """Return DISTN (KL) minus MIMIC (L2 on logits) by column of Table 1; empty if none.

    In points under `controlled`, paired by seed, with what the rule of M21 would call
    each. Columns in which they share fewer than three seeds are left out.
    """
    gaps = {
        column.title("controlled"): gap
        for column, runs in table1.scores("controlled", COLUMNS).items()
        if {"distn", "mimic"} <= set(runs)
        and (gap := shared_difference(runs["distn"], runs["mimic"]))
    }
    if not gaps:
        return ""
    said = listed(
        f"{signed(gap)} points on {title} (an interval that "
        f"{about_zero(gap.lo, gap.hi)})"
        for title, gap in gaps.items()
    )
    return (
        f"The test accuracy of DISTN minus that of MIMIC is {said}. "
        f"{_by_the_rule(gaps)}"
    )


def _by_the_rule(gaps: dict[str, Difference]) -> str:
    """Return what the rule of M21 says of differences, by column."""
    rule = claims.find("M21").rule
    found = {title: claims.apply_rule(rule, _evidence(g)) for title, g in gaps.items()}
    if len(set(found.values())) == 1:
        only = next(iter(found.values()))
        return f"The rule of M21 would call each of these differences *{only}*."
    each = listed(f"*{verdict}* on {title}" for title, verdict in found.items())
    return f"The rule of M21 would call these differences {each}."


def _evidence(gap: Difference) -> pd.DataFrame:
    row = {"quantity": "accuracy_difference", "runs": gap.runs}
    return pd.DataFrame([row | {"value": gap.mean, "lo": gap.lo, "hi": gap.hi}])


def beside_labels(digits: pd.DataFrame) -> str:
    """Return how the best taught student compares with that of the labels alone.

    digits: what `students.digit_students` gives; differences in points, by seed.
    """
    scores = digits.pivot(index="seed", columns=["loss", "T"], values="accuracy")
    means = scores.mean()
    (name, tau), taught = means.drop(LABELS).idxmax(), len(means) - 1
    gap = paired_difference(scores[name, tau], scores[LABELS])
    zero = (
        f", an interval that {about_zero(gap.lo, gap.hi)}" if gap.lo == gap.lo else ""
    )
    so = (
        "A teacher that sees more helps here."
        if gap.lo > 0
        else "A teacher that sees more is not enough here: none is clearly above the "
        "labels."
    )
    return (
        f"The best of the {taught} taught students (by {WORDS[name]} at temperature "
        f"{tau:g}) minus the one that learns from the labels alone is {signed(gap, 1)} "
        f"points{zero}. {so}"
    )
