"""Make sliders that work without a kernel: frames are drawn before, then switched.

The first frame is plain HTML, so it shows where scripts are not allowed.
"""

import hashlib
import html
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.display import HTML
from matplotlib.figure import Figure

from kdgan_lib.figures.publish import data_uri, placeholder

SCRIPT = """
(function () {
  const box = document.getElementById(%(id)s);
  if (!box) return;
  const inputs = [...box.querySelectorAll("input[type=range]")];
  const frames = [...box.querySelectorAll("img")];
  const labels = %(labels)s;
  function draw() {
    let index = 0;
    inputs.forEach((input, axis) => {
      const at = Number(input.value);
      index = index * labels[axis].length + at;
      input.setAttribute("aria-valuetext", labels[axis][at]);
      input.nextElementSibling.textContent = labels[axis][at];
    });
    frames.forEach((frame, at) => { frame.hidden = at !== index;
      frame.style.display = at === index ? "" : "none"; });
  }
  inputs.forEach((input) => input.addEventListener("input", draw));
  draw();
})();
"""


def slider(
    draw: Callable[..., Figure | None],
    values: Mapping[str, Sequence[Any]],
    caption: str,
    alt: str,
    start: Sequence[int] | None = None,
    command: str = "",
) -> HTML:
    """Return a figure with one labelled slider per entry of `values`.

    draw: called once for every combination, `draw(value, ...)`, in the order of
    `values` (label -> values to choose from). alt: says what the figure shows; the
    chosen values are added to it. start: index of the first frame on every slider.
    command: what makes the missing rows, shown where `draw` returns None.
    """
    if not values or any(len(choices) == 0 for choices in values.values()):
        raise ValueError("a slider needs at least one value to choose from.")
    if not alt.strip() or not caption.strip():
        raise ValueError("a slider needs a caption and an alternative text.")
    first = tuple(start or [0] * len(values))
    labels = [[_text(value) for value in choices] for choices in values.values()]
    grid = list(itertools.product(*[range(len(choices)) for choices in labels]))
    drawn = [draw(*_at(values, place)) for place in grid]
    pictures = [data_uri(fig or placeholder(command)) for fig in drawn]
    name = "kd-" + hashlib.sha256("".join(pictures).encode()).hexdigest()[:12]
    said = [alt if fig else f"Not run: {command}" for fig in drawn]
    images = [
        _image(picture, _alt(text, values, labels, place), place == first)
        for picture, text, place in zip(pictures, said, grid, strict=True)
    ]
    controls = [
        _control(f"{name}-{axis}", label, labels[axis], first[axis])
        for axis, label in enumerate(values)
    ]
    script = SCRIPT % {"id": json.dumps(name), "labels": json.dumps(labels)}
    return HTML(
        f'<figure id="{name}" class="kd-slider" style="margin:1em 0">'
        f'{"".join(controls)}<div class="kd-frames">{"".join(images)}</div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        f"<script>{script}</script>",
        metadata={"kdgan": {"slider": {"caption": caption, "alt": alt}}},
    )


def _control(name: str, label: str, labels: Sequence[str], at: int) -> str:
    """Return one labelled range input; arrow keys move it."""
    return (
        f'<div class="kd-control"><label for="{name}">{html.escape(label)}</label> '
        f'<input type="range" id="{name}" min="0" max="{len(labels) - 1}" step="1" '
        f'value="{at}" aria-valuetext="{html.escape(labels[at])}">'
        f'<output for="{name}">{html.escape(labels[at])}</output></div>'
    )


def _image(picture: str, alt: str, visible: bool) -> str:
    hidden = "" if visible else ' hidden style="display:none"'
    return f'<img class="kd-card" src="{picture}" alt="{html.escape(alt)}"{hidden}>'


def _alt(
    alt: str,
    values: Mapping[str, Sequence[Any]],
    labels: Sequence[Sequence[str]],
    place: Sequence[int],
) -> str:
    chosen = [
        f"{label} = {labels[axis][place[axis]]}" for axis, label in enumerate(values)
    ]
    return f"{alt} ({', '.join(chosen)})"


def _at(values: Mapping[str, Sequence[Any]], place: Sequence[int]) -> list[Any]:
    return [choices[at] for choices, at in zip(values.values(), place, strict=True)]


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
