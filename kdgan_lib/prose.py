"""Compute the sentences, tables and boxes of the chapters; nothing here is typed in.

Every function returns an IPython `Markdown` object. Where a number is missing the
text is "not run" with the one command that makes it, never a number.
"""

import inspect
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown

from kdgan_lib import claims
from kdgan_lib.verdicts import Verdict, judge

SYMBOLS = {
    "reproduced": "●",
    "partly": "◐",
    "at most partly": "◔",
    "not reproduced": "○",
    "not testable here": "–",
    "not run": "·",
}
CLASSES = {
    "reproduced": "tip",
    "partly": "important",
    "at most partly": "warning",
    "not reproduced": "warning",
    "not testable here": "note",
    "not run": "note",
}


def number(value: Any, digits: int = 2, unit: str = "") -> str:
    """Return a number with `digits` decimals, or `not run` when it is missing."""
    if is_missing(value):
        return "not run"
    if isinstance(value, bool | str):
        return str(value)
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}∞{_unit(unit)}"
    if value == int(value) and digits == 0:
        return f"{int(value):,}{_unit(unit)}"
    tiny = 0 < abs(value) < 0.5 * 10**-digits
    text = f"{value:.1e}" if tiny else f"{value:,.{digits}f}"
    return f"{text}{_unit(unit)}"


def interval(value: Any, lo: Any, hi: Any, digits: int = 2, unit: str = "") -> str:
    """Return `value [lo, hi]`, or `not run` when the value is missing."""
    if is_missing(value):
        return "not run"
    if is_missing(lo) or is_missing(hi):
        return number(value, digits, unit)
    ends = f"[{number(lo, digits)}, {number(hi, digits)}]"
    return f"{number(value, digits)} {ends}{_unit(unit)}"


def listed(words: Iterable[str], joint: str = "and") -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} {joint} {last}" if first else last


def about_zero(lo: float, hi: float) -> str:
    """Return "excludes zero" or "includes zero", whichever the interval does."""
    return f"{'excludes' if lo > 0 or hi < 0 else 'includes'} zero"


def is_missing(value: Any) -> bool:
    """Tell whether a value is absent: None, NaN, or an empty table."""
    if value is None or (hasattr(value, "__len__") and len(value) == 0):
        return True
    return isinstance(value, float) and math.isnan(value)


def sentence(template: str, command: str = "", **values: Any) -> Markdown:
    """Fill a sentence with computed values; say "not run" if any is missing.

    Values are strings from `number` and `interval`, or plain numbers.
    """
    if any(is_missing(value) or value == "not run" for value in values.values()):
        return not_run(command)
    return Markdown(template.format(**values))


def not_run(command: str = "", time: str = "") -> Markdown:
    """Say that the rows behind a text are missing and which one command makes them."""
    how = f" To fill this in: `{command}`" if command else ""
    wait = f" (about {time})" if time else ""
    return Markdown(f"*Not run.*{how}{wait}{'.' if how else ''}")


def table(
    frame: pd.DataFrame | None,
    caption: str,
    name: str,
    command: str = "",
    formats: Mapping[str, str] | None = None,
    nothing: str = "",
) -> Markdown:
    """Return a table with a caption and a name for `{numref}`.

    `formats` gives a format specification per column, such as `{"accuracy": ".2f"}`.
    nothing: what stands there where an empty table does not mean that runs are missing.
    """
    if nothing and frame is not None and frame.empty:
        frame = pd.DataFrame({nothing: []})
    elif frame is None or frame.empty:
        frame = pd.DataFrame({"not run": [f"`{command}`" if command else "no rows"]})
    grid = pipe_table(frame, formats or {})
    myst = f"::::{{table}} {caption}\n:name: {name}\n\n{grid}\n::::"
    return _both(f"**Table.** {caption}\n\n{grid}", myst, {"table": name})


