"""Score a ranking of labels: accuracy, P@N, F@N in both definitions, MAP and MRR.

Scores and relevance are `[items, labels]`; a label is relevant where `relevant` is
positive, so a 0/1 matrix and the normalised target p_u(.|x) give the same numbers.

Ties. A metric is its expectation over all orders of the labels with equal scores
(McSherry and Najork, "Computing information retrieval performance measures
efficiently in the presence of tied scores", ECIR 2008). It needs no random numbers
and does not depend on how the labels are numbered: a vote of k neighbours, which
ties often, gains nothing from a vocabulary sorted by popularity.

Items without a relevant label have no right answer: they are `nan` under
`reduction="none"` and left out of the mean, in every metric alike.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "none"]


def precision_at(
    scores: Tensor, relevant: Tensor, n: int, reduction: Reduction = "mean"
) -> Tensor:
    """Return P@n: the share of relevant labels among the n best scored."""
    ranking = _rank(scores, relevant)
    _check_cutoff(n, scores.shape[1])
    return _reduce(_hits(ranking, n) / n, ranking, reduction)


def r_precision(
    scores: Tensor, relevant: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """Return P@m, where m is each item's own number of relevant labels."""
    ranking = _rank(scores, relevant)
    return _reduce(_r_precision(ranking), ranking, reduction)


def f_at(
    scores: Tensor,
    relevant: Tensor,
    n: int,
    definition: Literal["released", "standard"] = "released",
    reduction: Reduction = "mean",
) -> Tensor:
    """Return F@n per item, then averaged.

    "released" is the harmonic mean of P@n and the R-precision, as the paper's public
    code computes it (of tied labels: the harmonic mean of the two expectations);
    "standard" is F1@n, the harmonic mean of P@n and the recall at n, 2 hits / (n + m).
    """
    ranking = _rank(scores, relevant)
    _check_cutoff(n, scores.shape[1])
    hits = _hits(ranking, n)
    if definition == "standard":
        return _reduce(2 * hits / (n + ranking.relevant), ranking, reduction)
    if definition != "released":
        raise ValueError(f'definition is "released" or "standard", not {definition!r}.')
    precision, recall = hits / n, _r_precision(ranking)
    total = (precision + recall).clamp(min=torch.finfo(torch.double).tiny)
    return _reduce(2 * precision * recall / total, ranking, reduction)


