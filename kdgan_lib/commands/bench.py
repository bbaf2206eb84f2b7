"""Command `kdgan bench`: milliseconds per update against this machine's matmul peak."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import tyro
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kdgan_lib.budget import Budget
from kdgan_lib.choices import check_range
from kdgan_lib.commands import MOST_THREADS
from kdgan_lib.data import Split, load
from kdgan_lib.loop.device import find_device
from kdgan_lib.loop.state import adam
from kdgan_lib.losses import cross_entropy
from kdgan_lib.methods import KDGAN
from kdgan_lib.nets import MLP, LeNet, build_players, mnist_players
from kdgan_lib.provenance import provenance
from kdgan_lib.train import fit


@dataclass(frozen=True)
class Bench:
    """Time one update of each player and a whole KDGAN run on this machine."""

    device: str = "auto"
    """auto, cpu or cuda."""
    threads: int = 1
    """CPU threads."""
    batch_size: int = 100
    """Examples per update."""
    repeats: int = 20
    """Timed repeats; the median is shown."""
    epochs: int = 100
    """Outer epochs of the KDGAN run against its bare arithmetic; 0 leaves it out."""

    def __post_init__(self) -> None:
        """Refuse what torch would refuse in its own words."""
        check_range(self, "threads", least=1, to=MOST_THREADS)
        check_range(self, "batch_size", least=1, to=100_000)
        check_range(self, "repeats", least=1)
        check_range(self, "epochs")

    def __call__(self) -> int:
        """Print the table."""
        torch.set_num_threads(self.threads)
        device = find_device(self.device)
        made_on = provenance(device)
        print(", ".join(f"{k} {made_on[k]}" for k in ("device", "threads", "torch")))
        peak = matmul_peak(device)
        print(f"{'matmul 2048, float32':<34}{peak / 1e9:8.1f} GFLOP/s (the peak)")
        for name, module in {"MLP": MLP(), "LeNet": LeNet()}.items():
            images = torch.rand(self.batch_size, 1, 28, 28, device=device)
            seconds, work = update_cost(module.to(device), images, self.repeats)
            print(
                f"{name + f' update, batch {self.batch_size}':<34}{seconds * 1e3:8.2f} "
                f"ms {work / seconds / 1e9:8.1f} GFLOP/s {work / seconds / peak:6.0%}"
            )
        if self.epochs:
            whole, bare = run_cost(device, self.epochs)
            print(
                f"KDGAN, n = 100, {self.epochs} epochs: {whole:.1f} s, bare "
                f"arithmetic {bare:.1f} s, ratio {whole / bare:.2f}"
            )
        return 0


def matmul_peak(device: torch.device, size: int = 2048) -> float:
    """Return the floating-point operations per second of a square matrix product."""
    a = torch.rand(size, size, device=device)
    return 2 * size**3 / _seconds(lambda: a @ a, 9, device)


def update_cost(module: nn.Module, images: Tensor, repeats: int) -> tuple[float, float]:
    """Return the seconds of one update, Adam included, and its operations."""
    step = _step(module, images)
    with FlopCounterMode(display=False) as counter:
        step()
    return _seconds(step, repeats, images.device), counter.get_total_flops()


def run_cost(device: torch.device, epochs: int) -> tuple[float, float]:
    """Return the seconds of a KDGAN run's game and of its arithmetic alone.

    The run evaluates C on validation every second epoch, and C and T once at the end;
    the arithmetic is the forward passes that each phase reads, and the forward,
    backward and optimiser step of its player.
    """
    split = load("mnist", n=100)
    budget = Budget(
        epochs=epochs,
        classifier_pretraining=0,
        teacher_pretraining=0,
        discriminator_pretraining=0,
        augmentation="affine",
        test_every=epochs,
        teacher_every=epochs,
    )
    players = build_players(mnist_players(), seed=0)
    result = fit(KDGAN(), players, split, budget, device=device)
    batches = len(split.train) // budget.batch_size
    bare = _round_arithmetic(split, budget.batch_size, device) * batches * epochs
    return float(result.metrics["seconds"]), bare


def _round_arithmetic(split: Split, size: int, device: torch.device) -> float:
    """Return the seconds of the arithmetic of a minibatch of each phase."""
    players = {k: m.to(device) for k, m in build_players(mnist_players(), 0).items()}
    images = split.train.inputs[:size].to(device)
    total = 0.0
    for phase in KDGAN().phases():
        step = _step(players[phase.player], images)

        def read(names: tuple[str, ...] = phase.reads) -> None:
            with torch.no_grad():
                for name in names:
                    players[name](images)

        update = _seconds(step, 20, device) + _seconds(read, 20, device)
        total += phase.passes * update
    return total


def _step(module: nn.Module, images: Tensor) -> Callable[[], None]:
    optimizer = adam(module, Budget())
    targets = torch.eye(10, device=images.device)[torch.arange(len(images)) % 10]

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(module(images), targets).backward()
        optimizer.step()

    return step


def _seconds(work: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Return the median time of a call, after three to warm up."""
    times = []
    for repeat in range(repeats + 3):
        _wait(device)
        begun = time.perf_counter()
        work()
        _wait(device)
        if repeat >= 3:
            times.append(time.perf_counter() - begun)
    return median(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main(arguments: list[str]) -> int:
    """Run `kdgan bench`; return the exit code."""
    return tyro.cli(Bench, prog="kdgan bench", args=arguments)()
