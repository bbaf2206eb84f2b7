"""Play the tabular game: joint minimum, Algorithm 1, sampled gradients (Theorem 4.2).

All starts move at once: logits of every player are [S, K] or [S, X, K], float64.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, hessian, vmap
from torch.nn.functional import logsigmoid, one_hot

from kdgan_lib.concrete import gumbel
from kdgan_lib.estimators import estimator
from kdgan_lib.game import TINY, Game, Strategies, respond, total_variation

Schedule = Literal["alternating", "simultaneous"]
Objective = Literal["per_player", "shared"]
ORDER = ("discriminator", "teacher", "classifier")
HUGE = 1e100
"""In place of infinity, from which nothing can be taken away."""


class Logits(NamedTuple):
    """Hold the players' logits h of C, f of T, g of D, each [S, (X,) K]."""

    classifier: Tensor
    teacher: Tensor
    discriminator: Tensor

    def strategies(self) -> Strategies:
        """Return softmax(h), softmax(f), sigmoid(g)."""
        h, f, g = self
        return Strategies(h.softmax(-1), f.softmax(-1), g.sigmoid())


@dataclass(frozen=True)
class Trajectory:
    """Keep the recorded states of S starts; the first axis R is time."""

    game: Game
    """The game that was played."""
    steps: Tensor
    """Number of rounds before each record, [R]."""
    logits: Logits
    """Logits at each record, each [R, S, (X,) K]."""

    @property
    def last(self) -> Logits:
        """Return the logits of the last record, each [S, (X,) K]."""
        return Logits(*(table[-1] for table in self.logits))

    def strategies(self) -> Strategies:
        """Return p_c, p_t and p_d at each record, each [R, S, (X,) K]."""
        return self.logits.strategies()

    def distance(self) -> Tensor:
        """Return the larger total variation of p_c, p_t to p_u, worst x, [R, S]."""
        p_c, p_t, _ = self.strategies()
        far = total_variation(torch.stack([p_c, p_t]), self.game.p_u).amax(0)
        return far if self.game.p_u.ndim == 1 else far.amax(-1)

    def doubt(self) -> Tensor:
        """Return max |D - 1/2| over the labels that p_u supports, [R, S]."""
        gap = (self.strategies().p_d - 0.5).abs() * (self.game.p_u > 0)
        return gap.flatten(2).amax(-1)

    def value(self) -> Tensor:
        """Return U (Eq. 3) at each record, [R, S]."""
        return self.game.value_of_logits(*self.logits)

    def steps_to(self, distance: float) -> Tensor:
        """Return the first record from which TV stays below, inf if none, [S]."""
        below = (self.distance() < distance).flip(0).cummin(0).values.flip(0)
        first = torch.where(below, self.steps[:, None].double(), math.inf)
        return first.amin(0)


@dataclass(frozen=True)
class Play:
    """Declare how Algorithm 1 is played on a table."""

    steps: int = 5000
    """Rounds; each round moves every player."""
    step_size: float | Tensor = 0.5
    """Gradient step on C's and T's logits; a tensor [S]: per start."""
    discriminator_step_size: float | None = None
    """Gradient step on D's logits; None means step_size."""
    schedule: Schedule = "alternating"
    """"alternating" (D, then T, then C, as Algorithm 1) or "simultaneous"."""
    objective: Objective = "per_player"
    """"per_player" (Algorithm 1) or "shared" (all of U; C and T descend, D ascends)."""
    saturating: bool = True
    """Reward log(1 - D) (Eq. 3), or -log D when False."""
    records: int = 200
    """Records kept, evenly spaced, besides the start."""

    def __post_init__(self) -> None:
        """Refuse a way to play that there is not."""
        for name, kind in (("schedule", Schedule), ("objective", Objective)):
            if getattr(self, name) not in get_args(kind):
                allowed = " or ".join(get_args(kind))
                raise ValueError(f"Play by the {name} {allowed}.")

    def rate(self, player: str) -> float | Tensor:
        """Return the player's step size."""
        own = self.discriminator_step_size
        return own if player == "discriminator" and own is not None else self.step_size


@dataclass(frozen=True)
class Sampling:
    """Declare the label samples that replace exact expectations."""

    estimator: str = "reinforce"
    """A name in ESTIMATORS, for C's and T's adversarial gradient."""
    num_samples: int = 8
    """Labels drawn per player, x and step."""
    temperature: float = 1.0
    """Temperature tau of Eq. 9."""


def random_starts(
    game: Game, num: int, generator: torch.Generator, scale: float = 1.0
) -> Logits:
    """Draw normal logits of standard deviation `scale`, each [num, (X,) K]."""
    shape = (3, num, *game.p_u.shape)
    return Logits(*torch.randn(shape, generator=generator, dtype=torch.float64) * scale)


