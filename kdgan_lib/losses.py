"""Distillation, supervised and discriminator losses: pure functions of logits (Eq. 3).

Logits are [batch, labels]; every loss is a scalar, averaged over the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def l2_distillation(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Return half the squared distance of the logits, summed over labels.

    Zero if and only if the logits are equal, which is more than equal
    distributions ask: softmax ignores a constant added to all logits.
    Source: Ba and Caruana (2014), MIMIC.
    """
    _check_same_shape(student_logits, teacher_logits)
    return 0.5 * (student_logits - teacher_logits).square().sum(-1).mean()


def l2_probability_distillation(
    student_logits: Tensor, teacher_logits: Tensor
) -> Tensor:
    """Return half the squared distance of the two softmax distributions."""
    return l2_distillation(student_logits.softmax(-1), teacher_logits.softmax(-1))


def kl_distillation(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0
) -> Tensor:
    """Return T^2 KL(teacher || student) of the softened distributions.

    The factor T^2 keeps the gradient's size as T grows. The mean is over the
    batch, not over the labels. Logits must be finite: it is NaN where the teacher has
    -inf, and infinite where the student alone has. Source: Hinton, Vinyals and Dean
    (2015), DISTN.
    """
    _check_same_shape(student_logits, teacher_logits)
    student = (student_logits / temperature).log_softmax(-1)
    teacher = (teacher_logits / temperature).log_softmax(-1)
    divergence = F.kl_div(student, teacher, reduction="none", log_target=True)
    return temperature**2 * divergence.sum(-1).mean()


def reverse_kl_distillation(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0
) -> Tensor:
    """Return T^2 KL(student || teacher), the mode-seeking direction."""
    return kl_distillation(teacher_logits, student_logits, temperature)


def released_l2_distillation(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float
) -> Tensor:
    """Return T^2 times the mean square of the softened logits' difference.

    The released code's DISTN. The mean is over batch and labels. T cancels: apart from
    rounding, the loss is the mean square of the logits' difference at every T.
    """
    _check_same_shape(student_logits, teacher_logits)
    difference = (student_logits - teacher_logits) / temperature
    return temperature**2 * difference.square().mean()


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of softmax(logits) under p_u = targets [batch, K].

    Logits must be finite: it is NaN where a label of target 0 has -inf, and infinite
    where another has.
    """
    _check_same_shape(logits, targets)
    return -(targets * logits.log_softmax(-1)).sum(-1).mean()


def discriminator_loss(
    discriminator_logits: Tensor, positive: Tensor, negative: Tensor
) -> Tensor:
    """Return -sum_y positive(y) log D(y) + negative(y) log(1 - D(y)), batch mean.

    positive, negative: [batch, labels] weights. Exact expectations of Eq. 3 pass
    probabilities, sampled ones pass the frequencies of the drawn labels.
    """
    for weights in (positive, negative):
        _check_same_shape(discriminator_logits, weights)
    real = positive * F.logsigmoid(discriminator_logits)
    fake = negative * F.logsigmoid(-discriminator_logits)
    return -(real + fake).sum(-1).mean()


def pair_loss(discriminator_logits: Tensor, targets: Tensor) -> Tensor:
    """Return the loss that tells true labels from uniformly drawn ones.

    The exact expectation over the uniform label; its optimum is
    p_u / (p_u + 1 / K), a calibrated start for D (Lemma 4.1 with p_alpha uniform).
    """
    uniform = torch.full_like(discriminator_logits, 1 / discriminator_logits.shape[-1])
    return discriminator_loss(discriminator_logits, targets, uniform)


def saturating_reward(discriminator_logits: Tensor) -> Tensor:
    """Return log(1 - D) for every label, the paper's adversarial term."""
    return F.logsigmoid(-discriminator_logits)


def nonsaturating_reward(discriminator_logits: Tensor) -> Tensor:
    """Return -log D for every label: same fixed points, gradients where D is sure.

    Source: Goodfellow et al. (2014), section 3.
    """
    return -F.logsigmoid(discriminator_logits)


def _check_same_shape(first: Tensor, second: Tensor) -> None:
    if first.shape != second.shape:
        raise ValueError(
            f"Two arguments of a loss disagree on shape: {tuple(first.shape)} and "
            f"{tuple(second.shape)}; each must have one logit per label, or one weight."
        )
