"""Make tables that readers filter without a kernel: lines are written, then hidden.

The whole table is plain HTML, so it shows where scripts are not allowed.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from IPython.display import HTML

SCRIPT = """
(function () {
  const box = document.getElementById(%(id)s);
  if (!box) return;
  const controls = box.querySelector(".kd-filters");
  const choices = [...box.querySelectorAll("select")];
  const words = box.querySelector("input");
  const count = box.querySelector("output");
  const lines = [...box.querySelectorAll("tbody tr")];
  function show() {
    const text = words.value.trim().toLowerCase();
    let shown = 0;
    lines.forEach((line) => {
      const fits = choices.every((choice) =>
        !choice.value || line.dataset[choice.name] === choice.value);
      line.hidden = !(fits && line.textContent.toLowerCase().includes(text));
      shown += line.hidden ? 0 : 1;
    });
    count.textContent = shown + " of " + lines.length;
  }
  choices.forEach((choice) => choice.addEventListener("change", show));
  words.addEventListener("input", show);
  controls.hidden = false;
  show();
})();
"""
STYLE = "vertical-align:top;text-align:left;padding:3px 6px"
FORMULA = re.compile(r"\$(.+?)\$")
CODE = re.compile(r"`(.+?)`")


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


def filtered(entries: Sequence[Entry], name: str) -> HTML:
    """Return a table with a choice per facet and a field for words to look for.

    entries: lines with the same columns and facets. name: identity of the table, which
    no other one in the book has. Raises ValueError when there is no line.
    """
    if not entries:
        raise ValueError("a table to filter needs at least one line.")
    site = f"```{{raw}} html\n{_page(entries, name, 'html')}```"
    marks = {"table": name, "myst": site}
    return HTML(_page(entries, name, "ipynb"), metadata={"kdgan": marks})


def _page(entries: Sequence[Entry], name: str, suffix: str) -> str:
    """Return the table as HTML whose links lead to files with this suffix."""
    facets = entries[0].facets
    choices = "".join(_choice(name, facet, entries) for facet in facets)
    find = (
        f'<label for="{name}-words">words</label> '
        f'<input type="search" id="{name}-words" placeholder="T1.38, teacher, β …">'
    )
    head = "".join(
        f'<th scope="col" style="{STYLE}">{column}</th>' for column in entries[0].cells
    )
    body = "\n".join(_line(entry, suffix) for entry in entries)
    script = SCRIPT % {"id": json.dumps(name)}
    return (
        f'<div id="{name}" class="kd-filtered mathjax_process">\n'
        f'<div class="kd-filters" hidden>{choices}{find}'
        f'<output for="{name}-words" aria-live="polite"></output></div>\n'
        f'<div class="kd-lines" tabindex="0" role="region" aria-label="table">'
        f'<table class="table"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div></div>\n<script>{script}</script>\n"
    )


def _choice(name: str, facet: str, entries: Sequence[Entry]) -> str:
    """Return one labelled choice among the values that a facet has."""
    values = {entry.facets[facet] for entry in entries}
    ordered = sorted(values, key=lambda value: (len(value), value))
    options = "".join(f"<option>{html.escape(value)}</option>" for value in ordered)
    return (
        f'<label for="{name}-{facet}">{facet}</label> '
        f'<select id="{name}-{facet}" name="{facet}">'
        f'<option value="">all</option>{options}</select> '
    )


def _line(entry: Entry, suffix: str) -> str:
    facets = "".join(
        f' data-{facet}="{html.escape(value)}"' for facet, value in entry.facets.items()
    )
    first, *others = [_inline(text) for text in entry.cells.values()]
    linked = f'<a href="{entry.page}.{suffix}#{entry.anchor}">{first}</a>'
    cells = "".join(f'<td style="{STYLE}">{text}</td>' for text in (linked, *others))
    return f"<tr{facets}>{cells}</tr>"


def _inline(text: str) -> str:
    """Return a cell's text as HTML."""
    marked = CODE.sub(r"<code>\1</code>", html.escape(text))
    return FORMULA.sub(r"\\(\1\\)", marked)
