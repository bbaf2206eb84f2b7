"""Build the web site: stage executed chapters for Sphinx, then run it offline."""

import base64
import fnmatch
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from kdgan_lib.api_pages import write_api_pages
from kdgan_lib.front_page import fill_front_page
from kdgan_lib.notebooks import pairing, stamps
from kdgan_lib.notebooks.pairing import read_notebook
from kdgan_lib.notebooks.stamps import facts_of
from kdgan_lib.paths import book_dir

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\b"""
    r"""(?:src|srcset)=["']((?:https?:)?//[^"']+)"""
    r"""|<link\b(?=[^>]*rel=["'](?:stylesheet|preload|icon))[^>]*?"""
    r"""href=["']((?:https?:)?//[^"']+)"""
)
IMPORTED = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')]+)""")
COPIED = ("*.md", "conf.py", "references.bib", "_static", "_ext")
CHAPTERS = "[0-9a-z][0-9]_*.ipynb"


def build(output: Path, notebooks: Path | None = None) -> int:
    """Build the pages into `output` from executed notebooks; return Sphinx's exit code.

    notebooks: folder of executed chapters; by default the kept ones beside their texts.
    An earlier site in `output` stays as it is until the new one is whole.
    Raises ValueError for a folder without chapters and an output that is no site.
    """
    chapters, place = notebooks or book_dir(), output.resolve()
    _check_chapters(chapters)
    _check_output(place)
    beside = place.with_name(f".{place.name}.{os.getpid()}.new")
    _make(beside, output)
    try:
        # A folder of its own: another build at the same time has other figures.
        with tempfile.TemporaryDirectory() as folder:
            stage(Path(folder) / "source", chapters)
            code = _sphinx(Path(folder), beside)
        if code == 0:
            _swap(beside, place)
            print(output / "index.html")
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return code


def outdated(notebooks: Path | None = None) -> list[str]:
    """Return one sentence per executed chapter that is older than what it shows.

    notebooks: as for `build`.
    """
    found = []
    for path in sorted((notebooks or book_dir()).glob(CHAPTERS)):
        changed = stamps.outdated(pairing.find(path.stem), read_notebook(path))
        if changed:
            found.append(f"{path} is stale ({', '.join(changed[:3])}): run it again.")
    return found


def _sphinx(folder: Path, target: Path) -> int:
    """Write the pages; return 0, or another code after saying what is wrong."""
    from sphinx.cmd.build import main as sphinx

    source, doctrees = folder / "source", folder / "doctrees"
    flags = ["-W", "--keep-going", "-E", "-q", "-b", "html", "-d", str(doctrees)]
    code = sphinx([*flags, str(source), str(target)])
    outside = from_network(target)
    for line in outside:
        print(f"loaded from the network: {line}", file=sys.stderr)
    return code or int(bool(outside))


def _check_chapters(folder: Path) -> None:
    if not any(folder.glob(CHAPTERS)):
        raise ValueError(
            f"{folder} holds no executed chapters: name a folder that "
            "`kdgan book execute --folder` filled."
        )


def _check_output(place: Path) -> None:
    """Refuse to put a site where other files are: the old content is removed."""
    empty = not place.exists() or (place.is_dir() and not any(place.iterdir()))
    if not empty and not (place / "objects.inv").exists():
        raise ValueError(
            f"{place} is no earlier site: name a folder that is empty or not there."
        )


def _make(beside: Path, output: Path) -> None:
    try:
        beside.mkdir(parents=True)
    except OSError as error:
        raise ValueError(
            f"{output} cannot be written ({error.strerror}): name another place."
        ) from error


def _swap(new: Path, place: Path) -> None:
    """Put a folder in the place of another one; where that fails, the old one stays."""
    old = new.with_suffix(".old")
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    finally:
        if not place.exists() and old.exists():
            old.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def from_network(output: Path) -> list[str]:
    """Return the addresses that opening the pages would fetch; links do not count."""
    found = set()
    for page in output.rglob("*.html"):
        hits = LOADED.findall(page.read_text(encoding="utf-8"))
        found |= {script or sheet for script, sheet in hits}
    for sheet in output.rglob("*.css"):
        found |= set(IMPORTED.findall(sheet.read_text(encoding="utf-8")))
    return sorted(found)


def stage(target: Path, notebooks: Path) -> None:
    """Fill `target` with everything Sphinx reads; nothing is written into the book."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for pattern in COPIED:
        for path in sorted(book_dir().glob(pattern)):
            _copy(path, target / path.name)
    for path in sorted(notebooks.glob(CHAPTERS)):
        stage_chapter(path, target)
    fill_front_page(target)
    _keep_known_pages(target)
    write_api_pages(target / "api")


def stage_chapter(path: Path, target: Path) -> None:
    """Write a chapter in the site's dialect, with its notebook and text to download.

    Raises ValueError, with how to mend it, for a damaged notebook.
    """
    originals = target / "_originals"
    originals.mkdir(exist_ok=True)
    notebook = read_notebook(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs = [_translate(out, target, path.stem) for out in cell.outputs]
            cell.outputs = [output for output in outputs if output is not None]
            cell.metadata.pop("nbmake", None)
    shutil.copy2(path, originals / path.name)
    shutil.copy2(book_dir() / f"{path.stem}.py", originals / f"{path.stem}.py")
    links = (
        f"Download this chapter: {{download}}`notebook <_originals/{path.name}>` · "
        f"{{download}}`script <_originals/{path.stem}.py>`"
    )
    last = nbformat.v4.new_markdown_cell(links, id="downloads")
    notebook.cells.append(last)
    nbformat.write(notebook, target / path.name)


def _translate(output: Any, target: Path, chapter: str) -> Any | None:
    """Return an output in the site's dialect; None for one the site does not need."""
    facts = facts_of(output)
    if "figure" in facts:
        figure = facts["figure"]
        file = target / "_figures" / chapter / f"{figure['name']}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(output.data["image/png"]))
        where = file.relative_to(target).as_posix()
        width = output.metadata.get("image/png", {}).get("width", 640)
        return _markdown(figure_directive(figure, where, width))
    if "caption" in facts:
        return None
    return _markdown(facts["myst"]) if "myst" in facts else output


def figure_directive(figure: dict[str, str], where: str, width: int) -> str:
    """Return the directive of a numbered figure with its alternative text."""
    alt = " ".join(figure["alt"].split())
    caption = " ".join(figure["caption"].split())
    head = f"::::{{figure}} {where}\n:name: {figure['name']}\n:width: {width}px"
    return f"{head}\n:class: kd-card\n:alt: {alt}\n\n{caption}\n::::"


def _markdown(text: str) -> Any:
    return nbformat.v4.new_output("display_data", data={"text/markdown": text})


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(path, target)


def _keep_known_pages(target: Path) -> None:
    """Drop from the contents the chapters that are not written yet."""
    index = target / "index.md"
    pages = [path.stem for path in target.iterdir() if path.suffix in (".md", ".ipynb")]
    kept = [
        line
        for line in index.read_text(encoding="utf-8").splitlines()
        if not re.fullmatch(r"[0-9a-z][0-9]_\S*", line)
        or fnmatch.filter(pages, line.strip())
    ]
    index.write_text("\n".join(kept) + "\n", encoding="utf-8")
