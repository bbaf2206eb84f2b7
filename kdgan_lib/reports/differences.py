"""Put paired differences into a table with corrected tests; name the clear ones."""

from collections.abc import Mapping

import pandas as pd

from kdgan_lib.stats import LEVEL, Difference, holm


def tabled(gaps: Mapping[str, Difference], heading: str = "method") -> pd.DataFrame:
    """Return a row per difference by name, p-values after Holm's correction over all.

    Columns: heading, difference, low, high, effect size, p (Holm), pairs.
    """
    adjusted = holm([gap.p_value for gap in gaps.values()])
    return pd.DataFrame(
        [
            {
                heading: name,
                "difference": gap.mean,
                "low": gap.lo,
                "high": gap.hi,
                "effect size": gap.effect_size,
                "p (Holm)": p_value,
                "pairs": gap.runs,
            }
            for (name, gap), p_value in zip(gaps.items(), adjusted, strict=True)
        ]
    )


def clear(gaps: Mapping[str, Difference]) -> tuple[list[str], list[str]]:
    """Return what is clearly above zero, and clearly below, after Holm's correction."""
    adjusted = holm([gap.p_value for gap in gaps.values()])
    sure = [name for name, p in zip(gaps, adjusted, strict=True) if p < LEVEL]
    return (
        [name for name in sure if gaps[name].mean > 0],
        [name for name in sure if gaps[name].mean < 0],
    )
