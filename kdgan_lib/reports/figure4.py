"""Gather Figure 4's and Figure 6's tables, and say how far their verdicts reach."""

from collections.abc import Sequence

import pandas as pd

from kdgan_lib import claims
from kdgan_lib.names import SYMBOLS
from kdgan_lib.prose import interval, listed
from kdgan_lib.reports import hyperparameters as report
from kdgan_lib.reports.cells import (
    BESIDE,
    COLLAPSE,
    counted,
    folded,
    part_of,
    seeds_in_words,
    shown,
)
from kdgan_lib.stats import FEWEST, mean_interval, shared_difference, signed
from kdgan_lib.verdicts import judge

SIZES = (100, 1_000, 10_000)
"""Labelled images for which the figure is declared on MNIST."""
LARGE_GAMMA = 1e2
COMMAND = "kdgan sweep figure4"


def sizes_run(found: pd.DataFrame) -> str:
    """Return in words at which sizes F4.1 and F4.2 are judged, and what others can do.

    found: as `hyperparameters.points` gives it. Empty before any size was run.
    """
    rows = report.axis(found, "alpha")
    known = {
        n: len(report.complete(part)) if part.value.nunique() > 1 else 0
        for n, part in rows.groupby("n")
    }
    done = [n for n in SIZES if known.get(n, 0) >= FEWEST]
    if not done:
        return ""
    text = f"F4.1 and F4.2 are judged at n = {listed(f'{n:,}' for n in done)}"
    left = [
        f"n = {n:,} {_too_few(known.get(n, 0))}"
        for n in SIZES
        if known.get(n, 0) < FEWEST
    ]
    if not left:
        return f"{text}."
    return (
        f"{text} only: {listed(left)}. Further sizes can only widen their ranges, so "
        "that *reproduced* is for what was run."
    )


def at_larger_sizes(claim_ids: Sequence[str] = ("F4.4", "F4.5")) -> str:
    """Return what rules that read the least n would say at each larger one, in words.

    Empty where none has the rule's quantities.
    """
    said = []
    for n in SIZES[1:]:
        verdicts = {claim: _verdict_at(claim, n) for claim in claim_ids}
        known = [f"{c} *{v}*" for c, v in verdicts.items() if v != "not run"]
        if known:
            said.append(f"{listed(known)} at n = {n:,}")
    if not said:
        return ""
    return (
        f"{listed(claim_ids)} are judged at n = {SIZES[0]}. The same rules would call "
        f"{'; '.join(said)}."
    )


def _verdict_at(claim_id: str, n: int) -> str:
    """Return what a claim's rule says of the quantities whose names end in an n."""
    evidence, end = judge(claim_id).evidence, f"_at_{n}"
    if evidence.empty:
        return "not run"
    there = evidence[evidence.quantity.str.endswith(end)]
    renamed = there.assign(quantity=there.quantity.str.removesuffix(end))
    return claims.apply_rule(claims.find(claim_id).rule, renamed)


def _too_few(seeds: int) -> str:
    """Return why a size has no verdict, in words."""
    if not seeds:
        return "of the paper's figure is not run"
    return f"has {seeds_in_words([seeds])}, and a verdict asks for {FEWEST}"


def in_short() -> str:
    """Return what moves C and T at n = 100, from the evidence of Figures 4 and 6.

    Empty where one of their claims has none.
    """
    asked = {
        "alpha": ("F4.1", "accuracy_range_at_100"),
        "beta": ("F4.2", "accuracy_range_at_100"),
        "small": ("F4.3", "accuracy_loss"),
        "gamma": ("F4.4", "accuracy_loss"),
        "teacher": ("F6", "teacher_gain"),
    }
    said = {name: _measured(*where) for name, where in asked.items()}
    if not all(said.values()):
        return ""
    text = (
        "On MNIST with n = 100 C's mean accuracies are at most "
        f"{said['alpha']} points apart for α between 0 and 1, and at most "
        f"{said['beta']} points for β from 0.001 on. β = 0.0001 costs {said['small']} "
        f"points, and γ = {LARGE_GAMMA:g} costs {said['gamma']} points. T's accuracy "
        f"changes by {said['teacher']} points where T learns from C."
    )
    return " ".join([text, *_with_more_images()])


def _with_more_images() -> list[str]:
    """Return a sentence for each larger n at which every value was run."""
    said = []
    for n in SIZES[1:]:
        alpha, beta = (_measured(c, f"accuracy_range_at_{n}") for c in ("F4.1", "F4.2"))
        gamma = _measured("F4.4", f"accuracy_loss_at_{n}")
        if alpha and beta and gamma:
            said.append(
                f"With n = {n:,} C's accuracies are at most {alpha} points apart over "
                f"these α, and {beta} over these β; γ = {LARGE_GAMMA:g} costs {gamma} "
                "points."
            )
    return said


def _measured(claim: str, quantity: str) -> str:
    """Return a quantity of a claim's evidence with its interval; empty without it."""
    evidence = judge(claim).evidence
    found = evidence[evidence.quantity == quantity] if len(evidence) else evidence
    return "".join(interval(row.value, row.lo, row.hi) for row in found.itertuples())


def along_gamma(
    found: pd.DataFrame, gammas: Sequence[float] = (1.0, LARGE_GAMMA)
) -> str:
    """Return in words how T and C change from the tuned gamma to larger ones.

    found: as `hyperparameters.points` gives it. Of both players at the end of training,
    at every n at which three seeds were run.
    """
    said = []
    for n, part in report.axis(found, "gamma").groupby("n"):
        moves = [move for gamma in gammas if (move := _moved(part, gamma))]
        if moves:
            said.append(f"With n = {n:,} by {', and by '.join(moves)}.")
    if not said:
        return ""
    return (
        "Compared with the tuned γ, at the end of training, the accuracies of T and C "
        f"change as follows. {' '.join(said)}"
    )


