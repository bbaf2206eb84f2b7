"""Arrange the rows of the variance study for measures, figures and tables."""

import numpy as np
import pandas as pd

from kdgan_lib import tables
from kdgan_lib.names import label_of
from kdgan_lib.stats import Estimate, mean_interval
from kdgan_lib.variance import combined_variance, sd_bound
from kdgan_lib.variance_plan import TABLE, Study

DECLARED = Study()
"""The study that the book reports."""
COMMAND = "kdgan variance"
TIME = "20 minutes of one core"
TITLES = {
    "own_estimator": "estimator",
    "alpha": "α",
    "beta": "β",
    "classifier_lr": "rate of C",
    "teacher_lr": "rate of T",
    "discriminator_lr": "rate of D",
}
"""Settings as the chapter's table heads them, where it has another word."""
PLACE = ["method", "seed", "epoch"]
VANISHING, EXPLODING = 0.01, 100.0  # of the labels' gradient at the game's start


def rows(**where: object) -> pd.DataFrame:
    """Return the stored rows of the declared study whose columns equal `where`."""
    return tables.rows(TABLE, run_id=list(DECLARED.games()), **where)


def of_game(method: str, frame: pd.DataFrame, instead: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one game, or `instead` where there are none."""
    own = frame[frame.method == method] if len(frame) else frame
    return own if len(own) else instead


def probes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per probe, at the run's own temperature and estimator.

    Columns: adversarial, distillation, distillation_kl, whole and labels are variances
    over batches and labels, one drawn for each image; sampling and minibatch are the
    adversarial one's parts; as_trained is the whole with as many labels as training
    draws.
    """
    if frame.empty:
        return pd.DataFrame()
    wide = _wide(_at_own_temperature(frame))
    facts = frame[frame.component == "total"].drop_duplicates(PLACE).set_index(PLACE)
    facts = facts[["alpha", "beta", "draws", "own_estimator"]].join(_own_tau(frame))
    own = facts.own_estimator.to_dict()
    found = pd.DataFrame(index=wide.index)
    for part in ("sampling", "minibatch"):
        found[part] = [wide[("adversarial", own[at], part)][at] for at in wide.index]
    found["covariance"] = [
        wide[("adversarial", own[at], "covariance")][at] for at in wide.index
    ]
    found["signal"] = [
        wide[("adversarial", own[at], "squared_norm")][at] for at in wide.index
    ]
    found["adversarial"] = found.sampling + found.minibatch
    for name in ("distillation", "distillation_kl", "labels"):
        found[name] = wide[(name, "exact", "minibatch")]
        found[f"{name}_signal"] = wide[(name, "exact", "squared_norm")]
    total = wide["total"].T.groupby(level="quantity").first().T
    found["whole"] = total["sampling"] + total["minibatch"]
    found["whole_signal"] = total["squared_norm"]
    found = found.join(facts)
    found["as_trained"] = total["sampling"] / found.draws + total["minibatch"]
    return found.reset_index()


def by_estimator(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per probe and estimator: sampling, minibatch and their sum."""
    if frame.empty:
        return pd.DataFrame()
    chosen = _at_own_temperature(frame)
    chosen = chosen[chosen.component == "adversarial"]
    wide = chosen.pivot_table("value", [*PLACE, "estimator"], "quantity").reset_index()
    wide["total"] = wide.sampling + wide.minibatch
    return wide


def by_temperature(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per probe, estimator and tau: sampling variance, signal, cosine.

    Without `exact`, which does not vary. Estimators that do not depend on tau have one
    row, at the run's temperature.
    """
    if frame.empty:
        return pd.DataFrame()
    chosen = frame[(frame.component == "adversarial") & (frame.estimator != "exact")]
    chosen = chosen[chosen.quantity.isin(["sampling", "batch_squared_norm", "cosine"])]
    wide = chosen.pivot_table("value", [*PLACE, "estimator", "tau"], "quantity")
    return wide.reset_index()


def norms(frame: pd.DataFrame, drawn_as: str = "drawn") -> pd.DataFrame:
    """Return the norms of C's drawn gradients, and their share of the reference.

    drawn_as: `drawn`, with as many labels as training draws, or `drawn_one`.
    The reference is the norm of the labels' cross-entropy gradient at the same run's
    first probe, when the game has just begun.
    """
    if frame.empty:
        return pd.DataFrame()
    drawn = frame[(frame.quantity == "norm") & (frame.component == drawn_as)]
    drawn = drawn[[*PLACE, "estimator", "value"]]
    labels = frame[(frame.component == "labels") & (frame.quantity == "squared_norm")]
    first = labels.sort_values("epoch").groupby(["method", "seed"]).value.first()
    reference = np.sqrt(first).rename("reference").reset_index()
    drawn = drawn.merge(reference, on=["method", "seed"])
    return drawn.assign(share=drawn.value / drawn.reference)


def log_ratio(above: pd.Series, below: pd.Series, places: pd.DataFrame) -> pd.DataFrame:
    """Return log10(above / below) beside each probe's seed and epoch."""
    ratio = np.log10(above.to_numpy() / below.to_numpy())
    return places[["seed", "epoch"]].assign(value=ratio)


def between_games(
    first: str, second: str, column: str, frame: pd.DataFrame
) -> pd.DataFrame:
    """Return log10 of one game's variance over another's, same seed and epoch."""
    one, two = (
        frame[frame.method == name].set_index(["seed", "epoch"])[column]
        for name in (first, second)
    )
    both = pd.concat([one, two], axis=1, join="inner", keys=["one", "two"])
    ratio = np.log10(both.one / both.two)
    return ratio.rename("value").reset_index()


def relative_noise(frame: pd.DataFrame, variance: str, signal: str) -> pd.Series:
    """Return, by seed, log10 of a run's summed variance over its summed squared mean.

    Sums, because one probe's squared mean, freed of its noise, can be negative.
    """
    sums = frame.groupby("seed")[[variance, signal]].sum()
    return np.log10(sums[variance] / sums[signal].clip(lower=1e-30))


def by_seed(values: pd.Series) -> pd.DataFrame:
    """Return a series by seed as the table that `over_seeds` takes."""
    return values.rename("value").reset_index()


def over_seeds(values: pd.DataFrame) -> Estimate:
    """Return the mean of each seed's mean, with its 95% interval over seeds."""
    return mean_interval(values.groupby("seed").value.mean())


def combinations(probe: pd.Series) -> pd.DataFrame:
    """Return sd(share DS + (1 - share) AD) and Lemma 4.3's bound, at one probe.

    probe: a row of `probes`.
    """
    shares = np.linspace(0, 1, 51)
    pair = (float(probe.distillation), float(probe.adversarial))
    deviations = [
        combined_variance((share, 1 - share), pair, float(probe.covariance)) ** 0.5
        for share in shares
    ]
    bounds = [sd_bound(share, pair[0] ** 0.5, pair[1] ** 0.5) for share in shares]
    return pd.DataFrame({"share": shares, "deviation": deviations, "bound": bounds})


def weightings(found: pd.DataFrame) -> pd.DataFrame:
    """Return deviations of C's gradient at each probe: Eq. 6, Eq. 3, Lemma 4.3's bound.

    found: `probes` of one game with a teacher. convex: the combination of Eq. 6 with
    the share of distillation that Eq. 3's weights imply; free: those weights as they
    are; larger: the larger deviation of the two terms.
    """
    share = found.beta / (found.alpha + found.beta)
    pair = found.distillation, found.adversarial
    sd = pair[0] ** 0.5, pair[1] ** 0.5
    convex = (
        share**2 * pair[0]
        + (1 - share) ** 2 * pair[1]
        + 2 * share * (1 - share) * found.covariance
    ) ** 0.5
    return found[PLACE].assign(
        convex=convex,
        free=(found.alpha + found.beta) * convex,
        bound=share * sd[0] + (1 - share) * sd[1],
        larger=np.maximum(*sd),
    )


def settings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the settings that the stored runs were made with, one row per method."""
    if frame.empty:
        return pd.DataFrame()
    groups = frame.groupby(["method", "draws", *TITLES], sort=False)
    found = groups.seed.nunique().rename("seeds").reset_index()
    words = {
        "method": found.method.map(label_of),
        "own_estimator": "`" + found.own_estimator + "`",
        # NaGAN has no T: its budget's rate of T is used by nobody.
        "teacher_lr": found.teacher_lr.astype(object).mask(
            found.method == "nagan", "–"
        ),
    }
    return found.assign(**words).rename(columns=TITLES)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Return each game's variances, geometric means over seeds and probes.

    found: `probes`. noise / signal: the sum of a method's variances over the sum of its
    squared means, not a mean of ratios.
    """
    if found.empty:
        return pd.DataFrame()
    columns = {"sampling": "D, labels", "minibatch": "D, images", "distillation": "T"}
    columns |= {"distillation_kl": "T by KL", "whole": "whole"}
    logs = np.log(found[list(columns)].where(found[list(columns)] > 0))
    table = np.exp(logs.groupby(found.method, sort=False).mean())
    table = table.rename(columns=columns)
    for label, column, signal in (
        ("D, noise / signal", "adversarial", "signal"),
        ("T, noise / signal", "distillation", "distillation_signal"),
    ):
        sums = found.groupby("method", sort=False)[[column, signal]].sum()
        table[label] = sums[column] / sums[signal].where(sums[signal] > 0)
    table.insert(0, "seeds", found.groupby("method").seed.nunique())
    rounded = table.rename(index=label_of).reset_index().astype(object)
    return rounded.where(rounded.notna(), "none")


def accuracy(frame: pd.DataFrame) -> pd.DataFrame:
    """Return C's validation accuracy at the game's evaluations, as curves need it."""
    if frame.empty:
        return pd.DataFrame()
    chosen = frame[frame.quantity == "validation_accuracy"]
    return chosen[["run_id", *PLACE, "value"]].reset_index(drop=True)


def _own_tau(frame: pd.DataFrame) -> pd.Series:
    whole = frame[(frame.component == "total") & (frame.quantity == "minibatch")]
    return whole.set_index(PLACE).tau.rename("own_tau")


def _at_own_temperature(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows at the temperature that the run had at the probe."""
    joined = frame.join(_own_tau(frame), on=PLACE)
    return joined[joined.tau == joined.own_tau]


def _wide(frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["component", "estimator", "quantity"]
    return frame.pivot_table("value", PLACE, columns)