def mean_average_precision(
    scores: Tensor, relevant: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """Return MAP over the full ranking: the mean precision at each relevant label.

    Equals scikit-learn's `label_ranking_average_precision_score` without ties.
    """
    ranking = _rank(scores, relevant)
    # Of a tied group with r relevant of t labels, a given place holds a relevant one
    # with probability r/t, and then the places before it in the group hold (r-1)/(t-1)
    # relevant ones each.
    others = (ranking.place - ranking.before - 1) * (ranking.group_relevant - 1)
    inside = 1 + others / (ranking.group_size - 1).clamp(min=1)
    share = ranking.group_relevant / ranking.group_size
    precision = share * (ranking.relevant_before + inside) / ranking.place
    return _reduce(precision.sum(1) / ranking.relevant, ranking, reduction)


def mean_reciprocal_rank(
    scores: Tensor, relevant: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    """Return MRR: the mean of 1 / rank of the first relevant label."""
    ranking = _rank(scores, relevant)
    first = (ranking.relevant_before == 0) & (ranking.group_relevant > 0)
    # The first of r relevant among t tied labels is at place j of the group with
    # probability C(t - j, r - 1) / C(t, r).
    place_in_group = ranking.place - ranking.before
    log_probability = _log_binomial(
        ranking.group_size - place_in_group, ranking.group_relevant - 1
    ) - _log_binomial(ranking.group_size, ranking.group_relevant)
    expected = torch.where(first, log_probability.exp() / ranking.place, 0.0)
    return _reduce(expected.sum(1), ranking, reduction)


def tag_metrics(scores: Tensor, relevant: Tensor) -> dict[str, float]:
    """Return the six columns of Table 2, and the standard F1@3 and F1@5 beside them."""
    values = {f"P@{n}": precision_at(scores, relevant, n) for n in (3, 5)}
    values |= {f"F@{n}": f_at(scores, relevant, n) for n in (3, 5)}
    values |= {f"F1@{n}": f_at(scores, relevant, n, "standard") for n in (3, 5)}
    values["MAP"] = mean_average_precision(scores, relevant)
    values["MRR"] = mean_reciprocal_rank(scores, relevant)
    return {name: float(value) for name, value in values.items()}


@dataclass(frozen=True)
class _Ranking:
    """Hold places in descending order of score, `[items, labels]`, with their ties."""

    place: Tensor
    """1, 2, ..., labels."""
    before: Tensor
    """Number of labels ahead of this place's group of equal scores."""
    group_size: Tensor
    """Number of labels in the group."""
    group_relevant: Tensor
    """Number of relevant labels in the group."""
    relevant_before: Tensor
    """Number of relevant labels ahead of the group."""
    relevant: Tensor
    """Number of relevant labels of the item, `[items]`."""


def _rank(scores: Tensor, relevant: Tensor) -> _Ranking:
    """Sort the labels and count relevance by groups of equal scores."""
    if scores.ndim != 2 or scores.shape != relevant.shape:
        shapes = f"{tuple(scores.shape)} and {tuple(relevant.shape)}"
        raise ValueError(
            f"scores and relevant must be one [items, labels] shape, not {shapes}."
        )
    if scores.isnan().any():
        raise ValueError("scores hold NaN, which has no rank: mend the model first.")
    ordered, order = scores.sort(dim=1, descending=True, stable=True)
    hits = (relevant > 0).gather(1, order).double()
    starts = torch.ones_like(ordered, dtype=torch.bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    group = starts.long().cumsum(1) - 1
    place = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(group)
    empty = torch.zeros_like(hits)
    size = empty.scatter_add(1, group, torch.ones_like(hits))
    relevant_in = empty.scatter_add(1, group, hits)
    before = (size.cumsum(1) - size).gather(1, group)
    relevant_before = (relevant_in.cumsum(1) - relevant_in).gather(1, group)
    group_size, group_relevant = size.gather(1, group), relevant_in.gather(1, group)
    return _Ranking(
        place.double(), before, group_size, group_relevant, relevant_before, hits.sum(1)
    )


def _hits(ranking: _Ranking, n: int | Tensor) -> Tensor:
    """Return the expected number of relevant labels in the first n places, `[items]`.

    n is one number or one per item, `[items, 1]`.
    """
    share = ranking.group_relevant / ranking.group_size
    return torch.where(ranking.place <= n, share, 0.0).sum(1)


def _r_precision(ranking: _Ranking) -> Tensor:
    return _hits(ranking, ranking.relevant[:, None]) / ranking.relevant


def _log_binomial(n: Tensor, k: Tensor) -> Tensor:
    """Return log C(n, k), and -inf where k > n or k < 0."""
    log = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    return torch.where((k < 0) | (k > n), float("-inf"), log)


def _reduce(values: Tensor, ranking: _Ranking, reduction: Reduction) -> Tensor:
    """Drop the items without a relevant label, then average."""
    answered = ranking.relevant > 0
    if reduction == "none":
        return torch.where(answered, values, float("nan"))
    if reduction != "mean":
        raise ValueError(f'reduction is "mean" or "none", not {reduction!r}.')
    if not answered.any():
        raise ValueError("No item has a relevant label: there is nothing to average.")
    return values[answered].mean()


def _check_cutoff(n: int, num_labels: int) -> None:
    if not 1 <= n <= num_labels:
        raise ValueError(f"n must be from 1 to the {num_labels} labels, not {n}.")
