"""Measure the claims on the gradients of real games (M17-M20, Figure 7).

Every ratio is log10 of variances; an interval is over seeds, of each run's mean over
its probes. The variance of a gradient is its total over fresh minibatches and labels.
"""

import numpy as np
import pandas as pd

from kdgan_lib.measures import Measured, Quantity, measure
from kdgan_lib.reports import variance_tables as study
from kdgan_lib.stats import FEWEST
from kdgan_lib.tables import MissingRuns, require


def _plain(value: float, seeds: int) -> Quantity:
    return Quantity(value, runs=seeds, protocol="controlled")


def _rows(*methods: str) -> pd.DataFrame:
    """Return the rows of these methods; raise MissingRuns if one has too few seeds."""
    frame = require(study.rows(method=list(methods)), study.COMMAND, study.TIME)
    seeds = frame.groupby("method").seed.nunique().reindex(methods).fillna(0)
    if seeds.min() < FEWEST:
        raise MissingRuns(study.COMMAND, study.TIME)
    return frame


def _ratio(frame: pd.DataFrame, above: pd.Series, below: pd.Series) -> Quantity:
    return Quantity.of(study.over_seeds(study.log_ratio(above, below, frame)))


@measure("variance_by_term")
def variance_by_term() -> Measured:
    """Compare D's gradient with T's in KDGAN: log10 Var AD / Var DS.

    smallest: over all probes of all seeds. weighted: alpha and beta included. relative:
    a run's variance over its squared mean. kl: DS by KL, measured along the same runs.
    """
    found = study.probes(_rows("kdgan"))
    ratio = study.log_ratio(found.adversarial, found.distillation, found)
    below = (ratio.value > 0).mean()
    weights = (found.alpha**2, found.beta**2)
    noise = {
        name: study.relative_noise(found, name, signal)
        for name, signal in (
            ("adversarial", "signal"),
            ("distillation", "distillation_signal"),
        )
    }
    adversarial, distilled = found.adversarial, found.distillation
    return {
        "log10_ratio": Quantity.of(study.over_seeds(ratio)),
        "smallest_log10_ratio": _plain(ratio.value.min(), found.seed.nunique()),
        "share_of_probes_above": _plain(float(below), found.seed.nunique()),
        "weighted_log10_ratio": _ratio(
            found, weights[0] * adversarial, weights[1] * distilled
        ),
        "relative_log10_ratio": Quantity.of(
            study.over_seeds(
                study.by_seed(noise["adversarial"] - noise["distillation"])
            )
        ),
        "kl_log10_ratio": _ratio(found, adversarial, found.distillation_kl),
    }


@measure("variance_by_sampling")
def variance_by_sampling() -> Measured:
    """Compare D's gradient without and with the relaxation: log10 Var / Var.

    log10_ratio: KDGAN-WO-GM's own over KDGAN's own, as Figure 7 does. The others
    compare REINFORCE with an estimator at the same points of KDGAN's runs. Always with
    one label drawn for each image.
    """
    frame = _rows("kdgan", "kdgan_wo_gm")
    games = study.between_games(
        "kdgan_wo_gm", "kdgan", "adversarial", study.probes(frame)
    )
    wide = study.by_estimator(frame[frame.method == "kdgan"])
    wide = wide.pivot_table("total", ["seed", "epoch"], "estimator").reset_index()

    def against(name: str, part: pd.DataFrame) -> Quantity:
        return _ratio(part, part["reinforce"], part[name])

    half = wide.epoch.max() / 2
    return {
        "log10_ratio": Quantity.of(study.over_seeds(games)),
        "same_point_log10_ratio": against("relaxed_score", wide),
        "first_half_log10_ratio": against("relaxed_score", wide[wide.epoch <= half]),
        "second_half_log10_ratio": against("relaxed_score", wide[wide.epoch > half]),
        "pathwise_log10_ratio": against("pathwise", wide),
        "density_log10_ratio": against("concrete_density", wide),
        "baseline_log10_ratio": against("reinforce_baseline", wide),
        "exact_log10_ratio": against("exact", wide),
    }


@measure("variance_by_game")
def variance_by_game() -> Measured:
    """Compare C's whole gradient in NaGAN and KDGAN: log10 Var NaGAN / Var KDGAN.

    With one label drawn for each image; as_trained: with each game's own number.
    relative: a run's variance over its squared mean, which no scale changes.
    """
    found = study.probes(_rows("nagan", "kdgan"))
    naive, whole = (
        study.relative_noise(part, "whole", "whole_signal")
        for part in (found[found.method == name] for name in ("nagan", "kdgan"))
    )
    games = {
        name: study.between_games("nagan", "kdgan", column, found)
        for name, column in (("", "whole"), ("as_trained_", "as_trained"))
    }
    games["relative_"] = study.by_seed((naive - whole).dropna())
    return {
        f"{name}log10_ratio": Quantity.of(study.over_seeds(ratio))
        for name, ratio in games.items()
    }


@measure("naive_gradient_extremes")
def naive_gradient_extremes() -> Measured:
    """Return how often the norm of a gradient drawn in NaGAN vanishes or explodes.

    Below 1/100, or above 100 times, the labels' gradient at the game's start; the
    tenfold shares use 1/10 and 10; one_label draws one label per image, where training
    may draw more. smallest and largest: norm over that reference.
    """
    frame = _rows("nagan")
    found, single = study.norms(frame), study.norms(frame, "drawn_one")
    seeds = found.seed.nunique()

    def share(which: pd.Series) -> Quantity:
        each = found.assign(value=which.astype(float))
        return Quantity.of(study.over_seeds(each))

    return {
        "vanishing_share": share(found.share < study.VANISHING),
        "exploding_share": share(found.share > study.EXPLODING),
        "tenfold_vanishing_share": share(found.share < np.sqrt(study.VANISHING)),
        "tenfold_exploding_share": share(found.share > np.sqrt(study.EXPLODING)),
        "one_label_vanishing_share": share(single.share < study.VANISHING),
        "one_label_exploding_share": share(single.share > study.EXPLODING),
        "smallest": _plain(found.share.min(), seeds),
        "largest": _plain(found.share.max(), seeds),
    }


@measure("figure7")
def figure7() -> Measured:
    """Return the two comparisons that Figure 7 shows (M17, M18)."""
    return {
        "distillation_log10_ratio": variance_by_term()["log10_ratio"],
        "sampling_log10_ratio": variance_by_sampling()["log10_ratio"],
    }
