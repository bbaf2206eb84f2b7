"""Command `kdgan book`: run, sync and check the chapters, and build the site."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from kdgan_lib.paths import ROOT

Pair = tuple[str, str]


@dataclass(frozen=True)
class RunChapter:
    """Run one chapter and keep its outputs."""

    chapter: tyro.conf.Positional[str]
    """Number or name of the chapter, such as 06."""
    parameter: Annotated[
        tuple[Pair, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(aliases=["-p"], metavar="NAME VALUE"),
    ] = ()
    """A parameter and its value; may be given several times."""
    output: Path | None = None
    """Executed notebook; default: the chapter's own, or build/ if a value is given."""

    def __call__(self) -> int:
        """Run the chapter and say where the result is."""
        from kdgan_lib import notebooks

        output = self.output
        if output is None and self.parameter:
            output = (
                ROOT / "build" / "runs" / f"{notebooks.find(self.chapter).stem}.ipynb"
            )
        values, bar = dict(self.parameter), sys.stderr.isatty()
        print(notebooks.run(self.chapter, values, output, progress=bar))
        return 0


@dataclass(frozen=True)
class Execute:
    """Run all chapters (or those named) side by side into a folder."""

    chapters: tyro.conf.Positional[tuple[str, ...]] = ()
    """Chapters; all when none is named."""
    profile: Literal["smoke", "book", "paper"] = "book"
    """smoke: seconds; book: minutes; paper: trains whatever is missing."""
    folder: Path = ROOT / "build" / "book"
    """Folder of the executed notebooks."""
    workers: int = 2
    """Chapters that run at the same time."""

    def __call__(self) -> int:
        """Run the chapters and list those that failed."""
        from kdgan_lib import notebooks

        values = {"profile": self.profile}
        failed = notebooks.run_all(self.folder, values, self.chapters, self.workers)
        for name, message in failed.items():
            told = message if message.startswith(name) else f"{name}: {message}"
            print(told, file=sys.stderr)
        return 1 if failed else 0


@dataclass(frozen=True)
class Sync:
    """Bring the notebooks up to date with their texts."""

    def __call__(self) -> int:
        """Sync every pair and name the ones that changed."""
        from kdgan_lib import notebooks

        for text in notebooks.chapters():
            print(f"{text.stem}: {'updated' if notebooks.sync(text) else 'unchanged'}")
        return 0


@dataclass(frozen=True)
class Check:
    """Fail when a pair differs or a chapter's outputs are older than its inputs."""

    def __call__(self) -> int:
        """Print every problem; exit with 1 if there is one."""
        from kdgan_lib import notebooks

        problems = notebooks.unpaired() + notebooks.stale()
        print("\n".join(problems) or "all chapters are paired and fresh")
        return 1 if problems else 0


@dataclass(frozen=True)
class Site:
    """Build the web site from executed notebooks."""

    notebooks: Path | None = None
    """Folder of executed notebooks; default: the kept ones in book/."""
    output: Path = ROOT / "build" / "site"
    """Folder of the pages."""

    def __call__(self) -> int:
        """Build the pages, and say which chapters are old; warnings are errors."""
        from kdgan_lib import site

        for line in site.outdated(self.notebooks):
            print(line, file=sys.stderr)
        return site.build(self.output, self.notebooks)


Action = Annotated[
    Annotated[RunChapter, tyro.conf.subcommand("run")]
    | Annotated[Execute, tyro.conf.subcommand("execute")]
    | Annotated[Sync, tyro.conf.subcommand("sync")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[Site, tyro.conf.subcommand("site")]
    | Annotated[Site, tyro.conf.subcommand("build")],
    tyro.conf.OmitSubcommandPrefixes,
]


def main(arguments: list[str]) -> int:
    """Run `kdgan book`; return the exit code."""
    action = tyro.cli(Action, prog="kdgan book", args=arguments)  # type: ignore[call-overload]
    return int(action())
