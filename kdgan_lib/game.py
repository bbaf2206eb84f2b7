"""State the three-player game of KDGAN on a table of labels (Eq. 1-5)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

Distillation = Callable[[Tensor, Tensor], Tensor]
TINY = 1e-300
"""In place of a mass of zero, where its logarithm or its inverse is taken."""


class Strategies(NamedTuple):
    """Hold one strategy per player, each [..., K]."""

    p_c: Tensor
    p_t: Tensor
    p_d: Tensor


def _gap(left: Tensor, right: Tensor) -> Tensor:
    """Subtract, with (-inf) - (-inf) = 0: both players give the label no mass."""
    same = (left == right) & left.isinf()  # a finite tie keeps its gradient
    zero = torch.zeros_like(left)
    return torch.where(same, zero, left - torch.where(same, zero, right))


def _weighted_log(mass: Tensor, argument: Tensor) -> Tensor:
    """Return mass * log(argument) with 0 log 0 = 0.

    Where the mass is 0 the gradients are 0, too, whatever the argument. Where the
    argument alone is 0, value and gradients are infinite.
    """
    empty = mass == 0
    return torch.where(
        empty, 0.0, mass * torch.where(empty, 1.0, argument).log()
    )  # [..., K]


def l2_logits(student: Tensor, teacher: Tensor) -> Tensor:
    """Return half the squared distance of two logit tables, [..., K] -> [...]."""
    return 0.5 * _gap(student, teacher).square().sum(-1)


def l2_probabilities(student: Tensor, teacher: Tensor) -> Tensor:
    """Return half the squared distance of the two softmaxes, [..., K] -> [...]."""
    return 0.5 * (student.softmax(-1) - teacher.softmax(-1)).square().sum(-1)


def kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Return KL(teacher || student) of two logit tables, [..., K] -> [...]."""
    log_t, log_s = teacher.log_softmax(-1), student.log_softmax(-1)
    mass = log_t.exp()
    gap = torch.where(mass == 0, 0.0, _gap(log_t, log_s))
    return (mass * gap).sum(-1)


