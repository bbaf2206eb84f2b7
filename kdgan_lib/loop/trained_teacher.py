"""Say where pretraining has made a teacher worse that was trained already."""

import math
import warnings
from dataclasses import dataclass

from kdgan_lib.loop.evaluation import predict
from kdgan_lib.loop.schedule import Stage
from kdgan_lib.loop.scoring import Scorer
from kdgan_lib.loop.state import State
from kdgan_lib.losses import cross_entropy

ASKED = 100
"""Training examples by which a teacher is told from an untrained one."""
GUESSING = 0.9
"""Share of a guess's cross-entropy that an untrained teacher hardly falls below."""


@dataclass
class TrainedTeacher:
    """The teacher's validation score before it is pretrained, if it knows something.

    It is looked at in evaluation mode, which draws no random numbers.
    """

    before: float | None = None

    def look(self, stage: Stage, state: State, scorer: Scorer) -> None:
        """Score T as its pretraining begins, or warn as the stage after it does.

        An untrained teacher is not scored, so that this costs a batch's logits only.
        """
        if self.before is not None:
            self._compare(self.before, state, scorer.criterion.name)
            self.before = None
        asked = stage.name == "pretrain teacher" and len(scorer.split.validation)
        if asked and _knows(state, scorer):
            self.before = scorer.score(state, "teacher", "validation", stage.name)

    def _compare(self, before: float, state: State, criterion: str) -> None:
        after = float(state.curve[-1]["teacher_validation"])
        if after < before:
            warnings.warn(
                f"Pretraining lowered the teacher's validation {criterion} from "
                f"{before:.4g} to {after:.4g}: set teacher_pretraining=0 if it is "
                "trained already.",
                stacklevel=2,
            )


def _knows(state: State, scorer: Scorer) -> bool:
    """Tell whether T rates the first training examples better than a guess would."""
    teacher, batch = state.players["teacher"], scorer.split.train[:ASKED]
    loss = cross_entropy(predict("teacher", teacher, batch), batch.targets)
    return loss.item() < GUESSING * math.log(scorer.split.num_labels)
