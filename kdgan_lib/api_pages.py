"""Write the pages of the library reference: one per part of the library."""

import pkgutil
from collections.abc import Iterable
from pathlib import Path

import kdgan_lib

OPTIONS = ("members:", "ignore-module-all:", "member-order: bysource")
# A module belongs to the first part that names it or its package.
PARTS = {
    "The game, losses and estimators": (
        "game closed_forms dynamics concrete losses estimators metrics variance "
        "variance_linear studies"
    ),
    "Players and methods": (
        "nets cifar_nets tag_nets teachers methods baselines compression"
    ),
    "Data": "data tags text augment idx images parquet",
    "Training": "train loop budget randomness memory live",
    "Runs and statistics": (
        "runs tasks experiments grids execute repeat sweep tuning search_spaces "
        "classical settings choices stats provenance workers"
    ),
    "Tables and reports": (
        "reports costs declared tag_facts soft_labels predictions recommend names"
    ),
    "Claims and measures": "claims evidence verdicts measures tables",
    "The book": "prose figures notebooks site front_page api_pages",
    "Commands and everything else": "cli commands",
}


def write_api_pages(folder: Path) -> None:
    """Write one page per part of the library, and their contents page."""
    folder.mkdir()
    names = []
    for number, (title, modules) in enumerate(modules_by_part().items(), start=1):
        sections = "".join(_section(module) for module in modules)
        page = f"part_{number}"
        (folder / f"{page}.md").write_text(f"# {title}\n\n{sections}", encoding="utf-8")
        names.append(page)
    contents = "```{toctree}\n:maxdepth: 2\n\n" + "\n".join(names) + "\n```\n"
    intro = "Every public function of `kdgan_lib`, from its own description."
    text = f"(api)=\n# Library reference\n\n{intro}\n\n{contents}"
    (folder / "index.md").write_text(text, encoding="utf-8")


def modules_by_part() -> dict[str, list[str]]:
    """Return the modules of every part; what no part names goes to the last."""
    found = pkgutil.walk_packages(kdgan_lib.__path__, "kdgan_lib.")
    parts: dict[str, list[str]] = {title: [] for title in PARTS}
    for name in sorted(item.name for item in found):
        parts[_part_of(name)].append(name)
    return {title: names for title, names in parts.items() if names}


def _part_of(module: str) -> str:
    top = module.split(".")[1]
    homes: Iterable[str] = (title for title in PARTS if top in PARTS[title].split())
    return next(iter(homes), [*PARTS][-1])


def _section(module: str) -> str:
    options = "".join(f"   :{option}\n" for option in OPTIONS)
    directive = f"```{{eval-rst}}\n.. automodule:: {module}\n{options}```"
    return f"## {module}\n\n{directive}\n\n"
