"""Keep each chapter's text (`.py`) and its notebook (`.ipynb`) one document."""

import ast
import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from kdgan_lib.files import write_atomically
from kdgan_lib.paths import ROOT, book_dir

METADATA = {
    "jupytext": {
        "formats": "ipynb,py:percent",
        "notebook_metadata_filter": "kernelspec,jupytext,-all",
        "cell_metadata_filter": "tags,mystnb,nbmake,-all",
    },
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def chapters() -> list[Path]:
    """Return the texts of all chapters, in the book's order.

    Raises ValueError where there are none, as beside an installed library.
    """
    if found := sorted(book_dir().glob("[0-9a-z][0-9]_*.py")):
        return found
    raise ValueError(
        f"{book_dir()} has no chapters: install the library from a copy of the book's "
        "repository, by `pip install -e .` there."
    )


def find(chapter: str) -> Path:
    """Return the text of a chapter given by number, name or path.

    Raises ValueError naming the chapters when there is no such one.
    """
    wanted = Path(chapter).name.split(".")[0]
    hits = [
        text for text in chapters() if wanted in (text.stem, text.stem.split("_")[0])
    ]
    if len(hits) != 1:
        names = ", ".join(text.stem for text in chapters())
        raise ValueError(f"no chapter {chapter!r}; choose one of: {names}.")
    return hits[0]


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Raise ValueError that names a damaged file, and how to mend it."""
    try:
        yield
    except (OSError, MemoryError):  # the file itself may be sound
        raise
    except Exception as error:  # a parser may raise anything
        place = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ValueError(
            f"{path} is damaged ({place}{why.splitlines()[0]}): mend it, or restore it "
            f"with `git checkout -- {path}`."
        ) from error


def syntax_of(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file, such as a chapter's text.

    Raises ValueError, with the line and how to mend it, for a damaged one.
    """
    with _damage_named(path):
        return ast.parse(path.read_text(encoding="utf-8"))


def read_notebook(path: Path) -> Any:
    """Return a notebook; raise ValueError with how to mend it if it is damaged."""
    with _damage_named(path):
        return nbformat.read(path, as_version=4)


def read_text(text: Path) -> Any:
    """Return the notebook that a chapter's text says, without outputs.

    Raises ValueError, with how to mend it, for a text with a stray byte.
    """
    with _damage_named(text):
        notebook = jupytext.read(text)
    notebook.metadata.update(nbformat.from_dict(METADATA))
    notebook.metadata["jupytext"].pop("text_representation", None)
    return notebook


def paired(text: Path) -> Any:
    """Return the notebook of a chapter with the cell ids of the existing one.

    Outputs of cells whose source is unchanged are kept.
    """
    notebook, path = read_text(text), text.with_suffix(".ipynb")
    kept = read_notebook(path) if path.exists() else nbformat.v4.new_notebook()
    old = kept.cells
    waiting = {key: [c for c in old if _key(c) == key] for key in map(_key, old)}
    for place, cell in enumerate(notebook.cells):
        same = waiting.get(_key(cell), [])
        twin = same.pop(0) if same else None
        cell["id"] = twin["id"] if twin else _fresh_id(text.stem, place, cell)
        if twin and cell.cell_type == "code":
            cell.update(outputs=twin.outputs, execution_count=twin.execution_count)
    stamp = kept.metadata.get("kdgan")
    notebook.metadata.update({"kdgan": stamp} if stamp else {})
    return notebook


def sync(text: Path) -> bool:
    """Bring a chapter's notebook up to date with its text; tell if it changed."""
    path = text.with_suffix(".ipynb")
    before = path.read_bytes() if path.exists() else b""
    keep_edits(text)
    write(paired(text), path)
    return path.read_bytes() != before


def keep_edits(text: Path) -> None:
    """Copy a notebook that was edited after its text, with a warning, before it goes.

    The text is what counts, and an editor that does not know the pair saves the
    notebook only.
    """
    path = text.with_suffix(".ipynb")
    if not path.exists() or path.stat().st_mtime <= text.stat().st_mtime:
        return
    edited = read_notebook(path)
    if sources(edited) != sources(read_text(text)):
        kept = ROOT / "build" / "edited" / path.name
        write(edited, kept)
        warnings.warn(
            f"{path.name} was edited after {text.name}, which replaces it: the edits "
            f"are kept in {kept}; `jupytext --to py:percent` of that gives a text.",
            stacklevel=2,
        )


def unpaired() -> list[str]:
    """Return one sentence per chapter whose text and notebook differ."""
    problems = []
    for text in chapters():
        path = text.with_suffix(".ipynb")
        if not path.exists():
            problems.append(f"{path.name} is missing: run `kdgan book sync`.")
        elif sources(read_text(text)) != sources(read_notebook(path)):
            problems.append(
                f"{path.name} differs from its text: `kdgan book sync` takes the "
                f"text's version, `jupytext --to py:percent {path}` the notebook's."
            )
    names = {text.stem for text in chapters()}
    for path in book_dir().glob("*.ipynb"):
        if path.stem not in names:
            problems.append(f"{path.name} has no text beside it.")
    return problems


def sources(notebook: Any) -> list[tuple[str, str, str]]:
    """Return what a text can say of a notebook: kind, source and tags of each cell."""
    return [
        (cell.cell_type, cell.source.strip(), str(cell.metadata.get("tags", [])))
        for cell in notebook.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def write(notebook: Any, path: Path) -> None:
    """Write a notebook as a whole or not at all.

    Raises ValueError where no file can be, DiskFull where there is no room for it.
    """
    _write(notebook, path, path)


def check_place(notebook: Any, path: Path) -> None:
    """Raise what `write` would raise for this path; leave what is there as it is.

    Raises ValueError, too, for a name that no notebook has and for another file there.
    """
    _check_file(path)
    probe = path.with_name(f".{path.name}.{os.getpid()}.probe")
    _write(notebook, path, probe)
    probe.unlink()


def _check_file(path: Path) -> None:
    """Refuse to replace what is no notebook."""
    if path.exists() and not path.is_file():
        what = "folder" if path.is_dir() else "device"
        raise ValueError(f"{path} is a {what}: name a file.")
    if path.suffix != ".ipynb":
        raise ValueError(f"{path} is no name of a notebook: let it end in .ipynb.")
    if path.exists():
        try:
            nbformat.read(path, as_version=4)
        except Exception as error:  # a parser may raise anything
            raise ValueError(
                f"{path} is no notebook that can be read: name another file."
            ) from error


def _write(notebook: Any, path: Path, file: Path) -> None:
    """Write a notebook into a file; what is said names the path that it is for."""
    content = nbformat.writes(notebook).rstrip("\n") + "\n"
    try:
        write_atomically(file, content.encode())
    except OSError as error:
        raise ValueError(
            f"{path} cannot be written ({error.strerror}): name another place."
        ) from error


def _key(cell: Any) -> tuple[str, str]:
    return cell.cell_type, cell.source.strip()


def _fresh_id(name: str, place: int, cell: Any) -> str:
    """Return an id that the same new cell gets on every machine."""
    digest = hashlib.sha256(f"{name}/{place}/{cell.source}".encode()).hexdigest()
    return digest[:8]
