"""Report how near the protocols come to the paper, and KDGAN's released length."""

import pandas as pd

from kdgan_lib import claims, declared, prose, tables
from kdgan_lib.experiments import Run, declare
from kdgan_lib.grids import RELEASED_LENGTH
from kdgan_lib.loop.schedule import game_updates
from kdgan_lib.names import LETTERS, PROTOCOLS, label_of
from kdgan_lib.reports import table1
from kdgan_lib.reports.cells import BESIDE, counted, shown
from kdgan_lib.stats import (
    FEWEST,
    Estimate,
    convergence,
    mean_interval,
    per_seed,
    shared_difference,
    signed,
)

GRID, COMMAND = "released_length", "kdgan sweep released_length"
AVERAGE = "mean absolute"
LARGEST, LAST = "best_test_accuracy", "last_test_accuracy"
"""What `code` reports, and the accuracy of the last classifier."""
PACED = {"kdgan": "F3a.1", "nagan": "F3a.2"}
"""Methods whose convergence is told here, and the claims on it."""


def distances() -> pd.DataFrame:
    """Return ours minus the paper's mean under each protocol, in points.

    For the columns of Table 1 that two protocols have. A column's last row has the
    means of the absolute values over the methods that all its protocols have. KDGAN
    under `code` as in `accuracy_of`. Empty where nothing was run.
    """
    rows = [row for column in table1.COLUMNS for row in _distances(column)]
    return pd.DataFrame(rows, columns=["column", "method", *PROTOCOLS])


def _distances(column: table1.Column) -> list[dict[str, object]]:
    found = pd.DataFrame(
        {
            protocol: {
                entry.cell.method: accuracy.mean - entry.paper
                for entry in table1.entries(protocol, [column])
                if entry.cell.method in table1.METHODS
                and (accuracy := accuracy_of(entry)) is not None
            }
            for protocol in PROTOCOLS
        }
    ).reindex(table1.METHODS)
    known = found.dropna(axis=1, how="all").dropna()
    if known.empty or len(known.columns) < 2:
        return []
    title = {"column": column.title("paper")}
    rows = [
        title | {"method": label_of(str(name)), **row} for name, row in found.iterrows()
    ]
    return [*rows, title | {"method": AVERAGE, **known.abs().mean()}]


def nearest(found: pd.DataFrame) -> str:
    """Return which protocol comes nearest to the paper's numbers; empty if unknown.

    found: as `distances` returns it.
    """
    averages = found[found.method == AVERAGE].set_index("column")[[*PROTOCOLS]]
    parts = [
        _ranked(str(column), average.dropna().sort_values())
        for column, average in averages.iterrows()
    ]
    if not parts:
        return ""
    return (
        "In the mean of the absolute distances the protocol nearest to the paper's "
        f"numbers is {'; '.join(parts)}."
    )


def _ranked(column: str, average: pd.Series) -> str:
    others = [f"`{name}` ({value:.1f})" for name, value in average.iloc[1:].items()]
    return (
        f"`{average.index[0]}` ({average.iloc[0]:.1f} points) on {column}, before "
        f"{prose.listed(others)}"
    )


def accuracy_of(entry: table1.Entry) -> Estimate | None:
    """Return a cell's accuracy in percent, from the long runs where they belong to it.

    KDGAN under `code` on MNIST with n = 100 is that of the released length, once three
    of its runs are stored; a shorter game would not be the released code's.
    """
    place = entry.cell.method, entry.cell.protocol, entry.column
    if place == ("kdgan", "code", table1.COLUMNS[0]):
        long = scores()
        if len(long) >= FEWEST:
            return mean_interval(long)
    return entry.accuracy


def length_in_words() -> str:
    """Return which KDGAN stands for the released code's, by the runs stored."""
    epochs = declare("kdgan", protocol="code").budget.epochs
    if len(scores()) < FEWEST:
        return f"KDGAN under `code` has {epochs} of {RELEASED_LENGTH} outer epochs."
    return (
        f"KDGAN under `code` is that of {RELEASED_LENGTH} outer epochs on MNIST 100, "
        f"and of {epochs} elsewhere."
    )


