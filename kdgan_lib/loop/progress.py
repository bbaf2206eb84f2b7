"""Show a run's progress: updates done, losses, accuracies."""

from types import TracebackType

from tqdm.auto import tqdm

from kdgan_lib.loop.state import State

SHOWN = ("classifier_loss", "classifier_validation", "classifier_test")


class Progress:
    """A bar over the player updates of a run."""

    def __init__(self, total: int, name: str, enabled: bool) -> None:
        self._bar = tqdm(total=total, desc=name, unit="update", disable=not enabled)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def show(self, state: State) -> None:
        """Move the bar to the run's updates; show the last losses and accuracies."""
        self._bar.update(sum(state.updates.values()) - self._bar.n)
        row = state.curve[-1] if state.curve else {}
        self._bar.set_postfix({k: f"{row[k]:.3f}" for k in SHOWN if k in row})
