"""Report Table 2 from the stored rows: classical taggers and neural methods.

Nothing here imports torch, so that the table prints at once.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from kdgan_lib import claims, tables
from kdgan_lib.names import TAGGERS, label_of
from kdgan_lib.prose import listed
from kdgan_lib.reports.cells import seeds_of
from kdgan_lib.stats import (
    Difference,
    Estimate,
    holm,
    mean_interval,
    shared_difference,
)

GRID, BASELINES = "table2", "baselines"
COMMAND = "kdgan sweep table2"
DATA = {"popular": "openclipart", "random": "openclipart_random"}
"""Task of each vocabulary."""
PHOTOGRAPHS = {"popular": "yfcc100m", "random": "yfcc100m_random"}
"""The same on the paper's own collection, which a reader may have."""
BACKBONE = "openclipart_vgg16"
"""The popular tags on image features of the paper's network."""
UNGROUPED = "openclipart_ungrouped"
"""The popular tags, with near-duplicates in all parts."""
GRIDS = {
    **dict.fromkeys(PHOTOGRAPHS.values(), "table2_yfcc100m"),
    BACKBONE: "vgg16",
    UNGROUPED: "ungrouped",
}
"""Grid of a task's runs, where it is not Table 2's."""
STRUCK = "openclipart_unnamed"
"""The popular tags, with every word of an image's own tags struck from its text."""
METRICS = {
    "p_at_3": "P@3",
    "p_at_5": "P@5",
    "f_at_3": "F@3",
    "f_at_5": "F@5",
    "map": "MAP",
    "mrr": "MRR",
}
"""Table 2's columns by their name in a run's row; F is the released code's."""
STANDARD = {"f1_at_3": "F1@3", "f1_at_5": "F1@5"}
"""The usual F1, which Table 2 does not have."""
FIXED = ("knn", "tagprop", "tagfeature")
"""Classical taggers that draw nothing at random: one fit each."""
CLASSICAL = (*FIXED, "relexample")
NEURAL = TAGGERS
PAPER = (*CLASSICAL, "nagan", "kdgan")
"""Table 2's rows, in its order."""
TEACHER = "teacher"
ROWS = (*CLASSICAL, *NEURAL, TEACHER)
TITLES = {TEACHER: "T, which reads the text"}
FORMATS = {
    **dict.fromkeys(("runs", "pairs"), ".0f"),
    **dict.fromkeys(("difference", "low", "high"), ".4f"),
    "p (Holm)": ".2g",
}
"""How the columns of this module's tables are printed."""


def scores(data: str) -> pd.DataFrame:
    """Return a row per fit or run: method, seed, validation P@3, the test metrics.

    data: task name. Image-only taggers have the same rows whether words are struck
    from the texts or not. `teacher` is T after its pretraining, as MIMIC keeps it.
    """
    parts = [_baselines(data), _neural(data), _teacher(data)]
    known = [part for part in parts if len(part)]
    return pd.concat(known, ignore_index=True) if known else parts[0]


def _baselines(data: str) -> pd.DataFrame:
    seen = DATA["popular"] if data == STRUCK else data
    rows = tables.rows(BASELINES, data=seen)
    return _columns(rows.rename(columns={"baseline": "method"}), "test_")


def _neural(data: str) -> pd.DataFrame:
    return _columns(_runs(data), "test_")


def _teacher(data: str) -> pd.DataFrame:
    """Return T's rows; its validation score is not recorded."""
    known = {"method": TEACHER, "validation_precision": float("nan")}
    return _columns(_runs(data, method="mimic").assign(**known), "teacher_test_")


def _runs(data: str, **where: object) -> pd.DataFrame:
    grid = GRIDS.get(data, GRID)
    return tables.runs(grid=grid, data=data, status="finished", **where)


