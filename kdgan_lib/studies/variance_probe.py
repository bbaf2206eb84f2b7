"""Measure the parts of C's gradient at one point of a run: norms and variances."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from kdgan_lib import randomness
from kdgan_lib.data import Examples
from kdgan_lib.losses import cross_entropy, kl_distillation
from kdgan_lib.methods import Method
from kdgan_lib.methods.kdgan import DISTILLATION_LOSSES, KDGAN
from kdgan_lib.studies.variance_point import Point
from kdgan_lib.variance import (
    Moments,
    batch_gradients,
    logit_grams,
    moments,
    sampling_variance,
)
from kdgan_lib.variance_plan import Probe

SAMPLED = (
    "reinforce",
    "reinforce_baseline",
    "concrete_density",
    "relaxed_score",
    "pathwise",
)
BIASED = ("relaxed_score", "pathwise")
# Gradients whose moments over minibatches are measured together.
DRAWN = ("drawn", "drawn_one")  # with as many labels as training draws; with one
PARTS = ("labels", "distillation", "distillation_kl", "exact", *BIASED, *DRAWN)
Row = dict[str, str | float]
Loss = Callable[[Tensor, Tensor], Tensor]


def weights_of(method: Method) -> tuple[float, float, float]:
    """Return the weights of C's terms: adversarial, distillation, labels (Eq. 3)."""
    if isinstance(method, KDGAN):
        return method.alpha, method.beta, method.supervision
    return 1.0, 0.0, 0.0


def measure(point: Point, probe: Probe) -> list[Row]:
    """Return the rows of one probe: component, estimator, tau, quantity, value."""
    batch = point.minibatch("sampling")
    sampling = sampling_rows(point, probe, batch)
    own = {
        (entry["estimator"], entry["tau"]): float(entry["value"])
        for entry in sampling
        if entry["quantity"] == "sampling"
    }
    draws = (fresh_gradients(point, probe, index) for index in range(probe.batches))
    norms: list[Row] = []
    found = moments(_watched(draws, point.method, norms), probe.batches)
    between = minibatch_rows(point, probe, found, own)
    return [*sampling, *between, *norms, *dropout_rows(point, probe, batch)]


def sampling_rows(point: Point, probe: Probe, batch: Examples) -> list[Row]:
    """Return each estimator's moments over fresh labels, at the run's and other tau.

    Variance with one label per image, squared norm of the mean, and its cosine with
    the exact gradient, all for this one minibatch.
    """
    classifier = point.training.state.players["classifier"]
    looked_at, size = batch[: probe.examples], len(batch)
    logits, reward = point.logits("classifier", batch), point.reward(batch)
    grams = logit_grams(classifier, looked_at.inputs)
    share = len(looked_at) / size  # a batch's variance is a mean over images, / B
    places, variances, means = [("exact", point.tau)], [0.0], []
    means.append(point.draw("exact", point.tau, 1, logits, reward).mean(0))
    for name in SAMPLED:
        others = probe.temperatures if name in BIASED else ()
        for tau in sorted({point.tau, *others}):
            draws = point.draw(name, tau, probe.draws, logits, reward)
            places.append((name, tau))
            part = sampling_variance(grams, draws[:, : len(looked_at)])
            variances.append(part * share)
            means.append(draws.mean(0))
    gradients = batch_gradients(classifier, batch.inputs, torch.stack(means)).double()
    cosines = torch.cosine_similarity(gradients, gradients[:1], dim=1)
    noise = torch.tensor(variances, dtype=torch.double) / probe.draws
    squares = gradients.square().sum(1) - noise
    values = {
        "sampling": variances,
        "batch_squared_norm": squares.tolist(),
        "cosine": cosines.tolist(),
    }
    return [
        row("adversarial", name, tau, quantity, column[at])
        for at, (name, tau) in enumerate(places)
        for quantity, column in values.items()
    ]


def dropout_rows(point: Point, probe: Probe, batch: Examples) -> list[Row]:
    """Return the variance that dropout alone adds on one minibatch, labels exact."""
    classifier = point.training.state.players["classifier"]
    classifier.train()
    weights = [p for p in classifier.parameters() if p.requires_grad]
    teacher, reward = point.teacher_logits(batch), point.reward(batch)

    def draw(index: int) -> Tensor:
        epoch, seed = point.training.state.epoch, point.training.seed
        with randomness.module_randomness(seed, "probe", epoch, "dropout", index):
            logits = classifier(batch.inputs)
        losses = [(logits.softmax(-1) * reward).sum(-1).mean()]
        if teacher is not None:
            losses.append(_distil(point.method)(logits, teacher))
        slopes = [
            torch.autograd.grad(loss, weights, retain_graph=True) for loss in losses
        ]
        return torch.stack([torch.cat([g.flatten() for g in s]) for s in slopes])

    found = moments(draw(index) for index in range(probe.masks)).covariance.diagonal()
    named = zip(("adversarial", "distillation"), found, strict=False)
    return [row(name, "exact", point.tau, "dropout", float(v)) for name, v in named]