def scores(column: str = LARGEST, method: str = "kdgan") -> pd.Series:
    """Return a method's test accuracies in percent in long runs, by seed."""
    found = tables.runs(grid=GRID, method=method, status="finished")
    return _by_seed(found, column)


def table() -> pd.DataFrame:
    """Return how far the long KDGAN is from its rivals' long runs and from usual ones.

    In points of the largest test accuracy, paired by seed, with the game's updates of
    all players. Empty without long runs of KDGAN.
    """
    long = scores()
    if long.empty:
        return pd.DataFrame()
    rows = []
    for run in declared.runs(GRID).values():
        if run.seed == 0:
            name = run.method.name
            found = tables.runs(grid=GRID, method=name, status="finished")
            rows.append(_row(run, found, long, f"{COMMAND} --method {name}"))
    for entry in _usual():
        run = declare(entry.cell.method, protocol="code")
        rows.append(_row(run, entry.finished, long, entry.command))
    return pd.DataFrame(rows)


def lengthened() -> str:
    """Return how many times as many outer epochs KDGAN has here as in Table 1."""
    return f"{RELEASED_LENGTH / declare('kdgan', protocol='code').budget.epochs:g}"


def sentence() -> str:
    """Return what the longer game brings; empty with fewer than three long runs."""
    long, last = scores(), scores(LAST)
    if len(long) < FEWEST:
        return ""
    found = mean_interval(long)
    return (
        f"With {RELEASED_LENGTH} outer epochs KDGAN reaches {found.mean:.2f}% "
        f"[{found.lo:.2f}, {found.hi:.2f}] at its best test evaluation and "
        f"{last.mean():.2f}% at the end ({found.runs} seeds; the paper: "
        f"{_paper():.2f}%)."
    )


def lead_over_nagan() -> str:
    """Return what KDGAN's lead over NaGAN under `code` owes to their lengths.

    Each on the seeds that the long KDGAN and that NaGAN share; empty where either is
    fewer than three.
    """
    short = next((e for e in _usual() if e.cell.method == "nagan"), None)
    if short is None:
        return ""
    long = scores()
    rivals = _by_seed(short.finished, LARGEST), scores(method="nagan")
    usual, equal = (shared_difference(long, rival) for rival in rivals)
    if usual is None or equal is None:
        return ""
    return (
        "Under `code` with n = 100 the test accuracy of KDGAN minus that of NaGAN is "
        f"{signed(usual)} points where each plays as long as in its released script "
        f"({usual.runs} seeds). It is {signed(equal)} points where NaGAN has as many "
        f"player updates, and as many looks at the test set, as KDGAN ({equal.runs} "
        "seeds)."
    )


def pace() -> str:
    """Return where the long KDGAN and NaGAN converge, in epochs and in updates.

    By the book's rule, on test accuracy, each in the epochs of its own released script.
    Empty with fewer than three runs of either.
    """
    found = {name: _convergence(name) for name in PACED}
    if any(len(places) < FEWEST for places in found.values()):
        return ""
    kdgan, nagan = (found[name].mean() for name in PACED)
    long, short = (_passes(name).sum() for name in PACED)
    ratios = nagan.epoch / kdgan.epoch, nagan.player_updates / kdgan.player_updates
    said = [_placed(name, claim, found[name]) for name, claim in PACED.items()]
    return (
        f"In games of {_updates():,} player updates, by test accuracy, "
        f"{', and '.join(said)}. "
        f"NaGAN's number of epochs is {ratios[0]:.1f} times KDGAN's, its number of "
        f"updates {ratios[1]:.1f} times: an epoch of KDGAN is {long / short:g} times "
        "as long, so that numbers of epochs do not say which method needs less "
        "training."
    )


