"""Seat a teacher that cannot learn: any function that returns probabilities."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

Predict = Callable[[np.ndarray], np.ndarray]


class Fixed(nn.Module):
    """Make a player without weights of a function from arrays to probabilities.

    predict: [N, ...] array -> [N, K] probabilities, such as `predict_proba` of a
    scikit-learn classifier; it sees the privileged provision where there is one, and is
    called anew for every batch. floor: least probability, so that logits are finite.
    Give such a teacher to a method that does not train it (MIMIC, DISTN, NOISY), or set
    `teacher_passes` to 0, and the budget's `teacher_pretraining` to 0. Raises
    ValueError for what is no function, a torch module (which takes its seat as it is),
    a floor outside (0, 1) and numbers that are no probabilities.
    """

    def __init__(self, predict: Predict, floor: float = 1e-3) -> None:
        super().__init__()
        if isinstance(predict, nn.Module):
            raise ValueError(
                "A torch module takes the teacher's seat as it is: leave Fixed out, "
                "and set teacher_pretraining, and KDGAN's teacher_passes, to 0."
            )
        if not callable(predict):
            raise ValueError(
                f"Fixed takes a function, not a {type(predict).__name__}: pass one "
                "such as predict_proba."
            )
        if not 0 < floor < 1:
            raise ValueError(f"floor must be above 0 and below 1, not {floor}.")
        self.predict, self.floor = predict, floor

    def forward(self, inputs: Tensor, privileged: Tensor | None = None) -> Tensor:
        """Return [batch, labels] logits: logarithms of the probabilities."""
        seen = inputs if privileged is None else privileged
        if seen.dtype == torch.bfloat16:  # which numpy does not have
            seen = seen.float()
        found = np.asarray(self.predict(seen.detach().cpu().numpy()))
        if found.ndim != 2 or found.dtype.kind not in "biuf":
            raise ValueError(
                "The teacher's function returns no array [examples, labels] of "
                "numbers: give one such as predict_proba."
            )
        # Written so that NaN, which is no probability, is refused.
        if not ((found >= 0).all() and np.allclose(found.sum(-1), 1, atol=1e-3)):
            raise ValueError(
                "The teacher's function returns rows that are no probabilities (not "
                "negative, with sum 1): give one such as predict_proba."
            )
        kind = inputs.dtype if inputs.is_floating_point() else torch.get_default_dtype()
        found = np.ascontiguousarray(found)  # torch takes no negative strides
        known = torch.as_tensor(found, dtype=kind, device=inputs.device)
        return known.clamp_min(self.floor).log()
