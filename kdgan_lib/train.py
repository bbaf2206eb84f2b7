"""Train any method: the one loop, Algorithm 1 over the method's phases."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from kdgan_lib import randomness
from kdgan_lib.augment import AUGMENTATIONS
from kdgan_lib.budget import Budget
from kdgan_lib.data import Examples, Split
from kdgan_lib.loop.arguments import check_arguments, in_folder, whole
from kdgan_lib.loop.checkpoint import Checkpoints
from kdgan_lib.loop.device import find_device, gpu_memory
from kdgan_lib.loop.divergence import Diverged, mean_losses
from kdgan_lib.loop.evaluation import ACCURACY, Criterion, player_logits
from kdgan_lib.loop.guards import check_augmentation, check_split
from kdgan_lib.loop.owner import owner, starts
from kdgan_lib.loop.player_guards import check_seated
from kdgan_lib.loop.precision import arithmetic
from kdgan_lib.loop.pretrained import Pretrained
from kdgan_lib.loop.progress import Progress
from kdgan_lib.loop.result import Result, conclude
from kdgan_lib.loop.schedule import GAME, Stage, all_updates, stages
from kdgan_lib.loop.score_guards import check_training_logits
from kdgan_lib.loop.scoring import Scorer
from kdgan_lib.loop.state import State
from kdgan_lib.loop.trained_teacher import look_at_teacher
from kdgan_lib.methods import Method, Noise, Phase
from kdgan_lib.methods import method as method_by_name

__all__ = ["AfterEpoch", "Diverged", "Result", "Training", "fit"]


@gpu_memory()
def fit(
    method: Method | str,
    players: dict[str, nn.Module],
    split: Split,
    budget: Budget | None = None,
    seed: int = 0,
    *,
    device: str | torch.device = "cpu",
    criterion: Criterion = ACCURACY,
    checkpoints: Checkpoints | Path | str | None = None,
    checkpoint_seconds: float = 20.0,
    pretrained: Pretrained | Path | str | None = None,
    progress: bool = False,
    after_epoch: "AfterEpoch | None" = None,
) -> Result:
    """Train the players by a method and return the selected classifier's metrics.

    method: a `Method`, or a name from `METHODS` for its default hyperparameters.
    players: a module per seat that the method needs, each returning one logit per
    label. They are trained in place by Adam, in training mode for their own passes; one
    that keeps the statistics of a layer overrides `train`. A teacher that is trained
    already asks for `teacher_pretraining=0`, or it is first trained anew, with a
    warning where that makes it worse, and for `teacher_passes=0` in KDGAN to stay as it
    is. seed: of order, noise, dropout and augmentation; players begin at the weights
    they have. device: `auto`, `cpu`, `cuda`, or one of torch's, where players stay; a
    GPU draws other noise. criterion: the score by which C is selected and reported.
    checkpoints: the run's own folder, to save to and resume from by the same call; it
    is kept after the end, and knows the players that nothing trains. pretrained: a
    folder in which runs share their pretrained players. after_epoch: called with the
    run and its stage when an epoch has been trained, before `state.epoch` moves on; it
    must only look.
    Raises ValueError for a missing player, one that cannot learn or has weights that
    are not finite, players that share a weight, a wrong shape or type, no examples,
    targets that are no distributions, a device that is not there, or another run's
    checkpoint, `Diverged` when a loss or a logit is not finite, and `GPUFull`. Source:
    Algorithm 1.
    """
    if isinstance(method, str):
        method = method_by_name(method)
    found = find_device(device)
    checkpoints = in_folder(Checkpoints, "checkpoints", checkpoints, found)
    pretrained = in_folder(Pretrained, "pretrained", pretrained, found)
    budget, seed = Budget() if budget is None else budget, whole(seed)
    check_arguments(
        method, players, split, budget, criterion, checkpoint_seconds, after_epoch
    )
    seated = {seat: module.to(found) for seat, module in players.items()}
    split = split.to(found)
    check_split(split, budget)
    check_augmentation(method, budget, split)
    check_seated(method, budget, seated, split, criterion)
    scorer = Scorer(split, budget, criterion)
    state = State(seated, starts=starts(method, seated, budget))
    if checkpoints is not None:
        state.owner = owner(method, seated, split, budget, seed, criterion)
    training = Training(method, split, budget, seed, state, scorer, after_epoch)
    with (
        torch.enable_grad(),  # whatever the caller's block has switched off
        arithmetic(budget.precision, budget.denormals),
        Progress(training.total_updates(), method.name, enabled=progress) as bar,
    ):
        training.run(bar, checkpoints, checkpoint_seconds, pretrained)
        return conclude(training.state, scorer)


@dataclass
class Training:
    """One run in progress."""

    method: Method
    split: Split
    budget: Budget
    seed: int
    state: State
    scorer: Scorer
    after_epoch: "AfterEpoch | None" = None

    def run(
        self,
        bar: Progress,
        checkpoints: Checkpoints | None = None,
        checkpoint_seconds: float = 20.0,
        pretrained: Pretrained | None = None,
    ) -> None:
        """Go through the stages' epochs, from the last checkpoint if there is one."""
        plan, state = stages(self.method, self.budget), self.state
        if not state.resume(checkpoints, plan, self.budget) and checkpoints:
            # Players are trained in place: the same call finds what they began at.
            checkpoints.save(0, state.payload())
        saved = time.perf_counter()
        while state.stage < len(plan):
            stage, begun = plan[state.stage], time.perf_counter()
            if not self.begin(stage, pretrained):
                self.outer_epoch(stage, state.epoch)
                state.seconds += time.perf_counter() - begun
                if self.after_epoch is not None:
                    self.after_epoch(self, stage)
                self.advance(stage, pretrained)
            bar.show(state)
            late = time.perf_counter() - saved >= checkpoint_seconds
            if checkpoints and (late or state.stage == len(plan)):
                checkpoints.save(sum(state.updates.values()), state.payload())
                saved = time.perf_counter()

    def outer_epoch(self, stage: Stage, epoch: int) -> None:
        """Let each player make its passes in turn, then evaluate (Algorithm 1)."""
        temperature = self.method.temperature(epoch, stage.progress(epoch))
        losses: dict[str, float] = {}
        with randomness.module_randomness(self.seed, "modules", stage.name, epoch):
            for phase in stage.phases:
                self.prepare(stage, phase, epoch)
                for turn in range(phase.passes):
                    place = (stage.name, epoch, phase.player, turn)
                    terms = [
                        self.update(phase, batch, noise, temperature)
                        for batch, noise in self.minibatches(stage, place)
                    ]
                    updates = self.state.updates[phase.player]
                    losses |= mean_losses(phase.player, stage.name, updates, terms)
        self.scorer.evaluate(self.state, stage, epoch + 1, temperature, losses)

    def update(
        self, phase: Phase, batch: Examples, noise: Noise, temperature: float
    ) -> dict[str, Tensor]:
        """Take one optimiser step of the phase's player; return its loss terms."""
        logits = self.logits(phase, batch)
        loss, terms = phase.loss(logits, batch, noise, temperature)
        optimizer = self.state.optimizers[phase.player]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        self.state.updates[phase.player] += 1
        return {"loss": loss.detach(), **{k: v.detach() for k, v in terms.items()}}

    def logits(self, phase: Phase, batch: Examples) -> dict[str, Tensor]:
        """Return the player's logits with gradient, and those it reads without."""
        players, player = self.state.players, phase.player
        with torch.no_grad():
            logits = {
                name: player_logits(name, players[name], batch) for name in phase.reads
            }
        logits[player] = player_logits(player, players[player], batch)
        check_training_logits(player, logits[player], batch)
        return logits

    def prepare(self, stage: Stage, phase: Phase, epoch: int) -> None:
        """Put the player in training mode, and those it reads in evaluation mode."""
        for name in phase.reads:
            self.state.players[name].eval()
        self.state.players[phase.player].train()
        rate = stage.learning_rate(self.budget, phase.player, epoch)
        for group in self.state.optimizers[phase.player].param_groups:
            group["lr"] = rate

    def minibatches(
        self, stage: Stage, place: tuple[object, ...]
    ) -> Iterator[tuple[Examples, Noise]]:
        """Yield one pass in random order, augmented, each batch with its noise."""
        train = self.split.train
        device = train.inputs.device
        shuffle = randomness.derive(self.seed, "order", *place)
        order = torch.randperm(len(train), generator=shuffle, device="cpu").to(device)
        images = randomness.derive(self.seed, "augment", *place, device=device)
        noise = Noise(randomness.derive(self.seed, "noise", *place, device=device))
        augment = AUGMENTATIONS[stage.augmentation]
        for index in order.split(int(self.budget.batch_size)):
            batch = train[index]
            inputs = augment(batch.inputs, images)
            yield Examples(inputs, batch.targets, batch.privileged), noise

    def begin(self, stage: Stage, pretrained: Pretrained | None) -> bool:
        """Start a stage at its first epoch; return whether a stored player ends it."""
        if self.state.epoch > 0:
            return False
        look_at_teacher(stage, self.state, self.scorer)
        self.state.start(stage, self.budget)
        if pretrained is None or stage.name == GAME:
            return False
        return pretrained.load(
            self.state,
            stage,
            self.split,
            self.budget,
            self.seed,
            self.scorer.criterion,
        )

    def advance(self, stage: Stage, pretrained: Pretrained | None) -> None:
        """Move to the next epoch; store a pretraining stage's player at its end."""
        self.state.next_epoch(stage)
        if pretrained and stage.name != GAME and self.state.epoch == 0:
            pretrained.save(self.state, stage)

    def total_updates(self) -> int:
        """Return the player updates of the whole run."""
        return all_updates(self.method, self.budget, len(self.split.train))


AfterEpoch = Callable[[Training, Stage], None]
