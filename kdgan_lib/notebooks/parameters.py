"""Read a chapter's parameters cell: names, types, defaults, meanings; check values."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from IPython import get_ipython
from IPython.display import Markdown

from kdgan_lib import prose
from kdgan_lib.notebooks.limits import Limit, OneOf, limit_of
from kdgan_lib.notebooks.pairing import find, read_text, syntax_of

CHOICES = re.compile(r"^([\w.+-]+(?:\s*\|\s*[\w.+-]+)+)\s*:\s*(.*)$")
TYPES = {"int": int, "float": float, "str": str, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """Describe one value that a reader may change."""

    name: str
    """Name of the variable."""
    kind: str
    """int, float, str or bool."""
    default: Any
    """Value when nothing is said."""
    meaning: str
    """What it does, from the comment beside it."""
    choices: tuple[str, ...] = ()
    """Allowed values, when the comment starts with `a | b:`."""
    limit: Limit | None = None
    """Allowed values: these choices, or what the library knows of the parameter."""


def parameters_of(text: Path) -> list[Parameter]:
    """Return the parameters of a chapter, from its cell tagged `parameters`.

    Raises ValueError for a text that Python does not understand.
    """
    syntax_of(text)  # of the cell alone, an error would name the wrong line
    tagged = [
        cell.source
        for cell in read_text(text).cells
        if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) != 1:
        raise ValueError(f"{text.name} needs exactly one cell tagged `parameters`.")
    lines = tagged[0].splitlines()
    return [_parameter(node, lines, text) for node in ast.parse(tagged[0]).body]


def check(text: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values that differ from the defaults, in their declared types.

    Raises ValueError, naming the chapter and what is allowed, for an unknown name or a
    wrong value.
    """
    known = {parameter.name: parameter for parameter in parameters_of(text)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(
            f"{text.stem} has no parameter {', '.join(unknown)}; "
            f"it has: {', '.join(known)}."
        )
    try:
        values = {name: convert(known[name], value) for name, value in given.items()}
    except ValueError as error:
        raise ValueError(f"{text.stem}: {error}") from None
    return {k: v for k, v in values.items() if v != known[k].default}


def convert(parameter: Parameter, value: Any) -> Any:
    """Return a value, possibly typed on a command line, in the parameter's type.

    Raises ValueError that says what is allowed.
    """
    wanted = TYPES[parameter.kind]
    try:
        done = _as_bool(value) if wanted is bool else wanted(value)
    except (TypeError, ValueError):
        done = None
    exact = not isinstance(value, float | bool) or done == value
    if done is None or not exact or (isinstance(value, bool) and wanted is not bool):
        article = "an" if parameter.kind == "int" else "a"
        raise ValueError(
            f"{parameter.name} must be {article} {parameter.kind}, not {value!r}."
        )
    if parameter.limit is not None and not parameter.limit.allows(done):
        allowed = parameter.limit.words(done)
        raise ValueError(f"{parameter.name} must be {allowed}, not {value!r}.")
    return done


def parameters_table(chapter: str) -> Markdown:
    """Return the table of a chapter's parameters, with this run's values.

    Raises ValueError for a value that the chapter does not allow: whatever runs the
    notebook, it stops here.
    """
    shell, text = get_ipython(), find(chapter)
    now = shell.user_ns if shell else {}
    known = parameters_of(text)
    check(text, {p.name: now[p.name] for p in known if p.name in now})
    rows = [
        {
            "parameter": f"`{p.name}`",
            "type": p.kind,
            "default": f"`{p.default!r}`",
            "this run": f"`{now.get(p.name, p.default)!r}`",
            "meaning": _meaning(p),
        }
        for p in known
    ]
    caption = "What you can change, generated from the parameters cell."
    number = text.stem.split("_")[0]
    return prose.table(pd.DataFrame(rows), caption, f"tab-parameters-{number}")


def _parameter(node: ast.stmt, lines: list[str], text: Path) -> Parameter:
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
        raise ValueError(
            f"{text.name}: write parameters as `name: type = value  # meaning`."
        )
    name, kind = node.target.id, ast.unparse(node.annotation)
    comment = lines[node.lineno - 1].partition("  # ")[2].strip()
    if kind not in TYPES or not comment or node.value is None:
        raise ValueError(
            f"{text.name}: parameter {name} needs a type of {', '.join(TYPES)}, "
            "a value, and a comment that says what it means."
        )
    hit = CHOICES.match(comment)
    choices = tuple(part.strip() for part in hit[1].split("|")) if hit else ()
    meaning = hit[2] if hit else comment
    limit = OneOf(choices) if choices else limit_of(text.stem, name, kind)
    default = ast.literal_eval(node.value)
    return Parameter(name, kind, default, meaning, choices, limit)


def _meaning(parameter: Parameter) -> str:
    options = " or ".join(f"`{choice}`" for choice in parameter.choices)
    return f"{options}: {parameter.meaning}" if options else parameter.meaning


def _as_bool(value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError(value)
    return text == "true"