def _moved(rows: pd.DataFrame, gamma: float) -> str:
    """Return T's and C's change of accuracy at a gamma; empty with few seeds."""
    teacher, classifier = (
        report.change(rows, "gamma", gamma, score) for score in ("teacher", "last")
    )
    if teacher is None or classifier is None:
        return ""
    return (
        f"{signed(teacher)} points (T) and {signed(classifier)} points (C) at γ = "
        f"{gamma:g} ({seeds_in_words([classifier.runs])})"
    )


def falls(found: pd.DataFrame, gammas: Sequence[float] = (1.0, LARGE_GAMMA)) -> str:
    """Return in how many runs T and C fall together at large gammas, in words.

    found: rows of one n, as `hyperparameters.points` gives it. Both end more than
    `COLLAPSE` points below the run of the same seed at the tuned gamma. Empty where
    nothing was run.
    """
    rows = report.axis(found, "gamma")
    teacher, classifier = (
        rows.pivot(index="seed", columns="value", values=score)
        for score in ("teacher", "last")
    )
    usual = rows.tuned_gamma.iloc[0]
    said = []
    for gamma in gammas:
        fall = pd.DataFrame(
            {"T": teacher[usual] - teacher[gamma]}
            | {"C": classifier[usual] - classifier[gamma]}
        ).dropna()
        both = int((fall > COLLAPSE).all(axis=1).sum())
        if len(fall):
            said.append(f"in {part_of(both, len(fall))} at γ = {gamma:g}")
    if not said:
        return ""
    return (
        f"T and C both end more than {COLLAPSE:g} points below the same seed's run at "
        f"the tuned γ {listed(said)}."
    )


def extremes(found: pd.DataFrame) -> pd.DataFrame:
    """Return, for each axis and n, the values with the largest and the least mean.

    Over the seeds that all values share which were run; cells name their runs.
    """
    rows = []
    for name in report.AXES:
        for n, part in report.axis(found, name).groupby("n"):
            shared = report.shared(part).dropna(subset="accuracy")
            means = shared.groupby("value").accuracy.mean()
            if len(means) < 2:
                continue
            row = {"varied": SYMBOLS[name], "n": n}
            row["values run"] = f"{len(means)} of {part.value.nunique()}"
            for title, value in (
                ("largest", means.idxmax()),
                ("least", means.idxmin()),
            ):
                at = f"at {SYMBOLS[name]} = {report.short(value)}"
                row[title] = _point(shared[shared.value == value], n, [at])
            rows.append(row | {"range": means.max() - means.min()})
    return pd.DataFrame(rows)


def every_point(found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return C's accuracy at each value of a weight, a column per n.

    Over the seeds that all values of an n share which were run. An n with less than two
    of the values is left out.
    """
    rows = []
    axis = report.axis(found, name)
    kept = report.shared(axis)
    values = axis.dropna(subset="accuracy").groupby("n").value.nunique()
    begun = values.index[values > 1]
    for value, part in axis.groupby("value"):
        row: dict[str, object] = {SYMBOLS[name]: report.short(float(str(value)))}
        for n in begun:
            here = part[(part.n == n) & part.index.isin(kept.index)]
            row[f"n = {n:,}"] = _point(here.dropna(subset="accuracy"), n)
        rows.append(row)
    return pd.DataFrame(rows if len(begun) else [])


def crossed(found: pd.DataFrame) -> pd.DataFrame:
    """Return C's accuracy at n = 100 by alpha (rows) and beta, as the heat map has it.

    Empty where no seed has all of it.
    """
    rows = []
    for alpha, part in report.crossed(found).groupby("alpha"):
        row: dict[str, object] = {SYMBOLS["alpha"]: report.short(float(str(alpha)))}
        for beta, here in part.groupby("beta"):
            title = f"{SYMBOLS['beta']} = {report.short(float(str(beta)))}"
            row[title] = _point(here, 100)
        rows.append(row)
    return pd.DataFrame(rows)


def _point(runs: pd.DataFrame, n: int, lines: Sequence[str] = ()) -> str:
    """Return the cell of some runs: mean, interval, how many, which."""
    command = f"{COMMAND} --n {n}"
    if runs.empty:
        return folded("not run", lines, command)
    said = [*lines, counted(len(runs))]
    return shown(mean_interval(runs.accuracy), said, command, runs.run_id, BESIDE)


def teachers(found: pd.DataFrame) -> pd.DataFrame:
    """Return T's accuracy at the end for each gamma, and its gain over gamma = 0.

    found: the points of the grid `figure6`.
    """
    rows, shown_rows = report.axis(found, "gamma").dropna(subset="teacher"), []
    alone = rows[rows.value == 0].set_index("seed").teacher
    for value, part in rows.groupby("value"):
        here = part.set_index("seed").teacher
        lines, command = [counted(len(here))], "kdgan sweep figure6"
        cell = shown(mean_interval(here), lines, command, part.run_id, BESIDE)
        gap = shared_difference(here, alone, 1) if value else None
        gain = signed(gap) if gap else "–"
        gamma = report.gamma_label(float(str(value)))
        shown_rows.append({"gamma": gamma, "T": cell, "gain over γ = 0": gain})
    return pd.DataFrame(shown_rows)
