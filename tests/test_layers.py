"""Check the house's plan: who may import whom, draw, print and seed."""

import ast
import os
import subprocess
import sys
from functools import cache

import pytest

from kdgan_lib.paths import ROOT

# From the idea outward: a room imports from itself and from the rooms before it. The
# name of a package stands for all its modules, `package.*` for those below its own.
ROOMS = {
    "mathematics": (
        *("concrete", "losses", "estimators", "game", "dynamics", "closed_forms"),
        *("metrics", "stats", "soft_labels", "variance_linear"),
    ),
    "ground": (
        *("choices", "files", "paths", "randomness", "idx", "images", "augment"),
        *("data", "tag_tables", "tags", "tag_facts", "text", "budget", "provenance"),
        *("parquet", "runs", "names", "memory", "threads", "workers", "console"),
    ),
    "players and methods": (
        *("nets", "cifar_nets", "tag_nets", "compression", "teachers", "methods"),
        "columns",
        *("baselines", "variance"),
    ),
    "a run's parts": ("loop",),
    "the loop": ("train",),
    "tasks": ("tasks",),
    "declared runs": (
        *("experiments", "variations", "tag_grids", "beyond_grids", "grids"),
        *("costs", "declared", "search_spaces", "variance_plan"),
    ),
    "runs that are made": (
        *("execute", "sweep", "repeat", "tuning", "classical", "live"),
        *("recommend", "predictions"),
    ),
    "what is stored": ("tables", "ledger_file", "claims"),
    # `measures` itself is the list in which the measures, further on, enter themselves.
    "verdicts": ("measures", "evidence", "verdicts", "prose"),
    "reports": ("reports",),
    "figures": ("figures",),
    "studies": ("studies",),
    "measures": ("measures.*",),
    "the book": ("notebooks", "front_page", "api_pages", "site"),
    "commands": ("commands", "cli", ""),
}
RANK = {room: rank for rank, room in enumerate(ROOMS)}
DRAWING = ("figures", "studies.demonstrations")
PROGRAMS = ("commands", "cli", "site")


@cache
def sources():
    """Return the syntax tree of each module by its name inside the library."""
    found = {}
    for path in sorted((ROOT / "kdgan_lib").rglob("*.py")):
        parts = path.relative_to(ROOT / "kdgan_lib").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text())
    return found


def imported(tree, everywhere=True):
    """Return the full names that a module imports, in functions too if asked."""
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def inside(names):
    """Return the library's modules among imported names."""
    found = set()
    for name in names:
        if name.startswith("kdgan_lib."):
            short = name.removeprefix("kdgan_lib.")
            parent = short.rpartition(".")[0]
            found.add(short if short in sources() else parent)
    return found


def room_of(module):
    """Return a module's room: one that names it, or else its package; None if none."""
    package = module.rpartition(".")[0]
    names = (module, f"{package}.*", package) if package else (module,)
    rooms = (room for name in names for room in ROOMS if name in ROOMS[room])
    return next(rooms, None)


def modules_in(room):
    """Return the modules of a room."""
    return [module for module in sources() if room_of(module) == room]


def calls(tree):
    """Return the dotted names of the functions that a module calls."""
    return {
        ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)
    }


@pytest.mark.parametrize("module", sources())
def test_every_module_has_a_room_and_imports_only_from_rooms_before_it(module):
    assert room_of(module), f"{module} has no room"
    for other in inside(imported(sources()[module])):
        assert room_of(other), f"{module} imports {other}, which has no room"
        assert RANK[room_of(other)] <= RANK[room_of(module)], (
            f"{module} imports {other}"
        )


@pytest.mark.parametrize("module", modules_in("mathematics"))
def test_the_mathematics_imports_nothing_with_side_effects(module):
    allowed = set(modules_in("mathematics"))
    tree = sources()[module]
    assert inside(imported(tree)) <= allowed
    outside = {name.split(".")[0] for name in imported(tree)} - {"kdgan_lib"}
    assert not outside & {"os", "pathlib", "tqdm", "time", "io", "json"}


def test_no_modules_import_each_other_in_a_circle():
    edges = {
        name: inside(imported(tree, everywhere=False)) - {name}
        for name, tree in sources().items()
        if name
    }
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for other in sorted(edges.get(name, ())):
            # A package's own modules are imported by its __init__.
            if not name.startswith(f"{other}."):
                visit(other)
        path.pop()
        done.add(name)

    for name in edges:
        visit(name)


@pytest.mark.parametrize("module", sources())
def test_only_the_figures_import_matplotlib(module):
    tools = {name.split(".")[0] for name in imported(sources()[module])}
    if not module.startswith(DRAWING):
        assert not tools & {"matplotlib", "seaborn"}


@pytest.mark.parametrize("module", [n for n in sources() if n.startswith("reports")])
def test_reports_read_what_is_stored_and_neither_draw_nor_train(module):
    for other in inside(imported(sources()[module])):
        assert not other.startswith("figures"), f"{module} imports {other}"
        assert other not in ("train", "execute", "sweep"), f"{module} imports {other}"


@pytest.mark.parametrize("module", sources())
def test_only_commands_print(module):
    tree = sources()[module]
    runs_as_program = "__name__ == '__main__'" in ast.unparse(tree)
    if not (module.startswith(PROGRAMS) or runs_as_program):
        assert "print" not in calls(tree)


@pytest.mark.parametrize("module", sources())
def test_nothing_seeds_torchs_or_numpys_global_generator(module):
    seeding = {"manual_seed", "seed", "set_rng_state", "seed_all", "manual_seed_all"}
    homes = {
        "torch",
        "torch.random",
        "torch.cuda",
        "np.random",
        "numpy.random",
        "random",
    }
    found = {
        name
        for name in calls(sources()[module])
        if name.rpartition(".")[2] in seeding and name.rpartition(".")[0] in homes
    }
    assert not found


@pytest.mark.parametrize("module", sources())
def test_modules_stay_at_about_300_lines_and_functions_within_40(module):
    nodes = list(ast.walk(sources()[module]))
    last = max((getattr(node, "end_lineno", 0) or 0 for node in nodes), default=0)
    assert last <= 340
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = node.end_lineno - node.lineno - len(docstring.splitlines())
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_the_loop_knows_no_method_by_name():
    for module in modules_in("a run's parts") + modules_in("the loop"):
        for other in inside(imported(sources()[module])):
            assert not other.startswith("methods."), f"{module} imports {other}"
        text = ast.unparse(sources()[module])
        for method in ("'kdgan'", "'mimic'", "'nagan'", "'codis'", "'distn'"):
            assert method not in text


def test_the_rooms_name_each_module_once_and_only_modules_that_exist():
    named = [module for room in ROOMS.values() for module in room]
    assert len(named) == len(set(named))
    assert {name.removesuffix(".*") for name in named} <= set(sources())


def test_public_names_are_there():
    import kdgan_lib

    for name in kdgan_lib.__all__:
        assert getattr(kdgan_lib, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fti'"):
        kdgan_lib.fti  # noqa: B018


def test_the_run_tables_are_read_without_waiting_for_torch():
    program = (
        "import sys, kdgan_lib.runs, kdgan_lib.commands.runs, kdgan_lib.cli\n"
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment)
    assert done.returncode == 0
