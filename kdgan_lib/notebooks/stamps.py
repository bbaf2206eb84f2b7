"""Stamp a chapter with what its outputs were made from, and tell when they are old."""

import ast
import hashlib
import json
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from IPython.display import Markdown

from kdgan_lib import claims, tables
from kdgan_lib.loop.device import find_device
from kdgan_lib.notebooks.pairing import chapters, read_notebook, syntax_of
from kdgan_lib.paths import ROOT
from kdgan_lib.provenance import commit, device_name

PACKAGE = "kdgan_lib"
TABLES = "kdgan_lib.tables"
DATA = ROOT / "book" / "data"
"""The embedded tables of the tag data."""


def stamp(text: Path, reads: dict[str, str]) -> dict[str, Any]:
    """Return the digests of a chapter's text, its library code and its tables."""
    return {
        "source": file_digest(text),
        "library": {
            path.relative_to(ROOT).as_posix(): file_digest(path)
            for path in with_data(library_files(text))
        },
        "reads": dict(sorted(reads.items())),
    }


def stale() -> list[str]:
    """Return one sentence per chapter whose kept outputs are not of today's inputs.

    Its parameters' default values are among these inputs.
    """
    problems = []
    for text in chapters():
        path = text.with_suffix(".ipynb")
        if not path.exists():
            continue
        notebook = read_notebook(path)
        chosen = notebook.metadata.get("kdgan", {}).get("values", {})
        changed = [f"{k} = {v}" for k, v in chosen.items()] + outdated(text, notebook)
        if changed:
            shown = ", ".join(changed[:4]) + (", ..." if len(changed) > 4 else "")
            problems.append(
                f"{path.name} is stale ({shown}): run `kdgan book run {text.stem}`."
            )
    return problems


def outdated(text: Path, notebook: Any) -> list[str]:
    """Return the names of what changed since an executed chapter was stamped.

    Its outputs are among them: another program may have run it with other values.
    """
    old = notebook.metadata.get("kdgan", {}).get("stamp")
    if old is None:
        return ["never run"]
    same = old.get("outputs") == digest_of_outputs(notebook)
    return _inputs_changed(text, old) + ([] if same else ["its outputs"])


def digest_of_outputs(notebook: Any) -> str:
    """Return a short hash of all outputs of a notebook."""
    outputs = [cell.get("outputs", []) for cell in notebook.cells]
    said = json.dumps(outputs, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _inputs_changed(text: Path, old: dict[str, Any]) -> list[str]:
    """Return the names of the inputs that changed since a stamp was made."""
    new = stamp(text, {query: _digest_of(query) for query in old["reads"]})
    changed = [text.name] if new["source"] != old["source"] else []
    for part in ("library", "reads"):
        names = sorted(set(new[part]) | set(old[part]))
        changed += [n for n in names if new[part].get(n) != old[part].get(n)]
    return changed


def file_digest(path: Path) -> str:
    """Return a short hash of a text file, whatever its line ends."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()[:16]


def library_files(text: Path) -> list[Path]:
    """Return every file of the library that a chapter imports, however indirectly.

    `from kdgan_lib import fit` follows only the line of the package that brings `fit`.
    """
    found: set[Path] = set()
    waiting = list(_imports(text, None))
    seen: set[tuple[str, str]] = set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) in seen:
            continue
        seen.add((module, name))
        path = _file_of(module)
        if path is None:
            continue
        found.add(path)
        if module == TABLES:  # what it returns is stamped by itself, row by row
            continue
        if name and _file_of(f"{module}.{name}"):
            waiting.append((f"{module}.{name}", ""))
        else:
            waiting += _imports(path, name if path.name == "__init__.py" else None)
    return sorted(found)


def with_data(files: list[Path]) -> list[Path]:
    """Return library files, with the tuned settings and the embedded data they read.

    `declared.json` repeats what the files declare.
    """
    found = [*files]
    if ROOT / PACKAGE / "experiments.py" in files:
        tuned = sorted((ROOT / PACKAGE / "settings").glob("*.json"))
        found += [path for path in tuned if path.name != "declared.json"]
    if ROOT / PACKAGE / "tag_tables.py" in files:
        found += [*sorted(DATA.glob("*.json")), *sorted(DATA.glob("*.parquet"))]
    return found


def provenance(**notes: Any) -> Markdown:
    """Return the chapter's last words: what its numbers come from, and where it ran.

    Its metadata tell the runner which tables the chapter read.
    """
    reads = tables.reads()
    runs = sorted({query for query in reads if not query.startswith("claim:")})
    facts = {
        "commit": commit(),
        "claims judged": sum(query.startswith("claim:") for query in reads),
        "device": notes.pop("device", None) or device_name(find_device("auto")),
        "Python": platform.python_version(),
        **notes,
    }
    lines = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    said = ", ".join(f"`{query}`" for query in runs) or "none"
    head = f"**Provenance**\n\n{lines}"
    fold = "<details><summary>Rows read</summary>"  # Lab knows no dropdown
    plain = f"{head}\n\n{fold}\n\n{said}\n\n</details>"
    myst = f"{head}\n\n:::{{dropdown}} Rows read\n{said}\n:::"
    return Markdown(plain, metadata={"kdgan": {"reads": reads, "myst": myst}})


def reads_of(notebook: Any) -> dict[str, str]:
    """Return the table reads that an executed chapter reported."""
    reads: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            reads.update(facts_of(output).get("reads", {}))
    return reads


def facts_of(output: Any) -> dict[str, Any]:
    """Return what the library noted about an output it made."""
    facts: dict[str, Any] = {}
    for key, value in output.get("metadata", {}).items():
        if key == "kdgan":
            facts.update(value)
        elif isinstance(value, dict):
            facts.update(value.get("kdgan", {}))
    return facts


def _digest_of(query: str) -> str:
    if query.startswith("claim:"):
        name = query.removeprefix("claim:")
        return claims.digest_of(name) if name in claims.ledger() else "gone"
    return tables.digest_of(query)


def _imports(path: Path, only: str | None) -> Iterator[tuple[str, str]]:
    """Yield (module, name) for the library imports of a file.

    only: yield just the import that binds this name; all when nothing binds it.
    """
    stat = path.stat()
    pairs, defined = _names_in(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    bound = [pair for pair in pairs if pair[2] == only]
    chosen = bound if bound and only not in defined else pairs
    yield from ((module, name) for module, name, _ in chosen)


@cache
def _names_in(
    path: Path, state: tuple[int, ...]
) -> tuple[list[tuple[str, str, str]], set[str]]:
    """Return a file's library imports (module, name, bound), and what it defines.

    state: another one when the file changes. Every chapter asks for most files, and for
    many more than once.
    """
    tree = syntax_of(path)
    pairs: list[tuple[str, str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _ours(node.module):
            pairs += [
                (str(node.module), a.name, a.asname or a.name) for a in node.names
            ]
        elif isinstance(node, ast.Import):
            pairs += [(a.name, "", a.name) for a in node.names if _ours(a.name)]
    return pairs, {getattr(node, "name", "") for node in tree.body}


def _ours(module: str | None) -> bool:
    return module is not None and module.split(".")[0] == PACKAGE


def _file_of(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
