"""Command `kdgan data`: the same as `python -m data_prep`."""


def main(arguments: list[str]) -> int:
    """Fetch and verify a data set; return the exit code."""
    from data_prep.__main__ import main as prepare

    return prepare(arguments)
