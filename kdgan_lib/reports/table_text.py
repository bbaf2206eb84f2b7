"""Lay the tables out for a terminal: our numbers, the paper's, and what is missing."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from kdgan_lib.names import label_of
from kdgan_lib.reports import table1 as first
from kdgan_lib.reports import table3 as third
from kdgan_lib.reports.cells import counted
from kdgan_lib.stats import Difference, Estimate

NOT_RUN = "not run"


def table1(protocols: Sequence[str]) -> str:
    """Return Table 1 under some protocols."""
    parts = [_protocol(name, first.COLUMNS) for name in protocols]
    if "controlled" in protocols:
        parts.append(_protocol("controlled", first.SMALL))
    return "\n\n".join(parts)


def table3(protocols: Sequence[str] = ()) -> str:
    """Return Table 3: sizes of T and C, accuracies and losses against T."""
    return "\n\n".join((_sizes(), _losses()))


def _protocol(protocol: str, columns: Sequence[first.Column]) -> str:
    entries = first.entries(protocol, columns)
    small = columns is first.SMALL
    networks = ", T and D a ResNet-20 (no cells of the paper)" if small else ""
    title = f"Table 1 under `{protocol}`{networks}: test accuracy of C in %"
    grid = _grid(entries, columns, protocol, papers=not small)
    return "\n".join([title, grid, *_notes(protocol, small), *_left(entries)])


def _notes(protocol: str, small: bool) -> list[str]:
    if small:
        return []
    notes = ["mean [95% interval] runs; below it the paper's"]
    if protocol == "controlled":
        notes.append(f"{first.HELD_OUT:,} images are held out: 50,000 leave 48,000")
    return notes


def _grid(
    entries: Iterable[first.Entry],
    columns: Sequence[first.Column],
    protocol: str,
    papers: bool,
) -> str:
    lines = [["", *(column.title(protocol) for column in columns)]]
    by_row: dict[str, list[first.Entry]] = {}
    for entry in entries:
        by_row.setdefault(entry.cell.method, []).append(entry)
    for name, row in by_row.items():
        lines.append([label_of(name), *(_ours(entry) for entry in row)])
        if papers and not all(math.isnan(entry.paper) for entry in row):
            lines.append(["  paper", *(_number(entry.paper) for entry in row)])
    return _aligned(lines)


def _left(entries: Iterable[first.Entry]) -> list[str]:
    """Return one line per column that lacks runs: the command, and its time."""
    return [
        f"{NOT_RUN}: {first.command(part)}  "
        f"({counted(sum(entry.missing for entry in part))}: {first.effort(part)})"
        for part in first.missing(entries)
    ]


def _ours(entry: first.Entry) -> str:
    found = entry.accuracy
    if found is None:
        return f"all {len(entry.runs)} diverged" if len(entry.runs) else NOT_RUN
    return f"{_interval(found)} {found.runs}{_diverged(entry)}"


def _diverged(entry: first.Entry) -> str:
    lost = len(entry.runs) - len(entry.finished)
    return f" (+{lost} diverged)" if lost else ""


def _sizes() -> str:
    found = third.sizes()
    if found.empty:
        return f"Table 3, sizes: {NOT_RUN}: {third.MEASURE}"
    ordered = found.sort_values("parameters", ascending=False)
    head = ["", "parameters", "bytes", "multiply-adds", "ms", "fewer parameters than T"]
    lines = [head, *(_size(row) for row in ordered.to_dict("records"))]
    return "Table 3: sizes of the networks on MNIST\n" + _aligned(lines)


def _size(row: dict) -> list[str]:
    name = "T" if row["player"] == "teacher" else f"C, {row['hidden']:.0f} units"
    counts = (row["parameters"], row["bytes"], row["multiply_adds"])
    return [
        name,
        *(f"{count:,.0f}" for count in counts),
        f"{row['latency_ms']:.3f}",
        f"{row['parameters_ratio']:.1f} times",
    ]


def _losses() -> str:
    entries = third.entries()
    widths = list(dict.fromkeys(entry.hidden for entry in entries))
    lines = [["", *(f"{width} units" for width in widths)]]
    for name in third.METHODS:
        row = [entry for entry in entries if entry.cell.method == name]
        lines.append([label_of(name), *map(_accuracy, row)])
        lines.append(["  loss to T", *(_interval(entry.loss) for entry in row)])
    left = [entry for entry in entries if entry.missing]
    notes = []
    if left:
        time = first.effort_of(entry.cell for entry in left)
        notes = [f"{NOT_RUN}: {third.COMMAND}  ({time})"]
    title = (
        f"Table 3: test accuracy of C in % on MNIST with n = 100 under `controlled` "
        f"({_seeds(entries)}), and its loss against T in points"
    )
    return "\n".join([title, _aligned(lines), *notes])


def _seeds(entries: list[third.Entry]) -> str:
    most = max(len(entry.cell.ids) for entry in entries)
    return f"{most} seeds"


def _accuracy(entry: third.Entry) -> str:
    """Return a cell's accuracy, with the number of runs where some are missing."""
    few = f" ({len(entry.runs)} of {len(entry.cell.ids)})" if entry.missing else ""
    return _interval(entry.accuracy) + (few if entry.runs else "")


def _interval(found: Estimate | Difference | None) -> str:
    if found is None:
        return NOT_RUN
    if math.isnan(found.lo):
        return _number(found.mean)
    return f"{_number(found.mean)} [{_number(found.lo)}, {_number(found.hi)}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _aligned(lines: list[list[str]]) -> str:
    """Return lines of words in columns: the first to the left, others to the right."""
    frame = pd.DataFrame(lines).fillna("")
    widths = [int(frame[column].str.len().max()) for column in frame]
    return "\n".join(
        "  ".join(
            word.ljust(width) if place == 0 else word.rjust(width)
            for place, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
