"""Write the pages of the library reference: one per part of the library."""

import pkgutil
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
    "Data": "data tags tag_tables text augment idx images parquet",
    "Training": "train loop budget randomness memory threads live",
    "Runs and statistics": (
        "runs tasks experiments grids tag_grids beyond_grids variations execute repeat "
        "sweep tuning search_spaces classical variance_plan choices columns stats "
        "provenance workers files paths"
    ),
    "Tables and reports": (
        "reports costs declared tag_facts soft_labels predictions recommend names"
    ),
    "Claims and measures": "claims ledger_file evidence verdicts measures tables",
    "The book": "prose figures notebooks site front_page api_pages",
    "Commands": "cli commands console",
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
    """Return the modules of every part; raise ValueError for one that has none."""
    found = pkgutil.walk_packages(kdgan_lib.__path__, "kdgan_lib.")
    parts: dict[str, list[str]] = {title: [] for title in PARTS}
    for name in sorted(item.name for item in found):
        parts[_part_of(name)].append(name)
    return parts


def _part_of(module: str) -> str:
    top = module.split(".")[1]
    for title, names in PARTS.items():
        if top in names.split():
            return title
    raise ValueError(f"{module} is in no part of the reference: add {top} to PARTS.")


def _section(module: str) -> str:
    options = "".join(f"   :{option}\n" for option in OPTIONS)
    directive = f"```{{eval-rst}}\n.. automodule:: {module}\n{options}```"
    return f"## {module}\n\n{directive}\n\n"
