"""Let a student follow a fixed teacher, with no labels and no discriminator (M8)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from kdgan_lib.game import DISTILLATIONS
from kdgan_lib.losses import cross_entropy, kl_distillation, l2_distillation
from kdgan_lib.randomness import derive

Lesson = Callable[[Tensor], Tensor]
UPPER_HALF = torch.cat([torch.ones(32), torch.zeros(32), torch.ones(1)]).double()


def wrong_teacher(p_u: Tensor, wrong: float, label: int = -1) -> Tensor:
    """Return (1 - wrong) p_u + wrong onehot(label): how wrong is chosen exactly.

    Its total variation to p_u is wrong (1 - p_u[label]).
    """
    p_t = (1 - wrong) * p_u
    p_t[..., label] += wrong
    return p_t


def student_gradient(p_t: Tensor, logits: Tensor, distillation: str) -> Tensor:
    """Return the gradient of L_DS with respect to the student's logits, [S, K]."""
    own = logits.detach().requires_grad_()
    loss = DISTILLATIONS[distillation](own, p_t.log().expand_as(own)).sum()
    return torch.autograd.grad(loss, own)[0]


def closed_gradient(student: Tensor, teacher: Tensor, distillation: str) -> Tensor:
    """Return the gradient of L_DS with respect to the student's logits by its formula.

    student, teacher: logits [S, K], temperature 1.
    """
    own, other = student.softmax(-1), teacher.softmax(-1)
    if distillation == "l2_logits":
        return student - teacher
    if distillation == "kl":
        return own - other
    gap = own.log() - other.log() if distillation == "reverse_kl" else own - other
    return own * (gap - (own * gap).sum(-1, keepdim=True))


def follow(
    p_t: Tensor,
    starts: Tensor,
    distillation: str,
    steps: int = 4000,
    step_size: float = 0.5,
) -> Tensor:
    """Return the student's laws [steps + 1, S, K] under gradient descent on L_DS."""
    path = [starts]
    for _ in range(steps):
        slope = student_gradient(p_t, path[-1], distillation)
        path.append(path[-1] - step_size * slope)
    return torch.stack(path).softmax(-1)


def gradient_size(
    student: Tensor, teacher: Tensor, temperature: float, scaled: bool = True
) -> Tensor:
    """Return the norm of the KL distillation gradient at a temperature, [S].

    `scaled` multiplies the loss by T^2 (Hinton et al., 2015).
    """
    own = student.detach().requires_grad_()
    loss = kl_distillation(own, teacher, temperature) * len(own)
    (slope,) = torch.autograd.grad(loss, own)
    return slope.norm(dim=-1) / (1.0 if scaled else temperature**2)


def matching_limit(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the limit of T^2 KL as T grows: |centred logit gap|^2 / (2 K), [S]."""
    gap = teacher - student
    centred = gap - gap.mean(-1, keepdim=True)
    return centred.square().sum(-1) / (2 * gap.shape[-1])


def digit_students(temperatures: Sequence[float], seeds: Sequence[int]) -> pd.DataFrame:
    """Train linear students on 100 digits from one teacher: labels, L2 and KL forms.

    Returns one row per seed, loss and temperature: accuracy on held-out digits, in
    per cent. The teacher reads all 64 pixels, the student the upper 32.
    """
    rows = []
    for seed in seeds:
        digits = _digits(seed)
        weights = _fit(digits.x, partial(_against, cross_entropy, digits.y))
        lessons = _lessons(temperatures, digits.y, digits.x @ weights)
        for (name, tau), lesson in lessons.items():
            student = _fit(digits.x * UPPER_HALF, lesson)
            answers = ((digits.test_x * UPPER_HALF) @ student).argmax(-1)
            accuracy = 100 * float((answers == digits.test_y).double().mean())
            rows.append({"seed": seed, "loss": name, "T": tau, "accuracy": accuracy})
    return pd.DataFrame(rows)


def _against(
    loss: Callable[..., Tensor], target: Tensor, logits: Tensor, *rest: float
) -> Tensor:
    return loss(logits, target, *rest)


def _lessons(
    temperatures: Sequence[float], labels: Tensor, taught: Tensor
) -> dict[tuple[str, float], Lesson]:
    """Return each student's loss as a function of its logits."""
    lessons: dict[tuple[str, float], Lesson] = {
        ("labels", 1.0): partial(_against, cross_entropy, labels),
        ("l2_logits", 1.0): partial(_against, l2_distillation, taught),
    }
    for tau in temperatures:
        softened = partial(kl_distillation, temperature=tau)
        lessons["kl", tau] = partial(_against, softened, taught)
    return lessons


class _Digits(NamedTuple):
    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


def _digits(seed: int, n: int = 100) -> _Digits:
    """Return n training digits with one-hot labels, and the others, with a bias."""
    pixels, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=derive(seed, "digits"))
    x = torch.from_numpy(pixels)[order] / 16
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    y = torch.from_numpy(labels).long()[order]
    onehot = torch.nn.functional.one_hot(y[:n], 10).double()
    return _Digits(x[:n], onehot, x[n:], y[n:])


def _fit(x: Tensor, loss: Lesson, decay: float = 1e-3) -> Tensor:
    """Return the weights [65, 10] that minimise loss(x @ weights) + decay |w|^2."""
    weights = torch.zeros((x.shape[1], 10), dtype=torch.float64).requires_grad_()
    descent = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        value = loss(x @ weights) + decay * weights.square().sum()
        value.backward()
        return value

    descent.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach()