def fresh_gradients(point: Point, probe: Probe, index: int) -> Tensor:
    """Return C's gradients on a fresh minibatch, one row per part of `PARTS`.

    Labels are averaged out, but for the last rows, which draw them by the run's own
    estimator.
    """
    batch = point.minibatch(index)
    logits, reward = point.logits("classifier", batch), point.reward(batch)

    def drawn(name: str, draws: int, labels: int = 1) -> Tensor:
        found = point.draw(name, point.tau, draws, logits, reward, index, labels=labels)
        return found.mean(0)

    own = point.method.estimator
    known = [
        _slope(cross_entropy, logits, batch.targets),
        *_distillation_slopes(point, logits, batch),
        drawn("exact", 1),
        *(drawn(name, probe.draws) for name in BIASED),
        *(drawn(own, 1, labels) for labels in (point.method.draws, 1)),
    ]
    classifier = point.training.state.players["classifier"]
    return batch_gradients(classifier, batch.inputs, torch.stack(known))


def minibatch_rows(
    point: Point, probe: Probe, found: Moments, sampling: dict[tuple, float]
) -> list[Row]:
    """Return norms and variances between minibatches, of the parts and the whole."""
    at = {name: place for place, name in enumerate(PARTS)}
    covariance, squares = found.covariance, found.squared_norms
    tau, rows = point.tau, []
    for name in ("labels", "distillation", "distillation_kl"):
        pair = (float(squares[at[name]]), float(covariance[at[name], at[name]]))
        rows += _moment_rows(name, "exact", tau, pair)
    for name in ("exact", *SAMPLED):
        place = at[name if name in BIASED else "exact"]
        noise = sampling.get((name, tau), 0.0) / probe.draws if name in BIASED else 0
        spread = float(covariance[place, place]) - noise
        rows += _moment_rows("adversarial", name, tau, (float(squares[place]), spread))
        shared = float(covariance[place, at["distillation"]])
        rows.append(row("adversarial", name, tau, "covariance", shared))
    own = point.method.estimator
    for name in DRAWN:
        drawn = float(covariance[at[name], at[name]])
        rows.append(row("adversarial", own, tau, f"{name}_variance", drawn))
    return rows + whole_rows(point, found, sampling)


def whole_rows(point: Point, found: Moments, sampling: dict[tuple, float]) -> list[Row]:
    """Return the whole gradient's moments, weighted as in Eq. 3."""
    own, tau = point.method.estimator, point.tau
    place = PARTS.index(own if own in BIASED else "exact")
    weight = _weights(point.method, place)
    mean = weight @ found.mean.double()
    spread = float(weight @ found.covariance @ weight)
    square = float(mean.square().sum()) - spread / found.count
    drawn = _weights(point.method, PARTS.index("drawn"))
    measured = float(drawn @ found.covariance @ drawn)
    noise = weight[place] ** 2 * sampling.get((own, tau), 0.0)  # with one label
    return [
        *_moment_rows("total", own, tau, (square, spread)),
        row("total", own, tau, "sampling", float(noise)),
        row("total", own, tau, "drawn_variance", measured),
    ]


def row(component: str, estimator: str, tau: float, quantity: str, value: float) -> Row:
    """Return one measured number with what it belongs to."""
    return {
        "component": component,
        "estimator": estimator,
        "tau": tau,
        "quantity": quantity,
        "value": value,
    }


def _moment_rows(
    component: str, estimator: str, tau: float, found: tuple[float, float]
) -> list[Row]:
    named = zip(("squared_norm", "minibatch"), found, strict=True)
    return [row(component, estimator, tau, name, value) for name, value in named]


def _watched(
    draws: Iterator[Tensor], method: Method, norms: list[Row]
) -> Iterator[Tensor]:
    """Pass draws on, noting the norm of C's whole gradient with drawn labels."""
    weights = {name: _weights(method, PARTS.index(name)).float() for name in DRAWN}
    for index, rows in enumerate(draws):
        for name, weight in weights.items():
            norm = float((weight.to(rows) @ rows).norm())
            norms.append(row(name, f"draw {index:02d}", 0.0, "norm", norm))
        yield rows


def _weights(method: Method, adversarial: int) -> Tensor:
    """Return Eq. 3's weight of every part, D's gradient being the part given."""
    weight = torch.zeros(len(PARTS), dtype=torch.double)
    alpha, beta, supervision = weights_of(method)
    weight[adversarial] = alpha
    weight[PARTS.index("distillation")] = beta
    weight[PARTS.index("labels")] = supervision
    return weight


def _slope(loss: Loss, logits: Tensor, other: Tensor) -> Tensor:
    """Return each example's gradient [B, K] of a batch-mean loss of the logits."""
    leaf = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(leaf, other), leaf)
    return gradient * len(logits)


def _distil(method: Method) -> Loss:
    assert isinstance(method, KDGAN)
    return DISTILLATION_LOSSES[method.distillation]


def _distillation_slopes(
    point: Point, logits: Tensor, batch: Examples
) -> tuple[Tensor, Tensor]:
    """Return each example's gradient of DS, the method's and KL; zero without T."""
    teacher = point.teacher_logits(batch)
    if teacher is None:
        return torch.zeros_like(logits), torch.zeros_like(logits)
    own = _slope(_distil(point.method), logits, teacher)
    return own, _slope(kl_distillation, logits, teacher)
