"""Gather what the chapter on model compression says of Table 1: tables and sentences.

A cell that was run folds away its runs and the command that makes them; one that was
not says so and folds away its command, its device and an estimate of its time.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from kdgan_lib.names import PROTOCOLS, label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports import effort, selection, table1, teachers
from kdgan_lib.reports.cells import BESIDE, BREAK, counted, folded, shown
from kdgan_lib.reports.differences import tabled
from kdgan_lib.reports.orderings import stand
from kdgan_lib.reports.table1 import (
    COLUMNS,
    ROWS,
    SMALL,
    Column,
    Entry,
)
from kdgan_lib.stats import LEVEL, shared_difference

WIDE = 2
"""Columns up to which a table's cells have room for their small print on one line."""


def accuracies(
    protocol: str, columns: Sequence[Column] = COLUMNS, empty: bool = True
) -> pd.DataFrame:
    """Return Table 1 under a protocol: a row per method, a column per data set and n.

    A cell gives our mean in percent, its 95% interval, the runs and the paper's mean.
    empty: whether columns without any run are there, too.
    """
    found = table1.entries(protocol, columns)
    begun = {entry.column for entry in found if empty or len(entry.runs)}
    between = BREAK if len(begun) > WIDE else BESIDE
    rows = {name: {"method": label_of(name)} for name in ROWS}
    for entry in found:
        if entry.column in begun:
            title = entry.column.title(protocol)
            rows[entry.cell.method][title] = _cell(entry, between)
    return pd.DataFrame(list(rows.values()))


def budgets() -> pd.DataFrame:
    """Return how much each column trains under `controlled`, a row per column.

    Pretraining and game are counted in updates; the game's are of all players.
    """
    from kdgan_lib.experiments import controlled_base  # with the methods torch comes
    from kdgan_lib.tasks import task

    rows = []
    for column in (*COLUMNS, *SMALL):
        n, learned = column.size("controlled"), task(column.data, column.variant)
        base = controlled_base(learned, n)
        batches = math.ceil(n / base.batch_size)
        row = {"column": column.title("controlled"), "T and D": column.teachers}
        row |= {"batch": f"{base.batch_size}", "products": base.precision}
        for seat, symbol in (("classifier", "C"), ("teacher", "T")):
            passes = getattr(base, f"{seat}_pretraining")
            row[f"pretraining of {symbol}"] = f"{passes * batches:,}"
        row |= teachers.pretraining(base)
        updates = learned.player_updates(n)
        passes = updates * base.batch_size / n
        rows.append(row | {"game": f"{updates:,}", "passes": f"{passes:.0f}"})
    return pd.DataFrame(rows)


def updates_by_size(data: str) -> str:
    """Return in words how many player updates each n gets under `controlled`."""
    from kdgan_lib.tasks import task  # it imports torch

    (_, fewest), *more = sorted(task(data).updates.items())
    steps = [f"{updates:,} from n = {n:,} on" for n, updates in more]
    return ", ".join([f"{fewest:,} player updates", *steps])


def code_budgets(sizes: Sequence[int] = (100, 1_000)) -> pd.DataFrame:
    """Return what `code` gives each method on MNIST, a row per method.

    Columns: C's updates in the game for each n of `sizes`, and test evaluations.
    """
    from kdgan_lib.experiments import declare  # with the methods it imports torch
    from kdgan_lib.loop.schedule import GAME, stages

    rows = []
    for name in ROWS:
        updates, tests = {}, []
        for n in sizes:
            run = declare(name, n=n, protocol="code")
            (game,) = (s for s in stages(run.method, run.budget) if s.name == GAME)
            passes = sum(p.passes for p in game.phases if p.player == "classifier")
            count = game.epochs * passes * math.ceil(n / run.budget.batch_size)
            updates[f"updates of C, n = {n:,}"] = f"{count:,}"
            tests.append(f"{game.epochs // run.budget.test_every:,}")
        looks = {"test evaluations": " and ".join(dict.fromkeys(tests))}
        rows.append({"method": label_of(name), **updates, **looks})
    return pd.DataFrame(rows)


def small_networks() -> pd.DataFrame:
    """Return CIFAR-10's accuracies with a ResNet-20 as T and D: no paper's cells."""
    return accuracies("controlled", SMALL)


