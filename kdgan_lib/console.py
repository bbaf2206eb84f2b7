"""Speak in single lines, and say so where nobody can be spoken to."""

import os
import sys
from contextlib import suppress

from kdgan_lib.paths import advice


def one_line(message: Warning | str, *rest: object, **named: object) -> str:
    """Return a warning as one line; stands in for `warnings.formatwarning`."""
    over_bar = "\r" if sys.stderr.isatty() else ""  # a bar's line has no end
    return f"{over_bar}warning: {message}\n"


def complaint(error: OSError) -> str:
    """Return the sentence that a command ends in; nothing where nobody reads on."""
    if isinstance(error, BrokenPipeError):
        drop_output()
        return ""
    return output_fault() or advice(error)


def output_fault() -> str:
    """Return a sentence if the standard output cannot be written; else nothing."""
    try:
        sys.stdout.write("")  # without a buffer, only writing meets the fault
        sys.stdout.flush()
    except OSError as error:
        drop_output()
        return f"the output cannot be written ({error.strerror}): send it elsewhere."
    return ""


def drop_output() -> None:
    """Point the standard output at nothing: what it holds would fail again at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
