"""Share pretrained players between runs that would train them to the same bits."""

import hashlib
from pathlib import Path
from pickle import UnpicklingError

from kdgan_lib.budget import Budget
from kdgan_lib.data import Split
from kdgan_lib.files import write_atomically
from kdgan_lib.loop.checkpoint import decode, encode
from kdgan_lib.loop.evaluation import Criterion
from kdgan_lib.loop.fingerprint import (
    build_of,
    described,
    digest_of_examples,
    fingerprint,
)
from kdgan_lib.loop.schedule import Stage
from kdgan_lib.loop.scoring import position
from kdgan_lib.loop.state import State, digest


class Pretrained:
    """A folder of players, each under a hash of all that its training depends on.

    context: what else the bits depend on, such as device, versions and threads.
    """

    def __init__(self, folder: Path | str, context: str = "") -> None:
        self.folder = Path(folder)
        self.context = context
        self._key = ""

    def load(
        self,
        state: State,
        stage: Stage,
        split: Split,
        budget: Budget,
        seed: int,
        criterion: Criterion,
    ) -> bool:
        """Put a stored player in its seat and pass its stage; False if none is stored.

        A file that is damaged, or holds other things than tensors and plain values,
        counts as not stored: the player is trained again.
        """
        (phase,) = stage.phases
        player = phase.player
        recipe = (
            *(stage.name, stage.epochs, stage.augmentation, seed, self.context),
            *(described(phase.loss), phase.passes),
            *(budget.batch_size, budget.pretraining_lr, budget.pretraining_schedule),
            budget.weight_decay,
            # The stored row has scores.
            *(budget.evaluated, criterion.name, described(criterion.score)),
            *(budget.precision, budget.denormals),
            digest_of_examples(split.train, split.validation, split.test),
            # The weights do not tell one dropout rate from another.
            *(digest(state.players[player]), build_of(state.players[player])),
            *(
                (seat, *fingerprint(seat, state.players[seat], split.train))
                for seat in phase.reads
            ),
        )
        self._key = hashlib.sha256(repr(recipe).encode()).hexdigest()[:24]
        try:
            stored = decode(self._path().read_bytes())
        except (OSError, ValueError, UnpicklingError):
            return False
        state.players[player].load_state_dict(stored["weights"])
        state.updates[player] += stored["updates"]
        state.seconds += stored["seconds"]
        state.curve.append(stored["row"] | position(state, stage, stage.epochs))
        state.stage += 1
        self._key = ""
        return True

    def save(self, state: State, stage: Stage) -> None:
        """Store the player whose pretraining stage has just ended."""
        player = stage.phases[0].player
        if not self._key or state.curve[-1]["stage"] != stage.name:
            return
        payload = {
            "weights": state.players[player].state_dict(),
            "updates": state.updates[player],
            "seconds": state.seconds - state.stage_began,
            "row": state.curve[-1],
        }
        write_atomically(self._path(), encode(payload))
        self._key = ""

    def _path(self) -> Path:
        return self.folder / f"{self._key}.pt"