def _cell(entry: Entry, between: str) -> str:
    """Return a cell: what was found, the paper's mean, and the command folded away."""
    paper = [] if math.isnan(entry.paper) else [f"paper {entry.paper:.2f}"]
    found = entry.accuracy
    if found is None and entry.missing:
        return folded("not run", paper, entry.command, table1.effort([entry]))
    if found is None:
        return folded(f"all {len(entry.runs)} diverged", paper, entry.command)
    lost = len(entry.runs) - len(entry.finished)
    runs = counted(found.runs, len(entry.cell.ids) if entry.missing else 0)
    lines = [runs, *([f"{lost} diverged"] if lost else []), *paper]
    return shown(found, lines, entry.command, entry.runs.run_id, between)


def missing(
    protocols: Iterable[str] = PROTOCOLS, columns: Sequence[Column] = COLUMNS
) -> pd.DataFrame:
    """Return a row per column that lacks runs: the one command, device and time."""
    return pd.DataFrame(
        [
            {
                "protocol": f"`{protocol}`",
                "column": part[0].column.title(protocol),
                "runs": sum(entry.missing for entry in part),
                "command": f"`{table1.command(part)}`",
                "takes": table1.effort(part),
            }
            for protocol in protocols
            for part in table1.missing(table1.entries(protocol, columns))
        ]
    )


BESIDE_TABLE_1 = {
    "controls": "controls",
    "sample_size": "accuracy against the number of images",
    "released_length": "the released script's length under `code`",
    "table3": "Table 3",
    "table3_controls": "Table 3's MIMIC with KDGAN's rate and updates of C",
    "cifar10_teachers": "ways to pretrain CIFAR-10's small T",
}
"""The chapter's other grids, in words."""


def unfinished() -> pd.DataFrame:
    """Return what is missing beside Table 1: a row per grid and small column."""
    rows: list[dict[str, object]] = []
    for grid, what in BESIDE_TABLE_1.items():
        left = table1.left(grid)
        if left:
            takes = effort.of_runs(grid, left)
            row = {"runs": len(left), "command": f"`kdgan sweep {grid}`"}
            rows.append({"what": what, **row, "takes": takes})
    small = missing(("controlled",), SMALL)
    for row in small.to_dict("records"):
        what = f"{row['column']}, T and D a ResNet-20"
        kept = ("runs", "command", "takes")
        rows.append({"what": what, **{key: row[key] for key in kept}})
    return pd.DataFrame(rows)


def differences(
    protocol: str = "controlled",
    columns: Sequence[Column] = COLUMNS,
    reference: str = "kdgan",
    rivals: Sequence[str] = ROWS,
) -> pd.DataFrame:
    """Return KDGAN minus each rival in points, paired by seed, column by column.

    Holm's correction is over the rivals of a column.
    """
    found = _differences(protocol, columns, reference, rivals)
    return pd.DataFrame([_written(row) for row in found.to_dict("records")])


def _differences(
    protocol: str,
    columns: Sequence[Column] = COLUMNS,
    reference: str = "kdgan",
    rivals: Sequence[str] = ROWS,
) -> pd.DataFrame:
    """Return the numbers of `differences`."""
    found = [
        _against(runs, reference, rivals).assign(column=column.title(protocol))
        for column, runs in table1.scores(protocol, columns).items()
        if reference in runs
    ]
    known = [frame for frame in found if len(frame)]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame()


def _against(runs: pd.DataFrame, reference: str, rivals: Sequence[str]) -> pd.DataFrame:
    """Return one column's differences, by the rows of the table."""
    gaps = {
        label_of(name): gap
        for name in rivals
        if name != reference
        and name in runs
        and (gap := shared_difference(runs[reference], runs[name], 1))
    }
    return tabled(gaps)


def _written(row: dict[str, Any]) -> dict[str, object]:
    """Return a difference as printed, with dashes for what few pairs do not have."""
    ends = f"[{row['low']:+.2f}, {row['high']:+.2f}]"
    return {
        "column": row["column"],
        "method": row["method"],
        "difference": f"{row['difference']:+.2f}",
        "95% interval": _or_dash(ends, row["low"]),
        "effect size": _or_dash(f"{row['effect size']:.2f}", row["effect size"]),
        "p (Holm)": _or_dash(f"{row['p (Holm)']:.3g}", row["p (Holm)"]),
        "pairs": row["pairs"],
    }


