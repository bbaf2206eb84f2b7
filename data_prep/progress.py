"""Progress bars: lively on a terminal, a few lines in a log."""

import sys
from typing import Any

from tqdm.auto import tqdm


def progress_bar(**options: Any) -> tqdm:
    """Return a tqdm bar on stderr."""
    interval = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two drawings
    return tqdm(mininterval=interval, maxinterval=interval, **options)