def _columns(rows: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return method, seed, validation P@3 and the metrics, named without prefix."""
    metrics = [*METRICS, *STANDARD]
    kept = ["method", "seed", "validation_precision", *metrics]
    named = {f"{prefix}{metric}": metric for metric in metrics}
    bare = rows.drop(columns=[name for name in metrics if name in rows])
    return bare.rename(columns=named).reindex(columns=kept)


def table2(data: str, metrics: Sequence[str] = tuple(METRICS)) -> pd.DataFrame:
    """Return Table 2: a row per method, the mean over seeds with its interval.

    Cells are texts such as `.385 [.381, .389]`, None where nothing was run.
    """
    found = scores(data)
    if found.empty:
        return pd.DataFrame()
    titles = METRICS | STANDARD
    rows = []
    for name in ROWS:
        own = found[found.method == name]
        cells = {titles[m]: _cell(own[m].dropna()) for m in metrics}
        title = TITLES.get(name, label_of(name))
        rows.append(
            {"method": title, **cells, "runs": str(len(own)) if len(own) else None}
        )
    return pd.DataFrame(rows)


def _cell(values: pd.Series) -> str | None:
    if values.empty:
        return None
    found = mean_interval(values)
    if found.lo != found.lo:  # fewer than three runs have no interval
        return _short(found.mean)
    return f"{_short(found.mean)} [{_short(found.lo)}, {_short(found.hi)}]"


def _short(value: float) -> str:
    """Return three decimals without the leading zero."""
    return f"{value:.3f}".removeprefix("0")


def beside(
    data: str, titles: tuple[str, str], metrics: Sequence[str] = ("p_at_3", "map")
) -> pd.DataFrame:
    """Return methods on the popular tags and on another form of them, with intervals.

    titles: of the popular tags and of `data`. Empty where nothing was run on `data`.
    """
    parts = dict(zip(titles, map(scores, (DATA["popular"], data)), strict=True))
    shown = [name for name in ROWS if (parts[titles[1]].method == name).any()]
    rows = []
    for name in shown:
        row: dict[str, object] = {"method": TITLES.get(name, label_of(name))}
        for metric in metrics:
            for title, found in parts.items():
                own = found[found.method == name][metric].dropna()
                row[f"{METRICS[metric]}, {title}"] = _cell(own)
        counts = [(found.method == name).sum() for found in parts.values()]
        rows.append(row | {"runs": listed(map(str, counts))})
    return pd.DataFrame(rows)


def standing(data: str, reference: str = "kdgan") -> str:
    """Return how far KDGAN is from C alone on a task; empty where it was not run."""
    each = gap(scores(data), reference, "supervised", "p_at_3")
    if each is None or each.lo != each.lo:
        return ""
    return (
        f"{label_of(reference)}'s P@3 minus that of the classifier without a teacher "
        f"is {each.mean:+.4f}, 95% interval over {each.runs} seeds [{each.lo:+.4f}, "
        f"{each.hi:+.4f}]."
    )


def seeds() -> str:
    """Return over how many seeds the means are, but those of taggers with one fit."""
    found = pd.concat([scores(data).assign(data=data) for data in DATA.values()])
    return seeds_of(found[~found.method.isin(FIXED)], "data", "method")


def papers_table2(vocabulary: str) -> pd.DataFrame:
    """Return the paper's Table 2 on its own photographs, for the orderings only."""
    rows = [
        {"method": label_of(name)}
        | {title: _paper(vocabulary, name, metric) for metric, title in METRICS.items()}
        for name in PAPER
    ]
    return pd.DataFrame(rows)


def _paper(vocabulary: str, name: str, metric: str) -> float:
    cell = metric.replace("p_at", "precision_at")
    return claims.paper_value("T2", tags=vocabulary, method=name, metric=cell)


def best_baseline(found: pd.DataFrame) -> str | None:
    """Return the classical tagger with the best validation P@3, if any was fitted."""
    fitted = found[found.method.isin(CLASSICAL)]
    if fitted.empty:
        return None
    return str(fitted.groupby("method").validation_precision.mean().idxmax())


def gap(found: pd.DataFrame, first: str, second: str, metric: str) -> Difference | None:
    """Return first minus second by seed; a tagger without seeds meets every seed.

    None where one of them has no rows, or no seed is common.
    """
    one, two = (
        found[found.method == name].set_index("seed")[metric].dropna()
        for name in (first, second)
    )
    if len(two) == 1 and second in FIXED:
        two = pd.Series(two.iloc[0], one.index)
    return shared_difference(one, two, 1)


def differences(data: str, reference: str = "kdgan") -> pd.DataFrame:
    """Return KDGAN minus the best baseline, and minus C without a teacher, by metric.

    The baseline is chosen by its validation P@3; Holm's correction is over all rows.
    """
    found = scores(data)
    rivals = [best_baseline(found), "supervised"] if len(found) else []
    gaps = [
        (name, title, gap(found, reference, name, metric))
        for name in rivals
        if name is not None
        for metric, title in METRICS.items()
    ]
    known = [(name, title, each) for name, title, each in gaps if each is not None]
    adjusted = holm([each.p_value for *_, each in known])
    return pd.DataFrame(
        [
            {
                "KDGAN minus": label_of(name),
                "metric": title,
                "difference": each.mean,
                "low": each.lo,
                "high": each.hi,
                "p (Holm)": p_value,
                "pairs": each.runs,
            }
            for (name, title, each), p_value in zip(known, adjusted, strict=True)
        ]
    )


def summary(vocabulary: str = "popular", reference: str = "kdgan") -> str:
    """Return two sentences on where KDGAN stands by P@3; empty where it was not run."""
    found = scores(DATA[vocabulary])
    if found.empty or not (found.method == reference).any():
        return ""
    image_only = found[found.method != TEACHER]
    means = image_only.groupby("method").p_at_3.mean().sort_values(ascending=False)
    place = list(means.index).index(reference) + 1
    parts = [
        f"With {vocabulary} tags {label_of(reference)} has P@3 = "
        f"{means[reference]:.4f} and is number {place} of {len(means)} methods."
    ]
    best = best_baseline(found)
    rivals: dict[str | None, str] = {
        best: f"{label_of(str(best))}, the best classical tagger on validation,"
    }
    rivals |= {"supervised": "the classifier without a teacher"}
    for rival, called in rivals.items():
        each = gap(found, reference, rival, "p_at_3") if rival else None
        if each is not None and each.lo == each.lo:
            parts.append(
                f"Its difference from {called} is {each.mean:+.4f}, 95% "
                f"interval over {each.runs} seeds [{each.lo:+.4f}, {each.hi:+.4f}]."
            )
    return " ".join(parts)


def struck_words() -> pd.DataFrame:
    """Return T's lead over C with all words, without those that name a tag, and why.

    By seed: T's P@3, that of C without a teacher, T's lead, and the share of the lead
    that the naming words account for. Empty where either was not run.
    """
    rows = []
    for title, data in (("all words", DATA["popular"]), ("struck", STRUCK)):
        wide = scores(data).pivot_table(index="seed", columns="method", values="p_at_3")
        if not {TEACHER, "supervised"} <= set(wide):
            return pd.DataFrame()
        pair = wide[[TEACHER, "supervised"]].dropna()
        rows.append(pair.assign(lead=pair[TEACHER] - pair.supervised, text=title))
    common = rows[0].index.intersection(rows[1].index)
    whole, struck = (part.loc[common] for part in rows)
    share = (1 - struck.lead / whole.lead).rename("share named")
    return pd.concat([whole, struck]).join(share).reset_index()


def struck_table() -> pd.DataFrame:
    """Return the means and intervals of `struck_words`, a row per text."""
    found = struck_words()
    if found.empty:
        return found
    columns = {TEACHER: "T", "supervised": "C", "lead": "T's lead"}
    rows = [
        {"text": text, **{columns[c]: _cell(part[c]) for c in columns}}
        | {"seeds": str(len(part))}
        for text, part in found.groupby("text", sort=False)
    ]
    return pd.DataFrame(rows)


def named_share() -> Estimate | None:
    """Return the share of T's lead that words naming a tag account for, over seeds."""
    found = struck_words()
    if found.empty or not found["share named"].notna().any():
        return None
    return mean_interval(found.drop_duplicates("seed")["share named"].dropna())


def table2_text(protocols: Sequence[str] = ()) -> str:
    """Return Table 2 for the terminal; only the protocol `controlled` has one."""
    texts = [
        text
        for vocabulary, data in [*DATA.items(), *PHOTOGRAPHS.items()]
        for text in _texts(vocabulary, data)
    ]
    note = (
        "F is the released code's, F1 the usual one. The paper's values are of other "
        "images: compare the orderings."
    )
    return "\n\n".join([*texts, note])


def _texts(vocabulary: str, data: str) -> Iterator[str]:
    """Yield Table 2 of a task, with the released F and with the usual one."""
    title = f"Table 2, {vocabulary} tags, on {data}: mean [95% interval over seeds]"
    for metrics in (METRICS, STANDARD):
        shown = table2(data, tuple(metrics)).fillna("not run")
        if shown.empty:
            yield f"{title}\nnot run: `kdgan sweep {GRIDS.get(data, GRID)}`"
            return
        yield f"{title}\n{shown.to_string(index=False)}"
