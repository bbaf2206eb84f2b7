"""Give the commands of `kdgan`: each reads its options and calls the library."""
