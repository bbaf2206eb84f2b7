"""Command line: `kdgan train | sweep | tune | runs | data | bench | book | ...`."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from importlib import import_module

from kdgan_lib.console import complaint, one_line
from kdgan_lib.memory import is_full, keep_freed_memory

COMMANDS = {
    "train": ("commands.train:train", "train one run and store its record"),
    "sweep": ("commands.train:sweep", "execute a declared grid of runs"),
    "tune": ("commands.train:tune", "search a method's settings on validation"),
    "table": ("commands.table:main", "print a table of the paper, ours beside it"),
    "classical": ("classical:main", "fit Table 2's classical taggers"),
    "predictions": ("predictions:main", "store what each tagger recommends"),
    "recommend": ("recommend:main", "print the best tags for your own picture"),
    "runs": ("commands.runs:main", "list the stored runs, or show one"),
    "data": ("commands.data:main", "fetch and verify a data set"),
    "bench": ("commands.bench:main", "time one update of each player on this machine"),
    "book": ("commands.book:main", "run, check and publish the chapters"),
    "variance": (
        "studies.variance_study:main",
        "measure C's gradient while games are played",
    ),
    "claims": ("commands.claims:main", "show the verdicts, or measure them anew"),
}
RESUMED = ("train", "sweep", "tune", "classical", "predictions", "variance", "data")
"""Commands that, given again, keep what was done."""
INTERRUPTED = 130
FAILURES = (
    *(OSError, ValueError, LookupError, RuntimeError, ModuleNotFoundError),
    MemoryError,  # and pyarrow's own, which is one
)
"""What a user may be able to mend."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, 1 after a failure, 2 for a wrong call, 3 if diverged.

    A failure that the user can mend ends in one sentence on the standard error; with
    the variable KDGAN_TRACEBACK set it comes with where it was raised.
    """
    if arguments is None:  # the process is the command's own
        keep_freed_memory()
        # Told to end, it lets go of its workers and locks as when interrupted.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = sys.argv[1:] if arguments is None else arguments
    called = " ".join(["kdgan", *given[:1]])
    try:
        try:
            return _run(given)
        finally:  # what cannot be written fails here, not after the last handler
            print(end="", flush=True)
    except KeyboardInterrupt:
        print(f"Interrupted; the same command {_then(given)}.", file=sys.stderr)
        return INTERRUPTED
    except FAILURES as error:
        if os.environ.get("KDGAN_TRACEBACK"):
            raise
        said = _sentence(error)
        if not said and isinstance(error, BrokenPipeError):  # nobody reads on
            return 0
        print(f"{called}: {said or type(error).__name__}", file=sys.stderr)
        return 1


def _sentence(error: Exception) -> str:
    """Return what a failure says; nothing where nobody reads on."""
    if is_full(error):
        return (
            "memory is full: end what else is running, or ask for less, and try again."
        )
    if isinstance(error, OSError):
        return complaint(error)
    if isinstance(error, ModuleNotFoundError):
        return (
            f"the package {error.name} is missing: run `pip install -e '.[docs,data]'` "
            "in the book's folder."
        )
    return str(error.args[0] if isinstance(error, KeyError) else error)


def _run(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        print(_overview())
        return 0 if given else 2
    name, *rest = given
    if name not in COMMANDS:
        print(
            f"kdgan: no command '{name}'; choose from {', '.join(COMMANDS)}.",
            file=sys.stderr,
        )
        return 2
    warnings.formatwarning = one_line
    return _command(name)(rest)


def _command(name: str) -> Callable[[list[str]], int]:
    module, function = COMMANDS[name][0].split(":")
    return getattr(import_module(f"kdgan_lib.{module}"), function)


def _then(given: list[str]) -> str:
    """Return what an interrupted command does when it is given again."""
    if given[:2] == ["book", "run"]:
        return "begins the chapter again"
    if given[:2] == ["book", "execute"]:
        return "runs all its chapters again; name those still missing to run only them"
    if given[:1] == ["train"] and "--force" in given:
        return "without --force goes on from here"
    resumed = given[:1] and given[0] in RESUMED and "--force" not in given
    return "goes on from here" if resumed else "begins again"


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        ["usage: kdgan COMMAND [OPTIONS]", "", *lines, "", "kdgan COMMAND --help"]
    )


if __name__ == "__main__":
    sys.exit(main())
