"""Command line: `kdgan train | sweep | tune | runs | data | bench | book | ...`."""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module

from kdgan_lib.memory import keep_freed_memory

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
    "claims": ("commands.book:main", "show the verdicts, or measure them anew"),
}
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, 1 after a failure, 2 for a wrong call, 3 if diverged.

    A failure that the user can mend ends in one sentence on the standard error.
    """
    if arguments is None:  # the process is the command's own
        keep_freed_memory()
    given = sys.argv[1:] if arguments is None else arguments
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
    warnings.showwarning = _one_line
    try:
        return _command(name)(given if "commands.book" in COMMANDS[name][0] else rest)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except (ValueError, LookupError, OSError, RuntimeError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        print(f"kdgan {name}: {message}", file=sys.stderr)
        return 1


def _command(name: str) -> Callable[[list[str]], int]:
    module, function = COMMANDS[name][0].split(":")
    return getattr(import_module(f"kdgan_lib.{module}"), function)


def _overview() -> str:
    lines = [f"  {name:<10}{text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        ["usage: kdgan COMMAND [OPTIONS]", "", *lines, "", "kdgan COMMAND --help"]
    )


def _one_line(message: Warning | str, *rest: object, **named: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
