"""Say where pretraining has made a teacher worse that was trained already."""

import math
import warnings

from kdgan_lib.loop.evaluation import predict
from kdgan_lib.loop.schedule import Stage
from kdgan_lib.loop.scoring import Scorer
from kdgan_lib.loop.state import State
from kdgan_lib.losses import cross_entropy

ASKED = 100
"""Training examples by which a teacher is told from an untrained one."""
GUESSING = 0.9
"""Share of a guess's cross-entropy that an untrained teacher hardly falls below."""


def look_at_teacher(stage: Stage, state: State, scorer: Scorer) -> None:
    """Score T as its pretraining begins; as the next stage does, warn if that fell.

    It is looked at in evaluation mode, which draws no random numbers. An untrained T
    is not scored, so that this costs a batch's logits only.
    """
    if state.teacher_before is not None:
        _compare(state.teacher_before, state, scorer.criterion.name)
        state.teacher_before = None
    asked = stage.name == "pretrain teacher" and len(scorer.split.validation)
    if asked and _knows(state, scorer):
        state.teacher_before = scorer.score(state, "teacher", "validation", stage.name)


def _compare(before: float, state: State, criterion: str) -> None:
    after = float(state.curve[-1]["teacher_validation"])
    if after < before:
        warnings.warn(
            f"Pretraining lowered the teacher's validation {criterion} from "
            f"{before:.4g} to {after:.4g}: set teacher_pretraining=0 if it is "
            "trained already.",
            stacklevel=3,
        )


def _knows(state: State, scorer: Scorer) -> bool:
    """Tell whether T rates the first training examples better than a guess would."""
    teacher, batch = state.players["teacher"], scorer.split.train[:ASKED]
    loss = cross_entropy(predict("teacher", teacher, batch), batch.targets)
    return loss.item() < GUESSING * math.log(scorer.split.num_labels)