def reverse_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Return KL(student || teacher) of two logit tables, [..., K] -> [...]."""
    return kl(teacher, student)


DISTILLATIONS: dict[str, Distillation] = {
    "l2_logits": l2_logits,
    "l2_probabilities": l2_probabilities,
    "kl": kl,
    "reverse_kl": reverse_kl,
}


@dataclass(frozen=True)
class Game:
    """State U(c, t, d) of Eq. 3 for a finite set of labels and of inputs x."""

    p_u: Tensor
    """True law of the labels, [K] or [X, K]; rows sum to one, zeros are allowed."""
    alpha: float | Tensor = 0.5
    """C's adversarial weight in [0, 1], T's is 1 - alpha; a tensor [S]: per start."""
    beta: float | Tensor = 1.0
    """Weight of C's distillation from T, at least 0; a tensor [S]: per start."""
    gamma: float | Tensor = 1.0
    """Weight of T's distillation from C, at least 0; a tensor [S]: per start."""
    distillation: str = "l2_logits"
    """A name in DISTILLATIONS."""
    weights: Tensor | None = None
    """Law of x, [X]; None means uniform."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "p_u", self.p_u.to(torch.float64))
        if self.distillation not in DISTILLATIONS:
            raise ValueError(f"Choose distillation from {sorted(DISTILLATIONS)}.")
        alpha, beta, gamma = map(torch.as_tensor, (self.alpha, self.beta, self.gamma))
        if not bool(((alpha >= 0) & (alpha <= 1)).all()):
            raise ValueError("Choose alpha between 0 and 1.")
        if not bool((beta >= 0).all() and (gamma >= 0).all()):
            raise ValueError("Choose beta and gamma of at least 0.")
        law = torch.allclose(self.p_u.sum(-1), torch.ones_like(self.p_u.sum(-1)))
        if not law or bool((self.p_u < 0).any()):
            raise ValueError("Give p_u as rows of non-negative numbers summing to 1.")
        self._check_weights()
        # A law typed in float32 is off by 1e-8, which would be the floor of every play.
        object.__setattr__(self, "p_u", self.p_u / self.p_u.sum(-1, keepdim=True))

    def _check_weights(self) -> None:
        """Raise ValueError for weights that are no law of the inputs x."""
        if self.weights is None:
            return
        fits = self.p_u.ndim == 2 and self.weights.shape == self.p_u.shape[:1]
        total = float(self.weights.sum())
        if not fits or bool((self.weights < 0).any()) or abs(total - 1) > 1e-5:
            raise ValueError(
                "Give weights as one non-negative number per row of p_u, summing to 1."
            )

    @classmethod
    def nagan(cls, p_u: Tensor, weights: Tensor | None = None) -> "Game":
        """Return the naive two-player game of Eq. 1: C against D, no teacher."""
        return cls(p_u, alpha=1.0, beta=0.0, gamma=0.0, weights=weights)

    def per_label(self, scalar: float | Tensor) -> Tensor:
        """Shape a hyperparameter, a number or [S], against strategies [S, (X,) K]."""
        scalar = torch.as_tensor(scalar, dtype=torch.float64)
        return scalar.reshape(scalar.shape + (1,) * (self.p_u.ndim * (scalar.ndim > 0)))

    def mean_over_x(self, table: Tensor) -> Tensor:
        """Average [..., X] over the law of x; [...] passes when there is one x."""
        if self.p_u.ndim == 1:
            return table
        if self.weights is None:
            return table.mean(-1)
        return (table * self.weights.to(table)).sum(-1)

    def mixture(self, p_c: Tensor, p_t: Tensor) -> Tensor:
        """Return p_alpha = alpha p_c + (1 - alpha) p_t (Eq. 4)."""
        alpha = self.per_label(self.alpha)
        return alpha * p_c + (1 - alpha) * p_t

    def distill(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return L_DS(student, teacher), averaged over x."""
        loss = DISTILLATIONS[self.distillation](student_logits, teacher_logits)
        return self.mean_over_x(loss)

    def adversarial(self, p_c: Tensor, p_t: Tensor, p_d: Tensor) -> Tensor:
        """Return E_pu log D + alpha E_pc log(1 - D) + (1 - alpha) E_pt log(1 - D)."""
        real = _weighted_log(self.p_u.expand_as(p_d), p_d).sum(-1)
        fake_c = _weighted_log(p_c, 1 - p_d).sum(-1)
        fake_t = _weighted_log(p_t, 1 - p_d).sum(-1)
        alpha = torch.as_tensor(self.alpha, dtype=torch.float64)
        real, fake_c, fake_t = map(self.mean_over_x, (real, fake_c, fake_t))
        # A zero weight silences its player even where that player's term is infinite.
        c_term = torch.where(alpha > 0, alpha * fake_c, 0.0)
        t_term = torch.where(alpha < 1, (1 - alpha) * fake_t, 0.0)
        return real + c_term + t_term

    def penalty(self, c_logits: Tensor, t_logits: Tensor) -> Tensor:
        """Return beta L_DS^c + gamma L_DS^t; a term of weight zero is left out."""
        beta, gamma = map(torch.as_tensor, (self.beta, self.gamma))
        c_term = torch.where(beta > 0, beta * self.distill(c_logits, t_logits), 0.0)
        t_term = torch.where(gamma > 0, gamma * self.distill(t_logits, c_logits), 0.0)
        return c_term + t_term

    def value(self, p_c: Tensor, p_t: Tensor, p_d: Tensor) -> Tensor:
        """Return U(c, t, d) (Eq. 3) for strategies [..., (X,) K].

        Probabilities do not know their logits' shift: L2 on logits reads log p.
        """
        return self.adversarial(p_c, p_t, p_d) + self.penalty(p_c.log(), p_t.log())

    def value_of_logits(self, h: Tensor, f: Tensor, g: Tensor) -> Tensor:
        """Return U (Eq. 3) at logits h of C, f of T, g of D, shifts included."""
        adversarial = self.adversarial(h.softmax(-1), f.softmax(-1), g.sigmoid())
        return adversarial + self.penalty(h, f)

    def optimal_discriminator(self, p_c: Tensor, p_t: Tensor) -> Tensor:
        """Return D* = p_u / (p_u + p_alpha) (Lemma 4.1).

        Where both masses are zero every D is optimal and 1/2 is returned.
        """
        total = self.p_u + self.mixture(p_c, p_t)
        empty = total == 0
        return torch.where(empty, 0.5, self.p_u / torch.where(empty, 1.0, total))

    def jensen_shannon(self, p_c: Tensor, p_t: Tensor) -> Tensor:
        """Return JS(p_u || p_alpha) in nats, averaged over x."""
        p_alpha = self.mixture(p_c, p_t)
        p_u = self.p_u.expand_as(p_alpha)
        middle = (p_u + p_alpha) / 2
        terms = _relative(p_u, middle) + _relative(p_alpha, middle)
        return self.mean_over_x(terms.sum(-1) / 2)

    def value_at_best_response(self, p_c: Tensor, p_t: Tensor) -> Tensor:
        """Return U at D* as 2 JS + beta DS^c + gamma DS^t - log 4 (Eq. 5)."""
        penalty = self.penalty(p_c.log(), p_t.log())
        return 2 * self.jensen_shannon(p_c, p_t) + penalty - math.log(4)

    def best_responses(self, p_c: Tensor, p_t: Tensor, p_d: Tensor) -> Strategies:
        """Return each player's best answer to the other two (plain-number weights).

        D maximises U; C and T minimise their own terms, as in Algorithm 1. Without a
        distillation weight the answer is uniform on the labels D rates highest. With
        L2 on logits it is a local minimum only, logits read as log p: see `respond`.
        """
        alpha, beta, gamma = float(self.alpha), float(self.beta), float(self.gamma)
        reward = (1 - p_d).clamp_min(TINY).log()
        return Strategies(
            respond(reward, p_t, alpha, beta, self.distillation),
            respond(reward, p_c, 1 - alpha, gamma, self.distillation),
            self.optimal_discriminator(p_c, p_t),
        )

    def equilibrium(self) -> Strategies:
        """Return p_c = p_t = p_u and D = 1/2 (Theorem 4.2); U there is -log 4."""
        half = torch.full_like(self.p_u, 0.5)
        return Strategies(self.p_u.clone(), self.p_u.clone(), half)

    def undistilled_family(self, direction: Tensor, size: float) -> Strategies:
        """Return p_alpha = p_u with p_c != p_u: as good when beta = gamma = 0.

        `direction` [K] sums to zero; a `size` that leaves the simplex is a ValueError.
        """
        alpha = self.per_label(self.alpha)
        p_c = self.p_u + (1 - alpha) * size * direction
        p_t = self.p_u - alpha * size * direction
        if bool((p_c < 0).any() or (p_t < 0).any()):
            raise ValueError("Choose a smaller size: the point left the simplex.")
        return Strategies(p_c, p_t, torch.full_like(p_c, 0.5))