def told_apart(
    protocol: str = "controlled",
    columns: Sequence[Column] = COLUMNS,
    reference: str = "kdgan",
) -> str:
    """Return which rivals a method is ahead of, behind, and not told from, by column.

    A reference other than KDGAN is compared with all but KDGAN.
    """
    rivals = [name for name in ROWS if name != "kdgan"]
    found = _differences(protocol, columns, reference, rivals)
    if found.empty:
        return ""
    tested = found.dropna(subset="p (Holm)").groupby("column", sort=False)
    name = label_of(reference)
    return " ".join(_told(name, str(title), part) for title, part in tested)


def _told(name: str, title: str, part: pd.DataFrame) -> str:
    clear, ahead = part["p (Holm)"] < LEVEL, part.difference > 0
    groups = {
        "is ahead of": part[clear & ahead],
        "is behind": part[clear & ~ahead],
        "cannot be told from": part[~clear],
    }
    said = [
        f"{what} {listed(members.method)}"
        for what, members in groups.items()
        if len(members)
    ]
    return f"On {title} {name} {listed(said)}."


def by_rival(columns: Sequence[Column] = (*COLUMNS, *SMALL)) -> str:
    """Return in how many columns KDGAN is first, and told from each rival, in words.

    Empty where nothing can be tested.
    """
    found = _differences("controlled", columns)
    tested = found if found.empty else found.dropna(subset="p (Holm)")
    if tested.empty:
        return ""
    clear, ahead = tested["p (Holm)"] < LEVEL, tested.difference > 0
    columns_of = tested.method.value_counts(sort=False)
    said, never = [], list(columns_of.index)
    for what, members in (("ahead of", clear & ahead), ("behind", clear & ~ahead)):
        counts = tested[members].method.value_counts()
        each = [f"{name} in {n} of {columns_of[name]}" for name, n in counts.items()]
        said += [f"{what} {listed(each)}"] if each else []
        never = [name for name in never if name not in counts]
    if never:
        said.append(f"in no column ahead of or behind {listed(never, 'or')}")
    lost = selection.columns_collapsed("nagan", columns)
    fallen = f" NaGAN's training collapses in {lost} of the columns." if lost else ""
    return (
        f"{_firsts(columns)} Paired tests (5% level, Holm's correction) put it "
        f"{'; '.join(said)}.{fallen}"
    )


def _firsts(columns: Sequence[Column]) -> str:
    """Return in how many columns KDGAN has the highest mean, in words."""
    scores = table1.scores("controlled", columns)
    found = {column: stand(runs, "kdgan") for column, runs in scores.items()}
    known = {column: standing for column, standing in found.items() if standing}
    first = sum(standing.place == 1 for standing in known.values())
    small = sum(column in SMALL for column in known)
    also = f", {small} of them with a T smaller than the paper's" if small else ""
    return (
        f"Of {len(known)} columns (a data set and a number of labelled images) that "
        f"were run{also}, KDGAN has the highest mean in {first or 'none'}."
    )


def _or_dash(text: str, value: float) -> str:
    """Return a text, or a dash where its number does not exist for so few pairs."""
    return "–" if math.isnan(value) else text


def spread_of_seeds(column: Column = COLUMNS[0], few: int = 3) -> str:
    """Return how much KDGAN's mean depends on which seeds enter it.

    few: seeds that are compared with all. Empty where there are not more than those.
    """
    runs = table1.scores("controlled", (column,))[column]
    scores = runs["kdgan"].dropna().sort_index() if "kdgan" in runs else pd.Series()
    if len(scores) <= few:
        return ""
    return (
        f"Which seeds are run matters: over its first {few} KDGAN has "
        f"{scores.iloc[:few].mean():.2f}% on {column.title('controlled')}, over all "
        f"{len(scores)} {scores.mean():.2f}%. Compare numbers, here and in the "
        "figures, only where their seeds are the same."
    )
