"""Give the commands of `kdgan`: each reads its options and calls the library."""

MOST_THREADS = 1_024
"""Of a process; each takes memory, and no machine of today has more cores."""
