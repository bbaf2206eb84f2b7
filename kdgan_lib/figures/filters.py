"""Make tables that readers filter without a kernel: lines are written, then hidden.

The whole table is plain HTML, so it shows where scripts are not allowed; the controls,
which would do nothing there, are made by the script.
"""

import html
import json
import re
from collections.abc import Sequence

from IPython.display import HTML

from kdgan_lib.prose import linked
from kdgan_lib.reports.ledger import Entry

SCRIPT = """
(function () {
  const box = document.getElementById(%(id)s);
  if (!box) return;
  box.insertAdjacentHTML("afterbegin", %(controls)s);
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
      line.hidden = !(fits && line.dataset.words.includes(text));
      shown += line.hidden ? 0 : 1;
    });
    count.textContent = shown + " of " + lines.length + " claims";
  }
  choices.forEach((choice) => choice.addEventListener("change", show));
  words.addEventListener("input", show);
  show();
})();
"""
STYLE = "vertical-align:top;text-align:left;padding:3px 6px"
FORMULA = re.compile(r"\$(.+?)\$")
CODE = re.compile(r"`(.+?)`")


def filtered(entries: Sequence[Entry], name: str, caption: str) -> HTML:
    """Return a table with a choice per facet and a field for words to look for.

    entries: lines with the same columns and facets. name: identity of the table, which
    no other one in the book has. Raises ValueError when there is no line, and for a
    facet whose name is not one lower-case word.
    """
    if not entries:
        raise ValueError("a table to filter needs at least one line.")
    for facet in entries[0].facets:
        if not re.fullmatch("[a-z]+", facet):
            raise ValueError(f"a facet is one lower-case word, not {facet!r}.")
    return linked(lambda suffix: _page(entries, name, caption, suffix), table=name)


def _controls(entries: Sequence[Entry], name: str) -> str:
    """Return a labelled choice per facet, a field for words and the count of lines."""
    choices = "".join(_choice(name, facet, entries) for facet in entries[0].facets)
    return (
        f'<div class="kd-filters">{choices}<label for="{name}-words">words</label> '
        f'<input type="search" id="{name}-words" placeholder="T1.38, teacher, β …">'
        f'<output for="{name}-words" aria-live="polite"></output></div>'
    )


def _page(entries: Sequence[Entry], name: str, caption: str, suffix: str) -> str:
    """Return the table as HTML whose links lead to files with this suffix."""
    head = "".join(
        f'<th scope="col" style="{STYLE}">{column}</th>' for column in entries[0].cells
    )
    body = "\n".join(_line(entry, suffix) for entry in entries)
    # A closing tag inside a script's string would end the script.
    controls = json.dumps(_controls(entries, name)).replace("</", "<\\/")
    script = SCRIPT % {"id": json.dumps(name), "controls": controls}
    return (
        f'<div id="{name}" class="kd-filtered mathjax_process">\n'
        f'<div class="kd-lines" tabindex="0" role="region" '
        f'aria-labelledby="{name}-caption"><table class="table">'
        f'<caption id="{name}-caption">{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n"
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
    # Formulas are typeset, so that a reader's words are looked for in the source.
    words = html.escape(" ".join(entry.cells.values()).lower())
    first, *others = [_inline(text) for text in entry.cells.values()]
    link = f'<a href="{entry.page}.{suffix}#{entry.anchor}">{first}</a>'
    head = f'<th scope="row" style="{STYLE}">{link}</th>'
    cells = "".join(f'<td style="{STYLE}">{text}</td>' for text in others)
    return f'<tr{facets} data-words="{words}">{head}{cells}</tr>'


def _inline(text: str) -> str:
    """Return a cell's text as HTML."""
    marked = CODE.sub(r"<code>\1</code>", html.escape(text))
    return FORMULA.sub(r"\\(\1\\)", marked)