def _placed(name: str, claim: str, places: pd.DataFrame) -> str:
    """Return where a method's runs converge: means, and the range over seeds."""
    mean, paper = places.mean(), claims.find(claim).paper
    least, most = places.epoch.min(), places.epoch.max()
    return (
        f"{label_of(name)} converges after {mean.epoch:.0f} of its epochs "
        f"({least:.0f} to {most:.0f} over {len(places)} seeds; the paper: {paper:g}), "
        f"that is {mean.player_updates:,.0f} updates"
    )


def _convergence(name: str) -> pd.DataFrame:
    """Return where each long run of a method converges: epoch and player updates."""
    found = tables.curves(grid=GRID, method=name, status="finished")
    clocks = ["epoch", "player_updates"]
    if found.empty:
        return pd.DataFrame(columns=clocks, dtype=float)
    game = tables.game(found)
    return pd.DataFrame({clock: _places(game, clock) for clock in clocks})


def _places(game: pd.DataFrame, clock: str) -> pd.Series:
    return per_seed(game, lambda run: convergence(run, "classifier_test", clock))


def _updates() -> int:
    """Return the player updates of a long game, the same for all its methods."""
    run = next(iter(declared.runs(GRID).values()))
    return game_updates(run.method, run.budget, run.n)


def passes_in_words(name: str) -> str:
    """Return how many passes a player makes in an epoch of a method's script."""
    said = [
        f"{passes} of {LETTERS[player]}" for player, passes in _passes(name).items()
    ]
    return prose.listed(said)


def _passes(name: str) -> pd.Series:
    """Return the passes of each player in an epoch of a method's released script."""
    method = declare(name, protocol="code").method
    return pd.Series({phase.player: phase.passes for phase in method.phases()})


def curves() -> pd.DataFrame:
    """Return test evaluations of the long KDGAN: run_id, epoch, accuracy in %."""
    found = tables.curves(grid=GRID, method="kdgan")
    if found.empty:
        return found
    played = tables.game(found).sort_values(["run_id", "epoch"])
    return played.assign(accuracy=100 * played.classifier_test)


def levels() -> dict[str, float]:
    """Return the means under `code` that the figure draws beside the long runs."""
    known = {
        f"ours: {label_of(name)}, {declare(name, protocol='code').budget.epochs} "
        "epochs": _by_seed(entry.finished, LARGEST).mean()
        for entry in _usual()
        if (name := entry.cell.method) in ("supervised", "codis", "kdgan")
    }
    return known | {"the paper: KDGAN": _paper()}


def _usual() -> list[table1.Entry]:
    """Return Table 1's cells under `code` at n = 100 that were run."""
    found = table1.entries("code", table1.COLUMNS[:1])
    return [entry for entry in found if len(entry.finished)]


def _paper() -> float:
    return table1.COLUMNS[0].paper("kdgan")


def _row(
    run: Run, stored: pd.DataFrame, long: pd.Series, command: str
) -> dict[str, object]:
    """Return how a method's stored runs stand to the long KDGAN.

    run: one that they are like. command: what makes them.
    """
    row: dict[str, object] = {
        "runs under `code`": f"{label_of(run.method.name)}, {run.budget.epochs} epochs",
        "player updates": f"{game_updates(run.method, run.budget, run.n):,}",
        "test evaluations": run.budget.epochs // run.budget.test_every,
    }
    if stored.empty:
        left = table1.left(GRID, method=run.method.name)
        cell = table1.not_run(GRID, left, command)
        return row | {"largest test accuracy": cell, "long KDGAN minus it": "–"}
    mine = _by_seed(stored, LARGEST)
    said = [counted(len(mine))]
    cell = shown(mean_interval(mine), said, command, stored.run_id, BESIDE)
    gap = None if mine.equals(long) else shared_difference(long, mine, 1)
    distance = signed(gap) if gap else "–"
    return row | {"largest test accuracy": cell, "long KDGAN minus it": distance}


def _by_seed(runs: pd.DataFrame, column: str) -> pd.Series:
    if runs.empty:
        return pd.Series(dtype=float)
    return 100 * runs.set_index("seed")[column].sort_index()
