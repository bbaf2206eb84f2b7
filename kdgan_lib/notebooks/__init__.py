"""Pair, run, stamp and stage the chapters."""

from kdgan_lib.notebooks.execute import run, run_all
from kdgan_lib.notebooks.failures import ChapterFailed
from kdgan_lib.notebooks.pairing import chapters, find, sync, unpaired
from kdgan_lib.notebooks.parameters import Parameter, parameters_of, parameters_table
from kdgan_lib.notebooks.stamps import provenance, stale

__all__ = [
    "ChapterFailed",
    "Parameter",
    "chapters",
    "find",
    "parameters_of",
    "parameters_table",
    "provenance",
    "run",
    "run_all",
    "stale",
    "sync",
    "unpaired",
]