def pipe_table(frame: pd.DataFrame, formats: Mapping[str, str] | None = None) -> str:
    """Return a data frame as a Markdown table, without its index."""
    known = formats or {}
    body = [
        [_cell(value, known.get(str(column), "")) for column, value in row.items()]
        for row in frame.to_dict("records")
    ]
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    rule = ["---:" if right else ":---" for right in numeric]
    lines = [[str(column) for column in frame], rule, *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdict(claim_id: str) -> Markdown:
    """Return the box of one claim: statement, verdict, rule, evidence, protocol."""
    judged = judge(claim_id)
    claim = judged.claim
    title = f"{claim.id}: {judged.verdict}"
    lines = [claim.statement, *reasons(judged)]
    text = "\n\n".join(lines)
    quoted = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
    plain = f"> **{SYMBOLS[judged.verdict]} {title}**\n>\n{quoted}"
    style = f":class: {CLASSES[judged.verdict]} kd-verdict"
    place = f'<span id="{claim.anchor}"></span>'
    myst = f"::::{{admonition}} {title}\n{style}\n\n{place}{text}\n::::"
    return _both(plain, myst, {"verdict": claim.id})


def verdicts(claim_ids: Iterable[str]) -> Markdown:
    """Return the boxes of several claims, one under the other."""
    boxes = [verdict(name) for name in claim_ids]
    return _both(
        "\n\n".join(str(box.data) for box in boxes),
        "\n\n".join(_myst_of(box) for box in boxes),
        {"verdict": ",".join(claim_ids)},
    )


def claims_list(claim_ids: Iterable[str]) -> Markdown:
    """Return the claims that a chapter bears on, each with its verdict."""
    lines = []
    for claim in claims.select(claim_ids):
        found = judge(claim.id).verdict
        lines.append(
            f"- {SYMBOLS[found]} **{claim.id}** {claim.statement} "
            f"*{found.capitalize()}.*"
        )
    return Markdown("\n".join(lines))


def verdict_strip(claim_ids: Iterable[str] = ()) -> HTML:
    """Return one small square per claim that leads to its box, a row per chapter.

    The squares are no tab stops: the ledger's chapter has the same links in words.
    """
    judged = [judge(claim.id) for claim in claims.select(claim_ids)]
    return linked(lambda suffix: _strip(judged, suffix))


def linked(page: Callable[[str], str], **marks: str) -> HTML:
    """Return HTML whose links lead to notebooks here, and to pages on the site.

    page: draws it for the suffix of the files that it links to.
    """
    site = f"```{{raw}} html\n{page('html')}\n```"
    return HTML(page("ipynb"), metadata={"kdgan": {"myst": site, **marks}})


def _strip(judged: Iterable[Verdict], suffix: str) -> str:
    """Return the squares as HTML whose links lead to files with this suffix."""
    rows: dict[str, list[str]] = {}
    for verdict in judged:
        square = _square(verdict, suffix)
        rows.setdefault(verdict.claim.chapter, []).append(square)
    lines = [
        f'<div class="kd-row"><span class="kd-name" style="display:inline-block;'
        f'min-width:15em">{chapter_title(name)}</span>'
        f'<span role="list" aria-label="{chapter_title(name)}">{"".join(cells)}</span>'
        "</div>"
        for name, cells in sorted(rows.items())
    ]
    return f'<div class="kd-strip">{"".join(lines)}</div>'


def chapter_title(chapter: str) -> str:
    """Return a file name as a title: `02_naive_game` gives `2. Naive game`."""
    number, _, words = chapter.partition("_")
    return f"{number.lstrip('0')}. {words.replace('_', ' ').capitalize()}"


def source(thing: Callable[..., Any] | type) -> Markdown:
    """Show the library's own source of a function or class."""
    where = inspect.getmodule(thing)
    code = textwrap.dedent(inspect.getsource(thing)).rstrip()
    module = where.__name__ if where else "kdgan_lib"
    return Markdown(f"`{module}.{thing.__qualname__}`\n\n```python\n{code}\n```")


def reasons(judged: Verdict) -> list[str]:
    """Return the lines under a claim in Markdown: rule, evidence, protocol and runs."""
    claim = judged.claim
    if judged.verdict == "not testable here":
        changed = [f"**Rule**, {claim.changed}."] if claim.changed else []
        return [f"Not testable here: {claim.untestable}", *changed]
    rules = [
        f"*{verdict}* if {claims.rule_in_words(claim.rule[verdict])}"
        for verdict in ("reproduced", "partly")
        if verdict in claim.rule
    ]
    since = claim.changed or "fixed before the runs"
    lines = [f"**Rule**, {since}: {'; '.join(rules)}."]
    if judged.verdict == "not run":
        if len(judged.so_far):
            known = _evidence_of(judged.so_far)
            lines.append(f"**So far**, which leaves the verdict open: {known}.")
            lines += [f"**Note**: {claim.note}"] if claim.note else []
        return [*lines, f"**Evidence**: not run. To fill this in: `{judged.command}`"]
    lines.append(f"**Evidence**: {evidence_in_words(judged)}.")
    if judged.verdict == claims.AT_MOST_PARTLY:
        lines.append(
            "**Open**: with the columns as they were run, the claim is lost as it is "
            "stated, whatever the others show; they tell whether it holds in part."
        )
    if claim.note:
        lines.append(f"**Note**: {claim.note}")
    lines.append(f"**Protocol**: `{claim.protocol}`; {runs_in_words(judged)}.")
    open_still = judged.verdict == claims.AT_MOST_PARTLY
    last = f"`{judged.command}`, measured by `{claim.measure}`."
    return [*lines, f"**{'To fill this in' if open_still else 'Again'}**: {last}"]


def runs_in_words(judged: Verdict) -> str:
    """Return how many runs a setting are behind the measured quantities."""
    if not judged.runs:
        return "computed, no training"
    least = f"{judged.fewest} to " if judged.fewest < judged.runs else ""
    return f"{least}{judged.runs} {'run' if judged.runs == 1 else 'runs'} a setting"


def evidence_in_words(judged: Verdict, names: Iterable[str] = ()) -> str:
    """Return the measured quantities, all or those named, with their intervals."""
    rows, wanted = judged.evidence, list(names)
    return _evidence_of(rows[rows.quantity.isin(wanted)] if wanted else rows)


def _evidence_of(rows: pd.DataFrame) -> str:
    return "; ".join(_evidence(row) for row in rows.to_dict("records"))


def _evidence(row: Mapping[Any, Any]) -> str:
    value, best = row["value"], row.get("at_best")
    digits = _digits(value) if is_missing(row["lo"]) else 3
    said = interval(value, row["lo"], row["hi"], digits, row["unit"])
    may_rise = "" if is_missing(best) else f" (at best {number(best, _digits(best))})"
    return f"{row['quantity'].replace('_', ' ')} = {said}{may_rise}"


def _digits(value: Any) -> int:
    return 0 if float(value).is_integer() else 3


def _cell(value: Any, spec: str) -> str:
    if is_missing(value):
        return "not run"
    if isinstance(value, float):
        return format(value, spec or ".4g")
    text = value if isinstance(value, str) else format(value, spec)
    return text.replace("|", "\\|").replace("\n", " ")


def _unit(unit: str) -> str:
    return f"{unit}" if unit in ("%", "") else f" {unit}"


def _square(judged: Verdict, suffix: str) -> str:
    """Return one square; its own style keeps it readable without the style sheet."""
    claim, kind = judged.claim, judged.verdict.replace(" ", "-")
    name = f"{claim.id}: {judged.verdict}"
    style = "display:inline-block;width:1.3em;text-align:center;border:1px solid #8886"
    return (
        f'<span role="listitem"><a class="kd-cell kd-{kind}" title="{name}" '
        f'href="{claim.chapter}.{suffix}#{claim.anchor}" tabindex="-1" '
        f'aria-label="{name}" style="{style}">{SYMBOLS[judged.verdict]}</a></span>'
    )


def _myst_of(box: Markdown) -> str:
    marks: Any = box.metadata
    return str(marks["kdgan"]["myst"])


def _both(markdown: str, myst: str, marks: Mapping[str, str]) -> Markdown:
    """Return Markdown for notebooks that carries its form for the site along."""
    return Markdown(markdown, metadata={"kdgan": {"myst": myst, **marks}})
