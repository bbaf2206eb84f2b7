"""Supervised baseline: C learns from the labels alone."""

from dataclasses import dataclass
from typing import ClassVar

from kdgan_lib.methods.base import Method, Phase, supervised_loss


@dataclass(frozen=True)
class Supervised(Method):
    """Cross-entropy on the labels: the classifier without teacher or discriminator."""

    name: ClassVar[str] = "supervised"

    def phases(self) -> tuple[Phase, ...]:
        """Return C's one phase."""
        return (Phase("classifier", supervised_loss("classifier")),)