def joint_minimum(game: Game, starts: Logits, iterations: int = 80) -> Trajectory:
    """Minimise U(c, t, D*) over both laws at once: Theorem 4.2's problem (Eq. 5).

    Saddle-free Newton with damping, every start at once: the step divides by the
    absolute curvature, so that it leaves saddles and ends at minima. It descends the
    excess U + log 4, which keeps its relative precision near zero; D answers with
    D*. Game weights must be plain numbers. Source: Dauphin et al. (2014).
    """
    shape = (2, *game.p_u.shape)
    point = torch.stack([starts.classifier, starts.teacher], 1).flatten(1)  # [S, P]
    damping = torch.full((len(point), 1), 1e-2, dtype=torch.float64)
    excess = vmap(lambda flat: _excess(game, *flat.reshape(shape)))
    slope = vmap(grad(lambda flat: _excess(game, *flat.reshape(shape))))
    curvature = vmap(hessian(lambda flat: _excess(game, *flat.reshape(shape))))
    path = [point]
    for _ in range(iterations):
        values, axes = torch.linalg.eigh(curvature(point))
        along = (axes.mT @ slope(point).unsqueeze(-1)).squeeze(-1)
        move = (axes @ (along / (values.abs() + damping)).unsqueeze(-1)).squeeze(-1)
        better = (excess(point - move) < excess(point)).unsqueeze(-1)
        point = torch.where(better, point - move, point)
        damping = torch.where(better, damping / 4, damping * 8).clamp(1e-10, 1e6)
        path.append(point)
    h, f = torch.stack(path).unflatten(-1, shape).unbind(2)  # each [R, S, (X,) K]
    best = game.optimal_discriminator(h.softmax(-1), f.softmax(-1))
    return Trajectory(game, torch.arange(len(path)), Logits(h, f, best.logit(TINY)))


def _excess(game: Game, h: Tensor, f: Tensor) -> Tensor:
    """Return U + log 4 at D* (Eq. 5)."""
    return 2 * game.jensen_shannon(h.softmax(-1), f.softmax(-1)) + game.penalty(h, f)


def play(
    game: Game,
    starts: Logits,
    rules: Play,
    sampling: Sampling | None = None,
    generator: torch.Generator | None = None,
) -> Trajectory:
    """Play Algorithm 1 by gradient steps on the logits; exact unless `sampling`."""
    state, kept, steps = starts, [starts], [0]
    marks = set(np.linspace(0, rules.steps, rules.records + 1).round().astype(int))
    for step in range(1, rules.steps + 1):
        state = one_round(game, state, rules, sampling, generator)
        if step in marks:
            kept.append(state)
            steps.append(step)
    history = Logits(*(torch.stack(tables) for tables in zip(*kept, strict=True)))
    return Trajectory(game, torch.tensor(steps), history)


def one_round(
    game: Game,
    state: Logits,
    rules: Play,
    sampling: Sampling | None = None,
    generator: torch.Generator | None = None,
) -> Logits:
    """Move every player once and return the new logits."""
    seen = state
    for player in ORDER:
        if rules.schedule == "alternating":
            seen = state
        slope = gradient(game, player, seen, rules, sampling, generator)
        moved = getattr(state, player) - game.per_label(rules.rate(player)) * slope
        state = state._replace(**{player: moved})
    return state


