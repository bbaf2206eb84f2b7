"""A point of a run as a probe sees it: minibatches, logits, rewards, label noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from kdgan_lib import randomness
from kdgan_lib.augment import AUGMENTATIONS
from kdgan_lib.data import Examples
from kdgan_lib.estimators import FEWEST_DRAWS, sample_gradients
from kdgan_lib.loop.evaluation import player_logits
from kdgan_lib.loop.schedule import Stage
from kdgan_lib.methods.adversarial import REWARDS, Adversarial
from kdgan_lib.methods.kdgan import KDGAN
from kdgan_lib.train import Training


@dataclass(frozen=True)
class Point:
    """A run after some epoch, seen from C: players, weights, temperature."""

    training: Training
    """The run; its players are read, never changed."""
    stage: Stage
    """The stage it is in."""

    @property
    def method(self) -> Adversarial:
        """Return the run's method; raise ValueError if it has no discriminator."""
        if not isinstance(self.training.method, Adversarial):
            name = self.training.method.name
            raise ValueError(f"{name} has no adversarial gradient to probe.")
        return self.training.method

    @property
    def tau(self) -> float:
        """Return the temperature of the epoch just trained."""
        epoch = self.training.state.epoch
        return self.method.temperature(epoch, self.stage.progress(epoch))

    def generator(self, *purpose: object) -> torch.Generator:
        """Return a generator of the probe's own, so that training is left alone."""
        epoch = self.training.state.epoch
        device = self.training.split.train.inputs.device
        place = ("probe", epoch, *purpose)
        return randomness.derive(self.training.seed, *place, device=device)

    def minibatch(self, *purpose: object) -> Examples:
        """Return a fresh minibatch: distinct examples, each augmented afresh."""
        training, generator = self.training, self.generator("batch", *purpose)
        train, size = training.split.train, training.budget.batch_size
        device = train.inputs.device
        order = torch.randperm(len(train), generator=generator, device=device)
        batch = train[order[:size]]
        augment = AUGMENTATIONS[self.stage.augmentation]
        images = augment(batch.inputs, generator)
        return Examples(images, batch.targets, batch.privileged)

    @torch.no_grad()
    def logits(self, player: str, batch: Examples) -> Tensor:
        """Return a player's logits in evaluation mode: dropout is off in a probe."""
        module = self.training.state.players[player]
        module.eval()
        return player_logits(player, module, batch)

    def teacher_logits(self, batch: Examples) -> Tensor | None:
        """Return T's logits; None where the method has no teacher."""
        distils = isinstance(self.method, KDGAN)
        return self.logits("teacher", batch) if distils else None

    def draw(
        self,
        name: str,
        tau: float,
        draws: int,
        logits: Tensor,
        reward: Tensor,
        *purpose: object,
        labels: int = 1,
    ) -> Tensor:
        """Return an estimator's logit gradients over fresh labels, [draws, B, K].

        labels: per estimate, or the fewest that the estimator takes.
        """
        noise = self.generator(name, tau, labels, *purpose)
        labels = max(labels, FEWEST_DRAWS[name])
        return sample_gradients(name, logits, reward, draws, tau, noise, labels)

    def reward(self, batch: Examples) -> Tensor:
        """Return the adversarial reward of every label, [B, K]."""
        return REWARDS[self.method.reward](self.logits("discriminator", batch))