def _relative(p: Tensor, q: Tensor) -> Tensor:
    """Return the terms p log(p / q), 0 where p = 0, [..., K]."""
    return _weighted_log(p, torch.where(p == 0, 1.0, p) / torch.where(q == 0, 1.0, q))


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """Return half the L1 distance of two laws, [..., K] -> [...]: one number per x."""
    return 0.5 * (p - q).abs().sum(-1)


def respond(
    reward: Tensor, other: Tensor, weight: float, penalty: float, kind: str
) -> Tensor:
    """Minimise weight <p, reward> + penalty L_DS(p, other) over the simplex.

    Shapes [..., K]. Closed forms: a vertex (no penalty), a Gibbs law (reverse KL), a
    projection (L2 on probabilities), one bisection (KL). L2 on logits reads logits as
    log p and is not convex: a descent from `other` finds a local minimum near it only.
    """
    if weight == 0:
        return other.clone()
    if penalty == 0:
        best = (reward <= reward.min(-1, keepdim=True).values + 1e-12).to(reward)
        return best / best.sum(-1, keepdim=True)
    tilt = weight / penalty * reward
    if kind == "reverse_kl":
        return (other.log() - tilt).softmax(-1)
    if kind == "l2_probabilities":
        return project(other - tilt)
    return _answer_kl(tilt, other) if kind == "kl" else _answer_l2(tilt, other)


def project(point: Tensor) -> Tensor:
    """Return the nearest point of the simplex, [..., K]."""
    ordered = point.sort(-1, descending=True).values
    count = torch.arange(1, point.shape[-1] + 1).to(point)
    level = (ordered.cumsum(-1) - 1) / count
    active = (ordered > level).sum(-1, keepdim=True) - 1
    return (point - level.gather(-1, active)).clamp_min(0)


def _answer_kl(tilt: Tensor, other: Tensor) -> Tensor:
    """Solve p = other / (tilt + level), sum p = 1, for the level by bisection."""
    low = -tilt.min(-1, keepdim=True).values
    high = low + 1
    floor = low
    for _ in range(64):  # the interval of length 1 is then below float64's resolution
        level = (low + high) / 2
        too_big = (other / (tilt + level).clamp_min(TINY)).sum(-1, keepdim=True) > 1
        low, high = torch.where(too_big, level, low), torch.where(too_big, high, level)
    answer = other / (tilt + high).clamp_min(TINY)
    # What the teacher leaves over goes to the label D rates highest.
    rest = (1 - answer.sum(-1, keepdim=True)).clamp_min(0)
    top = one_hot((tilt + floor).argmin(-1), tilt.shape[-1])
    return answer + rest * top


def _answer_l2(tilt: Tensor, other: Tensor, steps: int = 200) -> Tensor:
    """Find a local minimum of <p, tilt> + |log p - log other|^2 / 2 near other."""
    target = other.clamp_min(TINY).log()
    logits = target.clone().requires_grad_()
    descent = torch.optim.LBFGS(
        [logits], max_iter=steps, tolerance_grad=1e-12, tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def objective() -> Tensor:
        descent.zero_grad()
        tilted = (logits.softmax(-1) * tilt).sum()
        loss = tilted + l2_logits(logits.log_softmax(-1), target).sum()
        loss.backward()
        return loss

    descent.step(objective)  # type: ignore[arg-type,no-untyped-call]
    return logits.detach().softmax(-1)