def gradient(
    game: Game,
    player: str,
    state: Logits,
    rules: Play,
    sampling: Sampling | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the descent gradient of one player's own loss, [S, (X,) K]."""
    own = getattr(state, player).detach().requires_grad_()
    expectation = Expectation(sampling, generator)
    if player == "discriminator":
        loss = _discriminator_loss(game, own, state, expectation)
    else:
        loss = _generator_loss(game, player, own, state, rules, expectation)
    (slope,) = torch.autograd.grad(loss.sum(), own)
    return slope


def _generator_loss(
    game: Game,
    player: str,
    own: Tensor,
    state: Logits,
    rules: Play,
    expectation: "Expectation",
) -> Tensor:
    """Return C's or T's loss, [S]: its adversarial term and its distillation."""
    g = state.discriminator
    reward = logsigmoid(-g) if rules.saturating else -logsigmoid(g)
    alpha = torch.as_tensor(game.alpha, dtype=torch.float64)
    is_c = player == "classifier"
    weight, penalty = (alpha, game.beta) if is_c else (1 - alpha, game.gamma)
    other = state.teacher if is_c else state.classifier
    if rules.objective == "shared":
        distilled = game.penalty(own, other) if is_c else game.penalty(other, own)
    else:
        distilled = torch.as_tensor(penalty) * game.distill(own, other)
    return weight * game.mean_over_x(expectation.of_reward(own, reward)) + distilled


def _discriminator_loss(
    game: Game, g: Tensor, state: Logits, expectation: "Expectation"
) -> Tensor:
    """Return minus D's part of U, [S]."""
    real = expectation.frequency(game.p_u.log().expand_as(g))
    fake = game.mixture(
        expectation.frequency(state.classifier), expectation.frequency(state.teacher)
    )
    return -game.mean_over_x((real * logsigmoid(g) + fake * logsigmoid(-g)).sum(-1))


@dataclass(frozen=True)
class Expectation:
    """Take expectations over labels, exactly or by the declared samples."""

    sampling: Sampling | None
    """None means exactly."""
    generator: torch.Generator | None
    """Source of the Gumbel noise."""

    def _noise(self, like: Tensor, draws: int) -> Tensor:
        return gumbel((draws, *like.shape), self.generator, torch.float64)

    def of_reward(self, logits: Tensor, reward: Tensor) -> Tensor:
        """Return a loss [...] whose gradient is (an estimate of) that of E[reward]."""
        if self.sampling is None:
            return (logits.softmax(-1) * reward).sum(-1)
        noise = self._noise(logits, self.sampling.num_samples)
        surrogate = estimator(self.sampling.estimator)
        return surrogate(logits, reward, noise, self.sampling.temperature).mean(0)

    def frequency(self, logits: Tensor) -> Tensor:
        """Return softmax(logits), or the frequencies of labels drawn from it."""
        if self.sampling is None:
            return logits.softmax(-1)
        labels = (logits + self._noise(logits, self.sampling.num_samples)).argmax(-1)
        return one_hot(labels, logits.shape[-1]).double().mean(0)


def best_answers(game: Game, starts: Logits, rounds: int) -> Trajectory:
    """Let D, T and C in turn jump to their best answer (`Game.best_responses`).

    No step size: where the distillation weights are small, the jumps are long. A law
    without mass on a label has a logit of -inf there.
    """
    alpha, beta, gamma = float(game.alpha), float(game.beta), float(game.gamma)
    by_c, by_t = torch.tensor([alpha, 1 - alpha], dtype=torch.float64).log()
    h, f = starts.classifier.log_softmax(-1), starts.teacher.log_softmax(-1)
    path = [Logits(h, f, starts.discriminator)]
    for _ in range(rounds):
        proposed = torch.logaddexp(by_c + h, by_t + f)
        nowhere = (game.p_u == 0) & (proposed == -math.inf)  # any answer is D's best
        g = torch.where(nowhere, 0.0, game.p_u.log() - proposed)  # Lemma 4.1
        reward = logsigmoid(-g)  # log(1 - p_d)
        f = _best_logits(reward, h, 1 - alpha, gamma, game.distillation)
        h = _best_logits(reward, f, alpha, beta, game.distillation)
        path.append(Logits(h, f, g))
    history = Logits(*(torch.stack(tables) for tables in zip(*path, strict=True)))
    return Trajectory(game, torch.arange(len(path)), history)


def _best_logits(
    reward: Tensor, other: Tensor, weight: float, penalty: float, kind: str
) -> Tensor:
    """Return the logarithm of the law that `game.respond` gives, [..., K].

    A Gibbs law is tilted by its logits: a mass too small for a float would be zero, and
    from there no tilt brings it back.
    """
    if kind == "reverse_kl" and penalty > 0:
        tilt = weight / penalty * reward.clamp_min(-HUGE)
        return (other - tilt).log_softmax(-1)
    bounded = reward.clamp_min(math.log(TINY))
    return respond(bounded, other.softmax(-1), weight, penalty, kind).log()


def local_modes(game: Game, rules: Play) -> Tensor:
    """Return the eigenvalues of one round's linearisation at the equilibrium.

    Moduli below 1 contract. At each x, the shifts of C's and of T's logits change no
    strategy and have 1 (L2 on logits leaves only their common shift); the largest of
    the other moduli is the asymptotic rate per round.
    """
    half = torch.zeros_like(game.p_u)
    point = torch.stack([game.p_u.log(), game.p_u.log(), half])

    def moved(flat: Tensor) -> Tensor:
        state = Logits(*flat.reshape(point.shape).unsqueeze(1))
        return torch.stack(one_round(game, state, rules)).flatten()

    eye = torch.eye(point.numel(), dtype=torch.float64) * 1e-5
    flat = point.flatten()
    columns = [(moved(flat + e) - moved(flat - e)) / 2e-5 for e in eye]
    return torch.linalg.eigvals(torch.stack(columns, 1))
