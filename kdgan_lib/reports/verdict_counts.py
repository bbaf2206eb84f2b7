"""Count the verdicts of the ledger, by chapter or by any other group."""

from collections.abc import Iterable, Sequence

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.prose import chapter_title, listed
from kdgan_lib.verdicts import Verdict, judge


def by_chapter() -> pd.DataFrame:
    """Return the number of claims per chapter and verdict, and of all in a last row."""
    judged = [judge(name) for name in claims.ledger()]
    files = [each.claim.chapter for each in judged]
    found = [each.verdict for each in judged]
    titles = [*map(chapter_title, sorted(set(files)))]
    return counted("chapter", [*map(chapter_title, files)], found, titles)


def built(judged: Iterable[Verdict] = ()) -> str:
    """Return which of the reproduced claims our code was built to make hold.

    judged: the verdicts, where they are known; by default all are judged.
    """
    verdicts = [*judged] or [*map(judge, claims.ledger())]
    held = [each.claim for each in verdicts if each.verdict == "reproduced"]
    names = [claim.id for claim in held if claim.built]
    if not names:
        return ""
    return (
        f"Of the {len(held)} *reproduced*, {listed(names)} were built to hold: they "
        "show that what the text says can be done, and no more."
    )


def counted(
    title: str,
    groups: Sequence[str],
    verdicts: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str] = claims.VERDICTS,
) -> pd.DataFrame:
    """Return how often each verdict occurs in each group, and in all in a last row.

    title: of the first column, which has the groups in the order of `rows`.
    """
    counts = pd.crosstab(pd.Series(groups), pd.Series(verdicts))
    counts = counts.reindex(index=rows, columns=columns, fill_value=0)
    counts.loc["all"] = counts.sum()
    return counts.rename_axis(title).reset_index()
